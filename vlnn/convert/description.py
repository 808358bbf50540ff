"""MATLAB's values as JSON: what is small stands in the text, every other array has a name.

========================================================= =========================================================
MATLAB                                                    JSON
========================================================= =========================================================
1x1 double                                                number; "NaN", "Inf", "-Inf" in an object as below
1x1 logical                                               true, false
[]                                                        null
char, a row; ''                                           string
cell, a row; {}                                           array
struct, 1x1                                               {"struct": {"field": value, ...}}
struct array                                              {"structs": [{...}, ...], "size": [...], "fields": [...]}
any other cell                                            {"cells": [...], "size": [...]}
char of several rows                                      {"text": "all letters, column by column", "size": [...]}
few numbers                                               {"class": "single", "size": [...], "values": [...]}
weights, and more than 64 numbers                         {"class": "single", "size": [...], "array": "name"}
complex numbers                                           also "imaginary": values or a name
sparse matrix                                             {"sparse": [rows, columns], "values", "rows", "starts"}
========================================================= =========================================================

Elements stand in MATLAB's order, column by column. Numbers are written so that the same bits are read; a NaN with other
bits than the usual ones is a string such as "0x7fc00001".
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from vlnn.matlab.arrays import Array
from vlnn.matlab.matfile.limits import NUMBERS
from vlnn.matlab.matfile.nodes import Node

MOST_VALUES = 64  # of an array that stands in the text
EXACT = 2.0**53  # the integers below it are doubles
SPECIAL = {"NaN": math.nan, "Inf": math.inf, "-Inf": -math.inf}
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff\\]+")  # which no format is asked to keep in a name
MOST_LETTERS = 200  # of a name
RESERVED = ("", "__metadata__", "__vlnn__")  # names that formats need
WEIGHTS = re.compile(r"layers\.\d+\.weights\.\d+|params(\.\d+)?\.value")  # places of arrays that are never in the text
OUTER = re.compile(r"^\w+\.\d+")  # the layer in which a place is
DTYPES = NUMBERS | {"logical": np.dtype(np.bool_)}


class Describer:
    """Turns values into JSON and collects the arrays.

    Parameters
    ----------
    names : dict
        What stands in the names of arrays for places, such as 'conv1' for 'layers.0'.

    Attributes
    ----------
    arrays : dict
        The arrays by the names that stand for them.
    """

    def __init__(self, names: Mapping[str, str]) -> None:
        self.names = names
        self.arrays: dict[str, Array] = {}

    def value(self, node: Node, place: str = "") -> Any:
        """A value that is at some place in the network."""
        shape, data = node.shape, node.data
        match node.class_name:
            case "struct":
                return self._structs(node, place)
            case "cell":
                elements = [self.value(element, f"{place}.{at}") for at, element in enumerate(data)]
                return elements if _is_row(shape, len(data)) else {"cells": elements, "size": list(shape)}
            case "char":
                letters = data.tobytes(order="F").decode("utf-16-le", "surrogatepass")
                return letters if _is_row(shape, data.size) else {"text": letters, "size": list(shape)}
            case "sparse":
                parts = {"values": data.data, "rows": data.indices, "starts": data.indptr}
                return {"sparse": list(shape)} | {
                    name: self._numbers(part[None], f"{place}.{name}") for name, part in parts.items()
                }
        return self._numbers(data, place)

    def _unused(self, name: str) -> str:
        """A name for an array that no other has: the one given, as far as all formats can keep it."""
        name = UNPRINTABLE.sub("_", name)[:MOST_LETTERS]
        free, count = name, 1
        while free in self.arrays or free in RESERVED:
            count += 1
            free = f"{name}_{count}"
        return free

    def _structs(self, node: Node, place: str) -> dict[str, Any]:
        if node.shape == (1, 1):
            return {"struct": {field: self.value(each, inside(place, field)) for field, (each,) in node.data.items()}}
        rows = [
            {field: self.value(column[at], f"{place}.{at}.{field}") for field, column in node.data.items()}
            for at in range(math.prod(node.shape))
        ]
        return {"structs": rows, "size": list(node.shape), "fields": list(node.data)}

    def _numbers(self, data: Array, place: str) -> Any:
        class_name = "logical" if data.dtype.kind == "b" else _class_of(data.real.dtype)
        if data.shape == (0, 0) and class_name == "double":
            return None
        described: dict[str, Any] = {"class": class_name, "size": list(data.shape)}
        parts = {"": data.real, "imaginary": data.imag} if data.dtype.kind == "c" else {"": data}
        if data.size and (data.size > MOST_VALUES or WEIGHTS.fullmatch(place)):
            for part, array in parts.items():
                name = self._unused(inside(self._named(place), part) if part else self._named(place))
                self.arrays[name] = array
                described[part or "array"] = name
            return described
        for part, array in parts.items():
            described[part or "values"] = _values(array)
        if data.shape == (1, 1) and len(parts) == 1 and class_name in ("double", "logical"):
            (value,) = described["values"]
            return described if isinstance(value, str) else value
        return described

    def _named(self, place: str) -> str:
        """The name for an array at some place."""
        start = next((start for start in (place, *OUTER.findall(place)) if start in self.names), None)
        return place if start is None else self.names[start] + place[len(start) :]


def _is_row(shape: tuple[int, ...], size: int) -> bool:
    return shape == (min(1, size), size)


def inside(place: str, field: str) -> str:
    return f"{place}.{field}" if place else field


def _class_of(dtype: np.dtype[Any]) -> str:
    return next(name for name, known in NUMBERS.items() if known == dtype)


def _values(array: Array) -> list[Any]:
    elements = array.ravel(order="F")
    if array.dtype.kind != "f":
        return list(elements.tolist())
    return [_number(element) for element in elements]


def _number(element: Any) -> int | float | str:
    value = float(element)
    for word, special in SPECIAL.items():
        if element.tobytes() == np.full((), special, element.dtype).tobytes():
            return word
    if math.isnan(value):
        return f"0x{int(element.view(f'u{element.itemsize}')):0{2 * element.itemsize}x}"
    minus_zero = value == 0 and math.copysign(1, value) < 0
    if value.is_integer() and abs(value) < EXACT and not minus_zero:
        return int(value)
    return value
