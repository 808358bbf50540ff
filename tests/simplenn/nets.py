"""Small networks, one for each type of layer and one of several, with inputs on which they are differentiable."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

import vlnn
from vlnn.simplenn import SimpleNN

Array = Any


class Example(NamedTuple):
    """A network, an input and a derivative in its output."""

    net: SimpleNN
    x: Array
    dzdy: Array


def array(*shape: int, seed: int = 0, dtype: type = np.float64) -> Array:
    return np.asfortranarray(np.random.default_rng(seed).standard_normal(shape).astype(dtype))


def conv(height: int, width: int, depth: int, filters: int, dtype: type = np.float64, **fields: Any) -> dict[str, Any]:
    weights = [array(height, width, depth, filters, seed=1, dtype=dtype), array(filters, 1, seed=2, dtype=dtype)]
    return {"type": "conv", "weights": weights, **fields}


def bnorm(channels: int, dtype: type = np.float64, **fields: Any) -> dict[str, Any]:
    moments = np.abs(array(channels, 2, seed=5, dtype=dtype)) + dtype(0.5)
    weights = [array(channels, 1, seed=3, dtype=dtype), array(channels, 1, seed=4, dtype=dtype), moments]
    return {"type": "bnorm", "weights": weights, **fields}


# Each with the size of its input and, unless it is that of the input, of its output.
LAYERS: dict[str, tuple[list[dict[str, Any]], tuple[int, ...], tuple[int, ...]]] = {
    "conv": ([conv(3, 2, 2, 4, stride=[2, 1], pad=[1, 0, 1, 1])], (5, 4, 2, 2), (2, 5, 4, 2)),
    "conv groups": ([conv(2, 2, 1, 4)], (4, 3, 2, 2), (3, 2, 4, 2)),
    "convt": (
        [{"type": "convt", "weights": [array(3, 3, 2, 4, seed=1), array(2, 1)], "upsample": 2, "crop": 1}],
        (3, 2, 4, 2),
        (5, 3, 2, 2),
    ),
    "pool": ([{"type": "pool", "pool": [2, 3], "stride": 2, "method": "max"}], (4, 5, 2, 2), (2, 2, 2, 2)),
    "pool avg": ([{"type": "pool", "pool": 3, "pad": [0, 1, 0, 1], "method": "avg"}], (4, 5, 2, 2), (3, 4, 2, 2)),
    "lrn": ([{"type": "lrn", "param": [3, 1, 0.5, 0.75]}], (2, 2, 5, 2), (2, 2, 5, 2)),
    "normalize": ([{"type": "normalize"}], (2, 2, 5, 2), (2, 2, 5, 2)),
    "softmax": ([{"type": "softmax"}], (2, 2, 5, 2), (2, 2, 5, 2)),
    "loss": ([{"type": "loss", "class": [1, 3]}], (1, 1, 5, 2), ()),
    "softmaxloss": ([{"type": "softmaxloss", "class": [2, 5]}], (1, 1, 5, 2), ()),
    "relu": ([{"type": "relu"}], (3, 3, 2, 2), (3, 3, 2, 2)),
    "relu leak": ([{"type": "relu", "leak": np.array([[0.2]])}], (3, 3, 2, 2), (3, 3, 2, 2)),
    "sigmoid": ([{"type": "sigmoid"}], (3, 3, 2, 2), (3, 3, 2, 2)),
    "noffset": ([{"type": "noffset", "param": [0.1, 0.5]}], (3, 3, 2, 2), (3, 3, 2, 2)),
    "spnorm": ([{"type": "spnorm", "param": [3, 3, 0.2, 0.75]}], (3, 3, 2, 2), (3, 3, 2, 2)),
    "bnorm": ([bnorm(3)], (3, 2, 3, 4), (3, 2, 3, 4)),
    "pdist": ([{"type": "pdist", "class": array(3, 2, 4, 2, seed=7)}], (3, 2, 4, 2), (3, 2, 1, 2)),
    "several": (
        [
            conv(3, 3, 2, 4, pad=1),
            bnorm(4),
            {"type": "relu", "leak": 0.1},
            {"type": "pool", "pool": 2, "stride": 2, "method": "avg"},
            conv(2, 2, 4, 5),
            {"type": "softmaxloss", "class": [2, 5, 1]},
        ],
        (4, 4, 2, 3),
        (),
    ),
}


def example(name: str, dtype: type = np.float64) -> Example:
    layers, size, output = LAYERS[name]
    net = vlnn.vl_simplenn_tidy({"layers": layers})
    for layer in net.layers:
        layer.weights = [weight.astype(dtype) for weight in layer.weights]
    x = array(*size, seed=8)
    x[np.abs(x) < 0.05] += 0.2  # away from the kink of relu
    dzdy = array(*output, seed=9, dtype=dtype) if output else dtype(1.5)
    return Example(net, np.asfortranarray(x.astype(dtype)), dzdy)


def deep(dtype: type = np.float64) -> Example:
    """The network of several layers."""
    return example("several", dtype)
