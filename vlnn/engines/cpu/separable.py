"""Depthwise convolution with filters of rank one, such as bilinear interpolation: a matrix product for each direction.

A filter that is an outer product v u' acts as two band matrices, Tw (w, W) and Th (h, H), on each channel:

    image (W, H)  =  Tw' @ output (w, h) @ Th         and its transpose         output  =  Tw @ image @ Th'

The bands are cut into pieces, so that a product meets few of their zeros. All the same every pixel meets some, and an
infinity or a NaN would spread: the callers check for them.
"""

from __future__ import annotations

import numpy as np

from vlnn.engines.cpu import threads
from vlnn.geometry import ConvGeometry
from vlnn.matlab.arrays import Array

PIECE = 24  # pixels of the smaller side in one product
LEAST = 2**16  # pixels below which one thread is enough


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
    across = _band(pair[0], g.output_width, g.stride_x, g.pad.left, g.image_width)
    down = _band(pair[1], g.output_height, g.stride_y, g.pad.top, g.image_height)
    columns = _pieces(g.output_width, g.stride_x, g.pad.left, g.filter_width, g.image_width)
    rows = _pieces(g.output_height, g.stride_y, g.pad.top, g.filter_height, g.image_height)

    def do(planes: slice) -> None:
        for n in range(g.batch):
            half = np.empty((planes.stop - planes.start, g.output_width, g.image_height), image.dtype)
            for near, far in columns:
                np.matmul(across[planes, near, far], image[n, planes, far], out=half[:, near])
            for near, far in rows:
                np.matmul(half[:, :, far], down[planes, near, far].transpose(0, 2, 1), out=out[n, planes, :, near])
            if biases is not None:
                out[n, planes] += biases[planes, None, None]

    threads.each(do, threads.spans(g.channels, image.size, LEAST))


def backward_data(g: ConvGeometry, output: Array, pair: tuple[Array, Array], biases: Array | None, out: Array) -> None:
    """Write the transpose of :func:`forward`, output (N, C, w, h) to out (N, C, W, H)."""
    across = _band(pair[0], g.output_width, g.stride_x, g.pad.left, g.image_width)
    down = _band(pair[1], g.output_height, g.stride_y, g.pad.top, g.image_height)
    columns = _pieces_of_image(g.image_width, g.stride_x, g.pad.left, g.filter_width, g.output_width)
    rows = _pieces_of_image(g.image_height, g.stride_y, g.pad.top, g.filter_height, g.output_height)

    def do(planes: slice) -> None:
        for n in range(g.batch):
            half = np.empty((planes.stop - planes.start, g.output_width, g.image_height), output.dtype)
            for near, far in rows:
                np.matmul(output[n, planes, :, near], down[planes, near, far], out=half[:, :, far])
            for near, far in columns:
                np.matmul(across[planes, near, far].transpose(0, 2, 1), half[:, near], out=out[n, planes, far])
            if biases is not None:
                out[n, planes] += biases[planes, None, None]

    threads.each(do, threads.spans(g.channels, out.size, LEAST))


def _band(taps: Array, length: int, stride: int, pad: int, size: int) -> Array:
    """(C, length, size): row i holds the taps from i * stride - pad on."""
    channels, count = taps.shape
    width = max((length - 1) * stride + count, pad + size)
    band = np.zeros((channels, length, width), taps.dtype)
    steps = np.ndarray(
        (channels, length, count),
        band.dtype,
        band,
        0,
        (band.strides[0], band.strides[1] + stride * band.itemsize, band.itemsize),
    )
    steps[...] = taps[:, None]
    return band[:, :, pad : pad + size]


def _pieces(length: int, stride: int, pad: int, taps: int, size: int) -> list[tuple[slice, slice]]:
    """Pieces of the smaller side, and the pixels of the image that each of them reads."""
    pieces = []
    for start in range(0, length, PIECE):
        stop = min(start + PIECE, length)
        first, last = start * stride - pad, (stop - 1) * stride - pad + taps
        first = min(max(0, first), size)
        pieces.append((slice(start, stop), slice(first, max(first, min(size, last)))))
    return pieces


def _pieces_of_image(size: int, stride: int, pad: int, taps: int, length: int) -> list[tuple[slice, slice]]:
    """Pieces of the image, and the pixels of the smaller side that reach them: (smaller side, image)."""
    pieces = []
    for start in range(0, size, PIECE * stride):
        stop = min(start + PIECE * stride, size)
        first = max(0, -(-(start + pad - taps + 1) // stride))
        last = max(first, min(length, (stop - 1 + pad) // stride + 1))
        pieces.append((slice(min(first, length), last), slice(start, stop)))
    return pieces
