"""The blocks that a network is trained with: Loss, PDist, LossSmoothL1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from vlnn.blocks.nnloss import vl_nnloss
from vlnn.blocks.nnpdist import vl_nnpdist
from vlnn.dagnn import properties
from vlnn.dagnn.arithmetic import in_common, size_of
from vlnn.dagnn.extents import Size
from vlnn.dagnn.layer import Derivatives, ElementWise
from vlnn.dagnn.properties import Property
from vlnn.dagnn.registry import register
from vlnn.errors import MatConvNetError
from vlnn.matlab.arrays import is_array, library


@register
class Loss(ElementWise):
    """A loss, ``vl_nnloss``, and its average over evaluations. Inputs: predictions, labels and, if any, weights.

    Attributes
    ----------
    loss : 'softmaxlog'
        One of vl_nnloss's.
    ignoreAverage : False
        Do not keep the average.
    normalise : True
        Whether the value is divided by the number of images, so that it is multiplied by it in the average.
    opts : []
        Further options of vl_nnloss.
    average, numAveraged
        The average for each pixel of all evaluations since ``reset``, and how many pixels there were.
    """

    loss = Property("softmaxlog", properties.text)
    ignoreAverage = Property(False, properties.flag)
    normalise = Property(True, properties.flag)
    opts = Property([], properties.options)

    _not_kept = frozenset({"average", "numAveraged"})

    def reset(self) -> None:
        self.average: Any = 0.0
        self.numAveraged: float = 0.0

    def forward(self, inputs: list[Any], params: list[Any]) -> Sequence[Any]:
        outputs = [vl_nnloss(*inputs[:2], None, *self._options(inputs))]
        self.accumulateAverage(inputs, outputs)
        return outputs

    def backward(self, inputs: list[Any], params: list[Any], derOutputs: list[Any]) -> Derivatives:
        dzdx = vl_nnloss(*inputs[:2], derOutputs[0], *self._options(inputs))
        return [dzdx, *[None] * (len(inputs) - 1)], []

    def accumulateAverage(self, inputs: list[Any], outputs: Sequence[Any]) -> None:
        """Let the value of an evaluation into the average."""
        if self.ignoreAverage:
            return
        height, width, _, images = size_of(inputs[0])[:4]
        weight = images if self.normalise else 1
        self._accumulate(outputs[0], float(weight), float(height * width * images))

    def getOutputSizes(self, inputSizes: list[Size]) -> Sequence[Size]:
        return [(1, 1, 1, inputSizes[0][3])]

    def getReceptiveFields(self) -> Any:
        return super(ElementWise, self).getReceptiveFields()

    def _options(self, inputs: list[Any]) -> list[Any]:
        weights = ["instanceWeights", inputs[2]] if len(inputs) > 2 else []
        return ["loss", self.loss, *weights, *self.opts]

    def _accumulate(self, value: Any, weight: float, count: float) -> None:
        """average = (numAveraged average + weight value) / (numAveraged + count)."""
        if hasattr(value, "get"):
            value = value.get()
        total = self.numAveraged + count
        self.average = (self.numAveraged * self.average + weight * np.asarray(value)[()]) / total
        self.numAveraged = total


@register
class PDist(Loss):
    """Distance from a target, ``vl_nnpdist``. Inputs: x, x0 and, if any, weights.

    Attributes
    ----------
    p : 2
    aggregate : True
    noRoot : False
    epsilon : 1e-6
    opts : []
        Further options of vl_nnpdist.
    """

    p = Property(2, properties.number)
    aggregate = Property(True, properties.flag)
    noRoot = Property(False, properties.flag)
    epsilon = Property(1e-6, properties.number)
    loss = Property("pdist", properties.text)

    def forward(self, inputs: list[Any], params: list[Any]) -> Sequence[Any]:
        outputs = [vl_nnpdist(*inputs[:2], self.p, None, *self._options(inputs))]
        self.accumulateAverage(inputs, outputs)
        return outputs

    def backward(self, inputs: list[Any], params: list[Any], derOutputs: list[Any]) -> Derivatives:
        derivatives = vl_nnpdist(*inputs[:2], self.p, derOutputs[0], *self._options(inputs))
        return [*derivatives, *[None] * (len(inputs) - 2)], []

    def getOutputSizes(self, inputSizes: list[Size]) -> Sequence[Size]:
        height, width, _, images = inputSizes[0]
        return [(1, 1, 1, images) if self.aggregate else (height, width, 1, images)]

    def _options(self, inputs: list[Any]) -> list[Any]:
        weights = ["instanceWeights", inputs[2]] if len(inputs) > 2 else []
        options = ["aggregate", self.aggregate, "noRoot", self.noRoot, "epsilon", self.epsilon]
        return [*options, *weights, *self.opts]


@register
class LossSmoothL1(Loss):
    """The smooth L1 loss of Faster R-CNN. Inputs: x, x0 and the weight of each element.

    The value is the sum of w f(x - x0), where f(d) = sigma^2 d^2 / 2 up to |d| = 1 / sigma^2 and |d| - 1 / (2 sigma^2)
    beyond it.

    Attributes
    ----------
    sigma : 1
    """

    sigma = Property(1, properties.number)
    loss = Property("smoothl1", properties.text)

    def forward(self, inputs: list[Any], params: list[Any]) -> Sequence[Any]:
        delta, weights = self._operands(inputs)
        square, size = self.sigma**2, abs(delta)
        linear = size > 1 / square
        y = (weights * (linear * (size - 0.5 / square) + ~linear * (0.5 * square) * size**2)).sum(dtype=delta.dtype)
        y = y.reshape(1, 1)
        if not self.ignoreAverage:
            self._accumulate(y[0, 0], 1.0, float(weights.sum()) + 1e-9)
        return [y]

    def backward(self, inputs: list[Any], params: list[Any], derOutputs: list[Any]) -> Derivatives:
        delta, weights = self._operands(inputs)
        square = self.sigma**2
        slope = (square * delta).clip(-1, 1)
        (der,) = derOutputs
        dzdx = weights * slope * delta.dtype.type(der.item() if is_array(der) else der)
        return [dzdx.reshape(np.shape(inputs[0]), order="F"), *[None] * (len(inputs) - 1)], []

    def _operands(self, inputs: list[Any]) -> tuple[Any, Any]:
        """x - x0 and the weights, all ones where none are given."""
        if not 2 <= len(inputs) <= 3:
            raise MatConvNetError(f"Invalid number of inputs. Received {len(inputs)}; x, x0 and weights are needed.")
        x, x0, *weights = in_common(*inputs)
        return x - x0, weights[0] if weights else library(x).ones_like(x)
