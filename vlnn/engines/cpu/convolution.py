"""The three primitives of convolution on the CPU: which kernel serves which geometry."""

from __future__ import annotations

from typing import Any

import numpy as np

from vlnn.engines.cpu import columns, windows, windows_filter
from vlnn.geometry import ConvGeometry
from vlnn.matlab.arrays import Array

FEW_PIXELS = 1024  # up to here reordering the filters costs too much beside the product
FEW_PRODUCTS = 2**18  # up to here one call of BLAS is quickest


class Convolution:
    """The convolution part of the CPU engine."""

    def conv_forward(self, geometry: ConvGeometry, image: Array, filters: Array, biases: Array | None) -> Array:
        g = geometry
        out = np.empty((g.batch, g.filters, g.output_width, g.output_height), image.dtype)
        if g.multiplications == 0:
            out[...] = 0 if biases is None else biases[:, None, None]
            return out
        with np.errstate(all="ignore"):
            for group, c, k in _groups(g):
                kernel = columns if _plain(group) else windows
                kernel.forward(group, image[:, c], filters[k], _part(biases, k), out[:, k])
        return out

    def conv_backward_data(self, geometry: ConvGeometry, output: Array, filters: Array, biases: Array | None) -> Array:
        g = geometry
        out = np.empty((g.batch, g.channels, g.image_width, g.image_height), output.dtype)
        if g.multiplications == 0:
            out[...] = 0 if biases is None else biases[:, None, None]
            return out
        with np.errstate(all="ignore"):
            for group, c, k in _groups(g):
                # windows multiplies the filters by zeros around the output, which must not make NaNs of infinities,
                # and knows no phases of dilated filters.
                strided_and_dilated = (g.stride_y > 1 < g.dilate_y) or (g.stride_x > 1 < g.dilate_x)
                exact = strided_and_dilated or not np.isfinite(filters[k].sum())
                kernel = columns if exact or _plain(group) else windows
                kernel.backward_data(group, output[:, k], filters[k], _part(biases, c), out[:, c])
        return out

    def conv_backward_filter(self, geometry: ConvGeometry, image: Array, output: Array) -> Array:
        g = geometry
        out = np.empty((g.filters, g.group_channels, g.filter_width, g.filter_height), image.dtype)
        if g.multiplications == 0:
            out[...] = 0
            return out
        with np.errstate(all="ignore"):
            for group, c, k in _groups(g):
                if not _plain(group):
                    windows_filter.backward_filter(group, image[:, c], output[:, k], out[k])
                    if np.isfinite(out[k].sum()):
                        continue  # else it may have multiplied infinities by zeros that are not there
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


def _plain(g: ConvGeometry) -> bool:
    """Whether the textbook's algorithm is the quickest: few pixels, small work, or filters of one pixel."""
    single = (g.filter_height, g.filter_width, g.stride_y, g.stride_x) == (1, 1, 1, 1) and not any(g.pad)
    return single or g.output_pixels <= FEW_PIXELS or g.multiplications <= FEW_PRODUCTS


def _part(biases: Array | None, channels: slice) -> Array | None:
    return None if biases is None else biases[channels]


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
