"""ONNX's files, which are Protocol Buffers: what their fields are, and how they start.

The library for Protocol Buffers holds a whole file in memory, twice while it writes or reads it; here the numbers of
one array at a time are. A field starts with its number and its kind; a message is a field that starts with its length::

    model  { 1: version  ...  14: metadata {1: key  2: value}  7: graph }
    graph  { 1: node  ...  5: array }
    array  { 1: size  2: type  8: name  9: numbers  13: {1: key  2: value}  14: where }
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vlnn.matlab.arrays import Array

DESCRIPTION, LAYOUT = "vlnn", "vlnn.layout"  # keys of the metadata
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # kinds of fields
GRAPH, METADATA = 7, 14  # of a model
ARRAY, OUTPUT = 5, 12  # of a graph
SIZE, TYPE, FLOATS, NAME, NUMBERS, DOUBLES, EXTERNAL = 1, 2, 4, 8, 9, 10, 13  # of an array
PART = 2**22  # bytes of an array that are turned at a time
MOST_TEXT = 2**28  # bytes of a text that is read


@dataclass(frozen=True)
class Initialiser:
    """An array of a model, made when it is written: one at a time is in memory beside those of the network."""

    name: str
    dtype: np.dtype[Any]
    size: tuple[int, ...]
    make: Callable[[], Array]

    @property
    def nbytes(self) -> int:
        return math.prod(self.size) * self.dtype.itemsize


def start_of(number: int, length: int) -> bytes:
    """The start of a field of bytes."""
    return varint(number << 3 | BYTES) + varint(length)


def field_of(number: int, content: bytes) -> bytes:
    """A field of bytes."""
    return start_of(number, len(content)) + content


def number_of(number: int, value: int) -> bytes:
    """A field that is a number."""
    return varint(number << 3 | VARINT) + varint(value)


def varint(value: int) -> bytes:
    """A number in groups of seven bits, the lowest first."""
    groups = bytearray()
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    groups.append(value)
    return bytes(groups)


def parts_of(size: Sequence[int], itemsize: int) -> Iterator[slice]:
    """Ranges of the first side, for arrays that are written and read a part at a time."""
    step = max(1, PART // max(1, math.prod(size[1:]) * itemsize))
    return (slice(start, start + step) for start in range(0, size[0], step))
