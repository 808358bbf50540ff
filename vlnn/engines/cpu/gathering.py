"""Reading images of few channels at computed places on the CPU.

The four pixels of each sample are taken plane by plane, all samples at once, from images that have a margin of zeros
after the last column and row::

    image    (n, C, W, H)   ->  planes (n, C, (W+2)*(H+2))
    grid     (m, WO*HO, 2)  ->  first (m, WO*HO), where the first of the four is; four weights (m, WO*HO)
    output   (m, C, WO*HO)  =  sum over k of weight[k] * planes[first + step[k]]

Samples outside the image are moved into the margin. The derivative in the image adds to where the output reads.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from vlnn.engines.cpu import threads
from vlnn.matlab.arrays import Array

MARGIN = 2
BLOCK = 2**14  # samples at a time: what they need fits the cache, and the calls cost little beside them
PIECE_PIXELS = 2**17
LEAST_SAMPLES = 2**17  # over all channels; less is not worth a thread


def forward(image: Array, samples: Array) -> Array:
    """Images (n, C, W, H) at the places (m, points, 2): (m, C, points)."""
    out = np.empty((len(samples), image.shape[1], samples.shape[1]), image.dtype)

    def work(piece: _Piece) -> None:
        planes = _with_margin(image[piece.images])
        for block in piece.blocks:
            corners = _Corners(samples, block, piece.images, image)
            weights = corners.weights()
            for c in range(image.shape[1]):
                values = corners.pixels(planes, c)
                for value, weight in zip(values, weights, strict=True):
                    value *= weight
                values[0] += values[1]
                values[2] += values[3]
                np.add(values[0], values[2], out=out[block.grids, c, block.points])

    threads.each(work, _pieces(image, samples))
    return out


def backward(image: Array, samples: Array, output: Array, grid_too: bool) -> tuple[Array, Array | None]:
    """The derivatives in the images and in the places, from that in the output (m, C, points)."""
    pieces = _pieces(image, samples)
    # Pieces of the same image add up their derivatives in it.
    ders = np.empty((pieces[-1].part + 1, *image.shape), image.dtype)
    der_samples = np.empty_like(samples) if grid_too else None

    def work(piece: _Piece) -> None:
        target = ders[piece.part, piece.images]
        total = _margin_scratch("sums of samples", target)
        total[...] = 0
        planes = _with_margin(image[piece.images]) if grid_too else total
        for block in piece.blocks:
            corners = _Corners(samples, block, piece.images, image)
            weights = corners.weights()
            slopes = [np.zeros_like(corners.y), np.zeros_like(corners.x)]
            for c in range(image.shape[1]):
                der = np.ascontiguousarray(output[block.grids, c, block.points])
                for place, weight in zip(corners.places(total, c), weights, strict=True):
                    np.add.at(place, corners.first.ravel(), (weight * der).ravel())
                if grid_too:
                    for slope, change in zip(slopes, corners.changes(planes, c), strict=True):
                        change *= der
                        slope += change
            if der_samples is not None:
                part = der_samples[block.grids, block.points]
                np.multiply(slopes[0], 0.5 * (image.shape[3] - 1), out=part[..., 0])
                np.multiply(slopes[1], 0.5 * (image.shape[2] - 1), out=part[..., 1])
        target[...] = total[:, :, : image.shape[2], : image.shape[3]]

    threads.each(work, pieces)
    return ders[0] if len(ders) == 1 else ders.sum(axis=0), der_samples


def locate(coordinates: Array, size: int) -> tuple[Array, Array]:
    """From [-1, 1] to pixels: how far after a pixel each sample lies, and the pixel; `size` for those outside."""
    position = coordinates + 1
    position *= 0.5 * (size - 1)
    if not (position.min() >= 0 and position.max() < size):  # so also if one is NaN
        # MatConvNet compares an int with a size_t: what lies before the first pixel, however little, is outside.
        position[~((position >= 0) & (position < size))] = size
    before = np.floor(position)
    position -= before
    return position, before.astype(np.int32)


class _Block(NamedTuple):
    """Grids, and points of them."""

    grids: slice
    points: slice


class _Piece(NamedTuple):
    """Images to take together, and a part of their samples."""

    images: slice
    part: int
    blocks: list[_Block]


class _Corners:
    """The four pixels of each sample, and its position between them."""

    __slots__ = ("area", "first", "steps", "x", "y")

    def __init__(self, samples: Array, block: _Block, images: slice, image: Array) -> None:
        batch, channels, width, height = image.shape
        chosen = samples[block.grids, block.points]
        self.y, top = locate(chosen[..., 0], height)
        self.x, left = locate(chosen[..., 1], width)
        column = height + MARGIN
        self.steps = (0, 1, column, column + 1)
        self.area = (width + MARGIN) * column
        of_image = np.arange(block.grids.start, block.grids.stop) // (len(samples) // batch) - images.start
        left *= column
        left += top
        self.first = left.astype(np.intp)
        self.first += (of_image * (channels * self.area))[:, None]

    def weights(self) -> tuple[Array, Array, Array, Array]:
        """What each sample takes of its pixels: top left, bottom left, top right, bottom right."""
        bottom_right = self.y * self.x
        top_right = self.x - bottom_right
        return 1 - (self.y + top_right), self.y - bottom_right, top_right, bottom_right

    def places(self, planes: Array, channel: int) -> list[Array]:
        """Views of the planes in which `first` are the four pixels of a channel."""
        return [planes.reshape(-1)[channel * self.area + step :] for step in self.steps]

    def pixels(self, planes: Array, channel: int) -> list[Array]:
        values = [np.empty_like(self.y) for _ in self.steps]
        for place, value in zip(self.places(planes, channel), values, strict=True):
            place.take(self.first, out=value, mode="wrap")  # none lies outside: the other modes cost more
        return values

    def changes(self, planes: Array, channel: int) -> tuple[Array, Array]:
        """How much a channel of each sample changes from a pixel to the next one, downwards and to the right."""
        top_left, bottom_left, top_right, bottom_right = self.pixels(planes, channel)
        down = _between(bottom_left - top_left, bottom_right - top_right, self.x)
        top_right -= top_left
        bottom_right -= bottom_left
        return down, _between(top_right, bottom_right, self.y)


def _between(before: Array, after: Array, position: Array) -> Array:
    before *= 1 - position
    after *= position
    before += after
    return before


def _with_margin(image: Array) -> Array:
    """Images (n, C, W, H) as (n, C, W+2, H+2)."""
    width, height = image.shape[2:]
    planes = _margin_scratch("images to sample", image)
    planes[:, :, :width, :height] = image
    planes[:, :, :width, height:] = 0
    planes[:, :, width:] = 0
    return planes


def _margin_scratch(name: str, image: Array) -> Array:
    count, channels, width, height = image.shape
    return threads.scratch(name, (count, channels, width + MARGIN, height + MARGIN), image.dtype)


def _pieces(image: Array, samples: Array) -> list[_Piece]:
    """Some images for each thread where that pays, and such that they fit into the cache; or parts of an image."""
    batch, channels, width, height = image.shape
    per_image = samples.size // (2 * batch)
    wanted = threads.count() if channels * per_image * batch >= LEAST_SAMPLES else 1
    pixels = channels * (width + MARGIN) * (height + MARGIN)
    step = batch if wanted == 1 else max(1, min(BLOCK // per_image, PIECE_PIXELS // pixels, batch // wanted))
    parts = -(-wanted // batch)
    size = min(BLOCK, -(-per_image * step // parts))
    pieces = []
    for n in range(0, batch, step):
        images = slice(n, min(n + step, batch))
        blocks = _blocks(images, len(samples) // batch, samples.shape[1], size)
        pieces += [_Piece(images, part, blocks[part::parts]) for part in range(parts)]
    return pieces


def _blocks(images: slice, per_image: int, points: int, size: int) -> list[_Block]:
    """The samples of these images, about `size` at a time: some grids, or some points of one."""
    first, last = images.start * per_image, images.stop * per_image
    grids, step = max(1, size // points), min(size, points)
    return [
        _Block(slice(g, min(g + grids, last)), slice(p, p + step))
        for g in range(first, last, grids)
        for p in range(0, points, step)
    ]
