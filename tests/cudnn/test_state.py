"""What the machine has, in words."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from tests.cudnn.frontend_double import FrontendDouble
from vlnn.engines.state import state


@pytest.fixture
def card(cupy: Any) -> Any:
    """One card in the machine."""
    runtime = cupy.cuda.runtime
    runtime.getDeviceCount = lambda: 1
    runtime.getDeviceProperties = lambda device: {"name": b"NVIDIA H200"}
    return cupy


def test_all_is_there(card: Any, frontend: FrontendDouble) -> None:
    assert state() == {
        "CuPy": "14.2.0",
        "GPU": "NVIDIA H200",
        "cuDNN": "9.28.0, through nvidia-cudnn-frontend 1.26.0",
        "on a GPU": "cuDNN",
    }


def test_two_cards(card: Any, frontend: FrontendDouble) -> None:
    card.cuda.runtime.getDeviceCount = lambda: 2
    assert state()["GPU"] == "NVIDIA H200, the current one of 2"


def test_no_frontend(card: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cudnn", None)
    found = state()
    assert found["cuDNN"].startswith("missing (")
    assert "pip install" in found["cuDNN"]
    assert found["on a GPU"].startswith("cuBLAS and vlnn's own kernels (no cuDNN: ")


def test_no_handle(card: Any, frontend: FrontendDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> int:
        raise RuntimeError("cudaGetDeviceCount(&count) != cudaSuccess")

    monkeypatch.setattr(frontend, "create_handle", fail)
    found = state()
    assert found["cuDNN"].startswith("9.28.0")
    assert "no cuDNN: RuntimeError: cudaGetDeviceCount" in found["on a GPU"]


def test_no_gpu(cupy: Any, frontend: FrontendDouble) -> None:
    cupy.cuda.is_available = lambda: False
    found = state()
    assert (found["GPU"], found["on a GPU"]) == ("none that CuPy finds", "nothing")
    assert found["cuDNN"].startswith("9.28.0")


def test_no_cupy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)
    found = state()
    assert found["CuPy"].startswith("not installed (")
    assert "pip install 'vlnn[cuda13]'" in found["CuPy"]
    assert found["on a GPU"] == "nothing"


def test_a_frontend_that_fails(card: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cudnn", SimpleNamespace())
    assert "is not NVIDIA's frontend" in state()["cuDNN"]
