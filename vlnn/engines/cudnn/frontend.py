"""Finding NVIDIA's frontend to cuDNN, and the libraries that it needs.

The frontend looks for libcudart by its name. CuPy has one built in and maps none, so the one that pip installs beside
CuPy has to be loaded first. libcudnn the frontend finds for itself.
"""

from __future__ import annotations

import functools
from typing import Any


@functools.cache
def load() -> Any:
    """The module ``cudnn``; ImportError where the frontend is missing, RuntimeError where cuDNN itself is."""
    _load_cudart()
    import cudnn

    if not hasattr(cudnn, "pygraph"):
        raise ImportError(f"the module cudnn is not NVIDIA's frontend but {getattr(cudnn, '__file__', cudnn)}")
    cudnn.backend_version()
    return cudnn


def _load_cudart() -> None:
    try:
        from cuda.pathfinder import DynamicLibNotFoundError, load_nvidia_dynamic_lib
    except ImportError:
        return
    try:
        load_nvidia_dynamic_lib("cudart")
    except DynamicLibNotFoundError:
        return  # the frontend may find one where pathfinder does not look
