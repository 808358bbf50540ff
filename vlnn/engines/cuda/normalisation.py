"""Normalisation on the GPU: across channels, and by Lp norms."""

from __future__ import annotations

import math

import cupy

from vlnn.engines.cuda.channels import sizes_of
from vlnn.engines.cuda.launching import launch, over_planes
from vlnn.matlab.arrays import Array


class Normalisation:
    """The normalising part of the CUDA engine, but for batches."""

    def lrn_forward(self, image: Array, depth: int, kappa: float, alpha: float, beta: float) -> Array:
        out = cupy.empty(image.shape, image.dtype)
        _launch("lrn_forward", image, image, out, *_window(image, depth, kappa, alpha, beta))
        return out

    def lrn_backward(self, image: Array, output: Array, depth: int, kappa: float, alpha: float, beta: float) -> Array:
        own, shares, out = (cupy.empty(image.shape, image.dtype) for _ in range(3))
        window = _window(image, depth, kappa, alpha, beta)
        _launch("lrn_shares", image, image, output, own, shares, *window)
        _launch("lrn_backward", image, image, own, shares, out, *window)
        return out

    def lp_norms(self, image: Array, axes: tuple[int, ...], exponent: float, epsilon: float) -> Array:
        total = _sum(_to_the(image, exponent), axes) + epsilon
        return cupy.power(total, 1 / exponent if exponent else math.inf)

    def lp_forward(self, image: Array, norms: Array, axes: tuple[int, ...]) -> Array:
        return image / norms

    def lp_backward(self, image: Array, norms: Array, output: Array, axes: tuple[int, ...], exponent: float) -> Array:
        share = _sum(image * output, axes) / cupy.power(norms, exponent + 1)
        return output / norms - _to_the(image, exponent - 1) * share


def _window(image: Array, depth: int, kappa: float, alpha: float, beta: float) -> tuple[float | int, ...]:
    """What the kernels are told of the window, in their order."""
    before = (depth - 1) // 2
    return float(kappa), float(alpha), float(beta), before, depth - 1 - before


def _launch(kernel: str, image: Array, *arguments: Array | float) -> None:
    images, depth, pixels = sizes_of(image)
    launch("normalisation", kernel, image, over_planes(pixels, depth, images), *arguments, images, depth, pixels)


def _to_the(x: Array, exponent: float) -> Array:
    return x if exponent == 1 else x * x if exponent == 2 else cupy.power(x, exponent)


def _sum(x: Array, axes: tuple[int, ...]) -> Array:
    return x.sum(axis=axes, keepdims=True) if axes else x
