"""A network of either kind as a graph whose geometry can be asked for, and the sizes of its variables."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from vlnn.dagnn import ConvTranspose, DagNN, Layer, Loss, NormOffset, PDist, SpatialNorm, Unknown
from vlnn.dagnn.extents import UNKNOWN_SIZE, Size, tidy
from vlnn.dagnn.from_simplenn import Weights, block_of
from vlnn.dagnn.prediction import judges_of
from vlnn.errors import MatConvNetError
from vlnn.matlab.arrays import is_array
from vlnn.matlab.values import Struct
from vlnn.simplenn import SimpleNN
from vlnn.simplenn.formats import cells, current_layers

Network: TypeAlias = SimpleNN | DagNN

LABELS = "label"


def as_graph(net: Network) -> DagNN:
    """The network itself, or a SimpleNN network as a graph: from input over a variable for each layer.

    Layers that have no block become ``dagnn.Unknown``, so that every network has a graph. The arrays are shared.
    """
    if isinstance(net, DagNN):
        return net
    graph = DagNN()
    source = "input"
    for index, layer in enumerate(current_layers(net)):
        block, weights = _block(layer)
        given = layer.get("name")
        name = given if isinstance(given, str) and given else f"layer{index + 1}"
        while name in graph.positions["layers"] or name in ("input", LABELS):
            name += "'"
        inputs = [source, LABELS] if isinstance(block, (Loss, PDist)) else [source]
        params = [f"{name}.weights.{each.suffix}" for each in weights]
        graph.addLayer(name, block, inputs, name, params, skipRebuild=True)
        for param, each in zip(params, weights, strict=True):
            graph.getParam(param).value = each.value
        source = name
    graph.rebuild()
    graph.meta = net.meta
    return graph


def _block(layer: Struct) -> tuple[Layer, list[Weights]]:
    """A layer's block and its weights, each with its number in layer.weights."""
    arrays = [weight for weight in cells(layer.get("weights")) if is_array(weight) and weight.size]
    numbered = [Weights(str(number), weight, None, None) for number, weight in enumerate(arrays)]
    try:
        match layer.type:
            case "loss":
                return Loss(), []
            case "noffset":
                return NormOffset(param=layer["param"]), []
            case "spnorm":
                return SpatialNorm(param=layer["param"]), []
            case "SubP":
                return _Sized("SubP", partial(_rearranged, float(np.ravel(layer["scale"])[0]))), []
            case "concat":  # with maps of the level of noise, one or three
                return _Sized("concat", lambda size: (*size[:2], math.nan, size[3])), []
            case "pdist":
                return PDist(p=layer["p"], aggregate=layer["aggregate"], noRoot=layer["noRoot"]), []
        block, weights = block_of(layer)
        return block, numbered[: len(weights)]
    except (
        MatConvNetError,
        KeyError,
        IndexError,
        TypeError,
        ValueError,
    ):  # a type of one's own, or fields that are missing
        return Unknown(layer.type, layer), numbered


class _Sized(Layer):
    """A layer of a SimpleNN network that no block of a DagNN computes, of which the output's size is known."""

    def __init__(self, type_: str, size: Callable[[Size], Size]) -> None:
        super().__init__()
        self.type, self._size = type_, size

    def getOutputSizes(self, inputSizes: list[Size]) -> Sequence[Size]:
        return [self._size(inputSizes[0])]


def _rearranged(scale: float, size: Size) -> Size:
    """After vl_nnSubP: height and width times the scale, and as many numbers as before."""
    return (size[0] * scale, size[1] * scale, size[2] / scale**2, size[3])


class Roles(NamedTuple):
    """What a network is given and what it gives, its losses left aside: names of variables, and positions of layers."""

    inputs: list[str]
    outputs: list[str]
    losses: set[int]


def roles_of(graph: DagNN) -> Roles:
    """The inputs but for those that only losses read, what no layer but losses reads, and the losses."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a class nobody knows is taken for a loss
        losses = judges_of(graph)
    layers = [layer for index, layer in enumerate(graph.layers) if index not in losses]
    read = {name for layer in layers for name in layer.inputs}
    written = [name for layer in layers for name in layer.outputs]
    inputs = [name for name in graph.getInputs() if name in read]
    return Roles(inputs, [name for name in written if name not in read], losses)


def sizes_of(graph: DagNN, inputs: Mapping[str, Size]) -> dict[str, Size]:
    """The size of every variable, NaN where it is not known, or where nothing is left of the image.

    Unlike ``getVarSizes`` this counts all groups of a transposed convolution, and blocks that cannot say a size for
    what they are given leave it unknown.
    """
    found = {var.name: UNKNOWN_SIZE for var in graph.vars} | {name: tuple(size) for name, size in inputs.items()}
    for index in graph.executionOrder:
        layer = graph.layers[index]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # sums of different sizes, which evaluation will refuse
                results = list(layer.block.getOutputSizes([found[name] for name in layer.inputs]))
        except (ArithmeticError, IndexError, TypeError, ValueError):
            results = []
        for name, size in zip(layer.outputs, [*results, *[UNKNOWN_SIZE] * len(layer.outputs)], strict=False):
            found[name] = _possible(layer.block, tidy(size))
    return found


def _possible(block: Layer, size: Size) -> Size:
    if len(size) != 4:
        return UNKNOWN_SIZE
    height, width, depth, images = size
    if isinstance(block, ConvTranspose):
        depth *= block.numGroups
    if height < 1 or width < 1 or depth < 1:
        return (math.nan, math.nan, depth if depth >= 1 else math.nan, images)
    return (height, width, depth, images)


def peak_of(graph: DagNN, sizes: Mapping[str, Size]) -> float:
    """The most numbers that are needed at once when variables are forgotten as soon as nobody needs them.

    Variables whose size is not known, such as labels, are left out.
    """
    counts = {name: count for name, size in sizes.items() if not math.isnan(count := math.prod(size))}
    waiting = {var.name: var.fanout for var in graph.vars}
    alive = set(graph.getInputs())
    most = 0.0
    for index in graph.executionOrder:
        layer = graph.layers[index]
        alive |= set(layer.outputs)
        most = max(most, sum(counts.get(name, 0) for name in alive))
        for name in layer.inputs:
            waiting[name] -= 1
            if not waiting[name]:
                alive.discard(name)
    return most


def shape_of(value: Any) -> tuple[int, ...]:
    """The size of a parameter as MATLAB shows it: at least two sides, and no ones after them."""
    shape = [*np.shape(value), *(1,) * (2 - np.ndim(value))]
    while len(shape) > 2 and shape[-1] == 1:
        shape.pop()
    return tuple(shape)
