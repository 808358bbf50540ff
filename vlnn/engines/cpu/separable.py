"""Depthwise convolution with filters of rank one, such as bilinear interpolation: a matrix product for each direction.

A filter that is an outer product v u' acts as two band matrices, Tw (w, W) and Th (h, H), on each channel:

    image (W, H)  =  Tw' @ output (w, h) @ Th         and its transpose         output  =  Tw @ image @ Th'

The bands are cut into pieces, so that a product meets few of their zeros. All the same every pixel meets some, and an
infinity or a NaN would spread: the callers check for them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from vlnn.engines.cpu import threads
from vlnn.geometry import ConvGeometry
from vlnn.matlab.arrays import Array

PIECE = 24  # pixels of the smaller side in one product
LEAST = 2**18  # pixels below which one thread is enough


def factors(filters: Array) -> tuple[Array, Array] | None:
    """Filters (C, FW, FH) as outer products of (C, FW) and (C, FH), or None if one of them is none."""
    flat = np.abs(filters).reshape(len(filters), -1)
    column, row = np.divmod(flat.argmax(axis=1), filters.shape[2])
    channel = np.arange(len(filters))
    peak = filters[channel, column, row]
    if not np.all(np.isfinite(peak)) or not np.all(peak):
        return None
    across = filters[channel, :, row]
    down = filters[channel, column] / peak[:, None]
    error = np.abs(across[:, :, None] * down[:, None, :] - filters).reshape(flat.shape).max(axis=1)
    if not np.all(error <= 4 * np.finfo(filters.dtype).eps * np.abs(peak)):
        return None
    return across, down


def forward(g: ConvGeometry, image: Array, pair: tuple[Array, Array], biases: Array | None, out: Array) -> None:
    """Write the depthwise correlation of image (N, C, W, H) into out (N, C, w, h)."""
    across, down = _band(pair[0], g.stride_x), _band(pair[1], g.stride_y)
    columns = _pieces(g.output_width, g.stride_x, g.pad.left, g.filter_width, g.image_width)
    rows = _pieces(g.output_height, g.stride_y, g.pad.top, g.filter_height, g.image_height)

    def do(planes: slice) -> None:
        for n in range(g.batch):
            half = _half(g, planes, image.dtype)
            for piece in columns:
                np.matmul(piece.of(across[planes]), image[n, planes, piece.image], out=half[:, piece.output])
            for piece in rows:
                turned = piece.of(down[planes]).transpose(0, 2, 1)
                np.matmul(half[:, :, piece.image], turned, out=out[n, planes, :, piece.output])
            if biases is not None:
                out[n, planes] += biases[planes, None, None]

    threads.each(do, threads.spans(g.channels, image.size, LEAST))


def backward_data(g: ConvGeometry, output: Array, pair: tuple[Array, Array], biases: Array | None, out: Array) -> None:
    """Write the transpose of :func:`forward`, output (N, C, w, h) to out (N, C, W, H)."""
    across, down = _band(pair[0], g.stride_x), _band(pair[1], g.stride_y)
    columns = _pieces_of_image(g.image_width, g.stride_x, g.pad.left, g.filter_width, g.output_width)
    rows = _pieces_of_image(g.image_height, g.stride_y, g.pad.top, g.filter_height, g.output_height)

    def do(planes: slice) -> None:
        for n in range(g.batch):
            half = _half(g, planes, output.dtype)
            for piece in rows:
                np.matmul(output[n, planes, :, piece.output], piece.of(down[planes]), out=half[:, :, piece.image])
            for piece in columns:
                turned = piece.of(across[planes]).transpose(0, 2, 1)
                np.matmul(turned, half[:, piece.output], out=out[n, planes, piece.image])
            if biases is not None:
                out[n, planes] += biases[planes, None, None]

    threads.each(do, threads.spans(g.channels, out.size, LEAST))


def _half(g: ConvGeometry, planes: slice, dtype: np.dtype[Any]) -> Array:
    """Room for planes that have been through one of the two products, (c, w, H)."""
    return threads.scratch("half", (planes.stop - planes.start, g.output_width, g.image_height), dtype)


class _Piece(NamedTuple):
    """Some pixels of the output, some of the image, and where the part of the band that joins them begins."""

    output: slice
    image: slice
    column: int

    def of(self, band: Array) -> Array:
        rows = self.output.stop - self.output.start
        return band[:, :rows, self.column : self.column + self.image.stop - self.image.start]


def _band(taps: Array, stride: int) -> Array:
    """(C, i, j): row i holds the taps from column (i + 1) * stride on; large enough for every piece."""
    channels, count = taps.shape
    rows = PIECE + -(-count // stride) + 1
    band = np.zeros((channels, rows, (1 + rows + PIECE) * stride + count), taps.dtype)
    by_channel, by_row, by_column = band.strides
    shape, strides = (channels, rows, count), (by_channel, by_row + stride * by_column, by_column)
    np.ndarray(shape, band.dtype, band, stride * by_column, strides)[...] = taps[:, None]
    return band


def _pieces(length: int, stride: int, pad: int, taps: int, size: int) -> list[_Piece]:
    """Pieces of the output, and the pixels of the image that each of them reads."""
    pieces = []
    for start in range(0, length, PIECE):
        stop = min(start + PIECE, length)
        begin = start * stride - pad
        first = min(max(0, begin), size)
        last = max(first, min(size, (stop - 1) * stride - pad + taps))
        pieces.append(_Piece(slice(start, stop), slice(first, last), first - begin + stride))
    return pieces


def _pieces_of_image(size: int, stride: int, pad: int, taps: int, length: int) -> list[_Piece]:
    """Pieces of the image, and the pixels of the output that reach each of them."""
    pieces = []
    for start in range(0, size, PIECE * stride):
        stop = min(start + PIECE * stride, size)
        first = min(max(0, -(-(start + pad - taps + 1) // stride)), length)
        last = max(first, min(length, (stop - 1 + pad) // stride + 1))
        column = start - (first * stride - pad) + stride if last > first else 0
        pieces.append(_Piece(slice(first, last), slice(start, stop), column))
    return pieces
