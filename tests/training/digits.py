"""Small training problems: networks with everything that has a state, and images at random."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

import numpy as np

import vlnn
from vlnn import dagnn
from vlnn.matlab import Struct

SIZE, CLASSES, TRAIN, VAL = 6, 3, 24, 6


def database() -> dict[str, Any]:
    """Images whose brightness says their class."""
    rng = np.random.default_rng(0)
    labels = rng.integers(1, CLASSES + 1, TRAIN + VAL)
    data = rng.standard_normal((SIZE, SIZE, 2, TRAIN + VAL)) + labels
    sets = np.repeat([1, 2], [TRAIN, VAL])
    return {"images": {"data": np.asfortranarray(data, np.float32), "labels": labels * 1.0, "set": sets}}


def simple_batch(imdb: Any, batch: Any) -> Any:
    return imdb["images"]["data"][..., batch], imdb["images"]["labels"][batch]


def dag_batch(imdb: Any, batch: Any) -> Any:
    images, labels = simple_batch(imdb, batch)
    return ["input", images, "label", labels]


def noisy_batch(imdb: Any, batch: Any) -> Any:
    """Images with noise from NumPy's global generator, as scripts draw it."""
    images, labels = simple_batch(imdb, batch)
    return images + np.random.standard_normal(images.shape).astype(np.float32), labels  # noqa: NPY002


def network() -> dict[str, Any]:
    """Convolution, batch normalisation, dropout, a fully connected layer."""
    rng = np.random.default_rng(1)

    def filters(*shape: int) -> Any:
        return rng.standard_normal(shape).astype(np.float32) / 5

    bnorm = [np.ones((4, 1), np.float32), np.zeros((4, 1), np.float32)]
    return {
        "layers": [
            {"type": "conv", "weights": [filters(3, 3, 2, 4), np.zeros((1, 4), np.float32)], "pad": 1},
            {"type": "bnorm", "weights": bnorm, "learningRate": [1, 1, 0.1], "weightDecay": [0, 0]},
            {"type": "relu"},
            {"type": "dropout", "rate": 0.25},
            {"type": "conv", "weights": [filters(SIZE, SIZE, 4, CLASSES), []]},
            {"type": "softmaxloss"},
        ],
        "meta": {"inputSize": [SIZE, SIZE, 2]},
    }


def dag_network() -> dagnn.DagNN:
    """The same as a DagNN, with its errors counted."""
    net = dagnn.DagNN.fromSimpleNN(network(), "canonicalNames", True)
    net.addLayer("error", dagnn.Loss(loss="classerror"), ["prediction", "label"], "top1err")
    return net


def train(net: Any, folder: Path, *args: Any, get_batch: Any = None, **options: Any) -> tuple[Any, Struct]:
    """A short training of either kind, silent unless somebody listens."""
    dag = isinstance(net, dagnn.DagNN)
    function: Any = vlnn.cnn_train_dag if dag else vlnn.cnn_train
    given = {"expDir": folder, "batchSize": 8, "numEpochs": 3, "learningRate": 0.05, "plotStatistics": False, **options}
    with contextlib.redirect_stdout(io.StringIO()):
        found: tuple[Any, Struct] = function(
            net, database(), get_batch or (dag_batch if dag else simple_batch), *args, **given
        )
    return found


def arrays(net: Any) -> list[Any]:
    """The weights of either kind."""
    if isinstance(net, dagnn.DagNN):
        return [param.value for param in net.params]
    return [weight for layer in net.layers for weight in layer.weights]


def without_time(stats: Struct) -> list[dict[str, float]]:
    """The statistics of all epochs, but the times."""
    return [
        {name: value for name, value in epoch.items() if name != "time"} for each in stats.values() for epoch in each
    ]
