"""MATLAB's Deep Learning Toolbox: transposed convolution, as layers and as a function.

::

    transposedconv.py              transposedConv1dLayer, transposedConv2dLayer, transposedConv3dLayer
    dltranspconv.py                dltranspconv
    factors.py                     getLearnRateFactor, setLearnRateFactor, getL2Factor, setL2Factor
    conversion.py                  layers for ONNX, PyTorch, Keras, vl_nnconvt, and from it
    layer.py                       what the layers are and compute
    properties.py, rules.py        properties that are checked, and what they may be
    initializers.py, display.py    the first weights; a layer as MATLAB shows it
    formats.py, evaluation.py      'SSCB' and the like; arrays to planes and back
    transposition.py               the arithmetic, on an engine's primitives
"""

from vlnn.toolbox.conversion import Exported, from_nnconvt, to_keras, to_nnconvt, to_onnx, to_torch
from vlnn.toolbox.dltranspconv import dltranspconv
from vlnn.toolbox.factors import getL2Factor, getLearnRateFactor, setL2Factor, setLearnRateFactor
from vlnn.toolbox.transposedconv import (
    TransposedConvolution1DLayer,
    TransposedConvolution2DLayer,
    TransposedConvolution3DLayer,
    transposedConv1dLayer,
    transposedConv2dLayer,
    transposedConv3dLayer,
)

__all__ = [
    "Exported",
    "TransposedConvolution1DLayer",
    "TransposedConvolution2DLayer",
    "TransposedConvolution3DLayer",
    "dltranspconv",
    "from_nnconvt",
    "getL2Factor",
    "getLearnRateFactor",
    "setL2Factor",
    "setLearnRateFactor",
    "to_keras",
    "to_nnconvt",
    "to_onnx",
    "to_torch",
    "transposedConv1dLayer",
    "transposedConv2dLayer",
    "transposedConv3dLayer",
]
