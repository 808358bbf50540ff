"""The graph of an ONNX model while it is being made."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from onnx import TensorProto, ValueInfoProto, helper

from vlnn.convert import operations as ops
from vlnn.convert.names import unused
from vlnn.convert.onnx.wire import Initialiser
from vlnn.convert.operations import Program, Weight
from vlnn.matlab.arrays import Array

UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]+")
OTHER_IMAGES = (ops.Permutation, ops.BilinearSampling, ops.RegionPooling, ops.Distance)  # in number
FLOAT, DOUBLE = TensorProto.FLOAT, TensorProto.DOUBLE


class Graph:
    """Nodes and initialisers of an ONNX graph, whose values are N x C x H x W in single.

    Parameters
    ----------
    program : Program
        Its variables keep their names.
    arrays : mapping
        The arrays of the checkpoint.

    Attributes
    ----------
    layouts : dict
        How each array of the checkpoint lies in initialisers: {'as': 'planes', 'vector' or 'moments', 'in': names}. The
        names are by the parts of the array, which has one, '', or 'mean' and 'variance' or 'sigma'.
    """

    def __init__(self, program: Program, arrays: Mapping[str, Array]) -> None:
        self.program = program
        self.arrays = arrays
        self.nodes: list[Any] = []
        self.initialisers: list[Initialiser] = []
        self.layouts: dict[str, dict[str, Any]] = {}
        self._taken = {""}
        self._values = {name: self._unused(name) for name in program.channels}
        self._nodes_taken: set[str] = {""}
        self._made: dict[tuple[Any, ...], str] = {}
        self._layer = ""

    def start(self, layer: str) -> None:
        """From now on nodes belong to this layer."""
        self._layer = layer

    def value(self, variable: str) -> str:
        """The name of a variable's value."""
        return self._values[variable]

    def node(self, kind: str, inputs: Sequence[str], output: str | None = None, **attributes: Any) -> str:
        """Add a node; the name of its output, of which the node is one of several for a layer if none is given."""
        name = unused(self._layer, self._nodes_taken)
        if output is None:
            output = self._unused(f"{self._layer}/{kind}")
        self.nodes.append(helper.make_node(kind, list(inputs), [output], name=name, **attributes))
        return output

    def integers(self, values: Sequence[int]) -> str:
        """A constant vector of integers."""
        return self.constant(np.array(values, np.int64))

    def number(self, value: float) -> str:
        """A constant in single."""
        return self.constant(np.array(value, np.float32))

    def constant(self, array: Array) -> str:
        """An array that is no weight."""
        key = ("constant", array.dtype.str, array.shape, array.tobytes())
        if key not in self._made:
            name = self._unused(f"constant/{'x'.join(map(str, array.shape)) or 'scalar'}")
            self._made[key] = name
            self.initialisers.append(Initialiser(name, array.dtype, array.shape, lambda: array))
        return self._made[key]

    def planes(self, weight: Weight) -> str:
        """An array in ONNX's order of dimensions: filters (K, C, FH, FW)."""
        height, width, depth, count = weight.size

        def make() -> Array:
            return self.arrays[weight.name].reshape(weight.size, order="F").transpose(3, 2, 0, 1)

        return self._weight(weight, "planes", "", (count, depth, height, width), make)

    def vector(self, weight: Weight) -> str:
        """An array of which the order of elements, MATLAB's, is all that matters."""
        return self._weight(weight, "vector", "", (weight.elements,), lambda: self.arrays[weight.name].ravel(order="F"))

    def moments(self, weight: Weight) -> tuple[str, str, bool]:
        """Mean and variance, or mean and sigma, from [mu sigma]; whether it is the variance.

        The root of the square of a number is that number, so that sigma comes back from the variance; but not in half,
        nor beside the range of the class.
        """
        channels = weight.elements // 2

        def column(at: int) -> Array:
            return self.arrays[weight.name].ravel(order="F")[at * channels : (at + 1) * channels]

        sigma = column(1)
        with np.errstate(all="ignore"):
            squared = sigma.dtype == np.float32 and np.sqrt(sigma * sigma).tobytes() == sigma.tobytes()
        mean = self._weight(weight, "moments", "mean", (channels,), lambda: column(0))
        if squared:
            return mean, self._weight(weight, "moments", "variance", (channels,), lambda: column(1) ** 2), True
        return mean, self._weight(weight, "moments", "sigma", (channels,), lambda: column(1)), False

    def _weight(self, weight: Weight, how: str, part: str, size: tuple[int, ...], make: Callable[[], Array]) -> str:
        """The initialiser of a weight, or of a part of it, and its values in single."""
        key = (how, weight.name, part)
        if key not in self._made:
            name = self._unused(f"{weight.name}.{part}" if part else weight.name)
            dtype = self.arrays[weight.name].dtype
            self.initialisers.append(Initialiser(name, dtype, size, make))
            layout = self.layouts.setdefault(weight.name, {"as": how, "in": {}})
            if layout["as"] == how:
                layout["in"][part] = name
            if dtype != np.float32:
                name = self.node("Cast", [name], to=FLOAT)
            self._made[key] = name
        return self._made[key]

    def information(self, variable: str) -> ValueInfoProto:
        """The declaration of an input or an output."""
        name, program = self.value(variable), self.program
        changing = [one for one in program.operations if isinstance(one, OTHER_IMAGES) or _joins_images(one)]
        images = f"{name}_N" if changing or len(program.inputs) > 1 else "N"
        sides = [images, program.channels[variable] or f"{name}_C", f"{name}_H", f"{name}_W"]
        return helper.make_tensor_value_info(name, FLOAT, sides)

    def _unused(self, name: str) -> str:
        return unused(UNPRINTABLE.sub("_", name), self._taken)


def _joins_images(operation: ops.Operation) -> bool:
    return isinstance(operation, ops.Concatenation) and operation.dimension == 3
