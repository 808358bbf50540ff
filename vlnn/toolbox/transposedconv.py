"""transposedConv1dLayer, transposedConv2dLayer, transposedConv3dLayer: transposed convolution layers."""

from __future__ import annotations

from typing import Any

from vlnn.matlab.arguments import Option, OptionTable, matlab_function
from vlnn.toolbox.layer import TransposedConvolutionLayer


def _as_given(value: object) -> object:
    """The layer's properties check what is assigned to them."""
    return value


def _options(function: str) -> OptionTable:
    return OptionTable(
        function,
        2,
        Option("Stride", _as_given, 1),
        Option("Cropping", _as_given, 0),
        Option("NumChannels", _as_given, "auto"),
        Option("WeightsInitializer", _as_given, "glorot"),
        Option("BiasInitializer", _as_given, "zeros"),
        Option("Weights", _as_given, None),
        Option("Bias", _as_given, None),
        Option("WeightLearnRateFactor", _as_given, 1),
        Option("BiasLearnRateFactor", _as_given, 1),
        Option("WeightL2Factor", _as_given, 1),
        Option("BiasL2Factor", _as_given, 0),
        Option("Name", _as_given, ""),
    )


class TransposedConvolution1DLayer(TransposedConvolutionLayer):
    """What :func:`transposedConv1dLayer` returns."""

    dims = 1
    _options = _options("transposedConv1dLayer")


class TransposedConvolution2DLayer(TransposedConvolutionLayer):
    """What :func:`transposedConv2dLayer` returns."""

    dims = 2
    _options = _options("transposedConv2dLayer")


class TransposedConvolution3DLayer(TransposedConvolutionLayer):
    """What :func:`transposedConv3dLayer` returns."""

    dims = 3
    _options = _options("transposedConv3dLayer")


@matlab_function(2, "two", "Not enough input arguments.")
def transposedConv2dLayer(filterSize: Any, numFilters: Any, *args: Any, **opts: Any) -> TransposedConvolution2DLayer:
    """Two-dimensional transposed convolution layer.

    ``layer = transposedConv2dLayer(filterSize, numFilters, 'Stride', 2, 'Cropping', 'same')`` upsamples images and
    filters them, as MATLAB's layer of the same name does. It shows itself as in MATLAB.

    >>> import numpy as np, vlnn
    >>> layer = vlnn.transposedConv2dLayer(4, 8, 'Stride', 2, 'Cropping', 'same')
    >>> layer.initialize([16, 16, 3], rng=0).predict(np.ones((16, 16, 3))).shape
    (32, 32, 8, 1)
    """
    return TransposedConvolution2DLayer(filterSize, numFilters, *args, **opts)


@matlab_function(2, "two", "Not enough input arguments.")
def transposedConv1dLayer(filterSize: Any, numFilters: Any, *args: Any, **opts: Any) -> TransposedConvolution1DLayer:
    """One-dimensional transposed convolution layer."""
    return TransposedConvolution1DLayer(filterSize, numFilters, *args, **opts)


@matlab_function(2, "two", "Not enough input arguments.")
def transposedConv3dLayer(filterSize: Any, numFilters: Any, *args: Any, **opts: Any) -> TransposedConvolution3DLayer:
    """Three-dimensional transposed convolution layer."""
    return TransposedConvolution3DLayer(filterSize, numFilters, *args, **opts)
