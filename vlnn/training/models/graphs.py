"""What the examples' graphs have in common: how they grow, how they end, and how their batch normalisation learns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vlnn.dagnn import BatchNorm, Conv, DagNN, Loss, ReLU
from vlnn.training.models.chains import TOP1, TOP5


class Growing:
    """A network so far, the variable at its end, and the channels of that."""

    def __init__(self, workspace_limit: Any) -> None:
        self.net = DagNN()
        self.variable = "input"
        self.channels = 3
        self._options = ["cudnnworkspacelimit", workspace_limit]

    def add_convolution(
        self, name: str, layer: str, sides: Sequence[int], filters: int, params: Sequence[str], **properties: Any
    ) -> None:
        """Add a layer with a convolution, which writes NAME_conv, and NAME_bn, which normalises that.

        The convolution has biases where `params` names them.
        """
        size = [*sides, self.channels, filters]
        block = Conv(size=size, hasBias=len(params) > 1, opts=self._options, **properties)
        self.net.addLayer(layer, block, self.variable, f"{name}_conv", params)
        learned = [f"{name}_bn_w", f"{name}_bn_b", f"{name}_bn_m"]
        self.net.addLayer(f"{name}_bn", BatchNorm(numChannels=filters), f"{name}_conv", f"{name}_bn", learned)
        self.variable, self.channels = f"{name}_bn", filters

    def add_relu(self, name: str, variable: str) -> None:
        """Add NAME_relu, which writes `variable`."""
        self.net.addLayer(f"{name}_relu", ReLU(), self.variable, variable)
        self.variable = variable


def add_classification(net: DagNN, prediction: str, loss: str, objective: str, errors: tuple[str, str]) -> None:
    """Add the layer `loss`, which writes `objective`, and those of the errors, which write variables of their names."""
    inputs = [prediction, "label"]
    net.addLayer(loss, Loss("loss", "softmaxlog"), inputs, objective)
    for name, options in zip(errors, (TOP1, TOP5), strict=True):
        net.addLayer(name, Loss(*options), inputs, name)


def averages_learn_at(net: DagNN, rate: float) -> None:
    """Let the moments of every batch normalisation follow those of batches at a rate."""
    for layer in net.layers:
        if isinstance(layer.block, BatchNorm):
            net.getParam(layer.params[2]).learningRate = rate
