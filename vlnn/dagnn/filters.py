"""The blocks that slide a window over an image: Conv, ConvTranspose, Pooling."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from vlnn.blocks.nnconv import vl_nnconv
from vlnn.blocks.nnconvt import vl_nnconvt
from vlnn.blocks.nnpool import vl_nnpool
from vlnn.dagnn import properties
from vlnn.dagnn.extents import ReceptiveField, Size
from vlnn.dagnn.layer import Derivatives, Filter, Layer
from vlnn.dagnn.properties import Property
from vlnn.dagnn.reading import empty
from vlnn.dagnn.registry import register
from vlnn.errors import MatConvNetError
from vlnn.matlab.arrays import Array
from vlnn.toolbox.conversion import from_nnconvt, to_nnconvt
from vlnn.toolbox.transposedconv import TransposedConvolution2DLayer


@register
class Conv(Filter):
    """Convolution, ``vl_nnconv``.

    Parameters of the network: the filters and, if ``hasBias``, the biases.

    Attributes
    ----------
    size : [0 0 0 0]
        The size of the filters, [FH FW C K].
    hasBias : True
    opts : ['cuDNN']
        Further options of vl_nnconv.
    pad, stride, dilate
        See :class:`Filter`.
    """

    size = Property((0, 0, 0, 0), properties.four_sizes)
    hasBias = Property(True, properties.flag)
    opts = Property(["cuDNN"], properties.options)

    def forward(self, inputs: list[Any], params: list[Any]) -> Sequence[Any]:
        return [vl_nnconv(inputs[0], *_filters(self, params), None, *self._options())]

    def backward(self, inputs: list[Any], params: list[Any], derOutputs: list[Any]) -> Derivatives:
        dzdx, *derivatives = vl_nnconv(inputs[0], *_filters(self, params), derOutputs[0], *self._options())
        return [dzdx], derivatives

    def getKernelSize(self) -> tuple[float, ...]:
        return self.size[:2]

    def getOutputSizes(self, inputSizes: list[Size]) -> Sequence[Size]:
        ((height, width, _, images),) = super().getOutputSizes(inputSizes)
        return [(height, width, self.size[3], images)]

    def initParams(self) -> Sequence[Array]:
        return _first_filters(self, self.size[:3], self.size[3])

    def _options(self) -> list[Any]:
        return ["pad", self.pad, "stride", self.stride, "dilate", self.dilate, *self.opts]


@register
class ConvTranspose(Layer):
    """Transposed convolution, ``vl_nnconvt``.

    Parameters of the network: the filters and, if ``hasBias``, the biases.

    Attributes
    ----------
    size : [0 0 0 0]
        The size of the filters, [FH FW K C].
    hasBias : True
    upsample : [1 1]
        One number for both, or [Y X].
    crop : [0 0 0 0]
        [TOP BOTTOM LEFT RIGHT], one number for all, or [VERTICAL HORIZONTAL].
    numGroups : 1
    opts : ['cuDNN']
        Further options of vl_nnconvt.
    """

    size = Property((0, 0, 0, 0), properties.four_sizes)
    hasBias = Property(True, properties.flag)
    upsample = Property(1, properties.pair)
    crop = Property(0, properties.four_sides)
    numGroups = Property(1, properties.number)
    opts = Property(["cuDNN"], properties.options)

    @classmethod
    def fromToolbox(cls, layer: TransposedConvolution2DLayer) -> tuple[ConvTranspose, list[Array]]:
        """The block that computes what a ``vlnn.transposedConv2dLayer`` does, and the values of its parameters.

        The layer's factors are for the network's parameters: WeightLearnRateFactor is ``learningRate`` of the filters,
        WeightL2Factor their ``weightDecay``.

        >>> import vlnn
        >>> layer = vlnn.transposedConv2dLayer(4, 8, 'Stride', 2, 'Cropping', 1).initialize([9, 9, 3])
        >>> block, params = vlnn.dagnn.ConvTranspose.fromToolbox(layer)
        >>> block.upsample, block.crop, params[0].shape
        ((2, 2), (1, 1, 1, 1), (4, 4, 8, 3))
        """
        f, b, _, upsample, _, crop = to_nnconvt(layer)
        return cls(size=f.shape, hasBias=b.size > 0, upsample=upsample, crop=crop), [f, b] if b.size else [f]

    def toToolbox(self, params: list[Any]) -> TransposedConvolution2DLayer:
        """The layer that computes what the block does with these values of its parameters."""
        f, b = _filters(self, params)
        return from_nnconvt(f, b, *self._options())

    def forward(self, inputs: list[Any], params: list[Any]) -> Sequence[Any]:
        return [vl_nnconvt(inputs[0], *_filters(self, params), None, *self._options())]

    def backward(self, inputs: list[Any], params: list[Any], derOutputs: list[Any]) -> Derivatives:
        dzdx, *derivatives = vl_nnconvt(inputs[0], *_filters(self, params), derOutputs[0], *self._options())
        return [dzdx], derivatives

    def getOutputSizes(self, inputSizes: list[Size]) -> Sequence[Size]:
        height, width, _, images = inputSizes[0]
        (high, wide, depth, _), (top, bottom, left, right) = self.size, self.crop
        rows = self.upsample[0] * (height - 1) + high - top - bottom
        columns = self.upsample[1] * (width - 1) + wide - left - right
        return [(rows, columns, depth, images)]  # MatConvNet forgets numGroups here

    def getReceptiveFields(self) -> Sequence[Sequence[ReceptiveField]]:
        kernel, upsample = np.array(self.size[:2]), np.array(self.upsample)
        size, stride = (kernel - 1) / upsample + 1, 1 / upsample
        offset = (2 * np.array([self.crop[0], self.crop[2]]) - kernel + 1) / (2 * upsample) + 1
        return self._fields(ReceptiveField(tuple(size), tuple(stride), tuple(offset)))

    def initParams(self) -> Sequence[Array]:
        high, wide, depth, channels = self.size
        return _first_filters(self, (high, wide, channels), depth * self.numGroups)

    def _options(self) -> list[Any]:
        return ["upsample", self.upsample, "crop", self.crop, "numGroups", self.numGroups, *self.opts]


@register
class Pooling(Filter):
    """Maximum or average over windows, ``vl_nnpool``.

    Attributes
    ----------
    method : 'max'
        'max' or 'avg'.
    poolSize : [1 1]
        [PH PW] or one number for both.
    opts : ['cuDNN']
        Further options of vl_nnpool.
    pad, stride
        See :class:`Filter`; dilate has no effect.
    """

    method = Property("max", properties.text)
    poolSize = Property(1, properties.pair)
    opts = Property(["cuDNN"], properties.options)

    def forward(self, inputs: list[Any], params: list[Any]) -> Sequence[Any]:
        return [vl_nnpool(inputs[0], self.poolSize, None, *self._options())]

    def backward(self, inputs: list[Any], params: list[Any], derOutputs: list[Any]) -> Derivatives:
        return [vl_nnpool(inputs[0], self.poolSize, derOutputs[0], *self._options())], []

    def getKernelSize(self) -> tuple[float, ...]:
        return self.poolSize

    def getOutputSizes(self, inputSizes: list[Size]) -> Sequence[Size]:
        ((height, width, _, images),) = super().getOutputSizes(inputSizes)
        return [(height, width, inputSizes[0][2], images)]

    def _options(self) -> list[Any]:
        return ["pad", self.pad, "stride", self.stride, "method", self.method, *self.opts]


def _filters(block: Conv | ConvTranspose, params: list[Any]) -> tuple[Any, Any]:
    """The filters and the biases, None where the block has none."""
    if empty(params[0]):  # which vl_nnconv would take for filters that do nothing
        name = block.net.layers[block.layerIndex].params[0]
        raise MatConvNetError(
            f"The parameter '{name}' has no value. Set net.getParam('{name}').value, or all with net.initParams()."
        )
    return params[0], params[1] if block.hasBias and len(params) > 1 else None


def _first_filters(block: Conv | ConvTranspose, taps: tuple[float, ...], outputs: float) -> list[Array]:
    """Filters drawn from a normal distribution with the variance 2 / taps, and biases of 0."""
    deviation = math.sqrt(2 / max(math.prod(taps), 1))
    size = tuple(int(side) for side in block.size)
    draw = np.random.default_rng() if block.net is None else block.net.generator()
    filters = (draw.standard_normal(size[::-1], np.float32) * np.float32(deviation)).T
    return [filters, np.zeros((int(outputs), 1), np.float32, order="F")] if block.hasBias else [filters]
