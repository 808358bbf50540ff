"""Transposed convolution over up to three dimensions, with the two-dimensional primitives of the engine.

Data are planes (N, C, D, W, H), weights (C, K/G, FD, FW, FH), C-ordered, as the engine's with a third dimension::

    y[s i + d k - begin] += x[i] w[k]       along every dimension, and the same sum over the channels of a group

The filters' third dimension is taken apart. Its tap k sends image i of x to image s i + d k - begin of y, so that the
whole is a sum over the taps of two-dimensional transposes, each of a stack of images.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from vlnn.engines import engine_for
from vlnn.engines.cpu.axes import inside
from vlnn.errors import MatConvNetError
from vlnn.geometry import ConvGeometry, Sides, brackets
from vlnn.matlab.arrays import Array, library
from vlnn.toolbox.rules import Crop, Pairs


class Side(NamedTuple):
    """One dimension: sizes, and how much is cut off at its begin and its end; less than 0 there appends zeros."""

    size: int
    taps: int = 1
    stride: int = 1
    dilation: int = 1
    begin: int = 0
    end: int = 0

    @property
    def reach(self) -> int:
        """The size of the filter, dilated."""
        return (self.taps - 1) * self.dilation + 1

    @property
    def output(self) -> int:
        return self.stride * (self.size - 1) + self.reach - self.begin - self.end


def margins(crop: Crop, taps: Sequence[int], stride: Sequence[int], dilation: Sequence[int]) -> Pairs:
    """What to cut off begin and end of every dimension; 'same' makes the output Stride times the input.

    It cuts the odd one off at the end. Filters shorter than the stride do not reach that far: what is missing is then
    appended at the end, a number less than 0.
    """
    if crop != "same":
        return crop
    totals = [(count - 1) * apart + 1 - step for count, step, apart in zip(taps, stride, dilation, strict=True)]
    return tuple((total // 2, total - total // 2) if total > 0 else (0, total) for total in totals)


class Transposition(NamedTuple):
    """The sizes of one transposed convolution, and its arithmetic: forward, and the derivatives."""

    batch: int
    groups: int
    channels: int
    filters: int
    rows: Side
    columns: Side
    slices: Side

    @classmethod
    def over(cls, sides: Sequence[Side], batch: int, groups: int, channels: int, filters: int) -> Transposition:
        """The one over one, two or three dimensions; fails if nothing would be left of the output."""
        size = tuple(side.size for side in sides)
        if min(size) < 1:
            raise MatConvNetError(
                f"X is empty in a dimension that is convolved over. Received the size {brackets(size)}."
            )
        if any(side.output < 1 for side in sides):
            raise MatConvNetError(
                "Cropping leaves nothing of the output, whose size is Stride (n - 1) + FilterSize - what is cut off. "
                f"Received n {brackets(size)}, FilterSize {brackets(tuple(side.reach for side in sides))}, "
                f"Stride {brackets(tuple(side.stride for side in sides))}, "
                f"cut off {brackets(tuple(side.begin + side.end for side in sides))}."
            )
        rows, columns, slices = (*sides, Side(1), Side(1))[:3]
        return cls(batch, groups, channels, filters, rows, columns, slices)

    @property
    def output(self) -> tuple[int, int, int]:
        """The size of the output: rows, columns, slices."""
        return self.rows.output, self.columns.output, self.slices.output

    def forward(self, x: Array, weights: Array, biases: Array | None) -> Array:
        """(N, C, D, W, H) to (N, K, D', W', H'); `biases` are K numbers."""
        engine = engine_for(x)
        if self._flat:
            return engine.conv_backward_data(self._plane(1), x[:, :, 0], weights[:, :, 0], biases)[:, :, None]
        images = _stack(x)
        size = (self.batch, self.slices.output, self.filters, self.columns.output, self.rows.output)
        y = library(x).zeros(size, x.dtype)
        for tap, source, place in self._taps():
            stack = images[:, source]
            part = engine.conv_backward_data(
                self._plane(stack.shape[1]), _flatten(stack), _filters_of(weights, tap), None
            )
            with np.errstate(all="ignore"):
                y[:, place] += part.reshape(stack.shape[:2] + part.shape[1:])
        if biases is not None:
            y += biases[:, None, None]
        return _stack(y)

    def backward_data(self, dzdy: Array, weights: Array) -> Array:
        """The derivative in x of the sum of y times dzdy."""
        engine = engine_for(dzdy)
        if self._flat:
            return engine.conv_forward(self._plane(1), dzdy[:, :, 0], weights[:, :, 0], None)[:, :, None]
        ders = _stack(dzdy)
        size = (self.batch, self.slices.size, self.channels, self.columns.size, self.rows.size)
        dzdx = library(dzdy).zeros(size, dzdy.dtype)
        for tap, source, place in self._taps():
            stack = ders[:, place]
            part = engine.conv_forward(self._plane(stack.shape[1]), _flatten(stack), _filters_of(weights, tap), None)
            with np.errstate(all="ignore"):
                dzdx[:, source] += part.reshape(stack.shape[:2] + part.shape[1:])
        return _stack(dzdx)

    def backward_weights(self, x: Array, dzdy: Array) -> Array:
        """The derivative in the weights."""
        engine = engine_for(x)
        if self._flat:
            return engine.conv_backward_filter(self._plane(1), dzdy[:, :, 0], x[:, :, 0])[:, :, None]
        images, ders = _stack(x), _stack(dzdy)
        taps = (self.slices.taps, self.columns.taps, self.rows.taps)
        dzdw = library(x).zeros((self.channels, self.filters // self.groups, *taps), x.dtype)
        for tap, source, place in self._taps():
            der, stack = ders[:, place], images[:, source]
            plane = self._plane(stack.shape[1])
            dzdw[:, :, tap] = engine.conv_backward_filter(plane, _flatten(der), _flatten(stack))
        return dzdw

    def backward_biases(self, dzdy: Array) -> Array:
        """The derivative in the biases."""
        images, channels, depth, width, height = dzdy.shape
        return engine_for(dzdy).sum_per_channel(dzdy.reshape(images, channels, depth * width, height))

    @property
    def _flat(self) -> bool:
        return self.slices == Side(1)

    def _taps(self) -> Iterator[tuple[int, slice, slice]]:
        """The taps in the third dimension: which images of x each meets, and to which of y it sends them."""
        side = self.slices
        for tap in range(side.taps):
            source, place = inside(tap * side.dilation - side.begin, side.stride, side.size, side.output)
            if source.start < source.stop:
                yield tap, source, place

    def _plane(self, images: int) -> ConvGeometry:
        """The convolution which the transpose in rows and columns transposes, for so many images of each x."""
        rows, columns = self.rows, self.columns
        # What is appended are rows that the convolution's last stride does not reach.
        pad = Sides(rows.begin, max(rows.end, 0), columns.begin, max(columns.end, 0))
        return ConvGeometry(
            self.batch * images, self.groups, self.filters, self.channels, rows.output, columns.output,
            rows.taps, columns.taps, rows.size, columns.size, rows.stride, columns.stride,
            rows.dilation, columns.dilation, pad,
        )  # fmt: skip


def _stack(planes: Array) -> Array:
    """(N, C, D, W, H) as (N, D, C, W, H), and back."""
    return planes.swapaxes(1, 2)


def _flatten(stack: Array) -> Array:
    """Images (N, D, C, W, H) as the engine's (N D, C, W, H)."""
    return library(stack).ascontiguousarray(stack).reshape(stack.shape[0] * stack.shape[1], *stack.shape[2:])


def _filters_of(weights: Array, tap: int) -> Array:
    """The filters of one tap in the third dimension."""
    return library(weights).ascontiguousarray(weights[:, :, tap])
