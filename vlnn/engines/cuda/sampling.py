"""Reading images at computed places on the GPU: the bilinear sampler, and pooling of regions of interest.

The derivatives in the images are added up where the outputs read, in an order that may change from run to run, and the
last bits of a sum with it.
"""

from __future__ import annotations

import cupy

from vlnn.engines.cuda.launching import launch, over_planes
from vlnn.matlab.arrays import Array

CHANNELS = 16  # of one thread, as in sampling.cu


class Sampling:
    """The part of the CUDA engine that reads images at computed places."""

    def sampler_forward(self, image: Array, grid: Array) -> Array:
        out = cupy.empty((grid.shape[0], image.shape[1], *grid.shape[1:3]), image.dtype)
        _sample("sampler_forward", image, grid, image, grid, out)
        return out

    def sampler_backward(self, image: Array, grid: Array, output: Array, grid_too: bool) -> tuple[Array, Array | None]:
        der_image = cupy.zeros(image.shape, image.dtype)
        _sample("sampler_backward_image", image, grid, grid, output, der_image)
        if not grid_too:
            return der_image, None
        der_grid = cupy.empty(grid.shape, grid.dtype)
        if output.size == 0:
            der_grid.fill(0)
        else:
            _sample("sampler_backward_grid", image, grid, image, grid, output, der_grid, all_channels=True)
        return der_image, der_grid

    def roi_forward(
        self, image: Array, rois: Array, subdivisions: tuple[int, int], transform: tuple[float, ...], average: bool
    ) -> Array:
        out = cupy.empty((len(rois), image.shape[1], subdivisions[1], subdivisions[0]), image.dtype)
        kernel = "roi_average" if average else "roi_maximum"
        _pool(kernel, image, rois, subdivisions, transform, image, rois, out)
        return out

    def roi_backward(
        self,
        image: Array,
        rois: Array,
        output: Array,
        subdivisions: tuple[int, int],
        transform: tuple[float, ...],
        average: bool,
    ) -> Array:
        der_image = cupy.zeros(image.shape, image.dtype)
        if average:
            _pool("roi_average_backward", image, rois, subdivisions, transform, rois, output, der_image)
        else:
            _pool("roi_maximum_backward", image, rois, subdivisions, transform, image, rois, output, der_image)
        return der_image


def _sample(kernel: str, image: Array, grid: Array, *arrays: Array, all_channels: bool = False) -> None:
    (images, channels, width, height), samples = image.shape, grid.shape[0]
    points = grid.shape[1] * grid.shape[2]
    parts = min(channels, 1) if all_channels else -(-channels // CHANNELS)
    sizes = samples, samples // max(images, 1), channels, width, height, points
    launch("sampling", kernel, image, over_planes(points, parts, samples), *arrays, *sizes)


def _pool(
    kernel: str, image: Array, rois: Array, subdivisions: tuple[int, int], transform: tuple[float, ...], *arrays: Array
) -> None:
    (images, channels, width, height), regions = image.shape, len(rois)
    high, wide = subdivisions
    sizes = regions, images, channels, width, height, wide, high
    launch(
        "regions", kernel, image, over_planes(high, wide, regions * channels), *arrays, *sizes, *map(float, transform)
    )
