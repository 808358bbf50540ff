"""Normalisation on the GPU: across channels, and by Lp norms."""

from __future__ import annotations

import math

import cupy

from vlnn.engines.cuda.channels import sizes_of
from vlnn.engines.cuda.launching import in_tiles, launch, over_channels, over_planes
from vlnn.matlab.arrays import Array

TILE, MOST_NEIGHBOURS = 32, 32  # as in normalisation.cu


class Normalisation:
    """The normalising part of the CUDA engine, but for batches."""

    def lrn_forward(self, image: Array, depth: int, kappa: float, alpha: float, beta: float) -> Array:
        out = cupy.empty(image.shape, image.dtype)
        _launch("lrn_forward", image, image, out, *_window(image, depth, kappa, alpha, beta))
        return out

    def lrn_backward(self, image: Array, output: Array, depth: int, kappa: float, alpha: float, beta: float) -> Array:
        window = _window(image, depth, kappa, alpha, beta)
        out = cupy.empty(image.shape, image.dtype)
        if depth - 1 <= MOST_NEIGHBOURS:
            images, channels, pixels = sizes = sizes_of(image)
            grid = in_tiles(pixels, channels, images, TILE)
            launch("normalisation", "lrn_backward_narrow", image, grid, image, output, out, *window, *sizes)
            return out
        own, shares = cupy.empty(image.shape, image.dtype), cupy.empty(image.shape, image.dtype)
        _launch("lrn_shares", image, image, output, own, shares, *window)
        _launch("lrn_backward", image, image, own, shares, out, *window)
        return out

    def lp_norms(self, image: Array, axes: tuple[int, ...], exponent: float, epsilon: float) -> Array:
        shape = tuple(1 if axis in axes else size for axis, size in enumerate(image.shape))
        if image.size == 0:
            return cupy.full(shape, epsilon, image.dtype) ** (1 / exponent if exponent else math.inf)
        out = cupy.empty(shape, image.dtype)
        _launch_on_vectors("lp_norms", image, axes, image, out, float(exponent), float(epsilon))
        return out

    def lp_forward(self, image: Array, norms: Array, axes: tuple[int, ...]) -> Array:
        return image / norms

    def lp_backward(self, image: Array, norms: Array, output: Array, axes: tuple[int, ...], exponent: float) -> Array:
        out = cupy.empty(image.shape, image.dtype)
        _launch_on_vectors("lp_backward", image, axes, image, norms, output, out, float(exponent))
        return out


def _window(image: Array, depth: int, kappa: float, alpha: float, beta: float) -> tuple[float | int, ...]:
    """What the kernels are told of the window, in their order."""
    before = (depth - 1) // 2
    return float(kappa), float(alpha), float(beta), before, depth - 1 - before


def _launch(kernel: str, image: Array, *arguments: Array | float) -> None:
    images, depth, pixels = sizes_of(image)
    launch("normalisation", kernel, image, over_planes(pixels, depth, images), *arguments, images, depth, pixels)


def _launch_on_vectors(kernel: str, image: Array, axes: tuple[int, ...], *arguments: Array | float) -> None:
    kept_0, summed_0, kept_1, summed_1, pixels = _folded(image.shape, axes)
    images, depth = kept_0 * kept_1, summed_0 * summed_1
    sizes = summed_0, kept_1, summed_1, images, depth, pixels
    launch("norms", kernel, image, over_channels(pixels, depth, images), *arguments, *sizes)


def _folded(shape: tuple[int, ...], axes: tuple[int, ...]) -> list[int]:
    """The sizes of axes kept and summed over, by turns, when neighbours of one kind are taken together."""
    sizes, turn = [1] * 5, 0
    for axis, size in enumerate(shape):
        if size != 1:
            turn += turn % 2 != (axis in axes)
            sizes[turn] *= size
    return sizes
