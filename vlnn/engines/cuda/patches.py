"""Images as columns of patches and back, some images or some columns of an image at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import cupy

from vlnn.engines.cuda.launching import Grid, launch, over_planes
from vlnn.engines.cuda.products import Rows
from vlnn.geometry import ConvGeometry
from vlnn.matlab.arrays import Array
from vlnn.settings import settings

LEAST_WORKSPACE = 4 * 2**20  # bytes: with less there are too many pieces
MOST_COLUMNS = 2**31 - 1  # cuBLAS counts in 32 bits


class Piece(NamedTuple):
    """Some outputs: whole images, or columns of one, `height` pixels each."""

    image: int
    images: int
    column: int
    columns: int
    height: int

    @property
    def pixels(self) -> int:
        return self.columns * self.height

    @property
    def first_pixel(self) -> int:
        return self.column * self.height


def pieces(g: ConvGeometry, itemsize: int, most_images: int | None = None) -> Iterator[Piece]:
    """The outputs in pieces whose columns, and a copy of whose outputs, fit the workspace."""
    per_pixel = (g.channels * g.filter_height * g.filter_width + g.filters) * itemsize
    limit = max(settings.cudnn_workspace_limit, LEAST_WORKSPACE)
    pixels = int(min(limit / per_pixel, MOST_COLUMNS))
    images = min(pixels // (g.output_width * g.output_height), most_images or g.batch)
    if images:
        for image in range(0, g.batch, images):
            yield Piece(image, min(images, g.batch - image), 0, g.output_width, g.output_height)
        return
    columns = max(1, pixels // g.output_height)
    for image in range(g.batch):
        for column in range(0, g.output_width, columns):
            yield Piece(image, 1, column, min(columns, g.output_width - column), g.output_height)


def rows_of_planes(planes: Array, piece: Piece) -> Rows:
    """A piece of outputs where it lies."""
    depth, pixels = planes.shape[1], planes.shape[2] * planes.shape[3]
    return Rows(planes, pixels, depth * pixels, piece.image * depth * pixels + piece.first_pixel)


def empty_rows(depth: int, piece: Piece, like: Array, joined: bool) -> Rows:
    """Room for rows of a piece: those of each image by themselves, or going on from image to image."""
    array = cupy.empty((depth * piece.images * piece.pixels,), like.dtype)
    if joined:
        return Rows(array, piece.images * piece.pixels, piece.pixels)
    return Rows(array, piece.pixels, depth * piece.pixels)


def columns_of(g: ConvGeometry, image: Array, piece: Piece, joined: bool) -> Rows:
    """The patches under a piece's outputs, a row for each channel and tap."""
    columns = empty_rows(g.channels * g.filter_height * g.filter_width, piece, image, joined)
    grid = over_planes(piece.height, piece.columns, piece.images * g.channels)
    launch("patches", "im2row", image, grid, image[piece.image :], columns.array, *_sizes(g, piece, columns))
    return columns


def add_up_columns(g: ConvGeometry, columns: Rows, piece: Piece, biases: Array | None, out: Array) -> None:
    """The transpose of `columns_of`, and biases; what other pieces have put into the same image stays in it."""
    period_y, period_x = (
        stride // math.gcd(stride, dilate) for stride, dilate in ((g.stride_y, g.dilate_y), (g.stride_x, g.dilate_x))
    )
    grid = over_planes(g.image_height, g.image_width, piece.images * g.channels)
    arrays = columns.array, *_biases(biases, out), out[piece.image :]
    more = int(piece.column > 0)
    launch("patches", "row2im", out, grid, *arrays, more, period_y, period_x, *_sizes(g, piece, columns))


def planes_to_rows(planes: Array, piece: Piece) -> Rows:
    """A piece of outputs as rows that go on from image to image."""
    rows = empty_rows(planes.shape[1], piece, planes, joined=True)
    sizes, grid = _rows_of(planes, piece)
    launch("patches", "planes_to_rows", planes, grid, planes[piece.image :], rows.array, *sizes)
    return rows


def rows_to_planes(rows: Rows, biases: Array | None, planes: Array, piece: Piece) -> None:
    """The other way round, with biases."""
    sizes, grid = _rows_of(planes, piece)
    arrays = rows.array, *_biases(biases, planes), planes[piece.image :]
    launch("patches", "rows_to_planes", planes, grid, *arrays, *sizes)


def filled(planes: Array, biases: Array | None) -> Array:
    """The planes, with each channel's bias in it, or zeros."""
    if biases is None:
        planes.fill(0)
        return planes
    images, depth, width, height = planes.shape
    grid = over_planes(width * height, images, depth)
    launch("patches", "fill", planes, grid, biases, planes, images, depth, width * height)
    return planes


def _biases(biases: Array | None, like: Array) -> tuple[Array, int]:
    """Biases, and whether there are any; a kernel wants an array in any case."""
    return (like, 0) if biases is None else (biases, 1)


def _rows_of(planes: Array, piece: Piece) -> tuple[tuple[int, ...], Grid]:
    depth, pixels = planes.shape[1], planes.shape[2] * planes.shape[3]
    sizes = piece.images, depth, pixels, piece.first_pixel, piece.pixels
    return sizes, over_planes(piece.pixels, piece.images, depth)


def _sizes(g: ConvGeometry, piece: Piece, columns: Rows) -> tuple[int, ...]:
    """What the kernels are told of the geometry, in their order."""
    return (
        piece.images, g.channels, g.image_height, g.image_width, g.filter_height, g.filter_width, g.output_height,
        g.stride_y, g.stride_x, g.dilate_y, g.dilate_x, g.pad.top, g.pad.left, piece.column,
        piece.column + piece.columns, columns.row, columns.image,
    )  # fmt: skip
