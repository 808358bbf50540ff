"""The operations that take parts of an image or move its pixels, as nodes of ONNX."""

from __future__ import annotations

import numpy as np

from vlnn.convert import operations as ops
from vlnn.convert.onnx.graph import DOUBLE, FLOAT, Graph
from vlnn.errors import ConversionError

TURNED = [0, 1, 3, 2]  # height and width exchanged


def appending(operation: ops.Appending, graph: Graph, inputs: list[str], output: str) -> None:
    image, more = inputs
    sides = [graph.node("Shape", [value], start=start, end=end) for value, start, end in _of_maps(image, more)]
    maps = graph.node("Expand", [more, graph.node("Concat", sides, axis=0)])
    graph.node("Concat", [image, maps], output, axis=1)


def _of_maps(image: str, more: str) -> list[tuple[str, int, int]]:
    """Where the sizes of the maps stand: images, channels, height and width."""
    return [(image, 0, 1), (more, 1, 2), (image, 2, 4)]


def reshaping(operation: ops.Reshaping, graph: Graph, inputs: list[str], output: str) -> None:
    height, width, depth = operation.size
    turned = graph.node("Transpose", inputs, perm=TURNED)  # (N, C, W, H): MATLAB's order
    turned = graph.node("Reshape", [turned, graph.integers([0, depth, width, height])])
    graph.node("Transpose", [turned], output, perm=TURNED)


def permutation(operation: ops.Permutation, graph: Graph, inputs: list[str], output: str) -> None:
    axes = [ops.AXES[operation.order[dimension]] for dimension in (3, 2, 0, 1)]
    graph.node("Transpose", inputs, output, perm=axes)


def shuffle(operation: ops.PixelShuffle, graph: Graph, inputs: list[str], output: str) -> None:
    factor = operation.factor
    turned = graph.node("Transpose", inputs, perm=TURNED)  # ONNX goes along rows
    if operation.enlarge:
        turned = graph.node("DepthToSpace", [turned], blocksize=factor, mode="CRD")
    else:
        turned = graph.node("SpaceToDepth", [turned], blocksize=factor)  # (N, S^2 C, W, H)
        images, sides = (graph.node("Shape", [turned], start=at, end=end) for at, end in ((0, 1), (2, 4)))
        apart = graph.node("Concat", [images, graph.integers([factor**2, -1]), sides], axis=0)
        together = graph.node("Concat", [images, graph.integers([-1]), sides], axis=0)
        turned = graph.node("Transpose", [graph.node("Reshape", [turned, apart])], perm=[0, 2, 1, 3, 4])
        turned = graph.node("Reshape", [turned, together])
    graph.node("Transpose", [turned], output, perm=TURNED)


def cropping(operation: ops.Cropping, graph: Graph, inputs: list[str], output: str) -> None:
    size, wanted = (graph.node("Shape", [value], start=2, end=4) for value in inputs)
    surplus = graph.node("Sub", [size, wanted])
    first = graph.node("Min", [surplus, graph.integers(operation.most)])
    last = graph.node("Add", [first, wanted])
    graph.node("Slice", [inputs[0], first, last, graph.integers([2, 3])], output)


def grid(operation: ops.Grid, graph: Graph, inputs: list[str], output: str) -> None:
    count, two, height, width = operation.basis.shape
    basis = graph.constant(operation.basis.transpose(0, 3, 1, 2).reshape(count, -1).astype(np.float32))
    transformations = graph.node("Reshape", [inputs[0], graph.integers([-1, count])])
    grid = graph.node("MatMul", [transformations, basis])
    graph.node("Reshape", [grid, graph.integers([-1, width, two, height])], output)


def sampling(operation: ops.BilinearSampling, graph: Graph, inputs: list[str], output: str) -> None:
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


def regions(operation: ops.RegionPooling, graph: Graph, inputs: list[str], output: str) -> None:
    if not operation.maximum:
        raise ConversionError(
            f"Layer '{operation.layer}' of type dagnn.ROIPooling cannot be converted: ONNX has no average over regions "
            "that takes MatConvNet's bins. Use the method 'max', or convert to another format."
        )
    image, regions = inputs
    regions = graph.node("Reshape", [graph.node("Transpose", [regions], perm=TURNED), graph.integers([-1, 5])])
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
        pooled = graph.node("Transpose", [pooled], perm=TURNED)
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
