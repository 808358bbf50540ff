"""The three primitives of convolution on the CPU: which kernel serves which geometry."""

from __future__ import annotations

from typing import Any

import numpy as np

from vlnn.engines.cpu import columns
from vlnn.geometry import ConvGeometry
from vlnn.matlab.arrays import Array


class Convolution:
    """The convolution part of the CPU engine."""

    def conv_forward(self, geometry: ConvGeometry, image: Array, filters: Array, biases: Array | None) -> Array:
        g = geometry
        out = np.empty((g.batch, g.filters, g.output_width, g.output_height), image.dtype)
        if g.multiplications == 0:
            out[...] = 0
        else:
            for group, c, k in _groups(g):
                columns.forward(group, image[:, c], filters[k], out[:, k])
        _add_biases(out, biases)
        return out

    def conv_backward_data(self, geometry: ConvGeometry, output: Array, filters: Array, biases: Array | None) -> Array:
        g = geometry
        out = np.empty((g.batch, g.channels, g.image_width, g.image_height), output.dtype)
        if g.multiplications == 0:
            out[...] = 0
        else:
            for group, c, k in _groups(g):
                columns.backward_data(group, output[:, k], filters[k], out[:, c])
        _add_biases(out, biases)
        return out

    def conv_backward_filter(self, geometry: ConvGeometry, image: Array, output: Array) -> Array:
        g = geometry
        out = np.empty((g.filters, g.group_channels, g.filter_width, g.filter_height), image.dtype)
        if g.multiplications == 0:
            out[...] = 0
        else:
            for group, c, k in _groups(g):
                columns.backward_filter(group, image[:, c], output[:, k], out[k])
        return out

    def subsample_forward(self, geometry: ConvGeometry, image: Array, biases: Array | None) -> Array:
        g = geometry
        out = np.zeros((g.batch, g.channels, g.output_width, g.output_height), image.dtype)
        inside, pixels = _kept_pixels(g)
        out[inside] = image[pixels]
        _add_biases(out, biases)
        return out

    def subsample_backward(self, geometry: ConvGeometry, output: Array) -> Array:
        g = geometry
        out = np.zeros((g.batch, g.channels, g.image_width, g.image_height), output.dtype)
        inside, pixels = _kept_pixels(g)
        out[pixels] = output[inside]
        return out

    def sum_per_channel(self, planes: Array) -> Array:
        return planes.sum(axis=(0, 2, 3))


def _groups(g: ConvGeometry) -> list[tuple[ConvGeometry, slice, slice]]:
    """Each group as a geometry of its own, with the channels and the filters that are its."""
    group = g._replace(groups=1, channels=g.group_channels, filters=g.group_filters)
    channels, filters = group.channels, group.filters
    return [
        (group, slice(i * channels, (i + 1) * channels), slice(i * filters, (i + 1) * filters)) for i in range(g.groups)
    ]


def _add_biases(out: Array, biases: Array | None) -> None:
    if biases is not None:
        out += biases[:, None, None]


def _kept_pixels(g: ConvGeometry) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """For the identity filter bank: the outputs that fall into the image, and the pixels that they are."""

    def along(size: int, count: int, stride: int, before: int) -> tuple[slice, slice]:
        first = -(-before // stride)
        stop = max(first, min(count, -(-(size + before) // stride)))
        start = first * stride - before
        return slice(first, stop), slice(start, start + (stop - first) * stride, stride)

    columns = along(g.image_width, g.output_width, g.stride_x, g.pad.left)
    rows = along(g.image_height, g.output_height, g.stride_y, g.pad.top)
    return (..., columns[0], rows[0]), (..., columns[1], rows[1])
