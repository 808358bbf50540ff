"""The arrays of the blocks that MatConvNet wrote in MATLAB: what MATLAB's own arithmetic accepts, and what it returns.

Where MATLAB mixes single and double the result is single. Integers and logicals are computed in double.
"""

from __future__ import annotations

import numpy as np

from vlnn.errors import MatConvNetError
from vlnn.geometry import sizes
from vlnn.matlab.arguments import plain, received
from vlnn.matlab.arrays import Array, Tensor, format_of, is_array, library, tensor


def operand(name: str, value: object) -> Tensor:
    """Check one argument: a real array of any numeric class; [] and None are empty."""
    if is_array(value) and value.dtype.kind in "iub":  # type: ignore[attr-defined]
        value = value.astype(np.float64)  # type: ignore[attr-defined]
    elif isinstance(value, bool):
        value = float(value)
    return tensor(name, value)


def size_of(given: Tensor) -> tuple[int, ...]:
    """The size as MATLAB's arithmetic sees it: at least four dimensions, none folded."""
    dims: tuple[int, ...] = given.array.shape
    return (*dims, *(1,) * (4 - len(dims)))


def matlab_dims(given: Tensor) -> tuple[int, ...]:
    """The size as MATLAB keeps it, without trailing ones: (4, 5) for 4x5x1x1."""
    dims: tuple[int, ...] = given.array.shape
    while len(dims) > 2 and dims[-1] == 1:
        dims = dims[:-1]
    return dims


def matlab_size(given: Tensor) -> str:
    """The size as MATLAB shows it."""
    return sizes(matlab_dims(given))


def output(given: Tensor, planes: Array) -> Array:
    """`planes` as an array of the size of `given`, with at least four dimensions."""
    return planes.reshape(size_of(given)[::-1]).T


def common_class(*given: Tensor) -> np.dtype[np.floating]:
    """MATLAB's class for arithmetic between these: single if any of them is."""
    single = any(one.array.dtype == np.float32 for one in given)
    return np.dtype(np.float32 if single else np.float64)


def in_class(given: Tensor, dtype: np.dtype[np.floating]) -> Array:
    """The planes of an argument in another class."""
    return given.planes().astype(dtype, copy=False)


def same_library(data: Tensor, *others: Tensor) -> None:
    """Check that no argument lies on another device than `data`."""
    for other in others:
        if not other.empty and library(data.array) is not library(other.array):
            raise MatConvNetError(
                f"{data.name} and {other.name} do not have compatible formats. Received {data.name} as "
                f"{format_of(data.array)}, {other.name} as {format_of(other.array)}."
            )


def derivative_of(data: Tensor, dzdy: object) -> Tensor:
    """Check the derivative in an output of the size of `data`; a scalar stands for an array of it."""
    der = operand("DZDY", dzdy)
    same_library(data, der)
    if size_of(der) == size_of(data):
        return der
    if der.array.size != 1:
        raise MatConvNetError(
            f"DZDY does not have the size of Y. Received {data.name} {matlab_size(data)}, DZDY {matlab_size(der)}."
        )
    der.array = library(der.array).full_like(data.array, der.array.item(), dtype=der.array.dtype)
    der.shape = data.shape
    return der


def check_expands(one: Tensor, size: tuple[int, ...]) -> None:
    """Check that MATLAB expands an argument to a size: each of its sides is that one or 1."""
    dims = size_of(one)
    if len(dims) != len(size) or any(mine not in (1, its) for mine, its in zip(dims, size, strict=True)):
        raise MatConvNetError(
            f"{one.name} does not have the right size. Received {matlab_size(one)}; {sizes(size)} is needed."
        )


def parameters(name: str, value: object, count: int, words: str) -> list[float]:
    """The numbers in a parameter vector such as [ALPHA BETA], a row or a column."""
    elements = plain(value)
    if elements is None or len(elements) != count:
        raise MatConvNetError(f"{name} is not {words}. Received {received(value)}.")
    return elements


def whole_numbers(name: str, value: object, count: int, words: str) -> list[int]:
    """The integers in a parameter vector such as [TOP BOTTOM LEFT RIGHT]."""
    elements = parameters(name, value, count, words)
    if not all(element.is_integer() for element in elements):
        shown = " ".join(f"{element:g}" for element in elements)
        raise MatConvNetError(f"{name} is not {words}. Received [{shown}].")
    return [int(element) for element in elements]
