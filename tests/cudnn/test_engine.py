"""The engine with cuDNN's convolutions, driven by stand-ins for CuPy and for NVIDIA's frontend."""

from __future__ import annotations

import gc
import math
import sys
import threading
import warnings
import weakref
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import vlnn
from tests.conformance.vectors import FOLDER, Case, difference_of, judge, read
from tests.cuda.standin import ndarray
from tests.cudnn.frontend_double import ENGINES, Engine, FrontendDouble, Graph, Note
from tests.geometries import Call, small_convs, small_convts
from vlnn.engines import engine_for
from vlnn.engines.cudnn import sessions

CASES = [case for name in ("vl_nnconv", "vl_nnconvt") for case in read(FOLDER / f"{name}.mat")]
CONVOLUTIONS = {"conv_forward", "conv_backward_data", "conv_backward_filter"}
pytestmark = pytest.mark.usefixtures("frontend", "fallen_back")
same_double = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


def arrays(cupy: Any, dtype: type = np.float32, height: int = 6) -> tuple[Any, Any, Any]:
    """x, f and b of a call of vl_nnconv."""
    random = np.random.default_rng(0)
    host = (random.standard_normal(size) for size in ((height, 5, 3, 2), (3, 2, 3, 4), (1, 4)))
    x, f, b = (cupy.asarray(array, dtype, order="F") for array in host)
    return x, f, b


def expected(x: Any, f: Any, b: Any) -> Any:
    return vlnn.vl_nnconv(x.get(), f.get(), b.get())


def close(got: Any, want: Any) -> None:
    assert type(got) is ndarray
    np.testing.assert_allclose(got.get(), want, rtol=0, atol=1e-5)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.label) for case in CASES])
def test_vectors(case: Case, cupy: Any, frontend: FrontendDouble, fallen_back: list[str]) -> None:
    judge(case.on(cupy), prints=False)
    if frontend.graphs and not case.error and difference_of(case) is None:
        assert not CONVOLUTIONS & set(fallen_back)


def check(call: Call, cupy: Any, frontend: FrontendDouble, fallen_back: list[str]) -> None:
    x, f, b, dzdy = call.arrays()
    on_gpu = [cupy.asarray(array, order="F") for array in (x, f, b, dzdy)]
    frontend.runs.clear()
    call.close(call.forward(*on_gpu[:3]).get(), call.expected(x, f, b))
    for got, want, argument in zip(
        call.backward(*on_gpu), call.expected_derivatives(x, f, dzdy), (x, f, b), strict=True
    ):
        call.close(got.get(), want.reshape(argument.shape, order="F"))
    assert len(frontend.runs) == 3
    assert set(fallen_back) <= {"sum_per_channel"}


@same_double
@given(call=small_convs())
def test_convolutions(call: Call, cupy: Any, frontend: FrontendDouble, fallen_back: list[str]) -> None:
    check(call, cupy, frontend, fallen_back)


@same_double
@given(call=small_convts())
def test_transposed_convolutions(call: Call, cupy: Any, frontend: FrontendDouble, fallen_back: list[str]) -> None:
    check(call, cupy, frontend, fallen_back)


class TestPlans:
    def test_one_for_each_geometry_and_class(self, cupy: Any, frontend: FrontendDouble) -> None:
        x, f, b = arrays(cupy)
        for _ in range(3):
            vlnn.vl_nnconv(x, f, b)
        assert len(frontend.graphs) == 1
        vlnn.vl_nnconv(*arrays(cupy, np.float64))
        vlnn.vl_nnconv(*arrays(cupy, height=7))
        variations = [
            {"pad": [0, 0, 0, 1]},
            {"pad": [0, 0, 1, 0]},
            {"stride": [1, 2]},
            {"stride": [2, 1]},
            {"dilate": 2},
        ]
        for options in variations:
            vlnn.vl_nnconv(x, f, b, **options)
        assert len(frontend.graphs) == 3 + len(variations)
        for options in variations:
            vlnn.vl_nnconv(x, f, b, **options)
        assert len(frontend.graphs) == 3 + len(variations)

    def test_one_for_each_operation(self, cupy: Any, frontend: FrontendDouble) -> None:
        x = cupy.ones((4, 4, 3, 2))
        f = cupy.ones((1, 1, 3, 3))
        for _ in range(2):
            vlnn.vl_nnconv(x, f, [], x)
            vlnn.vl_nnconvt(x, f, [])
        assert [graph.attributes.operation for graph in frontend.graphs] == ["conv_dgrad", "conv_wgrad"]
        vlnn.vl_nnconv(x, f, [])
        assert frontend.graphs[-1].attributes.operation == "conv_fprop"

    @pytest.mark.parametrize(
        ("choices", "chosen"),
        [
            ({}, ENGINES[3]),  # no tensor cores, and not the gigabyte
            ({"cudnn_workspace_limit": math.inf}, ENGINES[2]),
            ({"cudnn_workspace_limit": 1e30}, ENGINES[2]),
            ({"cudnn_workspace_limit": 2**20}, ENGINES[3]),
            ({"cudnn_workspace_limit": 2**20 - 1}, ENGINES[4]),
            ({"cudnn_workspace_limit": 0}, ENGINES[5]),
            ({"deterministic": True}, ENGINES[4]),
            ({"tf32": True}, ENGINES[0]),
            ({"tf32": True, "cudnn_workspace_limit": 2**26}, ENGINES[3]),  # inputs are never converted down
            ({"tf32": True, "deterministic": True, "cudnn_workspace_limit": 4096.5}, ENGINES[4]),
        ],
    )
    def test_what_settings_allow(
        self, choices: dict[str, Any], chosen: Engine, cupy: Any, frontend: FrontendDouble
    ) -> None:
        vlnn.vl_nnconv(*arrays(cupy), cudnnWorkspaceLimit=7, noCuDNN=False)  # plans of other settings do not count
        with vlnn.settings.scoped(cudnn_workspace_limit=512 * 2**20), vlnn.settings.scoped(**choices):
            y = vlnn.vl_nnconv(*arrays(cupy))
        close(y, expected(*arrays(cupy)))
        assert frontend.runs[-1].engine == chosen
        assert cupy.cuda.allocated == ([chosen.workspace] if chosen.workspace else [])

    def test_the_limit_is_sticky(self, cupy: Any, frontend: FrontendDouble) -> None:
        vlnn.vl_nnconv(*arrays(cupy), "CudnnWorkspaceLimit", 4096)
        vlnn.vl_nnconv(*arrays(cupy))
        assert [run.engine for run in frontend.runs] == [ENGINES[4]] * 2

    def test_old_ones_are_forgotten(self, cupy: Any, frontend: FrontendDouble, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sessions, "PLANS", 2)
        for height in (5, 6, 7, 7, 6, 5):
            vlnn.vl_nnconv(*arrays(cupy, height=height))
        assert len(frontend.graphs) == 4

    def test_what_frontend_is_told(self, cupy: Any, frontend: FrontendDouble) -> None:
        vlnn.vl_nnconv(*arrays(cupy, np.float64))
        (graph,) = frontend.graphs
        assert graph.data_type is frontend.data_type.DOUBLE
        assert [tensor.dim for tensor in graph.tensors] == [[2, 3, 5, 6], [4, 3, 2, 3], [2, 4, 4, 4]]


class TestFallback:
    def test_what_cudnn_does_not_support(self, cupy: Any, frontend: FrontendDouble, fallen_back: list[str]) -> None:
        frontend.refuses = lambda graph: graph.attributes.dilation != (1, 1)
        x, f, b = arrays(cupy)
        for _ in range(2):
            close(vlnn.vl_nnconv(x, f, b, dilate=2), vlnn.vl_nnconv(x.get(), f.get(), b.get(), dilate=2))
        assert fallen_back == ["conv_forward"] * 2
        assert len(frontend.graphs) == 1  # and is not asked again
        vlnn.vl_nnconv(x, f, b)
        assert len(frontend.runs) == 1

    def test_all_three_primitives(self, cupy: Any, frontend: FrontendDouble, fallen_back: list[str]) -> None:
        frontend.refuses = lambda graph: True
        x, f, b = arrays(cupy)
        y = vlnn.vl_nnconv(x, f, b)
        want = vlnn.vl_nnconv(x.get(), f.get(), b.get(), y.get())
        for got, derivative in zip(vlnn.vl_nnconv(x, f, b, y), want, strict=True):
            close(got, derivative)
        assert set(fallen_back) == CONVOLUTIONS | {"sum_per_channel"}
        assert not frontend.runs

    def test_no_plan_within_the_limit(self, cupy: Any, frontend: FrontendDouble, fallen_back: list[str]) -> None:
        frontend.engines = ENGINES[:5]
        close(vlnn.vl_nnconv(*arrays(cupy), cudnnWorkspaceLimit=0), expected(*arrays(cupy)))
        assert fallen_back == ["conv_forward"]
        close(vlnn.vl_nnconv(*arrays(cupy), cudnnWorkspaceLimit=math.inf), expected(*arrays(cupy)))
        assert fallen_back == ["conv_forward"]

    def test_a_status_of_not_supported(self, cupy: Any, frontend: FrontendDouble, fallen_back: list[str]) -> None:
        frontend.problem = RuntimeError("finalize failed with CUDNN_STATUS_NOT_SUPPORTED_SHAPE")
        close(vlnn.vl_nnconv(*arrays(cupy)), expected(*arrays(cupy)))
        assert fallen_back == ["conv_forward"]

    def test_other_errors_are_raised(self, cupy: Any, frontend: FrontendDouble, fallen_back: list[str]) -> None:
        frontend.problem = RuntimeError("CUDNN_STATUS_BAD_PARAM")
        for _ in range(2):
            with pytest.raises(RuntimeError, match="BAD_PARAM"):
                vlnn.vl_nnconv(*arrays(cupy))
        frontend.problem = None
        close(vlnn.vl_nnconv(*arrays(cupy)), expected(*arrays(cupy)))
        assert not fallen_back

    def test_errors_of_execution_are_raised(self, cupy: Any, frontend: FrontendDouble, fallen_back: list[str]) -> None:
        frontend.engines = (Engine(0, problem=RuntimeError("CUDNN_STATUS_EXECUTION_FAILED")), *ENGINES)
        with pytest.raises(RuntimeError, match="EXECUTION_FAILED"):
            vlnn.vl_nnconv(*arrays(cupy))
        assert not fallen_back

    @pytest.mark.parametrize("empty", [(0, 5, 3, 2), (6, 5, 3, 0)])
    def test_empty_arrays_are_not_for_cudnn(
        self, empty: tuple[int, ...], cupy: Any, frontend: FrontendDouble, fallen_back: list[str]
    ) -> None:
        _, f, b = arrays(cupy)
        y = vlnn.vl_nnconv(cupy.zeros(empty, np.float32), f, b, pad=3)
        assert y.size == 0
        assert not frontend.graphs
        assert fallen_back == ["conv_forward"]


class TestAutotune:
    def test_the_fastest_is_kept(self, cupy: Any, frontend: FrontendDouble) -> None:
        speeds = dict(zip(ENGINES[2:], (4.0, 3.0, 1.0, 2.0), strict=True))
        frontend.engines = ENGINES
        cupy.cuda.clock = lambda: sum(speeds[run.engine] for run in frontend.runs)
        with vlnn.settings.scoped(autotune=True, cudnn_workspace_limit=math.inf):
            for _ in range(3):
                close(vlnn.vl_nnconv(*arrays(cupy)), expected(*arrays(cupy)))
        assert len(frontend.graphs) == 1
        assert [run.engine for run in frontend.runs[-3:]] == [ENGINES[4]] * 3
        assert len(frontend.runs) == 4 * (1 + 3) + 3  # once
        assert cupy.cuda.allocated[-1] == ENGINES[4].workspace

    def test_only_what_is_allowed_is_tried(self, cupy: Any, frontend: FrontendDouble) -> None:
        with vlnn.settings.scoped(autotune=True, deterministic=True, cudnn_workspace_limit=4096):
            vlnn.vl_nnconv(*arrays(cupy))
        assert {run.engine for run in frontend.runs} == {*ENGINES[4:]}

    def test_what_fails_is_left_out(self, cupy: Any, frontend: FrontendDouble) -> None:
        bad = [Engine(16, problem=RuntimeError("CUDNN_STATUS_EXECUTION_FAILED")), Engine(32, problem=MemoryError())]
        frontend.engines = (*bad, ENGINES[5])
        with vlnn.settings.scoped(autotune=True):
            close(vlnn.vl_nnconv(*arrays(cupy)), expected(*arrays(cupy)))
        assert {run.engine for run in frontend.runs} == {ENGINES[5]}

    @pytest.mark.parametrize("status", ["CUDNN_STATUS_NOT_SUPPORTED", "CUDNN_STATUS_INTERNAL_ERROR"])
    def test_what_cannot_be_built(
        self, status: str, cupy: Any, frontend: FrontendDouble, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        build = Graph.build_plan_at_index

        def fail_once(graph: Graph, index: int) -> None:
            if index == 4:
                raise RuntimeError(status)
            build(graph, index)

        monkeypatch.setattr(Graph, "build_plan_at_index", fail_once)
        with vlnn.settings.scoped(autotune=True, deterministic=True):
            if "NOT_SUPPORTED" not in status:
                with pytest.raises(RuntimeError, match=status):
                    vlnn.vl_nnconv(*arrays(cupy))
                return
            close(vlnn.vl_nnconv(*arrays(cupy)), expected(*arrays(cupy)))
        assert {run.engine for run in frontend.runs} == {ENGINES[5]}

    def test_all_fail(self, cupy: Any, frontend: FrontendDouble) -> None:
        frontend.engines = (Engine(0, problem=RuntimeError("CUDNN_STATUS_EXECUTION_FAILED")),)
        with vlnn.settings.scoped(autotune=True):
            for _ in range(2):
                with pytest.raises(RuntimeError, match="EXECUTION_FAILED"):
                    vlnn.vl_nnconv(*arrays(cupy))

    def test_none_is_allowed(self, cupy: Any, frontend: FrontendDouble, fallen_back: list[str]) -> None:
        frontend.engines = (Engine(0, frozenset([Note.TENSOR_CORE])), Engine(2**30))
        with vlnn.settings.scoped(autotune=True):
            close(vlnn.vl_nnconv(*arrays(cupy)), expected(*arrays(cupy)))
        assert fallen_back == ["conv_forward"]


class TestSessions:
    def test_the_current_stream(self, cupy: Any, frontend: FrontendDouble) -> None:
        for stream in (0, 1234, 5678):
            cupy.cuda.use_stream(stream)
            vlnn.vl_nnconv(*arrays(cupy))
        assert [run.stream for run in frontend.runs] == [0, 1234, 5678]
        assert len(frontend.handles) == 1

    def test_a_handle_for_each_thread(self, cupy: Any, frontend: FrontendDouble) -> None:
        results: list[Any] = []

        def work(stream: int) -> None:
            cupy.cuda.use_stream(stream)
            for _ in range(3):
                results.append(vlnn.vl_nnconv(*arrays(cupy)))

        threads = [threading.Thread(target=work, args=(stream,)) for stream in range(1, 5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for y in results:
            close(y, expected(*arrays(cupy)))
        assert len({(run.thread, run.handle, run.stream) for run in frontend.runs}) == 4
        assert len({run.handle for run in frontend.runs}) == 4

    def test_handles_go_with_their_threads(self, cupy: Any, frontend: FrontendDouble) -> None:
        for _ in range(5):
            thread = threading.Thread(target=lambda: vlnn.vl_nnconv(*arrays(cupy)))
            thread.start()
            thread.join()
        gc.collect()
        assert sorted(frontend.destroyed) == sorted({run.handle for run in frontend.runs})

    def test_plans_go_before_their_handle(
        self, cupy: Any, frontend: FrontendDouble, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        left: list[bool] = []
        monkeypatch.setattr(
            frontend, "destroy_handle", lambda handle: left.extend(plan() is not None for plan in plans)
        )
        vlnn.vl_nnconv(*arrays(cupy))
        plans = [weakref.ref(graph) for graph in frontend.graphs]
        frontend.graphs.clear()
        sessions.THREAD.sessions.clear()
        assert left == [False]

    def test_a_handle_for_each_device(
        self, cupy: Any, frontend: FrontendDouble, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for device in (0, 1, 0, 1):
            cupy.cuda.device_id = device
            memory = property(lambda self, device=device: SimpleNamespace(ptr=self._host.ctypes.data, device_id=device))
            monkeypatch.setattr(ndarray, "data", memory)
            vlnn.vl_nnconv(*arrays(cupy))
        handles = [run.handle for run in frontend.runs]
        assert handles[:2] == handles[2:]
        assert len(set(handles)) == 2

    def test_arrays_of_another_device(self, cupy: Any, frontend: FrontendDouble) -> None:
        cupy.cuda.device_id = 1
        with pytest.raises(ValueError, match="The array is on GPU 0, the current one is GPU 1"):
            vlnn.vl_nnconv(*arrays(cupy))
        assert not frontend.runs


class TestArrays:
    def test_those_off_alignment_are_copied(self, cupy: Any, frontend: FrontendDouble) -> None:
        x, f, b = arrays(cupy)
        room = cupy.zeros(x.size + 1, x.dtype)
        shifted = room[1:].reshape(x.shape[::-1]).T
        shifted[...] = x
        close(vlnn.vl_nnconv(shifted, f, b), expected(x, f, b))  # the frontend's stand-in looks at addresses

    @pytest.mark.parametrize("part", [np.s_[::2, 1:], np.s_[::-1], np.s_[:, :, ::-1]])
    def test_views(self, part: Any, cupy: Any) -> None:
        x, f, b = arrays(cupy, height=9)
        close(vlnn.vl_nnconv(x[part], f, b), expected(x[part], f, b))

    def test_biases(self, cupy: Any) -> None:
        x, f, b = arrays(cupy)
        close(vlnn.vl_nnconv(x, f, []), vlnn.vl_nnconv(x.get(), f.get(), []))
        close(vlnn.vl_nnconv(x, f, b), expected(x, f, b))
        y = vlnn.vl_nnconvt(x, f[:, :, :, :3], cupy.ones((1, 3), np.float32))
        close(y, vlnn.vl_nnconvt(x.get(), f.get()[:, :, :, :3], np.ones((1, 3), np.float32)))

    @pytest.mark.parametrize("function", [vlnn.vl_nnconv, vlnn.vl_nnconvt])
    def test_libraries_do_not_mix(self, function: Any, cupy: Any) -> None:
        x, f = np.ones((3, 3)), np.ones((2, 2))
        for data, filters in ((cupy.asarray(x), f), (x, cupy.asarray(f))):
            with pytest.raises(vlnn.MatConvNetError, match=r"^DATA and FILTERS do not have compatible formats"):
                function(data, filters, [])
        assert function(cupy.asarray(x), cupy.asarray(f), np.zeros((0, 0))).size


class TestChoice:
    def test_cudnn_is_the_default(self, cupy: Any) -> None:
        assert engine_for(cupy.ones(1)).backend == "cuDNN"

    def test_no_cudnn_is_sticky(self, cupy: Any, frontend: FrontendDouble, fallen_back: list[str]) -> None:
        vlnn.vl_nnconv(*arrays(cupy), "NoCuDNN")
        close(vlnn.vl_nnconv(*arrays(cupy)), expected(*arrays(cupy)))
        assert fallen_back == ["conv_forward"] * 2
        assert not frontend.handles  # it is not even looked for
        vlnn.vl_nnconv(*arrays(cupy), "CuDNN")
        vlnn.vl_nnconv(*arrays(cupy))
        assert len(frontend.runs) == 2

    @pytest.mark.parametrize("missing", ["module", "other module", "libcudnn", "library path", "handle"])
    def test_cudnn_is_missing(
        self, missing: str, cupy: Any, frontend: FrontendDouble, fallen_back: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*args: Any) -> Any:
            raise (OSError if missing == "library path" else RuntimeError)("Unable to find symbol cudnnGetVersion")

        asked = []
        if missing == "module":
            monkeypatch.setitem(sys.modules, "cudnn", None)
        elif missing == "other module":
            monkeypatch.setitem(sys.modules, "cudnn", ModuleType("cudnn"))
        else:
            name = "create_handle" if missing == "handle" else "backend_version"
            monkeypatch.setattr(frontend, name, lambda: asked.append(name) or fail())
        for _ in range(3):  # without being asked for, and without a word
            close(vlnn.vl_nnconv(*arrays(cupy)), expected(*arrays(cupy)))
        assert fallen_back == ["conv_forward"] * 3
        assert len(asked) <= 1
        with pytest.warns(UserWarning, match=r"cuDNN is asked for but .*pip install 'vlnn\[cuda13\]'") as found:
            vlnn.vl_nnconv(*arrays(cupy), "CuDNN")
        assert [warning.filename for warning in found] == [__file__]
        vlnn.vl_nnconv(*arrays(cupy), "CuDNN")  # once is enough
        assert engine_for(cupy.ones(1)).backend != "cuDNN"

    def test_numpy_never_asks(self, frontend: FrontendDouble) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            vlnn.vl_nnconv(np.ones((3, 3)), np.ones((2, 2)), [], "CuDNN")
        assert not frontend.handles


class TestVerbose:
    def printed(self, capsys: pytest.CaptureFixture[str]) -> list[str]:
        return capsys.readouterr().out.splitlines()

    def test_forward(self, cupy: Any, capsys: pytest.CaptureFixture[str]) -> None:
        vlnn.vl_nnconv(*arrays(cupy), "Verbose")
        lines = self.printed(capsys)
        assert lines[0] == "vl_nnconv: forward; GPU; cuDNN"
        assert lines[-1] == "vl_nnconv: cuDNN workspace used: fwd 1 MB, bwd filter 0 MB, bwd data 0 MB"
        assert "vl_nnconv: data: [6 5 3 2 | float 720.0B GPU]" in lines

    def test_backward(self, cupy: Any, frontend: FrontendDouble, capsys: pytest.CaptureFixture[str]) -> None:
        x, f, b = arrays(cupy)
        y = vlnn.vl_nnconv(x, f, b)  # what it takes is not shown
        frontend.engines = (Engine(12345),)
        vlnn.vl_nnconv(x, f, b, y, "Verbose", "CudnnWorkspaceLimit", math.inf)
        last = "vl_nnconv: cuDNN workspace used: fwd 0 MB, bwd filter 0.0117731 MB, bwd data 0.0117731 MB"
        assert self.printed(capsys)[-1] == last
        vlnn.vl_nnconv(x, f, b, y, "Verbose", "NoDerData")
        assert self.printed(capsys)[-1] == last.replace("bwd data 0.0117731", "bwd data 0")

    def test_transposed(self, cupy: Any, capsys: pytest.CaptureFixture[str]) -> None:
        x, f, _ = arrays(cupy)
        vlnn.vl_nnconvt(x, f[:, :, :, :3], [], "Verbose")
        lines = self.printed(capsys)
        assert lines[0] == "vl_nnconvt: forward; GPU; cuDNN"
        assert lines[-1] == "vl_nnconvt: cuDNN workspace used: fwd 0 MB, bwd filter 0 MB, bwd data 1 MB"

    def test_fallback_takes_none(self, cupy: Any, frontend: FrontendDouble, capsys: pytest.CaptureFixture[str]) -> None:
        vlnn.vl_nnconv(*arrays(cupy))
        frontend.refuses = lambda graph: True
        vlnn.vl_nnconv(*arrays(cupy, height=8), "Verbose")
        assert self.printed(capsys)[-1].endswith("fwd 0 MB, bwd filter 0 MB, bwd data 0 MB")

    def test_without_cudnn(self, cupy: Any, capsys: pytest.CaptureFixture[str]) -> None:
        vlnn.vl_nnconv(np.ones((3, 3)), np.ones((2, 2)), [], "Verbose")
        assert "workspace" not in capsys.readouterr().out
