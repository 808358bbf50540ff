"""The blocks that normalise: BatchNorm, LRN, NormOffset, SpatialNorm."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from vlnn.blocks.nnbnorm import vl_nnbnorm
from vlnn.blocks.nnnoffset import vl_nnnoffset
from vlnn.blocks.nnnormalize import vl_nnnormalize
from vlnn.blocks.nnspnorm import vl_nnspnorm
from vlnn.dagnn import properties
from vlnn.dagnn.layer import Derivatives, ElementWise
from vlnn.dagnn.properties import Property
from vlnn.dagnn.registry import register
from vlnn.errors import MatConvNetError
from vlnn.matlab.arrays import Array


@register
class BatchNorm(ElementWise):
    """Batch normalisation, ``vl_nnbnorm``.

    Parameters of the network: multipliers, biases and moments [mu sigma]. In mode 'test' the moments are used; in mode
    'normal' those of the batch, whose average over batches they become in training. Derivatives are those of the last
    evaluation in mode 'normal'.

    Attributes
    ----------
    numChannels : []
        For ``initParams``.
    epsilon : 1e-5
    opts : ['NoCuDNN']
        Further options of vl_nnbnorm.
    """

    numChannels = Property((), properties.vector)
    epsilon = Property(1e-5, properties.number)
    opts = Property(["NoCuDNN"], properties.options)

    _not_kept = frozenset({"moments"})

    def reset(self) -> None:
        self.moments: Array | None = None

    def forward(self, inputs: list[Any], params: list[Any]) -> Sequence[Any]:
        options = ["epsilon", self.epsilon, *self.opts]
        if self.net.mode == "test":
            if len(params) > 2:
                return [vl_nnbnorm(inputs[0], *params[:2], None, "moments", params[2], *options)]
            warnings.warn(
                f"Layer '{self.net.layers[self.layerIndex].name}' has no moments: it normalises by those of the input, "
                "as MatConvNet did when the network was made. Its output then depends on all images given at once.",
                stacklevel=2,
            )
        y, self.moments = vl_nnbnorm(inputs[0], *params[:2], None, *options, nargout=2)
        return [y]

    def backward(self, inputs: list[Any], params: list[Any], derOutputs: list[Any]) -> Derivatives:
        options = ["epsilon", self.epsilon, "moments", self.moments, *self.opts]
        try:
            *derivatives, moments = vl_nnbnorm(inputs[0], *params[:2], derOutputs[0], *options, nargout=4)
        except MatConvNetError as error:
            if self.moments is not None:
                raise
            raise MatConvNetError(f"{error} Derivatives need an evaluation in mode 'normal'.") from None
        self.moments = None
        return derivatives[:1], [*derivatives[1:], moments]

    def initParams(self) -> Sequence[Array]:
        if len(self.numChannels) != 1:
            raise MatConvNetError("A BatchNorm needs numChannels, the number of channels, for first values.")
        channels = int(self.numChannels[0])
        return [
            np.ones((channels, 1), np.float32),
            np.zeros((channels, 1), np.float32),
            np.zeros((channels, 2), np.float32, order="F"),
        ]

    def has_modes(self) -> bool:
        return True

    def attach(self, net: Any, index: int) -> None:
        super().attach(net, index)
        for name in net.layers[index].params[2:3]:
            moments = net.params[net.getParamIndex(name)]
            moments.trainMethod, moments.learningRate = "average", 0.1


@register
class LRN(ElementWise):
    """Normalisation across channels, ``vl_nnnormalize``.

    Attributes
    ----------
    param : [5 1 0.0001/5 0.75]
        [N KAPPA ALPHA BETA].
    """

    param = Property((5, 1, 0.0001 / 5, 0.75), properties.vector)

    def forward(self, inputs: list[Any], params: list[Any]) -> Sequence[Any]:
        return [vl_nnnormalize(inputs[0], self.param)]

    def backward(self, inputs: list[Any], params: list[Any], derOutputs: list[Any]) -> Derivatives:
        return [vl_nnnormalize(inputs[0], self.param, derOutputs[0])], []


@register
class NormOffset(ElementWise):
    """Offset by the norm over the channels, ``vl_nnnoffset``.

    Attributes
    ----------
    param : [1 0.5]
    """

    param = Property((1, 0.5), properties.vector)

    def forward(self, inputs: list[Any], params: list[Any]) -> Sequence[Any]:
        return [vl_nnnoffset(inputs[0], self.param)]

    def backward(self, inputs: list[Any], params: list[Any], derOutputs: list[Any]) -> Derivatives:
        return [vl_nnnoffset(inputs[0], self.param, derOutputs[0])], []


@register
class SpatialNorm(ElementWise):
    """Normalisation by the energy around each pixel, ``vl_nnspnorm``.

    Attributes
    ----------
    param : [2 2 10 2]
        [PH PW ALPHA BETA].
    """

    param = Property((2, 2, 10, 2), properties.vector)

    def forward(self, inputs: list[Any], params: list[Any]) -> Sequence[Any]:
        return [vl_nnspnorm(inputs[0], self.param)]

    def backward(self, inputs: list[Any], params: list[Any], derOutputs: list[Any]) -> Derivatives:
        return [vl_nnspnorm(inputs[0], self.param, derOutputs[0])], []
