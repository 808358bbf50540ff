"""Reading an image at computed places on the CPU: the bilinear sampler.

The channels come last, so that a sample finds what it needs of a pixel in one contiguous run, and the four weights of
every sample make a sparse matrix::

    image    (n, C, W, H)   ->  pixels (n*(W+2)*(H+2), C), with a margin of zeros after the last column and row
    grid     (m, WO*HO, 2)  ->  matrix (m*WO*HO, n*(W+2)*(H+2)), four weights to a row
    output   (m*WO*HO, C)    =  matrix @ pixels

Samples outside the image are moved into the margin. The derivative in the image is the transposed product. For those in
the grid, samples are taken of the differences of neighbouring pixels, with two weights.

Where channels are few, making the matrix costs more than its product: see :mod:`vlnn.engines.cpu.gathering`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from vlnn.engines.cpu import gathering, threads
from vlnn.engines.cpu.gathering import MARGIN, locate
from vlnn.engines.cpu.regions import Regions
from vlnn.matlab.arrays import Array

if TYPE_CHECKING:
    from scipy.sparse import csr_array  # takes longer to import than all of vlnn

FEW = 8  # channels at most, for which gathering is faster
CHANNELS = 128  # at a time: longer runs fight for the same cache lines when they are turned back
BLOCK_BYTES = 2**20
LEAST_BYTES = 2**17  # less is not worth a thread
INDEX_BYTES = 80  # what a sample takes up besides its channels


class Sampling(Regions):
    """The part of the CPU engine that reads images at computed places."""

    def sampler_forward(self, image: Array, grid: Array) -> Array:
        samples = _points(grid)
        if _few_channels(image, samples):
            return gathering.forward(image, samples).reshape(len(grid), -1, *grid.shape[1:3])
        out = np.empty((len(grid), image.shape[1], samples.shape[1]), image.dtype)

        def work(piece: _Piece) -> None:
            pixels = [_with_margin(image[piece.images, channels]) for channels in piece.runs]
            for grids, points in _blocks(piece.images, image, samples):
                corners = _Corners(samples, grids, points, piece.images, image.shape)
                matrix = corners.matrix()
                for channels, run in zip(piece.runs, pixels, strict=True):
                    target = out[grids, channels, points]
                    values = (matrix @ run).reshape(len(target), -1, target.shape[1])
                    target[...] = values.transpose(0, 2, 1)

        if out.size:
            threads.each(work, _pieces(image, samples))
        return out.reshape(*out.shape[:2], *grid.shape[1:3])

    def sampler_backward(self, image: Array, grid: Array, output: Array, grid_too: bool) -> tuple[Array, Array | None]:
        samples = _points(grid)
        if not output.size:
            return np.zeros_like(image), np.zeros_like(grid) if grid_too else None
        der_output = output.reshape(*output.shape[:2], -1)
        if _few_channels(image, samples):
            der_image, der_places = gathering.backward(image, samples, der_output, grid_too)
            return der_image, None if der_places is None else der_places.reshape(grid.shape)
        der_image = np.empty_like(image)
        pieces = _pieces(image, samples)
        # Pieces of the same images but other channels add up their derivatives in the grid.
        der_samples = {piece.runs[0].start: np.empty_like(samples) for piece in pieces if grid_too}
        slope_y, slope_x = 0.5 * (image.shape[3] - 1), 0.5 * (image.shape[2] - 1)

        def work(piece: _Piece) -> None:
            pixels = [_with_margin(image[piece.images, channels]) for channels in piece.runs]
            down = [_differences(run, 1) for run in pixels] if grid_too else []
            right = [_differences(run, image.shape[3] + MARGIN) for run in pixels] if grid_too else []
            total = [np.zeros_like(run) for run in pixels]
            for grids, points in _blocks(piece.images, image, samples):
                corners = _Corners(samples, grids, points, piece.images, image.shape)
                transposed = corners.matrix().T
                ders = []
                for channels, sums in zip(piece.runs, total, strict=True):
                    der = np.ascontiguousarray(der_output[grids, channels, points].transpose(0, 2, 1))
                    ders.append(der.reshape(-1, sums.shape[1]))
                    sums += transposed @ ders[-1]
                if grid_too:
                    part = der_samples[piece.runs[0].start][grids, points]
                    part[..., 0] = slope_y * _products(corners.between_columns(), down, ders).reshape(part.shape[:2])
                    part[..., 1] = slope_x * _products(corners.between_rows(), right, ders).reshape(part.shape[:2])
            for channels, sums in zip(piece.runs, total, strict=True):
                target = der_image[piece.images, channels]
                target[...] = _without_margin(sums, target.shape)

        threads.each(work, pieces)
        if not grid_too:
            return der_image, None
        der_grid, *others = der_samples.values()
        for other in others:
            der_grid += other
        return der_image, der_grid.reshape(grid.shape)


def _points(grid: Array) -> Array:
    """A grid (m, WO, HO, 2) as (m, WO*HO, 2)."""
    count, width, height, _ = grid.shape
    return grid.reshape(count, width * height, 2)


def _few_channels(image: Array, samples: Array) -> bool:
    channels: int = image.shape[1]
    return 0 < channels <= FEW and samples.size > 0


class _Piece(NamedTuple):
    """Images to take together, and their channels in runs."""

    images: slice
    runs: list[slice]


class _Corners:
    """The four pixels of each sample, and its position between them."""

    __slots__ = ("column", "first", "pixels", "x", "y")

    def __init__(self, samples: Array, grids: slice, points: slice, images: slice, shape: tuple[int, ...]) -> None:
        batch, _, width, height = shape
        chosen = samples[grids, points]
        self.y, top = locate(chosen[..., 0], height)
        self.x, left = locate(chosen[..., 1], width)
        self.column = height + MARGIN
        size = (width + MARGIN) * self.column
        of_image = np.arange(grids.start, grids.stop) // (len(samples) // batch) - images.start
        left *= self.column
        left += top
        left += (of_image * size).astype(left.dtype)[:, None]
        self.first = left
        self.pixels = (images.stop - images.start) * size

    def matrix(self) -> csr_array:
        """(samples, pixels): what each sample takes of each pixel."""
        weights = np.empty((*self.y.shape, 4), self.y.dtype)
        bottom_right = self.y * self.x
        weights[..., 3] = bottom_right
        np.subtract(self.y, bottom_right, out=weights[..., 1])
        np.subtract(self.x, bottom_right, out=bottom_right)
        weights[..., 2] = bottom_right
        bottom_right += self.y
        np.subtract(1, bottom_right, out=weights[..., 0])
        return self._matrix(weights, (0, 1, self.column, self.column + 1))

    def between_columns(self) -> csr_array:
        """What each sample takes of its left and of its right column."""
        return self._matrix(_complements(self.x), (0, self.column))

    def between_rows(self) -> csr_array:
        return self._matrix(_complements(self.y), (0, 1))

    def _matrix(self, weights: Array, steps: tuple[int, ...]) -> csr_array:
        """Weights of the pixels that lie so many steps after the first one."""
        from scipy.sparse import csr_array

        indices = np.empty(weights.shape, self.first.dtype)
        for k, step in enumerate(steps):
            np.add(self.first, step, out=indices[..., k])
        rows = np.arange(0, weights.size + 1, len(steps), dtype=indices.dtype)
        return csr_array((weights.ravel(), indices.ravel(), rows), shape=(len(rows) - 1, self.pixels))


def _complements(x: Array) -> Array:
    """Rows 1 - x, x."""
    weights = np.empty((*x.shape, 2), x.dtype)
    np.subtract(1, x, out=weights[..., 0])
    weights[..., 1] = x
    return weights


def _differences(pixels: Array, step: int) -> Array:
    """The pixel so many steps on, minus the pixel itself."""
    differences = np.zeros_like(pixels)
    with np.errstate(over="ignore", invalid="ignore"):
        np.subtract(pixels[step:], pixels[:-step], out=differences[:-step])
    return differences


def _products(matrix: csr_array, pixels: list[Array], ders: list[Array]) -> Array:
    """For each sample the sum, over the channels in all runs, of what is sampled times the derivative."""
    return sum(np.einsum("pc,pc->p", matrix @ run, der) for run, der in zip(pixels, ders, strict=True))


def _with_margin(image: Array) -> Array:
    """Images (n, c, W, H) as pixels (n*(W+2)*(H+2), c)."""
    count, channels, width, height = image.shape
    pixels = np.zeros((count, width + MARGIN, height + MARGIN, channels), image.dtype)
    pixels[:, :width, :height] = image.transpose(0, 2, 3, 1)
    return pixels.reshape(-1, channels)


def _without_margin(pixels: Array, shape: tuple[int, ...]) -> Array:
    count, channels, width, height = shape
    return pixels.reshape(count, width + MARGIN, height + MARGIN, channels)[:, :width, :height].transpose(0, 3, 1, 2)


def _runs(image: Array) -> list[slice]:
    channels = image.shape[1]
    run = -(-channels // -(-channels // CHANNELS))
    return [slice(c, min(c + run, channels)) for c in range(0, channels, run)]


def _pieces(image: Array, samples: Array) -> list[_Piece]:
    """Some pieces for each thread where that pays, and such that one fits into the cache."""
    batch, channels, width, height = image.shape
    points = samples.size // 2
    pixels = batch * (width + MARGIN) * (height + MARGIN)
    cost = (pixels + points) * min(channels, CHANNELS) * image.itemsize
    work = points * (channels * image.itemsize + INDEX_BYTES)
    wanted = max(cost // BLOCK_BYTES, min(2 * threads.count(), work // LEAST_BYTES), 1)
    runs = _runs(image)
    each_run = [runs] if batch >= min(wanted, threads.count()) else [[run] for run in runs]
    step = -(-batch // wanted)
    return [_Piece(slice(n, min(n + step, batch)), some) for n in range(0, batch, step) for some in each_run]


def _blocks(images: slice, image: Array, samples: Array) -> Iterator[tuple[slice, slice]]:
    """The grids that sample these images, and their points, in parts that fit into the cache."""
    per_image = len(samples) // len(image)
    first, last, points = images.start * per_image, images.stop * per_image, samples.shape[1]
    step = max(1, BLOCK_BYTES // (min(image.shape[1], CHANNELS) * image.itemsize + INDEX_BYTES))
    grids = max(1, step // points)
    for g in range(first, last, grids):
        for p in range(0, points, step):
            yield slice(g, min(g + grids, last)), slice(p, p + step)
