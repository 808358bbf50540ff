"""vlnn run: a network applied to pictures."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, get_args

import click
import numpy as np

from vlnn.cli.files import given_file, new_file
from vlnn.cli.networks import read_network
from vlnn.cli.progress import Progress
from vlnn.geometry import sizes
from vlnn.inference import Outcome, Plan, Runner, ranking
from vlnn.inference.runner import Colour
from vlnn.matlab.arrays import Array
from vlnn.summary.network import class_names


def read_resize(text: str) -> tuple[int, int] | float | str:
    """A size, a factor or 'none'."""
    if text == "none":
        return text
    sides = text.lower().split("x")
    if len(sides) == 2 and all(side.isdecimal() and int(side) > 0 for side in sides):
        return int(sides[0]), int(sides[1])
    try:
        return read_number(text)
    except click.BadParameter:
        raise click.BadParameter(
            f"{text!r} is no size such as 224x224, no factor such as 0.5, and not 'none'."
        ) from None


def read_number(text: str) -> float:
    """A positive number, also written as a fraction."""
    above, _, below = text.partition("/")
    try:
        number = float(above) / float(below or 1)
    except (ValueError, ZeroDivisionError):
        number = np.nan
    if not 0 < number < np.inf:
        raise click.BadParameter(f"{text!r} is no positive number such as 1/255.")
    return number


@click.command("run")
@click.argument("net", type=click.Path(allow_dash=True), metavar="NET")
@click.argument("images", type=click.Path(allow_dash=True), metavar="IMAGE...", nargs=-1, required=True)
@click.option("--variable", metavar="NAME", help="Which network, where the file has several: 'best.net', 'nets{3}'.")
@click.option("--output", metavar="VAR", help="A variable or layer, instead of the network's output.")
@click.option("--top", type=click.IntRange(1), default=5, show_default=True, metavar="K", help="Classes to print.")
@click.option(
    "--to",
    type=click.Path(path_type=Path, allow_dash=True),
    default="run-output",
    show_default=True,
    metavar="DIR",
    help="Where pictures go, as PNG; of one IMAGE it may be a file's name, or - for stdout.",
)
@click.option(
    "--save",
    type=click.Path(path_type=Path),
    metavar="FILE.npz",
    help="Keep what came out, too: names, and output (H W C N), or output0, output1, ... of different sizes.",
)
@click.option(
    "--resize",
    type=read_resize,
    metavar="HxW|FACTOR|none",
    help="The size of pictures before the network; none leaves them as they are.",
)
@click.option(
    "--scale",
    type=read_number,
    metavar="NUMBER",
    help="What pixels from 0 to 255 are multiplied by first, such as 1/255.",
)
@click.option("--no-crop", is_flag=True, help="Stretch whole pictures, whatever border or cropSize say.")
@click.option("--bgr", is_flag=True, help="The network takes blue, green and red.")
@click.option("--residual", is_flag=True, help="The result is the input minus the output, as denoisers need.")
@click.option(
    "--colour",
    type=click.Choice(get_args(Colour)),
    default="luma",
    show_default=True,
    help="What of a colour picture goes through a network of one channel that makes pictures.",
)
@click.option(
    "--noise", type=click.FloatRange(0), metavar="LEVEL", help="The noise that FFDNet is told, from 0 to 255."
)
@click.option("--batch", type=click.IntRange(1), default=16, show_default=True, help="The most pictures at once.")
@click.option("--gpu", is_flag=True, help="Run on the GPU; needs CuPy.")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
@click.option("--force", is_flag=True, help="Overwrite files.")
def run_command(
    net: str,
    images: tuple[str, ...],
    variable: str | None,
    output: str | None,
    top: int,
    to: Path,
    save: Path | None,
    resize: Any,
    scale: float | None,
    no_crop: bool,
    bgr: bool,
    residual: bool,
    colour: Colour,
    noise: float | None,
    batch: int,
    gpu: bool,
    as_json: bool,
    force: bool,
) -> None:
    """Apply a network to pictures.

    Pictures are prepared as the network's meta.normalization says. A network that classifies prints the classes with
    the highest scores; one that makes pictures of pictures (a denoiser, super-resolution) takes them as large as they
    are and writes DIR/NAME.png. Of anything else the size and the range are printed, and --save keeps the values.

    NET is a file with a network, an IMAGE whatever Pillow reads; one of them may be - for stdin.

    \b
    Examples:
      vlnn run imagenet-vgg-f.mat peppers.png
      vlnn run DnCNN.mat noisy.png --residual --to clean.png
      vlnn run LapSRN_x4.mat photo.png --resize 0.5
      vlnn run net.mat *.jpg --output fc7 --save fc7.npz
    """
    if [net, *images].count("-") > 1:
        raise click.UsageError("Only one of the files can be -, stdin.")
    if save is not None and save.suffix.lower() != ".npz":
        raise click.BadParameter(f"{save} does not end in .npz.", param_hint="--save")
    targets = _targets(images, to)
    given = read_network(net, variable)
    plan = Plan(output, resize, scale, not no_crop, bgr, residual, colour, noise, batch, gpu)
    runner = Runner(given.net, plan)
    names = class_names(given.net)
    for note in runner.notes:
        click.echo(f"Note: {note}", err=True)
    outcomes: list[Outcome] = []
    described: list[dict[str, Any]] = []
    with ExitStack() as stack:
        keep = stack.enter_context(new_file(save, force)) if save is not None else None
        progress = stack.enter_context(Progress(len(images), "Running"))
        for outcome, target in zip(runner.run(_opened(images, stack)), targets, strict=True):
            described.append(_description(outcome, names, top))
            if outcome.picture is not None:
                _write(outcome.picture, target, force)
                described[-1]["picture"] = str(target)
            if not as_json:
                progress.echo(_story(described[-1], blank=len(described) > 1), err=str(to) == "-")
            if keep is not None:
                outcomes.append(outcome)
            progress.step()
        if keep is not None:
            _save(keep, outcomes)
    if as_json:
        click.echo(json.dumps(described, indent=2, allow_nan=False), err=str(to) == "-")


def _opened(images: Sequence[str], stack: ExitStack) -> Iterator[tuple[str, Path]]:
    for image in images:
        yield "stdin" if image == "-" else image, stack.enter_context(given_file(image))


def _targets(images: Sequence[str], to: Path) -> list[Path]:
    """Where the picture of each image goes."""
    one_file = str(to) == "-" or (to.suffix.lower() in (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"))
    if one_file:
        if len(images) > 1:
            raise click.BadParameter(f"{to} is one file, and there are {len(images)} images.", param_hint="--to")
        return [to]
    found: dict[Path, None] = {}
    for image in images:
        stem = "stdin" if image == "-" else Path(image).stem
        target, count = to / f"{stem}.png", 1
        while target in found:
            count += 1
            target = to / f"{stem}-{count}.png"
        found[target] = None
    return list(found)


def _write(picture: Array, target: Path, force: bool) -> None:
    from PIL import Image

    image = Image.fromarray(picture)
    if str(target) == "-":
        image.save(sys.stdout.buffer, format="PNG")
        return
    kinds = Image.registered_extensions()
    with new_file(target, force) as stream:
        image.save(stream, format=kinds[target.suffix.lower()])


def _save(stream: BinaryIO, outcomes: Iterable[Outcome]) -> None:
    names = np.array([outcome.name for outcome in outcomes])
    arrays = [outcome.output for outcome in outcomes]
    if len({array.shape for array in arrays}) == 1:
        np.savez(stream, names=names, output=np.stack(arrays, axis=3))
    else:
        np.savez(stream, names=names, **{f"output{at}": array for at, array in enumerate(arrays)})


def _description(outcome: Outcome, names: Sequence[str], top: int) -> dict[str, Any]:
    described: dict[str, Any] = {"image": outcome.name, "output": list(outcome.output.shape)}
    if outcome.scores is not None:
        described["classes"] = [score._asdict() for score in ranking(outcome.scores, names, top)]
        return described
    finite = outcome.output[np.isfinite(outcome.output)]
    figures = (finite.min(), finite.mean(dtype=np.float64), finite.max()) if finite.size else (None, None, None)
    described |= {
        name: None if figure is None else float(figure)
        for name, figure in zip(("min", "mean", "max"), figures, strict=True)
    }
    return described


def _story(described: dict[str, Any], blank: bool) -> str:
    """What came out for a picture, for people."""
    if "classes" in described:
        lines = [f"{each['score']:9.4f}  {each['name']} ({each['number']})" for each in described["classes"]]
        return "\n".join([*[""] * blank, described["image"], *lines])
    if "picture" in described:
        return f"{described['image']}: {sizes(described['output'])}, {described['picture']}"
    size = sizes(tuple(described["output"]))
    if described["mean"] is None:
        return f"{described['image']}: {size}, nothing in it is finite"
    figures = f"from {described['min']:.4g} to {described['max']:.4g}, mean {described['mean']:.4g}"
    return f"{described['image']}: {size}, {figures}; --save keeps it"
