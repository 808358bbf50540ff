"""Format strings: which letter of 'SSCB' a dimension of an array is, and the way to the engine's planes and back.

S is a spatial dimension, C the channels, B the batch, T time, U unspecified.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from vlnn.errors import MatConvNetError
from vlnn.geometry import sizes
from vlnn.matlab.arguments import received
from vlnn.matlab.arrays import Array, library


class Format(NamedTuple):
    """The meaning of an array's dimensions, by their positions."""

    letters: str
    spatial: tuple[int, ...]  # convolved over, in the order of the filters' dimensions
    channel: int
    rest: tuple[int, ...]  # each position an observation of its own

    def size_of(self, name: str, array: Array) -> tuple[int, ...]:
        """The size of an array, with the ones that MATLAB drops at its end."""
        size: tuple[int, ...] = array.shape
        if len(size) > len(self.letters):
            raise MatConvNetError(
                f"{name} has more dimensions than its format has letters. Received {name} {sizes(size)}, "
                f"format '{self.letters}'."
            )
        return size + (1,) * (len(self.letters) - len(size))

    def spatial_size(self, size: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(size[place] for place in self.spatial)

    def batch(self, size: tuple[int, ...]) -> int:
        """How many observations there are: the batch, and the positions in time and in unspecified dimensions."""
        return math.prod(size[place] for place in self.rest)

    def output_size(self, size: tuple[int, ...], spatial: tuple[int, ...], channels: int) -> tuple[int, ...]:
        """The size of an array that has other spatial dimensions and channels."""
        changed = dict(zip((*self.spatial, self.channel), (*spatial, channels), strict=True))
        return tuple(changed.get(place, length) for place, length in enumerate(size))

    def planes(self, array: Array, size: tuple[int, ...]) -> Array:
        """An array of a size as planes (N, C, D, W, H), C-ordered: a view where its strides allow."""
        turned = array.reshape(size).transpose(self._axes)
        spatial = self.spatial_size(size)
        missing = (1,) * (3 - len(spatial))
        shape = (self.batch(size), size[self.channel], *missing, *reversed(spatial))
        return library(array).ascontiguousarray(turned).reshape(shape)

    def array(self, planes: Array, size: tuple[int, ...]) -> Array:
        """Planes as a Fortran-ordered array of a size."""
        turned = planes.reshape([size[axis] for axis in self._axes])
        back = sorted(range(len(size)), key=self._axes.__getitem__)
        return library(planes).asfortranarray(turned.transpose(back))

    @property
    def _axes(self) -> tuple[int, ...]:
        """The positions in the order of planes."""
        return (*reversed(self.rest), self.channel, *reversed(self.spatial))


def layer_formats(dims: int) -> tuple[str, ...]:
    """The formats that a layer over so many dimensions takes: of space, or of one less of space and of time."""
    space, time = "S" * dims + "C", "S" * (dims - 1) + "CT"
    return f"{space}B", f"{space}BT", f"{time[:-1]}BT", space, f"{space}T", time


def layer_format(letters: object, dims: int) -> Format:
    """Read the format of a layer's input: one of :func:`layer_formats`, its letters in any order and case."""
    known = layer_formats(dims)
    if not isinstance(letters, str) or sorted(letters.upper()) not in [sorted(each) for each in known]:
        raise MatConvNetError(
            f"format is not one of {', '.join(known)}, or these letters in another order. Received {received(letters)}."
        )
    letters = letters.upper()
    return _format(letters, time=letters.count("S") < dims)


def data_format(letters: object, time: bool) -> Format:
    """Read dltranspconv's DataFormat; with `time` T is convolved over, after every S."""
    text = letters.upper() if isinstance(letters, str) else ""
    if set(text) - set("SCBTU") or text.count("C") != 1 or max(text.count("B"), text.count("T")) > 1:
        raise MatConvNetError(
            "DataFormat is not a string of the letters S, C, B, T and U with one C, at most one B and one T. "
            f"Received {received(letters)}."
        )
    if time and "T" not in text:
        raise MatConvNetError(f"WeightsFormat has a T and DataFormat has none. Received DataFormat {letters!r}.")
    return _format(text, time)


def places(letters: str, *wanted: str) -> tuple[int, ...]:
    """Where some letters stand in a format: all places of the first, then of the second."""
    return tuple(place for letter in wanted for place, each in enumerate(letters) if each == letter)


def _format(letters: str, time: bool) -> Format:
    spatial = places(letters, "S", "T") if time else places(letters, "S")
    channel = letters.index("C")
    rest = tuple(place for place in range(len(letters)) if place not in (*spatial, channel))
    return Format(letters, spatial, channel, rest)
