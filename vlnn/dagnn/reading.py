"""MATLAB's structs, struct arrays, cells, strings and options, in whichever form they arrive.

A struct may be a dict or an element of a structured array; a struct array a list of them, a single one, [] or a
structured array; a cell a list, a tuple or an array of objects; a string a str or an array of characters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vlnn.errors import MatConvNetError
from vlnn.matlab.argparse import vl_argparse
from vlnn.matlab.arguments import received
from vlnn.matlab.arrays import is_array
from vlnn.matlab.values import Opaque, Struct


def value_of(raw: Any) -> Any:
    """A value as ``vlnn.loadmat`` gives it, from one as scipy.io gives it; any other as it is."""
    if isinstance(raw, Mapping):
        return raw
    if isinstance(raw, Opaque):  # an object is taken by its properties
        return raw.fields
    if hasattr(raw, "_fieldnames"):
        return Struct({name: value_of(getattr(raw, name)) for name in raw._fieldnames})
    if isinstance(raw, np.void) and raw.dtype.names:
        return Struct({name: value_of(raw[name]) for name in raw.dtype.names})
    if not isinstance(raw, np.ndarray):
        return str(raw) if isinstance(raw, np.str_) else raw
    if raw.dtype.kind in "US":
        rows = [str(row) for row in raw.ravel()]
        return rows[0] if len(rows) == 1 else rows or ""
    if raw.dtype.names or raw.dtype == object:
        elements = list(raw.ravel(order="F"))
        if raw.dtype == object and len(elements) == 1 and elements[0] is None:
            return Struct()  # SciPy's form of a struct without fields
        values = [value_of(element) for element in elements]
        return values[0] if raw.dtype.names and len(values) == 1 else values
    return raw


def structs(raw: Any, what: str) -> list[Mapping[str, Any]]:
    """The elements of a struct array."""
    value = value_of(raw)
    if isinstance(value, Mapping):
        return [value] if value else []
    if empty(value):
        return []
    elements = [value_of(element) for element in value] if isinstance(value, (list, tuple)) else [value]
    for element in elements:
        if not isinstance(element, Mapping):
            raise MatConvNetError(f"{what} is not a struct array. Received {received(element)} in it.")
    return elements


def strings(raw: Any, what: str) -> list[str]:
    """The strings in a cell, or a string alone."""
    value = value_of(raw)
    if isinstance(value, str):
        return [value] if value else []
    if empty(value):
        return []
    elements = [value_of(element) for element in value] if isinstance(value, (list, tuple)) else [value]
    for element in elements:
        if not isinstance(element, str):
            raise MatConvNetError(f"{what} is not a cell of strings. Received {received(element)} in it.")
    return elements


def empty(value: Any) -> bool:
    """Whether a value is MATLAB's []: None, or anything without elements."""
    if value is None:
        return True
    if is_array(value):
        return bool(value.size == 0)
    return isinstance(value, (list, tuple, str, dict)) and len(value) == 0


def scalar_of(raw: Any) -> Any:
    """The number or the truth value in a 1x1 array; any other value as it is."""
    value = value_of(raw)
    if isinstance(value, (np.ndarray, np.generic)) and value.size == 1 and value.dtype.kind in "iufb":
        number = value.item()
        return int(number) if isinstance(number, float) and number.is_integer() else number
    return value


def options_of(defaults: dict[str, Any], args: Sequence[Any], opts: dict[str, Any]) -> dict[str, Any]:
    """Options given as pairs or as keywords."""
    keywords = [item for pair in opts.items() for item in pair]
    options: dict[str, Any] = vl_argparse(defaults, [*args, *keywords])
    return options
