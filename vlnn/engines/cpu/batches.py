"""Batch normalisation on the CPU, some channels at a time: what a channel needs happens while it is in the cache."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from vlnn.engines.cpu.pieces import pixel_rows
from vlnn.engines.cpu.threads import count, each
from vlnn.matlab.arrays import Array

PIECE_BYTES = 2**20
LEAST_BYTES = 2**18  # less is not worth a thread
SHORT_ROW = 256  # pixels: NumPy takes longer to go from row to row than to work through one


class Batches:
    """The part of the CPU engine that normalises batches."""

    def bnorm_forward(
        self, image: Array, multipliers: Array, biases: Array, moments: Array | None, epsilon: float
    ) -> tuple[Array, Array]:
        out = np.empty_like(image)
        used = np.empty((2, image.shape[1]), image.dtype) if moments is None else moments
        rows, results = pixel_rows(image), pixel_rows(out)

        def work(channels: slice) -> None:
            xs, ys = rows[:, channels], results[:, channels]
            parts, room = _parts(xs)
            if moments is None:
                used[0, channels] = _mean(xs, parts)
            mean = _spread(used[0, channels], xs)
            squares = np.zeros(xs.shape[1])
            for part in parts:
                centred = np.subtract(xs[part], mean, out=ys[part])
                if moments is None:
                    squares += _products(centred, centred, room)
            if moments is None:
                used[1, channels] = _sigma(squares, xs, epsilon)
            factor, bias = _spread(multipliers[channels] / used[1, channels], xs), _spread(biases[channels], xs)
            for part in parts:
                np.multiply(ys[part], factor, out=ys[part])
                np.add(ys[part], bias, out=ys[part])

        _each_channels(work, rows)
        return out, used

    def bnorm_backward(
        self, image: Array, output: Array, multipliers: Array, moments: Array | None, epsilon: float
    ) -> tuple[Array, Array, Array, Array]:
        out = np.empty_like(image)
        used = np.empty((2, image.shape[1]), image.dtype) if moments is None else moments
        der_multipliers, der_biases = np.empty_like(used[0]), np.empty_like(used[0])
        rows, ders, results = pixel_rows(image), pixel_rows(output), pixel_rows(out)
        mass = rows.shape[0] * rows.shape[2]

        def work(channels: slice) -> None:
            xs, ds, ys = rows[:, channels], ders[:, channels], results[:, channels]
            parts, room = _parts(xs)
            if moments is None:
                used[0, channels] = _mean(xs, parts)
            mean = _spread(used[0, channels], xs)
            squares, products, total = np.zeros((3, xs.shape[1]))
            for part in parts:
                centred = np.subtract(xs[part], mean, out=ys[part])
                if moments is None:
                    squares += _products(centred, centred, room)
                products += _products(centred, ds[part], room)
                total += _sums(ds[part])
            if moments is None:
                used[1, channels] = _sigma(squares, xs, epsilon)
            sigma = used[1, channels]
            der_multipliers[channels], der_biases[channels] = products / sigma, total

            slope = _spread(-products / (mass * np.square(sigma, dtype=np.float64)), xs)
            offset, factor = _spread(-total / mass, xs), _spread(multipliers[channels] / sigma, xs)
            for part in parts:
                np.multiply(ys[part], slope, out=ys[part])
                np.add(ys[part], ds[part], out=ys[part])
                np.add(ys[part], offset, out=ys[part])
                np.multiply(ys[part], factor, out=ys[part])

        _each_channels(work, rows)
        return out, der_multipliers, der_biases, used


def _parts(xs: Array) -> tuple[list[slice], Array]:
    """The images to take together, and room for so many of them."""
    images = len(xs)
    step = max(1, PIECE_BYTES // max(xs[:1].nbytes, 1))
    return [slice(n, n + step) for n in range(0, images, step)], np.empty((min(step, images), *xs.shape[1:]), xs.dtype)


def _mean(xs: Array, parts: list[slice]) -> Array:
    total = np.zeros(xs.shape[1])
    for part in parts:
        total += _sums(xs[part])
    return total / (xs.shape[0] * xs.shape[2])


def _sigma(squares: Array, xs: Array, epsilon: float) -> Array:
    """The root of the variance, given the sum of squares about the mean, plus epsilon."""
    return np.sqrt(squares / (xs.shape[0] * xs.shape[2]) + epsilon)


def _sums(block: Array) -> Array:
    """The sum over each channel of (n, c, p), in double from image to image."""
    if block.shape[2] == 1:
        return np.matmul(np.ones(len(block), block.dtype), block[:, :, 0])
    return np.matmul(block, np.ones(block.shape[2], block.dtype)).sum(axis=0, dtype=np.float64)


def _products(a: Array, b: Array, room: Array) -> Array:
    """The sum over each channel of a * b."""
    if a.shape[2] < SHORT_ROW:
        return _sums(np.multiply(a, b, out=room[: len(a)]))
    return np.matmul(a[:, :, None, :], b[:, :, :, None])[:, :, 0, 0].sum(axis=0, dtype=np.float64)


def _spread(values: Array, xs: Array) -> Array:
    """Values for channels, so that they combine with (n, c, p): repeated where rows are short."""
    images, _, pixels = xs.shape
    values = values.astype(xs.dtype, copy=False)[:, None]
    return np.repeat(values, pixels, axis=1) if pixels < SHORT_ROW and images > 2 else values


def _each_channels(work: Callable[[slice], object], rows: Array) -> None:
    """Call `work` for some channels of (N, D, P) at a time. Floating-point warnings are off."""
    channels = rows.shape[1]
    if channels == 0:
        return
    wanted = max(-(-rows.nbytes // PIECE_BYTES), min(2 * count(), rows.nbytes // LEAST_BYTES), 1)
    step = max(1, channels // wanted)

    def run(piece: slice) -> None:
        with np.errstate(all="ignore"):
            work(piece)

    each(run, [slice(c, min(c + step, channels)) for c in range(0, channels, step)])
