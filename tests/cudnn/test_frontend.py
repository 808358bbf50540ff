"""The calls made of NVIDIA's frontend and of CuPy exist in them, and the stand-ins take no others."""

from __future__ import annotations

import inspect
import operator
import re
from typing import Any

import numpy as np
import pytest

from tests.cudnn import frontend_double
from tests.cudnn.cupy_double import Cuda
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


def takes(function: Any, names: set[str]) -> bool:
    """Whether a function of the frontend takes these keywords, as far as one can see: it is C++ or Python."""
    try:
        parameters = inspect.signature(function).parameters
    except ValueError:
        return names <= set(re.findall(r"(\w+): ", function.__doc__))
    anything = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    return anything or names <= set(parameters)


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
    if name in OPERATIONS:
        mine |= {"pre_padding", "post_padding", "stride", "dilation"}
    by_position = {"arrays", "workspace", "index", "notes", "limit", "modes", "policy"}
    assert takes(getattr(real.pygraph, name), mine - by_position)


@pytest.mark.parametrize("name", sorted(public(frontend_double.Tensor) - {"at"}))
def test_methods_of_a_tensor(name: str, real: Any) -> None:
    assert callable(getattr(real.tensor, name))


def test_set_stream(real: Any) -> None:
    assert takes(real.set_stream, {"handle", "stream"})


@pytest.mark.parametrize("name", sorted(public(Cuda) - {"use_stream"} | {"Event", "is_available", "runtime.getDevice"}))
def test_functions_of_cupy(name: str) -> None:
    real = pytest.importorskip("cupy", reason="CuPy is not installed")
    assert callable(operator.attrgetter(name)(real.cuda))


def test_addresses_of_cupy() -> None:
    """An array's memory has an address and a device."""
    memory = pytest.importorskip("cupy", reason="CuPy is not installed").cuda.MemoryPointer
    assert {"ptr", "device_id"} <= set(dir(memory))


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
