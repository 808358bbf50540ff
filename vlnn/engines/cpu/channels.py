"""Operations across the channels of single pixels on the CPU."""

from __future__ import annotations

import numpy as np

from vlnn.engines.cpu.pieces import Block, cut, in_blocks, pixel_rows, spread, sum_over_channels
from vlnn.matlab.arrays import Array

SMALLEST_NORM = 1e-8  # below, vl_nnnoffset takes the squared norm to be this


class Channels:
    """The part of the CPU engine for softmax, norms and distances."""

    def softmax_forward(self, x: Array) -> Array:
        out = np.empty_like(x)
        rows, results = pixel_rows(x), pixel_rows(out)
        in_blocks(x, lambda block, room: softmax(cut(rows, block), cut(results, block)))
        return out

    def softmax_backward(self, x: Array, dzdy: Array) -> Array:
        out = np.empty_like(x)
        rows, ders, results = pixel_rows(x), pixel_rows(dzdy), pixel_rows(out)

        def work(block: Block, room: Array) -> None:
            ds, ys = cut(ders, block), cut(results, block)
            softmax(cut(rows, block), ys)
            np.multiply(ds, ys, out=room)
            np.subtract(ds, sum_over_channels(room), out=room)
            np.multiply(ys, room, out=ys)

        in_blocks(x, work)
        return out

    def noffset_forward(self, x: Array, alpha: float, beta: float) -> Array:
        out = np.empty_like(x)
        rows, results = pixel_rows(x), pixel_rows(out)

        def work(block: Block, room: Array) -> None:
            xs = cut(rows, block)
            offset = _squared_norm(xs, room)
            np.power(offset, beta, out=offset)
            np.multiply(offset, alpha, out=offset)
            np.subtract(xs, offset, out=cut(results, block))

        in_blocks(x, work)
        return out

    def noffset_backward(self, x: Array, dzdy: Array, alpha: float, beta: float) -> Array:
        out = np.empty_like(x)
        rows, ders, results = pixel_rows(x), pixel_rows(dzdy), pixel_rows(out)

        def work(block: Block, room: Array) -> None:
            xs, ds = cut(rows, block), cut(ders, block)
            factor = _squared_norm(xs, room)
            np.power(factor, beta - 1, out=factor)
            np.multiply(factor, sum_over_channels(ds), out=factor)
            np.multiply(factor, 2 * alpha * beta, out=factor)
            np.multiply(xs, factor, out=room)
            np.subtract(ds, room, out=cut(results, block))

        in_blocks(x, work)
        return out

    def pdist_forward(self, x: Array, x0: Array, p: float, root: bool) -> Array:
        out = np.empty((x.shape[0], 1, *x.shape[2:]), x.dtype)
        rows, targets, results = pixel_rows(x), spread(x0, x.shape), pixel_rows(out)

        def work(block: Block, room: Array) -> None:
            np.subtract(cut(rows, block), cut(targets, block), out=room)
            total = sum_over_channels(_power(room, p))
            if root and p != 1:
                np.power(total, 1 / p, out=total)
            cut(results, block)[...] = total

        in_blocks(x, work)
        return out

    def pdist_backward(self, x: Array, x0: Array, p: float, root: bool, epsilon: float, dzdy: Array) -> Array:
        out = np.empty_like(x)
        rows, targets, results = pixel_rows(x), spread(x0, x.shape), pixel_rows(out)
        ders = spread(dzdy, x.shape)

        def work(block: Block, room: Array) -> None:
            ys = cut(results, block)
            np.subtract(cut(rows, block), cut(targets, block), out=ys)
            factor = cut(ders, block)
            if not root:
                factor = factor * p
            elif p != 1:
                room[...] = ys
                total = sum_over_channels(_power(room, p))
                if p > 1:
                    np.maximum(total, epsilon, out=total)
                factor = factor * np.power(total, (1 - p) / p)
            if p != 2:
                np.sign(ys, out=room)
                np.abs(ys, out=ys)
                if p < 1:
                    np.maximum(ys, epsilon, out=ys)
                np.power(ys, p - 1, out=ys)
                np.multiply(ys, room, out=ys)
            np.multiply(ys, factor, out=ys)

        in_blocks(x, work)
        return out


def softmax(x: Array, out: Array) -> None:
    """Write the softmax over the channels of a block (n, D, p) into `out`."""
    _, total = exponentials(x, out)
    np.divide(out, total, out=out)


def exponentials(x: Array, out: Array) -> tuple[Array, Array]:
    """Write exp(x - max) into `out`, and return the maxima and the sums over the channels, (n, 1, p)."""
    largest = x.max(axis=1, keepdims=True)
    np.subtract(x, largest, out=out)
    np.exp(out, out=out)
    return largest, sum_over_channels(out)


def _squared_norm(x: Array, room: Array) -> Array:
    """The sum of squares over the channels of a block, (n, 1, p), not below SMALLEST_NORM."""
    np.multiply(x, x, out=room)
    return np.maximum(sum_over_channels(room), x.dtype.type(SMALLEST_NORM))


def _power(differences: Array, p: float) -> Array:
    """abs(differences)^p, in place."""
    if p == 2:
        return np.multiply(differences, differences, out=differences)
    np.abs(differences, out=differences)
    return differences if p == 1 else np.power(differences, p, out=differences)
