"""SimpleNN.save: a network as a file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from vlnn.errors import MatConvNetError
from vlnn.matlab.arrays import is_array
from vlnn.matlab.matfile import savemat
from vlnn.matlab.values import Cell, Struct
from vlnn.simplenn.formats import layers_of, place


def save(net: Mapping[str, Any], path: str | os.PathLike[str], variable: str | None, options: dict[str, Any]) -> None:
    """Write the network to a file."""
    layers = layers_of(net)
    saved = Struct(layers=Cell(_saved(layers, i) for i in range(len(layers))), meta=Struct(net["meta"]))
    savemat(path, {variable: saved} if variable else saved, **options)


def _saved(layers: list[Struct], position: int) -> Struct:
    """A layer as MATLAB has it: cells, and numbers in arrays."""
    saved = layers[position]
    for name, value in saved.items():
        if callable(value):
            raise MatConvNetError(
                f"The function {name} of {place(layers, position)} is Python's and cannot be saved. Remove it, or give "
                "the layer a type of its own and register that."
            )
        if name in ("weights", "opts", "momentum") and isinstance(value, (list, tuple)):
            saved[name] = Cell(_on_cpu(each) for each in value)
        elif isinstance(value, (list, tuple)) and all(isinstance(each, (int, float)) for each in value):
            saved[name] = np.array(value, np.float64, ndmin=2).reshape(1 if value else 0, -1)
        else:
            saved[name] = _on_cpu(value)
    return saved


def _on_cpu(value: Any) -> Any:
    return value.get() if is_array(value) and not isinstance(value, np.ndarray) else value
