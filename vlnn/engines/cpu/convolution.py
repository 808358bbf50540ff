"""The three primitives of convolution on the CPU: which kernel serves which geometry.

    patches       little work, or few rows in a patch: one call of BLAS on copied patches
    columns       few pixels, small pictures or 1x1 filters: the textbook's algorithm, which treats NaN and Inf as
                  MatConvNet does
    separable     one filter of rank one for each channel
    depthwise     any filter for each channel
    windows       everything else

All but columns also multiply zeros that MatConvNet leaves out, which makes NaN of an infinity or a NaN. Where that
shows, columns does the work.
"""

from __future__ import annotations

import numpy as np

from vlnn.engines.cpu import coarse_filter, columns, depthwise, patches, separable, windows, windows_filter
from vlnn.engines.protocols import Workspaces
from vlnn.engines.subsampling import Subsampling
from vlnn.geometry import ConvGeometry
from vlnn.matlab.arrays import Array

FEW_PRODUCTS = 2**17
FEW_PIXELS = 1024
FEW_ROWS = 64
SMALL_PICTURE = 64  # pixels of an output of which to take many together, for the derivative in the filters
TINY_PICTURE = 16  # the same for the output itself
FEW_CHANNELS = 32
THIN_ROWS = 32
THIN_PATCHES = 2**21 - 2**19  # numbers in all patches together, so that they fit a cache
FEW_TAPS = 64  # of a depthwise filter, which cost a few calls of NumPy each
SHORT_SUM = 256  # pixels up to which BLAS adds them up faster than NumPy
LONG_SUM = 128  # rows up to which depthwise's detour over all rows pays


class Convolution(Subsampling):
    """The convolution part of the CPU engine."""

    backend = "BLAS"

    def conv_forward(self, geometry: ConvGeometry, image: Array, filters: Array, biases: Array | None) -> Array:
        g = geometry
        out = np.empty((g.batch, g.filters, g.output_width, g.output_height), image.dtype)
        if g.multiplications == 0:
            out[...] = 0 if biases is None else biases[:, None, None]
            return out
        with np.errstate(all="ignore"):
            if g.groups == 1 and _little(g):
                patches.forward(g, image, filters, biases, out)
                return out
            one, bank = _per_channel(g, filters)
            pair = separable.factors(bank) if bank is not None and _undilated(g) else None
            if pair is not None:
                separable.forward(one, image, pair, biases, out)
                if _finite(out):
                    return out
            if bank is not None and g.groups == g.channels and g.filter_height * g.filter_width <= FEW_TAPS:
                depthwise.forward(one, image, bank, biases, out)
                return out
            for group, c, k in _groups(g):
                little = _little(group) or (_thin(group) and group.filters <= FEW_CHANNELS)
                small = _plain(group) or _small(group, TINY_PICTURE)
                kernel = patches if little else columns if small else windows
                kernel.forward(group, image[:, c], filters[k], _part(biases, k), out[:, k])
        return out

    def conv_backward_data(self, geometry: ConvGeometry, output: Array, filters: Array, biases: Array | None) -> Array:
        g = geometry
        out = np.empty((g.batch, g.channels, g.image_width, g.image_height), output.dtype)
        if g.multiplications == 0:
            out[...] = 0 if biases is None else biases[:, None, None]
            return out
        with np.errstate(all="ignore"):
            if g.groups == 1 and _little(g) and _finite(filters):
                patches.backward_data(g, output, filters, biases, out)
                return out
            one, bank = _per_channel(g, filters)
            if bank is not None and _finite(filters):
                pair = separable.factors(bank) if _undilated(g) and _finite(output) else None
                if pair is not None:
                    separable.backward_data(one, output, pair, biases, out)
                    return out
                if g.groups == g.channels and _has_phases(g):
                    depthwise.backward_data(one, output, bank, biases, out)
                    return out
            for group, c, k in _groups(g):
                small = _plain(group) or _few_rows(group) or _narrowing(group) or not _has_phases(g)
                kernel = patches if _little(group) else columns if small else windows
                if kernel is not columns and not _finite(filters[k]):
                    kernel = columns
                kernel.backward_data(group, output[:, k], filters[k], _part(biases, c), out[:, c])
        return out

    def conv_backward_filter(self, geometry: ConvGeometry, image: Array, output: Array) -> Array:
        g = geometry
        out = np.empty((g.filters, g.group_channels, g.filter_width, g.filter_height), image.dtype)
        if g.multiplications == 0:
            out[...] = 0
            return out
        with np.errstate(all="ignore"):
            if g.groups == g.channels == g.filters and not _little(g):
                if coarse_filter.suits(g):
                    coarse_filter.backward_filter(g, image, output, out)
                    if _finite(out):
                        return out
                elif _undilated(g) and g.output_height <= LONG_SUM:
                    depthwise.backward_filter(g, image, output, out[:, 0])
                    if _finite(out):
                        return out
            for group, c, k in _groups(g):
                coarse = coarse_filter.suits(group)
                if _little(group) or (_thin(group) and not coarse):
                    patches.backward_filter(group, image[:, c], output[:, k], out[k])
                    continue
                if coarse or not (_plain(group) or _few_rows(group) or _small(group, SMALL_PICTURE)):
                    kernel = coarse_filter if coarse else windows_filter
                    kernel.backward_filter(group, image[:, c], output[:, k], out[k])
                    if _finite(out[k]):
                        continue
                columns.backward_filter(group, image[:, c], output[:, k], out[k])
        return out

    def sum_per_channel(self, planes: Array) -> Array:
        pixels = planes.shape[2] * planes.shape[3]
        with np.errstate(all="ignore"):
            if not 1 < pixels <= SHORT_SUM:
                return planes.sum(axis=(0, 2, 3))
            each = planes.reshape(-1, pixels) @ np.ones(pixels, planes.dtype)  # NumPy is slow with short sums
            return each.reshape(planes.shape[:2]).sum(axis=0)

    def take_workspaces(self) -> Workspaces | None:
        return None


def _little(g: ConvGeometry) -> bool:
    pixels = max(g.output_pixels, g.batch * g.image_width * g.image_height)
    return pixels * g.filters * g.channels * g.filter_height * g.filter_width <= FEW_PRODUCTS


def _plain(g: ConvGeometry) -> bool:
    """Whether reordering the filters costs too much beside the product, or there is nothing to reorder."""
    single = (g.filter_height, g.filter_width, g.stride_y, g.stride_x) == (1, 1, 1, 1) and not any(g.pad)
    return single or g.output_pixels <= FEW_PIXELS


def _few_rows(g: ConvGeometry) -> bool:
    """Whether columns are so short that writing them out costs little."""
    return g.channels * g.filter_height * g.filter_width <= FEW_ROWS


def _small(g: ConvGeometry, pixels: int) -> bool:
    """Whether pictures are so small that taking many together beats going from one to the next."""
    return g.output_width * g.output_height <= pixels


def _thin(g: ConvGeometry) -> bool:
    """Whether patches have so few rows, and are so few, that copying them costs little."""
    rows = g.channels * g.filter_height * g.filter_width
    return rows <= THIN_ROWS and g.output_pixels * rows <= THIN_PATCHES


def _narrowing(g: ConvGeometry) -> bool:
    """Whether small outputs of few channels belong to images that are much larger than they, or are tiny."""
    if g.channels > FEW_CHANNELS or (g.stride_y, g.stride_x) != (1, 1):
        return False
    narrow = 3 * g.output_width * g.output_height <= 2 * g.image_width * g.image_height
    return _small(g, TINY_PICTURE) or (_small(g, SMALL_PICTURE) and narrow)


def _undilated(g: ConvGeometry) -> bool:
    return g.dilate_y == g.dilate_x == 1


def _has_phases(g: ConvGeometry) -> bool:
    """Whether the transpose falls into phases with evenly spaced taps: not with both strides and dilated filters."""
    return (g.stride_y == 1 or g.dilate_y == 1) and (g.stride_x == 1 or g.dilate_x == 1)


def _finite(array: Array) -> bool:
    return bool(np.isfinite(array.sum()))


def _per_channel(g: ConvGeometry, filters: Array) -> tuple[ConvGeometry, Array | None]:
    """The geometry with one group for each channel, and its filters (C, FW, FH), if the bank has no others.

    Networks for segmentation upsample with banks that are dense, but zero off the diagonal.
    """
    one = g._replace(groups=g.channels)
    if g.channels != g.filters or _little(g):
        return one, None
    if g.groups == g.channels:
        return one, filters[:, 0]
    if g.groups > 1 or np.count_nonzero(filters[0, 1:]) or np.count_nonzero(filters[1:, 0]):
        return one, None
    diagonal = filters[np.arange(g.channels), np.arange(g.channels)]
    return one, diagonal if np.count_nonzero(filters) == np.count_nonzero(diagonal) else None


def _part(biases: Array | None, channels: slice) -> Array | None:
    return None if biases is None else biases[channels]


def _groups(g: ConvGeometry) -> list[tuple[ConvGeometry, slice, slice]]:
    """Each group as a geometry of its own, with the channels and the filters that are its."""
    if g.groups == 1:
        return [(g, slice(None), slice(None))]
    group = g._replace(groups=1, channels=g.group_channels, filters=g.group_filters)
    channels, filters = group.channels, group.filters
    return [
        (group, slice(i * channels, (i + 1) * channels), slice(i * filters, (i + 1) * filters)) for i in range(g.groups)
    ]
