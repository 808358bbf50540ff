"""Who does the arithmetic: one engine per array library, all with the same operations, which protocols.py lists.

NumPy's arrays go to the CPU engine, CuPy's to the CUDA engine, which is imported when the first of them arrives.
"""

from __future__ import annotations

import numpy as np

from vlnn.engines.cpu import CPU
from vlnn.engines.protocols import Engine
from vlnn.matlab.arrays import Array


def engine_for(array: Array) -> Engine:
    """The engine for the library to which an array belongs."""
    if isinstance(array, np.ndarray):
        return CPU
    from vlnn.engines.cuda import CUDA

    cuda: Engine = CUDA
    return cuda
