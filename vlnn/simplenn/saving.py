"""SimpleNN.save: a network as a struct, and as a file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from vlnn.errors import MatConvNetError
from vlnn.matlab.matfile import savemat
from vlnn.matlab.values import Cell, Elements, Struct
from vlnn.simplenn.formats import layers_of, place

CELLS = ("weights", "momentum", "opts")  # cells in MATLAB, also where a list holds numbers


def struct_of(net: Mapping[str, Any], without_functions: bool = False) -> Struct:
    """The network as MatConvNet saves it; functions, which are Python's, are an error or left out."""
    layers = layers_of(net)
    for position, layer in enumerate(layers):
        for name in [name for name, value in layer.items() if callable(value)]:
            if not without_functions:
                raise MatConvNetError(
                    f"The function {name} of {place(layers, position)} is Python's and cannot be saved. Remove it, or "
                    "give the layer a type of its own and register that."
                )
            del layer[name]
    return Struct(layers=Cell(_rows(layer) for layer in layers), meta=_rows(net["meta"]))


def save(net: Mapping[str, Any], path: str | os.PathLike[str], variable: str | None, options: dict[str, Any]) -> None:
    """Write the network to a file."""
    saved = struct_of(net)
    savemat(path, {variable: saved} if variable else saved, **options)


def _rows(value: Any) -> Any:
    """A value with rows of numbers where somebody has written lists of them, such as [1, 0, 1, 0]."""
    if isinstance(value, Mapping):
        return Struct({name: each if name in CELLS else _rows(each) for name, each in value.items()})
    plain = isinstance(value, (list, tuple)) and not isinstance(value, Elements)
    if plain and value and all(isinstance(each, (int, float, np.integer, np.floating)) for each in value):
        return np.array([value], np.float64)
    return value
