"""MATLAB's values put together from what a file of any version holds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from vlnn.matlab.arrays import Array
from vlnn.matlab.matfile.limits import MatFileError, by
from vlnn.matlab.values import Cell, CharMatrix, Opaque, Struct, StructArray


class Reference(Opaque):
    """An object of which the file has told only its class and where to look it up."""

    __slots__ = ("content",)

    def __init__(self, class_name: str, content: Any) -> None:
        super().__init__(class_name)
        self.content = content


def nothing() -> Array:
    """MATLAB's []."""
    return np.zeros((0, 0))


def arranged(values: list[Any], shape: Sequence[int]) -> Any:
    """A cell array."""
    if len(values) == 0 or sum(size > 1 for size in shape) < 2:
        return Cell(values, shape)
    cells = np.empty(len(values), dtype=object)
    for at, value in enumerate(values):  # an assignment of all would look into lists
        cells[at] = value
    return cells.reshape(tuple(shape), order="F")


def structs(fields: Sequence[str], columns: Sequence[list[Any]], shape: Sequence[int]) -> Struct | StructArray:
    """A struct, or a struct array, from the values of each of its fields."""
    if len(set(fields)) < len(fields):
        raise MatFileError("a struct has two fields of the same name")
    number = math.prod(shape)
    if number == 1:
        return Struct(zip(fields, (column[0] for column in columns), strict=True))
    if not fields:
        return StructArray([Struct() for _ in range(number)], shape)
    return StructArray([Struct(zip(fields, row, strict=True)) for row in zip(*columns, strict=True)], shape, fields)


def joined(real: Array, imaginary: Array) -> Array:
    """Complex numbers. Those of integer class become double: NumPy has no others."""
    both = np.empty(real.shape, np.complex64 if real.dtype == np.float32 else np.complex128, order="F")
    both.real = real
    both.imag = imaginary
    return both


def units_of(letters: str) -> int:
    """How many characters MATLAB counts: units of UTF-16."""
    return len(letters) if letters.isascii() else len(letters) + sum(letter > "\uffff" for letter in letters)


def text(letters: str, shape: Sequence[int]) -> str | CharMatrix:
    """A string, or the rows of a character matrix, from letters in MATLAB's order."""
    columns = shape[1]
    number = math.prod(size for axis, size in enumerate(shape) if axis != 1)
    if number == 1 or (columns == 0 and number == 0):
        return letters
    if not letters:
        return CharMatrix([""] * number, shape)
    units = np.frombuffer(letters.encode("utf-16-le", "surrogatepass"), "<u2").reshape(shape, order="F")
    rows = np.moveaxis(units, 1, -1).reshape(number, columns, order="F")
    return CharMatrix([row.tobytes().decode("utf-16-le", "surrogatepass") for row in rows], shape)


def sparse(values: Array, rows: Array, starts: Array, shape: Sequence[int]) -> Any:
    """A sparse matrix as SciPy's csc_array, from its columns one after the other."""
    from scipy.sparse import csc_array

    height, width = shape
    most = min(values.size, rows.size)
    # The library does not check places, and follows wrong ones out of its arrays.
    if (
        starts.size != width + 1
        or not _within(starts, most)
        or starts[0]
        or (np.diff(starts.astype(np.int64)) < 0).any()
    ):
        raise MatFileError(f"the columns of a sparse matrix of size {by(shape)} are damaged")
    stored = int(starts[-1])
    rows, values = rows[:stored], values[:stored]
    if not _within(rows, height - 1):
        raise MatFileError(f"a sparse matrix of size {by(shape)} has values outside it")
    return csc_array((values, rows.astype(np.int64), starts.astype(np.int64)), shape=(height, width))


def _within(numbers: Array, largest: int) -> bool:
    """Whether all numbers are places from 0 to the largest."""
    if numbers.dtype.kind not in "iu":
        return False
    return numbers.size == 0 or 0 <= int(numbers.min()) <= int(numbers.max()) <= largest
