"""Arrays from one device to the other."""

from __future__ import annotations

from typing import Any

import numpy as np

from vlnn.errors import MatConvNetError
from vlnn.matlab.arrays import is_array


def move_to(value: Any, device: str) -> Any:
    """An array on the 'cpu' or the 'gpu'; what is no array, and what is there already, as it is."""
    if not is_array(value) or isinstance(value, np.ndarray) == (device == "cpu"):
        return value
    if device == "cpu":
        return value.get(order="F")
    try:
        import cupy
    except ImportError:
        raise MatConvNetError(
            "There is no GPU support. Moving a network to the GPU needs CuPy, which is not installed."
        ) from None
    return cupy.asarray(value, order="F")
