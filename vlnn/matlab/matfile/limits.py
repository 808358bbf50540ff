"""What reading a file may take, and the exception for files that are damaged or ask for more.

Nothing that a file says is believed: sizes are checked against the bytes that are there before anything is allocated,
and what compression, shared references or bare sizes can blow up is counted.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from vlnn.matlab.arrays import Array

MAX_DIMENSIONS = 32
MAX_DEPTH = 64
MAX_ELEMENTS = 2**59

# MATLAB's numeric classes.
NUMBERS: dict[str, np.dtype[Any]] = {
    "double": np.dtype(np.float64),
    "single": np.dtype(np.float32),
    "int8": np.dtype(np.int8),
    "uint8": np.dtype(np.uint8),
    "int16": np.dtype(np.int16),
    "uint16": np.dtype(np.uint16),
    "int32": np.dtype(np.int32),
    "uint32": np.dtype(np.uint32),
    "int64": np.dtype(np.int64),
    "uint64": np.dtype(np.uint64),
}


class MatFileError(ValueError):
    """A MAT-file that is damaged or cannot be read, or values that cannot be written into one."""


class Budget:
    """How much memory, how many values and how much rereading a file has left.

    Parameters
    ----------
    file_size : int
        Bytes. A larger file may ask for more.
    memory : int, optional
        Bytes that the values may take. By default 512 MB and sixteen times the file's size: a network's weights do not
        compress, and the largest gain that is common are doubles that fit in one byte.
    """

    def __init__(self, file_size: int, memory: int | None = None) -> None:
        self.limit = (512 << 20) + 16 * file_size if memory is None else memory
        self._memory = self.limit
        # Each takes time rather than memory. The names and labels of all of ImageNet's pictures are 1.5 million.
        self._values = max(min(500_000 + file_size // 4, 1_600_000), 0 if memory is None else memory >> 10)
        self._rereading = (16 << 20) + 4 * file_size

    def spend(self, size: int) -> None:
        """Take `size` bytes of memory."""
        self._memory -= size
        if self._memory < 0:
            raise MatFileError(
                f"its values take more than {self.limit / 2**20:.0f} MB, which is out of proportion to the file; "
                "loadmat(path, memory=...) allows them as many bytes as you say"
            )

    def count(self, values: int) -> None:
        """Take `values` variables, elements of cells and structs, or rows of text."""
        self._values -= values
        if self._values < 0:
            raise MatFileError(
                "it holds more elements of cells and structs than is usual for its size; "
                "loadmat(path, memory=...) allows one for every 1024 bytes"
            )

    def reread(self, size: int) -> None:
        """Take `size` bytes of what describes the values."""
        self._rereading -= size
        if self._rereading < 0:
            raise MatFileError("it refers to the same bytes again and again")

    def empty(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        """An array to be filled, Fortran-ordered."""
        self.spend(number_of(shape) * dtype.itemsize + 128)
        return np.empty(shape, dtype, order="F")


def number_of(shape: Sequence[int]) -> int:
    """How many elements an array of such a shape has, if NumPy can have one."""
    if len(shape) > MAX_DIMENSIONS:
        raise MatFileError(f"an array has {len(shape)} dimensions; at most {MAX_DIMENSIONS} are supported")
    if shape and min(shape) <= 0:
        # NumPy multiplies what is not zero, in 64 bits.
        if min(shape) < 0 or math.prod(size for size in shape if size) >= MAX_ELEMENTS:
            raise MatFileError(f"an array has the size {by(shape)}")
        return 0
    number = math.prod(shape)
    if number >= MAX_ELEMENTS:
        raise MatFileError(f"an array has the size {by(shape)}")
    return number


def by(shape: Iterable[int]) -> str:
    """A size as MATLAB shows it: 3x3x64."""
    return "x".join(str(size) for size in shape)
