"""Who does the arithmetic: one engine per array library, all with the same operations, which protocols.py lists.

NumPy's arrays go to the CPU engine. CuPy's go to the CUDA engine, or to the same with cuDNN's convolutions where
``settings.cudnn`` says so and cuDNN is there. Neither is imported before the first of CuPy's arrays arrives.
"""

from __future__ import annotations

import functools
import warnings

import numpy as np

from vlnn.engines.cpu import CPU
from vlnn.engines.protocols import Engine
from vlnn.errors import INSTALL_GPU
from vlnn.matlab.arrays import Array
from vlnn.settings import settings


def engine_for(array: Array) -> Engine:
    """The engine for the library to which an array belongs."""
    if isinstance(array, np.ndarray):
        return CPU
    return _with_cudnn() if settings.cudnn else _without_cudnn()


def _with_cudnn() -> Engine:
    import cupy

    from vlnn.engines.cudnn.sessions import obstacle

    problem = obstacle(cupy.cuda.runtime.getDevice())
    if problem:
        if settings.cudnn_asked_for:
            _warn_of_missing_cudnn(problem)
        return _without_cudnn()
    from vlnn.engines.cudnn.engine import CUDNN

    return CUDNN


def _without_cudnn() -> Engine:
    from vlnn.engines.cuda import CUDA

    return CUDA


@functools.cache
def _warn_of_missing_cudnn(problem: str) -> None:
    """Say so once: who asks for cuDNN asks in every call."""
    warnings.warn(
        f"cuDNN is asked for but missing ({problem}); cuBLAS and vlnn's own kernels do its work. "
        f"To have it: {INSTALL_GPU}",
        stacklevel=6,
    )
