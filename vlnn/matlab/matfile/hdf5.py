"""Reading HDF5 files, as far as MATLAB's are made of it: objects, their attributes, and arrays.

The HDF5 library trusts the addresses and sizes in a file: of 3000 damaged ones it crashed the interpreter on one and
never came back from another. This reader follows them itself, each within the file. It knows what MATLAB and h5py
write unless they are told to use the newest format; filters are deflate, shuffle and Fletcher's checksum.

Source: The HDF Group, "HDF5 File Format Specification, Version 3.0".
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import numpy as np

from vlnn.matlab.arrays import Array
from vlnn.matlab.matfile.hdf5_bytes import UNDEFINED, Bytes
from vlnn.matlab.matfile.hdf5_chunks import Grid, chunks, read_filters
from vlnn.matlab.matfile.hdf5_groups import GROUP, links
from vlnn.matlab.matfile.hdf5_types import NUMBER, REFERENCE, SEQUENCE, Type, read_space, read_type
from vlnn.matlab.matfile.limits import Budget, MatFileError, by, number_of

SPACE, TYPE, LAYOUT, FILTERS, ATTRIBUTE, CONTINUATION = 0x01, 0x03, 0x08, 0x0B, 0x0C, 0x10
SHARED = 2  # the flag of a message that stands elsewhere
COMPACT, CONTIGUOUS, CHUNKED = 0, 1, 2


class Object:
    """A group or an array: its messages by their kinds."""

    __slots__ = ("address", "messages")

    def __init__(self, address: int, messages: dict[int, list[bytes]]) -> None:
        self.address = address
        self.messages = messages

    @property
    def is_group(self) -> bool:
        return not GROUP.isdisjoint(self.messages)

    def message(self, kind: int) -> bytes:
        if kind not in self.messages:
            raise MatFileError(f"an object at {self.address} lacks the message {kind:#x}")
        return self.messages[kind][0]


class Hdf5:
    """A file, its bytes counted from where HDF5 begins in it.

    Attributes
    ----------
    root : int
        The address of the outermost group.
    """

    def __init__(self, content: Bytes, budget: Budget) -> None:
        self._content = content
        self._budget = budget
        self._heaps: dict[int, dict[int, bytes]] = {}
        self._attributes: dict[bytes, tuple[str, Any]] = {}
        version = content.at(8, 1)[0]
        if version <= 1:
            sizes, root = content.at(13, 2), 64 + 4 * version
        elif version <= 3:
            sizes, root = content.at(9, 2), 36
        else:
            raise MatFileError(f"it is of version {version} of HDF5, which is not supported")
        if sizes != b"\x08\x08":
            raise MatFileError("its HDF5 addresses are not of eight bytes, which is not supported")
        self.root = content.words(root, 1)[0]

    # Objects

    def object(self, address: int) -> Object:
        found: dict[int, list[bytes]] = {}
        for kind, flags, content in self._messages(address):
            if flags & SHARED and kind in (SPACE, TYPE, LAYOUT, FILTERS):
                raise MatFileError(f"the object at {address} shares a message, which is not supported")
            found.setdefault(kind, []).append(content)
        return Object(address, found)

    def _messages(self, address: int) -> Iterator[tuple[int, int, bytes]]:
        beginning = self._content.at(address, 12)
        if beginning[:4] == b"OHDR":
            yield from self._messages_of_version_2(address, beginning)
            return
        if beginning[0] != 1:
            raise MatFileError(f"it has no object at {address}")
        blocks = [(address + 16, int.from_bytes(beginning[8:12], "little"))]
        for begin, size in blocks:
            content = self._content.at(begin, size)
            at = 0
            while at + 8 <= size:
                kind, length, flags = struct.unpack_from("<HHB", content, at)
                message = content[at + 8 : at + 8 + length]
                at += 8 + length
                if at > size:
                    raise MatFileError(f"the object at {address} is damaged")
                if kind == CONTINUATION:
                    self._continue(blocks, message, address)
                yield kind, flags, message

    def _messages_of_version_2(self, address: int, beginning: bytes) -> Iterator[tuple[int, int, bytes]]:
        flags = beginning[5]
        at = address + 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
        width = 1 << (flags & 3)
        blocks = [(at + width, int.from_bytes(self._content.at(at, width), "little"))]
        head = 6 if flags & 4 else 4  # with the order of creation or without
        for number, (begin, size) in enumerate(blocks):
            content = self._content.at(begin, size)
            at = 0
            if number:  # a continuation has a signature and a checksum
                at, size = 4, size - 4
            while at + head <= size:
                kind, length, message_flags = struct.unpack_from("<BHB", content, at)
                message = content[at + head : at + head + length]
                at += head + length
                if at > size:
                    raise MatFileError(f"the object at {address} is damaged")
                if kind == CONTINUATION:
                    self._continue(blocks, message, address)
                yield kind, message_flags, message

    @staticmethod
    def _continue(blocks: list[tuple[int, int]], message: bytes, address: int) -> None:
        if len(message) < 16:
            raise MatFileError(f"the object at {address} is damaged")
        block = struct.unpack_from("<QQ", message)
        if any(block[0] == begin for begin, _ in blocks):
            raise MatFileError(f"the object at {address} continues in itself")
        blocks.append((block[0], block[1]))

    # Attributes

    def attributes(self, described: Object) -> dict[str, Any]:
        """MATLAB's attributes: bytes, or arrays, or lists of bytes."""
        attributes = {}
        for message in described.messages.get(ATTRIBUTE, ()):
            known = self._attributes.get(message)
            if known is None:
                known = self._attributes[message] = self._attribute(message)
            name, value = known
            if value is not None:
                attributes[name] = value
        return attributes

    def _attribute(self, message: bytes) -> tuple[str, Any]:
        try:
            version, _, name_size, type_size, space_size = struct.unpack_from("<BBHHH", message)
            at, step = (9 if version == 3 else 8), (8 if version == 1 else 1)
            name = message[at : at + name_size].split(b"\0", 1)[0].decode("utf-8", "replace")
            if not name.startswith("MATLAB_"):
                return name, None
            at += -(-name_size // step) * step
            kind = read_type(message[at : at + type_size])
            at += -(-type_size // step) * step
            shape = read_space(message[at : at + space_size])
            at += -(-space_size // step) * step
        except struct.error:
            raise MatFileError("an attribute is damaged") from None
        number = number_of(shape)
        content = message[at : at + number * kind.dtype.itemsize]
        if len(content) < number * kind.dtype.itemsize:
            raise MatFileError(f"the attribute {name} is damaged")
        values = np.frombuffer(content, kind.dtype)
        if kind.what == SEQUENCE:
            return name, [self._sequence(value) for value in values]
        if kind.dtype.kind == "S":
            return name, content.rstrip(b"\0 ")
        return name, values.reshape(shape)

    def _sequence(self, value: Any) -> bytes:
        """Bytes of varying length, which stand in a heap."""
        length, address, index = int(value["length"]), int(value["address"]), int(value["index"])
        if length == 0:
            return b""
        if address not in self._heaps:
            self._heaps[address] = self._heap(address)
        content = self._heaps[address].get(index)
        if content is None or len(content) < length:
            raise MatFileError(f"a heap at {address} lacks what an attribute looks for")
        return content[:length]

    def _heap(self, address: int) -> dict[int, bytes]:
        head = self._content.at(address, 16)
        size = int.from_bytes(head[8:], "little")
        if head[:4] != b"GCOL" or size < 16:
            raise MatFileError(f"it has no heap at {address}")
        content = self._content.at(address, size)
        found, at = {}, 16
        while at + 16 <= size:
            index, _, _, length = struct.unpack_from("<HHIQ", content, at)
            if index == 0:
                break
            found[index] = content[at + 16 : at + 16 + length]
            at += 16 + -(-length // 8) * 8
        return found

    # Arrays

    def shape_and_type(self, described: Object) -> tuple[tuple[int, ...], Type]:
        return read_space(described.message(SPACE)), read_type(described.message(TYPE))

    def array(self, described: Object) -> Array:
        """The elements, in HDF5's order of dimensions: the reverse of MATLAB's."""
        shape, kind = self.shape_and_type(described)
        if kind.what not in (NUMBER, REFERENCE):
            raise MatFileError(f"the object at {described.address} has a type that is not supported")
        number = number_of(shape)
        layout = described.message(LAYOUT)
        if len(layout) < 2 or layout[0] not in (3, 4):
            raise MatFileError(f"the object at {described.address} has a layout that is not supported")
        self._budget.spend(number * kind.dtype.itemsize + 256)
        if number == 0:
            return np.empty(shape, kind.dtype)
        try:
            if layout[1] == COMPACT:
                size = struct.unpack_from("<H", layout, 2)[0]
                return _from_bytes(layout[4 : 4 + size], shape, kind.dtype)
            if layout[1] == CONTIGUOUS:
                address, size = struct.unpack_from("<QQ", layout, 2)
                return self._contiguous(address, size, shape, kind.dtype)
            if (layout[0], layout[1]) == (3, CHUNKED):
                rank, tree = struct.unpack_from("<BQ", layout, 2)
                chunk = struct.unpack_from(f"<{rank}I", layout, 11)
                return self._chunked(described, tree, chunk, shape, kind.dtype)
        except struct.error:
            raise MatFileError(f"the layout of the object at {described.address} is damaged") from None
        raise MatFileError(f"the object at {described.address} has a layout that is not supported")

    def _contiguous(self, address: int, size: int, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        if address == UNDEFINED:  # never written
            return np.zeros(shape, dtype)
        needed = number_of(shape) * dtype.itemsize
        if size < needed:
            raise MatFileError(f"an array of size {by(shape)} has {size} bytes")
        array: Array = np.empty(shape, dtype)
        self._content.fill(address, memoryview(array.reshape(-1).view(np.uint8)))
        return array

    def _chunked(
        self, described: Object, tree: int, chunk: tuple[int, ...], shape: tuple[int, ...], dtype: np.dtype[Any]
    ) -> Array:
        filters = read_filters(described.messages.get(FILTERS, [b""])[0], dtype.itemsize)
        if len(chunk) != len(shape) + 1 or chunk[-1] != dtype.itemsize or 0 in chunk:
            raise MatFileError(f"the layout of the object at {described.address} is damaged")
        array = np.zeros(shape, dtype)
        if tree == UNDEFINED:
            return array
        grid = Grid(shape, chunk[:-1], dtype.itemsize)
        for offset, mask, address, size in chunks(self._content, tree, grid):
            content = filters.undo(self._content.stored(address, size), mask, grid.chunk_bytes)
            piece = np.frombuffer(content, dtype).reshape(grid.chunk)
            target = array[tuple(slice(at, at + length) for at, length in zip(offset, grid.chunk, strict=True))]
            target[...] = piece[tuple(slice(length) for length in target.shape)]
        return array

    # Groups

    def links(self, described: Object) -> dict[str, int]:
        """The addresses of a group's members by their names."""
        return links(self._content, described.messages)


def _from_bytes(content: bytes, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    if len(content) < number_of(shape) * dtype.itemsize:
        raise MatFileError(f"an array of size {by(shape)} has {len(content)} bytes")
    return np.frombuffer(content, dtype, number_of(shape)).reshape(shape).copy()
