"""Tasks on threads: every item done once, exceptions raised, NumPy's BLAS left as it was."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import threadpoolctl  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

import vlnn
from vlnn.engines.cpu import threads


def processors() -> int:
    """How many processors this thread may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


CORES = processors()
X = np.random.default_rng(0).standard_normal((40, 40, 16, 4)).astype(np.float32)
F = np.random.default_rng(1).standard_normal((3, 3, 16, 24)).astype(np.float32)


def blas_threads() -> dict[str, int]:
    """What every BLAS in this process may use, NumPy's among them."""
    pools = {
        pool["filepath"]: pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"
    }
    assert any("numpy" in path for path in pools)
    return pools


def numpy_threads() -> int:
    return next(count for path, count in blas_threads().items() if "numpy" in path)


@contextmanager
def blas_stays_as_it_is() -> Iterator[None]:
    before = blas_threads()
    yield
    assert blas_threads() == before


def convolve() -> Any:
    return vlnn.vl_nnconv(X, F, [], pad=1)


@pytest.mark.parametrize("workers", [1, 2, 3, 8])
@pytest.mark.parametrize("items", [0, 1, 2, 5, 100])
def test_every_item_once(workers: int, items: int) -> None:
    done: list[int] = []
    with vlnn.settings.scoped(threads=workers), blas_stays_as_it_is():
        threads.each(done.append, iter(range(items)))
    assert sorted(done) == list(range(items))


@pytest.mark.parametrize("workers", [2, 4])
def test_at_the_same_time(workers: int) -> None:
    meeting = threading.Barrier(workers, timeout=20)
    with vlnn.settings.scoped(threads=workers):
        threads.each(lambda _: meeting.wait(), range(workers))


def test_one_thread_is_the_callers() -> None:
    seen: list[tuple[int, int]] = []
    with vlnn.settings.scoped(threads=1), blas_stays_as_it_is():
        threads.each(lambda _: seen.append((threading.get_ident(), numpy_threads())), range(4))
    assert seen == [(threading.get_ident(), 1)] * 4


def test_blas_has_one_thread_in_each_task() -> None:
    seen: list[int] = []
    with vlnn.settings.scoped(threads=2), blas_stays_as_it_is():
        threads.each(lambda _: seen.append(numpy_threads()), range(6))
    assert seen == [1] * 6


@pytest.mark.parametrize("error", [ValueError, KeyError, KeyboardInterrupt, MemoryError])
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_an_exception_is_raised(workers: int, error: type[BaseException]) -> None:
    started: list[int] = []

    def work(item: int) -> None:
        started.append(item)
        if item == 3:
            raise error("item 3")
        time.sleep(0.001)

    with vlnn.settings.scoped(threads=workers), blas_stays_as_it_is():
        with pytest.raises(error, match="item 3"):
            threads.each(work, range(2000))
        assert len(started) < 2000  # nobody starts on the rest
        done: list[int] = []
        threads.each(done.append, range(20))
    assert sorted(done) == list(range(20))


def test_no_task_runs_on_after_an_exception() -> None:
    running = 0
    lock = threading.Lock()

    def work(item: int) -> None:
        nonlocal running
        with lock:
            running += 1
        try:
            if item == 0:
                raise ValueError
            time.sleep(0.05)
        finally:
            with lock:
                running -= 1

    with vlnn.settings.scoped(threads=3):
        with pytest.raises(ValueError):  # noqa: PT011 - raised without a message
            threads.each(work, range(3))
        assert running == 0


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_each_in_each(workers: int) -> None:
    done: list[tuple[int, int, int]] = []

    def outer(i: int) -> None:
        me = threading.get_ident()
        threads.each(lambda j: done.append((i, j, threading.get_ident() - me)), range(5))

    with vlnn.settings.scoped(threads=workers), blas_stays_as_it_is():
        threads.each(outer, range(6))
    expected_thread = {0} if workers > 1 else {thread for _, _, thread in done}
    assert {thread for _, _, thread in done} == expected_thread  # a task works through its items alone
    assert sorted((i, j) for i, j, _ in done) == [(i, j) for i in range(6) for j in range(5)]


def test_an_exception_from_each_in_each() -> None:
    def fail(_: int) -> None:
        raise LookupError("inner")

    with vlnn.settings.scoped(threads=2), blas_stays_as_it_is(), pytest.raises(LookupError, match="inner"):
        threads.each(lambda _: threads.each(fail, range(3)), range(4))


@pytest.mark.parametrize("workers", [1, 2])
def test_tasks_give_no_floating_point_warnings(workers: int) -> None:
    """As MatConvNet says nothing of Inf - Inf; a warning in a task could not be switched off from outside."""
    seen: list[set[object]] = []
    before = np.geterr()
    with vlnn.settings.scoped(threads=workers):
        threads.each(lambda _: seen.append(set(np.geterr().values())), range(4))
    assert seen == [{"ignore"}] * 4
    assert np.geterr() == before


def test_count_is_what_blas_may_use() -> None:
    assert threads.count() == min(numpy_threads(), CORES)
    with threadpoolctl.threadpool_limits(1, "blas"):
        assert threads.count() == 1
    assert threads.count() == min(numpy_threads(), CORES)


def test_settings_go_before_limits() -> None:
    with threadpoolctl.threadpool_limits(1, "blas"), vlnn.settings.scoped(threads=3):
        assert threads.count() == 3


def test_limits_hold_for_calls() -> None:
    names: set[str] = set()
    with threadpoolctl.threadpool_limits(1, "blas"), blas_stays_as_it_is():
        threads.each(lambda _: names.add(threading.current_thread().name), range(8))
        convolve()
    assert names == {threading.current_thread().name}


@pytest.mark.parametrize("workers", [None, 1, 2, 5])
def test_calls_leave_blas_as_it_was(workers: int | None) -> None:
    with vlnn.settings.scoped(threads=workers), blas_stays_as_it_is():
        y = convolve()
        vlnn.vl_nnconv(X, F, [], y, pad=1)
        vlnn.vl_nnconvt(y, F, [], y[:, :, :16], crop=1)


def test_calls_that_fail_leave_blas_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    each = threads.each

    def failing(work: Callable[[Any], object], items: Any) -> None:
        def fail(item: Any) -> None:
            work(item)
            raise MemoryError("no room")

        each(fail, items)

    monkeypatch.setattr(threads, "each", failing)
    with vlnn.settings.scoped(threads=2), blas_stays_as_it_is(), pytest.raises(MemoryError, match="no room"):
        convolve()


@pytest.mark.parametrize("workers", [None, 1, 2, 3])
def test_numbers_do_not_depend_on_threads(workers: int | None) -> None:
    with vlnn.settings.scoped(threads=1):
        y = convolve()
        derivatives = vlnn.vl_nnconv(X, F, [], y, pad=1)
    with vlnn.settings.scoped(threads=workers):
        results = (convolve(), *vlnn.vl_nnconv(X, F, [], y, pad=1))
    for got, want in zip(results, (y, *derivatives), strict=True):
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-5 * np.abs(want).max(initial=1.0))


def test_several_callers_at_once() -> None:
    want = convolve()
    with blas_stays_as_it_is():
        with vlnn.settings.scoped(threads=2), ThreadPoolExecutor(4) as callers:
            results = list(callers.map(lambda _: convolve(), range(24)))
        for y in results:
            np.testing.assert_allclose(y, want, rtol=0, atol=1e-5 * np.abs(want).max())


def test_a_caller_does_not_wait_for_the_work_of_another() -> None:
    finish, started = threading.Event(), threading.Barrier(3, timeout=20)

    def long_work(_: int) -> None:
        started.wait()
        finish.wait(20)

    with vlnn.settings.scoped(threads=2):
        other = threading.Thread(target=threads.each, args=(long_work, range(2)))
        other.start()
        try:
            started.wait()  # both of its tasks are at work
            mine = threading.Thread(target=threads.each, args=(lambda _: None, range(2)))
            mine.start()
            mine.join(5)
            waited = mine.is_alive()
        finally:
            finish.set()
            other.join(20)
        mine.join(20)
    assert not waited


def test_several_callers_some_of_whom_fail() -> None:
    def call(number: int) -> str:
        try:
            threads.each(lambda item: 1 // (item - number), range(4))
        except ZeroDivisionError:
            return "failed"
        return "worked"

    with blas_stays_as_it_is(), vlnn.settings.scoped(threads=2), ThreadPoolExecutor(4) as callers:
        outcomes = list(callers.map(call, range(8)))
    assert outcomes == ["failed"] * 4 + ["worked"] * 4


# The processors on which a thread may run


chooses_processors = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity on this system")


@contextmanager
def processors_stay_as_they_are() -> Iterator[None]:
    before = os.sched_getaffinity(0)
    try:
        yield
    finally:
        after = os.sched_getaffinity(0)
        os.sched_setaffinity(0, before)
    assert after == before


@chooses_processors
@pytest.mark.parametrize("workers", [1, 2, 5])
def test_processors_of_the_caller(workers: int) -> None:
    with vlnn.settings.scoped(threads=workers), processors_stay_as_they_are():
        for _ in range(20):
            threads.each(lambda _: None, range(8))
        convolve()


@chooses_processors
def test_processors_of_the_caller_after_an_exception() -> None:
    with vlnn.settings.scoped(threads=2), processors_stay_as_they_are(), pytest.raises(ZeroDivisionError):
        threads.each(lambda item: 1 // item, range(3))


@chooses_processors
def test_processors_of_several_callers() -> None:
    def call(_: int) -> bool:
        before = os.sched_getaffinity(0)
        threads.each(lambda _: time.sleep(0.001), range(4))
        return os.sched_getaffinity(0) == before

    with vlnn.settings.scoped(threads=3), ThreadPoolExecutor(4) as callers:
        assert all(callers.map(call, range(40)))


@chooses_processors
def test_processors_that_may_not_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some sandboxes forbid it; that is no reason to fail."""

    def forbidden(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "sched_setaffinity", forbidden)
    done: list[int] = []
    with vlnn.settings.scoped(threads=2):
        threads.each(done.append, range(10))
    assert sorted(done) == list(range(10))


@given(st.integers(1, 10**6), st.floats(0, 1e12), st.floats(1, 1e9))
def test_spans_cut_a_range_into_pieces(length: int, cost: float, least: float) -> None:
    pieces = threads.spans(length, cost, least)
    assert pieces[0].start == 0
    assert pieces[-1].stop == length
    assert all(piece.start < piece.stop for piece in pieces)
    assert all(one.stop == other.start for one, other in itertools.pairwise(pieces))
    assert len(pieces) == 1 or cost >= least


# What a process does with its environment, its cores, its end and its children.


def answer(program: str, **environment: str) -> str:
    process = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert not process.stderr
    return process.stdout.strip()


COUNT = "from vlnn.engines.cpu import threads; print(threads.count())"


@pytest.mark.parametrize("variable", ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"])
def test_the_environment_limits_threads(variable: str) -> None:
    assert answer(COUNT, **{variable: "1"}) == "1"


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity on this system")
def test_the_cores_that_a_process_may_use_limit_threads() -> None:
    assert answer(f"import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))]); {COUNT}") == "1"


def test_importing_starts_no_thread() -> None:
    assert answer("import threading, vlnn; print(threading.active_count())") == "1"


def test_a_process_that_used_threads_ends() -> None:
    program = "import numpy as np, vlnn; vlnn.settings.threads = 3; from vlnn.engines.cpu import threads\n"
    program += "threads.each(print, [7] * 1); threads.each(lambda _: None, range(9)); print('end')"
    assert answer(program).split() == ["7", "end"]


def work_in_child(results: Any) -> None:
    before = numpy_threads()
    done: list[int] = []
    vlnn.settings.threads = 2
    threads.each(done.append, range(10))
    same = np.allclose(convolve(), EXPECTED, rtol=0, atol=1e-3)
    results.put((sorted(done) == list(range(10)), bool(same), numpy_threads() == before, processors()))


EXPECTED = convolve()


def forked() -> tuple[bool, bool, bool, int]:
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    child = context.Process(target=work_in_child, args=(results,))
    child.start()
    try:
        answer: tuple[bool, bool, bool, int] = results.get(timeout=30)
    finally:
        child.join(10)
        if child.is_alive():
            child.kill()
    assert child.exitcode == 0
    return answer


can_fork = pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork on this system")
# Python 3.12 and later warn that a forked process has one thread only, which is what is tested.
may_fork = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


@can_fork
@may_fork
def test_a_forked_child_has_threads_of_its_own() -> None:
    with vlnn.settings.scoped(threads=2):
        threads.each(lambda _: time.sleep(0.01), range(4))  # the parent has a pool now
    assert forked() == (True, True, True, CORES)


@can_fork
@may_fork
def test_a_child_forked_in_the_middle_of_work() -> None:
    started, finish = threading.Event(), threading.Event()

    def work(_: int) -> None:
        started.set()
        finish.wait(40)

    with vlnn.settings.scoped(threads=2), blas_stays_as_it_is():
        worker = threading.Thread(target=threads.each, args=(work, range(2)))
        worker.start()
        try:
            assert started.wait(20)
            assert forked() == (True, True, True, CORES)
        finally:
            finish.set()
            worker.join(20)
        assert not worker.is_alive()
