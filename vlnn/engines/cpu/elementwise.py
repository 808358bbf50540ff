"""Operations on single elements, and moving them, on the CPU."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from vlnn.engines.cpu.pieces import in_pieces, in_spans
from vlnn.matlab.arrays import Array

ZEROS = 2**14  # so many at once are what NumPy compares with fastest


class Elementwise:
    """The elementwise part of the CPU engine."""

    def relu_forward(self, x: Array, leak: float) -> Array:
        out = np.empty_like(x)
        if leak == 0:
            _rectify(x.reshape(-1), out.reshape(-1))
            return out

        def work(xs: Array, ys: Array, positive: Array) -> None:
            _slope(xs, leak, positive, ys)
            np.multiply(xs, ys, out=ys)

        in_pieces((x, out), (np.bool_,), work)
        return out

    def relu_backward(self, x: Array, dzdy: Array, leak: float) -> Array:
        out = np.empty_like(dzdy)

        def work(xs: Array, ds: Array, ys: Array, positive: Array) -> None:
            _slope(xs, leak, positive, ys)
            np.multiply(ds, ys, out=ys)

        in_pieces((x, dzdy, out), (np.bool_,), work)
        return out

    def sigmoid_forward(self, x: Array) -> Array:
        out = np.empty_like(x)
        in_pieces((x, out), (), _sigmoid)
        return out

    def sigmoid_backward(self, x: Array, dzdy: Array) -> Array:
        out = np.empty_like(x)

        def work(xs: Array, ds: Array, ys: Array, room: Array) -> None:
            _sigmoid(xs, ys)
            np.subtract(1, ys, out=room)
            np.multiply(ys, room, out=ys)
            np.multiply(ds, ys, out=ys)

        in_pieces((x, dzdy, out), (x.dtype,), work)
        return out

    def spnorm_forward(self, x: Array, energy: Array, alpha: float, beta: float) -> Array:
        out = np.empty_like(x)

        def work(xs: Array, es: Array, ys: Array) -> None:
            np.multiply(es, alpha, out=ys)
            np.add(ys, 1, out=ys)
            np.power(ys, -beta, out=ys)
            np.multiply(ys, xs, out=ys)

        in_pieces((x, energy, out), (), work)
        return out

    def spnorm_backward(self, x: Array, energy: Array, dzdy: Array, spill: Array, alpha: float, beta: float) -> Array:
        out = np.empty_like(x)

        def work(xs: Array, es: Array, ds: Array, ts: Array, ys: Array, room: Array) -> None:
            np.multiply(es, alpha, out=ys)
            np.add(ys, 1, out=ys)
            np.power(ys, -beta, out=ys)
            np.multiply(ys, ds, out=ys)
            np.multiply(ts, xs, out=room)
            np.multiply(room, 2 * alpha * beta, out=room)
            np.subtract(ys, room, out=ys)

        in_pieces((x, energy, dzdy, spill, out), (x.dtype,), work)
        return out

    def multiply(self, a: Array, b: Array) -> Array:
        out = np.empty_like(a)
        in_pieces((a, b, out), (), lambda xs, ys, zs: np.multiply(xs, ys, out=zs))
        return out

    def product(self, dtype: np.dtype[np.floating], *factors: Array | float) -> Array:
        arrays = [factor for factor in factors if not isinstance(factor, float)]
        number = math.prod(factor for factor in factors if isinstance(factor, float))
        out = np.full(np.broadcast_shapes((1, 1, 1, 1), *(array.shape for array in arrays)), number, dtype)
        for array in arrays:
            out *= array
        return out

    def accumulate(self, alpha: float, a: Array, beta: float, b: Array) -> Array:
        out = np.empty_like(a)
        b = np.broadcast_to(b, a.shape)

        def work(xs: Array, ys: Array, zs: Array, room: Array) -> None:
            np.multiply(xs, alpha, out=zs)
            np.multiply(ys, beta, out=room)
            np.add(zs, room, out=zs)

        in_pieces((a, b, out), (a.dtype,), work)
        return out

    def scale(self, factor: float, a: Array) -> Array:
        out = np.empty_like(a)
        in_pieces((a, out), (), lambda xs, ys: np.multiply(xs, factor, out=ys))
        return out

    def total(self, planes: Array) -> Array:
        return planes.dtype.type(planes.sum(dtype=np.float64))

    def dropout_mask(self, shape: tuple[int, ...], dtype: np.dtype[np.floating], rate: float, rng: Any) -> Array:
        drawn = np.random.default_rng(rng).random(shape, np.float32)
        scale = 1 / (1 - rate) if rate != 1 else math.inf
        out = np.empty(shape, dtype)

        def work(rs: Array, ys: Array, kept: Array) -> None:
            np.greater_equal(rs, rate, out=kept)
            np.copyto(ys, kept)
            np.multiply(ys, scale, out=ys)

        in_pieces((drawn, out), (np.bool_,), work)
        return out

    def concatenate(self, inputs: Sequence[Array], axis: int) -> Array:
        shape = list(inputs[0].shape)
        shape[axis] = sum(planes.shape[axis] for planes in inputs)
        out = np.empty(shape, inputs[0].dtype)
        start = 0
        for planes in inputs:
            place = [slice(None)] * 4
            place[axis] = slice(start, start := start + planes.shape[axis])
            _copy(planes, out[tuple(place)])
        return out

    def crop(self, planes: Array, window: tuple[slice, ...]) -> Array:
        view = planes[window]
        out = np.empty(view.shape, view.dtype)
        _copy(view, out)
        return out

    def uncrop(self, planes: Array, shape: tuple[int, ...], window: tuple[slice, ...]) -> Array:
        out = np.zeros(shape, planes.dtype)
        _copy(np.broadcast_to(planes, out[window].shape), out[window])
        return out


def _rectify(x: Array, out: Array) -> None:
    """Write the larger of x and 0 into `out`, and 0 for NaN, as MATLAB's max gives it."""
    zeros = np.zeros(max(1, min(x.size, ZEROS)), x.dtype)

    def run(span: slice) -> None:  # one pass needs no pieces
        xs, ys = x[span], out[span]
        even = xs.size - xs.size % zeros.size
        shape = (-1, zeros.size)
        np.fmax(xs[:even].reshape(shape), zeros, out=ys[:even].reshape(shape))
        np.fmax(xs[even:], zeros[: xs.size - even], out=ys[even:])

    in_spans(x.size, 2 * x.nbytes, run)


def _sigmoid(x: Array, out: Array) -> None:
    np.negative(x, out=out)
    np.exp(out, out=out)
    np.add(out, 1, out=out)
    np.divide(1, out, out=out)


def _slope(x: Array, leak: float, positive: Array, out: Array) -> None:
    """Write 1 where x is positive and `leak` elsewhere into `out`."""
    np.greater(x, 0, out=positive)
    np.copyto(out, positive)
    if leak != 0:
        np.multiply(out, 1 - leak, out=out)
        np.add(out, leak, out=out)


def _copy(source: Array, target: Array) -> None:
    """Copy planes, on all cores."""
    if source.size == 0:
        return
    axis = 0 if source.shape[0] > 1 else 1
    source, target = source.swapaxes(0, axis), target.swapaxes(0, axis)
    in_spans(len(source), 2 * source.nbytes, lambda span: np.copyto(target[span], source[span]))
