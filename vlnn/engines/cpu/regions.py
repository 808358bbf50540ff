"""Pooling regions of interest on the CPU.

The channels come last, so that maxima and sums run over all of them at once. A region is pooled in two steps, first
along the columns of the image, then across them::

    pixels  (W, H, c)  ->  strips, one for each of SH  (w, c)  ->  (SW, SH, c)
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from vlnn.engines.cpu import threads
from vlnn.matlab.arrays import Array

Range = tuple[int, int]

LEAST_PIXELS = 2**16  # less is not worth a thread
FAR = 2.0**30  # pixels from the image: a region that far away or that large may as well end there


class Regions:
    """The part of the CPU engine that pools regions of interest."""

    def roi_forward(
        self, image: Array, rois: Array, subdivisions: tuple[int, int], transform: tuple[float, ...], average: bool
    ) -> Array:
        regions = _regions(image, rois, subdivisions, transform)
        out = np.zeros((len(rois), image.shape[1], subdivisions[1], subdivisions[0]), image.dtype)

        def work(piece: tuple[int, slice]) -> None:
            n, channels = piece
            pixels = np.ascontiguousarray(image[n, channels].transpose(1, 2, 0))
            for roi, region in enumerate(regions):
                if region.image == n:
                    pool = _average if average else _maximum
                    pool(pixels, region, out[roi, channels].transpose(1, 2, 0))

        threads.each(work, _pieces(regions, image))
        return out

    def roi_backward(
        self,
        image: Array,
        rois: Array,
        output: Array,
        subdivisions: tuple[int, int],
        transform: tuple[float, ...],
        average: bool,
    ) -> Array:
        regions = _regions(image, rois, subdivisions, transform)
        der_image = np.zeros_like(image)

        def work(piece: tuple[int, slice]) -> None:
            n, channels = piece
            pixels = np.ascontiguousarray(image[n, channels].transpose(1, 2, 0))
            total = np.zeros_like(pixels)
            for roi, region in enumerate(regions):
                if region.image == n:
                    der = np.ascontiguousarray(output[roi, channels].transpose(1, 2, 0))  # (SW, SH, c)
                    if average:
                        _average_backward(total, region, der)
                    else:
                        _maximum_backward(total, pixels, region, der)
            der_image[n, channels] = total.transpose(2, 0, 1)

        threads.each(work, _pieces(regions, image))
        return der_image


class _Region(NamedTuple):
    """A region's image, and the columns and the rows of its bins, as far as they lie in the image."""

    image: int
    columns: list[Range]
    rows: list[Range]

    @property
    def width(self) -> Range:
        """The columns that the bins cover, which may be none."""
        first = min(start for start, _ in self.columns)
        return first, max(first, *(stop for _, stop in self.columns))


@np.errstate(over="ignore", invalid="ignore")  # corners may be infinite
def _regions(image: Array, rois: Array, subdivisions: tuple[int, int], transform: tuple[float, ...]) -> list[_Region]:
    """Rows t, u0, v0, u1, v1 as regions, rounded where MatConvNet rounds, in the class of the image."""
    batch, _, width, height = image.shape
    a, b, c, d, e, f = transform
    t, u0, v0, u1, v1 = rois.astype(np.float64).T
    images = np.clip(np.nan_to_num(np.trunc(t), nan=1), 1, batch).astype(np.int64) - 1
    columns = _bins(a * u0 + c * v0 + e, a * u1 + c * v1 + e, subdivisions[1], width, rois.dtype)
    rows = _bins(b * u0 + d * v0 + f, b * u1 + d * v1 + f, subdivisions[0], height, rois.dtype)
    return [_Region(*region) for region in zip(images.tolist(), columns, rows, strict=True)]


def _bins(first: Array, last: Array, count: int, size: int, dtype: np.dtype) -> list[list[Range]]:
    """For every region, `count` overlapping ranges from its first pixel to its last one, counted from 1."""
    start, stop = (_rounded(corner.astype(dtype)) - 1 for corner in (first, last))
    length = np.maximum(stop - start + 1, 1).astype(dtype)
    bounds = np.arange(count + 1, dtype=dtype) * (length / dtype.type(count))[:, None]  # in single: 3 * 7/3 may pass 7
    starts = np.clip(np.floor(bounds[:, :-1]) + start[:, None], 0, size).astype(np.int64)
    stops = np.clip(np.ceil(bounds[:, 1:]) + start[:, None], 0, size).astype(np.int64)
    return [list(zip(*pair, strict=True)) for pair in zip(starts.tolist(), stops.tolist(), strict=True)]


def _rounded(values: Array) -> Array:
    """C's round, half away from zero, in double; NaN lies far away."""
    whole = np.trunc(values.astype(np.float64))
    whole += np.copysign(np.abs(values - whole) >= 0.5, values)
    return np.clip(np.nan_to_num(whole, nan=-FAR), -FAR, FAR)


def _maximum(pixels: Array, region: _Region, out: Array) -> None:
    """Write the maximum of every bin into `out` (SW, SH, c)."""
    first, last = region.width
    for h, (top, bottom) in enumerate(region.rows):
        if top < bottom:
            strip = pixels[first:last, top:bottom].max(axis=1)
            for w, (left, right) in enumerate(region.columns):
                if left < right:
                    strip[left - first : right - first].max(axis=0, out=out[w, h])


def _average(pixels: Array, region: _Region, out: Array) -> None:
    first, last = region.width
    for h, (top, bottom) in enumerate(region.rows):
        if top < bottom:
            strip = pixels[first:last, top:bottom].sum(axis=1)
            for w, (left, right) in enumerate(region.columns):
                if left < right:
                    out[w, h] = strip[left - first : right - first].sum(axis=0) / ((right - left) * (bottom - top))


def _maximum_backward(total: Array, pixels: Array, region: _Region, der: Array) -> None:
    """Add the derivative of every bin to the first pixel, in MATLAB's order, that has the bin's maximum."""
    first, last = region.width
    channels = pixels.shape[2]
    bins = [(w, left - first, right - first) for w, (left, right) in enumerate(region.columns) if left < right]
    elements = total.reshape(-1)
    for h, (top, bottom) in enumerate(region.rows):
        if top >= bottom or not bins:
            continue
        strip, rows = _first_maximum(pixels[first:last, top:bottom].transpose(1, 0, 2))  # (w, c)
        maxima, columns = zip(*(_first_maximum(strip[left:right]) for _, left, right in bins), strict=True)
        column = np.stack(columns) + np.array([left for _, left, _ in bins])[:, None]  # (bins, c)
        pixel = (column + first) * pixels.shape[1] + np.take_along_axis(rows, column, axis=0) + top
        # MatConvNet starts from -Inf, and nothing is larger than that where all pixels are -Inf.
        values = np.where(np.stack(maxima) != -np.inf, der[[w for w, _, _ in bins], h], 0)
        np.add.at(elements, (pixel * channels + np.arange(channels)).ravel(), values.ravel())


def _first_maximum(lines: Array) -> tuple[Array, Array]:
    """The maximum along the first axis, and where it first is."""
    maximum, place = lines[0].copy(), np.zeros(lines[0].shape, np.intp)
    for k in range(1, len(lines)):
        np.putmask(place, lines[k] > maximum, k)
        np.maximum(maximum, lines[k], out=maximum)
    return maximum, place


def _average_backward(total: Array, region: _Region, der: Array) -> None:
    first, last = region.width
    strips = np.zeros((last - first, *der.shape[1:]), der.dtype)  # (w, SH, c)
    for w, (left, right) in enumerate(region.columns):
        if left < right:
            strips[left - first : right - first] += der[w] / (right - left)
    for h, (top, bottom) in enumerate(region.rows):
        if top < bottom:
            total[first:last, top:bottom] += strips[:, h, None] / (bottom - top)


def _pieces(regions: list[_Region], image: Array) -> list[tuple[int, slice]]:
    """The images that have regions, and their channels: one piece for each thread, as each looks at all regions."""
    channels, area = image.shape[1], image.shape[2] * image.shape[3]
    images = {region.image for region in regions}
    cost = channels * area * (len(images) + len(regions))
    count = min(channels, -(-threads.count() // len(images)) if cost >= LEAST_PIXELS else 1)
    step = -(-channels // count)
    return [(n, slice(c, min(c + step, channels))) for n in images for c in range(0, channels, step)]
