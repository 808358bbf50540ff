"""vlnn demo: enlarge a photograph with a trained network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vlnn.cli.files import new_file
from vlnn.geometry import sizes

if TYPE_CHECKING:
    from vlnn.demo.comparison import Comparison


@click.command("demo")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default="demo-output",
    show_default=True,
    metavar="DIR",
    help="Where demo.png goes; created if it does not exist.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.option("--force", is_flag=True, help="Overwrite DIR/demo.png.")
def demo_command(output: Path, as_json: bool, force: bool) -> None:
    """Enlarge a photograph with a trained network, and compare.

    A photograph that comes with vlnn, reduced to half its size, is enlarged by plain interpolation and by a small
    network in MatConvNet's format, which vlnn trained. Printed: the PSNR of each against the original, and the times.
    Written: DIR/demo.png, which shows them side by side. Needs Pillow: pip install 'vlnn[images]'.

    \b
    Examples:
      vlnn demo
      vlnn demo --output pictures --json
    """
    from vlnn.demo.comparison import compare, sheet  # needs Pillow, which is an extra

    path = output / "demo.png"
    with new_file(path, force) as stream:
        found = compare()
        sheet(found).save(stream, format="PNG")
    click.echo(json.dumps(figures(found, path), indent=2) if as_json else story(found, path))


def figures(found: Comparison, path: Path) -> dict[str, object]:
    """What the demo found out, for --json."""
    return {
        "photograph": list(found.photograph.shape),
        "low_resolution": list(found.low_resolution.shape),
        "psnr_db": {name: round(score, 3) for name, score in found.scores.items()},
        "gain_over_bicubic_db": round(found.gain, 3),
        "network_input": list(found.planes),
        "network_ms": round(1e3 * found.network_seconds, 3),
        "total_ms": round(1e3 * found.total_seconds, 3),
        "megapixels_per_second": round(found.megapixels_per_second, 2),
        "picture": str(path),
    }


def story(found: Comparison, path: Path) -> str:
    """What the demo found out, for people."""
    layers = ", ".join(layer.block.type.removeprefix("dagnn.") for layer in found.network.layers)
    parameters = sum(param.value.size for param in found.network.params)
    large, small = sizes(found.photograph.shape), sizes(found.low_resolution.shape)
    times, speed = (1e3 * found.network_seconds, 1e3 * found.total_seconds), found.megapixels_per_second
    lines = [
        f"Photograph    Eileen Collins (NASA, public domain), {large}, reduced to {small}",
        f"Network       {layers}",
        f"              {parameters} parameters, trained on other pictures by cnn_train_dag",
        "",
        f"PSNR against the photograph: 8-bit RGB, {found.border} pixels of border left out",
    ]
    lines += [f"  {name:<12}{score:6.2f} dB" for name, score in found.scores.items()]
    lines[-1] += f", {found.gain:+.2f} dB against bicubic"
    lines += [
        "",
        f"Time          {times[0]:.1f} ms for an input of {sizes(found.planes)}, {speed:.2f} megapixels/s",
        f"Everything    {times[1]:.1f} ms from 8-bit picture to 8-bit picture (both times are medians)",
        f"Picture       {path}",
    ]
    return "\n".join(lines)
