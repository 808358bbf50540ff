"""MAT-files made by hand, and what the tests of files share."""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

SHARED = Path(__file__).parents[3] / "shared"
HEADER = b"MATLAB 5.0 MAT-file, made by hand".ljust(116) + bytes(8) + b"\x00\x01IM"
MATRIX, COMPRESSED = 14, 15
CELL, STRUCT, OBJECT, CHAR, SPARSE, DOUBLE, UINT8, UINT32, FUNCTION, OPAQUE = 1, 2, 3, 4, 5, 6, 9, 13, 16, 17
# How files can be written.
WAYS: tuple[dict[str, Any], ...] = ({}, {"compress": True}, {"format": "7.3"}, {"format": "7.3", "compress": True})
every_way = pytest.mark.parametrize("way", WAYS, ids=["v5", "v7", "v7.3", "v7.3 compressed"])

NOTHING = struct.pack("<II", MATRIX, 0)  # a cell that was never assigned


def array(values: Any, dtype: Any = np.float64) -> Any:
    return np.asfortranarray(np.array(values, dtype))


def element(kind: int, content: bytes, order: str = "<") -> bytes:
    return struct.pack(order + "II", kind, len(content)) + content + bytes(-len(content) % 8)


def matrix(
    array_class: int, shape: Sequence[int] | None, content: bytes, name: bytes = b"", flags: int = 0, order: str = "<"
) -> bytes:
    """An array of level 5; objects have no shape."""
    body = struct.pack(order + "IIII", 6, 8, array_class | flags, 0)
    if shape is not None:
        body += element(5, struct.pack(f"{order}{len(shape)}i", *shape), order)
    body += element(1, name, order) + content
    return struct.pack(order + "II", MATRIX, len(body)) + body


def doubles(values: Sequence[float], shape: Sequence[int], name: bytes = b"") -> bytes:
    return matrix(DOUBLE, shape, element(9, np.array(values, "<f8").tobytes()), name)


def fields(names: Sequence[str], width: int = 32) -> bytes:
    return struct.pack("<HHI", 5, 4, width) + element(1, b"".join(name.encode().ljust(width, b"\0") for name in names))


def compressed(variable: bytes) -> bytes:
    deflated = zlib.compress(variable, 9)
    return struct.pack("<II", COMPRESSED, len(deflated)) + deflated


def zeros_compressed(size: int, stored_as: int, array_class: int, itemsize: int) -> bytes:
    """A row of `size` bytes of zeros named x, made without holding them."""
    body = struct.pack("<IIII", 6, 8, array_class, 0) + element(5, struct.pack("<ii", 1, size // itemsize))
    body += element(1, b"x") + struct.pack("<II", stored_as, size)
    deflate = zlib.compressobj(9)
    pieces = [deflate.compress(struct.pack("<II", MATRIX, len(body) + size) + body)]
    pieces += [deflate.compress(bytes(1 << 20)) for _ in range(size >> 20)]
    deflated = b"".join([*pieces, deflate.flush()])
    return struct.pack("<II", COMPRESSED, len(deflated)) + deflated


def same(got: Any, want: Any, place: str = "value") -> None:
    """Assert that two values of ``loadmat`` are the same MATLAB values."""
    assert type(got) is type(want), f"{place}: {type(got)}, expected {type(want)}"
    if isinstance(want, dict):
        assert list(got) == list(want), place
        for name in want:
            same(got[name], want[name], f"{place}.{name}")
    elif isinstance(want, list):
        assert (got.shape, len(got)) == (want.shape, len(want)), place
        assert getattr(got, "fields", None) == getattr(want, "fields", None), place
        for at, (one, other) in enumerate(zip(got, want, strict=True)):
            same(one, other, f"{place}[{at}]")
    elif isinstance(want, np.ndarray):
        assert (got.shape, got.dtype) == (want.shape, want.dtype), f"{place}: {got.dtype} {got.shape}"
        if want.dtype == object:
            for at in np.ndindex(want.shape):
                same(got[at], want[at], f"{place}{list(at)}")
        else:
            assert_equal_bits(got, want, place)
    elif hasattr(want, "tocsc"):
        assert (got.shape, got.dtype, got.nnz) == (want.shape, want.dtype, want.nnz), place
        assert np.array_equal(got.indices, want.indices), place
        assert np.array_equal(got.data, want.data), place
    else:
        assert got == want, f"{place}: {got!r}, expected {want!r}"


def assert_equal_bits(got: Any, want: Any, place: str) -> None:
    assert got.flags.f_contiguous, place
    assert got.flags.writeable, place
    assert got.dtype.isnative, place
    if math.prod(want.shape):
        np.testing.assert_array_equal(got, want, err_msg=place)
