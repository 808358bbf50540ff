"""What the examples' chains of layers have in common: their layers, and the choice between SimpleNN and DagNN."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vlnn.dagnn import DagNN, Loss
from vlnn.errors import MatConvNetError
from vlnn.matlab.arrays import Array
from vlnn.matlab.values import Struct
from vlnn.simplenn import SimpleNN
from vlnn.simplenn.tidy import vl_simplenn_tidy


def conv(filters: Array, biases: Array, stride: int = 1, pad: Any = 0, **fields: Any) -> Struct:
    """A convolution."""
    return Struct(type="conv", weights=[filters, biases], stride=stride, pad=pad, **fields)


def pool(method: str, size: int, stride: int, pad: Any = 0, **fields: Any) -> Struct:
    """Pooling over squares."""
    return Struct(type="pool", method=method, pool=[size, size], stride=stride, pad=pad, **fields)


def bnorm(channels: int, rates: Sequence[float], **fields: Any) -> Struct:
    """Batch normalisation that starts as the identity, with the learning rates of its three weights."""
    weights = [np.ones((channels, 1), np.float32), np.zeros((channels, 1), np.float32)]
    weights.append(np.zeros((channels, 2), np.float32, order="F"))
    return Struct(type="bnorm", weights=weights, learningRate=rates, weightDecay=[0, 0], **fields)


def training_options(learning_rate: Any, batch_size: int, **options: Any) -> Struct:
    """meta.trainOpts, with an epoch for each learning rate."""
    rates = np.asarray(learning_rate, np.float64).reshape(1, -1)
    return Struct(learningRate=rates, numEpochs=rates.size, batchSize=batch_size, **options)


def finished(
    layers: Sequence[Struct], meta: Mapping[str, Any], network_type: Any, errors: Mapping[str, tuple[str, list[Any]]]
) -> SimpleNN | DagNN:
    """The network, tidy, of the type asked for.

    `errors` are what a DagNN measures besides its objective: the names of layers, each with the variable that it
    writes and the options of its loss.
    """
    net: SimpleNN = vl_simplenn_tidy(SimpleNN(layers, meta))
    if wants_dagnn(network_type):
        dag = DagNN.fromSimpleNN(net, canonicalNames=True)
        for name, (variable, options) in errors.items():
            dag.addLayer(name, Loss(*options), ["prediction", "label"], variable)
        return dag
    return net


def wants_dagnn(network_type: Any) -> bool:
    """Whether the option networkType asks for a DagNN."""
    if not isinstance(network_type, str) or network_type.lower() not in ("simplenn", "dagnn"):
        raise MatConvNetError(f"networkType is neither 'simplenn' nor 'dagnn'. Received {network_type!r}.")
    return network_type.lower() == "dagnn"


TOP1: list[Any] = ["loss", "classerror"]
TOP5: list[Any] = ["loss", "topkerror", "opts", ["topK", 5]]
