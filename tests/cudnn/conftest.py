"""vlnn with stand-ins for CuPy, for NVIDIA's frontend and for the CUDA engine's arithmetic."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.cudnn import cupy_double
from tests.cudnn.frontend_double import FrontendDouble
from vlnn import engines
from vlnn.engines.cpu import CPU
from vlnn.engines.cudnn.frontend import load
from vlnn.engines.cudnn.sessions import THREAD, obstacle
from vlnn.engines.protocols import Engine

NAMES = {name for family in Engine.__mro__ for name in vars(family) if name[0] != "_"}
OPERATIONS = sorted(NAMES - {"take_workspaces"})
BUILT_ON_CUPY = ("cupy", "vlnn.engines.cuda", "vlnn.engines.cudnn.engine")


@pytest.fixture(scope="module")
def _stand_in() -> Iterator[Any]:
    """CuPy's stand-in, in its place while the tests of a module run."""
    before = _taken_out()
    double = cupy_double.module(Path())
    sys.modules["cupy"] = double
    yield double
    _taken_out()
    sys.modules.update(before)


def _taken_out() -> dict[str, ModuleType]:
    """CuPy, and the modules of vlnn that have imported it, taken out of the modules that Python knows."""
    names = [name for name in sys.modules if any(name == top or name.startswith(f"{top}.") for top in BUILT_ON_CUPY)]
    return {name: sys.modules.pop(name) for name in names}


@pytest.fixture
def cupy(_stand_in: Any) -> Iterator[Any]:
    """CuPy's stand-in, as if nothing had been done with it."""
    _stand_in.cuda = cupy_double.Cuda(_stand_in.cuda.more)
    _forget()
    yield _stand_in
    _forget()


def _forget() -> None:
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
    from vlnn.engines.cuda import CudaEngine

    asked: list[str] = []

    def answer(name: str) -> Callable[..., Any]:
        operation = getattr(CPU, name)

        def call(self: Any, *args: Any) -> Any:
            asked.append(name)
            return cupy_double.on_gpu(operation(*cupy_double.on_host(args)))

        return call

    for name in OPERATIONS:
        monkeypatch.setattr(CudaEngine, name, answer(name), raising=False)
    return asked
