"""The blocks that work at each pixel: activations, dropout, scales, sums; and Concat."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from vlnn.blocks.nnconcat import vl_nnconcat
from vlnn.blocks.nndropout import vl_nndropout
from vlnn.blocks.nnrelu import vl_nnrelu
from vlnn.blocks.nnsigmoid import vl_nnsigmoid
from vlnn.blocks.nnsoftmax import vl_nnsoftmax
from vlnn.dagnn import properties
from vlnn.dagnn.arithmetic import add, multiply, size_of, sum_like
from vlnn.dagnn.extents import SAME_PIXEL, UNKNOWN_FIELD, ReceptiveField, Size
from vlnn.dagnn.layer import Derivatives, ElementWise
from vlnn.dagnn.properties import Property
from vlnn.dagnn.reading import empty
from vlnn.dagnn.registry import register
from vlnn.matlab.arrays import Array


@register
class ReLU(ElementWise):
    """Rectified linear unit, ``vl_nnrelu``.

    Attributes
    ----------
    useShortCircuit : True
        If the network conserves memory, forget the input also when derivatives will be computed: the output tells as
        much.
    leak : 0
    opts : []
        Further options of vl_nnrelu.
    """

    useShortCircuit = Property(True, properties.flag)
    leak = Property(0, properties.number)
    opts = Property([], properties.options)

    def forward(self, inputs: list[Any], params: list[Any]) -> Sequence[Any]:
        return [vl_nnrelu(inputs[0], None, "leak", self.leak, *self.opts)]

    def backward(self, inputs: list[Any], params: list[Any], derOutputs: list[Any]) -> Derivatives:
        return [vl_nnrelu(inputs[0], derOutputs[0], "leak", self.leak, *self.opts)], []

    def forwardAdvanced(self, layer: Any) -> None:
        super().forwardAdvanced(layer)
        if self._short_circuit(layer) and not empty(self.net.vars[layer.outputIndexes[0]].value):
            self.net.forget_value(layer.inputIndexes[0])

    def backwardAdvanced(self, layer: Any) -> None:
        (source,), (result,) = layer.inputIndexes, layer.outputIndexes
        given = self.net.vars[source]
        if self._short_circuit(layer) and empty(given.value):
            given.value = self.net.vars[result].value
            super().backwardAdvanced(layer)
            given.value = None
        else:
            super().backwardAdvanced(layer)

    def _short_circuit(self, layer: Any) -> bool:
        """Whether the input may go: the output has its signs, and nobody else needs it."""
        alone = self.net.vars[layer.inputIndexes[0]].fanout == 1
        return bool(self.useShortCircuit and self.net.conserveMemory and self.leak >= 0 and alone)


@register
class Sigmoid(ElementWise):
    """Sigmoid, ``vl_nnsigmoid``."""

    def forward(self, inputs: list[Any], params: list[Any]) -> Sequence[Any]:
        return [vl_nnsigmoid(inputs[0])]

    def backward(self, inputs: list[Any], params: list[Any], derOutputs: list[Any]) -> Derivatives:
        return [vl_nnsigmoid(inputs[0], derOutputs[0])], []


@register
class SoftMax(ElementWise):
    """Softmax over the channels, ``vl_nnsoftmax``."""

    def forward(self, inputs: list[Any], params: list[Any]) -> Sequence[Any]:
        return [vl_nnsoftmax(inputs[0])]

    def backward(self, inputs: list[Any], params: list[Any], derOutputs: list[Any]) -> Derivatives:
        return [vl_nnsoftmax(inputs[0], derOutputs[0])], []


@register
class DropOut(ElementWise):
    """Dropout, ``vl_nndropout``; in mode 'test' it does nothing.

    Attributes
    ----------
    rate : 0.5
    frozen : False
        Use the same mask again and again, until ``reset``.
    """

    rate = Property(0.5, properties.number)
    frozen = Property(False, properties.flag)

    _not_kept = frozenset({"mask"})

    def reset(self) -> None:
        self.mask: Array | None = None

    def forward(self, inputs: list[Any], params: list[Any]) -> Sequence[Any]:
        if self.net.mode == "test":
            return inputs
        if self.frozen and self.mask is not None:
            return [vl_nndropout(inputs[0], None, "mask", self.mask)]
        y, self.mask = vl_nndropout(inputs[0], None, "rate", self.rate, "rng", self.net.generator(), nargout=2)
        return [y]

    def backward(self, inputs: list[Any], params: list[Any], derOutputs: list[Any]) -> Derivatives:
        if self.net.mode == "test":
            return derOutputs, []
        return [vl_nndropout(inputs[0], derOutputs[0], "mask", self.mask)], []

    def has_modes(self) -> bool:
        return True


@register
class Scale(ElementWise):
    """x .* g + b; g and b, each side of which is that of x or 1, are inputs or parameters.

    Attributes
    ----------
    size : []
        The size of g, for ``initParams``.
    hasBias : True
    """

    size = Property((), properties.vector)
    hasBias = Property(True, properties.flag)

    def forward(self, inputs: list[Any], params: list[Any]) -> Sequence[Any]:
        x, factor, *bias = [*inputs, *params]
        y = multiply(x, factor)
        return [add(y, bias[0]) if self.hasBias else y]

    def backward(self, inputs: list[Any], params: list[Any], derOutputs: list[Any]) -> Derivatives:
        (der,) = derOutputs
        x, factor, *bias = [*inputs, *params]
        derivatives = [sum_like(multiply(der, factor), x), sum_like(multiply(der, x), factor)]
        derivatives += [sum_like(der.reshape(size_of(der)), one) for one in bias if self.hasBias]
        derivatives += [None] * (len(inputs) + len(params) - len(derivatives))
        return derivatives[: len(inputs)], derivatives[len(inputs) :]

    def getOutputSizes(self, inputSizes: list[Size]) -> Sequence[Size]:
        return inputSizes[:1]

    def getReceptiveFields(self) -> Sequence[Sequence[ReceptiveField]]:
        first, *others = super().getReceptiveFields()
        return [first, *[[UNKNOWN_FIELD] for _ in others]]

    def initParams(self) -> Sequence[Array]:
        size = tuple(int(side) for side in self.size) or (1, 1)
        first = [np.ones(size, np.float32, order="F"), np.zeros(size, np.float32, order="F")]
        return first if self.hasBias else first[:1]


@register
class Sum(ElementWise):
    """The sum of all inputs."""

    _not_kept = frozenset({"numInputs"})

    def forward(self, inputs: list[Any], params: list[Any]) -> Sequence[Any]:
        y = inputs[0]
        for other in inputs[1:]:
            y = add(y, other)
        return [y]

    def backward(self, inputs: list[Any], params: list[Any], derOutputs: list[Any]) -> Derivatives:
        return [derOutputs[0]] * len(inputs), []

    def getOutputSizes(self, inputSizes: list[Size]) -> Sequence[Size]:
        known = {size for size in inputSizes if not np.isnan(size).any()}
        if len(known) > 1:
            warnings.warn(
                "Sum layer: the dimensions of the input variables is not the same. "
                f"In layer '{self.net.layers[self.layerIndex].name}'.",
                stacklevel=2,
            )
        return inputSizes[:1]


@register
class Concat(ElementWise):
    """The inputs, one after the other, ``vl_nnconcat``.

    Attributes
    ----------
    dim : 3
        Along which dimension, counted from 1.
    """

    dim = Property(3, properties.number)

    _not_kept = frozenset({"numInputs", "inputSizes"})

    def forward(self, inputs: list[Any], params: list[Any]) -> Sequence[Any]:
        return [vl_nnconcat(inputs, self.dim)]

    def backward(self, inputs: list[Any], params: list[Any], derOutputs: list[Any]) -> Derivatives:
        return vl_nnconcat(inputs, self.dim, derOutputs[0]), []

    def getOutputSizes(self, inputSizes: list[Size]) -> Sequence[Size]:
        size, at = list(inputSizes[0]), int(self.dim) - 1
        size[at] = sum(one[at] for one in inputSizes)
        return [tuple(size)]

    def getReceptiveFields(self) -> Sequence[Sequence[ReceptiveField]]:
        return self._fields(SAME_PIXEL if self.dim in (3, 4) else UNKNOWN_FIELD)
