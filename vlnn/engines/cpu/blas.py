"""The thread count of the BLAS that NumPy has loaded: read, and held at one while vlnn's own threads work."""

from __future__ import annotations

import ctypes
import itertools
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy.linalg._umath_linalg as linked_with_blas


class Blas:
    """OpenBLAS's thread count; where NumPy has another BLAS, only what the environment says."""

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
            return int(limit) if limit.isdecimal() and int(limit) else processors()
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


def processors() -> int:
    """How many processors this thread may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


BLAS = Blas()
