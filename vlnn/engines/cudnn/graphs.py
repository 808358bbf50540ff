"""A convolution as cuDNN sees it: sizes, paddings and strides.

cuDNN's two axes of an image are W and then H, as those of planes (N, D, W, H). Like MatConvNet it does not flip the
filters.
"""

from __future__ import annotations

from typing import NamedTuple

from vlnn.geometry import ConvGeometry

Dims = tuple[int, int, int, int]
Pair = tuple[int, int]


class ConvGraph(NamedTuple):
    """One operation on packed arrays. Its groups follow from the sizes."""

    operation: str  # the method of cuDNN's graph: conv_fprop, conv_dgrad, conv_wgrad
    first: Dims
    second: Dims
    out: Dims
    pre_padding: Pair
    post_padding: Pair
    stride: Pair
    dilation: Pair


def conv_graph(operation: str, g: ConvGeometry) -> ConvGraph:
    """The graph of one of the three primitives.

    conv_fprop takes image and filters and gives the output, conv_dgrad output and filters and gives the image,
    conv_wgrad image and output and gives the filters.
    """
    image = (g.batch, g.channels, g.image_width, g.image_height)
    filters = (g.filters, g.group_channels, g.filter_width, g.filter_height)
    output = (g.batch, g.filters, g.output_width, g.output_height)
    first, second, out = {
        "conv_fprop": (image, filters, output),
        "conv_dgrad": (output, filters, image),
        "conv_wgrad": (image, output, filters),
    }[operation]
    return ConvGraph(
        operation,
        first,
        second,
        out,
        (g.pad.left, g.pad.top),
        (g.pad.right, g.pad.bottom),
        (g.stride_x, g.stride_y),
        (g.dilate_x, g.dilate_y),
    )


def packed_strides(dims: Dims) -> Dims:
    """The strides, in elements, of an array in C order."""
    _, depth, width, height = dims
    return depth * width * height, width * height, height, 1
