"""What blocks ask of an engine, one protocol for each family of operations.

An engine works on planes, (N, D, W, H) arrays in C order, and on the geometries of :mod:`vlnn.geometry`. It checks
nothing: blocks hand it arguments that fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from vlnn.geometry import ConvGeometry, PoolGeometry
from vlnn.matlab.arrays import Array


class Workspaces(NamedTuple):
    """Bytes of scratch memory that cuDNN took for each of the three primitives; 0 for one that did not run."""

    forward: int = 0
    backward_filter: int = 0
    backward_data: int = 0


class Convolution(Protocol):
    """The three primitives that convolution and transposed convolution share, and what goes with them."""

    backend: str  # what 'Verbose' says multiplies matrices: BLAS, cuBLAS or cuDNN

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

    def take_workspaces(self) -> Workspaces | None:
        """What this thread's primitives took since they were last asked; None where cuDNN is not used."""


class Pooling(Protocol):
    """The largest element of each window, or the mean."""

    def pool_max_forward(self, geometry: PoolGeometry, image: Array) -> Array:
        """The maximum of each window of the image (N, C, W, H): (N, C, WO, HO). The pad does not count."""

    def pool_max_backward(self, geometry: PoolGeometry, image: Array, output: Array) -> Array:
        """The derivative of ``pool_max_forward``: from each window to its first maximum in column order."""

    def pool_average_forward(self, geometry: PoolGeometry, image: Array) -> Array:
        """The mean of each window of the image. The pad does not count."""

    def pool_average_backward(self, geometry: PoolGeometry, output: Array) -> Array:
        """The transpose of ``pool_average_forward``."""


class Normalisation(Protocol):
    """By the batch, by channels near one's own, by Lp norms."""

    def bnorm_forward(
        self, image: Array, multipliers: Array, biases: Array, moments: Array | None, epsilon: float
    ) -> tuple[Array, Array]:
        """Normalise each channel of (N, D, W, H) by its mean and deviation, and the moments (2, D) that were used.

        `moments` gives them; None computes them, `epsilon` added to the variance.
        """

    def bnorm_backward(
        self, image: Array, output: Array, multipliers: Array, moments: Array | None, epsilon: float
    ) -> tuple[Array, Array, Array, Array]:
        """The derivatives of ``bnorm_forward`` in image, multipliers and biases, and the moments."""

    def lrn_forward(self, image: Array, depth: int, kappa: float, alpha: float, beta: float) -> Array:
        """Divide by (kappa + alpha * the sum of squares over `depth` channels around one's own)^beta."""

    def lrn_backward(self, image: Array, output: Array, depth: int, kappa: float, alpha: float, beta: float) -> Array:
        """The derivative of ``lrn_forward``."""

    def lp_norms(self, image: Array, axes: tuple[int, ...], exponent: float, epsilon: float) -> Array:
        """The Lp norms (sum + epsilon)^(1/exponent) over some axes, which stay as ones."""

    def lp_forward(self, image: Array, norms: Array, axes: tuple[int, ...]) -> Array:
        """Divide by the norms over `axes`."""

    def lp_backward(self, image: Array, norms: Array, output: Array, axes: tuple[int, ...], exponent: float) -> Array:
        """The derivative of ``lp_forward`` in the image, norms included."""


class Sampling(Protocol):
    """Reading an image at points of a grid, and pooling regions of it."""

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


class Elementwise(Protocol):
    """Operations on each element, on whole arrays, and on parts of them."""

    def relu_forward(self, x: Array, leak: float) -> Array:
        """x where it is positive, ``leak`` x elsewhere; without a leak 0 also for NaN."""

    def relu_backward(self, x: Array, dzdy: Array, leak: float) -> Array:
        """The derivative of ``relu_forward``, in the class of `dzdy`."""

    def sigmoid_forward(self, x: Array) -> Array:
        """1 / (1 + exp(-x))."""

    def sigmoid_backward(self, x: Array, dzdy: Array) -> Array:
        """The derivative of ``sigmoid_forward``."""

    def spnorm_forward(self, x: Array, energy: Array, alpha: float, beta: float) -> Array:
        """x / (1 + alpha energy)^beta, of arrays of one size."""

    def spnorm_backward(self, x: Array, energy: Array, dzdy: Array, spill: Array, alpha: float, beta: float) -> Array:
        """dzdy / (1 + alpha energy)^beta - 2 alpha beta x spill."""

    def multiply(self, a: Array, b: Array) -> Array:
        """The product of two arrays of one size and class."""

    def product(self, dtype: np.dtype[np.floating], *factors: Array | float) -> Array:
        """The product of numbers and arrays that broadcast to one size, with four dimensions, in a class."""

    def accumulate(self, alpha: float, a: Array, beta: float, b: Array) -> Array:
        """alpha a + beta b, of the size of a, to which b broadcasts."""

    def scale(self, factor: float, a: Array) -> Array:
        """An array times a number."""

    def total(self, planes: Array) -> Array:
        """The sum of all elements, a scalar in their class."""

    def dropout_mask(self, shape: tuple[int, ...], dtype: np.dtype[np.floating], rate: float, rng: Any) -> Array:
        """Zeros with the probability `rate`, else 1 / (1 - rate), drawn from a generator, a seed or None."""

    def concatenate(self, inputs: Sequence[Array], axis: int) -> Array:
        """Planes of one class, one after the other."""

    def crop(self, planes: Array, window: tuple[Any, ...]) -> Array:
        """A part of the planes, as an array of its own."""

    def uncrop(self, planes: Array, shape: tuple[int, ...], window: tuple[Any, ...]) -> Array:
        """The transpose of ``crop``: zeros, and the planes (or their one element) in the window."""


class Channels(Protocol):
    """Operations across the channels of each pixel."""

    def softmax_forward(self, x: Array) -> Array:
        """exp(x) over its sum over the channels."""

    def softmax_backward(self, x: Array, dzdy: Array) -> Array:
        """The derivative of ``softmax_forward``."""

    def noffset_forward(self, x: Array, alpha: float, beta: float) -> Array:
        """x - alpha L^beta, L the sum of x^2 over the channels, at least 1e-8."""

    def noffset_backward(self, x: Array, dzdy: Array, alpha: float, beta: float) -> Array:
        """The derivative of ``noffset_forward``, L taken for constant where it is at its least."""

    def pdist_forward(self, x: Array, x0: Array, p: float, root: bool) -> Array:
        """The sum over the channels of abs(x - x0)^p, with or without its p-th root; x0 broadcasts to x."""

    def pdist_backward(self, x: Array, x0: Array, p: float, root: bool, epsilon: float, dzdy: Array) -> Array:
        """The derivative of ``pdist_forward`` in x, divided by epsilon at least; dzdy broadcasts to (N, 1, W, H)."""


class Losses(Protocol):
    """The losses of vl_nnloss."""

    def loss_forward(
        self, loss: str, x: Array, target: Array, keep: Array | None, weights: Array, setting: float, whole: bool
    ) -> Array:
        """The sum of weights times losses, a scalar in the class of `weights`. `loss` is vl_nnloss's name for it.

        Target and keep are NumPy arrays whatever the library of x: class indexes from 0, or attributes, that broadcast
        to (N, 1 or D, W, H); what is not to be kept is left out. So do the weights. `setting` is the threshold of
        'binaryerror' and the K of 'topkerror'. With `whole` losses are rounded before they are added up.
        """

    def loss_backward(
        self, loss: str, x: Array, target: Array, keep: Array | None, weights: Array, setting: float
    ) -> Array:
        """The derivative of ``loss_forward`` in x, in the class of `weights`."""


class Engine(Channels, Convolution, Elementwise, Losses, Normalisation, Pooling, Sampling, Protocol):
    """All that blocks ask of an engine."""
