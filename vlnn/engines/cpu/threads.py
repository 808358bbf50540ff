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
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np
import numpy.linalg._umath_linalg as linked_with_blas

from vlnn.matlab.arrays import Array
from vlnn.settings import settings

T = TypeVar("T")

KEEP_BYTES = 8 * 2**20


class _Blas:
    """The thread count of the OpenBLAS that NumPy has loaded; without one, only what the environment says."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders = 0
        self._before = 1
        self._get: Callable[[], int] | None = None
        self._set: Callable[[int], None] | None = None
        loaded = ctypes.CDLL(linked_with_blas.__file__)
        for prefix, suffix in itertools.product(("scipy_openblas", "openblas"), ("64_", "_64", "")):
            if hasattr(loaded, f"{prefix}_set_num_threads{suffix}"):
                self._get = getattr(loaded, f"{prefix}_get_num_threads{suffix}")
                self._set = getattr(loaded, f"{prefix}_set_num_threads{suffix}")
                return

    def threads(self) -> int:
        """How many threads the caller lets BLAS use."""
        if self._get is None:
            limit = os.environ.get("OMP_NUM_THREADS", "")
            return int(limit) if limit.isdecimal() and int(limit) else _cores()
        with self._lock:
            return self._before if self._holders else self._get()

    @contextmanager
    def single(self) -> Iterator[None]:
        """Keep BLAS to one thread; the last to leave restores what the first one found."""
        if self._get is None or self._set is None:
            yield
            return
        with self._lock:
            if self._holders == 0:
                self._before = self._get()
                self._set(1)
            self._holders += 1
        try:
            yield
        finally:
            with self._lock:
                self._holders -= 1
                if self._holders == 0:
                    self._set(self._before)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


_blas = _Blas()
_inside = threading.local()
_kept = threading.local()
_pool: ThreadPoolExecutor | None = None
_pool_size = 0
_pool_lock = threading.Lock()


def count() -> int:
    """The number of threads to work with."""
    if settings.threads is not None:
        return settings.threads
    return min(_blas.threads(), _cores())


def each(work: Callable[[T], object], items: Iterable[T]) -> None:
    """Call ``work(item)`` for every item, on all threads, in no order; the first exception is raised here.

    Items are handed out one by one, so that uneven ones balance. A call from inside a task works through its items
    alone.
    """
    items = list(items)
    threads = 1 if getattr(_inside, "task", False) else min(count(), len(items))
    if threads <= 1:
        with _blas.single():
            for item in items:
                work(item)
        return
    remaining = iter(items)
    lock = threading.Lock()

    def take() -> None:
        _inside.task = True
        try:
            with np.errstate(all="ignore"):
                while True:
                    with lock:
                        item = next(remaining, stop)
                    if item is stop:
                        return
                    work(item)  # type: ignore[arg-type]
        except BaseException:
            with lock:
                for _ in remaining:  # nobody needs to start on the rest
                    pass
            raise
        finally:
            _inside.task = False

    stop = object()
    with _blas.single():
        helpers = [_workers(threads - 1).submit(take) for _ in range(threads - 1)]
        try:
            take()
        finally:
            problems = [helper.exception() for helper in helpers]  # waits for them all
    for problem in problems:
        if problem is not None:
            raise problem


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


def _workers(needed: int) -> ThreadPoolExecutor:
    global _pool, _pool_size
    with _pool_lock:
        if _pool is None or _pool_size < needed:
            _pool = ThreadPoolExecutor(needed, thread_name_prefix="vlnn")
            _pool_size = needed
        return _pool


def _forget_pool() -> None:
    """A forked child has none of its parent's threads."""
    global _pool, _pool_lock
    _pool, _pool_lock = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pool)
