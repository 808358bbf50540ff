"""Operations on single elements, and moving them, on the GPU."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import cupy
import numpy as np

from vlnn.engines.cuda.launching import launch, over_elements
from vlnn.matlab.arrays import Array


class Elementwise:
    """The elementwise part of the CUDA engine."""

    def relu_forward(self, x: Array, leak: float) -> Array:
        return _mapped("relu_forward", (x,), leak)

    def relu_backward(self, x: Array, dzdy: Array, leak: float) -> Array:
        if x.dtype != dzdy.dtype:
            x = cupy.sign(x).astype(dzdy.dtype)
        return _mapped("relu_backward", (x, dzdy), leak)

    def sigmoid_forward(self, x: Array) -> Array:
        return _mapped("sigmoid_forward", (x,))

    def sigmoid_backward(self, x: Array, dzdy: Array) -> Array:
        return _mapped("sigmoid_backward", (x, dzdy))

    def spnorm_forward(self, x: Array, energy: Array, alpha: float, beta: float) -> Array:
        return _mapped("spnorm_forward", (x, energy), alpha, beta)

    def spnorm_backward(self, x: Array, energy: Array, dzdy: Array, spill: Array, alpha: float, beta: float) -> Array:
        return _mapped("spnorm_backward", (x, energy, dzdy, spill), alpha, beta)

    def multiply(self, a: Array, b: Array) -> Array:
        return cupy.multiply(a, b)

    def product(self, dtype: np.dtype[np.floating], *factors: Array | float) -> Array:
        arrays = [factor for factor in factors if not isinstance(factor, float)]
        number = math.prod(factor for factor in factors if isinstance(factor, float))
        out = cupy.full(np.broadcast_shapes((1, 1, 1, 1), *(array.shape for array in arrays)), number, dtype)
        for array in arrays:
            out *= array
        return out

    def accumulate(self, alpha: float, a: Array, beta: float, b: Array) -> Array:
        if b.size not in (1, a.size):
            b = cupy.ascontiguousarray(cupy.broadcast_to(b, a.shape))
        return _mapped("accumulate", (a, b), float(alpha), float(beta), int(b.size > 1))

    def scale(self, factor: float, a: Array) -> Array:
        return cupy.multiply(a, factor)

    def total(self, planes: Array) -> Array:
        return planes.sum(dtype=np.float64).astype(planes.dtype)

    def dropout_mask(self, shape: tuple[int, ...], dtype: np.dtype[np.floating], rate: float, rng: Any) -> Array:
        if rng is None:
            drawn = cupy.random.random(shape, np.float32)
        else:  # the numbers that the CPU draws
            drawn = cupy.asarray(np.random.default_rng(rng).random(shape, np.float32))
        out = cupy.empty(shape, dtype)
        scale = 1 / (1 - rate) if rate != 1 else math.inf
        launch("elementwise", "dropout_mask", out, over_elements(out.size), drawn, out, float(rate), scale, out.size)
        return out

    def concatenate(self, inputs: Sequence[Array], axis: int) -> Array:
        return cupy.concatenate(inputs, axis)

    def crop(self, planes: Array, window: tuple[slice, ...]) -> Array:
        return planes[window].copy(order="C")

    def uncrop(self, planes: Array, shape: tuple[int, ...], window: tuple[slice, ...]) -> Array:
        out = cupy.zeros(shape, planes.dtype)
        out[window] = planes
        return out


def _mapped(kernel: str, arrays: tuple[Array, ...], *settings: float) -> Array:
    """What a kernel makes of each element, in the class and size of the first array."""
    like = arrays[0]
    out = cupy.empty(like.shape, like.dtype)
    launch("elementwise", kernel, like, over_elements(like.size), *arrays, out, *settings, like.size)
    return out
