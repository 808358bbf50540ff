"""The tests in this folder need CuPy, a CUDA GPU, and an engine of vlnn's for CuPy's arrays."""

from __future__ import annotations

import functools
from typing import Any

import pytest

from vlnn.engines import engine_for
from vlnn.engines.cpu import CPU


@functools.cache
def obstacle() -> str:
    """Why there can be no test on a GPU here; empty when there can."""
    try:
        import cupy
    except ImportError as problem:
        return f"CuPy cannot be imported: {problem}"
    try:
        if cupy.cuda.runtime.getDeviceCount() < 1:
            return "there is no CUDA GPU"
        array = cupy.zeros(1)
    except cupy.cuda.runtime.CUDARuntimeError as problem:
        return f"CuPy finds no CUDA GPU: {problem}"
    return "vlnn has no engine for CuPy's arrays" if engine_for(array) is CPU else ""


@pytest.fixture
def cupy() -> Any:
    return pytest.importorskip("cupy")
