"""The engine for CuPy's arrays: cuBLAS and vlnn's own kernels."""

from typing import Any

CUDA: Any = None
