"""Convolution of a few pixels in as few calls of NumPy as can be: all patches copied, one product.

The transpose is the correlation of the output, spread out with zeros between and around, with the filters turned round.
"""

from __future__ import annotations

import numpy as np

from vlnn.engines.cpu.axes import Axis, axes, inside
from vlnn.geometry import ConvGeometry
from vlnn.matlab.arrays import Array


def forward(geometry: ConvGeometry, image: Array, filters: Array, biases: Array | None, out: Array) -> None:
    """Write the correlation of `image` with `filters`, plus biases, into `out`; one group."""
    _product(filters.reshape(geometry.filters, -1), _patches(geometry, image), biases, out)


def backward_data(geometry: ConvGeometry, output: Array, filters: Array, biases: Array | None, out: Array) -> None:
    """Write the transpose of :func:`forward` in the image, plus biases, into `out`; one group, finite filters."""
    g = geometry
    reach_x, reach_y = (g.filter_width - 1) * g.dilate_x, (g.filter_height - 1) * g.dilate_y
    spread = np.zeros((g.batch, g.filters, g.image_width + reach_x, g.image_height + reach_y), output.dtype)
    columns, target_columns = inside(reach_x - g.pad.left, g.stride_x, g.output_width, spread.shape[2])
    rows, target_rows = inside(reach_y - g.pad.top, g.stride_y, g.output_height, spread.shape[3])
    spread[:, :, target_columns, target_rows] = output[:, :, columns, rows]
    turned = filters[:, :, ::-1, ::-1].transpose(1, 0, 2, 3).reshape(g.channels, -1)
    across = Axis(g.image_width, g.filter_width, 1, g.dilate_x, 0)
    down = Axis(g.image_height, g.filter_height, 1, g.dilate_y, 0)
    _product(turned, _copied(spread, across, down), biases, out)


def backward_filter(geometry: ConvGeometry, image: Array, output: Array, out: Array) -> None:
    """Write the transpose of :func:`forward` in the filters into `out`; one group."""
    g = geometry
    products = output.reshape(g.batch, g.filters, -1) @ _patches(g, image).transpose(0, 2, 1)
    out[...] = products.sum(axis=0).reshape(out.shape)


def _product(matrix: Array, patches: Array, biases: Array | None, out: Array) -> None:
    if out.flags.c_contiguous:
        np.matmul(matrix, patches, out=out.reshape(*out.shape[:2], -1))
    else:
        out[...] = (matrix @ patches).reshape(out.shape)
    if biases is not None:
        out += biases[:, None, None]


def _patches(g: ConvGeometry, image: Array) -> Array:
    """The patches of the padded image, (N, C*FW*FH, WO*HO)."""
    if any(g.pad):
        width, height = g.image_width + g.pad.left + g.pad.right, g.image_height + g.pad.top + g.pad.bottom
        padded = np.zeros((g.batch, g.channels, width, height), image.dtype)
        padded[:, :, g.pad.left : g.pad.left + g.image_width, g.pad.top : g.pad.top + g.image_height] = image
        image = padded
    return _copied(image, *axes(g))


def _copied(source: Array, columns: Axis, rows: Axis) -> Array:
    """All patches of a source (N, c, W, H) that needs no pad, (N, c*taps, pixels)."""
    source = np.ascontiguousarray(source)
    batch, channels = source.shape[:2]
    by_image, by_channel, by_column, by_row = source.strides
    view = np.ndarray(
        (batch, channels, columns.taps, rows.taps, columns.length, rows.length),
        source.dtype,
        source,
        0,
        (
            by_image,
            by_channel,
            by_column * columns.dilate,
            by_row * rows.dilate,
            by_column * columns.step,
            by_row * rows.step,
        ),
    )
    return view.reshape(batch, channels * columns.taps * rows.taps, -1)
