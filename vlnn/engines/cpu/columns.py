"""The textbook algorithm: patches as columns, one matrix product, columns back to patches.

MatConvNet does the same, and with the same treatment of NaN and Inf. Here the image index runs fastest, so that
batches of small pictures still move in long runs::

    image     (C, W, H, n)                     padded
    columns   (C*FW*FH, w*HO*n)                a tile of w output columns
    filters   (K, C*FW*FH)                     as they come, never reordered
    output    (K, w*HO*n)  =  filters @ columns

It is the kernel for few pixels, where reordering the filters would cost as much as the product.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import as_strided

from vlnn.engines.cpu import threads
from vlnn.engines.cpu.products import LEAST, multiply
from vlnn.geometry import ConvGeometry
from vlnn.matlab.arrays import Array

TILE_BYTES = 8 * 2**20
FEW_WEIGHTS = 2**15  # filters of which every thread may have its own sums
LOW = 24  # images whose columns are shorter are taken together


def forward(geometry: ConvGeometry, image: Array, filters: Array, biases: Array | None, out: Array) -> None:
    """Write the correlation of `image` with `filters`, plus biases, into `out`; one group."""
    g = geometry
    matrix = filters.reshape(g.filters, -1)

    def do(images: slice) -> None:
        padded = _padded(g, image[images])
        count = padded.shape[3]
        target = out[images].transpose(1, 2, 3, 0)  # (K, WO, HO, n)
        for start, stop in _tiles(g, count, image.itemsize):
            columns = _columns(g, padded, start, stop)
            product = multiply(matrix, columns, threads.scratch("product", (g.filters, columns.shape[1]), image.dtype))
            product = product.reshape(g.filters, stop - start, g.output_height, count)
            if biases is not None:
                product += biases[:, None, None, None]
            target[:, start:stop] = product

    _each(do, _image_groups(g, image.itemsize))


def backward_data(geometry: ConvGeometry, output: Array, filters: Array, biases: Array | None, out: Array) -> None:
    """Write the transpose of :func:`forward` in the image, plus biases, into `out`; one group."""
    g = geometry
    matrix = filters.reshape(g.filters, -1).T
    rows = g.output_height

    def do(images: slice) -> None:
        count = len(output[images])
        padded = threads.scratch("padded", _padded_shape(g, count), output.dtype)
        padded[...] = 0
        for start, stop in _tiles(g, count, output.itemsize):
            width = stop - start
            tile = _output_tile(output[images], start, stop)
            columns = multiply(matrix, tile, threads.scratch("product", (len(matrix), tile.shape[1]), output.dtype))
            columns = columns.reshape(g.channels, g.filter_width, g.filter_height, width, rows, count)
            for fw in range(g.filter_width):
                left = start * g.stride_x + fw * g.dilate_x
                right = left + (width - 1) * g.stride_x + 1
                for fh in range(g.filter_height):
                    top = fh * g.dilate_y
                    bottom = top + (rows - 1) * g.stride_y + 1
                    padded[:, left : right : g.stride_x, top : bottom : g.stride_y] += columns[:, fw, fh]
        inside = padded[:, g.pad.left : g.pad.left + g.image_width, g.pad.top : g.pad.top + g.image_height]
        inside = inside.transpose(3, 0, 1, 2)
        if biases is None:
            out[images] = inside
        else:
            np.add(inside, biases[:, None, None], out=out[images])

    _each(do, _image_groups(g, output.itemsize))


def _each(do: Callable[[slice], None], groups: list[slice]) -> None:
    """Groups of images on threads if there are enough of them, else one after another with threads inside."""
    if len(groups) < threads.count():
        for images in groups:
            do(images)
    else:
        threads.each(do, groups)


def backward_filter(geometry: ConvGeometry, image: Array, output: Array, out: Array) -> None:
    """Write the transpose of :func:`forward` in the filters into `out`; one group."""
    g = geometry
    total = out.reshape(g.filters, -1)
    groups = _image_groups(g, image.itemsize)
    if total.size <= FEW_WEIGHTS:
        total[...] = _sum_of_shares(g, [(images, _padded(g, image[images])) for images in groups], output, total.shape)
        return
    first = True  # filters can be large: no second array before there is a second tile
    for images in groups:
        padded = _padded(g, image[images])
        for start, stop in _tiles(g, padded.shape[3], image.itemsize):
            pair = _output_tile(output[images], start, stop), _columns(g, padded, start, stop).T
            if first:
                multiply(*pair, total)
            else:
                total += multiply(*pair, np.empty_like(total))
            first = False


def _sum_of_shares(g: ConvGeometry, groups: list[tuple[slice, Array]], output: Array, shape: tuple[int, ...]) -> Array:
    """The derivative of few filters: each thread adds up its own tiles."""
    tiles = [
        (images, padded, start, stop)
        for images, padded in groups
        for start, stop in _tiles(g, padded.shape[3], output.itemsize, TILE_BYTES // 16)
    ]
    shares = min(len(tiles), threads.count()) if g.multiplications >= LEAST else 1
    sums = np.zeros((shares, *shape), output.dtype)

    def add(number: int) -> None:
        for images, padded, start, stop in tiles[number::shares]:
            sums[number] += _output_tile(output[images], start, stop) @ _columns(g, padded, start, stop).T

    threads.each(add, range(shares))
    return sums.sum(axis=0)


def _output_tile(output: Array, start: int, stop: int) -> Array:
    """Columns start to stop of (n, K, WO, HO), as (K, w*HO*n)."""
    tile = output[:, :, start:stop].transpose(1, 2, 3, 0)
    return np.ascontiguousarray(tile).reshape(tile.shape[0], -1)


def _columns(g: ConvGeometry, padded: Array, start: int, stop: int) -> Array:
    """The patches under output columns start to stop, (C*FW*FH, (stop-start)*HO*n)."""
    count = padded.shape[3]
    by_channel, by_column, by_row, by_image = padded.strides
    windows = as_strided(
        padded[:, start * g.stride_x :],
        (g.channels, g.filter_width, g.filter_height, stop - start, g.output_height, count),
        (
            by_channel,
            by_column * g.dilate_x,
            by_row * g.dilate_y,
            by_column * g.stride_x,
            by_row * g.stride_y,
            by_image,
        ),
        writeable=False,
    )
    columns = threads.scratch("columns", windows.shape, padded.dtype)
    columns[...] = windows
    return columns.reshape(g.channels * g.filter_width * g.filter_height, -1)


def _padded_shape(g: ConvGeometry, count: int) -> tuple[int, int, int, int]:
    """(C, W, H, n) with the pad, and with what the last window still reaches."""
    width = max(
        g.image_width + g.pad.left + g.pad.right,
        (g.output_width - 1) * g.stride_x + (g.filter_width - 1) * g.dilate_x + 1,
    )
    height = max(
        g.image_height + g.pad.top + g.pad.bottom,
        (g.output_height - 1) * g.stride_y + (g.filter_height - 1) * g.dilate_y + 1,
    )
    return g.channels, width, height, count


def _padded(g: ConvGeometry, image: Array) -> Array:
    """Images (n, C, W, H) as a padded (C, W, H, n)."""
    inner = image.transpose(1, 2, 3, 0)
    if not any(g.pad):
        return np.ascontiguousarray(inner)
    padded = np.zeros(_padded_shape(g, len(image)), image.dtype)
    padded[:, g.pad.left : g.pad.left + g.image_width, g.pad.top : g.pad.top + g.image_height] = inner
    return padded


def _image_groups(g: ConvGeometry, itemsize: int) -> list[slice]:
    """Images to take together: one, or as many as fit while their columns are short."""
    _, width, height, _ = _padded_shape(g, 1)
    size = (g.channels * width * height + g.filters * g.output_height * g.output_width) * itemsize
    most = max(1, TILE_BYTES // max(size, 1)) if g.output_height < LOW else 1
    step = -(-g.batch // -(-g.batch // most))
    return [slice(start, start + step) for start in range(0, g.batch, step)]


def _tiles(g: ConvGeometry, count: int, itemsize: int, limit: int = TILE_BYTES) -> list[tuple[int, int]]:
    """Ranges of output columns whose patches fit into `limit` bytes."""
    size = g.channels * g.filter_width * g.filter_height * g.output_height * count * itemsize
    step = max(1, limit // max(size, 1))
    return [(start, min(start + step, g.output_width)) for start in range(0, g.output_width, step)]
