"""A stand-in for the part of CuPy that vlnn uses: arrays of NumPy's in disguise, and kernels run by the emulator.

It is as strict as CuPy and stricter: NumPy's functions refuse its arrays, they never become NumPy's but by ``get``, new
memory holds no numbers, and what is missing here has to be added on purpose.
"""

from __future__ import annotations

import ctypes
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from tests.cuda.emulator import Kernel, compiled

FUNCTIONS = (
    "abs arange array_equal ascontiguousarray asfortranarray broadcast_to concatenate count_nonzero dot full full_like "
    "isnan linspace log maximum multiply ones ones_like power sign stack sum transpose where zeros zeros_like"
)
METHODS = "all any argmax astype copy cumsum fill max mean min ravel reshape sum swapaxes transpose"
PROPERTIES = "dtype flags itemsize nbytes ndim shape size strides"
OPERATORS = (
    "abs add and eq floordiv ge gt invert le lt matmul mod mul ne neg or pow radd rmul rsub rtruediv sub truediv xor"
)
IN_PLACE = "iadd imul isub itruediv iand ior"


class ndarray:  # noqa: N801, CuPy's spelling
    """An array that lies, as it were, on a GPU."""

    __array_ufunc__ = None  # NumPy's functions refuse it, as its operators do
    __array_priority__ = 100
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, host: Any) -> None:
        self._host = host if isinstance(host, np.ndarray) else np.asarray(host)

    @property
    def data(self) -> Any:
        return types.SimpleNamespace(ptr=int(self._host.ctypes.data), device_id=0)

    @property
    def T(self) -> ndarray:
        return ndarray(self._host.T)

    def get(self, order: str = "C") -> Any:
        return self._host.copy(order=order)

    def item(self, *place: int) -> Any:
        return self._host.item(*place)

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError("Implicit conversion to a NumPy array is not allowed.")

    def __getitem__(self, place: Any) -> ndarray:
        return ndarray(self._host[_host(place)])

    def __setitem__(self, place: Any, value: Any) -> None:
        if isinstance(value, np.ndarray) and value.size > 1:
            raise TypeError("a NumPy array is no CuPy array")
        self._host[_host(place)] = _host(value)

    def __len__(self) -> int:
        return len(self._host)

    def __bool__(self) -> bool:
        return bool(self._host)

    def __int__(self) -> int:
        return int(self._host)

    def __float__(self) -> float:
        return float(self._host)

    def __index__(self) -> int:
        return self._host.__index__()

    def __repr__(self) -> str:
        return f"cupy{self._host!r}"


ndarray.__module__ = "cupy"


def _host(value: Any) -> Any:
    if isinstance(value, ndarray):
        return value._host
    if isinstance(value, (tuple, list)):
        return type(value)(_host(one) for one in value)
    return value


def _device(value: Any) -> Any:
    return ndarray(value) if isinstance(value, (np.ndarray, np.generic)) else value


def _refuse_host(values: Any) -> None:
    for value in values:
        if isinstance(value, np.ndarray) and value.ndim:
            raise TypeError(f"Unsupported type {type(value)}")
        if isinstance(value, (tuple, list)):
            _refuse_host(value)


def _wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        _refuse_host(args)
        with np.errstate(all="ignore"):
            result = function(*_host(args), **{name: _host(value) for name, value in kwargs.items()})
        return _device(result)

    return call


def _in_place(name: str) -> Callable[..., Any]:
    def call(self: ndarray, other: Any) -> ndarray:
        _refuse_host((other,))
        with np.errstate(all="ignore"):
            getattr(self._host, f"__{name}__")(_host(other))
        return self

    return call


for _name in METHODS.split():
    setattr(ndarray, _name, _wrapped(getattr(np.ndarray, _name)))
for _name in OPERATORS.split():
    setattr(ndarray, f"__{_name}__", _wrapped(getattr(np.ndarray, f"__{_name}__")))
for _name in IN_PLACE.split():
    setattr(ndarray, f"__{_name}__", _in_place(_name))
for _name in PROPERTIES.split():
    setattr(ndarray, _name, property(lambda self, name=_name: getattr(self._host, name)))


def _empty(shape: Any, dtype: Any = np.float64) -> ndarray:
    """New memory, with NaN or large numbers that show where nothing was written."""
    host = np.empty(shape, dtype)
    host[...] = np.nan if host.dtype.kind == "f" else 1 if host.dtype.kind == "b" else np.iinfo(host.dtype).max
    return ndarray(host)


def _asarray(value: Any, dtype: Any = None, order: str | None = None) -> ndarray:
    if isinstance(value, ndarray):
        return ndarray(np.asarray(value._host, dtype, order=order))
    return ndarray(np.array(value, dtype, order=order or "K"))


class RawModule:
    """CuPy's, compiled by g++."""

    folder: Path
    extra: tuple[str, ...] = ()

    def __init__(self, *, code: str, options: tuple[str, ...] = ()) -> None:
        assert options[0] == "-std=c++17"
        self.kernels = compiled(code, options[1:], self.folder, self.extra)

    def get_function(self, name: str) -> Kernel:
        return self.kernels[name]


def _gemm(dtype: type) -> Callable[..., None]:
    """cuBLAS's gemmStridedBatched, by its documentation: matrices are stored column by column."""

    def matrices(pointer: int, rows: int, columns: int, leading: int, apart: int, count: int) -> Any:
        assert leading >= max(1, rows)
        size = (count - 1) * apart + (columns - 1) * leading + rows
        elements = np.ctypeslib.as_array((ctypes.c_char * (size * np.dtype(dtype).itemsize)).from_address(pointer))
        strides = tuple(step * np.dtype(dtype).itemsize for step in (apart, 1, leading))
        return as_strided(elements.view(dtype), (count, rows, columns), strides)

    def scalar(pointer: int) -> Any:
        kind = ctypes.c_float if dtype is np.float32 else ctypes.c_double
        return dtype(kind.from_address(pointer).value)

    def gemm(
        handle: int, transa: int, transb: int, m: int, n: int, k: int,
        alpha: int, a: int, lda: int, stride_a: int, b: int, ldb: int, stride_b: int,
        beta: int, c: int, ldc: int, stride_c: int, count: int,
    ) -> None:  # fmt: skip
        assert handle == HANDLE
        assert min(m, n, k, count) >= 1
        assert max(m, n, k, lda, ldb, ldc, count) < 2**31
        one = matrices(a, *((k, m) if transa else (m, k)), lda, stride_a, count)
        other = matrices(b, *((n, k) if transb else (k, n)), ldb, stride_b, count)
        target = matrices(c, m, n, ldc, stride_c, count)
        with np.errstate(all="ignore"):
            one, other = (one.swapaxes(1, 2) if transa else one), (other.swapaxes(1, 2) if transb else other)
            product = scalar(alpha) * np.matmul(one, other)
            factor = scalar(beta)
            target[...] = product + factor * target if factor != 0 else product

    return gemm


HANDLE = 4711


def module(folder: Path, extra: tuple[str, ...] = ()) -> types.ModuleType:
    """A module to put in CuPy's place; the folder keeps what has been compiled."""
    cupy = types.ModuleType("cupy")
    for name in FUNCTIONS.split():
        setattr(cupy, name, _wrapped(getattr(np, name)))
    cupy.ndarray = ndarray  # type: ignore[attr-defined]
    cupy.empty = _empty  # type: ignore[attr-defined]
    cupy.asarray = _asarray  # type: ignore[attr-defined]
    cupy.RawModule = type("RawModule", (RawModule,), {"folder": folder, "extra": extra})  # type: ignore[attr-defined]
    generator = np.random.default_rng(0)
    cupy.random = types.SimpleNamespace(  # type: ignore[attr-defined]
        random=lambda shape, dtype: ndarray(generator.random(shape, dtype))
    )
    cublas = types.SimpleNamespace(
        CUBLAS_OP_N=0, CUBLAS_OP_T=1, sgemmStridedBatched=_gemm(np.float32), dgemmStridedBatched=_gemm(np.float64)
    )
    cupy.cuda = types.SimpleNamespace(  # type: ignore[attr-defined]
        cublas=cublas,
        device=types.SimpleNamespace(get_cublas_handle=lambda: HANDLE),
        get_current_stream=lambda: types.SimpleNamespace(ptr=0, synchronize=lambda: None),
        runtime=types.SimpleNamespace(getDevice=lambda: 0),
    )
    return cupy
