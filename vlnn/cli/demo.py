"""vlnn demo: enlarge a photograph with a trained filter bank."""

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
    """Enlarge a photograph with a trained filter bank, and compare.

    A photograph that comes with vlnn, reduced to half its size, is enlarged by plain interpolation and by a trained
    filter bank that vl_nnconvt applies. Printed: the PSNR of each against the original, and how long vl_nnconvt took.
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
        "vl_nnconvt_input": list(found.maps),
        "vl_nnconvt_output": list(found.planes),
        "vl_nnconvt_ms": round(1e3 * found.convt_seconds, 3),
        "total_ms": round(1e3 * found.total_seconds, 3),
        "megapixels_per_second": round(found.megapixels_per_second, 2),
        "picture": str(path),
    }


def story(found: Comparison, path: Path) -> str:
    """What the demo found out, for people."""
    filters = ", ".join(f"{name} {sizes(f.shape)}" for name, f in found.bank._asdict().items())
    large, small = sizes(found.photograph.shape), sizes(found.low_resolution.shape)
    maps, planes = sizes(found.maps), sizes(found.planes)
    milliseconds, total = 1e3 * found.convt_seconds, 1e3 * found.total_seconds
    lines = [
        f"Photograph    Eileen Collins (NASA, public domain), {large}, reduced to {small}",
        f"Filters       {filters}; trained on other pictures",
        "Enlarged by   vl_nnconv, ReLU, vl_nnconv, ReLU, vl_nnconvt with Upsample 2",
        "",
        f"PSNR against the photograph: 8-bit RGB, {found.border} pixels of border left out",
    ]
    lines += [f"  {name:<12}{score:6.2f} dB" for name, score in found.scores.items()]
    lines[-1] += f", {found.gain:+.2f} dB against bicubic"
    lines += [
        "",
        f"vl_nnconvt    {milliseconds:.1f} ms from {maps} to {planes}, {found.megapixels_per_second:.1f} megapixels/s",
        f"Everything    {total:.1f} ms from 8-bit picture to 8-bit picture (both times are medians)",
        f"Picture       {path}",
    ]
    return "\n".join(lines)
