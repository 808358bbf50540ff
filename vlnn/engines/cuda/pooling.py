"""Pooling on the GPU."""

from __future__ import annotations

import cupy
import numpy as np

from vlnn.engines.cuda.launching import launch, over_planes
from vlnn.geometry import PoolGeometry
from vlnn.matlab.arrays import Array


class Pooling:
    """The pooling part of the CUDA engine."""

    def pool_max_forward(self, geometry: PoolGeometry, image: Array) -> Array:
        return _over_windows("max_forward", geometry, image, image.dtype)

    def pool_average_forward(self, geometry: PoolGeometry, image: Array) -> Array:
        return _over_windows("average_forward", geometry, image, image.dtype)

    def pool_max_backward(self, geometry: PoolGeometry, image: Array, output: Array) -> Array:
        places = _over_windows("max_places", geometry, image, np.dtype(np.int32))
        return _over_pixels("max_backward", geometry, places, output)

    def pool_average_backward(self, geometry: PoolGeometry, output: Array) -> Array:
        return _over_pixels("average_backward", geometry, output)


def _over_windows(kernel: str, g: PoolGeometry, image: Array, dtype: np.dtype[np.generic]) -> Array:
    out = cupy.empty((g.batch, g.channels, g.output_width, g.output_height), dtype)
    launch("pooling", kernel, image, over_planes(g.output_height, g.output_width, g.planes), image, out, *_sizes(g))
    return out


def _over_pixels(kernel: str, g: PoolGeometry, *arrays: Array) -> Array:
    der = arrays[-1]
    out = cupy.empty((g.batch, g.channels, g.image_width, g.image_height), der.dtype)
    launch("pooling", kernel, der, over_planes(g.image_height, g.image_width, g.planes), *arrays, out, *_sizes(g))
    return out


def _sizes(g: PoolGeometry) -> tuple[int, ...]:
    """What the kernels are told of the geometry, in their order."""
    return (
        g.planes, g.image_height, g.image_width, g.output_height, g.output_width, g.pool_height, g.pool_width,
        g.stride_y, g.stride_x, g.pad.top, g.pad.left,
    )  # fmt: skip
