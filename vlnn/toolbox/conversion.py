"""Layers in other libraries' terms: their layouts of the weights, and their options.

The filters are never flipped; only the order of the dimensions differs. With (FH, FW) taps, K filters and C channels::

    MATLAB, vl_nnconvt, Keras    FH x FW x K x C
    ONNX, PyTorch                C x K x FH x FW
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from vlnn.blocks.nnconvt import OPTIONS as NNCONVT_OPTIONS
from vlnn.errors import MatConvNetError
from vlnn.geometry import brackets
from vlnn.matlab.arrays import Array
from vlnn.settings import settings
from vlnn.toolbox.evaluation import beside
from vlnn.toolbox.layer import TransposedConvolutionLayer
from vlnn.toolbox.rules import Pairs, numeric
from vlnn.toolbox.transposedconv import TransposedConvolution2DLayer

NUMPY = np.zeros(0)  # an array of that library


class Exported(NamedTuple):
    """A layer in another library's terms.

    Attributes
    ----------
    weights : dict
        NumPy arrays in C order, by the names that the library has for them.
    options : dict
        What the library's layer or operator is given.
    cut : tuple of pairs
        What has to be cut off begin and end of every spatial dimension of its output; mostly nothing.
    """

    weights: dict[str, Array]
    options: dict[str, Any]
    cut: Pairs


def to_onnx(layer: TransposedConvolutionLayer) -> Exported:
    """ONNX's operator ConvTranspose: its inputs W (C x K x taps) and B, and its attributes.

    >>> import vlnn
    >>> layer = vlnn.transposedConv2dLayer([3, 4], 8, 'Stride', 2, 'Cropping', [0, 1, 1, 1]).initialize([9, 9, 5])
    >>> weights, attributes, _ = vlnn.toolbox.to_onnx(layer)
    >>> weights['W'].shape, attributes['pads']
    ((5, 8, 3, 4), [0, 1, 1, 1])
    """
    weights, bias = _values(layer)
    begins, ends = zip(*layer.margins, strict=True)
    options = {
        "kernel_shape": list(weights.shape[:-2]),
        "strides": list(_listed(layer.Stride)),
        "pads": [*begins, *(max(end, 0) for end in ends)],
        "output_padding": [max(-end, 0) for end in ends],
        "dilations": [1] * layer.dims,
        "group": 1,
    }
    return Exported({"W": _channels_first(weights), "B": bias}, options, ((0, 0),) * layer.dims)


def to_torch(layer: TransposedConvolutionLayer) -> Exported:
    """torch.nn.ConvTranspose1d, 2d or 3d: its state (weight is C x K x taps) and the arguments of its constructor.

    PyTorch cuts the same off both sides; where Cropping is not symmetric, `cut` says what is left to do.
    """
    weights, bias = _values(layer)
    both = [min(begin, max(end, 0)) for begin, end in layer.margins]
    options = {
        "in_channels": layer.NumChannels,
        "out_channels": layer.NumFilters,
        "kernel_size": weights.shape[:-2],
        "stride": _listed(layer.Stride),
        "padding": tuple(both),
        "output_padding": tuple(max(-end, 0) for _, end in layer.margins),
    }
    cut = tuple((begin - pad, max(end, 0) - pad) for (begin, end), pad in zip(layer.margins, both, strict=True))
    return Exported({"weight": _channels_first(weights), "bias": bias}, options, cut)


def to_keras(layer: TransposedConvolutionLayer) -> Exported:
    """Keras's Conv1DTranspose, Conv2DTranspose or Conv3DTranspose: its weights (kernel is taps x K x C) and arguments.

    Keras has 'same', and otherwise 'valid' alone, after which `cut` is to be done. Where filters are shorter than the
    stride its 'valid' output is longer than MATLAB's; `cut` counts that in.
    """
    weights, bias = _values(layer)
    taps, stride = weights.shape[:-2], _listed(layer.Stride)
    same = layer.CroppingMode == "same"
    options = {
        "filters": layer.NumFilters,
        "kernel_size": taps,
        "strides": stride,
        "padding": "same" if same else "valid",
        "use_bias": True,
    }
    longer = (max(step - count, 0) for step, count in zip(stride, taps, strict=True))
    cut = tuple((begin, end + more) for (begin, end), more in zip(layer.margins, longer, strict=True))
    kernel = np.array(weights, order="C")
    return Exported({"kernel": kernel, "bias": bias}, options, ((0, 0),) * layer.dims if same else cut)


def to_nnconvt(layer: TransposedConvolution2DLayer) -> tuple[Any, ...]:
    """The layer as what follows x in a call of vl_nnconvt: f, b, 'Upsample', ..., 'Crop', ...

    >>> import numpy as np, vlnn
    >>> layer = vlnn.transposedConv2dLayer(4, 8, Stride=2, Cropping=1).initialize([9, 9, 3])
    >>> vlnn.vl_nnconvt(np.ones((9, 9, 3), 'single'), *vlnn.toolbox.to_nnconvt(layer)).shape
    (18, 18, 8, 1)
    """
    if not isinstance(layer, TransposedConvolution2DLayer):
        raise MatConvNetError(
            f"Only a TransposedConvolution2DLayer is a vl_nnconvt. Received a {type(layer).__name__}."
        )
    layer.check_initialized()
    if any(end < 0 for _, end in layer.margins):
        raise MatConvNetError(
            "vl_nnconvt cannot append rows, as 'same' does where FilterSize is smaller than Stride. Received "
            f"FilterSize {brackets(layer.FilterSize)}, Stride {brackets(layer.Stride)}."
        )
    return layer.Weights, layer.Bias, "Upsample", layer.Stride, "Crop", layer.CroppingSize


def from_nnconvt(f: Any, b: Any, *options: Any, **keywords: Any) -> TransposedConvolution2DLayer:
    """The layer that computes ``vl_nnconvt(x, f, b, 'Upsample', ..., 'Crop', ...)``.

    Without biases (b is []) they are zeros that do not learn. Groups are an error: the layer has none, and dltranspconv
    does.

    >>> import numpy as np, vlnn
    >>> vlnn.toolbox.from_nnconvt(np.ones((4, 4, 8, 3)), [], 'Upsample', 2, 'Crop', 1).Stride
    (2, 2)
    """
    with settings.scoped():  # a layer makes no sticky choices
        call = NNCONVT_OPTIONS.options(options, keywords)
    if call["NumGroups"] != 1:
        raise MatConvNetError(f"A transposedConv2dLayer has no groups. Received NumGroups {call['NumGroups']}.")
    weights, biases = numeric("f", f), numeric("b", b)
    *taps, filters, _ = (*weights.shape, 1, 1, 1, 1)[:4]
    layer = TransposedConvolution2DLayer(
        taps, filters, Stride=call["Upsample"], Cropping=call["Crop"], Weights=weights, Bias=biases.ravel(order="F")
    )
    if not biases.size:
        layer.Bias = np.zeros(filters, weights.dtype)
        layer.BiasLearnRateFactor = 0
    return layer


def _values(layer: TransposedConvolutionLayer) -> tuple[Array, Array]:
    """Weights and the biases as a vector, where NumPy can have them."""
    layer.check_initialized()
    bias = layer.Bias.ravel(order="F") if layer.Bias.size else np.zeros(layer.NumFilters)
    weights = layer.Weights
    return beside(NUMPY, weights, weights.dtype), beside(NUMPY, bias, weights.dtype)


def _channels_first(weights: Array) -> Array:
    """Taps x K x C as C x K x taps."""
    dims = weights.ndim - 2
    return np.array(weights.transpose(dims + 1, dims, *range(dims)), order="C")


def _listed(numbers: Any) -> tuple[int, ...]:
    return numbers if isinstance(numbers, tuple) else (numbers,)
