"""Types and shapes of HDF5 arrays and attributes."""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

import numpy as np

from vlnn.matlab.matfile.limits import MatFileError, number_of

NUMBER, REFERENCE, SEQUENCE = "number", "reference", "sequence"
INTEGER, FLOAT, TEXT, COMPOUND, OBJECT, ENUMERATION, VARIABLE = 0, 1, 3, 6, 7, 8, 9
MAX_SIZE = 1 << 16
MAX_MEMBERS = 16


class Type(NamedTuple):
    """What an element is and how it is stored."""

    what: str
    dtype: np.dtype[Any]


IN_HEAP = Type(SEQUENCE, np.dtype([("length", "<u4"), ("address", "<u8"), ("index", "<u4")]))


def read_type(message: bytes) -> Type:
    """The type that a message describes."""
    try:
        return _type(message, 0)[0]
    except (struct.error, IndexError):
        raise MatFileError("the type of an array is damaged") from None


def _type(message: bytes, depth: int) -> tuple[Type, int]:
    """A type, and how many bytes its description takes."""
    first, bits, size = message[0], int.from_bytes(message[1:4], "little"), struct.unpack_from("<I", message, 4)[0]
    version, kind = first >> 4, first & 15
    order = ">" if bits & 1 else "<"
    if kind == INTEGER and size in (1, 2, 4, 8):
        offset, precision = struct.unpack_from("<HH", message, 8)
        if (offset, precision) == (0, 8 * size):
            return Type(NUMBER, np.dtype(f"{order}{'i' if bits & 8 else 'u'}{size}")), 12
    elif kind == FLOAT and size in (2, 4, 8) and not bits & 0x40:
        if struct.unpack_from("<HH", message, 8) == (0, 8 * size):
            return Type(NUMBER, np.dtype(f"{order}f{size}")), 20
    elif kind == TEXT and 0 < size <= MAX_SIZE:
        return Type(NUMBER, np.dtype(f"S{size}")), 8
    elif kind == OBJECT and size == 8 and not bits & 15:
        return Type(REFERENCE, np.dtype("<u8")), 8
    elif kind == ENUMERATION and not depth:
        return _type(message[8:], depth + 1)
    elif kind == VARIABLE and size == 16 and not bits & 15 and _is_bytes(message[8:]):
        return IN_HEAP, 8
    elif kind == COMPOUND and not depth and 1 <= bits & 0xFFFF <= MAX_MEMBERS and 1 <= version <= 3:
        return _compound(message, bits & 0xFFFF, size, version, depth)
    raise MatFileError(f"an array has the type {kind} of {size} bytes, which is not supported")


def _is_bytes(message: bytes) -> bool:
    """Whether a base type is one letter, as the names of fields have it."""
    return message[0] & 15 in (INTEGER, TEXT) and struct.unpack_from("<I", message, 4)[0] == 1


def _compound(message: bytes, number: int, size: int, version: int, depth: int) -> tuple[Type, int]:
    """The type of complex numbers: named members, each at its place."""
    names, types, places = [], [], []
    at = 8
    width = 4 if version < 3 else (size.bit_length() + 7) // 8
    for _ in range(number):
        length = message.index(0, at) - at if 0 in message[at:] else MAX_SIZE
        names.append(message[at : at + length].decode("utf-8", "replace"))
        at += length + 1 if version == 3 else (length // 8 + 1) * 8
        places.append(int.from_bytes(message[at : at + width], "little"))
        at += width + (28 if version == 1 else 0)
        member, taken = _type(message[at:], depth + 1)
        types.append(member.dtype)
        at += taken
    beyond = any(place + dtype.itemsize > size for place, dtype in zip(places, types, strict=True))
    if beyond or size > MAX_SIZE or len(set(names)) < number:
        raise MatFileError("the type of an array is damaged")
    described = {"names": names, "formats": types, "offsets": places, "itemsize": size}
    return Type(NUMBER, np.dtype(described)), at  # type: ignore[call-overload]


def read_space(message: bytes) -> tuple[int, ...]:
    """The shape that a message describes."""
    try:
        version, rank, _, kind = struct.unpack_from("<4B", message)
        if version == 2 and kind == 2:  # it has no elements
            return (0,)
        if version in (1, 2):
            shape = struct.unpack_from(f"<{rank}Q", message, 8 if version == 1 else 4)
            number_of(shape)
            return shape
    except struct.error:
        pass
    raise MatFileError("the size of an array is damaged")
