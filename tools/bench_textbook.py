"""The algorithm of textbooks and of MatConvNet: all patches of an image as columns, one matrix product per image.

On planes, like vlnn's engines, so that the three primitives serve vl_nnconv and vl_nnconvt here as well. NumPy's BLAS
runs on all of its threads.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from vlnn.geometry import ConvGeometry
from vlnn.matlab.arrays import Array


def forward(g: ConvGeometry, image: Array, filters: Array, biases: Array | None) -> Array:
    """Correlate the image (N, C, W, H) with the filters (K, C/G, FW, FH) and add the biases: (N, K, WO, HO)."""
    output = np.empty((g.batch, g.filters, g.output_width, g.output_height), image.dtype)
    for n in range(g.batch):
        for c, k in _groups(g):
            product = filters[k].reshape(g.group_filters, -1) @ _im2col(g, image[n, c])
            output[n, k] = product.reshape(output[n, k].shape)
    if biases is not None:
        output += biases[:, None, None]
    return output


def backward_data(g: ConvGeometry, output: Array, filters: Array, biases: Array | None) -> Array:
    """The transpose of :func:`forward` in its image, plus biases per channel."""
    image = np.empty((g.batch, g.channels, g.image_width, g.image_height), output.dtype)
    for n in range(g.batch):
        for c, k in _groups(g):
            columns = filters[k].reshape(g.group_filters, -1).T @ output[n, k].reshape(g.group_filters, -1)
            image[n, c] = _col2im(g, columns)
    if biases is not None:
        image += biases[:, None, None]
    return image


def backward_filter(g: ConvGeometry, image: Array, output: Array) -> Array:
    """The transpose of :func:`forward` in its filters."""
    filters = np.zeros((g.filters, g.group_channels, g.filter_width, g.filter_height), image.dtype)
    for n in range(g.batch):
        for c, k in _groups(g):
            product = output[n, k].reshape(g.group_filters, -1) @ _im2col(g, image[n, c]).T
            filters[k] += product.reshape(filters[k].shape)
    return filters


def _groups(g: ConvGeometry) -> Iterator[tuple[slice, slice]]:
    """The channels and the filters of each group."""
    for i in range(g.groups):
        channels, filters = i * g.group_channels, i * g.group_filters
        yield slice(channels, channels + g.group_channels), slice(filters, filters + g.group_filters)


def _taps(g: ConvGeometry) -> Iterator[tuple[int, int, slice, slice]]:
    """For each tap of the filters: its column, its row, and the pixels of the padded image that meet it."""
    for fw in range(g.filter_width):
        for fh in range(g.filter_height):
            left, top = fw * g.dilate_x, fh * g.dilate_y
            columns = slice(left, left + (g.output_width - 1) * g.stride_x + 1, g.stride_x)
            rows = slice(top, top + (g.output_height - 1) * g.stride_y + 1, g.stride_y)
            yield fw, fh, columns, rows


def _im2col(g: ConvGeometry, image: Array) -> Array:
    """The patches of a group's channels (C/G, W, H) as (C/G*FW*FH, WO*HO)."""
    padded = np.pad(image, ((0, 0), (g.pad.left, g.pad.right), (g.pad.top, g.pad.bottom)))
    shape = (g.group_channels, g.filter_width, g.filter_height, g.output_width, g.output_height)
    patches = np.empty(shape, image.dtype)
    for fw, fh, columns, rows in _taps(g):
        patches[:, fw, fh] = padded[:, columns, rows]
    return patches.reshape(-1, g.output_width * g.output_height)


def _col2im(g: ConvGeometry, columns: Array) -> Array:
    """The transpose of :func:`_im2col`."""
    width, height = g.image_width + g.pad.left + g.pad.right, g.image_height + g.pad.top + g.pad.bottom
    padded = np.zeros((g.group_channels, width, height), columns.dtype)
    patches = columns.reshape(g.group_channels, g.filter_width, g.filter_height, g.output_width, g.output_height)
    for fw, fh, across, down in _taps(g):
        padded[:, across, down] += patches[:, fw, fh]
    return padded[:, g.pad.left : g.pad.left + g.image_width, g.pad.top : g.pad.top + g.image_height]
