"""HDF5's heaps of links: what the library writes for groups of more than eight members in its newer format."""

from __future__ import annotations

import bisect
import struct
from collections.abc import Iterator

from vlnn.matlab.matfile.hdf5_bytes import UNDEFINED, Bytes
from vlnn.matlab.matfile.limits import MAX_DEPTH, MatFileError

BY_NAME = 5  # a tree of links sorted by their names
RECORD = 11  # bytes: a hash and an identity
MAX_ROWS = 64


def _width(largest: int) -> int:
    """The bytes that numbers up to `largest` take."""
    return (largest.bit_length() + 7) // 8


class Heap:
    """A fractal heap: blocks in rows, each row's twice as large as those before it."""

    def __init__(self, content: Bytes, address: int) -> None:
        self._content = content
        head = content.at(address, 142)
        filters = struct.unpack_from("<H", head, 7)[0]
        if head[:4] != b"FRHP" or filters:
            raise MatFileError(f"the heap at {address} is damaged, or compressed, which is not supported")
        largest_object = struct.unpack_from("<I", head, 10)[0]
        self._columns, self._first, self._largest, bits = struct.unpack_from("<HQQH", head, 110)
        root, rows = struct.unpack_from("<QH", head, 132)
        self._offset_width = -(-bits // 8)
        self._length_width = min(_width(self._largest), _width(largest_object))
        if not 0 < self._first <= self._largest < 2**32 or not 0 < self._columns <= 4096 or not 0 < bits <= 64:
            raise MatFileError(f"the heap at {address} is damaged")
        self._blocks: list[tuple[int, int, int]] = []  # beginning, end, address
        self._seen: set[int] = set()
        if rows == 0:
            self._blocks.append((0, self._first, root))
        else:
            self._indirect(root, rows, 0, 0)
        if not self._blocks:
            raise MatFileError(f"the heap at {address} is damaged")

    def _row(self, row: int) -> int:
        """The size of the blocks in a row."""
        size: int = self._first << max(row - 1, 0)
        return size

    def _indirect(self, address: int, rows: int, begin: int, depth: int) -> None:
        """Add the blocks to which a block of addresses leads."""
        if rows > MAX_ROWS or depth > MAX_DEPTH or address in self._seen or self._content.at(address, 4) != b"FHIB":
            raise MatFileError(f"the heap at {address} is damaged")
        self._seen.add(address)
        addresses = self._content.words(address + 13 + self._offset_width, rows * self._columns)
        for row in range(rows):
            size = self._row(row)
            for child in addresses[row * self._columns : (row + 1) * self._columns]:
                if child != UNDEFINED and size <= self._largest:
                    self._blocks.append((begin, begin + size, child))
                elif child != UNDEFINED:
                    # A block of addresses spans as much as the rows that it has.
                    spanned = (size // (self._first * self._columns)).bit_length()
                    self._indirect(child, spanned, begin, depth + 1)
                begin += size

    def content(self, identity: bytes) -> bytes:
        """The bytes of an object."""
        if identity[0] & 0xF0:
            raise MatFileError("a link lies outside its heap, which is not supported")
        at = int.from_bytes(identity[1 : 1 + self._offset_width], "little")
        length = int.from_bytes(identity[1 + self._offset_width :][: self._length_width], "little")
        begin, end, address = self._blocks[max(bisect.bisect(self._blocks, (at, UNDEFINED, 0)) - 1, 0)]
        if not begin <= at <= at + length <= end:
            raise MatFileError("a link lies outside its heap")
        return self._content.at(address + at - begin, length)


def heap_ids(content: Bytes, tree: int) -> Iterator[bytes]:
    """The identities in a heap of all that a tree of names leads to."""
    head = content.at(tree, 34)
    kind = head[5]
    node_size, record, depth = struct.unpack_from("<IHH", head, 6)
    root, records = struct.unpack_from("<QH", head, 16)
    if head[:4] != b"BTHD" or kind != BY_NAME or record != RECORD or not 64 <= node_size <= 1 << 24 or depth > 16:
        raise MatFileError(f"the tree of a group is damaged at {tree}")
    # For each level, from the leaves up: how many records a node has at most, and all nodes below it together.
    most = [(node_size - 10) // RECORD]
    total = [most[0]]
    pointers = [0]
    for level in range(1, depth + 1):
        pointers.append(8 + _width(most[0]) + (_width(total[-1]) if level > 1 else 0))
        most.append((node_size - 10 - pointers[level]) // (RECORD + pointers[level]))
        total.append((most[level] + 1) * total[-1] + most[level])
    todo = [(root, records, depth)] if records else []
    seen = set()
    while todo:
        address, records, level = todo.pop()
        if address in seen or records > most[level]:
            raise MatFileError(f"the tree of a group is damaged at {tree}")
        seen.add(address)
        head = content.at(address, 6)
        if head != (b"BTIN" if level else b"BTLF") + bytes((0, BY_NAME)):
            raise MatFileError(f"the tree of a group is damaged at {address}")
        node = content.at(address + 6, records * RECORD + (records + 1) * pointers[level])
        for at in range(0, records * RECORD, RECORD):
            yield node[at + 4 : at + RECORD]
        for at in range(records * RECORD, len(node) if level else 0, pointers[level] or 1):
            child = struct.unpack_from("<Q", node, at)[0]
            width = _width(most[0])
            todo.append((child, int.from_bytes(node[at + 8 : at + 8 + width], "little"), level - 1))
