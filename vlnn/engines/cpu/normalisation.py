"""Normalisation on the CPU: of batches, across channels, and by Lp norms."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from vlnn.engines.cpu.batches import Batches
from vlnn.engines.cpu.pieces import THREADING_BYTES, Block, cut, in_blocks, pixel_rows
from vlnn.engines.cpu.threads import each, spans
from vlnn.matlab.arrays import Array

Index = tuple[slice, ...]


class Normalisation(Batches):
    """The normalising part of the CPU engine."""

    def lrn_forward(self, image: Array, depth: int, kappa: float, alpha: float, beta: float) -> Array:
        out = np.empty_like(image)
        rows, results = pixel_rows(image), pixel_rows(out)
        before, after = _window(depth, image.shape[1])

        def work(block: Block, room: Array) -> None:
            xs = cut(rows, block)
            base = _base(xs, before, after, kappa, alpha)
            np.divide(xs, _power(base, beta, room), out=cut(results, block))

        in_blocks(image, work)
        return out

    def lrn_backward(self, image: Array, output: Array, depth: int, kappa: float, alpha: float, beta: float) -> Array:
        out = np.empty_like(image)
        rows, ders, results = pixel_rows(image), pixel_rows(output), pixel_rows(out)
        before, after = _window(depth, image.shape[1])

        def work(block: Block, room: Array) -> None:
            xs, ys = cut(rows, block), cut(results, block)
            base = _base(xs, before, after, kappa, alpha)
            np.divide(cut(ders, block), _power(base, beta, room), out=ys)
            shares, inside = _padded(xs, after, before)
            np.multiply(xs, ys, out=inside)
            np.divide(inside, base, out=inside)
            spill = _window_sums(shares, before + after + 1)
            np.multiply(spill, 2 * alpha * beta, out=spill)
            np.multiply(spill, xs, out=spill)
            np.subtract(ys, spill, out=ys)

        in_blocks(image, work)
        return out

    def lp_norms(self, image: Array, axes: tuple[int, ...], exponent: float, epsilon: float) -> Array:
        out = np.empty([1 if axis in axes else size for axis, size in enumerate(image.shape)], image.dtype)
        root = float(np.divide(1.0, exponent))

        def work(part: Index) -> None:
            total = _to_the(image[part], exponent).sum(axis=axes, keepdims=True)
            np.add(total, epsilon, out=total)
            np.power(total, root, out=out[part])

        _in_parts(image, axes, work)
        return out

    def lp_forward(self, image: Array, norms: Array, axes: tuple[int, ...]) -> Array:
        out = np.empty_like(image)
        _in_parts(image, axes, lambda part: np.divide(image[part], norms[part], out=out[part]))
        return out

    def lp_backward(self, image: Array, norms: Array, output: Array, axes: tuple[int, ...], exponent: float) -> Array:
        out = np.empty_like(image)

        def work(part: Index) -> None:
            xs, ns, ds = image[part], norms[part], output[part]
            share = np.multiply(xs, ds).sum(axis=axes, keepdims=True)
            np.divide(share, np.power(ns, exponent + 1), out=share)
            spill = _to_the(xs, exponent - 1)
            np.multiply(spill, share, out=spill)
            np.divide(ds, ns, out=out[part])
            np.subtract(out[part], spill, out=out[part])

        _in_parts(image, axes, work)
        return out


def _window(depth: int, channels: int) -> tuple[int, int]:
    """How many channels before and after its own a window of `depth` reaches; no further than there are."""
    before = (depth - 1) // 2
    return min(before, channels - 1), min(depth - 1 - before, channels - 1)


def _base(x: Array, before: int, after: int, kappa: float, alpha: float) -> Array:
    """kappa + alpha * the sum of squares in the window, of a block (n, D, p)."""
    squares, inside = _padded(x, before, after)
    np.multiply(x, x, out=inside)
    energy = _window_sums(squares, before + after + 1)
    np.multiply(energy, alpha, out=energy)
    return np.add(energy, kappa, out=energy)


def _padded(like: Array, before: int, after: int) -> tuple[Array, Array]:
    """Room for a block between channels of zeros, and its inside."""
    images, depth, pixels = like.shape
    padded = np.empty((images, before + depth + after, pixels), like.dtype)
    padded[:, :before] = 0
    padded[:, before + depth :] = 0
    return padded, padded[:, before : before + depth]


def _window_sums(values: Array, width: int) -> Array:
    """The sums of `width` channels each, from sums of 1, 2, 4, ... channels: no window inherits another's rounding."""
    depth = values.shape[1] - width + 1
    total: Array = None
    done, size = 0, 1
    while True:
        if width & size:
            part = values[:, done : done + depth]
            total = part if total is None else np.add(total, part)
            done += size
        if 2 * size > width:
            return total
        values = np.add(values[:, :-size], values[:, size:])
        size *= 2


def _power(base: Array, beta: float, room: Array) -> Array:
    """base^beta, in `room` if at all."""
    if beta == 1:
        return base
    if beta == 0.5:
        return np.sqrt(base, out=room)
    if beta == 0.75:  # the two square roots are faster than the power, on most processors by far
        root = np.sqrt(base)
        np.sqrt(root, out=room)
        return np.multiply(root, room, out=room)
    return np.power(base, beta, out=room)


def _to_the(x: Array, exponent: float) -> Array:
    """x^exponent, a new array."""
    if exponent == 1:
        return x.copy()
    return np.multiply(x, x) if exponent == 2 else np.power(x, exponent)


def _in_parts(image: Array, axes: tuple[int, ...], work: Callable[[Index], object]) -> None:
    """Call `work` on parts of the image, and of what has one value for all of `axes`, cut along another axis."""
    kept = [axis for axis in range(4) if axis not in axes]
    axis = max(kept, key=lambda kept_axis: (image.shape[kept_axis] > 1, -kept_axis), default=None)

    def run(part: slice) -> None:
        with np.errstate(all="ignore"):
            work((slice(None),) * axis + (part,) if axis is not None else ())

    if axis is None:
        run(slice(None))
    else:
        each(run, spans(image.shape[axis], 3 * image.nbytes, THREADING_BYTES))
