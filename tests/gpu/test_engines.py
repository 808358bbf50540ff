"""What holds on a card beyond right numbers: precision, the same bits again, memory, streams, threads."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

import vlnn
from tests.dagnn.nets import X, residual
from tests.gpu.conftest import obstacle
from tests.simplenn.nets import deep
from vlnn.doctor import examine
from vlnn.engines import engine_for

pytestmark = pytest.mark.gpu
if obstacle():
    pytest.skip(obstacle(), allow_module_level=True)

CALLS = 10_000
FUNCTIONS = [vlnn.vl_nnconv, vlnn.vl_nnconvt]


def arrays(cupy: Any, size: int = 24, depth: int = 64, seed: int = 0) -> tuple[Any, Any, Any]:
    """x, f and b, of as many channels as filters."""
    random = np.random.default_rng(seed)
    sizes = ((size, size, depth, 4), (3, 3, depth, depth), (1, depth))
    x, f, b = (cupy.asarray(random.standard_normal(shape, np.float32), order="F") for shape in sizes)
    return x, f, b


def error(cupy: Any, function: Any) -> float:
    """How far off single precision is, of the largest magnitude."""
    x, f, b = arrays(cupy, depth=256)
    want = function(*(array.get().astype(np.float64) for array in (x, f, b)))
    return float(np.abs(function(x, f, b).get() - want).max() / np.abs(want).max())


@pytest.mark.parametrize("function", FUNCTIONS)
def test_single_precision(function: Any, engine: str, cupy: Any) -> None:
    assert error(cupy, function) < 1e-5  # TF32 is off by 3e-4


@pytest.mark.parametrize("function", FUNCTIONS)
def test_tf32(function: Any, cudnn: None, cupy: Any) -> None:
    with vlnn.settings.scoped(tf32=True):
        assert error(cupy, function) < 5e-3


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_same_bits_again(function: Any, engine: str, cupy: Any) -> None:
    x, f, b = arrays(cupy)
    with vlnn.settings.scoped(deterministic=True):
        y = function(x, f, b)
        first = function(x, f, b, y)
        for _ in range(20):
            for again, before in zip(function(x, f, b, y), first, strict=True):
                np.testing.assert_array_equal(again.get(), before.get())


@pytest.mark.parametrize("function", FUNCTIONS)
def test_autotune(function: Any, cudnn: None, cupy: Any) -> None:
    x, f, b = arrays(cupy)
    want = function(x, f, b).get()
    with vlnn.settings.scoped(autotune=True):
        for _ in range(2):
            np.testing.assert_allclose(function(x, f, b).get(), want, rtol=0, atol=1e-5 * np.abs(want).max())


@pytest.mark.parametrize("function", FUNCTIONS)
def test_memory_does_not_grow(function: Any, engine: str, cupy: Any) -> None:
    x, f, b = arrays(cupy, size=8, depth=8)

    def work(count: int) -> int:
        for _ in range(count):
            function(x, f, b, function(x, f, b))
        cupy.cuda.get_current_stream().synchronize()
        free, _ = cupy.cuda.runtime.memGetInfo()
        return int(free)

    before = work(100)
    assert work(CALLS) >= before


def test_arrays_off_alignment(engine: str, cupy: Any) -> None:
    x, f, b = arrays(cupy)
    room = cupy.zeros(x.size + 1, x.dtype)
    shifted = room[1:].reshape(x.shape[::-1]).T
    shifted[...] = x
    np.testing.assert_array_equal(vlnn.vl_nnconv(shifted, f, b).get(), vlnn.vl_nnconv(x, f, b).get())


@pytest.mark.parametrize("part", [np.s_[::2, 1:], np.s_[::-1], np.s_[:, :, ::-1]])
def test_views(part: Any, engine: str, cupy: Any) -> None:
    x, f, b = arrays(cupy)
    want = vlnn.vl_nnconv(x.get()[part], f.get(), b.get())
    np.testing.assert_allclose(vlnn.vl_nnconv(x[part], f, b).get(), want, rtol=0, atol=1e-5 * np.abs(want).max())


def test_threads_and_streams(engine: str, cupy: Any) -> None:
    """Four threads, each with a stream and data of its own."""
    given = [arrays(cupy, size=size, seed=size) for size in (20, 21, 22, 23)]
    want = [vlnn.vl_nnconv(*each).get() for each in given]
    cupy.cuda.Device().synchronize()
    failed: list[BaseException] = []

    def work(number: int) -> None:
        try:
            with cupy.cuda.Stream(non_blocking=True) as stream:
                for _ in range(200):
                    y = vlnn.vl_nnconv(*given[number])
                stream.synchronize()
                np.testing.assert_allclose(y.get(), want[number], rtol=0, atol=1e-5 * np.abs(want[number]).max())
        except BaseException as problem:
            failed.append(problem)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(given))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


def test_the_choice_of_engine(engine: str, cupy: Any) -> None:
    assert engine_for(cupy.zeros(1)).backend == {"cuDNN": "cuDNN", "NoCuDNN": "cuBLAS"}[engine]


def test_verbose(engine: str, cupy: Any, capsys: pytest.CaptureFixture[str]) -> None:
    vlnn.vl_nnconv(cupy.ones((3, 3)), cupy.ones((2, 2)), [], "Verbose")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"vl_nnconv: forward; GPU; {'cuDNN' if engine == 'cuDNN' else 'cuBLAS'}"
    assert "vl_nnconv: data: [3 3 1 1 | double 72.0B GPU]" in lines
    assert lines[-1].startswith("vl_nnconv: cuDNN workspace used: fwd ") == (engine == "cuDNN")


@pytest.mark.parametrize("function", FUNCTIONS)
def test_libraries_do_not_mix(function: Any, cupy: Any) -> None:
    x, f = np.ones((3, 3)), np.ones((2, 2))
    with pytest.raises(vlnn.MatConvNetError, match="DATA and FILTERS do not have compatible formats"):
        function(cupy.asarray(x), f, [])
    assert function(cupy.asarray(x), cupy.asarray(f), np.zeros((0, 0))).size  # [] of any library


def test_networks(engine: str, cupy: Any) -> None:
    net, x, _ = deep()
    y = vlnn.vl_simplenn_move(net, "gpu").predict(x)
    assert isinstance(y, cupy.ndarray)
    np.testing.assert_allclose(y.get(), net.predict(x), atol=1e-9)
    graph, same = residual(), residual()
    same.move("gpu")
    np.testing.assert_allclose(same.predict(cupy.asarray(X)).get(), graph.predict(X), atol=1e-9)


def test_doctor(cudnn: None) -> None:
    found = {finding.name: finding for finding in examine()}
    assert [found[name].state for name in ("cupy", "GPU", "cuDNN")] == ["ok"] * 3
