"""All cores for NumPy: tasks on threads, with NumPy's BLAS kept to one thread each meanwhile.

NumPy lets other threads run while it copies, adds or multiplies, so that plain Python threads share the work. The
number of threads is ``settings.threads``, else as many as NumPy's BLAS may use: OMP_NUM_THREADS, OPENBLAS_NUM_THREADS
and limits set through threadpoolctl all show there.
"""

from __future__ import annotations

import ctypes
import itertools
import math
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any, TypeVar

import numpy as np

from vlnn.engines.cpu.blas import BLAS, processors
from vlnn.matlab.arrays import Array
from vlnn.settings import settings

T = TypeVar("T")
Outcomes = SimpleQueue[BaseException | None]

KEEP_BYTES = 8 * 2**20


class _Worker(threading.Thread):
    """A thread that does what it is handed, for as long as the process lives."""

    def __init__(self) -> None:
        super().__init__(name="vlnn", daemon=True)
        self.tasks: SimpleQueue[tuple[Callable[[], None], Outcomes]] = SimpleQueue()
        self.start()

    def run(self) -> None:
        while True:
            task, outcomes = self.tasks.get()
            try:
                task()
                outcomes.put(None)
            except BaseException as problem:  # it is raised where the task came from
                outcomes.put(problem)
            del task, outcomes


def _processor_call() -> Callable[[], int] | None:
    try:
        return ctypes.CDLL(None).sched_getcpu if hasattr(os, "sched_setaffinity") else None
    except (AttributeError, OSError):
        return None


_current_processor = _processor_call()
_inside = threading.local()
_kept = threading.local()
_workers: list[_Worker] = []
_workers_lock = threading.Lock()


def count() -> int:
    """The number of threads to work with."""
    if settings.threads is not None:
        return settings.threads
    return min(BLAS.threads(), processors())


def each(work: Callable[[T], object], items: Iterable[T]) -> None:
    """Call ``work(item)`` for every item, on all threads, in no order; the first exception is raised here.

    Items are handed out one by one, so that uneven ones balance. A call from inside a task works through its items
    alone. Floating-point warnings are off.
    """
    items = list(items)
    threads = 1 if getattr(_inside, "task", False) else min(count(), len(items))
    if threads <= 1:
        with BLAS.single(), np.errstate(all="ignore"):
            for item in items:
                work(item)
        return
    remaining = iter(items)
    lock = threading.Lock()
    nothing = object()

    def take() -> None:
        _inside.task = True
        try:
            with np.errstate(all="ignore"):
                while True:
                    with lock:
                        item = next(remaining, nothing)
                    if item is nothing:
                        return
                    work(item)  # type: ignore[arg-type]
        except BaseException:
            with lock:
                for _ in remaining:  # nobody needs to start on the rest
                    pass
            raise
        finally:
            _inside.task = False

    outcomes: Outcomes = SimpleQueue()
    helpers = _helpers(threads - 1)
    with BLAS.single(), _apart_from(helpers):
        for helper in helpers:
            helper.tasks.put((take, outcomes))
        try:
            take()
        finally:
            problems = [outcomes.get() for _ in helpers]  # waits for them all
    for problem in problems:
        if problem is not None:
            raise problem


@contextmanager
def _apart_from(helpers: list[_Worker]) -> Iterator[None]:
    """Keep this thread to the processor it is on, and the helpers to the others.

    Threads that hand Python's lock to and fro look to Linux like a pair that wants to share a processor; a virtual
    machine's processors, moreover, seem taken to it while they sleep.
    """
    allowed = os.sched_getaffinity(0) if _current_processor is not None else set()
    if _current_processor is None or len(allowed) < 2:
        yield
        return
    here = {_current_processor()}
    for helper in helpers:
        os.sched_setaffinity(helper.native_id or 0, allowed - here)
    os.sched_setaffinity(0, here)
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def scratch(name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """An array of no particular contents, which this thread gets again when it asks again under the same name.

    Fresh memory costs as much to touch first as a pass of arithmetic. Arrays above KEEP_BYTES are not kept.
    """
    size = math.prod(shape) * dtype.itemsize
    if size > KEEP_BYTES:
        return np.empty(shape, dtype)
    kept = vars(_kept)
    if name not in kept or kept[name].nbytes < size:
        kept[name] = np.empty(size, np.uint8)
    return np.ndarray(shape, dtype, kept[name])


def spans(length: int, cost: float, least: float) -> list[slice]:
    """Cut range(length) into pieces for :func:`each`: one if all the `cost` is below `least`, else some per thread."""
    pieces = 1 if cost < least else min(length, 4 * count(), max(1, int(cost / least * 2)))
    bounds = [length * i // pieces for i in range(pieces + 1)]
    return [slice(a, b) for a, b in itertools.pairwise(bounds)]


def _helpers(needed: int) -> list[_Worker]:
    with _workers_lock:
        while len(_workers) < needed:
            _workers.append(_Worker())
        return _workers[:needed]


def _forget_workers() -> None:
    """A forked child has none of its parent's threads."""
    global _workers_lock
    _workers.clear()
    _workers_lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_workers)
