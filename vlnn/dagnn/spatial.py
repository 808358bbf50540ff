"""The blocks that take parts of an image or move its pixels: Crop, ROIPooling, grids and the sampler."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from vlnn.blocks.nnbilinearsampler import vl_nnbilinearsampler
from vlnn.blocks.nncrop import vl_nncrop
from vlnn.blocks.nnroipool import vl_nnroipool
from vlnn.dagnn import properties
from vlnn.dagnn.arithmetic import size_of
from vlnn.dagnn.extents import NO_FIELD, ReceptiveField, Size
from vlnn.dagnn.layer import Derivatives, ElementWise, Layer
from vlnn.dagnn.properties import Property
from vlnn.dagnn.registry import register
from vlnn.errors import MatConvNetError
from vlnn.geometry import sizes
from vlnn.matlab.arrays import Array, library


@register
class Crop(ElementWise):
    """Crop the first input to the height and width of the second.

    Attributes
    ----------
    crop : [0 0]
        Rows and columns to take away at the top and on the left, at most; the rest goes at the bottom and on the right.
    """

    crop = Property((0, 0), properties.vector)

    _not_kept = frozenset({"inputSizes"})

    def getAdaptedCrops(self, inputSizes: Sequence[Size]) -> list[float]:
        """[TOP BOTTOM LEFT RIGHT] for these sizes."""
        crops = []
        for side in range(2):
            surplus = inputSizes[0][side] - inputSizes[1][side]
            after = max(0, surplus - self.crop[side])
            crops += [surplus - after, after]
        return crops

    def forward(self, inputs: list[Any], params: list[Any]) -> Sequence[Any]:
        return [vl_nncrop(inputs[0], self._crops(inputs))]

    def backward(self, inputs: list[Any], params: list[Any], derOutputs: list[Any]) -> Derivatives:
        return [vl_nncrop(inputs[0], self._crops(inputs), derOutputs[0]), None], []

    def getOutputSizes(self, inputSizes: list[Size]) -> Sequence[Size]:
        return [(*inputSizes[1][:2], *inputSizes[0][2:])]

    def getReceptiveFields(self) -> Sequence[Sequence[ReceptiveField]]:
        offset = (1 + self.crop[0], 1 + self.crop[1])
        return [[ReceptiveField((1, 1), (1, 1), offset)], [NO_FIELD]]

    def _crops(self, inputs: list[Any]) -> list[float]:
        return self.getAdaptedCrops([size_of(value) for value in inputs])


@register
class ROIPooling(Layer):
    """Pooling of regions of interest, ``vl_nnroipool``. Inputs: the image and the regions.

    Attributes
    ----------
    method : 'max'
    subdivisions : [6 6]
    transform : 1
        One number, [SU SV] or a 2 x 3 matrix.
    flatten : False
        Make a vector of each region's bins: (1, 1, SH SW C, K).
    """

    method = Property("max", properties.text)
    subdivisions = Property(6, properties.pair)
    transform = Property(1, properties.vector)
    flatten = Property(False, properties.flag)

    def forward(self, inputs: list[Any], params: list[Any]) -> Sequence[Any]:
        y = vl_nnroipool(*inputs, None, *self._options())
        return [y.reshape((1, 1, -1, y.shape[3]), order="F") if self.flatten else y]

    def backward(self, inputs: list[Any], params: list[Any], derOutputs: list[Any]) -> Derivatives:
        (der,) = derOutputs
        if self.flatten:
            high, wide = (int(side) for side in self.subdivisions)
            der = der.reshape((high, wide, -1, np.size(inputs[1]) // 5), order="F")
        return [vl_nnroipool(*inputs, der, *self._options()), None], []

    def getOutputSizes(self, inputSizes: list[Size]) -> Sequence[Size]:
        high, wide = self.subdivisions
        depth, regions = inputSizes[0][2], math.prod(inputSizes[1]) / 5
        return [(1, 1, high * wide * depth, regions) if self.flatten else (high, wide, depth, regions)]

    def _options(self) -> list[Any]:
        return ["subdivisions", self.subdivisions, "transform", self._transform(), "method", self.method]

    def _transform(self) -> Array:
        return np.reshape(self.transform, (2, 3) if len(self.transform) == 6 else (1, -1), order="F")


class Grid(Layer):
    """The base of blocks that make a sampling grid, (2, Ho, Wo, N), of transformations (1, 1, count, N).

    Attributes
    ----------
    Ho, Wo : 0
        The size of the grid.
    """

    Ho = Property(0, properties.number)
    Wo = Property(0, properties.number)

    _not_kept = frozenset({"xxyy", "f_downsample", "Hi", "Wi"})
    _count = 0

    def getOutputSizes(self, inputSizes: list[Size]) -> Sequence[Size]:
        return [(2, self.Ho, self.Wo, inputSizes[0][3])]

    def _transformations(self, value: Array) -> Array:
        """(count, N)."""
        if size_of(value)[:3] != (1, 1, self._count):
            raise MatConvNetError(
                f"transforms have incorrect shape. Received {sizes(np.shape(value))}; 1x1x{self._count}xN is needed."
            )
        return value.reshape((self._count, -1), order="F")

    def _coordinates(self, like: Array) -> tuple[Array, Array]:
        """The rows, (Ho, 1, 1), and the columns, (1, Wo, 1), of an image in coordinates from -1 to 1."""
        xp = library(like)
        rows, columns = (
            xp.linspace(-1 if count > 1 else 1, 1, int(count), dtype=like.dtype) for count in (self.Ho, self.Wo)
        )
        return rows[:, None, None], columns[None, :, None]


@register
class AffineGridGenerator(Grid):
    """A grid of affine transformations (1, 1, 6, N), which are 2 x 3 matrices A, column by column.

    Coordinate c of the grid is v A(1, c) + u A(2, c) + A(c, 3), where v and u run from -1 to 1.

    Attributes
    ----------
    Ho, Wo : 0
        The size of the grid.
    """

    _count = 6

    def forward(self, inputs: list[Any], params: list[Any]) -> Sequence[Any]:
        a = self._transformations(inputs[0])
        v, u = self._coordinates(a)
        # a[r + 2 c] is A(r + 1, c + 1)
        grid = [v * a[2 * c] + u * a[2 * c + 1] + a[4 + c] for c in range(2)]
        return [_stacked(grid)]

    def backward(self, inputs: list[Any], params: list[Any], derOutputs: list[Any]) -> Derivatives:
        der = derOutputs[0].reshape(size_of(derOutputs[0]))
        v, u = self._coordinates(der)
        sums = [[(part * der[c]).sum(axis=(0, 1)) for part in (v, u, 1)] for c in range(2)]
        rows = [sums[0][0], sums[0][1], sums[1][0], sums[1][1], sums[0][2], sums[1][2]]
        return [_in_single(rows, inputs[0])], []


@register
class UniformScalingGridGenerator(Grid):
    """A grid of scalings and translations (1, 1, 3, N): (v, u) becomes (s v + tv, s u + tu).

    Attributes
    ----------
    Ho, Wo : 0
        The size of the grid.
    """

    _count = 3

    def forward(self, inputs: list[Any], params: list[Any]) -> Sequence[Any]:
        scale, *shift = self._transformations(inputs[0])
        v, u = self._coordinates(scale)
        one = library(scale).ones_like(v * u)
        return [_stacked([one * part * scale + move for part, move in zip((v, u), shift, strict=True)])]

    def backward(self, inputs: list[Any], params: list[Any], derOutputs: list[Any]) -> Derivatives:
        der = derOutputs[0].reshape(size_of(derOutputs[0]))
        v, u = self._coordinates(der)
        rows = [(v * der[0] + u * der[1]).sum(axis=(0, 1)), der[0].sum(axis=(0, 1)), der[1].sum(axis=(0, 1))]
        return [_in_single(rows, inputs[0])], []


@register
class BilinearSampler(Layer):
    """Read an image where a grid says, ``vl_nnbilinearsampler``. Inputs: the image and the grid."""

    def forward(self, inputs: list[Any], params: list[Any]) -> Sequence[Any]:
        return [vl_nnbilinearsampler(*inputs)]

    def backward(self, inputs: list[Any], params: list[Any], derOutputs: list[Any]) -> Derivatives:
        return vl_nnbilinearsampler(*inputs, derOutputs[0]), []

    def getOutputSizes(self, inputSizes: list[Size]) -> Sequence[Size]:
        image, grid = inputSizes
        return [(grid[1], grid[2], image[2], grid[3])]


def _stacked(grid: list[Array]) -> Array:
    """Two arrays (Ho, Wo, N) as a Fortran-ordered (2, Ho, Wo, N)."""
    xp = library(grid[0])
    return xp.asfortranarray(xp.stack(grid))


def _in_single(rows: list[Array], like: Array) -> Array:
    """Derivatives in transformations, which are single whatever the class of `like`."""
    xp = library(rows[0])
    return xp.stack(rows).astype(np.float32).reshape(like.shape, order="F")
