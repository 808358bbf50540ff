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

KEEP_BYTES = 8 * 2**20


class _Worker(threading.Thread):
    """A thread that does what it is handed, for as long as the process lives."""

    def __init__(self) -> None:
        super().__init__(name="vlnn", daemon=True)
        self.tasks: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self.start()

    def run(self) -> None:
        while True:
            self.tasks.get()()


class _Share:
    """The items of one call of :func:`each`, handed out one by one, and what became of those who took some."""

    def __init__(self, work: Callable[[Any], object], items: list[Any], threads: int) -> None:
        self.work = work
        self.remaining = iter(items)
        self.threads = threads
        self.lock = threading.Lock()
        self.helpers = 0
        self.outcomes: SimpleQueue[BaseException | None] = SimpleQueue()

    def help(self) -> None:
        """Take items as long as there are any; who comes too late is not waited for."""
        with self.lock:
            if self.remaining is _NOTHING:
                return
            self.helpers += 1
        try:
            self.take()
        except BaseException as problem:  # it is raised where the call came from
            self.outcomes.put(problem)
        else:
            self.outcomes.put(None)

    def take(self) -> None:
        _inside.threads = self.threads
        try:
            with np.errstate(all="ignore"):
                while True:
                    with self.lock:
                        item = next(self.remaining, _NONE)
                    if item is _NONE:
                        return
                    self.work(item)
        finally:
            self.close()
            del _inside.threads

    def close(self) -> None:
        """Nobody needs to start on what is left: it is all taken, or somebody failed."""
        with self.lock:
            self.remaining = _NOTHING

    def wait(self) -> BaseException | None:
        """Wait for the helpers that came in time; the first exception among theirs."""
        self.close()
        problems = [self.outcomes.get() for _ in range(self.helpers)]
        del self.work  # a helper that has not come yet would keep its arrays alive
        return next((problem for problem in problems if problem is not None), None)


def _processor_call() -> Callable[[], int] | None:
    try:
        return ctypes.CDLL(None).sched_getcpu if hasattr(os, "sched_setaffinity") else None
    except (AttributeError, OSError):
        return None


_current_processor = _processor_call()
_NONE = object()
_NOTHING: Iterator[Any] = iter(())
_inside = threading.local()
_kept = threading.local()
_workers: list[_Worker] = []
_workers_lock = threading.Lock()


def count() -> int:
    """The number of threads to work with."""
    if settings.threads is not None:
        return settings.threads
    if _shared():
        threads: int = _inside.threads  # the task itself may be kept to one processor
        return threads
    return min(BLAS.threads(), processors())


def _shared() -> bool:
    """Whether this is a task of :func:`each`, which shares the processors with others."""
    return hasattr(_inside, "threads")


def each(work: Callable[[T], object], items: Iterable[T]) -> None:
    """Call ``work(item)`` for every item, on all threads, in no order; the first exception is raised here.

    Items are handed out one by one, so that uneven ones balance. A call from inside a task works through its items
    alone. Floating-point warnings are off.
    """
    items = list(items)
    total = count()
    threads = 1 if _shared() else min(total, len(items))
    if threads <= 1:
        with BLAS.single(), np.errstate(all="ignore"):
            for item in items:
                work(item)
        return
    share = _Share(work, items, total)
    helpers = _helpers(threads - 1)
    with BLAS.single(), _apart_from(helpers):
        for helper in helpers:
            helper.tasks.put(share.help)
        try:
            share.take()
        finally:
            problem = share.wait()
    if problem is not None:
        raise problem


@contextmanager
def _apart_from(helpers: list[_Worker]) -> Iterator[None]:
    """Keep this thread to the processor it is on, and the helpers to the others.

    Threads that hand Python's lock to and fro look to Linux like a pair that wants to share a processor; a virtual
    machine's processors, moreover, seem taken to it while they sleep.
    """
    here: set[int] = set()
    if _current_processor is not None:
        allowed = os.sched_getaffinity(0)
        here = {_current_processor()}
    if not here or not allowed - here:
        yield
        return
    try:
        for helper in helpers:
            os.sched_setaffinity(helper.native_id or 0, allowed - here)
        os.sched_setaffinity(0, here)
    except OSError:  # some sandboxes forbid it
        here = set()
    try:
        yield
    finally:
        if here:
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
