"""vlnn with stand-ins for CuPy, for NVIDIA's frontend and for the CUDA engine's arithmetic."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.cudnn import cupy_double
from tests.cudnn.frontend_double import FrontendDouble
from vlnn import engines
from vlnn.engines.cpu import CPU
from vlnn.engines.cuda import CudaEngine
from vlnn.engines.cudnn.frontend import load
from vlnn.engines.cudnn.sessions import THREAD, obstacle
from vlnn.engines.protocols import Engine

FAMILIES = Engine.__mro__
OPERATIONS = sorted(
    {name for family in FAMILIES for name, value in vars(family).items() if name[0] != "_" and callable(value)}
)


@pytest.fixture
def cupy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """CuPy's stand-in, in its place."""
    double = cupy_double.module()
    monkeypatch.setitem(sys.modules, "cupy", double)
    forget()
    yield double
    forget()


def forget() -> None:
    """What a process remembers of the frontend and of cuDNN."""
    for function in (load, obstacle, engines._warn_of_missing_cudnn):
        function.cache_clear()
    THREAD.sessions.clear()


@pytest.fixture
def frontend(monkeypatch: pytest.MonkeyPatch, cupy: Any) -> FrontendDouble:
    """The frontend's stand-in, in its place."""
    double = FrontendDouble()
    monkeypatch.setitem(sys.modules, "cudnn", double)
    return double


@pytest.fixture
def fallen_back(monkeypatch: pytest.MonkeyPatch, cupy: Any) -> list[str]:
    """The operations that the CUDA engine was asked for; the CPU engine answers for it."""
    asked: list[str] = []

    def answer(name: str) -> Callable[..., Any]:
        operation = getattr(CPU, name)

        def call(self: Any, *args: Any) -> Any:
            asked.append(name)
            return cupy_double.wrapped(operation(*cupy_double.on_host(args)))

        return call

    for name in OPERATIONS:
        if name != "take_workspaces":
            monkeypatch.setattr(CudaEngine, name, answer(name))
    return asked
