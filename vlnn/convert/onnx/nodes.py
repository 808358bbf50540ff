"""Operations as nodes of ONNX."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import numpy as np

from vlnn.convert import operations as ops
from vlnn.convert.onnx.graph import DOUBLE, FLOAT, Graph
from vlnn.convert.operations import Operation
from vlnn.errors import ConversionError
from vlnn.geometry import Sides

SMALLEST_NORM = 1e-8  # of vl_nnnoffset


def add(graph: Graph, operation: Operation) -> None:
    """Add the nodes of an operation."""
    graph.start(operation.layer)
    _add(operation, graph, [graph.value(name) for name in operation.inputs], graph.value(operation.output))


@singledispatch
def _add(operation: Operation, graph: Graph, inputs: list[str], output: str) -> None:
    raise ConversionError(f"Layer '{operation.layer}' cannot be converted: ONNX has no {type(operation).__name__}.")


def pads_of(sides: Sides) -> list[int]:
    """Pads in ONNX's order."""
    return [sides.top, sides.left, sides.bottom, sides.right]


@_add.register
def _convolution(operation: ops.Convolution, graph: Graph, inputs: list[str], output: str) -> None:
    if operation.filters is None:
        _subsampling(operation, graph, inputs[0], output)
        return
    biases = [] if operation.biases is None else [graph.vector(operation.biases)]
    graph.node(
        "Conv", [inputs[0], graph.planes(operation.filters), *biases], output,
        kernel_shape=operation.filters.size[:2], pads=pads_of(operation.pad), strides=operation.stride,
        dilations=operation.dilate, group=operation.groups,
    )  # fmt: skip


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


@_add.register
def _transposed(operation: ops.TransposedConvolution, graph: Graph, inputs: list[str], output: str) -> None:
    biases = [] if operation.biases is None else [graph.vector(operation.biases)]
    crop, size = operation.crop, operation.filters.size
    inside = max(crop.top, crop.bottom) < size[0] and max(crop.left, crop.right) < size[1]
    value = graph.node(
        "ConvTranspose", [inputs[0], graph.planes(operation.filters), *biases], output if inside else None,
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


@_add.register
def _pooling(operation: ops.Pooling, graph: Graph, inputs: list[str], output: str) -> None:
    counted: dict[str, Any] = {} if operation.maximum else {"count_include_pad": 0}
    graph.node(
        "MaxPool" if operation.maximum else "AveragePool", inputs, output, kernel_shape=operation.window,
        pads=pads_of(operation.pad), strides=operation.stride, **counted,
    )  # fmt: skip


@_add.register
def _rectifier(operation: ops.Rectifier, graph: Graph, inputs: list[str], output: str) -> None:
    if operation.leak:
        graph.node("LeakyRelu", inputs, output, alpha=operation.leak)
    else:
        graph.node("Relu", inputs, output)


@_add.register
def _sigmoid(operation: ops.Sigmoid, graph: Graph, inputs: list[str], output: str) -> None:
    graph.node("Sigmoid", inputs, output)


@_add.register
def _softmax(operation: ops.Softmax, graph: Graph, inputs: list[str], output: str) -> None:
    graph.node("Softmax", inputs, output, axis=1)


@_add.register
def _dropout(operation: ops.Dropout, graph: Graph, inputs: list[str], output: str) -> None:
    graph.node("Identity", inputs, output)


@_add.register
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


@_add.register
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


@_add.register
def _offset(operation: ops.NormOffset, graph: Graph, inputs: list[str], output: str) -> None:
    squares = graph.node("ReduceSumSquare", inputs, axes=[1])
    norm = graph.node("Pow", [graph.node("Max", [squares, graph.number(SMALLEST_NORM)]), graph.number(operation.beta)])
    graph.node("Sub", [inputs[0], graph.node("Mul", [norm, graph.number(operation.alpha)])], output)


@_add.register
def _spatial(operation: ops.SpatialNormalisation, graph: Graph, inputs: list[str], output: str) -> None:
    energy = graph.node(
        "AveragePool", [graph.node("Mul", inputs * 2)], kernel_shape=operation.window, pads=pads_of(operation.pad),
        strides=[1, 1], count_include_pad=0,
    )  # fmt: skip
    base = graph.node("Add", [graph.node("Mul", [energy, graph.number(operation.alpha)]), graph.number(1)])
    graph.node("Mul", [inputs[0], graph.node("Pow", [base, graph.number(-operation.beta)])], output)


@_add.register
def _sum(operation: ops.Sum, graph: Graph, inputs: list[str], output: str) -> None:
    graph.node("Sum", inputs, output)


@_add.register
def _concatenation(operation: ops.Concatenation, graph: Graph, inputs: list[str], output: str) -> None:
    graph.node("Concat", inputs, output, axis=(2, 3, 1, 0)[operation.dimension])


@_add.register
def _scaling(operation: ops.Scaling, graph: Graph, inputs: list[str], output: str) -> None:
    value, *others = inputs
    factor = others.pop(0) if operation.multipliers is None else graph.planes(operation.multipliers)
    if not operation.biased:
        graph.node("Mul", [value, factor], output)
        return
    bias = others.pop(0) if operation.biases is None else graph.planes(operation.biases)
    graph.node("Add", [graph.node("Mul", [value, factor]), bias], output)


@_add.register
def _cropping(operation: ops.Cropping, graph: Graph, inputs: list[str], output: str) -> None:
    size, wanted = (graph.node("Shape", [value], start=2, end=4) for value in inputs)
    surplus = graph.node("Sub", [size, wanted])
    first = graph.node("Min", [surplus, graph.integers(operation.most)])
    last = graph.node("Add", [first, wanted])
    graph.node("Slice", [inputs[0], first, last, graph.integers([2, 3])], output)


@_add.register
def _grid(operation: ops.Grid, graph: Graph, inputs: list[str], output: str) -> None:
    count, two, height, width = operation.basis.shape
    basis = graph.constant(operation.basis.transpose(0, 3, 1, 2).reshape(count, -1).astype(np.float32))
    transformations = graph.node("Reshape", [inputs[0], graph.integers([-1, count])])
    grid = graph.node("MatMul", [transformations, basis])
    graph.node("Reshape", [grid, graph.integers([-1, width, two, height])], output)


@_add.register
def _sampling(operation: ops.BilinearSampling, graph: Graph, inputs: list[str], output: str) -> None:
    image, grid = inputs  # (N, C, H, W), (M, Wo, 2, Ho)
    images, depth = (graph.node("Shape", [image], start=at, end=at + 1) for at in (0, 1))
    width, height = (graph.node("Shape", [grid], start=at, end=at + 1) for at in (1, 3))
    places = graph.node("Transpose", [grid], perm=[0, 3, 1, 2])  # (M, Ho, Wo, 2)
    # The M / N grids of an image, one below the other
    rows = graph.node("Concat", [images, graph.integers([-1]), width, graph.integers([2])], axis=0)
    places = graph.node("Reshape", [places, rows])
    inside = _inside(graph, image, places)
    turned = graph.node("Gather", [places, graph.integers([1, 0])], axis=3)
    samples = graph.node("GridSample", [image, turned], mode="bilinear", padding_mode="zeros", align_corners=1)
    samples = graph.node("Mul", [samples, inside])  # (N, C, M / N Ho, Wo)
    apart = graph.node("Concat", [images, depth, graph.integers([-1]), height, width], axis=0)
    samples = graph.node("Transpose", [graph.node("Reshape", [samples, apart])], perm=[0, 2, 1, 3, 4])
    together = graph.node("Concat", [graph.integers([-1]), depth, height, width], axis=0)
    graph.node("Reshape", [samples, together], output)


def _inside(graph: Graph, image: str, places: str) -> str:
    """1 where a place is not before the first pixel, 0 elsewhere: (N, 1, rows, Wo)."""
    size = graph.node("Cast", [graph.node("Shape", [image], start=2, end=4)], to=FLOAT)
    far = graph.node("Sub", [size, graph.number(1)])
    pixels = graph.node("Mul", [graph.node("Add", [places, graph.number(1)]), far])
    after = graph.node("Cast", [graph.node("GreaterOrEqual", [pixels, graph.number(0)])], to=FLOAT)
    return graph.node("Unsqueeze", [graph.node("ReduceMin", [after], axes=[3], keepdims=0), graph.integers([1])])


@_add.register
def _regions(operation: ops.RegionPooling, graph: Graph, inputs: list[str], output: str) -> None:
    if not operation.maximum:
        raise ConversionError(
            f"Layer '{operation.layer}' of type dagnn.ROIPooling cannot be converted: ONNX has no average over regions "
            "that takes MatConvNet's bins. Use the method 'max', or convert to another format."
        )
    image, regions = inputs
    regions = graph.node("Reshape", [graph.node("Transpose", [regions], perm=[0, 1, 3, 2]), graph.integers([-1, 5])])
    images = graph.node("Cast", [graph.node("Shape", [image], start=0, end=1)], to=FLOAT)
    t = graph.node("Gather", [regions, graph.integers([0])], axis=1)
    t = graph.node("Min", [graph.node("Max", [t, graph.number(1)]), images])
    t = graph.node("Sub", [graph.node("Floor", [t]), graph.number(1)])
    corners = [_corners(graph, operation.transform, regions, at) for at in (1, 3)]
    boxes = graph.node("Concat", [t, *corners], axis=1)
    flat = operation.flatten
    high, wide = operation.subdivisions
    pooled = graph.node(
        "MaxRoiPool", [image, boxes], None if flat else output, pooled_shape=[high, wide], spatial_scale=1.0
    )
    if flat:  # MATLAB's order of (SH, SW, C)
        pooled = graph.node("Transpose", [pooled], perm=[0, 1, 3, 2])
        depth = graph.program.channels[operation.output]
        graph.node("Reshape", [pooled, graph.integers([0, depth or -1, 1, 1])], output)


def _corners(graph: Graph, transform: tuple[float, ...], regions: str, at: int) -> str:
    """Corners (u, v) as pixels counted from 0, rounded as in C: (K, 2)."""
    matrix, half, one = np.array(transform).reshape(3, 2), np.array(0.5), np.array(1.0)
    corner = graph.node("Gather", [regions, graph.integers([at, at + 1])], axis=1)
    corner = graph.node("Cast", [corner], to=DOUBLE)
    moved = graph.node("Add", [graph.node("MatMul", [corner, graph.constant(matrix[:2])]), graph.constant(matrix[2])])
    moved = graph.node("Cast", [graph.node("Cast", [moved], to=FLOAT)], to=DOUBLE)  # what is rounded is in single
    away = graph.node("Floor", [graph.node("Add", [graph.node("Abs", [moved]), graph.constant(half)])])
    whole = graph.node("Sub", [graph.node("Mul", [graph.node("Sign", [moved]), away]), graph.constant(one)])
    return graph.node("Cast", [whole], to=FLOAT)


@_add.register
def _distance(operation: ops.Distance, graph: Graph, inputs: list[str], output: str) -> None:
    size = graph.node("Abs", [graph.node("Sub", inputs[:2])])
    power, root = operation.power, operation.root and operation.power != 1
    steps: list[Any] = []
    if power != 1:
        steps.append(lambda value, to: graph.node("Pow", [value, graph.number(power)], to))
    steps.append(lambda value, to: graph.node("ReduceSum", [value, graph.integers([1])], to))
    if root:
        steps.append(lambda value, to: graph.node("Pow", [value, graph.number(1 / power)], to))
    if len(inputs) > 2:
        steps.append(lambda value, to: graph.node("Mul", [value, inputs[2]], to))
    if operation.aggregate:
        steps.append(lambda value, to: graph.node("ReduceSum", [value], to))
    for step in steps[:-1]:
        size = step(size, None)
    steps[-1](size, output)
