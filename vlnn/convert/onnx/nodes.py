"""Operations as nodes of ONNX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from vlnn.convert import operations as ops
from vlnn.convert.onnx import spatial
from vlnn.convert.onnx.graph import Graph
from vlnn.convert.operations import Operation, Weight
from vlnn.engines.cpu.channels import SMALLEST_NORM
from vlnn.geometry import Sides


def add(graph: Graph, operation: Operation) -> None:
    """Add the nodes of an operation."""
    graph.start(operation.layer)
    NODES[type(operation)](
        operation, graph, [graph.value(name) for name in operation.inputs], graph.value(operation.output)
    )


def pads_of(sides: Sides) -> list[int]:
    """Pads in ONNX's order."""
    return [sides.top, sides.left, sides.bottom, sides.right]


def _convolution(operation: ops.Convolution, graph: Graph, inputs: list[str], output: str) -> None:
    if operation.filters is None:
        _subsampling(operation, graph, inputs[0], output)
        return
    weights = _weights(operation, operation.filters, graph)
    graph.node(
        "Conv", [inputs[0], *weights], output,
        kernel_shape=operation.filters.size[:2], pads=pads_of(operation.pad), strides=operation.stride,
        dilations=operation.dilate, group=operation.groups,
    )  # fmt: skip


def _weights(operation: ops.Convolution | ops.TransposedConvolution, filters: Weight, graph: Graph) -> list[str]:
    biases = operation.biases
    return [graph.planes(filters), *([] if biases is None else [graph.vector(biases)])]


def _subsampling(operation: ops.Convolution, graph: Graph, value: str, output: str) -> None:
    """A convolution without filters."""
    pad = operation.pad
    if any(pad):
        ends = graph.integers([0, 0, pad.top, pad.left, 0, 0, pad.bottom, pad.right])
        value = graph.node("Pad", [value, ends], mode="constant")
    last = graph.integers([np.iinfo(np.int64).max] * 2)
    stride = graph.integers(operation.stride)
    biased = operation.biases is not None
    value = graph.node(
        "Slice", [value, graph.integers([0, 0]), last, graph.integers([2, 3]), stride], None if biased else output
    )
    if operation.biases is not None:
        graph.node("Add", [value, _per_channel(graph, graph.vector(operation.biases))], output)


def _per_channel(graph: Graph, vector: str) -> str:
    """A vector of a number for each channel as (1, C, 1, 1)."""
    return graph.node("Reshape", [vector, graph.integers([1, -1, 1, 1])])


def _transposed(operation: ops.TransposedConvolution, graph: Graph, inputs: list[str], output: str) -> None:
    weights = _weights(operation, operation.filters, graph)
    crop, size = operation.crop, operation.filters.size
    inside = max(crop.top, crop.bottom) < size[0] and max(crop.left, crop.right) < size[1]
    value = graph.node(
        "ConvTranspose", [inputs[0], *weights], output if inside else None,
        kernel_shape=size[:2], pads=pads_of(crop) if inside else [0] * 4, strides=operation.upsample,
        group=operation.groups,
    )  # fmt: skip
    if not inside:  # a pad of the size of the filters, or more, is not for every runtime
        _cut(graph, value, crop, output)


def _cut(graph: Graph, value: str, crop: Sides, output: str) -> None:
    """Take rows and columns away at the borders."""
    last = np.iinfo(np.int64).max
    ends = [-crop.bottom or last, -crop.right or last]
    graph.node(
        "Slice", [value, graph.integers([crop.top, crop.left]), graph.integers(ends), graph.integers([2, 3])], output
    )


def _pooling(operation: ops.Pooling, graph: Graph, inputs: list[str], output: str) -> None:
    counted: dict[str, Any] = {} if operation.maximum else {"count_include_pad": 0}
    graph.node(
        "MaxPool" if operation.maximum else "AveragePool", inputs, output, kernel_shape=operation.window,
        pads=pads_of(operation.pad), strides=operation.stride, **counted,
    )  # fmt: skip


def _rectifier(operation: ops.Rectifier, graph: Graph, inputs: list[str], output: str) -> None:
    if operation.leak:
        graph.node("LeakyRelu", inputs, output, alpha=operation.leak)
    else:
        graph.node("Relu", inputs, output)


def _sigmoid(operation: ops.Sigmoid, graph: Graph, inputs: list[str], output: str) -> None:
    graph.node("Sigmoid", inputs, output)


def _tanh(operation: ops.Tanh, graph: Graph, inputs: list[str], output: str) -> None:
    graph.node("Tanh", inputs, output)


def _global(operation: ops.GlobalPooling, graph: Graph, inputs: list[str], output: str) -> None:
    graph.node("GlobalMaxPool" if operation.maximum else "GlobalAveragePool", inputs, output)


def _softmax(operation: ops.Softmax, graph: Graph, inputs: list[str], output: str) -> None:
    graph.node("Softmax", inputs, output, axis=1)


def _dropout(operation: ops.Dropout, graph: Graph, inputs: list[str], output: str) -> None:
    graph.node("Identity", inputs, output)


def _batch(operation: ops.BatchNormalisation, graph: Graph, inputs: list[str], output: str) -> None:
    factors, biases = graph.vector(operation.multipliers), graph.vector(operation.biases)
    if operation.moments is not None:
        mean, spread, squared = graph.moments(operation.moments)
        if squared:
            graph.node("BatchNormalization", [inputs[0], factors, biases, mean, spread], output, epsilon=0.0)
            return
        centred = graph.node("Sub", [inputs[0], _per_channel(graph, mean)])
        sigma = _per_channel(graph, spread)
    else:
        centred = graph.node("Sub", [inputs[0], graph.node("ReduceMean", inputs, axes=[0, 2, 3])])
        variance = graph.node("ReduceMean", [graph.node("Mul", [centred, centred])], axes=[0, 2, 3])
        sigma = graph.node("Sqrt", [graph.node("Add", [variance, graph.number(operation.epsilon)])])
    scaled = graph.node("Mul", [graph.node("Div", [centred, sigma]), _per_channel(graph, factors)])
    graph.node("Add", [scaled, _per_channel(graph, biases)], output)


def _channels(operation: ops.ChannelNormalisation, graph: Graph, inputs: list[str], output: str) -> None:
    window = operation.before + operation.after + 1
    if window % 2:  # runtimes know odd ones only
        graph.node(
            "LRN", inputs, output, size=window, alpha=operation.alpha * window, beta=operation.beta,
            bias=operation.kappa,
        )  # fmt: skip
        return
    squares = graph.node("Unsqueeze", [graph.node("Mul", inputs * 2), graph.integers([1])])  # (N, 1, C, H, W)
    means = graph.node(
        "AveragePool", [squares], kernel_shape=[window, 1, 1], strides=[1, 1, 1],
        pads=[operation.before, 0, 0, operation.after, 0, 0], count_include_pad=1,
    )  # fmt: skip
    means = graph.node("Squeeze", [means, graph.integers([1])])
    scaled = graph.node("Mul", [means, graph.number(operation.alpha * window)])
    base = graph.node("Add", [scaled, graph.number(operation.kappa)])
    graph.node("Mul", [inputs[0], graph.node("Pow", [base, graph.number(-operation.beta)])], output)


def _offset(operation: ops.NormOffset, graph: Graph, inputs: list[str], output: str) -> None:
    squares = graph.node("ReduceSumSquare", inputs, axes=[1])
    norm = graph.node("Pow", [graph.node("Max", [squares, graph.number(SMALLEST_NORM)]), graph.number(operation.beta)])
    graph.node("Sub", [inputs[0], graph.node("Mul", [norm, graph.number(operation.alpha)])], output)


def _spatial(operation: ops.SpatialNormalisation, graph: Graph, inputs: list[str], output: str) -> None:
    energy = graph.node(
        "AveragePool", [graph.node("Mul", inputs * 2)], kernel_shape=operation.window, pads=pads_of(operation.pad),
        strides=[1, 1], count_include_pad=0,
    )  # fmt: skip
    base = graph.node("Add", [graph.node("Mul", [energy, graph.number(operation.alpha)]), graph.number(1)])
    graph.node("Mul", [inputs[0], graph.node("Pow", [base, graph.number(-operation.beta)])], output)


def _sum(operation: ops.Sum, graph: Graph, inputs: list[str], output: str) -> None:
    graph.node("Sum", inputs, output)


def _concatenation(operation: ops.Concatenation, graph: Graph, inputs: list[str], output: str) -> None:
    graph.node("Concat", inputs, output, axis=ops.AXES[operation.dimension])


def _scaling(operation: ops.Scaling, graph: Graph, inputs: list[str], output: str) -> None:
    value, *others = inputs
    factor = others.pop(0) if operation.multipliers is None else graph.planes(operation.multipliers)
    if not operation.biased:
        graph.node("Mul", [value, factor], output)
        return
    bias = others.pop(0) if operation.biases is None else graph.planes(operation.biases)
    graph.node("Add", [graph.node("Mul", [value, factor]), bias], output)


def _weighted(operation: ops.WeightedSum, graph: Graph, inputs: list[str], output: str) -> None:
    graph.node("Add", [graph.node("Mul", inputs[:2]), inputs[2]], output)


def _distance(operation: ops.Distance, graph: Graph, inputs: list[str], output: str) -> None:
    value = graph.node("Abs", [graph.node("Sub", inputs[:2])])
    if operation.power != 1:
        value = graph.node("Pow", [value, graph.number(operation.power)])
    value = graph.node("ReduceSum", [value, graph.integers([1])])
    if operation.root and operation.power != 1:
        value = graph.node("Pow", [value, graph.number(1 / operation.power)])
    if len(inputs) > 2:
        value = graph.node("Mul", [value, inputs[2]])
    if operation.aggregate:
        value = graph.node("ReduceSum", [value])
    graph.node("Identity", [value], output)


NODES: dict[type[Operation], Callable[[Any, Graph, list[str], str], None]] = {
    ops.Convolution: _convolution,
    ops.TransposedConvolution: _transposed,
    ops.Pooling: _pooling,
    ops.Rectifier: _rectifier,
    ops.Sigmoid: _sigmoid,
    ops.Tanh: _tanh,
    ops.GlobalPooling: _global,
    ops.Softmax: _softmax,
    ops.Dropout: _dropout,
    ops.BatchNormalisation: _batch,
    ops.ChannelNormalisation: _channels,
    ops.NormOffset: _offset,
    ops.SpatialNormalisation: _spatial,
    ops.Sum: _sum,
    ops.Concatenation: _concatenation,
    ops.Scaling: _scaling,
    ops.WeightedSum: _weighted,
    ops.Distance: _distance,
    ops.Appending: spatial.appending,
    ops.Reshaping: spatial.reshaping,
    ops.Permutation: spatial.permutation,
    ops.PixelShuffle: spatial.shuffle,
    ops.Cropping: spatial.cropping,
    ops.Grid: spatial.grid,
    ops.BilinearSampling: spatial.sampling,
    ops.RegionPooling: spatial.regions,
}
