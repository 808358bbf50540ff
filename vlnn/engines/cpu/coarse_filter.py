"""The derivative of filters with a large stride: the image falls into cells of stride by stride pixels, copied once.

    X   (cells, c, r, u)      the pixels of each cell, for some channels; runs of u, so that copying is quick
    Y   (K, cells)            the output's derivative, with zeros in cells that only filters larger than a cell reach

A filter is cells too, of which the one at (q, t) is a product of Y with the X that lies so many cells further:

    (K, c*r*u)  =  Y @ X[q * cells in a column + t : ...]

One channel for each filter makes thin products; there the shifted copies of Y are stacked, and X is read once.
"""

from __future__ import annotations

import itertools

import numpy as np

from vlnn.engines.cpu import threads
from vlnn.geometry import ConvGeometry
from vlnn.matlab.arrays import Array

PIECE_BYTES = 2 * 2**20
LEAST_STRIDE = 8  # runs shorter than this are not worth copying


def suits(g: ConvGeometry) -> bool:
    """Whether the filters' cells are large enough, and the filters not dilated."""
    return min(g.stride_y, g.stride_x) >= LEAST_STRIDE and g.dilate_y == g.dilate_x == 1


def backward_filter(geometry: ConvGeometry, image: Array, output: Array, out: Array) -> None:
    """Write the derivative in the filters, (K, C/G, FW, FH), into `out`; one group, or one for each channel."""
    g = geometry
    across, down = -(-g.filter_width // g.stride_x), -(-g.filter_height // g.stride_y)
    wide, high = g.output_width + across - 1, g.output_height + down - 1
    cell = g.stride_x * g.stride_y
    shifts = list(itertools.product(range(across), range(down)))

    step = max(1, min(PIECE_BYTES // (wide * high * cell * image.itemsize), -(-g.channels // threads.count())))
    chunks = [slice(c, min(c + step, g.channels)) for c in range(0, g.channels, step)]
    shares = max(1, min(g.batch, -(-2 * threads.count() // len(chunks))))
    single = g.groups > 1
    banks = (g.channels, 1, 1) if single else (1, g.filters, g.channels)  # groups, filters and channels of each
    sums = np.zeros((shares, len(shifts), *banks, cell), out.dtype)

    def add(task: tuple[slice, int]) -> None:
        chunk, share = task
        some = chunk.stop - chunk.start
        cells = threads.scratch("cells", (wide, high, some, g.stride_x, g.stride_y), image.dtype)
        for n in range(share, g.batch, shares):
            _fill(g, cells, image[n, chunk])
            if single:
                shifted = _shifted(output[n, chunk], shifts, wide, high)
                products = shifted @ cells.reshape(wide * high, some, cell).transpose(1, 0, 2)  # (c, shifts, cell)
                sums[share, :, chunk, 0, 0] += products.transpose(1, 0, 2)
            else:
                flat = cells.reshape(wide * high, some * cell)
                y = _shifted(output[n], [(0, 0)], g.output_width, high)[:, 0]
                length = y.shape[1] - (down - 1)  # the zeros at the end would reach beyond the last cell
                for total, (q, t) in zip(sums[share, :, 0, :, chunk], shifts, strict=True):
                    start = q * high + t
                    total += (y[:, :length] @ flat[start : start + length]).reshape(total.shape)

    threads.each(add, list(itertools.product(chunks, range(shares))))
    filters = sums.sum(axis=0).reshape(across, down, g.filters, g.group_channels, g.stride_x, g.stride_y)
    filters = filters.transpose(2, 3, 0, 4, 1, 5).reshape(*out.shape[:2], across * g.stride_x, down * g.stride_y)
    out[...] = filters[:, :, : g.filter_width, : g.filter_height]


def _fill(g: ConvGeometry, cells: Array, image: Array) -> None:
    """Copy an image (c, W, H), padded with zeros, into cells (w, h, c, r, u)."""
    wide, high, some, stride_x, stride_y = cells.shape
    columns = min(g.image_width, wide * stride_x - g.pad.left)
    height = min(g.image_height, high * stride_y - g.pad.top)
    padded = threads.scratch("padded", (some, wide * stride_x, high * stride_y), image.dtype)
    padded[...] = 0
    padded[:, g.pad.left : g.pad.left + columns, g.pad.top : g.pad.top + height] = image[:, :columns, :height]
    cells[...] = padded.reshape(some, wide, stride_x, high, stride_y).transpose(1, 3, 0, 2, 4)


def _shifted(output: Array, shifts: list[tuple[int, int]], wide: int, high: int) -> Array:
    """Planes (k, w, h) moved by so many cells each, in a field of zeros: (k, shifts, wide*high)."""
    count, width, height = output.shape
    field = np.zeros((count, len(shifts), wide, high), output.dtype)
    for index, (q, t) in enumerate(shifts):
        field[:, index, q : q + width, t : t + height] = output
    return field.reshape(count, len(shifts), wide * high)
