"""A stand-in for NVIDIA's frontend: it plans as it is told to, and computes with the interpreter.

It takes the calls that the frontend takes and refuses others; test_frontend.py holds the two against each other.
"""

from __future__ import annotations

import ctypes
import enum
import itertools
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tests.cudnn.interpreter import Attributes, execute

Note = enum.Enum("Note", ["TENSOR_CORE", "DOWN_CONVERT_INPUTS", "REDUCED_PRECISION_REDUCTION", "NONDETERMINISTIC"])
DataType = enum.Enum("DataType", ["FLOAT", "DOUBLE"])
HeurMode = enum.Enum("HeurMode", ["A", "FALLBACK"])
Policy = enum.Enum("Policy", ["HEURISTICS_CHOICE", "ALL"])
ALIGNMENT = 16  # bytes: what cuDNN is told of every array
CLASSES = {DataType.FLOAT: ctypes.c_float, DataType.DOUBLE: ctypes.c_double}


class Engine(NamedTuple):
    """One way to compute a convolution."""

    workspace: int
    notes: frozenset[Note] = frozenset()
    problem: Exception | None = None  # of its execution


ENGINES = (
    Engine(2**27, frozenset([Note.TENSOR_CORE])),
    Engine(2**25, frozenset([Note.TENSOR_CORE, Note.DOWN_CONVERT_INPUTS])),
    Engine(2**30),
    Engine(2**20, frozenset([Note.NONDETERMINISTIC])),
    Engine(4096),
    Engine(0),
)


class NotSupportedError(Exception):
    """``cudnn.cudnnGraphNotSupportedError``, which is no RuntimeError."""


class Tensor:
    """An array of a graph, described."""

    def __init__(self, dim: Any = (), stride: Any = (), data_type: Any = None, uid: int = -1) -> None:
        self.dim, self.stride, self.data_type, self.uid, self.output = dim, stride, data_type, uid, False

    def set_output(self, output: bool) -> Tensor:
        self.output = output
        return self

    def set_uid(self, uid: int) -> Tensor:
        self.uid = uid
        return self

    def set_data_type(self, data_type: DataType) -> Tensor:
        self.data_type = data_type
        return self

    def set_dim(self, dim: list[int]) -> Tensor:
        self.dim = dim
        return self

    def set_stride(self, stride: list[int]) -> Tensor:
        self.stride = stride
        return self

    def at(self, address: int) -> Any:
        """The array, if it lies at an address."""
        assert type(address) is int
        assert address % ALIGNMENT == 0
        class_ = CLASSES[self.data_type]
        reach = 1 + sum((size - 1) * step for size, step in zip(self.dim, self.stride, strict=True))
        flat = np.ctypeslib.as_array((class_ * reach).from_address(address))
        return np.lib.stride_tricks.as_strided(flat, self.dim, [step * flat.itemsize for step in self.stride])


class FrontendDouble:
    """What ``import cudnn`` gives."""

    __version__ = "1.26.0"
    data_type = DataType
    numerical_note = Note
    heur_mode = HeurMode
    build_plan_policy = Policy
    cudnnGraphNotSupportedError = NotSupportedError

    def __init__(self) -> None:
        self.engines: tuple[Engine, ...] = ENGINES
        self.problem: Exception | None = None  # of planning
        self.refuses: Callable[[Graph], bool] = lambda graph: False
        self.graphs: list[Graph] = []
        self.runs: list[Run] = []
        self.handles: dict[int, int] = {}  # the stream of each
        self.destroyed: list[int] = []
        self._numbers = itertools.count(100)

    def backend_version(self) -> int:
        return 92800

    def create_handle(self) -> int:
        handle = next(self._numbers)
        self.handles[handle] = 0
        return handle

    def destroy_handle(self, handle: int) -> None:
        del self.handles[handle]
        self.destroyed.append(handle)

    def set_stream(self, handle: int, stream: int) -> None:
        self.handles[handle] = stream

    def pygraph(self, **attributes: Any) -> Graph:
        graph = Graph(self, **attributes)
        self.graphs.append(graph)
        return graph


class Run(NamedTuple):
    """One execution of a plan."""

    operation: str
    engine: Engine
    handle: int
    stream: int
    thread: int
    workspace: int


class Graph:
    """``cudnn.pygraph``."""

    def __init__(
        self,
        frontend: FrontendDouble,
        io_data_type: DataType,
        intermediate_data_type: DataType,
        compute_data_type: DataType,
        handle: int,
    ) -> None:
        assert io_data_type == intermediate_data_type == compute_data_type
        assert handle in frontend.handles
        self.frontend, self.data_type, self.handle = frontend, compute_data_type, handle
        self.tensors: list[Tensor] = []
        self.attributes: Attributes | None = None
        self._barred: set[Note] = set()
        self._limit = float("inf")
        self._steps: list[str] = []
        self._built: dict[int, Engine] = {}
        self._chosen: int | None = None

    def tensor(self, dim: list[int], stride: list[int], data_type: DataType, uid: int) -> Tensor:
        assert {type(number) for number in (*dim, *stride)} == {int}
        self.tensors.append(Tensor(dim, stride, data_type, uid))
        return self.tensors[-1]

    def conv_fprop(self, image: Tensor, weight: Tensor, **how: list[int]) -> Tensor:
        return self._operation("conv_fprop", image, weight, **how)

    def conv_dgrad(self, loss: Tensor, filter: Tensor, **how: list[int]) -> Tensor:
        return self._operation("conv_dgrad", loss, filter, **how)

    def conv_wgrad(self, image: Tensor, loss: Tensor, **how: list[int]) -> Tensor:
        return self._operation("conv_wgrad", image, loss, **how)

    def _operation(self, name: str, first: Tensor, second: Tensor, **how: list[int]) -> Tensor:
        assert [first, second] == self.tensors
        self.attributes = Attributes(name, **{key: (value[0], value[1]) for key, value in how.items()})
        self.tensors.append(Tensor())
        return self.tensors[-1]

    def validate(self) -> None:
        self._step("validate")
        assert self.tensors[-1].output
        for tensor in self.tensors:
            assert min(tensor.dim) > 0
            assert list(tensor.stride) == [int(np.prod(tensor.dim[axis + 1 :])) for axis in range(4)]

    def build_operation_graph(self) -> None:
        self._step("build_operation_graph")
        if self.frontend.problem is not None:
            raise self.frontend.problem

    def create_execution_plans(self, modes: list[HeurMode]) -> None:
        self._step("create_execution_plans")
        assert modes == [HeurMode.A, HeurMode.FALLBACK]
        if self.frontend.refuses(self):
            raise NotSupportedError("No valid engine configs")

    def deselect_numeric_notes(self, notes: list[Note]) -> None:
        self._barred |= set(notes)

    def deselect_workspace_greater_than(self, limit: int) -> None:
        assert type(limit) is int
        assert 0 <= limit < 2**63
        self._limit = limit

    def check_support(self) -> None:
        self._step("check_support")
        if not any(self._allowed(engine) for engine in self.frontend.engines):
            raise NotSupportedError("No plan is supported")

    def build_plans(self, policy: Policy) -> None:
        assert policy is Policy.HEURISTICS_CHOICE
        self._step("build_plans")
        self._chosen = next(i for i, engine in enumerate(self.frontend.engines) if self._allowed(engine))
        self._built[self._chosen] = self.frontend.engines[self._chosen]

    def get_workspace_size(self) -> int:
        assert self._chosen is not None
        return self._built[self._chosen].workspace

    def get_execution_plan_count(self) -> int:
        return len(self.frontend.engines)

    def build_plan_at_index(self, index: int) -> None:
        if not self._allowed(self.frontend.engines[index]):
            raise NotSupportedError("Deselecting execution plan")
        self._built[index] = self.frontend.engines[index]

    def get_workspace_size_plan_at_index(self, index: int) -> int:
        return self._built[index].workspace

    def execute(self, arrays: dict[int, int], workspace: int, handle: int) -> None:
        assert self._chosen is not None
        self.execute_plan_at_index(arrays, workspace, self._chosen, handle)

    def execute_plan_at_index(self, arrays: dict[int, int], workspace: int, index: int, handle: int) -> None:
        engine = self._built[index]
        assert handle == self.handle
        assert bool(workspace) == bool(engine.workspace)
        if engine.problem is not None:
            raise engine.problem
        assert self.attributes is not None
        first, second, out = (tensor.at(arrays[tensor.uid]) for tensor in self.tensors)
        execute(self.attributes, first, second, out)
        stream = self.frontend.handles[handle]
        self.frontend.runs.append(
            Run(self.attributes.operation, engine, handle, stream, threading.get_ident(), engine.workspace)
        )

    def _allowed(self, engine: Engine) -> bool:
        return not engine.notes & self._barred and engine.workspace <= self._limit

    def _step(self, name: str) -> None:
        """cuDNN wants these one after the other."""
        self._steps.append(name)
        order = ["validate", "build_operation_graph", "create_execution_plans", "check_support", "build_plans"]
        assert self._steps == order[: len(self._steps)]
