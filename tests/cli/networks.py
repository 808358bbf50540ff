"""Files of networks for the tests of commands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import vlnn
from vlnn.simplenn import SimpleNN

CLASSES = ["tench", "goldfish", "shark", "hammerhead", "ray", "cock", "hen"]


def layer(height: int, width: int, depth: int, filters: int, seed: int, **fields: Any) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    deviation = np.sqrt(2 / (height * width * depth))
    weights = (deviation * rng.standard_normal((height, width, depth, filters))).astype(np.float32)
    return {"type": "conv", "weights": [weights, np.zeros((filters, 1), np.float32)], **fields}


def classifier() -> SimpleNN:
    """A small network of VGG-F's shape with random weights, as cnn_imagenet_init makes them."""
    layers: list[dict[str, Any]] = [
        layer(7, 7, 3, 8, 1, stride=4, name="conv1"),
        {"type": "relu", "name": "relu1"},
        {"type": "lrn", "param": [5, 1, 0.0001 / 5, 0.75], "name": "norm1"},
        {"type": "pool", "method": "max", "pool": [3, 3], "stride": 2, "pad": [0, 1, 0, 1], "name": "pool1"},
        layer(5, 5, 4, 16, 2, pad=2, name="conv2"),
        {"type": "relu", "name": "relu2"},
        layer(7, 7, 16, 12, 3, name="fc6"),
        {"type": "relu", "name": "relu6"},
        {"type": "dropout", "rate": 0.5, "name": "dropout6"},
        layer(1, 1, 12, len(CLASSES), 4, name="fc7"),
        {"type": "softmaxloss", "class": 1, "name": "loss"},
    ]
    normalization = {
        "imageSize": [64, 64, 3],
        "averageImage": np.array([123.0, 117, 104], np.float32).reshape(1, 1, 3),
        "border": [8, 8],
        "keepAspect": True,
        "interpolation": "bilinear",
    }
    classes = {"name": [f"n{at}" for at in range(len(CLASSES))], "description": CLASSES}
    net: SimpleNN = vlnn.vl_simplenn_tidy(
        {"layers": layers, "meta": {"normalization": normalization, "classes": classes}}
    )
    return net


def blur(depth: int = 1, **fields: Any) -> SimpleNN:
    """A network that averages 3 x 3 pixels of each channel."""
    weights = np.eye(depth, dtype=np.float32) * np.full((3, 3, 1, 1), 1 / 9, np.float32)
    conv = {"type": "conv", "weights": [weights, []], "pad": 1, "name": "blur", **fields}
    net: SimpleNN = vlnn.vl_simplenn_tidy({"layers": [conv]})
    return net


def saved(net: Any, path: Path) -> Path:
    net.save(path)
    return path
