"""Writing MAT-files of version 5 (with compression: 7).

Source: MathWorks, "MAT-File Format", chapter 1.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import numpy as np

from vlnn.matlab.matfile.header import header
from vlnn.matlab.matfile.level5 import (
    CELL,
    CHAR,
    COMPLEX_FLAG,
    COMPRESSED,
    LOGICAL_FLAG,
    MATRIX,
    NUMERIC,
    SPARSE,
    STRUCT,
)
from vlnn.matlab.matfile.level5_elements import INT8, INT32, STORED, UINT32
from vlnn.matlab.matfile.limits import MatFileError
from vlnn.matlab.matfile.nodes import Node

Piece: TypeAlias = bytes | Any  # an array stands for its bytes in MATLAB's order
Write: TypeAlias = Callable[[Any], object]

CLASSES = {name: number for number, name in NUMERIC.items()} | {"cell": CELL, "struct": STRUCT, "char": CHAR}
STORED_AS = {np.dtype("<" + code): kind for kind, code in STORED.items()}
SHORT_NAME, LONG_NAME = 32, 64  # bytes of a field's name, its end included
MAX_SIZE = 2**31 - 1
BLOCK = 1 << 18


def write(path: Path, variables: Mapping[str, Node], compress: bool) -> None:
    """Write the variables into a file."""
    with path.open("wb") as file:
        file.write(header(5))
        for name, node in variables.items():
            size, pieces = _matrix(node, name)
            if size > MAX_SIZE:
                raise MatFileError(
                    f"{name} takes {size} bytes; version 5 holds 2 GB in a variable, format='7.3' any number"
                )
            if compress:
                _write_compressed(file, pieces)
            else:
                for piece in pieces:
                    _write(file.write, piece)


def _write(write: Write, piece: Piece) -> None:
    if isinstance(piece, bytes):
        write(piece)
    elif piece.flags.f_contiguous:
        write(memoryview(piece.reshape(-1, order="F")).cast("B"))
    else:  # in blocks, so that no second array is needed
        for block in np.nditer(piece, flags=["external_loop", "buffered"], order="F", buffersize=BLOCK):
            write(np.asarray(block).tobytes())


def _write_compressed(file: BinaryIO, pieces: list[Piece]) -> None:
    start = file.tell()
    file.write(bytes(8))
    deflate = zlib.compressobj()
    for piece in pieces:
        _write(lambda content: file.write(deflate.compress(content)), piece)
    file.write(deflate.flush())
    end = file.tell()
    file.seek(start)
    file.write(struct.pack("<II", COMPRESSED, end - start - 8))
    file.seek(end)


def _matrix(node: Node, name: str = "") -> tuple[int, list[Piece]]:
    """An array with its tag: its size and its pieces."""
    inside = [*_element(INT32, np.array(node.shape, "<i4").tobytes()), *_element(INT8, name.encode("ascii"))]
    flags, nonzeros = 0, 0
    if node.class_name == "sparse":
        matrix = node.data
        array_class, nonzeros = SPARSE, max(matrix.nnz, 1)
        indices = np.zeros(nonzeros, "<i4")  # MATLAB has room for one at least
        indices[: matrix.nnz] = matrix.indices
        inside += _array(indices)
        inside += _array(matrix.indptr.astype("<i4"))
        values = matrix.data
        if values.dtype.kind == "b":
            flags, values = LOGICAL_FLAG, values.astype(np.uint8)
        more, complex_flag = _numbers(values)
        inside += more
        flags |= complex_flag
    elif node.class_name == "cell":
        array_class = CELL
        for element in node.data:
            inside += _nested(element)
    elif node.class_name == "struct":
        array_class = STRUCT
        inside += _struct(node)
    elif node.class_name == "logical":
        array_class, flags = CLASSES["uint8"], LOGICAL_FLAG
        inside += _array(node.data.view(np.uint8))
    else:
        array_class = CLASSES[node.class_name]
        more, flags = _numbers(node.data)
        inside += more
    start = struct.pack("<IIII", UINT32, 8, array_class | flags, nonzeros)
    size = len(start) + sum(len(piece) if isinstance(piece, bytes) else piece.nbytes for piece in inside)
    return size + 8, [struct.pack("<II", MATRIX, size), start, *inside]


def _nested(node: Node) -> list[Piece]:
    return _matrix(node)[1]


def _struct(node: Node) -> Iterator[Piece]:
    fields = list(node.data)
    width = LONG_NAME if any(len(field) >= SHORT_NAME for field in fields) else SHORT_NAME
    yield struct.pack("<HHI", INT32, 4, width)
    yield from _element(INT8, b"".join(field.encode("ascii").ljust(width, b"\0") for field in fields))
    for row in zip(*node.data.values(), strict=True):
        for value in row:
            yield from _nested(value)


def _numbers(values: Any) -> tuple[list[Piece], int]:
    """Numbers, and the flag of complex ones."""
    if values.dtype.kind != "c":
        return _array(values), 0
    return [*_array(values.real), *_array(values.imag)], COMPLEX_FLAG


def _array(values: Any) -> list[Piece]:
    values = values.astype(values.dtype.newbyteorder("<"), copy=False)
    kind = STORED_AS[values.dtype]
    if values.nbytes <= 64:
        return _element(kind, values.tobytes(order="F"))
    return [struct.pack("<II", kind, values.nbytes), values, bytes(-values.nbytes % 8)]


def _element(kind: int, content: bytes) -> list[Piece]:
    """A data element; one of up to four bytes stands in its tag."""
    if 0 < len(content) <= 4:
        return [struct.pack("<HH4s", kind, len(content), content)]
    return [struct.pack("<II", kind, len(content)) + content + bytes(-len(content) % 8)]
