"""Sums over channels, and batch normalisation, on the GPU.

Each array is read once for the sums and once for the result. Sums are taken in an order that does not change from run
to run.
"""

from __future__ import annotations

import cupy
import numpy as np

from vlnn.engines.cuda.launching import THREADS, Grid, in_strips, launch, over_elements, over_planes
from vlnn.matlab.arrays import Array

STRIPS = 2048  # blocks that keep a GPU busy
MOST_STRIPS = 256  # of one channel, which one thread adds up
LEAST_STRIP = 8 * THREADS  # elements
PIXELS_EACH = 4  # of a thread, which has looked up its channel's numbers


class Batches:
    """The part of the CUDA engine that looks at whole channels."""

    def sum_per_channel(self, planes: Array) -> Array:
        depth = planes.shape[1]
        sums, strips = _sums(None, planes, None)
        out = cupy.empty((depth,), planes.dtype)
        launch("batches", "totals", planes, over_elements(depth), sums, out, depth, strips)
        return out

    def bnorm_forward(
        self, image: Array, multipliers: Array, biases: Array, moments: Array | None, epsilon: float
    ) -> tuple[Array, Array]:
        used = moments
        if used is None:
            used = _moments(image, *_sums(image, None, None), epsilon)
        out = cupy.empty(image.shape, image.dtype)
        sizes, grid = _over_channels(image)
        launch("batches", "bnorm_forward", image, grid, image, multipliers, biases, used, out, *sizes)
        return out, used

    def bnorm_backward(
        self, image: Array, output: Array, multipliers: Array, moments: Array | None, epsilon: float
    ) -> tuple[Array, Array, Array, Array]:
        depth = image.shape[1]
        sums, strips = _sums(image, output, moments)
        used = _moments(image, sums, strips, epsilon) if moments is None else moments
        der_multipliers, der_biases = (cupy.empty((depth,), image.dtype) for _ in range(2))
        slopes = cupy.empty((2, depth), image.dtype)
        sizes, grid = _over_channels(image)
        launch(
            "batches", "bnorm_slopes", image, over_elements(depth), image, sums, used, der_multipliers, der_biases,
            slopes, int(moments is not None), *sizes, strips,
        )  # fmt: skip
        out = cupy.empty(image.shape, image.dtype)
        launch("batches", "bnorm_backward", image, grid, image, output, multipliers, used, slopes, out, *sizes)
        return out, der_multipliers, der_biases, used


def _sums(image: Array | None, output: Array | None, moments: Array | None) -> tuple[Array, int]:
    """The sums that channel_sums takes of each channel and strip, and the number of strips."""
    planes = output if image is None else image
    (images, depth, pixels), _ = _over_channels(planes)
    longest = -(-images * pixels // LEAST_STRIP)
    strips = max(1, min(MOST_STRIPS, longest, -(-STRIPS // max(depth, 1))))
    sums = (cupy.zeros if images * pixels == 0 else cupy.empty)((depth, strips, 4), np.float64)
    given = planes if moments is None else moments
    if images * pixels:
        launch(
            "batches", "channel_sums", planes, in_strips(strips, depth),
            planes if image is None else image, planes if output is None else output, given, sums,
            int(moments is not None), int(image is not None), int(output is not None), images, depth, pixels, strips,
        )  # fmt: skip
    return sums, strips


def _moments(image: Array, sums: Array, strips: int, epsilon: float) -> Array:
    (images, depth, pixels), _ = _over_channels(image)
    used = cupy.empty((2, depth), image.dtype)
    launch(
        "batches", "bnorm_moments", image, over_elements(depth), image, sums, used, float(epsilon), images, depth,
        pixels, strips,
    )  # fmt: skip
    return used


def _over_channels(planes: Array) -> tuple[tuple[int, int, int], Grid]:
    """Images, channels and pixels, and a grid with some pixels of one channel for each thread."""
    images, depth, width, height = planes.shape
    pixels = width * height
    return (images, depth, pixels), over_planes(pixels, depth, images, PIXELS_EACH)
