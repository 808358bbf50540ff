"""MATLAB's arrays as NumPy or CuPy arrays: classes, sizes with trailing ones, [] and column-major order.

A Fortran-ordered (H, W, D, N) array, transposed, is a C-ordered (N, D, W, H) one at no cost. Engines work on these
*planes*; blocks turn arrays into planes on the way in and planes into arrays on the way out.
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np

from vlnn.errors import MatConvNetError
from vlnn.geometry import Shape

Array: TypeAlias = Any  # a numpy.ndarray or a cupy.ndarray

MAX_DIMENSIONS = 7
CLASSES = {np.dtype(np.float32): "float", np.dtype(np.float64): "double"}


class Tensor:
    """An argument that has passed MatConvNet's checks of class and dimensions.

    Attributes
    ----------
    name : str
        The argument's name in messages, such as DATA.
    array : ndarray
        Single or double, at least 2-D.
    given : tuple of int
        The size that the caller gave it, which may be shorter.
    shape : tuple of 4 int
        (H, W, D, N): missing dimensions are 1, dimensions past the fourth are folded into N.
    """

    __slots__ = ("array", "given", "name", "shape")

    def __init__(self, name: str, array: Array, given: tuple[int, ...]) -> None:
        self.name = name
        self.array = array
        self.given = given
        dims = array.shape
        if array.size == 0:  # MatConvNet reshapes every empty array to N = 0
            self.shape: Shape = (*(*dims, 1, 1)[:3], 0)
        elif len(dims) <= 4:
            self.shape = (*dims, *(1,) * (4 - len(dims)))
        else:
            self.shape = (*dims[:3], array.size // (dims[0] * dims[1] * dims[2]))

    @property
    def empty(self) -> bool:
        return bool(self.array.size == 0)

    @property
    def matrix_shape(self) -> tuple[int, int]:
        """The size when all dimensions past the first are folded into the second."""
        rows = self.array.shape[0]
        return rows, self.array.size // max(rows, 1)

    def planes(self) -> Array:
        """The elements as a C-ordered (N, D, W, H) array; a view where the argument's strides allow."""
        reverse = self.shape[::-1]
        view = self.array.T
        if view.shape != reverse:
            view = view.reshape(reverse)
        return view if view.flags.c_contiguous else view.copy(order="C")

    def vector(self) -> Array:
        """The elements in MATLAB's order, as a 1-D array."""
        return self.array.ravel(order="F")

    def like(self, planes: Array) -> Array:
        """`planes`, as an array of the shape that this argument has."""
        return planes.reshape(self.given[::-1]).T

    def nothing(self) -> Array:
        """MATLAB's [] in this argument's class and library."""
        return library(self.array).zeros((0, 0), self.array.dtype)


def library(array: Array) -> Any:
    """The module, numpy or cupy, to which an array belongs."""
    if isinstance(array, np.ndarray):
        return np
    import cupy

    return cupy


def is_array(value: object) -> bool:
    """Whether a value is an array of NumPy or CuPy (which is not imported for the question)."""
    return isinstance(value, np.ndarray) or type(value).__module__.partition(".")[0] == "cupy"


def tensor(name: str, value: object) -> Tensor:
    """Check one argument as MatConvNet does: numeric, single or double (or empty), not of too many dimensions."""
    array: Array
    if isinstance(value, np.ndarray) or is_array(value):
        array = value
    elif value is None or (isinstance(value, (list, tuple)) and not value):
        array = np.zeros((0, 0))
    elif isinstance(value, (int, float, np.generic)) and not isinstance(value, bool):
        array = np.asarray(value, None if isinstance(value, np.generic) else np.float64)
    else:
        raise _not_numeric(name, value)
    given = array.shape
    if array.ndim < 2:
        array = array.reshape(array.shape + (1,) * (2 - array.ndim))
    dtype = array.dtype
    if dtype not in CLASSES:
        if dtype.kind not in "iufc":
            raise _not_numeric(name, value)
        if array.size == 0:
            array = array.astype(np.float32)
        elif dtype.newbyteorder("=") in CLASSES:
            array = array.astype(dtype.newbyteorder("="))
        else:
            raise MatConvNetError(
                f"An input is neither SINGLE or DOUBLE nor it is empty. Received {name} of class {dtype.name}."
            )
    if array.ndim > MAX_DIMENSIONS:
        raise MatConvNetError(
            f"An input has more than the maximum number of allowed dimensions. Received {name} with {array.ndim}; "
            f"at most {MAX_DIMENSIONS} are allowed."
        )
    return Tensor(name, array, given)


def _not_numeric(name: str, value: object) -> MatConvNetError:
    what = f"an array of class {value.dtype}" if is_array(value) else type(value).__name__  # type: ignore[attr-defined]
    return MatConvNetError(f"An input is not a numeric array (or GPU support not compiled). Received {name}: {what}.")


def same_format(data: Tensor, *others: Tensor) -> None:
    """Check that the arguments that are not empty share DATA's class and library."""
    for other in others:
        if data.empty or other.empty:
            continue
        if data.array.dtype != other.array.dtype or type(data.array) is not type(other.array):
            if library(data.array) is library(other.array) and data.array.dtype == other.array.dtype:
                continue  # a subclass of the same library's array
            raise MatConvNetError(
                f"{data.name} and {other.name} do not have compatible formats. Received {data.name} as "
                f"{format_of(data.array)}, {other.name} as {format_of(other.array)}."
            )


def format_of(array: Array) -> str:
    return f"{library(array).__name__} {array.dtype.name}"


def device_of(array: Array) -> str:
    """Where an array lies, as 'Verbose' shows it: CPU or GPU."""
    return "CPU" if isinstance(array, np.ndarray) else "GPU"


def describe(like: Array, shape: tuple[int, ...]) -> str:
    """A tensor of the class and library of `like`, as 'Verbose' shows it: ``[4 5 3 2 | float 480.0B CPU]``."""
    dims = "".join(f"{size} " for size in shape)
    return f"[{dims}| {CLASSES[like.dtype]} {memory(math.prod(shape) * like.itemsize)} {device_of(like)}]"


def memory(size: float) -> str:
    """So many bytes, as 'Verbose' shows them: 480.0B, 1.5MB."""
    for power, unit in enumerate(("B", "KB", "MB")):
        if size < 1024 ** (power + 1):
            return f"{size / 1024**power:.1f}{unit}"
    return f"{size / 1024**3:.1f}GB"
