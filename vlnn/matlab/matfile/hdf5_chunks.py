"""Arrays that HDF5 keeps in chunks: where they are, and what their filters have done to them."""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from vlnn.matlab.matfile.hdf5_bytes import Bytes
from vlnn.matlab.matfile.limits import MatFileError, by

DEFLATE, SHUFFLE, CHECKSUM = 1, 2, 3
WASTE = 16 << 20  # bytes by which chunks may be larger than their array


class Grid:
    """An array's shape, and that of the chunks into which it is cut."""

    def __init__(self, shape: tuple[int, ...], chunk: tuple[int, ...], itemsize: int) -> None:
        self.shape = shape
        self.chunk = chunk
        self.chunk_bytes = math.prod(chunk) * itemsize
        self.number = math.prod(-(-size // length) for size, length in zip(shape, chunk, strict=True))
        if self.number * self.chunk_bytes > 8 * math.prod(shape) * itemsize + WASTE:
            raise MatFileError(f"an array of size {by(shape)} has chunks of size {by(chunk)}")


class Filters(NamedTuple):
    """What was done to a chunk before it was written, in this order."""

    kinds: tuple[int, ...]
    itemsize: int

    def undo(self, stored: bytes, mask: int, size: int) -> bytes:
        """The bytes of a chunk, of which there are `size`."""
        for at in reversed(range(len(self.kinds))):
            if mask >> at & 1:  # not for this chunk
                continue
            if self.kinds[at] == DEFLATE:
                stored = _inflated(stored, size + 4)  # a checksum may come before
            elif self.kinds[at] == CHECKSUM:
                stored = stored[:-4]
            else:
                usable = len(stored) // self.itemsize * self.itemsize
                planes = np.frombuffer(stored[:usable], np.uint8).reshape(self.itemsize, -1)
                stored = planes.T.tobytes() + stored[usable:]
        if len(stored) != size:
            raise MatFileError(f"a chunk of {size} bytes has {len(stored)}")
        return stored


def _inflated(stored: bytes, limit: int) -> bytes:
    inflate = zlib.decompressobj()
    try:
        content = inflate.decompress(stored, limit)
        content += inflate.decompress(inflate.unconsumed_tail, 1)  # brings the checksum out
    except zlib.error as error:
        raise MatFileError(f"compressed data are damaged ({error})") from None
    if not inflate.eof:
        raise MatFileError("compressed data are damaged (their end is missing or too far)")
    return content


def read_filters(message: bytes, itemsize: int) -> Filters:
    """The filters that a message describes."""
    if not message:
        return Filters((), itemsize)
    try:
        version, number = message[0], message[1]
        at = 8 if version == 1 else 2
        kinds = []
        for _ in range(number):
            kind, length = struct.unpack_from("<HH", message, at)
            if version == 2 and kind < 256:  # it has no name, and so no length of one
                length, at = 0, at - 2
            values = struct.unpack_from("<H", message, at + 6)[0]
            at += 8 + (-(-length // 8) * 8 if version == 1 else length) + 4 * values
            at += 4 * (values % 2) if version == 1 else 0
            kinds.append(kind)
    except (struct.error, IndexError):
        raise MatFileError("the filters of an array are damaged") from None
    for kind in kinds:
        if kind not in (DEFLATE, SHUFFLE, CHECKSUM):
            raise MatFileError(f"an array went through the filter {kind}, which is not supported")
    return Filters(tuple(kinds), itemsize)


def chunks(content: Bytes, tree: int, grid: Grid) -> Iterator[tuple[tuple[int, ...], int, int, int]]:
    """Offset, mask of filters, address and size of each chunk that is there."""
    rank = len(grid.shape)
    step = 8 + 8 * (rank + 1) + 8  # a key and an address
    left = grid.number
    todo = [(tree, -1)]
    seen = set()
    while todo:
        address, level = todo.pop()
        if address in seen:
            raise MatFileError("the tree of an array's chunks has a loop")
        seen.add(address)
        head = content.at(address, 24)
        entries = int.from_bytes(head[6:8], "little")
        if head[:4] != b"TREE" or head[4] != 1 or (level >= 0 and head[5] != level):
            raise MatFileError(f"the tree of an array's chunks is damaged at {address}")
        node = content.at(address + 24, entries * step)
        for at in range(0, len(node), step):
            size, mask, *place = struct.unpack_from(f"<II{rank + 2}Q", node, at)
            if head[5]:
                todo.append((place[-1], head[5] - 1))
                continue
            left -= 1
            offset = tuple(place[:rank])
            if left < 0 or any(at % length for at, length in zip(offset, grid.chunk, strict=True)):
                raise MatFileError(f"the tree of an array's chunks is damaged at {address}")
            if any(at >= length for at, length in zip(offset, grid.shape, strict=True)):
                continue  # outside the array, which was larger once
            if size > 2 * grid.chunk_bytes + 1024:
                raise MatFileError(f"a chunk of {grid.chunk_bytes} bytes takes {size} in the file")
            yield offset, mask, place[-1], size
