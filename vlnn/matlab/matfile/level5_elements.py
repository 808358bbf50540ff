"""The data elements of MAT-files of level 5: a type, a length, and numbers or letters."""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np

from vlnn.matlab.arrays import Array
from vlnn.matlab.matfile.assembly import joined
from vlnn.matlab.matfile.limits import Budget, MatFileError, by, number_of
from vlnn.matlab.matfile.stream import PIECE, Stream

INT8, INT32, UINT32 = 1, 5, 6
STORED = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}


class Elements:
    """The data elements that follow each other in a stream; `end` is where the array ends to which they belong.

    Attributes
    ----------
    stream : Stream
        Where they are read from.
    order : str
        '<' or '>', the order of bytes.
    budget : Budget
        What they may take.
    """

    def __init__(self, stream: Stream, order: str, budget: Budget) -> None:
        self.stream = stream
        self.order = order
        self.budget = budget
        self._two = struct.Struct(order + "II").unpack
        self._stored = {kind: np.dtype(order + code) for kind, code in STORED.items()}

    def left(self, end: int) -> int:
        """The bytes up to the end."""
        return end - self.stream.offset

    def _tag(self, end: int) -> tuple[int, int, bytes | None]:
        """The type and the bytes of the next data element, and its bytes if they lie in the tag."""
        room = self.left(end)
        if room < 8:
            raise MatFileError("a data element is missing")
        tag = self.stream.take(8)
        kind, size = self._two(tag)
        if kind >> 16:
            size, kind = kind >> 16, kind & 0xFFFF
            if size > 4:
                raise MatFileError(f"a small data element has {size} bytes")
            return kind, size, tag[4 : 4 + size]
        if size > room - 8:
            raise MatFileError(f"a data element of {size} bytes has {room - 8}")
        return kind, size, None

    def data(self, end: int, weight: int = 2) -> tuple[int, bytes]:
        """The type and the bytes of the next data element, each of which takes `weight` bytes of memory."""
        kind, size, small = self._tag(end)
        if small is not None:
            return kind, small
        if size > 1024:
            self.budget.spend(weight * size)
        stored = self.stream.take(size)
        self._pad(size, end)
        return kind, stored

    def _pad(self, size: int, end: int) -> None:
        """Go on to the next multiple of eight bytes."""
        if size % 8:
            self.stream.skip(min(8 - size % 8, self.left(end)))

    def shape(self, end: int) -> tuple[int, ...]:
        kind, stored = self.data(end)
        number = len(stored) // 4
        if kind not in (INT32, UINT32) or len(stored) % 4 or number < 2:
            raise MatFileError("an array has no size")
        shape = struct.unpack(f"{self.order}{number}i", stored)
        number_of(shape)
        return shape

    def text(self, end: int) -> str:
        """A name."""
        return self.data(end)[1].decode("latin-1")

    def real_or_complex(self, shape: tuple[int, ...], dtype: np.dtype[Any], is_complex: bool, end: int) -> Array:
        real = self.numbers(shape, dtype, end)
        if not is_complex:
            return real
        self.budget.spend(2 * real.nbytes)
        return joined(real, self.numbers(shape, dtype, end))

    def numbers(self, shape: tuple[int, ...] | None, dtype: np.dtype[Any], end: int) -> Array:
        """Numbers in MATLAB's class, whichever they are stored in; all that are there if there is no shape."""
        if shape and 0 in shape and self.left(end) < 8:
            return self.budget.empty(shape, dtype)
        kind, size, small = self._tag(end)
        stored = self._stored.get(kind)
        if stored is None:
            raise MatFileError(f"numbers have the data type {kind}")
        if shape is None:
            shape = (size // stored.itemsize,)
        number = math.prod(shape)
        if size != number * stored.itemsize:
            raise MatFileError(f"an array of size {by(shape)} has {size} bytes of class {stored.name}")
        if small is not None or size <= PIECE:
            values = np.frombuffer(self.stream.take(size) if small is None else small, stored)
            self.budget.spend(number * dtype.itemsize + 128)
            array = values.reshape(shape, order="F").astype(dtype, order="F")
        else:
            array = self.budget.empty(shape, dtype)
            flat = array.reshape(-1, order="F")
            if stored.newbyteorder("=") == dtype:
                self.stream.fill(memoryview(flat).cast("B"))
                if not stored.isnative:
                    flat.byteswap(inplace=True)
            else:
                step = PIECE // stored.itemsize
                for at in range(0, number, step):
                    piece = self.stream.take(min(step, number - at) * stored.itemsize)
                    flat[at : at + step] = np.frombuffer(piece, stored)
        if small is None:
            self._pad(size, end)
        return array
