"""Networks as ONNX models, .onnx.

A model holds all it needs: runtimes run it without vlnn. What it computes stands in it as nodes, and beside them the
description of the network, so that vlnn reads it back as it was.

The arrays of a model are N x C x H x W where MATLAB's are H x W x C x N: height stays height. Filters are (K, C, FH,
FW), those of a transposed convolution (C, K, FH, FW).
"""

from vlnn.convert.onnx.reading import read
from vlnn.convert.onnx.running import run
from vlnn.convert.onnx.writing import write

__all__ = ["read", "run", "write"]
