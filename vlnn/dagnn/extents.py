"""Sizes of variables and receptive fields, with NaN for what is not known."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

Size = tuple[float, ...]  # (H, W, D, N)
Pair = tuple[float, ...]  # (y, x)


class ReceptiveField(NamedTuple):
    """The pixels of one variable that matter to a pixel of another.

    Pixel (y, x) of the other, counted from 1, depends on the ``size`` pixels around stride (y - 1, x - 1) + offset.
    Without a dependence all three are empty, and NaN where it is no sliding window or is not known.
    """

    size: Pair
    stride: Pair
    offset: Pair


NAN = math.nan
UNKNOWN_SIZE: Size = (NAN, NAN, NAN, NAN)
SAME_PIXEL = ReceptiveField((1, 1), (1, 1), (1, 1))
NO_FIELD = ReceptiveField((), (), ())
UNKNOWN_FIELD = ReceptiveField((NAN, NAN), (NAN, NAN), (NAN, NAN))


def compose(outer: ReceptiveField, inner: ReceptiveField) -> ReceptiveField:
    """The field in the variable of `outer` of a variable whose field in between is `inner`."""
    if not outer.size or not inner.size:
        return NO_FIELD
    size, stride, offset = (np.array(part) for part in outer)
    inner_size, inner_stride, inner_offset = (np.array(part) for part in inner)
    return ReceptiveField(
        tidy(stride * (inner_size - 1) + size),
        tidy(stride * inner_stride),
        tidy(stride * (inner_offset - 1) + offset),
    )


def merge(one: ReceptiveField, other: ReceptiveField) -> ReceptiveField:
    """The smallest field that holds both; unknown when their strides differ."""
    if not one.size or not other.size:
        return one if one.size else other
    if one.stride != other.stride or np.isnan([*one.size, *other.size]).any():
        return UNKNOWN_FIELD
    reaches = [(np.array(field.size) - 1) / 2 for field in (one, other)]
    offsets = [np.array(field.offset) for field in (one, other)]
    first = np.minimum(offsets[0] - reaches[0], offsets[1] - reaches[1])
    last = np.maximum(offsets[0] + reaches[0], offsets[1] + reaches[1])
    return ReceptiveField(tidy(last - first + 1), one.stride, tidy((first + last) / 2))


def tidy(numbers: object) -> tuple[float, ...]:
    """Numbers as ints where they are whole."""
    values = np.asarray(numbers, np.float64).ravel().tolist()
    return tuple(int(value) if value.is_integer() else value for value in values)
