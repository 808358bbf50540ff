"""What the blocks' option 'Verbose' prints."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from vlnn.matlab.arrays import Array, describe

Line: TypeAlias = str | tuple[str, tuple[int, ...]]  # a text, or the name and the shape of a tensor


def print_report(function: str, like: Array, lines: Iterable[Line]) -> None:
    """Print one line after another behind the function's name; tensors are of the class and library of `like`."""
    for line in lines:
        text = line if isinstance(line, str) else f"{line[0]}: {describe(like, line[1])}"
        print(f"{function}: {text}")
