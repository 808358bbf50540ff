"""Reading networks from ONNX models."""

from __future__ import annotations

import base64
import json
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vlnn.convert.checkpoint import Checkpoint
from vlnn.convert.onnx import wire
from vlnn.convert.onnx.messages import Model, StoredArray
from vlnn.errors import ConversionError
from vlnn.matlab.arrays import Array

DTYPES = {
    1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 9: "bool", 10: "float16",
    11: "float64", 12: "uint32", 13: "uint64",
}  # fmt: skip
IN_FIELDS = {wire.NUMBERS: None, wire.FLOATS: "float32", wire.DOUBLES: "float64"}  # the class in which numbers are


def read(path: Path) -> Checkpoint:
    """Read a network from an ONNX model.

    What another program has written has no description; its arrays are the model's, their dimensions as they are.

    Raises
    ------
    ConversionError
        The file is damaged, no ONNX model, or one of vlnn from which arrays have been removed.
    OSError
        The file cannot be opened.
    """
    try:
        with path.open("rb") as stream:
            return _Reader(Model(stream)).checkpoint()
    except ConversionError as error:
        raise ConversionError(f"{path}: {error}") from None


class _Reader:
    def __init__(self, model: Model) -> None:
        self.model = model

    def checkpoint(self) -> Checkpoint:
        model = self.model
        if not model.arrays and not model.texts and not model.outputs:
            raise ConversionError("it is no ONNX model: it has neither arrays nor outputs.")
        description = model.texts.get(wire.DESCRIPTION, "")
        if not description or wire.LAYOUT not in model.texts:
            return Checkpoint("", {name: self._numbers(one) for name, one in model.arrays.items()})
        layouts = layout_of(model, "arrays")
        return Checkpoint(description, {name: self._array(name, layout) for name, layout in layouts.items()})

    def _array(self, name: str, layout: Mapping[str, Any]) -> Array:
        """An array of the checkpoint."""
        try:
            size = tuple(int(side) for side in layout["size"])
            match layout["as"]:
                case "planes":
                    return self._planes(self._part(layout, "")).reshape(size, order="F")
                case "vector":
                    return self._numbers(self._part(layout, "")).reshape(size, order="F")
                case "moments":
                    return self._moments(layout).reshape(size, order="F")
                case "text":
                    return _from_text(layout, size)
        except ConversionError:
            raise
        except (KeyError, TypeError, ValueError, OverflowError):
            pass
        raise ConversionError(f"the array '{name}' does not lie in it as its description says.")

    def _planes(self, stored: StoredArray) -> Array:
        """An array of four dimensions as MATLAB has it: read as it is, and each of its planes turned in its place."""
        count, depth, height, width = self._checked(stored)
        planes = self._numbers(stored).reshape(count * depth, height * width)
        room: Array | None = None  # new memory costs more than turning
        for rows in wire.parts_of(planes.shape, planes.itemsize) if min(height, width) > 1 else ():
            part = planes[rows]
            room = np.empty(part.shape, part.dtype) if room is None else room[: len(part)]
            room.reshape(-1, width, height)[...] = part.reshape(-1, height, width).swapaxes(1, 2)
            part[...] = room
        return planes.reshape(count, depth, width, height).T

    def _moments(self, layout: Mapping[str, Any]) -> Array:
        mean = self._numbers(self._part(layout, "mean"))
        if "sigma" in layout["in"]:
            return np.concatenate([mean, self._numbers(self._part(layout, "sigma"))])
        with np.errstate(invalid="ignore"):
            return np.concatenate([mean, np.sqrt(self._numbers(self._part(layout, "variance")))])

    def _part(self, layout: Mapping[str, Any], part: str) -> StoredArray:
        name = layout["in"][part]
        if name not in self.model.arrays:
            raise ConversionError(
                f"the array '{name}' is missing: another program has changed the model. Take the one that vlnn wrote."
            )
        return self.model.arrays[name]

    def _numbers(self, stored: StoredArray) -> Array:
        """An array as the model has it."""
        array = np.empty(self._checked(stored), self._class(stored))
        if stored.numbers and array.size:
            self.model.messages.read_into(stored.numbers, array)
        return array.byteswap() if sys.byteorder == "big" else array

    def _class(self, stored: StoredArray) -> np.dtype[Any]:
        return np.dtype(IN_FIELDS[stored.kind] or DTYPES[stored.type])

    def _checked(self, stored: StoredArray) -> tuple[int, ...]:
        """The size of an array whose numbers are there."""
        name = f"the array '{stored.name}'"
        if stored.external:
            raise ConversionError(f"{name} lies in another file, which is not read.")
        if stored.type not in DTYPES or stored.kind not in IN_FIELDS:
            raise ConversionError(f"{name} is of a class that is not read, number {stored.type} of ONNX's.")
        length = stored.numbers.length if stored.numbers else 0
        # Negative sides are large, too: they are read without their signs.
        too_large = any(side > self.model.messages.end for side in stored.size)
        if too_large or math.prod(stored.size) * self._class(stored).itemsize != length:
            raise ConversionError(f"{name} has {length} bytes, which are not {stored.size} numbers.")
        return tuple(stored.size)


def layout_of(model: Model, what: str) -> dict[str, Any]:
    """What a model of vlnn says of its 'arrays' or 'variables'."""
    try:
        layouts = json.loads(model.texts[wire.LAYOUT])[what]
    except (ValueError, KeyError, TypeError, RecursionError):
        layouts = None
    if not isinstance(layouts, dict):
        raise ConversionError(f"what it says of its {what} is damaged.")
    return layouts


def _from_text(layout: Mapping[str, Any], size: tuple[int, ...]) -> Array:
    if layout["class"] not in DTYPES.values():
        raise ValueError
    data = base64.b64decode(layout["data"], validate=True)
    return np.frombuffer(bytearray(data), layout["class"]).reshape(size, order="F")
