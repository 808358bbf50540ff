"""Who does the arithmetic: one engine per array library, all with the same three primitives.

An engine works on planes, (N, D, W, H) arrays in C order, and on a :class:`~vlnn.geometry.ConvGeometry`. It checks
nothing: blocks hand it arguments that fit.
"""

from __future__ import annotations

from typing import Protocol

from vlnn.engines.cpu import CPU
from vlnn.geometry import ConvGeometry, PoolGeometry
from vlnn.matlab.arrays import Array


class Engine(Protocol):
    """The three primitives that convolution and transposed convolution share, and what goes with them."""

    def conv_forward(self, geometry: ConvGeometry, image: Array, filters: Array, biases: Array | None) -> Array:
        """Correlate the image (N, C, W, H) with the filters (K, C/G, FW, FH) and add the biases: (N, K, WO, HO)."""

    def conv_backward_data(self, geometry: ConvGeometry, output: Array, filters: Array, biases: Array | None) -> Array:
        """The transpose of ``conv_forward`` in its image, (N, K, WO, HO) to (N, C, W, H), plus biases per channel."""

    def conv_backward_filter(self, geometry: ConvGeometry, image: Array, output: Array) -> Array:
        """The transpose of ``conv_forward`` in its filters: (K, C/G, FW, FH)."""

    def subsample_forward(self, geometry: ConvGeometry, image: Array, biases: Array | None) -> Array:
        """Pad the image and keep every stride-th pixel: ``conv_forward`` with the identity filter bank."""

    def subsample_backward(self, geometry: ConvGeometry, output: Array) -> Array:
        """The transpose of ``subsample_forward``."""

    def sum_per_channel(self, planes: Array) -> Array:
        """Sum (N, D, W, H) over all but D: the derivative of biases."""

    def pool_max_forward(self, geometry: PoolGeometry, image: Array) -> Array:
        """The maximum of each window of the image (N, C, W, H): (N, C, WO, HO). The pad does not count."""

    def pool_max_backward(self, geometry: PoolGeometry, image: Array, output: Array) -> Array:
        """The derivative of ``pool_max_forward``: from each window to its first maximum in column order."""

    def pool_average_forward(self, geometry: PoolGeometry, image: Array) -> Array:
        """The mean of each window of the image. The pad does not count."""

    def pool_average_backward(self, geometry: PoolGeometry, output: Array) -> Array:
        """The transpose of ``pool_average_forward``."""

    def sampler_forward(self, image: Array, grid: Array) -> Array:
        """Read the image (N, C, W, H) where the grid (M, WO, HO, 2) says, in (y, x) from -1 to 1: (M, C, WO, HO)."""

    def sampler_backward(self, image: Array, grid: Array, output: Array, grid_too: bool) -> tuple[Array, Array | None]:
        """The derivatives of ``sampler_forward`` in the image and, if asked for, in the grid."""

    def roi_forward(
        self, image: Array, rois: Array, subdivisions: tuple[int, int], transform: tuple[float, ...], average: bool
    ) -> Array:
        """Pool the regions (K, 5) of the image (N, C, W, H): (K, C, SW, SH)."""

    def roi_backward(
        self,
        image: Array,
        rois: Array,
        output: Array,
        subdivisions: tuple[int, int],
        transform: tuple[float, ...],
        average: bool,
    ) -> Array:
        """The derivative of ``roi_forward`` in the image."""


def engine_for(array: Array) -> Engine:
    """The engine for the library to which an array belongs."""
    return CPU
