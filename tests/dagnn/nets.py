"""Small networks for the tests."""

from __future__ import annotations

from typing import Any

import numpy as np

from vlnn import dagnn
from vlnn.dagnn import DagNN

Array = Any


def random(*shape: int, seed: int = 0, dtype: Any = np.float64) -> Array:
    return np.asfortranarray(np.random.default_rng(seed).standard_normal(shape).astype(dtype))


def chain(*blocks: Any) -> DagNN:
    """Blocks without parameters one after the other, from x over v1, v2, ... to y."""
    net = DagNN()
    for count, block in enumerate(blocks):
        source = f"v{count}" if count else "x"
        target = f"v{count + 1}" if count + 1 < len(blocks) else "y"
        net.addLayer(f"layer{count}", block, source, target)
    return net


def residual(dtype: Any = np.float64) -> DagNN:
    """x -> conv -> bnorm -> relu -> sum with x -> relu -> conv of the same filters -> loss, and an error beside it."""
    net = DagNN()
    net.addLayer("conv1", dagnn.Conv(size=[3, 3, 2, 2], pad=1), "x", "a", ["f", "b"])
    net.addLayer("bnorm", dagnn.BatchNorm(numChannels=2), "a", "c", ["g", "o", "m"])
    net.addLayer("relu1", dagnn.ReLU(leak=0.1), "c", "d")
    net.addLayer("sum", dagnn.Sum(), ["d", "x"], "e")
    net.addLayer("relu2", dagnn.ReLU(), "e", "r")
    net.addLayer("conv2", dagnn.Conv(size=[3, 3, 2, 2]), "r", "prediction", ["f", "b"])
    net.addLayer("loss", dagnn.Loss(), ["prediction", "label"], "objective")
    net.addLayer("error", dagnn.Loss(loss="classerror"), ["prediction", "label"], "top1err")
    values = {
        "f": random(3, 3, 2, 2, seed=1),
        "b": random(2, 1, seed=2),
        "g": 1 + 0.1 * random(2, 1, seed=3),
        "o": 0.1 * random(2, 1, seed=4),
        "m": np.abs(random(2, 2, seed=5)),
    }
    for name, value in values.items():
        net.getParam(name).value = value.astype(dtype)
    return net


X = random(3, 3, 2, 4, seed=6)
LABELS = np.array([[1.0, 2.0, 2.0, 1.0]])
