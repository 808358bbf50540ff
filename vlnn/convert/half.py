"""Weights stored in half precision."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from vlnn.convert.checkpoint import Checkpoint
from vlnn.errors import ConversionError
from vlnn.matlab.arrays import Array


def halved(checkpoint: Checkpoint) -> Checkpoint:
    """The checkpoint with its arrays in half precision, except moments.

    Whoever reads them gets the class that the description says, single as a rule, with numbers rounded to 11 bits.
    Moments stay as they are: a small sigma would become 0, and the network divides by it.

    Raises
    ------
    ConversionError
        For a number that half precision does not reach, beyond 65504: the message names the array.
    """
    moments = _moments(json.loads(checkpoint.description))
    return Checkpoint(
        checkpoint.description,
        {name: array if name in moments else _rounded(name, array) for name, array in checkpoint.arrays.items()},
    )


def _rounded(name: str, array: Array) -> Array:
    if array.dtype.kind != "f":
        return array
    with np.errstate(over="ignore"):
        half = array.astype(np.float16)
    if not np.array_equal(np.isfinite(half), np.isfinite(array)):
        raise ConversionError(
            f"'{name}' has {np.abs(array).max():g}, which is beyond half precision (65504): leave out --half."
        )
    return half


def _moments(content: Any) -> set[str]:
    """The names of the arrays that are moments of batch normalisation."""
    network = content["network"]["struct"]
    if content["kind"] == "simplenn":
        layers = [each["struct"] for each in _elements(network["layers"])]
        weights = [_elements(layer["weights"]) for layer in layers if layer["type"] == "bnorm" and "weights" in layer]
        thirds = [each[2] for each in weights if len(each) > 2]
    else:
        values = {param["name"]: param["value"] for param in _rows(network["params"])}
        layers = [layer for layer in _rows(network["layers"]) if layer["type"].rpartition(".")[2] == "BatchNorm"]
        thirds = [values[_elements(layer["params"])[2]] for layer in layers if len(_elements(layer["params"])) > 2]
    return {third["array"] for third in thirds if isinstance(third, dict) and "array" in third}


def _elements(described: Any) -> list[Any]:
    """The elements of a cell array."""
    return list(described["cells"] if isinstance(described, dict) else described)


def _rows(described: Any) -> list[Any]:
    """The elements of a struct array."""
    return [described["struct"]] if "struct" in described else list(described["structs"])
