"""CuPy's stand-in with what cuDNN needs of CuPy: addresses, devices, streams, events and scratch memory."""

from __future__ import annotations

import itertools
import threading
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.cuda import standin

Array = Any


class Cuda:
    """``cupy.cuda``: a stream for each thread, and a record of the scratch memory that was taken."""

    def __init__(self, more: Any) -> None:
        self.more = more
        self.device_id = 0
        self.allocated: list[int] = []
        self.clock: Callable[[], float] = itertools.count().__next__
        self._streams = threading.local()
        self.runtime = types.SimpleNamespace(getDevice=lambda: self.device_id)
        self.is_available = lambda: True
        self.Event = lambda: Event(self)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.more, name)

    def alloc(self, size: int) -> Any:
        self.allocated.append(size)
        return types.SimpleNamespace(ptr=0xABC0)

    def get_current_stream(self) -> Any:
        return types.SimpleNamespace(ptr=getattr(self._streams, "ptr", 0), synchronize=lambda: None)

    def use_stream(self, address: int) -> None:
        self._streams.ptr = address

    def get_elapsed_time(self, start: Event, end: Event) -> float:
        return end.time - start.time


class Event:
    """A moment on a stream."""

    def __init__(self, cuda: Cuda) -> None:
        self._cuda = cuda
        self.time = 0.0

    def record(self) -> None:
        self.time = self._cuda.clock()

    def synchronize(self) -> None:
        pass


def module(folder: Path) -> Any:
    """A module to put in CuPy's place."""
    double: Any = standin.module(folder)
    double.cuda = Cuda(double.cuda)
    return double


def on_gpu(value: Any) -> Any:
    """NumPy's arrays as CuPy's, also in lists and tuples."""
    if type(value) in (tuple, list):
        return type(value)(on_gpu(each) for each in value)
    return standin.ndarray(value) if isinstance(value, (np.ndarray, np.generic)) else value


def on_host(value: Any) -> Any:
    """CuPy's arrays as NumPy's, at the same place in memory, for an engine that knows no others."""
    if type(value) in (tuple, list):
        return type(value)(on_host(each) for each in value)
    return value._host if isinstance(value, standin.ndarray) else value
