"""What the examples' graphs have in common: how they end, and how their batch normalisation learns."""

from __future__ import annotations

from vlnn.dagnn import BatchNorm, DagNN, Loss
from vlnn.training.models.chains import TOP1, TOP5


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
