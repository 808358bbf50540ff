"""The tests in this folder need CuPy and a CUDA GPU; those with cuDNN also need NVIDIA's frontend and libcudnn."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import pytest

import vlnn


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
        cupy.zeros(1)
    except cupy.cuda.runtime.CUDARuntimeError as problem:
        return f"CuPy finds no CUDA GPU: {problem}"
    return ""


def no_cudnn() -> str:
    """Why there can be no test with cuDNN; empty when there can."""
    import cupy

    from vlnn.engines.cudnn.sessions import obstacle

    return obstacle(cupy.cuda.runtime.getDevice())


@pytest.fixture
def cupy() -> Any:
    return pytest.importorskip("cupy")


@pytest.fixture(params=["cuDNN", "NoCuDNN"])
def engine(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each of the two engines for CuPy's arrays, in force for a test."""
    if request.param == "cuDNN" and no_cudnn():
        pytest.skip(no_cudnn())
    with vlnn.settings.scoped(cudnn=request.param == "cuDNN"):
        yield request.param


@pytest.fixture
def cudnn() -> None:
    """For tests of cuDNN alone."""
    if no_cudnn():
        pytest.skip(no_cudnn())
