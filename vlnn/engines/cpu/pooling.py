"""Pooling on the CPU, with every tap of the windows as one contiguous array.

Pixels are told apart by the remainders of their column and row when a stride is not one: a step of the window in the
image is then a step to the next element in each such *phase* of it. Phases are padded, and hold all that windows reach::

    image    (planes, W, H)
    phase    (planes, WQ, HQ)   for each remainder of columns and of rows
    window   element (plane * WQ + column) * HQ + row
    tap      (u, t) of all windows = phase (u % stride_x, t % stride_y) from element u // stride_x * HQ + t // stride_y on

A tap read like that runs on from the end of a column into the next one. What comes of it belongs to no window, and stays
behind when the windows' values are copied out. Taps are taken together down the columns first, then across them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from vlnn.engines.cpu import threads
from vlnn.geometry import PoolGeometry
from vlnn.matlab.arrays import Array

Index = tuple[slice, slice, slice]

PIECE_BYTES = 2**20  # smaller ones fit the cache better, but the calls cost more than that saves
LEAST_BYTES = 2**17  # less is not worth a thread


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
            maximum, place = _first_maxima(g, planes[piece])
            index = corners[: len(given)] + place
            if not maximum.min() > -np.inf:  # windows of -Inf alone, or with a NaN, pass nothing on
                inside = maximum > -np.inf
                index[~inside] = 0
                given = np.where(inside.reshape(given.shape), given, 0)
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
            if _one_window(g):
                out[piece] = der[piece] * shares
            else:
                _spread(g, der[piece] * shares, out[piece])

        _each_piece(work, _pieces(g, output.itemsize))
        return out.reshape(g.batch, g.channels, g.image_width, g.image_height)


def _forward(g: PoolGeometry, image: Array, join: np.ufunc, pad: float, shares: Array | None) -> Array:
    """Take the pixels of each window together, then multiply by `shares`."""
    out = np.empty((g.planes, g.output_width, g.output_height), image.dtype)
    planes = image.reshape(g.planes, g.image_width, g.image_height)

    def work(piece: slice) -> None:
        if _one_window(g):
            values = _whole(join, planes[piece])[:, None, None]
        else:
            layout = _Layout(g, len(planes[piece]))
            phases = layout.phases(planes[piece], pad)
            columns = [_joined(join, layout.row_taps(phase)) for phase in phases]
            values = layout.windows(_joined(join, layout.column_taps(columns)))
        if shares is None:
            out[piece] = values
        else:
            np.multiply(values, shares, out=out[piece])

    _each_piece(work, _pieces(g, image.itemsize))
    return out.reshape(g.batch, g.channels, g.output_width, g.output_height)


def _whole(join: np.ufunc, planes: Array) -> Array:
    """All pixels of each plane taken together."""
    flat = planes.reshape(len(planes), -1)
    if join is np.add:  # BLAS adds up short rows several times as fast as NumPy
        return np.matmul(flat, np.ones(flat.shape[1], flat.dtype))
    return join.reduce(flat, axis=1)


def _joined(join: np.ufunc, taps: list[Array]) -> Array:
    """The taps taken together, element by element."""
    if len(taps) == 1:
        return taps[0]
    total = join(taps[0], taps[1])
    for tap in taps[2:]:
        join(total, tap, out=total)
    return total


def _first_maxima(g: PoolGeometry, planes: Array) -> tuple[Array, Array]:
    """The maximum of each window, and how many pixels after the window's corner its first one lies in column order."""
    if _one_window(g):
        flat = planes.reshape(len(planes), -1)
        first = flat.argmax(axis=1)[:, None]
        corner = g.pad.left * g.image_height + g.pad.top
        return np.take_along_axis(flat, first, axis=1)[..., None], first[..., None] + corner
    layout = _Layout(g, len(planes))
    code = np.min_scalar_type((g.pool_width - 1) * g.image_height + g.pool_height - 1)
    columns = [_first_maximum(layout.row_taps(phase), 1, code, None) for phase in layout.phases(planes, -np.inf)]
    maxima = layout.column_taps([maximum for maximum, _ in columns])
    places = layout.column_taps([place for _, place in columns])
    maximum, place = _first_maximum(maxima, g.image_height, code, places)
    return layout.windows(maximum), layout.windows(place)


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
    """Add up the windows' derivatives at each of their pixels: every window is its own shift of them."""
    layout = _Layout(g, len(der))
    before = layout.reach_x * layout.rows
    padded = np.zeros(before + layout.reach_y + layout.size, der.dtype)
    layout.windows(padded[before + layout.reach_y :])[...] = der
    out[...] = 0
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


def _one_window(g: PoolGeometry) -> bool:
    """Whether a single window takes in the whole image."""
    return (
        g.output_height == g.output_width == 1
        and g.pool_height - g.pad.top >= g.image_height
        and g.pool_width - g.pad.left >= g.image_width
    )


def _pieces(g: PoolGeometry, itemsize: int) -> list[slice]:
    """Planes to take together: few enough for the cache, pieces enough for all threads. None is longer than the first."""
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


def _common(size: int, count: int, stride: int, before: int) -> tuple[slice, slice]:
    """Of `count` elements that lie at -before, stride - before, ...: those within range(size), and where they lie."""
    first = -(-before // stride)
    stop = max(first, min(count, -(-(size + before) // stride)))
    start = first * stride - before
    return slice(first, stop), slice(start, start + (stop - first) * stride, stride)


class _Layout:
    """Where the taps and windows of some planes lie."""

    __slots__ = ("geometry", "reach_x", "reach_y", "rows", "shape", "size")

    def __init__(self, geometry: PoolGeometry, planes: int) -> None:
        self.geometry = g = geometry
        self.reach_x, self.reach_y = (g.pool_width - 1) // g.stride_x, (g.pool_height - 1) // g.stride_y
        self.rows = g.output_height + self.reach_y
        self.shape = (planes, g.output_width + self.reach_x, self.rows)
        self.size = math.prod(self.shape)

    def pixels(self, column: int, row: int) -> tuple[Index, Index]:
        """What a phase keeps of the image: its elements, and the pixels that they are."""
        g = self.geometry
        columns = _common(g.image_width, self.shape[1], g.stride_x, g.pad.left - column)
        rows = _common(g.image_height, self.rows, g.stride_y, g.pad.top - row)
        return (slice(None), columns[0], rows[0]), (slice(None), columns[1], rows[1])

    def phases(self, planes: Array, pad: float) -> list[list[Array]]:
        """The phases of the image with the windows' taps, for each remainder of columns those of rows, flat."""
        g = self.geometry
        if self.shape == planes.shape and g.stride_x == g.stride_y == 1:
            return [[planes.reshape(-1)]]
        return [
            [self._phase(planes, pad, column, row) for row in range(min(g.stride_y, g.pool_height))]
            for column in range(min(g.stride_x, g.pool_width))
        ]

    def _phase(self, planes: Array, pad: float, column: int, row: int) -> Array:
        phase = np.empty(self.shape, planes.dtype)
        kept, pixels = self.pixels(column, row)
        _, columns, rows = kept
        phase[:, : columns.start] = pad
        phase[:, columns.stop :] = pad
        phase[:, columns, : rows.start] = pad
        phase[:, columns, rows.stop :] = pad
        phase[kept] = planes[pixels]
        return phase.reshape(-1)

    def row_taps(self, phases: list[Array]) -> list[Array]:
        """The taps of a column of the window, from top to bottom."""
        g = self.geometry
        used = self.size - self.reach_y
        return [phases[t % g.stride_y][t // g.stride_y :][:used] for t in range(g.pool_height)]

    def column_taps(self, columns: list[Array]) -> list[Array]:
        """The taps across the window, from left to right, out of what was made of its columns."""
        g = self.geometry
        used = self.size - self.reach_y - self.reach_x * self.rows
        return [columns[u % g.stride_x][u // g.stride_x * self.rows :][:used] for u in range(g.pool_width)]

    def windows(self, values: Array) -> Array:
        """The values of the windows alone, (planes, WO, HO)."""
        g = self.geometry
        by_value = values.strides[0]
        strides = (self.shape[1] * self.rows * by_value, self.rows * by_value, by_value)
        return as_strided(values, (self.shape[0], g.output_width, g.output_height), strides)
