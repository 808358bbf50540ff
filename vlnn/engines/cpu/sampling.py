"""Reading an image at computed places on the CPU: the bilinear sampler.

The channels come last, so that a sample finds what it needs of a pixel in one contiguous run, and the four weights of
every sample make a sparse matrix::

    image    (n, C, W, H)   ->  pixels (n*(W+2)*(H+2), C), with a margin of zeros after the last column and row
    grid     (m, WO*HO, 2)  ->  matrix (m*WO*HO, n*(W+2)*(H+2)), four weights to a row
    output   (m*WO*HO, C)    =  matrix @ pixels

Samples outside the image are moved into the margin. The derivative in the image is the transposed product. The
derivatives in the grid take the same matrix with the slopes of the weights in it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from scipy.sparse import csr_array

from vlnn.engines.cpu import threads
from vlnn.engines.cpu.regions import Regions
from vlnn.matlab.arrays import Array

MARGIN = 2
CHANNELS = 128  # at a time: longer runs fight for the same cache lines when they are turned back
BLOCK_BYTES = 2**21
LEAST_BYTES = 2**17  # less is not worth a thread
INDEX_BYTES = 80  # what a sample takes up besides its channels


class Sampling(Regions):
    """The part of the CPU engine that reads images at computed places."""

    def sampler_forward(self, image: Array, grid: Array) -> Array:
        samples = grid.reshape(len(grid), -1, 2)
        out = np.empty((len(grid), image.shape[1], samples.shape[1]), image.dtype)

        def work(piece: tuple[slice, slice]) -> None:
            images, channels = piece
            pixels = _with_margin(image[images, channels])
            for grids, points in _blocks(images, image, samples):
                corners = _Corners(samples, grids, points, images, image.shape)
                values = corners.matrix(corners.weights()) @ pixels
                target = out[grids, channels, points]
                target[...] = values.reshape(len(target), -1, target.shape[1]).transpose(0, 2, 1)

        if out.size:
            threads.each(work, _pieces(image, samples))
        return out.reshape(*out.shape[:2], *grid.shape[1:3])

    def sampler_backward(self, image: Array, grid: Array, output: Array, grid_too: bool) -> tuple[Array, Array | None]:
        samples = grid.reshape(len(grid), -1, 2)
        der_output = output.reshape(*output.shape[:2], -1)
        der_image = np.zeros_like(image)
        # Each piece of channels adds its part to the derivatives of the grid.
        parts = {c.start: np.zeros_like(samples) for _, c in _pieces(image, samples)} if grid_too else {}
        slope_y, slope_x = 0.5 * (image.shape[3] - 1), 0.5 * (image.shape[2] - 1)

        def work(piece: tuple[slice, slice]) -> None:
            images, channels = piece
            pixels = _with_margin(image[images, channels])
            total = np.zeros_like(pixels)
            for grids, points in _blocks(images, image, samples):
                corners = _Corners(samples, grids, points, images, image.shape)
                der = np.ascontiguousarray(der_output[grids, channels, points].transpose(0, 2, 1))
                der = der.reshape(-1, pixels.shape[1])
                total += corners.matrix(corners.weights()).T @ der
                if grid_too:
                    part = parts[channels.start][grids, points]
                    along_y = np.einsum("pc,pc->p", corners.matrix(corners.slopes_y()) @ pixels, der)
                    along_x = np.einsum("pc,pc->p", corners.matrix(corners.slopes_x()) @ pixels, der)
                    part[..., 0] = along_y.reshape(part.shape[:2]) * slope_y
                    part[..., 1] = along_x.reshape(part.shape[:2]) * slope_x
            der_image[images, channels] = _without_margin(total, image[images, channels].shape)

        if output.size:
            threads.each(work, _pieces(image, samples))
        return der_image, sum(parts.values(), np.zeros_like(samples)).reshape(grid.shape) if grid_too else None


class _Corners:
    """The four pixels of each sample, and its position between them."""

    __slots__ = ("indices", "pixels", "x", "y")

    def __init__(self, samples: Array, grids: slice, points: slice, images: slice, shape: tuple[int, ...]) -> None:
        batch, _, width, height = shape
        chosen = samples[grids, points]
        self.y, top = _locate(chosen[..., 0], height)
        self.x, left = _locate(chosen[..., 1], width)
        column = height + MARGIN
        size = (width + MARGIN) * column
        of_image = np.arange(grids.start, grids.stop) // (len(samples) // batch) - images.start
        left *= column
        left += top
        left += (of_image * size).astype(left.dtype)[:, None]
        self.indices = np.stack((left, left + 1, left + column, left + column + 1), axis=-1)
        self.pixels = (images.stop - images.start) * size

    def matrix(self, weights: Array) -> csr_array:
        """(samples, pixels): what each sample takes of each pixel."""
        rows = np.arange(0, weights.size + 1, 4, dtype=self.indices.dtype)
        return csr_array((weights.ravel(), self.indices.ravel(), rows), shape=(len(rows) - 1, self.pixels))

    def weights(self) -> Array:
        bottom_right = self.y * self.x
        bottom, right = self.y - bottom_right, self.x - bottom_right
        return np.stack((1 - self.y - right, bottom, right, bottom_right), axis=-1)

    def slopes_y(self) -> Array:
        """The derivatives of the weights in y."""
        left = 1 - self.x
        return np.stack((-left, left, -self.x, self.x), axis=-1)

    def slopes_x(self) -> Array:
        top = 1 - self.y
        return np.stack((-top, -self.y, top, self.y), axis=-1)


def _locate(coordinates: Array, size: int) -> tuple[Array, Array]:
    """From [-1, 1] to pixels: how far after a pixel each sample lies, and the pixel."""
    with np.errstate(over="ignore", invalid="ignore"):
        position = (coordinates + 1) * (0.5 * (size - 1))
    # MatConvNet compares an int with a size_t: what lies before the first pixel, however little, is outside.
    position = np.where(position >= 0, position, coordinates.dtype.type(size))
    np.minimum(position, size, out=position)
    before = np.floor(position)
    position -= before
    return position, before.astype(np.int32)


def _with_margin(image: Array) -> Array:
    """Images (n, c, W, H) as pixels (n*(W+2)*(H+2), c)."""
    count, channels, width, height = image.shape
    pixels = np.zeros((count, width + MARGIN, height + MARGIN, channels), image.dtype)
    pixels[:, :width, :height] = image.transpose(0, 2, 3, 1)
    return pixels.reshape(-1, channels)


def _without_margin(pixels: Array, shape: tuple[int, ...]) -> Array:
    count, channels, width, height = shape
    return pixels.reshape(count, width + MARGIN, height + MARGIN, channels)[:, :width, :height].transpose(0, 3, 1, 2)


def _pieces(image: Array, samples: Array) -> list[tuple[slice, slice]]:
    """Images and channels to take together: some per thread, and few enough for the cache."""
    batch, channels, width, height = image.shape
    runs = -(-channels // CHANNELS)
    run = -(-channels // runs)
    points = samples.size // 2
    cost = (batch * (width + MARGIN) * (height + MARGIN) + points) * run * image.itemsize + points * INDEX_BYTES
    wanted = max(math.ceil(cost / BLOCK_BYTES), min(2 * threads.count(), cost // LEAST_BYTES), 1)
    step = -(-batch // wanted)
    return [
        (slice(n, min(n + step, batch)), slice(c, min(c + run, channels)))
        for n in range(0, batch, step)
        for c in range(0, channels, run)
    ]


def _blocks(images: slice, image: Array, samples: Array) -> Iterator[tuple[slice, slice]]:
    """The grids that sample these images, and their points, in parts that fit into the cache."""
    per_image = len(samples) // len(image)
    first, last, points = images.start * per_image, images.stop * per_image, samples.shape[1]
    step = max(1, BLOCK_BYTES // (min(image.shape[1], CHANNELS) * image.itemsize + INDEX_BYTES))
    grids = max(1, step // points)
    for g in range(first, last, grids):
        for p in range(0, points, step):
            yield slice(g, min(g + grids, last)), slice(p, p + step)
