"""MATLAB's values from the JSON that :mod:`vlnn.convert.description` writes. Nothing that it says is believed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from vlnn.convert.description import DTYPES, SPECIAL, inside
from vlnn.errors import ConversionError
from vlnn.matlab.arrays import Array
from vlnn.matlab.matfile.assembly import arranged, joined, nothing, sparse, structs, text
from vlnn.matlab.matfile.limits import MAX_DEPTH, MatFileError, by, number_of
from vlnn.matlab.values import Struct


class Reader:
    """Turns JSON into values, of the kinds that ``vlnn.loadmat`` gives.

    Parameters
    ----------
    arrays : dict
        The arrays by the names that stand for them. They may be of a class without loss in the one described, as half
        is in single.
    """

    def __init__(self, arrays: Mapping[str, Array]) -> None:
        self.arrays = arrays

    def value(self, described: Any, place: str, depth: int = 0) -> Any:
        """A value; `place` is its name in messages."""
        if depth > MAX_DEPTH:
            _damaged(place[:99], f"it lies more than {MAX_DEPTH} deep")
        match described:
            case None:
                return nothing()
            case str():
                return described
            case bool() | int() | float():
                return self._array(place, "logical" if isinstance(described, bool) else "double", (1, 1), [described])
            case list():
                return self._cells(place, described, (min(1, len(described)), len(described)), depth)
            case {"struct": dict(fields), **rest} if not rest:
                return self._struct(place, fields, depth)
            case {"structs": list(rows), "size": size, "fields": list(fields), **rest} if not rest:
                return self._structs(place, rows, _size(place, size), fields, depth)
            case {"cells": list(elements), "size": size, **rest} if not rest:
                return self._cells(place, elements, _size(place, size), depth)
            case {"text": str(letters), "size": size, **rest} if not rest:
                return _text(place, letters, _size(place, size))
            case {"sparse": size, "values": values, "rows": rows, "starts": starts, **rest} if not rest:
                columns = [self.value(part, place, depth + 1) for part in (values, rows, starts)]
                return self._sparse(place, columns, _size(place, size))
            case {"class": str(class_name), "size": size, **numbers}:
                return self._numbers(place, class_name, _size(place, size), numbers)
        return _damaged(place, f"no value is written as {str(described)[:60]}")

    def _struct(self, place: str, fields: Mapping[str, Any], depth: int) -> Struct:
        return Struct({name: self.value(each, inside(place, name), depth + 1) for name, each in fields.items()})

    def _structs(self, place: str, rows: list[Any], shape: Sequence[int], fields: list[Any], depth: int) -> Any:
        if len(rows) != number_of(shape):
            _damaged(place, f"it is {by(shape)} and has {len(rows)} elements")
        if not all(isinstance(field, str) for field in fields):
            _damaged(place, "the names of its fields are no strings")
        for at, row in enumerate(rows):
            if not isinstance(row, dict) or list(row) != fields:
                _damaged(f"{place}[{at}]", f"it does not have the fields {', '.join(fields) or 'none'}")
        elements = [self._struct(f"{place}[{at}]", row, depth) for at, row in enumerate(rows)]
        return structs(fields, [[element[field] for element in elements] for field in fields], shape)

    def _cells(self, place: str, elements: list[Any], shape: Sequence[int], depth: int) -> Any:
        if len(elements) != number_of(shape):
            _damaged(place, f"it is {by(shape)} and has {len(elements)} elements")
        return arranged([self.value(each, f"{place}[{at}]", depth + 1) for at, each in enumerate(elements)], shape)

    def _sparse(self, place: str, columns: list[Any], shape: Sequence[int]) -> Any:
        if len(shape) != 2 or not all(isinstance(part, np.ndarray) and part.dtype != object for part in columns):
            _damaged(place, "it is no sparse matrix")
        values, rows, starts = (part.ravel(order="F") for part in columns)
        return sparse(values, rows, starts, shape)

    def _numbers(self, place: str, class_name: str, shape: tuple[int, ...], parts: dict[Any, Any]) -> Array:
        if class_name not in DTYPES:
            _damaged(place, f"there is no class {class_name!r}")
        if set(parts) not in ({"values"}, {"array"}, {"values", "imaginary"}, {"array", "imaginary"}):
            _damaged(place, f"it has {', '.join(map(str, parts)) or 'no values'} where values or an array should be")
        real, *imaginary = (self._array(place, class_name, shape, part) for part in parts.values())
        if not imaginary:
            return real
        if real.dtype.kind != "f":
            _damaged(place, f"there are no complex numbers of class {class_name}")
        return joined(real, imaginary[0])

    def _array(self, place: str, class_name: str, shape: tuple[int, ...], part: Any) -> Array:
        """Numbers that stand in the text, or the array of a name."""
        dtype = DTYPES[class_name]
        if isinstance(part, str):
            return self._named(place, part, dtype, shape)
        if not isinstance(part, list) or len(part) != number_of(shape):
            _damaged(place, f"it is {by(shape)} and not all of its numbers are there")
        array = np.empty(len(part), dtype)
        for at, number in enumerate(part):
            _put(place, array[at : at + 1], number)
        return array.reshape(shape, order="F")

    def _named(self, place: str, name: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
        array = self.arrays.get(name)
        if array is None:
            _damaged(place, f"there is no array '{name}'")
        if array.shape != shape:
            _damaged(place, f"the array '{name}' is {by(array.shape)} instead of {by(shape)}")
        if not np.can_cast(array.dtype, dtype, "safe"):
            _damaged(place, f"the array '{name}' is of {array.dtype} instead of {dtype}")
        return np.asfortranarray(array, dtype)


def _put(place: str, element: Array, number: Any) -> None:
    """Set the one element of an array to a number as it stands in the text."""
    kind = element.dtype.kind
    if kind == "b" and isinstance(number, bool):
        element[0] = number
    elif kind in "iu" and isinstance(number, int) and not isinstance(number, bool):
        limits = np.iinfo(element.dtype)
        if not limits.min <= number <= limits.max:
            _damaged(place, f"{number} is no {element.dtype}")
        element[0] = number
    elif kind == "f" and isinstance(number, str):
        if number not in SPECIAL and not re.fullmatch(f"0x[0-9a-f]{{{2 * element.itemsize}}}", number):
            _damaged(place, f"{number[:60]!r} is no number")
        if number in SPECIAL:
            element[0] = SPECIAL[number]
        else:
            element.view(f"u{element.itemsize}")[0] = int(number, 16)
    elif kind == "f" and isinstance(number, (int, float)) and not isinstance(number, bool):
        if not abs(number) <= float(np.finfo(element.dtype).max):
            _damaged(place, f"{str(number)[:60]} is no {element.dtype}")
        element[0] = number
    else:
        _damaged(place, f"{str(number)[:60]} is no {element.dtype}")


def _size(place: str, size: Any) -> tuple[int, ...]:
    whole = isinstance(size, list) and all(isinstance(side, int) and not isinstance(side, bool) for side in size)
    if not whole or len(size) < 2 or min(size) < 0:
        _damaged(place, f"{str(size)[:60]} is no size")
    try:
        number_of(size)
    except MatFileError as error:
        _damaged(place, str(error))
    return tuple(size)


def _text(place: str, letters: str, shape: tuple[int, ...]) -> Any:
    if len(letters.encode("utf-16-le", "surrogatepass")) != 2 * number_of(shape):
        _damaged(place, f"it is {by(shape)} and has {len(letters)} letters")
    return text(letters, shape)


def _damaged(place: str, what: str) -> NoReturn:
    raise ConversionError(f"The description of the network is damaged: {place or 'at its top'}: {what}.")
