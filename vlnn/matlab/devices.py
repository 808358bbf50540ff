"""Arrays from one device to the other."""

from __future__ import annotations

from typing import Any

import numpy as np

from vlnn.errors import INSTALL_GPU, MatConvNetError
from vlnn.matlab.arrays import is_array


def move_to(value: Any, device: str) -> Any:
    """An array on the 'cpu' or the 'gpu'; what is no array, and what is there already, as it is."""
    if not is_array(value) or isinstance(value, np.ndarray) == (device == "cpu"):
        return value
    return value.get(order="F") if device == "cpu" else gpu().asarray(value, order="F")


def gpu() -> Any:
    """CuPy, where it has a GPU to work on."""
    try:
        import cupy
    except ImportError:
        raise MatConvNetError(
            f"There is no GPU support. It needs CuPy, which is not installed: {INSTALL_GPU}"
        ) from None
    if not cupy.cuda.is_available():
        raise MatConvNetError("There is no GPU support. CuPy is installed, but it finds no GPU.")
    return cupy
