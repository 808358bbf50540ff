"""Networks as modules of PyTorch, which run and train, and .pt files of their weights.

Tensors are N x C x H x W where MATLAB's arrays are H x W x C x N: height stays height. Filters are (K, C, FH, FW), and
those of a transposed convolution (C, K, FH, FW).
"""

from importlib.util import find_spec

if find_spec("torch") is None:
    raise ModuleNotFoundError("vlnn.convert.torch needs torch: pip install 'vlnn[torch]'", name="torch")

from vlnn.convert.torch.files import load, read, write
from vlnn.convert.torch.network import Network, to_module
from vlnn.convert.torch.running import run

__all__ = ["Network", "load", "read", "run", "to_module", "write"]
