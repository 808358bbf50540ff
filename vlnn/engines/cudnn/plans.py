"""How cuDNN computes a convolution: the plan is chosen once, by cuDNN's guess or by the clock, and run from then on."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from vlnn.engines.cudnn.graphs import ConvGraph, Dims, conv_graph, packed_strides
from vlnn.geometry import ConvGeometry
from vlnn.settings import settings

FIRST, SECOND, OUT = 1, 2, 3  # what the graph calls its arrays
TIMED_RUNS = 3
NO_LIMIT = 2.0**63  # cuDNN counts bytes in 64 bits


class Choices(NamedTuple):
    """The settings that decide which plans are allowed, and how one is picked."""

    limit: float
    tf32: bool
    deterministic: bool
    autotune: bool

    @classmethod
    def in_force(cls) -> Choices:
        s = settings
        return cls(s.cudnn_workspace_limit, s.tf32, s.deterministic, s.autotune)


class Plan:
    """A convolution that cuDNN computes.

    Attributes
    ----------
    shape : tuple of 4 int
        The shape of the result.
    workspace : int
        Bytes of scratch memory that it needs.
    """

    def __init__(self, graph: Any, shape: Dims, workspace: int, candidates: list[int] | None = None) -> None:
        self.shape = shape
        self.workspace = workspace
        self._graph = graph
        self._candidates = candidates or []
        self._index: int | None = None

    def run(self, arrays: dict[int, int], handle: Any) -> None:
        """Compute, given the addresses of FIRST, SECOND and OUT."""
        if self._candidates:
            self._tune(arrays, handle)
        self._launch(self._index, arrays, self.workspace, handle)

    def _launch(self, index: int | None, arrays: dict[int, int], workspace: int, handle: Any) -> None:
        import cupy

        memory = cupy.cuda.alloc(workspace) if workspace else None  # held until the work is queued
        address = memory.ptr if memory else 0
        if index is None:
            self._graph.execute(arrays, address, handle=handle)
        else:
            self._graph.execute_plan_at_index(arrays, address, index, handle=handle)

    def _tune(self, arrays: dict[int, int], handle: Any) -> None:
        """Keep the candidate that takes the least time."""
        best = math.inf
        problem: Exception | None = None
        for index in self._candidates:
            workspace = self._graph.get_workspace_size_plan_at_index(index)
            try:
                milliseconds = self._time(index, arrays, workspace, handle)
            except (RuntimeError, MemoryError) as failure:  # one plan's failure is no reason to do without the others
                problem = failure
                continue
            if milliseconds < best:
                best, self._index, self.workspace = milliseconds, index, workspace
        if self._index is None and problem is not None:
            raise problem
        self._candidates = []

    def _time(self, index: int, arrays: dict[int, int], workspace: int, handle: Any) -> float:
        import cupy

        self._launch(index, arrays, workspace, handle)
        start, end = cupy.cuda.Event(), cupy.cuda.Event()
        start.record()
        for _ in range(TIMED_RUNS):
            self._launch(index, arrays, workspace, handle)
        end.record()
        end.synchronize()
        return float(cupy.cuda.get_elapsed_time(start, end))


def plan_for(
    frontend: Any, place: dict[str, Any], operation: str, geometry: ConvGeometry, dtype: np.dtype[Any], choices: Choices
) -> Plan | None:
    """The plan for one of the three primitives on packed arrays; None where cuDNN has none that is allowed.

    `place` says for which device: ``{"handle": handle}``.
    """
    conv = conv_graph(operation, geometry)
    try:
        graph = _graph(frontend, place, conv, dtype, choices)
        if choices.autotune:
            indexes = range(graph.get_execution_plan_count())
            candidates = [index for index in indexes if _can_be_built(frontend, graph, index)]
            return Plan(graph, conv.out, 0, candidates) if candidates else None
        graph.build_plans(frontend.build_plan_policy.HEURISTICS_CHOICE)
        return Plan(graph, conv.out, graph.get_workspace_size())
    except (frontend.cudnnGraphNotSupportedError, RuntimeError) as problem:
        _raise_unless_unsupported(frontend, problem)
        return None


def _graph(frontend: Any, place: dict[str, Any], conv: ConvGraph, dtype: np.dtype[Any], choices: Choices) -> Any:
    """The graph, with the plans from which one may be picked."""
    data_type = frontend.data_type.FLOAT if dtype == np.float32 else frontend.data_type.DOUBLE
    graph = frontend.pygraph(
        io_data_type=data_type, intermediate_data_type=data_type, compute_data_type=data_type, **place
    )

    def packed(dims: Dims, uid: int) -> Any:
        return graph.tensor(dim=list(dims), stride=list(packed_strides(dims)), data_type=data_type, uid=uid)

    out = getattr(graph, conv.operation)(
        packed(conv.first, FIRST),
        packed(conv.second, SECOND),
        pre_padding=list(conv.pre_padding),
        post_padding=list(conv.post_padding),
        stride=list(conv.stride),
        dilation=list(conv.dilation),
    )
    out.set_output(True).set_uid(OUT).set_data_type(data_type)
    out.set_dim(list(conv.out)).set_stride(list(packed_strides(conv.out)))
    graph.validate()
    graph.build_operation_graph()
    graph.create_execution_plans([frontend.heur_mode.A, frontend.heur_mode.FALLBACK])
    graph.deselect_numeric_notes(_barred(frontend, choices))
    if choices.limit < NO_LIMIT:
        graph.deselect_workspace_greater_than(int(choices.limit))
    graph.check_support()
    return graph


def _barred(frontend: Any, choices: Choices) -> list[Any]:
    """What no plan may do. cuDNN's way of saying TF32 is that a plan for single precision uses tensor cores."""
    note = frontend.numerical_note
    barred = [note.DOWN_CONVERT_INPUTS, note.REDUCED_PRECISION_REDUCTION]
    if not choices.tf32:
        barred.append(note.TENSOR_CORE)
    if choices.deterministic:
        barred.append(note.NONDETERMINISTIC)
    return barred


def _can_be_built(frontend: Any, graph: Any, index: int) -> bool:
    """Build a plan, which is when cuDNN says whether it is allowed."""
    try:
        graph.build_plan_at_index(index)
    except (frontend.cudnnGraphNotSupportedError, RuntimeError) as problem:
        _raise_unless_unsupported(frontend, problem)
        return False
    return True


def _raise_unless_unsupported(frontend: Any, problem: Exception) -> None:
    """cuDNN has two ways of saying that it has no plan."""
    if not isinstance(problem, frontend.cudnnGraphNotSupportedError) and "NOT_SUPPORTED" not in str(problem):
        raise problem
