"""On what input a command tries networks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from vlnn.matlab.arrays import Array


def parsed_size(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[int, ...] | None:
    """The numbers in a size such as 224x224 or 224x224x3."""
    if value is None:
        return None
    sides = value.lower().split("x")
    if len(sides) not in (2, 3) or not all(side.isdecimal() and int(side) > 0 for side in sides):
        raise click.BadParameter(f"{value!r} is no size such as 224x224 or 224x224x3.")
    return tuple(int(side) for side in sides)


def probe_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of commands that try networks."""
    for option in (
        click.option("--tolerance", type=click.FloatRange(0, min_open=True), help=TOLERANCE_HELP),
        click.option(
            "--input-size",
            callback=parsed_size,
            metavar="HxW[xC]",
            help="The size of random input, by default what net.meta says, or the smallest that works.",
        ),
        click.option(
            "--input",
            "input_file",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="Input instead of a random one: an array in a .npy file, or arrays by their names in .npz or .mat.",
        ),
    ):
        command = option(command)
    return command


TOLERANCE_HELP = (
    "How far apart variables may be, in relation to the largest element of each.  [default: 1e-5; 1e-2 with --half]"
)


def read_probe(path: Path | None) -> dict[str, Array] | None:
    """The inputs in a file, by their names."""
    if path is None:
        return None
    from vlnn.convert.probing import read_inputs

    return read_inputs(path)
