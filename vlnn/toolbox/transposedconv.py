"""transposedConv1dLayer, transposedConv2dLayer, transposedConv3dLayer: transposed convolution layers."""

from __future__ import annotations

from typing import Any

from vlnn.matlab.arguments import Option, OptionTable, as_given, matlab_function
from vlnn.toolbox.layer import TransposedConvolutionLayer


def _options(function: str) -> OptionTable:
    return OptionTable(
        function,
        2,
        Option("Stride", as_given, 1),
        Option("Cropping", as_given, 0),
        Option("NumChannels", as_given, "auto"),
        Option("WeightsInitializer", as_given, "glorot"),
        Option("BiasInitializer", as_given, "zeros"),
        Option("Weights", as_given, None),
        Option("Bias", as_given, None),
        Option("WeightLearnRateFactor", as_given, 1),
        Option("BiasLearnRateFactor", as_given, 1),
        Option("WeightL2Factor", as_given, 1),
        Option("BiasL2Factor", as_given, 0),
        Option("Name", as_given, ""),
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
    """Transposed 2-D convolution layer.

    ``layer = transposedConv2dLayer(filterSize, numFilters, 'Stride', 2, 'Cropping', 'same')`` makes a layer that
    upsamples images and filters them: ``y[s i + k] += x[i] w[k]``, plus the bias, the filters not flipped. It is the
    transpose of a convolution, and what vl_nnconvt computes from the same arrays.

    Parameters
    ----------
    filterSize : positive integer or [h w]
        Height and width of the filters.
    numFilters : positive integer
        How many there are, and so channels of the output.

    Options, as pairs ('Stride', 4) or keywords (Stride=4), in any case and order; numbers of any class
    ----------------------------------------------------------------------------------------------------
    Stride : 1
        The upsampling factor, a positive integer or [vertical horizontal].
    Cropping : 0
        What is cut off the output: a nonnegative integer for all sides, [vertical horizontal], [t b l r], or 'same' for
        an output of Stride times the input.
    NumChannels : 'auto'
        The channels of the input; 'auto' takes them from the first input, or from Weights.
    WeightsInitializer : 'glorot'
        'glorot', 'he', 'narrow-normal', 'zeros', 'ones', or a function of the size, for Weights that are empty.
    BiasInitializer : 'zeros'
        'zeros', 'narrow-normal', 'ones', or a function of the size, for a Bias that is empty.
    Weights : []
        h x w x numFilters x NumChannels, single or double.
    Bias : []
        1 x 1 x numFilters, or a NumPy vector.
    WeightLearnRateFactor, BiasLearnRateFactor : 1
    WeightL2Factor : 1
    BiasL2Factor : 0
        Factors of the global learning rate and regularisation.
    Name : ''

    Returns
    -------
    layer : TransposedConvolution2DLayer
        Its properties have these names, checked whenever they are assigned, and FilterSize, NumFilters, CroppingMode,
        CroppingSize ([t b l r]), NumInputs, InputNames, NumOutputs, OutputNames. ``layer.initialize`` gives it weights,
        ``layer.predict`` and ``layer.forward`` compute, ``layer.backward`` derives. It prints as in MATLAB, can be
        compared, copied and pickled.

    Raises
    ------
    MatConvNetError
        The message names the property, its rule and what was received.

    The output has Stride (n - 1) + FilterSize - t - b rows, and columns likewise; with 'same' Stride n, the odd row or
    column of FilterSize - Stride being cut off at the bottom or right.

    Inferred, as MATLAB does not document it: 'same' with filters shorter than the stride appends rows and columns of
    biases at the bottom and right; CroppingSize of 'same' is known at once; NumChannels is fixed by Weights; Cropping
    can be read and assigned, Stride and CroppingSize assigned; an empty Bias that is to be zeros counts as zeros.
    Differs from MATLAB: there is no dlarray, so the format of an input is given with it ('SSCB' by default).

    Source: MATLAB documentation, transposedConv2dLayer; initialisers of Glorot and Bengio (2010), He et al. (2015).

    >>> import numpy as np, vlnn
    >>> layer = vlnn.transposedConv2dLayer(4, 8, 'Stride', 2, 'Cropping', 'same', 'Name', 'up')
    >>> layer.CroppingMode, layer.CroppingSize
    ('same', (1, 1, 1, 1))
    >>> layer.initialize([16, 16, 3], rng=0).predict(np.ones((16, 16, 3))).shape
    (32, 32, 8, 1)
    """
    return TransposedConvolution2DLayer(filterSize, numFilters, *args, **opts)


@matlab_function(2, "two", "Not enough input arguments.")
def transposedConv1dLayer(filterSize: Any, numFilters: Any, *args: Any, **opts: Any) -> TransposedConvolution1DLayer:
    """Transposed 1-D convolution layer, over space or time.

    As :func:`transposedConv2dLayer` but for the sizes: FilterSize and Stride are numbers, Cropping is 'same', a number
    or [l r], CroppingSize [l r], Weights k x numFilters x NumChannels, Bias 1 x numFilters. Formats are SCB (the
    default), SC, SCBT, SCT over space, and CBT, CT over time.

    >>> import numpy as np, vlnn
    >>> layer = vlnn.transposedConv1dLayer(11, 96, 'Stride', 4).initialize([3, 1, 100], format='CBT')
    >>> layer.predict(np.ones((3, 1, 100)), 'CBT').shape
    (96, 1, 407)
    """
    return TransposedConvolution1DLayer(filterSize, numFilters, *args, **opts)


@matlab_function(2, "two", "Not enough input arguments.")
def transposedConv3dLayer(filterSize: Any, numFilters: Any, *args: Any, **opts: Any) -> TransposedConvolution3DLayer:
    """Transposed 3-D convolution layer.

    As :func:`transposedConv2dLayer` but for the sizes: FilterSize and Stride are numbers or [h w d], Cropping is
    'same', a number, [a b c] or the matrix [t l f; b r k], as which CroppingSize shows it, Weights h x w x d x
    numFilters x NumChannels, Bias 1 x 1 x 1 x numFilters. Formats are SSSCB (the default), SSSC, SSSCBT, SSSCT over
    space, and SSCBT, SSCT over space and time.

    >>> import numpy as np, vlnn
    >>> layer = vlnn.transposedConv3dLayer([3, 4, 5], 8, 'Stride', 2, 'Cropping', [[0, 1, 1], [0, 1, 2]])
    >>> layer.initialize([6, 6, 6, 2]).predict(np.ones((6, 6, 6, 2))).shape
    (13, 12, 12, 8, 1)
    """
    return TransposedConvolution3DLayer(filterSize, numFilters, *args, **opts)
