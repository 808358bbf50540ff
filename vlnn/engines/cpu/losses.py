"""The losses of vl_nnloss on the CPU.

A loss takes blocks (n, D, p) of scores. Losses of categories compare them with class indexes (n, 1, p) that count from
0, losses of attributes with (n, D, p) numbers +1 and -1. Maxima pass over NaN, as MATLAB's do.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from vlnn.engines.cpu.channels import exponentials
from vlnn.engines.cpu.pieces import Block, cut, in_blocks, pixel_rows, spread
from vlnn.matlab.arrays import Array

SMALLEST_PROBABILITY = 1e-8  # what the derivative of 'log' divides by at least


class Losses:
    """The losses of the CPU engine."""

    def loss_forward(
        self, loss: str, x: Array, target: Array, keep: Array | None, weights: Array, setting: float, whole: bool
    ) -> Array:
        kernel = _FORWARD[loss]
        rows, targets, factors = pixel_rows(x), spread(target, x.shape), spread(weights, x.shape)
        kept = None if keep is None else spread(keep, x.shape)
        sums: dict[tuple[int, int], float] = {}

        def work(block: Block, room: Array) -> None:
            values = kernel(cut(rows, block), cut(targets, block), setting, room)
            if whole:
                values = np.copysign(np.floor(np.abs(values) + 0.5), values)
            values = np.multiply(values, cut(factors, block), dtype=np.float64)
            if kept is not None:
                values[~np.broadcast_to(cut(kept, block), values.shape)] = 0
            images, pixels = block
            sums[images.start, pixels.start] = float(values.sum())

        in_blocks(x, work)
        return weights.dtype.type(sum(sums[start] for start in sorted(sums)))

    def loss_backward(
        self, loss: str, x: Array, target: Array, keep: Array | None, weights: Array, setting: float
    ) -> Array:
        kernel = _BACKWARD.get(loss)
        if kernel is None:  # the derivative of an error is zero
            return np.zeros(x.shape, weights.dtype)
        out = np.empty(x.shape, weights.dtype)
        rows, targets, factors = pixel_rows(x), spread(target, x.shape), spread(weights, x.shape)
        kept = None if keep is None else spread(keep, x.shape)
        results = pixel_rows(out)

        def work(block: Block, room: Array) -> None:
            ys = cut(results, block)
            kernel(cut(rows, block), cut(targets, block), cut(factors, block), ys, room)
            if kept is not None:
                np.copyto(ys, 0, where=~cut(kept, block))

        in_blocks(x, work)
        return out


def _at(index: Array) -> tuple[Array, Array, Array]:
    """What picks from (n, D, p) the elements (n, p) of the classes in `index`, (n, 1, p)."""
    n, _, p = index.shape
    return np.arange(n)[:, None], index[:, 0], np.arange(p)


def _classes(index: Array, x: Array) -> Array:
    """`index`, spread to the pixels of x where one class stands for all of them."""
    return index if index.shape[2] == x.shape[2] else np.broadcast_to(index, (x.shape[0], 1, x.shape[2]))


def _picked(x: Array, index: Array) -> Array:
    """The scores of the classes, (n, 1, p)."""
    return x[_at(_classes(index, x))][:, None]


def _other_scores(x: Array, index: Array, room: Array) -> Array:
    """The scores with -Inf for the class itself and for NaN, in `room`."""
    np.fmax(x, -np.inf, out=room)
    room[_at(_classes(index, x))] = -np.inf
    return room


def _class_error(x: Array, index: Array, setting: float, room: Array) -> Array:
    np.fmax(x, -np.inf, out=room)
    return np.not_equal(room.argmax(axis=1)[:, None], index)


def _top_k_error(x: Array, index: Array, setting: float, room: Array) -> Array:
    """Whether `setting` or more classes stand before the right one: in falling order, NaN first, ties as they come."""
    depth = x.shape[1]
    known = _classes((index >= 0) & (index < depth), x)
    index = np.where(known, index, 0)
    score = _picked(x, index)
    first = np.arange(depth)[:, None] < index
    before = ~(x <= score) | ((x == score) & first)
    before = np.where(np.isnan(score), np.isnan(x) & first, before)
    return (before.sum(axis=1, keepdims=True) >= setting) | ~known


def _log(x: Array, index: Array, setting: float, room: Array) -> Array:
    return -np.log(_picked(x, index))


def _log_backward(x: Array, index: Array, weights: Array, out: Array, room: Array) -> None:
    slope = -weights / np.fmax(_picked(x, index), SMALLEST_PROBABILITY)
    out[...] = 0
    out[_at(_classes(index, x))] = slope[:, 0]


def _softmax_log(x: Array, index: Array, setting: float, room: Array) -> Array:
    largest, total = exponentials(x, room)
    return largest + np.log(total) - _picked(x, index)


def _softmax_log_backward(x: Array, index: Array, weights: Array, out: Array, room: Array) -> None:
    _, total = exponentials(x, out)
    np.multiply(out, weights / total, out=out)
    out[_at(_classes(index, x))] -= weights[:, 0]


def _multiclass_hinge(x: Array, index: Array, setting: float, room: Array) -> Array:
    return np.fmax(1 - _picked(x, index), 0)


def _multiclass_hinge_backward(x: Array, index: Array, weights: Array, out: Array, room: Array) -> None:
    slope = -weights * (_picked(x, index) < 1)
    out[...] = 0
    out[_at(_classes(index, x))] = slope[:, 0]


def _structured_hinge(x: Array, index: Array, setting: float, room: Array) -> Array:
    return np.fmax(1 - _picked(x, index) + _other_scores(x, index, room).max(axis=1, keepdims=True), 0)


def _structured_hinge_backward(x: Array, index: Array, weights: Array, out: Array, room: Array) -> None:
    others = _other_scores(x, index, room)
    rival = others.argmax(axis=1)[:, None]
    slope = weights * (_picked(x, index) - _picked(others, rival) < 1)
    out[...] = 0
    out[_at(_classes(index, x))] = -slope[:, 0]
    if x.shape[1] > 1:  # a single class has no rival
        out[_at(rival)] = slope[:, 0]


def _binary_error(x: Array, c: Array, setting: float, room: Array) -> Array:
    return np.sign(np.subtract(x, setting, out=room)) != c


def _binary_log(x: Array, c: Array, setting: float, room: Array) -> Array:
    np.subtract(x, 0.5, out=room)
    np.multiply(room, c, out=room)
    return -np.log(np.add(room, 0.5, out=room))


def _binary_log_backward(x: Array, c: Array, weights: Array, out: Array, room: Array) -> None:
    np.add(x, (c - 1) * 0.5, out=room)
    np.divide(-weights, room, out=out)


def _logistic(x: Array, c: Array, setting: float, room: Array) -> Array:
    """log(1 + exp(a)), a = -cx, without overflow."""
    np.multiply(x, -c, out=room)
    positive = np.fmax(room, 0)
    return positive + np.log(np.exp(-positive) + np.exp(room - positive))


def _logistic_backward(x: Array, c: Array, weights: Array, out: Array, room: Array) -> None:
    np.multiply(x, c, out=room)
    np.exp(room, out=room)
    np.add(room, 1, out=room)
    np.divide(-weights * c, room, out=out)


def _hinge(x: Array, c: Array, setting: float, room: Array) -> Array:
    np.multiply(x, c, out=room)
    return np.fmax(np.subtract(1, room, out=room), 0)


def _hinge_backward(x: Array, c: Array, weights: Array, out: Array, room: Array) -> None:
    np.multiply(x, c, out=room)
    np.multiply(-weights * c, room < 1, out=out)


_FORWARD: dict[str, Callable[[Array, Array, float, Array], Array]] = {
    "classerror": _class_error,
    "topkerror": _top_k_error,
    "log": _log,
    "softmaxlog": _softmax_log,
    "mhinge": _multiclass_hinge,
    "mshinge": _structured_hinge,
    "binaryerror": _binary_error,
    "binarylog": _binary_log,
    "logistic": _logistic,
    "hinge": _hinge,
}
_BACKWARD: dict[str, Callable[[Array, Array, Array, Array, Array], None]] = {
    "log": _log_backward,
    "softmaxlog": _softmax_log_backward,
    "mhinge": _multiclass_hinge_backward,
    "mshinge": _structured_hinge_backward,
    "binarylog": _binary_log_backward,
    "logistic": _logistic_backward,
    "hinge": _hinge_backward,
}
