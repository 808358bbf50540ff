"""Products of matrices by cuBLAS, on parts of arrays, without a copy.

cuBLAS stores matrices column by column. Row by row the same memory holds their transposes, so that C = A B is asked for
as C^T = B^T A^T.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import cupy
import numpy as np

from vlnn.matlab.arrays import Array


class Matrices(NamedTuple):
    """Matrices in an array, row by row: `first` elements after its beginning, `apart` elements from each to the next.

    `row` is the distance of rows. `transposed` ones stand in memory with rows and columns exchanged.
    """

    array: Array
    row: int
    apart: int
    first: int = 0
    transposed: bool = False

    @property
    def pointer(self) -> int:
        return int(self.array.data.ptr) + self.first * int(self.array.itemsize)


def multiply(
    count: int, rows: int, columns: int, inner: int, a: Matrices, b: Matrices, c: Matrices, add: bool = False
) -> None:
    """Write `count` products of a (rows, inner) and b (inner, columns) to c (rows, columns), or add them to it."""
    cublas = cupy.cuda.cublas
    single = c.array.dtype == np.float32
    gemm = cublas.sgemmStridedBatched if single else cublas.dgemmStridedBatched
    zero, one = _factors(single)
    operations = [cublas.CUBLAS_OP_T if matrices.transposed else cublas.CUBLAS_OP_N for matrices in (b, a)]
    gemm(
        cupy.cuda.device.get_cublas_handle(), *operations, columns, rows, inner, one.ctypes.data,
        b.pointer, b.row, b.apart, a.pointer, a.row, a.apart, (one if add else zero).ctypes.data,
        c.pointer, c.row, c.apart, count,
    )  # fmt: skip


@functools.cache
def _factors(single: bool) -> tuple[Array, Array]:
    """0 and 1 where cuBLAS can read them."""
    dtype = np.float32 if single else np.float64
    return np.zeros((), dtype), np.ones((), dtype)


class Rows(NamedTuple):
    """Rows of pixels in an array, the same rows for each of some images: how far apart rows and images are.

    Planes (N, D, P) are such rows, and so is a matrix (D, N*P), whose rows go on from image to image.
    """

    array: Array
    row: int
    image: int
    first: int = 0

    def joined(self, pixels: int) -> bool:
        return self.image == pixels

    def in_groups(self, depth: int, image: int = 0) -> Matrices:
        """The rows of an image, `depth` to a group."""
        return Matrices(self.array, self.row, depth * self.row, self.first + image * self.image)

    def in_images(self, depth: int, group: int) -> Matrices:
        """The rows of a group in each image."""
        return Matrices(self.array, self.row, self.image, self.first + group * depth * self.row)


class Extent(NamedTuple):
    """What products run over."""

    groups: int
    images: int
    pixels: int


def combine(over: Extent, bank: Matrices, rows: int, inner: int, source: Rows, target: Rows, add: bool) -> None:
    """For each group and image: target (rows, pixels) = the group's bank (rows, inner) times source (inner, pixels)."""
    groups, images, pixels = over
    if images == 1 or (source.joined(pixels) and target.joined(pixels)):
        wide = images * pixels
        multiply(groups, rows, wide, inner, bank, source.in_groups(inner), target.in_groups(rows), add)
    elif images <= groups:
        for image in range(images):
            pair = source.in_groups(inner, image), target.in_groups(rows, image)
            multiply(groups, rows, pixels, inner, bank, *pair, add)
    else:
        for group in range(groups):
            pair = source.in_images(inner, group), target.in_images(rows, group)
            own = bank._replace(apart=0, first=bank.first + group * bank.apart)
            multiply(images, rows, pixels, inner, own, *pair, add)


def correlate(over: Extent, one: Rows, rows: int, other: Rows, columns: int, target: Array, add: bool) -> None:
    """For each group: target (rows, columns) = the sum over images of one (rows, pixels) times other's transpose."""
    groups, images, pixels = over
    result = Matrices(target, columns, rows * columns)
    if images > 1 and one.joined(pixels) and other.joined(pixels):
        images, pixels = 1, images * pixels
    for image in range(images):
        pair = one.in_groups(rows, image), other.in_groups(columns, image)._replace(transposed=True)
        multiply(groups, rows, columns, pixels, *pair, result, add or image > 0)
