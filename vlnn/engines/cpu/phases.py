"""Windows over planes, with every tap as one contiguous array.

Pixels are told apart by the remainders of their column and row when a stride is not one: a step of the window in the
image is then a step to the next element in each such *phase*. Phases are padded, and hold all that windows reach::

    image    (planes, W, H)
    phase    (planes, WQ, HQ)    for each remainder of columns and of rows
    window   (column, row)       is element (plane * WQ + column) * HQ + row
    tap      (u, t) of windows   is phase (u % stride_x, t % stride_y), u // stride_x * HQ + t // stride_y elements on

A tap read like that runs on from the end of a column into the next one. What comes of it belongs to no window, and
stays behind when the windows' values are copied out.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.lib.stride_tricks import as_strided

from vlnn.geometry import PoolGeometry
from vlnn.matlab.arrays import Array

Pixels = tuple[slice, slice, slice]  # planes, columns, rows


class Layout:
    """Where the taps and windows of some planes lie."""

    __slots__ = ("geometry", "reach_x", "reach_y", "rows", "shape", "size")

    def __init__(self, geometry: PoolGeometry, planes: int) -> None:
        self.geometry = g = geometry
        self.reach_x, self.reach_y = (g.pool_width - 1) // g.stride_x, (g.pool_height - 1) // g.stride_y
        self.rows = g.output_height + self.reach_y
        self.shape = (planes, g.output_width + self.reach_x, self.rows)
        self.size = math.prod(self.shape)

    def pixels(self, column: int, row: int) -> tuple[Pixels, Pixels]:
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


def _common(size: int, count: int, stride: int, before: int) -> tuple[slice, slice]:
    """Of `count` elements that lie at -before, stride - before, ...: those within range(size), and where they lie."""
    first = -(-before // stride)
    stop = max(first, min(count, -(-(size + before) // stride)))
    start = first * stride - before
    return slice(first, stop), slice(start, start + (stop - first) * stride, stride)
