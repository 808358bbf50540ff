"""Pooling on the CPU.

Taps of the windows are joined pixel by pixel, down the columns first, then across them; :mod:`vlnn.engines.cpu.phases`
lays them out. Windows that lie side by side, such as 2x2 by stride 2, need no layout forward. Where there are fewer
windows than phases, and large ones, each window is taken by itself.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from vlnn.engines.cpu import threads
from vlnn.engines.cpu.phases import Layout, Pixels
from vlnn.geometry import PoolGeometry
from vlnn.matlab.arrays import Array

PIECE_BYTES = 2**20  # smaller ones fit the cache better, but the calls cost more than that saves
LEAST_BYTES = 2**18  # less is not worth a thread
SMALL_WINDOW = 16  # pixels of windows side by side
LARGE_WINDOW = 8  # pixels, for each window that there is


class Pooling:
    """The pooling part of the CPU engine."""

    def pool_max_forward(self, geometry: PoolGeometry, image: Array) -> Array:
        return _forward(geometry, image, np.maximum, -np.inf, None)

    def pool_average_forward(self, geometry: PoolGeometry, image: Array) -> Array:
        return _forward(geometry, image, np.add, 0, _shares(geometry, image.dtype))

    def pool_max_backward(self, geometry: PoolGeometry, image: Array, output: Array) -> Array:
        g = geometry
        out = np.empty((g.planes, g.image_width * g.image_height), image.dtype)
        planes = image.reshape(g.planes, g.image_width, g.image_height)
        der = output.reshape(g.planes, g.output_width * g.output_height)
        pieces = _pieces(g, image.itemsize)
        corners = _corners(g, pieces[0].stop if pieces else 0)

        def work(piece: slice) -> None:
            given, target = der[piece], out[piece]
            find = _first_maxima_of_each if _few_windows(g) else _first_maxima
            maximum, place = find(g, planes[piece])
            if not maximum.min() > -np.inf:  # so also if one is NaN
                nan, inside = np.isnan(maximum), maximum != -np.inf
                if nan.any():  # NaN counts as the largest
                    place = np.where(nan, find(g, np.isnan(planes[piece]).astype(image.dtype))[1], place)
                place = np.where(inside, place, -corners[: len(given)])  # -Inf alone passes nothing on, to any pixel
                given = np.where(inside.reshape(given.shape), given, 0)
            index = corners[: len(given)] + place
            target[...] = 0
            np.add.at(target.reshape(-1), index.reshape(-1), given.reshape(-1))

        _each_piece(work, pieces)
        return out.reshape(image.shape)

    def pool_average_backward(self, geometry: PoolGeometry, output: Array) -> Array:
        g = geometry
        out = np.empty((g.planes, g.image_width, g.image_height), output.dtype)
        der = output.reshape(g.planes, g.output_width, g.output_height)
        shares = _shares(g, output.dtype)

        def work(piece: slice) -> None:
            given, target = der[piece] * shares, out[piece]
            target[...] = 0
            if _few_windows(g):
                for column, row, pixels in _each_window(g):
                    target[pixels] += given[:, column, row, None, None]
            else:
                _spread(g, given, target)

        _each_piece(work, _pieces(g, output.itemsize))
        return out.reshape(g.batch, g.channels, g.image_width, g.image_height)


def _forward(g: PoolGeometry, image: Array, join: np.ufunc, pad: float, shares: Array | None) -> Array:
    """Join the pixels of each window, then multiply by `shares`."""
    out = np.empty((g.planes, g.output_width, g.output_height), image.dtype)
    planes = image.reshape(g.planes, g.image_width, g.image_height)

    def work(piece: slice) -> None:
        source, target = planes[piece], out[piece]
        if _few_windows(g):
            for column, row, pixels in _each_window(g):
                target[:, column, row] = _joined_whole(join, source[pixels].reshape(len(source), -1))
            values = target
        elif _side_by_side(g):
            values = _joined_tiles(join, g, source)
        else:
            layout = Layout(g, len(source))
            columns = [_joined(join, layout.row_taps(phase)) for phase in layout.phases(source, pad)]
            values = layout.windows(_joined(join, layout.column_taps(columns)))
        if shares is not None:
            np.multiply(values, shares, out=target)
        elif values is not target:
            target[...] = values

    _each_piece(work, _pieces(g, image.itemsize))
    return out.reshape(g.batch, g.channels, g.output_width, g.output_height)


def _joined(join: np.ufunc, taps: list[Array]) -> Array:
    """The taps joined element by element."""
    if len(taps) == 1:
        return taps[0]
    total = join(taps[0], taps[1])
    for tap in taps[2:]:
        join(total, tap, out=total)
    return total


def _side_by_side(g: PoolGeometry) -> bool:
    """Whether windows neither overlap nor reach beyond the image, and are small."""
    return (
        (g.stride_x, g.stride_y) == (g.pool_width, g.pool_height)
        and not (g.pad.left or g.pad.top)
        and g.output_width * g.pool_width <= g.image_width
        and g.output_height * g.pool_height <= g.image_height
        and g.pool_width * g.pool_height <= SMALL_WINDOW
    )


def _joined_tiles(join: np.ufunc, g: PoolGeometry, planes: Array) -> Array:
    """The pixels of windows side by side joined, (n, W, H) to (n, WO, HO): across first, where rows are long."""
    width, height = g.output_width * g.pool_width, g.output_height * g.pool_height
    columns = _joined(join, [planes[:, u : width : g.pool_width, :height] for u in range(g.pool_width)])
    return _joined(join, [columns[:, :, t :: g.pool_height] for t in range(g.pool_height)])


def _joined_whole(join: np.ufunc, rows: Array) -> Array:
    """Each row joined to one value."""
    if join is np.add:  # BLAS adds up short rows several times as fast as NumPy
        return np.matmul(rows, np.ones(rows.shape[1], rows.dtype))
    return join.reduce(rows, axis=1)


def _first_maxima(g: PoolGeometry, planes: Array) -> tuple[Array, Array]:
    """The maximum of each window, and how many pixels after the window's corner its first one lies in column order."""
    layout = Layout(g, len(planes))
    code = np.min_scalar_type((g.pool_width - 1) * g.image_height + g.pool_height - 1)
    columns = [_first_maximum(layout.row_taps(phase), 1, code, None) for phase in layout.phases(planes, -np.inf)]
    maxima = layout.column_taps([maximum for maximum, _ in columns])
    places = layout.column_taps([place for _, place in columns])
    maximum, place = _first_maximum(maxima, g.image_height, code, places)
    return layout.windows(maximum), layout.windows(place)


def _first_maxima_of_each(g: PoolGeometry, planes: Array) -> tuple[Array, Array]:
    """The same as :func:`_first_maxima`, window by window."""
    maximum = np.empty((len(planes), g.output_width, g.output_height), planes.dtype)
    place = np.empty(maximum.shape, np.intp)
    for column, row, pixels in _each_window(g):
        _, columns, rows = pixels
        window = planes[pixels].reshape(len(planes), -1)
        first = window.argmax(axis=1)
        maximum[:, column, row] = window[np.arange(len(planes)), first]
        u, t = np.divmod(first, rows.stop - rows.start)
        u += columns.start - (column * g.stride_x - g.pad.left)
        t += rows.start - (row * g.stride_y - g.pad.top)
        place[:, column, row] = u * g.image_height + t
    return maximum, place


def _first_maximum(
    taps: list[Array], apart: int, code: np.dtype[np.unsignedinteger], places: list[Array] | None
) -> tuple[Array, Array]:
    """The maximum of taps that lie `apart` pixels from each other, and how far after the first tap it was found first.

    `places` says how far after each tap that tap's own value was found.
    """
    maximum = taps[0]
    place = np.zeros(maximum.shape, code) if places is None else places[0]
    for number, tap in enumerate(taps[1:], 1):
        later = np.greater(tap, maximum).view(np.uint8)
        there: Any = number * apart
        if places is not None:
            there = np.add(places[number], there, dtype=code)
        place = np.maximum(place, np.multiply(later, there, dtype=code))
        maximum = np.maximum(tap, maximum)
    return maximum, place


def _corners(g: PoolGeometry, planes: int) -> Array:
    """The pixel at the corner of each window, counted from the first of some planes."""
    columns = np.arange(g.output_width) * g.stride_x - g.pad.left
    rows = np.arange(g.output_height) * g.stride_y - g.pad.top
    columns = np.add.outer(np.arange(planes) * g.image_width, columns)
    return np.add.outer(columns * g.image_height, rows)


def _spread(g: PoolGeometry, der: Array, out: Array) -> None:
    """Add up the windows' derivatives at each of their pixels; each tap is a shift of them. Other pixels stay as is."""
    layout = Layout(g, len(der))
    before = layout.reach_x * layout.rows
    padded = np.zeros(before + layout.reach_y + layout.size, der.dtype)
    layout.windows(padded[before + layout.reach_y :])[...] = der
    for u in range(min(g.stride_x, g.pool_width)):
        shifts = range((g.pool_width - 1 - u) // g.stride_x + 1)
        column = _joined(np.add, [padded[before - s * layout.rows : len(padded) - s * layout.rows] for s in shifts])
        for t in range(min(g.stride_y, g.pool_height)):
            shifts = range((g.pool_height - 1 - t) // g.stride_y + 1)
            rows = _joined(np.add, [column[layout.reach_y - s : len(column) - s] for s in shifts])
            kept, pixels = layout.pixels(u, t)
            out[pixels] = rows.reshape(layout.shape)[kept]


def _shares(g: PoolGeometry, dtype: np.dtype[np.floating]) -> Array:
    """One by the number of pixels in each window that lie in the image, (WO, HO)."""

    def pixels(count: int, stride: int, pool: int, before: int, size: int) -> Array:
        first = np.arange(count) * stride - before
        return np.minimum(first + pool, size) - np.maximum(first, 0)

    columns = pixels(g.output_width, g.stride_x, g.pool_width, g.pad.left, g.image_width)
    rows = pixels(g.output_height, g.stride_y, g.pool_height, g.pad.top, g.image_height)
    return np.reciprocal(np.multiply.outer(columns, rows).astype(dtype))


def _few_windows(g: PoolGeometry) -> bool:
    """Whether windows are fewer than phases, and so large that reducing each is quick for its size."""
    windows = g.output_width * g.output_height
    phases = min(g.stride_x, g.pool_width) * min(g.stride_y, g.pool_height)
    return windows <= phases and windows * LARGE_WINDOW <= g.pool_width * g.pool_height


def _each_window(g: PoolGeometry) -> Iterator[tuple[int, int, Pixels]]:
    """The column and row of each window, and the pixels of the image in it."""
    for column, row in itertools.product(range(g.output_width), range(g.output_height)):
        left, top = column * g.stride_x - g.pad.left, row * g.stride_y - g.pad.top
        columns = slice(max(left, 0), min(left + g.pool_width, g.image_width))
        rows = slice(max(top, 0), min(top + g.pool_height, g.image_height))
        yield column, row, (slice(None), columns, rows)


def _pieces(g: PoolGeometry, itemsize: int) -> list[slice]:
    """Planes to take together, few enough for the cache and pieces enough for all threads; the first is the longest."""
    total = g.planes * g.image_width * g.image_height * itemsize
    if total == 0:
        return []
    wanted = max(-(-total // PIECE_BYTES), min(2 * threads.count(), total // LEAST_BYTES), 1)
    step = -(-g.planes // wanted)
    return [slice(p, min(p + step, g.planes)) for p in range(0, g.planes, step)]


def _each_piece(work: Callable[[slice], object], pieces: list[slice]) -> None:
    """Call `work` for each piece, on all threads. Floating-point warnings are off."""

    def run(piece: slice) -> None:
        with np.errstate(all="ignore"):
            work(piece)

    threads.each(run, pieces)
