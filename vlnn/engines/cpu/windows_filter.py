"""The derivative of the filters as many small matrix products, with one transposed copy of the output's derivative.

    E   (c, t, s, u, run)     some channels of the image: rows and columns told apart by their remainder when the stride
                              is not one, then the columns u and the pixels down each of them, in one line
    D   (u, run, K)           the output's derivative, filters innermost, with zeros where E's runs are longer

A filter tap (fw, fh) is an offset into E's line, so that its derivative is a product of a view with D:

    (c, K)  =  E[:, t, s, offset : offset + pixels] @ D
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from vlnn.engines.cpu import threads
from vlnn.engines.cpu.axes import inside
from vlnn.engines.cpu.windows import BLOCK_PRODUCTS
from vlnn.geometry import ConvGeometry
from vlnn.matlab.arrays import Array

BLOCK_ROWS = 32
BLOCK_FILTERS = 64
TILE_PIXELS = 2000
SLAB_BYTES = 6 * 2**20

Tile: TypeAlias = tuple[int, tuple[int, slice]]  # its place in D, its image and columns
Slab: TypeAlias = list[Tile]


def backward_filter(geometry: ConvGeometry, image: Array, output: Array, out: Array) -> None:
    """Write the derivative in the filters, (K, C, FW, FH), into `out`; one group."""
    plan = _Plan(geometry, image, output)
    for slab in plan.slabs:
        threads.each(plan.turn, slab)
        threads.each(plan.add, plan.tasks(slab))
    threads.each(lambda chunk: plan.finish(chunk, out), plan.chunks)


class _Plan:
    """How the image is cut into tiles of pixels and chunks of channels, and the sums so far."""

    def __init__(self, g: ConvGeometry, image: Array, output: Array) -> None:
        self.g, self.image, self.output = g, image, output
        # With few channels the rows of the filter are written out in E, so that a product has enough rows.
        self.joined = g.channels < BLOCK_ROWS
        self.layers = g.filter_height if self.joined else min(g.stride_y, (g.filter_height - 1) * g.dilate_y + 1)
        self.sides = min(g.stride_x, (g.filter_width - 1) * g.dilate_x + 1)
        below = 0 if self.joined else (g.filter_height - 1) * g.dilate_y // g.stride_y
        beside = (g.filter_width - 1) * g.dilate_x // g.stride_x
        self.run = g.output_height + below

        step = -(-g.channels // -(-g.channels // BLOCK_ROWS))
        self.chunks = [slice(c, min(c + step, g.channels)) for c in range(0, g.channels, step)]
        self.rows = step * (self.layers if self.joined else 1)
        self.filter_blocks = -(-g.filters // BLOCK_FILTERS)
        self.block_filters = -(-g.filters // self.filter_blocks)
        self.filters = self.filter_blocks * self.block_filters

        columns = min(g.output_width, max(1, TILE_PIXELS // self.run, min(8, 2 * beside)))
        columns = -(-g.output_width // -(-g.output_width // columns))
        pixels = columns * self.run
        pieces = -(-pixels * self.rows * self.block_filters // BLOCK_PRODUCTS)
        self.pieces, self.piece = pieces, -(-pixels // pieces)
        self.line = (columns + beside) * self.run
        self.line_room = self.line + below + self.pieces * self.piece - pixels + 16
        tiles = [
            (n, slice(w, min(w + columns, g.output_width)))
            for n in range(g.batch)
            for w in range(0, g.output_width, columns)
        ]
        size = self.pieces * self.piece * self.filters * image.itemsize
        together = max(1, SLAB_BYTES // size)
        self.slabs = [list(enumerate(tiles[i : i + together])) for i in range(0, len(tiles), together)]
        shape = (min(together, len(tiles)), self.pieces * self.piece, self.filters)
        self.turned = threads.scratch("turned", shape, image.dtype)
        # Threads share the chunks of channels; when there are too few of them, each chunk's tiles as well.
        self.shares = 1 if len(self.chunks) >= 2 * threads.count() else -(-2 * threads.count() // len(self.chunks))
        taps = g.filter_width * (1 if self.joined else g.filter_height)
        self.sums = np.zeros((len(self.chunks), self.shares, taps, self.rows, self.filters), image.dtype)

    def tasks(self, slab: Slab) -> list[tuple[int, int, Slab]]:
        return [(c, s, slab[s :: self.shares]) for c in range(len(self.chunks)) for s in range(self.shares)]

    def turn(self, numbered: Tile) -> None:
        """Copy a tile of the output's derivative into D."""
        number, (n, columns) = numbered
        g = self.g
        width = columns.stop - columns.start
        turned = self.turned[number]
        turned[width * self.run :] = 0
        lines = turned[: width * self.run].reshape(width, self.run, self.filters)
        lines[:, g.output_height :] = 0
        lines[:, :, g.filters :] = 0
        target = lines[:, : g.output_height]
        for k in range(0, g.filters, 8):  # few streams at a time: planes often lie a multiple of a page apart
            block = self.output[n, k : k + 8, columns]
            target[:, :, k : k + len(block)] = block.transpose(1, 2, 0)

    def add(self, task: tuple[int, int, Slab]) -> None:
        """Add what some tiles give for one chunk of channels."""
        chunk, share, tiles = task
        channels = self.chunks[chunk]
        rows = (channels.stop - channels.start) * (self.layers if self.joined else 1)
        room, product, total = self._buffers(rows)
        views = self._views(room, rows)
        sums = self.sums[chunk, share, :, :rows].reshape(-1, rows, self.filter_blocks, self.block_filters)
        sums = sums.transpose(0, 2, 1, 3)
        for number, (n, columns) in tiles:
            self._expand(room, self.image[n, channels], columns)
            turned = self.turned[number].reshape(self.pieces, self.piece, self.filter_blocks, self.block_filters)
            turned = turned.transpose(0, 2, 1, 3)
            for view, tap in zip(views, sums, strict=True):
                np.matmul(view, turned, out=product)
                tap += product[0] if self.pieces == 1 else np.add.reduce(product, axis=0, out=total)

    def _views(self, room: Array, rows: int) -> list[Array]:
        """What each tap sees of E, (pieces, 1, rows, piece)."""
        g = self.g
        by_channel, by_layer, by_side, by_pixel = room.strides
        views = []
        for fw in range(g.filter_width):
            across, side = divmod(fw * g.dilate_x, g.stride_x)
            for fh in range(1 if self.joined else g.filter_height):
                down, layer = divmod(fh * g.dilate_y, g.stride_y)
                views.append(
                    np.ndarray(
                        (self.pieces, 1, rows, self.piece),
                        room.dtype,
                        room,
                        layer * by_layer + side * by_side + (across * self.run + down) * by_pixel,
                        (self.piece * by_pixel, 0, by_layer if self.joined else by_channel, by_pixel),
                    )
                )
        return views

    def _buffers(self, rows: int) -> tuple[Array, Array, Array]:
        """Room for E, for one product in pieces, and for their sum."""
        dtype = self.image.dtype
        step = self.chunks[0].stop
        room = threads.scratch("expanded", (step, self.layers, self.sides, self.line_room), dtype)
        room[..., self.line :] = 0
        shape = (self.filter_blocks, rows, self.block_filters)
        return room, threads.scratch("part", (self.pieces, *shape), dtype), threads.scratch("totals", shape, dtype)

    def _expand(self, room: Array, image: Array, columns: slice) -> None:
        """Fill E for the pixels under output columns of one image, (c, W, H), with zeros outside of it."""
        g = self.g
        channels, size, height = image.shape
        expanded = room[:channels]
        lines = expanded[..., : self.line].reshape(channels, self.layers, self.sides, -1, self.run)
        for side in range(self.sides):
            first = columns.start * g.stride_x + side - g.pad.left
            there, where = inside(first, g.stride_x, lines.shape[3], size)
            lines[:, :, side, : there.start] = 0
            lines[:, :, side, there.stop :] = 0
            pixels = image[:, where]
            for layer in range(self.layers):
                row = layer * g.dilate_y if self.joined else layer
                target = lines[:, layer, side, there]
                kept, rows = inside(row - g.pad.top, g.stride_y, self.run, height)
                target[..., : kept.start] = 0
                target[..., kept.stop :] = 0
                target[..., kept] = pixels[..., rows]

    def finish(self, chunk: slice, out: Array) -> None:
        """Write the sums of a chunk of channels into the derivative, in its own order."""
        g = self.g
        channels = chunk.stop - chunk.start
        total = (
            self.sums[chunk.start // self.chunks[0].stop].sum(axis=0)
            if self.shares > 1
            else (self.sums[chunk.start // self.chunks[0].stop, 0])
        )
        if self.joined:
            rows = total.reshape(g.filter_width, -1, g.filter_height, self.filters)[:, :channels, :, : g.filters]
            out[:, chunk] = rows.transpose(3, 1, 0, 2)
        else:
            taps = total.reshape(g.filter_width, g.filter_height, -1, self.filters)[:, :, :channels, : g.filters]
            out[:, chunk] = taps.transpose(3, 2, 0, 1)
