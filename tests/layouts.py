"""The same numbers in memory in every way that NumPy knows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = Any


def c_order(array: Array) -> Array:
    return np.array(array, order="C")


def channels_first(array: Array) -> Array:
    """Stored with the last two axes first, as an (N, D, H, W) array seen as (H, W, D, N)."""
    if array.ndim != 4:
        return c_order(array)
    return np.array(array.transpose(3, 2, 0, 1), order="C").transpose(2, 3, 1, 0)


def slice_of_bigger(array: Array) -> Array:
    """Every second element along each axis of an array of ones."""
    bigger = np.ones([2 * size + 3 for size in array.shape], array.dtype, order="F")
    inside = bigger[tuple(slice(2, 2 + 2 * size, 2) for size in array.shape)]
    inside[...] = array
    return inside


def negative_strides(array: Array) -> Array:
    backwards = tuple(slice(None, None, -1) for _ in array.shape)
    return np.array(array[backwards], order="F")[backwards]


def read_only(array: Array) -> Array:
    frozen = np.array(array, order="F")
    frozen.flags.writeable = False
    return frozen


def unaligned(array: Array) -> Array:
    """Elements that do not start at multiples of their size."""
    store = np.zeros(array.nbytes + 1, np.uint8)
    inside = np.ndarray(array.shape, array.dtype, store.data, offset=1, order="F")
    inside[...] = array
    return inside


def swapped_bytes(array: Array) -> Array:
    return array.astype(array.dtype.newbyteorder())


LAYOUTS: dict[str, Callable[[Array], Array]] = {
    layout.__name__: layout
    for layout in (c_order, channels_first, slice_of_bigger, negative_strides, read_only, unaligned, swapped_bytes)
}
