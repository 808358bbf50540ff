"""Sums and products of arrays as MATLAB has them: sizes with ones at the end, sides of one that expand, classes."""

from __future__ import annotations

from typing import Any

import numpy as np

from vlnn.blocks.operands import common_class, operand
from vlnn.blocks.taccum import vl_taccum
from vlnn.matlab.arrays import Array, library


def size_of(value: Any) -> tuple[int, ...]:
    """A size with four numbers or more."""
    dims = np.shape(value)
    return (*dims, *(1,) * (4 - len(dims)))


def add(a: Array, b: Array) -> Array:
    """a + b."""
    if np.size(a) == np.size(b) and size_of(a) == size_of(b):
        return vl_taccum(1, a, 1, b)
    first, second = in_common(a, b)
    return library(first).asfortranarray(first + second)


def multiply(a: Array, b: Array) -> Array:
    """a .* b."""
    first, second = in_common(a, b)
    return library(first).asfortranarray(first * second)


def sum_like(array: Array, like: Array) -> Array:
    """Sum over the sides on which `like` has one: the derivative of an operand that was expanded to `array`."""
    axes = tuple(axis for axis, side in enumerate(size_of(like)) if side == 1)
    total = array.sum(axis=axes, keepdims=True, dtype=array.dtype)
    return total.reshape(np.shape(like), order="F")


def in_common(*values: Any) -> list[Array]:
    """Arrays of one class and at least four dimensions."""
    given = [operand("An operand", value) for value in values]
    dtype = common_class(*given)
    return [one.array.reshape(size_of(one.array)).astype(dtype, copy=False) for one in given]
