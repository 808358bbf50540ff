"""MATLAB's Deep Learning Toolbox: transposed convolution, as layers and as a function.

::

    transposedconv.py              transposedConv1dLayer, transposedConv2dLayer, transposedConv3dLayer
    layer.py                       what these layers are and compute
    rules.py, initializers.py      what properties may be, and the first weights
    display.py                     a layer as MATLAB shows it
    formats.py                     'SSCB' and the like
    transposition.py               the arithmetic, on an engine's primitives
"""

from vlnn.toolbox.transposedconv import (
    TransposedConvolution1DLayer,
    TransposedConvolution2DLayer,
    TransposedConvolution3DLayer,
    transposedConv1dLayer,
    transposedConv2dLayer,
    transposedConv3dLayer,
)

__all__ = [
    "TransposedConvolution1DLayer",
    "TransposedConvolution2DLayer",
    "TransposedConvolution3DLayer",
    "transposedConv1dLayer",
    "transposedConv2dLayer",
    "transposedConv3dLayer",
]
