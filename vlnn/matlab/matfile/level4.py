"""Reading MAT-files of level 4, which hold real and complex matrices, sparse ones and text.

Source: MathWorks, "MAT-File Format", chapter 2.
"""

from __future__ import annotations

import struct
from io import FileIO
from typing import Any

import numpy as np

from vlnn.matlab.arrays import Array
from vlnn.matlab.matfile.assembly import joined, sparse, text
from vlnn.matlab.matfile.limits import Budget, MatFileError, by
from vlnn.matlab.matfile.stream import PIECE, Stream

HEADER = 20
STORED = ("f8", "f4", "i4", "i2", "u2", "u1")
FULL, TEXT, SPARSE = 0, 1, 2
MAX_NAME = 1024


def plausible(header: bytes) -> bool:
    """Whether a file that begins so may be one of level 4."""
    return len(header) >= HEADER and _order(header) is not None


def read(file: FileIO, size: int, budget: Budget) -> dict[str, Any]:
    """The variables of a file."""
    stream = Stream(file)
    variables: dict[str, Any] = {}
    while not stream.at_end():
        name, value = _variable(stream, size, budget)
        variables[name] = value
    return variables


def _order(header: bytes) -> str | None:
    """The byte order in which the first word is one of the types that there are."""
    for order, machine in (("<", 0), (">", 1)):
        kind = struct.unpack(order + "I", header[:4])[0]
        if kind // 1000 == machine and kind % 1000 // 100 == 0 and kind % 100 // 10 < len(STORED) and kind % 10 < 3:
            return order
    return None


def _variable(stream: Stream, size: int, budget: Budget) -> tuple[str, Any]:
    header = stream.take(HEADER)
    order = _order(header)
    if order is None:
        raise MatFileError(f"a variable begins with the type {struct.unpack('<I', header[:4])[0]}")
    kind, rows, columns, imaginary, length = struct.unpack(order + "Iiiii", header)
    if rows < 0 or columns < 0 or not 1 < length <= MAX_NAME:
        raise MatFileError(f"a variable has the size {by((rows, columns))} and a name of {length} letters")
    name = stream.take(length).split(b"\0", 1)[0].decode("latin-1")
    budget.count(1)
    stored = np.dtype(order + STORED[kind % 100 // 10])
    parts = 2 if imaginary else 1
    if parts * rows * columns * stored.itemsize > size - stream.offset:
        raise MatFileError(f"{name}: a matrix of size {by((rows, columns))} goes beyond the end of the file")
    values = _numbers(stream, (rows, columns), stored, budget)
    if imaginary:
        values = joined(values, _numbers(stream, (rows, columns), stored, budget))
    try:
        return name, _value(kind % 10, values, budget)
    except MatFileError as error:
        raise MatFileError(f"{name}: {error}") from None


def _value(kind: int, values: Array, budget: Budget) -> Any:
    if kind == TEXT:
        budget.count(values.shape[0])
        budget.spend(8 * values.size)
        units = np.clip(values.real, 0, 0xFFFF).astype("<u2")
        return text(units.tobytes(order="F").decode("utf-16-le", "surrogatepass"), values.shape)
    if kind == SPARSE:
        return _sparse(values, budget)
    return values


def _numbers(stream: Stream, shape: tuple[int, int], stored: np.dtype[Any], budget: Budget) -> Array:
    """A matrix of doubles, whatever it is stored in."""
    array = budget.empty(shape, np.dtype(np.float64))
    flat = array.reshape(-1, order="F")
    step = PIECE // stored.itemsize
    for at in range(0, flat.size, step):
        flat[at : at + step] = np.frombuffer(stream.take(min(step, flat.size - at) * stored.itemsize), stored)
    return array


def _sparse(triplets: Array, budget: Budget) -> Any:
    """A sparse matrix from rows of (row, column, value), or (row, column, real, imaginary); the last has the size."""
    from scipy.sparse import coo_array

    if triplets.shape[0] < 1 or triplets.shape[1] not in (3, 4):
        raise MatFileError(f"a sparse matrix has the triplets {by(triplets.shape)}")
    places = triplets[:, :2].real
    if not (np.isfinite(places).all() and (places >= 0).all() and (places < 2**31).all()):
        raise MatFileError("a sparse matrix has indices that are none")
    values = triplets[:-1, 2] if triplets.shape[1] == 3 else joined(triplets[:-1, 2].real, triplets[:-1, 3].real)
    shape = (int(places[-1, 0]), int(places[-1, 1]))
    indices = places[:-1].astype(np.int32) - 1
    if indices.size and not ((indices >= 0).all() and (indices < shape).all()):
        raise MatFileError(f"a sparse matrix of size {by(shape)} has values outside it")
    budget.spend(8 * shape[1])
    columns = coo_array((values, (indices[:, 0], indices[:, 1])), shape=shape).tocsc()
    return sparse(columns.data, columns.indices, columns.indptr, shape)
