"""Convolution as many small matrix products over windows of the image, with next to no copies.

One copy lays a tile of the image out with its columns outermost, padded with zeros:

    E  (u, c, t, run)         column u of the image, channel, a run of pixels down the column (t: see below)

The patches under output column w, seen through the filter row fh, are then a block of E: the axes of the filter's
columns and of the channels are one, and the filter's row is an offset into the run:

    patches     (FW*c, run)   = E[w*stride : w*stride + FW, :, fh : fh + run]      a view
    weights     (K, FW*c)     for each fh, reordered once for each call
    output      (K, run)      = sum over fh of weights @ patches

np.matmul takes all columns of a tile in one call. OpenBLAS multiplies blocks of up to 10^6 products without packing
them first, and there it runs at the processor's peak even for few channels, so runs, filters and channels are cut to
that size.

The axis t tells rows apart by their remainder when the stride is not one. For few channels, and for low images, of
which several are joined to one run, it holds the filter's rows instead, so that one product does them all.

The transpose is the same correlation, once for each of the stride_y * stride_x phases of the pixels that it writes.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from vlnn.engines.cpu import threads
from vlnn.engines.cpu.axes import Axis, Job, axes, inside, jobs_of_transpose
from vlnn.geometry import ConvGeometry
from vlnn.matlab.arrays import Array

BLOCK_PRODUCTS = 10**6  # what OpenBLAS multiplies without packing
BLOCK_FILTERS = (48, 32)
BLOCK_DEPTH = 400  # rows of a window in one product
BLOCK_RUN, SHORT_RUN = 112, 64
FEW_ROWS = 64  # windows of fewer rows are joined
FEW_FILTERS = 16  # below, copies cost too much beside the products
LOW = 48  # images lower than this are joined to a run of about twice as much
TILE_ELEMENTS = 2**18


def forward(geometry: ConvGeometry, image: Array, filters: Array, biases: Array | None, out: Array) -> None:
    """Write the correlation of `image` with `filters`, plus biases, into `out`; one group."""
    columns, rows = axes(geometry)
    correlate(image, rows, [Job(columns, filters.transpose(0, 2, 1, 3), out)], biases)


def backward_data(geometry: ConvGeometry, output: Array, filters: Array, biases: Array | None, out: Array) -> None:
    """Write the transpose of :func:`forward` in the image, plus biases, into `out`; one group, stride or dilation 1."""
    turned = filters.transpose(1, 2, 3, 0)  # (C, FW, FH, K)
    for rows, jobs in jobs_of_transpose(geometry, turned, out):
        jobs = [job._replace(weights=job.weights.transpose(0, 1, 3, 2)) for job in jobs]
        correlate(output, rows, jobs, biases)


def correlate(source: Array, rows: Axis, jobs: list[Job], biases: Array | None) -> None:
    """Do all jobs that share the rows' axis on one source (N, C, W, H), on all threads."""
    for job in jobs:
        if rows.taps == 0 or job.columns.taps == 0:
            job.out[...] = 0 if biases is None else biases[:, None, None]
    jobs = [job for job in jobs if rows.taps and job.columns.taps]
    if not jobs:
        return
    plan = _Plan(source, rows, jobs, biases)
    threads.each(plan.tile, plan.tiles)


class _Pass(NamedTuple):
    """One product: some of the filter's columns, all of its rows or one, and where its windows start in E."""

    columns: slice
    rows: slice
    layer: int  # index on the axis t
    offset: int  # into the run


class _Plan:
    """How one call of :func:`correlate` is cut into tiles, chunks of channels and passes; and its reordered weights."""

    def __init__(self, source: Array, rows: Axis, jobs: list[Job], biases: Array | None) -> None:
        self.source, self.rows, self.jobs, self.biases = source, rows, jobs, biases
        batch, channels, _, _ = source.shape
        filters = len(jobs[0].weights)
        self.step, self.dilate = jobs[0].columns.step, jobs[0].columns.dilate
        taps = max(job.columns.taps for job in jobs) if self.dilate == 1 else 1

        self.images = _images_of(batch, rows.length) if filters >= FEW_FILTERS else 1
        self.run = self.images * rows.length
        self.joined = self.images > 1 or channels * taps < FEW_ROWS
        layers = rows.taps if self.joined else min(rows.step, (rows.taps - 1) * rows.dilate + 1)
        depth = taps * rows.taps if self.joined else taps
        self.blocks, self.block_filters = _filter_blocks(filters)
        deepest = min(BLOCK_DEPTH, BLOCK_PRODUCTS // (self.block_filters * min(self.run, SHORT_RUN)))
        self.chunk = -(-channels // -(-channels * depth // deepest)) if depth < deepest else 1
        self.chunks = [slice(c, min(c + self.chunk, channels)) for c in range(0, channels, self.chunk)]
        most = max(16, BLOCK_PRODUCTS // (self.block_filters * self.chunk * depth))
        self.run_blocks, self.block_run = _blocks_of(self.run, min(most, BLOCK_RUN))
        self.padded_run = self.run_blocks * self.block_run
        overlap = 0 if self.joined else (rows.taps - 1) * rows.dilate // rows.step
        self.layout = (self.chunk, layers, self.padded_run + overlap)  # of one column of E

        # Tiles: output columns whose part of E and whose results stay in the cache.
        self.pad = max(job.columns.pad for job in jobs)
        self.reach = max((c.taps - 1) * c.dilate + self.pad - c.pad for c in (job.columns for job in jobs)) + 1
        width = max(job.columns.length for job in jobs)
        groups = -(-batch // self.images)
        size = max(self.chunk * layers * self.step, filters * len(jobs)) * self.padded_run
        tile = min(width, max(TILE_ELEMENTS // size, self.reach))
        pieces = max(-(-width // tile), min(width, -(-2 * threads.count() // groups)))
        self.tile_width = -(-width // pieces)
        self.tiles = [
            (slice(n, min(n + self.images, batch)), slice(w, min(w + self.tile_width, width)))
            for n in range(0, batch, self.images)
            for w in range(0, width, self.tile_width)
        ]
        self.passes = [self._passes(job.columns) for job in jobs]
        self.weights = [
            [[self._reordered(job.weights[:, p.columns, chunk, p.rows]) for p in passes] for chunk in self.chunks]
            for job, passes in zip(jobs, self.passes, strict=True)
        ]

    def _passes(self, columns: Axis) -> list[_Pass]:
        rows = self.rows
        together = [slice(None)] if self.dilate == 1 else [slice(i, i + 1) for i in range(columns.taps)]
        if self.joined:
            return [_Pass(columns, slice(None), 0, 0) for columns in together]
        starts = [(slice(i, i + 1), i * rows.dilate) for i in range(rows.taps)]
        return [_Pass(c, r, start % rows.step, start // rows.step) for c in together for r, start in starts]

    def _reordered(self, weights: Array) -> Array:
        """(K, FW, c, FH) as (blocks, 1, 1, k, FW*c*FH), the last block filled up with zeros."""
        depth = weights[0].size
        blocks = np.empty((self.blocks * self.block_filters, depth), weights.dtype)
        filled = blocks[: len(weights)].reshape(weights.shape)

        def reorder(span: slice) -> None:
            filled[span] = weights[span]

        threads.each(reorder, threads.spans(len(weights), weights.size, 2**15))
        blocks[len(weights) :] = 0
        return blocks.reshape(self.blocks, 1, 1, self.block_filters, depth)

    def _buffers(self) -> tuple[Array, Array, Array]:
        """Room for E, for the result of each job, and for one product."""
        dtype = self.source.dtype
        columns = (self.tile_width - 1) * self.step + self.reach
        size = self.blocks * self.block_filters * self.tile_width * self.padded_run
        several = len(self.chunks) * max(map(len, self.passes)) > 1
        return (
            threads.scratch("expanded", (columns * math.prod(self.layout),), dtype),
            threads.scratch("totals", (len(self.jobs), size), dtype),
            threads.scratch("part", (size if several else 0,), dtype),
        )

    def tile(self, tile: tuple[slice, slice]) -> None:
        images, columns = tile
        room, totals, part_room = self._buffers()
        first = columns.start * self.step - self.pad
        width = (columns.stop - columns.start - 1) * self.step + self.reach
        for number, chunk in enumerate(self.chunks):
            expanded = self._expand(room, self.source[images, chunk], first, width)
            for job, passes, weights, total_room in zip(self.jobs, self.passes, self.weights, totals, strict=True):
                count = min(columns.stop, job.columns.length) - columns.start
                if count <= 0:
                    continue
                shape = (self.blocks, self.block_filters, count, self.run_blocks, self.block_run)
                total = total_room[: math.prod(shape)].reshape(shape)
                for index, (window, matrix) in enumerate(zip(passes, weights[number], strict=True)):
                    started = number or index
                    part = part_room[: total.size].reshape(shape) if started else total
                    patches = self._patches(room, expanded.strides, job.columns, window, count, matrix.shape[-1])
                    np.matmul(matrix, patches, out=part.transpose(0, 2, 3, 1, 4))
                    if started:
                        total += part
                if number == len(self.chunks) - 1:
                    self._store(total, job.out[images, :, columns.start : columns.start + count])

    def _store(self, total: Array, target: Array) -> None:
        """Hand a tile's result, (blocks, k, w, blocks of the run, run of a block), out to (n, K, w, H)."""
        count, filters, width, height = target.shape
        values = total.reshape(-1, width, self.padded_run)[:filters, :, : count * height]
        values = values.reshape(filters, width, count, height).transpose(2, 0, 1, 3)
        if self.biases is None:
            target[...] = values
        else:
            np.add(values, self.biases[:, None, None], out=target)

    def _expand(self, room: Array, source: Array, first: int, width: int) -> Array:
        """E for columns first to first + width of the source (n, c, W, H), with zeros outside of it."""
        count, channels, size, height = source.shape
        rows = self.rows
        _, layers, run = self.layout
        expanded = room[: width * channels * layers * run].reshape(width, channels, layers, run)
        start = min(max(0, -first), width)
        stop = max(start, min(width, size - first))
        expanded[:start] = 0
        expanded[stop:] = 0
        inner = expanded[start:stop]
        pixels = source[:, :, first + start : first + stop].transpose(2, 1, 0, 3)
        length = rows.length if self.joined else run
        used = count * rows.length if self.joined else run
        inner[..., used:] = 0
        inner = inner[..., :used].reshape(stop - start, channels, layers, count, length)
        for layer in range(layers):
            begin = (layer * rows.dilate if self.joined else layer) - rows.pad
            there, where = inside(begin, rows.step, length, height)
            inner[:, :, layer, :, : there.start] = 0
            inner[:, :, layer, :, there.stop :] = 0
            inner[:, :, layer, :, there] = pixels[..., where]
        return expanded

    def _patches(
        self, room: Array, strides: tuple[int, ...], columns: Axis, window: _Pass, count: int, depth: int
    ) -> Array:
        """A view of E: the patches under `count` output columns, (1, w, blocks of the run, depth, run of a block)."""
        by_column, by_channel, by_layer, by_pixel = strides
        first = self.pad - columns.pad + (window.columns.start or 0) * columns.dilate
        return np.ndarray(
            (1, count, self.run_blocks, depth, self.block_run),
            room.dtype,
            room,
            first * by_column + window.layer * by_layer + window.offset * by_pixel,
            (
                0,
                columns.step * by_column,
                self.block_run * by_pixel,
                by_layer if self.joined else by_channel,
                by_pixel,
            ),
        )


def _images_of(batch: int, height: int) -> int:
    """How many images to join to one run: one if they are high enough, else a number that leaves few places empty."""
    if height >= LOW or batch == 1:
        return 1
    least, most = -(-LOW // height), -(-2 * LOW // height)
    return min(range(min(least, batch), min(most, batch) + 1), key=lambda n: (-(-batch // n) * n, -n))


def _filter_blocks(filters: int) -> tuple[int, int]:
    """How many blocks to cut the filters into, and their size: the larger one unless it leaves more places empty."""
    most = max(BLOCK_FILTERS)
    size = filters if filters <= most else min(BLOCK_FILTERS, key=lambda size: (-(-filters // size) * size, -size))
    return -(-filters // size), size


def _blocks_of(run: int, most: int) -> tuple[int, int]:
    """How many blocks to cut a run into, and their length: whole vectors, and as little beyond the run as can be."""
    if run <= most:
        return 1, run
    least = -(-run // most)
    lengths = {blocks: -(-run // (8 * blocks)) * 8 for blocks in range(least, 2 * least + 1)}
    blocks = min(lengths, key=lambda count: (lengths[count] * count, count))
    return blocks, lengths[blocks]
