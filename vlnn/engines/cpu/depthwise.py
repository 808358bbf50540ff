"""Depthwise convolution, one filter for each channel: no sums over channels, so tap by tap on whole planes.

Planes are padded once, a few channels at a time, so that they stay in the cache while all taps pass over them, and
rows and columns are told apart by their remainders when the stride is not one, so that taps pass over them in line.
"""

from __future__ import annotations

import itertools

import numpy as np

from vlnn.engines.cpu import threads
from vlnn.engines.cpu.axes import Axis, Job, axes, inside, jobs_of_transpose
from vlnn.geometry import ConvGeometry
from vlnn.matlab.arrays import Array

PIECE_ELEMENTS = 2**16
LEAST = 2**19  # products below which one thread is enough


def forward(geometry: ConvGeometry, image: Array, filters: Array, biases: Array | None, out: Array) -> None:
    """Write the correlation of each channel of the image with its filter (C, FW, FH), plus biases, into out."""
    columns, rows = axes(geometry)
    _correlate(geometry, image, [(rows, [Job(columns, filters, out)])], biases)


def backward_data(geometry: ConvGeometry, output: Array, filters: Array, biases: Array | None, out: Array) -> None:
    """Write the transpose of :func:`forward` in the image, plus biases, into out; stride or dilation 1."""
    _correlate(geometry, output, jobs_of_transpose(geometry, filters, out), biases)


def _correlate(g: ConvGeometry, source: Array, phases: list[tuple[Axis, list[Job]]], biases: Array | None) -> None:
    _, channels, width, height = source.shape
    axes = [(job.columns, rows) for rows, jobs in phases for job in jobs]
    left, right = _margins([columns for columns, _ in axes], width)
    above, below = _margins([rows for _, rows in axes], height)
    step_x, step_y = axes[0][0].step, axes[0][1].step  # all of them have the same
    wide, high = -(-(left + width + right) // step_x), -(-(above + height + below) // step_y)
    step = max(1, min(channels, PIECE_ELEMENTS // (wide * high * step_x * step_y)))

    pieces = [(n, slice(c, min(c + step, channels))) for n in range(g.batch) for c in range(0, channels, step)]

    def do(piece: tuple[int, slice]) -> None:
        n, some = piece
        planes = source[n, some]
        apart = threads.scratch("apart", (len(planes), step_x, step_y, wide, high), source.dtype)
        apart[...] = 0
        for side, layer in itertools.product(range(step_x), range(step_y)):
            to_columns, from_columns = inside(side - left, step_x, wide, width)
            to_rows, from_rows = inside(layer - above, step_y, high, height)
            apart[:, side, layer, to_columns, to_rows] = planes[:, from_columns, from_rows]
        bias = None if biases is None else biases[some, None, None]
        for rows, jobs in phases:
            for job in jobs:
                _taps(apart, left, above, job.columns, rows, job.weights[some], bias, job.out[n, some])

    if g.multiplications < LEAST:
        for piece in pieces:
            do(piece)
    else:
        threads.each(do, pieces)


def _taps(
    planes: Array, left: int, above: int, columns: Axis, rows: Axis, weights: Array, bias: Array | None, out: Array
) -> None:
    """Sum the shifted planes, (c, remainder of columns, of rows, W, H), each times its tap of weights (c, FW, FH)."""
    total = threads.scratch("total", out.shape, out.dtype)
    product = threads.scratch("product", out.shape, out.dtype)
    total[...] = 0
    for i in range(columns.taps):
        first, side = divmod(left + i * columns.dilate - columns.pad, columns.step)
        for j in range(rows.taps):
            top, layer = divmod(above + j * rows.dilate - rows.pad, rows.step)
            shifted = planes[:, side, layer, first : first + columns.length, top : top + rows.length]
            np.multiply(shifted, weights[:, i, j, None, None], out=product)
            total += product
    if bias is not None:
        total += bias
    out[...] = total


def _margins(axes: list[Axis], size: int) -> tuple[int, int]:
    """How far beyond range(size) the taps reach on either side."""
    before = max(axis.pad for axis in axes)
    after = max((a.length - 1) * a.step + (a.taps - 1) * a.dilate - a.pad + 1 - size for a in axes)
    return max(0, before), max(0, after)


def backward_filter(geometry: ConvGeometry, image: Array, output: Array, out: Array) -> None:
    """Write the derivative in the filters, (C, FW, FH), into out; dilation 1.

    With the padded image's columns told apart by their remainder r, all filter columns q * stride + r come from

        B (h, r, H)  =  output' (h, w) @ image[q : q + w] (w, r, H)

    and a filter row fh is the sum over h of B[h, r, h * stride + fh].
    """
    g = geometry
    across = -(-g.filter_width // g.stride_x)
    wide = (g.output_width + across - 1) * g.stride_x
    high = max((g.output_height - 1) * g.stride_y + g.filter_height, g.pad.top + g.image_height)
    columns = min(g.image_width, wide - g.pad.left)

    def do(channels: slice) -> None:
        some = channels.stop - channels.start
        padded = threads.scratch("padded", (some, wide, high), image.dtype)
        padded[...] = 0
        inside = padded[:, g.pad.left : g.pad.left + columns, g.pad.top : g.pad.top + g.image_height]
        lines = padded.reshape(some, -1, g.stride_x * high)
        sums = threads.scratch("sums", (some, across, g.output_height, g.stride_x, high), image.dtype)
        sums[...] = 0
        for n in range(g.batch):
            inside[...] = image[n, channels, :columns]
            turned = output[n, channels].transpose(0, 2, 1)
            for q in range(across):
                product = turned @ lines[:, q : q + g.output_width]
                sums[:, q] += product.reshape(some, g.output_height, g.stride_x, high)
        by_channel, by_q, by_row, by_remainder, by_pixel = sums.strides
        diagonals = np.ndarray(
            (some, across, g.stride_x, g.filter_height, g.output_height),
            sums.dtype,
            sums,
            0,
            (by_channel, by_q, by_remainder, by_pixel, by_row + g.stride_y * by_pixel),
        )
        filters = diagonals.sum(axis=4).reshape(some, -1, g.filter_height)
        out[channels] = filters[:, : g.filter_width]

    size = across * g.output_height * g.stride_x * high + wide * high
    step = max(1, min(PIECE_ELEMENTS * 4 // size, -(-g.channels // threads.count())))
    threads.each(do, [slice(c, min(c + step, g.channels)) for c in range(0, g.channels, step)])
