"""A convolution as one correlation, and its transpose as several: one for each phase of the pixels that it writes."""

from __future__ import annotations

from typing import Any, NamedTuple

from vlnn.geometry import ConvGeometry
from vlnn.matlab.arrays import Array


class Axis(NamedTuple):
    """One direction of a correlation: out[i] = sum over t < taps of weight[t] * source[i * step + t * dilate - pad]."""

    length: int
    taps: int
    step: int
    dilate: int
    pad: int


def axes(g: ConvGeometry) -> tuple[Axis, Axis]:
    """The columns and the rows of the correlation."""
    return (
        Axis(g.output_width, g.filter_width, g.stride_x, g.dilate_x, g.pad.left),
        Axis(g.output_height, g.filter_height, g.stride_y, g.dilate_y, g.pad.top),
    )


def inside(first: int, step: int, count: int, size: int) -> tuple[slice, slice]:
    """Of the places first, first + step, ... (`count` of them): which lie within range(size), and where."""
    start = min(max(0, -(first // step)), count)
    stop = max(start, min(count, -(-(size - first) // step)))
    place = first + start * step
    return slice(start, stop), slice(place, place + (stop - start) * step, step)


def kept_pixels(g: ConvGeometry) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """For the identity filter bank: the outputs that fall into the image, and the pixels that they are."""
    columns, from_columns = inside(-g.pad.left, g.stride_x, g.output_width, g.image_width)
    rows, from_rows = inside(-g.pad.top, g.stride_y, g.output_height, g.image_height)
    return (..., columns, rows), (..., from_columns, from_rows)


class Job(NamedTuple):
    """The columns that share an expanded image: their axis, weights (K, FW, c, FH) and where the result goes."""

    columns: Axis
    weights: Array
    out: Array  # (N, K, W, H), any strides


def jobs_of_transpose(g: ConvGeometry, filters: Array, out: Array) -> list[tuple[Axis, list[Job]]]:
    """The transpose as correlations, with filters (C, FW, FH, ...): by phases of rows, a job for each of columns."""
    return [
        (
            rows,
            [
                Job(columns, filters[:, wide, high], out[:, :, left :: g.stride_x, top :: g.stride_y])
                for left, wide, columns in _phases(g.image_width, g.filter_width, g.stride_x, g.dilate_x, g.pad.left)
            ],
        )
        for top, high, rows in _phases(g.image_height, g.filter_height, g.stride_y, g.dilate_y, g.pad.top)
    ]


def _phases(size: int, taps: int, stride: int, dilate: int, pad: int) -> list[tuple[int, slice, Axis]]:
    """For each residue of pixels along one axis: the first pixel, its taps from last to first, and its correlation."""
    phases = []
    for first in range(min(stride, size)):
        residue, shift = (first + pad) % stride, (first + pad) // stride
        count = -(-(size - first) // stride)
        own = len(range(residue, taps, stride))
        last = residue + (own - 1) * stride
        reach = (own - 1) * dilate
        backwards = slice(last, residue - stride if residue >= stride else None, -stride) if own else slice(0, 0)
        phases.append((first, backwards, Axis(count, own, 1, dilate, reach - shift)))
    return phases
