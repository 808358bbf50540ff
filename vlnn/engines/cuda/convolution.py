"""The three primitives of convolution on the GPU, as products of matrices by cuBLAS.

Patches of the image are written out as columns, as MatConvNet does, so many at a time as fit the workspace::

    filters  (K, C/G*FW*FH)  @  columns (C/G*FW*FH, WO*HO)  =  output (K, WO*HO)      of each image and group

Where an image has few outputs, the columns of several images make one matrix, whose product is turned into planes
afterwards. Filters of one pixel need no columns, nor do filters as large as the image. The sums of every output are
taken by one thread or one product, in an order that does not change from run to run.
"""

from __future__ import annotations

import cupy

from vlnn.engines.cuda.patches import (
    Piece,
    add_up_columns,
    columns_of,
    empty_rows,
    filled,
    pieces,
    planes_to_rows,
    rows_of_planes,
    rows_to_planes,
)
from vlnn.engines.cuda.products import Extent, Matrices, combine, correlate, multiply
from vlnn.engines.protocols import Workspaces
from vlnn.engines.subsampling import Subsampling
from vlnn.geometry import ConvGeometry
from vlnn.matlab.arrays import Array

FEW_PIXELS = 256  # outputs of an image, below which products of several images are taken together
MANY_PIXELS = 1024  # outputs of an image, from which its part in the derivative of filters is worth a product


class Convolution(Subsampling):
    """The convolution part of the CUDA engine."""

    backend = "cuBLAS"

    def conv_forward(self, geometry: ConvGeometry, image: Array, filters: Array, biases: Array | None) -> Array:
        g = geometry
        out = cupy.empty((g.batch, g.filters, g.output_width, g.output_height), image.dtype)
        if g.multiplications == 0:
            return filled(out, biases)
        taps, bank, add = _taps(g), _bank(g, filters), biases is not None
        if _as_large_as_the_image(g):
            if add:
                filled(out, biases)
            x, y = Matrices(image, g.groups * taps, taps), Matrices(out, g.filters, g.group_filters)
            multiply(g.groups, g.batch, g.group_filters, taps, x, bank._replace(transposed=True), y, add)
            return out
        joined = _joins_images(g)
        in_place = _pointwise(g) and not joined
        if add and not joined:
            filled(out, biases)
        for piece in pieces(g, image.itemsize):
            source = rows_of_planes(image, piece) if in_place else columns_of(g, image, piece, joined)
            target = empty_rows(g.filters, piece, out, joined) if joined else rows_of_planes(out, piece)
            combine(_extent(g, piece), bank, g.group_filters, taps, source, target, add and not joined)
            if joined:
                rows_to_planes(target, biases, out, piece)
        return out

    def conv_backward_data(self, geometry: ConvGeometry, output: Array, filters: Array, biases: Array | None) -> Array:
        g = geometry
        out = cupy.empty((g.batch, g.channels, g.image_width, g.image_height), output.dtype)
        if g.multiplications == 0:
            return filled(out, biases)
        taps, bank, add = _taps(g), _bank(g, filters), biases is not None
        if _as_large_as_the_image(g):
            if add:
                filled(out, biases)
            x, y = Matrices(out, g.groups * taps, taps), Matrices(output, g.filters, g.group_filters)
            multiply(g.groups, g.batch, taps, g.group_filters, y, bank, x, add)
            return out
        bank, joined = bank._replace(transposed=True), _joins_images(g)
        in_place = _pointwise(g) and not joined
        if add and in_place:
            filled(out, biases)
        for piece in pieces(g, output.itemsize):
            source = planes_to_rows(output, piece) if joined else rows_of_planes(output, piece)
            target = rows_of_planes(out, piece) if in_place else empty_rows(g.groups * taps, piece, out, joined)
            combine(_extent(g, piece), bank, taps, g.group_filters, source, target, add and in_place)
            if not in_place:
                add_up_columns(g, target, piece, biases, out)
        return out

    def conv_backward_filter(self, geometry: ConvGeometry, image: Array, output: Array) -> Array:
        g = geometry
        out = cupy.empty((g.filters, g.group_channels, g.filter_width, g.filter_height), image.dtype)
        if g.multiplications == 0:
            return filled(out, None)
        taps = _taps(g)
        if _as_large_as_the_image(g):
            x, y = Matrices(image, g.groups * taps, taps), Matrices(output, g.filters, g.group_filters, transposed=True)
            multiply(g.groups, g.group_filters, taps, g.batch, y, x, _bank(g, out))
            return out
        alone = _pointwise(g) and g.output_width * g.output_height >= MANY_PIXELS
        for number, piece in enumerate(pieces(g, image.itemsize, 1 if alone else None)):
            several = piece.images > 1
            columns = (
                rows_of_planes(image, piece) if _pointwise(g) and not several else columns_of(g, image, piece, True)
            )
            rows = planes_to_rows(output, piece) if several else rows_of_planes(output, piece)
            correlate(_extent(g, piece), rows, g.group_filters, columns, taps, out, number > 0)
        return out

    def take_workspaces(self) -> Workspaces | None:
        return None


def _taps(g: ConvGeometry) -> int:
    """How many numbers a filter has."""
    return g.group_channels * g.filter_height * g.filter_width


def _bank(g: ConvGeometry, filters: Array) -> Matrices:
    """The filters as matrices (K/G, taps), one for each group."""
    return Matrices(filters, _taps(g), g.group_filters * _taps(g))


def _extent(g: ConvGeometry, piece: Piece) -> Extent:
    return Extent(g.groups, piece.images, piece.pixels)


def _joins_images(g: ConvGeometry) -> bool:
    """Whether an image alone makes a product too small to keep a GPU busy."""
    return g.batch > 1 and g.output_width * g.output_height < FEW_PIXELS


def _pointwise(g: ConvGeometry) -> bool:
    """Whether every output sees one pixel of its own, so that the image is its own matrix of columns."""
    return (g.filter_height, g.filter_width, g.stride_y, g.stride_x) == (1, 1, 1, 1) and not any(g.pad)


def _as_large_as_the_image(g: ConvGeometry) -> bool:
    """Whether there is one output, which sees the whole image, as in a fully connected layer."""
    return (g.filter_height, g.filter_width) == (g.image_height, g.image_width) and not any(g.pad)
