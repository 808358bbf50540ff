"""What Python's values are in MATLAB: the form in which both writers take them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from vlnn.matlab.arrays import is_array, library
from vlnn.matlab.matfile.limits import MAX_DEPTH, NUMBERS, MatFileError
from vlnn.matlab.values import Cell, CharMatrix, Opaque, StructArray

CLASS_OF = {dtype: name for name, dtype in NUMBERS.items()}
NARROWED = {"float16": np.float32, "longdouble": np.float64, "clongdouble": np.complex128}
MAX_NAME = 63
IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class Node(NamedTuple):
    """A MATLAB array.

    Attributes
    ----------
    class_name : str
        A numeric class, or logical, char, cell, struct, sparse.
    shape : tuple of int
        Two sizes at least.
    data : array, list or dict
        Numbers, for char units of UTF-16, in an array of that shape; a cell's elements in MATLAB's order; for each
        field of a struct the elements' values in MATLAB's order; SciPy's csc_array.
    """

    class_name: str
    shape: tuple[int, ...]
    data: Any


def variables_as_nodes(variables: Mapping[str, Any]) -> dict[str, Node]:
    """The variables of a file."""
    if not isinstance(variables, Mapping):
        raise MatFileError(f"the variables of a file are a dict, not {type(variables).__name__}")
    for name in variables:
        if not isinstance(name, str) or not IDENTIFIER.fullmatch(name) or len(name) > MAX_NAME:
            raise MatFileError(
                f"{name!r} is no name for a variable: MATLAB takes letters, digits and underscores, a letter first, "
                f"at most {MAX_NAME} of them"
            )
    return {name: as_node(value, name) for name, value in variables.items()}


def as_node(value: Any, place: str, depth: int = 0) -> Node:
    """A value; `place` is its name in messages."""
    if depth > MAX_DEPTH:
        raise MatFileError(f"{place[:99]}... lies more than {MAX_DEPTH} deep, or in itself")
    if value is None:
        return Node("double", (0, 0), np.zeros((0, 0)))
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, (bool, int, float, complex)):
        return _array(_scalar(value, place), place)
    if isinstance(value, Mapping):
        return _structs([value], (1, 1), tuple(value), place, depth)
    if isinstance(value, StructArray):
        return _structs(value, value.shape, None, place, depth)
    if isinstance(value, CharMatrix):
        return _char_matrix(value, place)
    if isinstance(value, (list, tuple)):
        shape = value.shape if isinstance(value, Cell) else (min(1, len(value)), len(value))
        return _cell(value, shape, place, depth)
    if hasattr(value, "tocsc"):
        return _sparse(value, place)
    if isinstance(value, np.generic):
        value = np.asarray(value)
    if is_array(value):
        array = value if isinstance(value, np.ndarray) else library(value).asnumpy(value)
        return _of_array(array, place, depth)
    what = f"an object of MATLAB's class {value.class_name}" if isinstance(value, Opaque) else type(value).__name__
    raise MatFileError(f"{place} is {what}, which cannot be saved; numbers, text, lists and dicts of them can")


def _scalar(value: complex, place: str) -> Any:
    try:
        return np.asarray(value, None if isinstance(value, (bool, complex)) else np.float64)
    except OverflowError:
        raise MatFileError(f"{place} is an integer beyond MATLAB's largest number") from None


def _of_array(array: Any, place: str, depth: int) -> Node:
    shape = _shape(array.shape)
    if array.dtype.names is not None:  # a structured array, as scipy.io gives it
        elements = [{name: element[name] for name in array.dtype.names} for element in array.ravel(order="F")]
        return _structs(elements, shape, array.dtype.names, place, depth)
    if array.dtype == object:
        return _cell(array.ravel(order="F").tolist(), shape, place, depth)
    if array.dtype.kind in "US":
        if array.dtype.kind == "S":
            array = np.char.decode(array, "latin-1")
        if array.ndim == 0:
            return _string(str(array))
        return _cell(array.ravel(order="F").tolist(), shape, place, depth)
    return _array(array, place)


def _array(array: Any, place: str) -> Node:
    dtype = array.dtype.newbyteorder("=")
    dtype = np.dtype(NARROWED.get(dtype.name, NARROWED.get(_long(dtype), dtype)))
    real = np.zeros(0, dtype).real.dtype if dtype.kind == "c" else dtype
    if not array.size:  # version 7.3 has no empty complex arrays
        array, dtype = array.real, real
    class_name = "logical" if dtype.kind == "b" else CLASS_OF.get(real)
    if class_name is None:
        raise MatFileError(f"{place} is an array of {array.dtype.name}, which MATLAB does not have")
    shape = _shape(array.shape)
    return Node(class_name, shape, array.astype(dtype, copy=False).reshape(shape))


def _long(dtype: np.dtype[Any]) -> str:
    """Names that differ between machines."""
    return {"g": "longdouble", "G": "clongdouble"}.get(dtype.char, "")


def _shape(shape: Sequence[int]) -> tuple[int, ...]:
    """Two sizes at least; a vector is a row."""
    return (*(1,) * (2 - len(shape)), *shape)


def _string(letters: str) -> Node:
    units = _units(letters)
    shape = (min(1, units.size), units.size)
    return Node("char", shape, units.reshape(shape))


def _units(letters: str) -> Any:
    return np.frombuffer(letters.encode("utf-16-le", "surrogatepass"), "<u2")


def _char_matrix(rows: CharMatrix, place: str) -> Node:
    units = [_units(row) for row in rows]
    lengths = {row.size for row in units}
    if len(lengths) > 1:
        raise MatFileError(f"{place}: the rows of a character matrix have {sorted(lengths)} letters; they need as many")
    columns = max(lengths, default=0)
    shape = rows.shape
    if len(shape) < 2 or (shape[1] != columns and units):
        shape = (len(units), columns)
    matrix = np.array(units, "<u2").reshape((shape[0], *shape[2:], shape[1]), order="F")
    return Node("char", shape, np.moveaxis(matrix, -1, 1))


def _cell(elements: Sequence[Any], shape: tuple[int, ...], place: str, depth: int) -> Node:
    nodes = [as_node(element, f"{place}[{at}]", depth + 1) for at, element in enumerate(elements)]
    return Node("cell", shape, nodes)


def _structs(
    elements: Sequence[Mapping[str, Any]], shape: tuple[int, ...], fields: Sequence[str] | None, place: str, depth: int
) -> Node:
    """A struct array. A field that one element lacks is [] there, as it is in MATLAB."""
    for at, element in enumerate(elements):
        if not isinstance(element, Mapping):
            raise MatFileError(f"{place}[{at}] is {type(element).__name__}, but an element of a struct array is a dict")
    if fields is None:
        fields = elements.fields if isinstance(elements, StructArray) else ()
    for field in fields:
        if not isinstance(field, str) or not 0 < len(field) <= MAX_NAME or not field.isascii() or "\0" in field:
            raise MatFileError(f"{place} has the field {field!r}; MATLAB takes names of 1 to {MAX_NAME} ASCII letters")
    columns = {}
    for field in fields:
        columns[field] = [
            as_node(
                element.get(field), f"{place}.{field}" if len(elements) == 1 else f"{place}[{at}].{field}", depth + 1
            )
            for at, element in enumerate(elements)
        ]
    return Node("struct", shape, columns)


def _sparse(value: Any, place: str) -> Node:
    from scipy.sparse import csc_array

    matrix = csc_array(value.tocsc())
    matrix.sum_duplicates()
    matrix.sort_indices()
    if matrix.dtype.kind not in "biufc":
        raise MatFileError(f"{place} is a sparse matrix of {matrix.dtype.name}, which MATLAB does not have")
    if matrix.dtype.kind != "b":  # MATLAB has double ones and logical ones
        matrix = matrix.astype(np.complex128 if matrix.dtype.kind == "c" else np.float64)
    return Node("sparse", matrix.shape, matrix)
