"""Networks as PyTorch's: modules that run and train, and .pt files of their weights.

Tensors are N x C x H x W where MATLAB's arrays are H x W x C x N: height stays height. Filters are (K, C, FH, FW), those
of a transposed convolution (C, K, FH, FW).
"""

try:
    import torch as _
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(f"vlnn.convert.torch needs {error.name}: pip install 'vlnn[torch]'", name="torch") from None

from vlnn.convert.torch.files import load, read, write
from vlnn.convert.torch.network import Network, to_module
from vlnn.convert.torch.running import run

__all__ = ["Network", "load", "read", "run", "to_module", "write"]
