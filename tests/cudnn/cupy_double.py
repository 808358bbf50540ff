"""A stand-in for CuPy whose arrays lie in the memory of the CPU.

It refuses what CuPy refuses: arrays of NumPy beside its own, and being turned into one without ``get``.
"""

from __future__ import annotations

import itertools
import threading
import types
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

ALIGNMENT = 16


class Memory:
    """Where an array's elements are."""

    def __init__(self, address: int, device: int) -> None:
        self.ptr = address
        self.device_id = device


class ndarray(NDArrayOperatorsMixin):  # noqa: N801
    """An array of CuPy's."""

    __module__ = "cupy"
    device_id = 0

    def __init__(self, host: Any) -> None:
        self.host = np.asarray(host)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "host":
            raise AttributeError(name)
        return wrapped(getattr(self.host, name))

    @property
    def data(self) -> Memory:
        return Memory(self.host.ctypes.data, self.device_id)

    @property
    def T(self) -> Any:
        return wrapped(self.host.T)

    def get(self, order: str = "C") -> Any:
        return self.host.copy(order=order)  # type: ignore[call-overload]

    def copy(self, order: str = "C") -> Any:
        fresh = aligned(self.host.shape, self.host.dtype)
        fresh[...] = self.host
        return ndarray(fresh.copy(order="F") if order == "F" else fresh)

    def __getitem__(self, index: Any) -> Any:
        return wrapped(self.host[unwrapped(index)])

    def __setitem__(self, index: Any, value: Any) -> None:
        self.host[unwrapped(index)] = unwrapped(value)

    def __len__(self) -> int:
        return len(self.host)

    def __float__(self) -> float:
        return float(self.host)

    def __int__(self) -> int:
        return int(self.host)

    def __bool__(self) -> bool:
        return bool(self.host)

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Please use `.get()`.")

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        out = options.pop("out", None)
        if out is not None:
            options["out"] = tuple(unwrapped(each) for each in out)
        result = getattr(ufunc, method)(*(unwrapped(each) for each in inputs), **options)
        return out[0] if out is not None else wrapped(result)

    def __array_function__(self, function: Any, kinds: Any, args: Any, options: Any) -> Any:
        return wrapped(function(*unwrapped(args), **unwrapped(options)))


def wrapped(value: Any) -> Any:
    """What CuPy returns where NumPy returns `value`."""
    if isinstance(value, (np.ndarray, np.generic)):
        return ndarray(value)
    if type(value) in (tuple, list):
        return type(value)(wrapped(each) for each in value)
    if isinstance(value, types.BuiltinMethodType):
        return lambda *args, **options: wrapped(value(*unwrapped(args), **unwrapped(options)))
    return value


def unwrapped(value: Any) -> Any:
    """What NumPy takes where CuPy takes `value`."""
    if isinstance(value, ndarray):
        return value.host
    if isinstance(value, np.ndarray) and value.ndim:
        raise TypeError("Unsupported type <class 'numpy.ndarray'>")
    if type(value) in (tuple, list):
        return type(value)(unwrapped(each) for each in value)
    if isinstance(value, dict):
        return {name: unwrapped(each) for name, each in value.items()}
    return value


def on_host(value: Any) -> Any:
    """Arrays of NumPy in the place of CuPy's, for an engine that knows no others."""
    if type(value) in (tuple, list):
        return type(value)(on_host(each) for each in value)
    return value.host if isinstance(value, ndarray) else value


def aligned(shape: Any, dtype: Any) -> Any:
    """An empty array where CuPy would put it."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    room = np.empty(size + ALIGNMENT, np.uint8)
    start = -room.ctypes.data % ALIGNMENT
    return room[start : start + size].view(dtype).reshape(shape)


class Cuda:
    """``cupy.cuda``: one device, a stream for each thread, and a record of the scratch memory that was taken."""

    def __init__(self) -> None:
        self.runtime = types.SimpleNamespace(getDevice=lambda: self.device, CUDARuntimeError=RuntimeError)
        self.device = 0
        self.allocated: list[int] = []
        self.clock: Callable[[], float] = itertools.count().__next__
        self._streams = threading.local()
        self.is_available = lambda: True
        self.Event = lambda: Event(self)

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


def module() -> Any:
    """A module to import as ``cupy``."""

    def create(name: str) -> Callable[..., Any]:
        function = getattr(np, name)
        return lambda *args, **options: wrapped(function(*unwrapped(args), **unwrapped(options)))

    def asarray(value: Any, dtype: Any = None, order: Any = None) -> Any:
        return ndarray(np.array(value.host if isinstance(value, ndarray) else value, dtype, order=order or "K"))

    double = types.ModuleType("cupy")
    names = ("zeros", "ones", "full", "full_like", "zeros_like", "ones_like", "linspace", "stack", "asfortranarray")
    contents: dict[str, Any] = {name: create(name) for name in names}
    contents.update(
        ndarray=ndarray,
        asarray=asarray,
        array=asarray,
        empty=lambda shape, dtype=float: ndarray(aligned(shape, dtype)),
        cuda=Cuda(),
        __version__="14.2.0",
    )
    double.__dict__.update(contents)
    return double
