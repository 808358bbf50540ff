"""Convolution of a few pixels in as few calls of NumPy as can be: all patches copied, one product.

The transpose is the correlation of the output, spread out with zeros between and around, with the filters turned round.
"""

from __future__ import annotations

import numpy as np

from vlnn.geometry import ConvGeometry
from vlnn.matlab.arrays import Array


def forward(geometry: ConvGeometry, image: Array, filters: Array, biases: Array | None, out: Array) -> None:
    """Write the correlation of `image` with `filters`, plus biases, into `out`; one group."""
    g = geometry
    _product(filters.reshape(g.filters, -1), _patches(g, image), biases, out)


def backward_data(geometry: ConvGeometry, output: Array, filters: Array, biases: Array | None, out: Array) -> None:
    """Write the transpose of :func:`forward` in the image, plus biases, into `out`; one group, finite filters."""
    g = geometry
    reach_x, reach_y = (g.filter_width - 1) * g.dilate_x, (g.filter_height - 1) * g.dilate_y
    spread = np.zeros((g.batch, g.filters, g.image_width + reach_x, g.image_height + reach_y), output.dtype)
    columns, target_columns = _fitting(reach_x - g.pad.left, g.stride_x, g.output_width, spread.shape[2])
    rows, target_rows = _fitting(reach_y - g.pad.top, g.stride_y, g.output_height, spread.shape[3])
    spread[:, :, target_columns, target_rows] = output[:, :, columns, rows]
    turned = filters[:, :, ::-1, ::-1].transpose(1, 0, 2, 3).reshape(g.channels, -1)
    patches = _windows(
        spread, g.filter_width, g.filter_height, g.image_width, g.image_height, 1, 1, g.dilate_x, g.dilate_y
    )
    _product(turned, patches, biases, out)


def backward_filter(geometry: ConvGeometry, image: Array, output: Array, out: Array) -> None:
    """Write the transpose of :func:`forward` in the filters into `out`; one group."""
    g = geometry
    patches = _patches(g, image)  # (N, C*FW*FH, WO*HO)
    products = output.reshape(g.batch, g.filters, -1) @ patches.transpose(0, 2, 1)
    out[...] = products.sum(axis=0).reshape(out.shape)


def _product(matrix: Array, patches: Array, biases: Array | None, out: Array) -> None:
    batch, channels, width, height = out.shape
    if out.flags.c_contiguous:
        np.matmul(matrix, patches, out=out.reshape(batch, channels, -1))
    else:
        out[...] = (matrix @ patches).reshape(out.shape)
    if biases is not None:
        out += biases[:, None, None]


def _patches(g: ConvGeometry, image: Array) -> Array:
    """The patches of the padded image, (N, C*FW*FH, WO*HO)."""
    pad = g.pad
    if any(pad):
        width, height = g.image_width + pad.left + pad.right, g.image_height + pad.top + pad.bottom
        padded = np.zeros((g.batch, g.channels, width, height), image.dtype)
        padded[:, :, pad.left : pad.left + g.image_width, pad.top : pad.top + g.image_height] = image
        image = padded
    return _windows(
        image, g.filter_width, g.filter_height, g.output_width, g.output_height,
        g.stride_x, g.stride_y, g.dilate_x, g.dilate_y,
    )  # fmt: skip


def _windows(
    source: Array,
    taps_x: int,
    taps_y: int,
    width: int,
    height: int,
    step_x: int,
    step_y: int,
    dilate_x: int,
    dilate_y: int,
) -> Array:
    by_image, by_channel, by_column, by_row = source.strides
    batch, channels = source.shape[:2]
    view = np.lib.stride_tricks.as_strided(
        source,
        (batch, channels, taps_x, taps_y, width, height),
        (by_image, by_channel, by_column * dilate_x, by_row * dilate_y, by_column * step_x, by_row * step_y),
    )
    return view.reshape(batch, channels * taps_x * taps_y, width * height)


def _fitting(first: int, step: int, length: int, size: int) -> tuple[slice, slice]:
    """Of `length` elements that go to first, first + step, ...: those within range(size), and where they go."""
    start = max(0, -(first // step))
    stop = max(start, min(length, -(-(size - first) // step)))
    begin = first + start * step
    return slice(start, stop), slice(begin, begin + (stop - start) * step, step)
