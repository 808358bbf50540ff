"""The members of HDF5 groups: tables of symbols, links in the group itself, or links in a heap."""

from __future__ import annotations

import struct

from vlnn.matlab.matfile.hdf5_bytes import UNDEFINED, Bytes
from vlnn.matlab.matfile.hdf5_heap import Heap, heap_ids
from vlnn.matlab.matfile.limits import MatFileError

LINK_INFO, LINK, SYMBOLS = 0x02, 0x06, 0x11
GROUP = {LINK_INFO, LINK, SYMBOLS}
HARD = 0
SYMBOL = 40  # bytes of an entry
SOFT_SYMBOL = 2


def links(content: Bytes, messages: dict[int, list[bytes]]) -> dict[str, int]:
    """The addresses of a group's members by their names."""
    found: dict[str, int] = {}
    try:
        for message in messages.get(SYMBOLS, ()):
            found.update(_symbols(content, *struct.unpack_from("<QQ", message)))
        for message in messages.get(LINK, ()):
            found.update(_link(message))
        for message in messages.get(LINK_INFO, ()):
            heap, tree = struct.unpack_from("<QQ", message, 10 if message[1] & 1 else 2)
            if heap != UNDEFINED:
                members = Heap(content, heap)
                for identity in heap_ids(content, tree):
                    found.update(_link(members.content(identity)))
    except (struct.error, IndexError):
        raise MatFileError("the members of a group are damaged") from None
    return found


def _link(message: bytes) -> dict[str, int]:
    """The name and address of a link, if it is one to an object of this file."""
    flags, at = message[1], 2
    kind = HARD
    if flags & 8:
        kind, at = message[at], at + 1
    at += (8 if flags & 4 else 0) + (1 if flags & 16 else 0)
    width = 1 << (flags & 3)
    length, at = int.from_bytes(message[at : at + width], "little"), at + width
    if kind != HARD:
        return {}
    return {_name(message[at : at + length]): struct.unpack_from("<Q", message, at + length)[0]}


def _name(letters: bytes) -> str:
    return letters.decode("utf-8", "replace")


def _symbols(content: Bytes, tree: int, heap: int) -> dict[str, int]:
    """The members that stand in tables, to which a tree leads, and have their names in a heap."""
    head = content.at(heap, 32)
    if head[:4] != b"HEAP":
        raise MatFileError(f"the names of a group are missing at {heap}")
    size, _, names_at = struct.unpack_from("<QQQ", head, 8)
    names = content.at(names_at, size)
    found = {}
    todo = [(tree, -1)]
    seen = set()
    while todo:
        address, level = todo.pop()
        if address in seen:
            raise MatFileError("the tree of a group has a loop")
        seen.add(address)
        head = content.at(address, 8)
        entries = int.from_bytes(head[6:8], "little")
        if head[:4] == b"SNOD":
            table = content.at(address + 8, entries * SYMBOL)
            for at in range(0, len(table), SYMBOL):
                name, member, kind = struct.unpack_from("<QQI", table, at)
                end = names.find(b"\0", name)
                if end < 0:
                    raise MatFileError("a member of a group has no name")
                if kind != SOFT_SYMBOL:
                    found[_name(names[name:end])] = member
        elif head[:5] == b"TREE\0" and level in (-1, head[5]):
            node = content.words(address + 24, 2 * entries + 1)
            todo.extend((child, head[5] - 1) for child in reversed(node[1::2]))
        else:
            raise MatFileError(f"the tree of a group is damaged at {address}")
    return found
