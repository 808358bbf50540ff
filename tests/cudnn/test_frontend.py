"""The calls made of NVIDIA's frontend exist in it, and its stand-in takes no others."""

from __future__ import annotations

import inspect
import re
from typing import Any

import numpy as np
import pytest

from tests.cudnn import frontend_double
from tests.cudnn.frontend_double import FrontendDouble, Graph
from tests.cudnn.test_graphs import OPERATIONS, geometry_of
from tests.geometries import conv
from vlnn.engines.cudnn.plans import Choices, plan_for

GEOMETRY = geometry_of(conv((9, 8, 4, 2), (3, 2, 2, 6), (2, 1), (0, 1, 2, 3), (1, 2)))
CHOICES = Choices(2.0**29, False, True, False)


@pytest.fixture
def real() -> Any:
    return pytest.importorskip("cudnn", reason="nvidia-cudnn-frontend is not installed")


def public(kind: type) -> set[str]:
    return {name for name, value in vars(kind).items() if name[0] != "_" and callable(value)}


def parameters(function: Any) -> set[str]:
    """The names that a function of the frontend takes: it is C++, or Python around it."""
    try:
        return set(inspect.signature(function).parameters)
    except ValueError:
        return set(re.findall(r"(\w+): ", function.__doc__))


@pytest.mark.parametrize("name", sorted(public(FrontendDouble)))
def test_functions(name: str, real: Any) -> None:
    assert callable(getattr(real, name))


@pytest.mark.parametrize("kind", ["data_type", "numerical_note", "heur_mode", "build_plan_policy"])
def test_names(kind: str, real: Any) -> None:
    names = {member.name for member in getattr(FrontendDouble, kind)}
    assert names <= set(getattr(real, kind).__members__)


def test_the_error_is_no_runtime_error(real: Any) -> None:
    assert issubclass(real.cudnnGraphNotSupportedError, Exception)
    assert not issubclass(real.cudnnGraphNotSupportedError, RuntimeError)


@pytest.mark.parametrize("name", sorted(public(Graph)))
def test_methods_of_a_graph(name: str, real: Any) -> None:
    mine = set(inspect.signature(getattr(Graph, name)).parameters) - {"self", "how"}
    theirs = parameters(getattr(real.pygraph, name))
    if name in OPERATIONS:
        mine |= {"pre_padding", "post_padding", "stride", "dilation"}
    positional = {"execute": {"arrays"}, "execute_plan_at_index": {"arrays"}}.get(name, set())
    positional |= {"notes", "limit", "modes"}  # to which C++ gives no names
    assert mine - positional <= theirs


@pytest.mark.parametrize("name", sorted(public(frontend_double.Tensor) - {"at"}))
def test_methods_of_a_tensor(name: str, real: Any) -> None:
    assert callable(getattr(real.tensor, name))


def test_set_stream(real: Any) -> None:
    assert {"handle", "stream"} <= parameters(real.set_stream)


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_graph_is_valid(operation: str, dtype: Any, real: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to the first step for which cuDNN needs a device."""
    steps, pygraph = [], real.pygraph

    class Watched:
        def __init__(self, **attributes: Any) -> None:
            self._graph = pygraph(**attributes)

        def __getattr__(self, name: str) -> Any:
            steps.append(name)
            if name == "build_operation_graph":
                raise RuntimeError("needs a device")
            return getattr(self._graph, name)

    monkeypatch.setattr(real, "pygraph", Watched)
    with pytest.raises(RuntimeError, match="needs a device"):
        plan_for(real, {}, operation, GEOMETRY, np.dtype(dtype), CHOICES)
    assert steps == [operation, "tensor", "tensor", "validate", "build_operation_graph"]
