"""Blocks that are not MatConvNet's own but of networks published for it: SE-Net, ResNeXt, SSD and others.

Source: the classes of these names in mcnExtraLayers and mcnPyTorch (S. Albanie), published with the networks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from vlnn.blocks.nnpool import vl_nnpool
from vlnn.dagnn import properties
from vlnn.dagnn.arithmetic import add, multiply, size_of, sum_like
from vlnn.dagnn.extents import UNKNOWN_SIZE, Size
from vlnn.dagnn.layer import Derivatives, ElementWise, Layer
from vlnn.dagnn.properties import Property
from vlnn.dagnn.reading import empty, value_of
from vlnn.dagnn.registry import register
from vlnn.errors import MatConvNetError
from vlnn.geometry import sizes
from vlnn.matlab.arrays import Array, library


@register
class Axpy(ElementWise):
    """a .* x + y, of the inputs a, x and y; each side of a is that of x or 1."""

    def forward(self, inputs: list[Any], params: list[Any]) -> Sequence[Any]:
        a, x, y = inputs
        return [add(multiply(a, x), y)]

    def backward(self, inputs: list[Any], params: list[Any], derOutputs: list[Any]) -> Derivatives:
        a, x, _ = inputs
        (der,) = derOutputs
        return [sum_like(multiply(x, der), a), multiply(a, der), der], []

    def getOutputSizes(self, inputSizes: list[Size]) -> Sequence[Size]:
        return inputSizes[1:2]


@register
class Tanh(ElementWise):
    """The hyperbolic tangent."""

    def forward(self, inputs: list[Any], params: list[Any]) -> Sequence[Any]:
        return [library(inputs[0]).tanh(inputs[0])]

    def backward(self, inputs: list[Any], params: list[Any], derOutputs: list[Any]) -> Derivatives:
        y = library(inputs[0]).tanh(inputs[0])
        return [multiply(derOutputs[0], 1 - y * y).reshape(np.shape(inputs[0]), order="F")], []


@register
class GlobalPooling(Layer):
    """Pooling of each channel as a whole: (1, 1, C, N).

    Attributes
    ----------
    method : 'avg'
        Or 'max', whose derivative is that of ``vl_nnpool``; the original's is that of the average.
    """

    method = Property("avg", properties.text)

    _not_kept = frozenset({"pad", "stride", "dilate"})  # the original derives from Filter and uses none of them

    def forward(self, inputs: list[Any], params: list[Any]) -> Sequence[Any]:
        return [vl_nnpool(inputs[0], size_of(inputs[0])[:2], None, "method", self.method)]

    def backward(self, inputs: list[Any], params: list[Any], derOutputs: list[Any]) -> Derivatives:
        (x,) = inputs
        return [vl_nnpool(x, size_of(x)[:2], derOutputs[0], "method", self.method)], []

    def getOutputSizes(self, inputSizes: list[Size]) -> Sequence[Size]:
        return [(1, 1, *inputSizes[0][2:])]


class Rearranging(Layer):
    """The base of blocks that give the elements of each image other places, in MATLAB's order."""

    def forward(self, inputs: list[Any], params: list[Any]) -> Sequence[Any]:
        x = inputs[0].reshape(size_of(inputs[0]), order="F")
        return [x.reshape(self._size(x.shape), order="F")]

    def backward(self, inputs: list[Any], params: list[Any], derOutputs: list[Any]) -> Derivatives:
        return [derOutputs[0].reshape(np.shape(inputs[0]), order="F")], []

    def getOutputSizes(self, inputSizes: list[Size]) -> Sequence[Size]:
        size = inputSizes[0]
        return [UNKNOWN_SIZE if np.isnan(size[:3]).any() else self._size(size)]

    def _size(self, size: Size) -> Any:
        """The size of the output for that of the input."""
        return size


@register
class Flatten(Rearranging):
    """One dimension of an image's height, width and channels, the others becoming 1.

    Attributes
    ----------
    firstAxis : 1
        Kept, without effect, as in the original.
    axis : 3
        1, 2 or 3: which dimension has them all.
    """

    firstAxis = Property(1, properties.number)
    axis = Property(3, properties.number)

    def _size(self, size: Size) -> Any:
        if self.axis not in (1, 2, 3):
            raise MatConvNetError(f"flatten axis must be 1, 2 or 3. Received {self.axis}.")
        flat = [1, 1, 1, size[3]]
        flat[int(self.axis) - 1] = size[0] * size[1] * size[2]
        return tuple(flat)


def _shape(value: Any) -> tuple[int, ...]:
    """A shape of two or three sides; [] in a cell is -1."""
    value = value_of(value)
    if isinstance(value, (list, tuple)):
        value = [-1 if empty(side) else properties.number(side) for side in value]
    return tuple(int(side) for side in properties.vector(value))


@register
class Reshape(Rearranging):
    """An image of another height, width and number of channels.

    Attributes
    ----------
    shape : [H W C]
        0 keeps a side; -1, [] in a cell and a third side left out follow from the others.
    """

    shape = Property((), _shape)

    def _size(self, size: Size) -> Any:
        image = tuple(int(side) for side in size[:3])
        received = f"Received {list(self.shape)} for an image of {sizes(image)}."
        if len(self.shape) not in (2, 3):
            raise MatConvNetError(f"The property `shape` does not have two or three elements. {received}")
        sides = [old if new == 0 else new for old, new in zip(image, [*self.shape, -1], strict=False)]
        known = math.prod(side for side in sides if side != -1)
        if sides.count(-1) == 1 and known:
            sides[sides.index(-1)] = math.prod(image) // known
        if min(sides) < 0 or math.prod(sides) != math.prod(image):
            raise MatConvNetError(f"To RESHAPE the number of elements must not change. {received}")
        return (*sides, size[3])


@register
class Permute(Layer):
    """The dimensions in another order.

    Attributes
    ----------
    order : [1 2 3 4]
        Which dimension, counted from 1, becomes the first, the second and so on.
    """

    order = Property((1, 2, 3, 4), properties.vector)

    def forward(self, inputs: list[Any], params: list[Any]) -> Sequence[Any]:
        return [_permuted(inputs[0], self._axes())]

    def backward(self, inputs: list[Any], params: list[Any], derOutputs: list[Any]) -> Derivatives:
        axes = self._axes()
        back = tuple(axes.index(axis) for axis in range(4))
        return [_permuted(derOutputs[0], back).reshape(np.shape(inputs[0]), order="F")], []

    def getOutputSizes(self, inputSizes: list[Size]) -> Sequence[Size]:
        return [tuple(inputSizes[0][axis] for axis in self._axes())]

    def _axes(self) -> tuple[int, ...]:
        axes = tuple(int(axis) - 1 for axis in self.order)
        axes += tuple(range(len(axes), 4))
        if sorted(axes) != [0, 1, 2, 3]:
            raise MatConvNetError(f"ORDER is not a permutation of 1 to 4. Received {list(self.order)}.")
        return axes


def _permuted(x: Array, axes: tuple[int, ...]) -> Array:
    return library(x).asfortranarray(x.reshape(size_of(x), order="F").transpose(axes))
