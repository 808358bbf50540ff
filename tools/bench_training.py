"""An epoch of cnn_train and of cnn_train_dag against the same loop in PyTorch: scikit-learn's digits, a small network.

Run it from the project: ``python tools/bench_training.py``. It needs scikit-learn and PyTorch. All start from the same
weights and take the same batches in the same order; what they have learned after an epoch is compared first.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from sklearn.datasets import load_digits
from torch.nn import functional

import vlnn
from timing import interleaved

RATE, MOMENTUM, DECAY = 0.05, 0.9, 0.0005
TARGET = 1.3
AGREEMENT = 1e-3  # of the average loss of an epoch
# height and width, channels in and out, pad, pooled to the half afterwards; ReLU after all but the last
CONVOLUTIONS = ((3, 1, 20, 1, True), (3, 20, 40, 1, True), (2, 40, 64, 0, False), (1, 64, 10, 0, False))

Weights = list[list[np.ndarray]]


def first_weights(rng: np.random.Generator) -> Weights:
    """Filters (H, W, C, K) and biases."""
    filters = [rng.normal(0, np.sqrt(2 / (s * s * c)), (s, s, c, k)) for s, c, k, _, _ in CONVOLUTIONS]
    return [[f.astype(np.float32, order="F"), np.zeros((1, f.shape[3]), np.float32)] for f in filters]


def network(weights: Weights) -> Any:
    layers: list[dict[str, Any]] = []
    for (_, _, _, pad, pooled), pair in zip(CONVOLUTIONS, weights, strict=True):
        layers.append({"type": "conv", "weights": pair, "pad": pad})
        if pair is not weights[-1]:
            layers.append({"type": "relu"})
        if pooled:
            layers.append({"type": "pool", "method": "max", "pool": [2, 2], "stride": 2})
    return {"layers": [*layers, {"type": "softmaxloss"}]}


def digits(images: int) -> dict[str, Any]:
    data, labels = load_digits(return_X_y=True)
    data = (data[:images] / 8 - 1).astype(np.float32)
    return {
        "images": {
            "data": np.asfortranarray(data.reshape(-1, 8, 8, 1).transpose(1, 2, 3, 0)),
            "labels": labels[np.newaxis, :images] + 1.0,
            "set": np.ones((1, images)),
        }
    }


def simple_batch(imdb: Any, batch: Any) -> Any:
    return imdb["images"]["data"][..., batch], imdb["images"]["labels"][:, batch]


def dag_batch(imdb: Any, batch: Any) -> Any:
    images, labels = simple_batch(imdb, batch)
    return {"input": images, "label": labels}


def dag_network(weights: Weights) -> Any:
    net = vlnn.dagnn.DagNN.fromSimpleNN(network(weights), "canonicalNames", True)
    error = vlnn.dagnn.Loss(loss="classerror")
    net.addLayer("top1err", error, ["prediction", "label"], "top1err")
    return net


def by_vlnn(train: Any, net: Any, imdb: Any, get_batch: Any, folder: str, batch: int) -> float:
    """One epoch: the average loss."""
    options = {"expDir": folder, "batchSize": batch, "numEpochs": 1, "continue_": False, "val": np.nan}
    options |= {"learningRate": RATE, "momentum": MOMENTUM, "weightDecay": DECAY, "plotStatistics": False}
    with contextlib.redirect_stdout(io.StringIO()):
        _, stats = train(net, imdb, get_batch, shuffle=lambda images, epoch, name: images, **options)
    return stats.train[0].objective


def by_torch(weights: Weights, images: torch.Tensor, labels: torch.Tensor, folder: str, batch: int) -> float:
    """The loop that people write, with the error counted and a checkpoint saved, as cnn_train does."""
    params = [[torch.from_numpy(f.transpose(3, 2, 0, 1).copy()), torch.from_numpy(b[0].copy())] for f, b in weights]
    flat = [param.requires_grad_() for pair in params for param in pair]
    optimizer = torch.optim.SGD(flat, RATE, MOMENTUM, weight_decay=DECAY)
    total, wrong, count = 0.0, 0, len(labels)
    for begin in range(0, count, batch):
        order = torch.arange(begin, min(begin + batch, count))
        x, target = images[order], labels[order]
        for (_, _, _, pad, pooled), (f, b) in zip(CONVOLUTIONS, params, strict=True):
            x = functional.conv2d(x, f, b, padding=pad)
            if f is not params[-1][0]:
                x = functional.relu(x)
            if pooled:
                x = functional.max_pool2d(x, 2)
        x = x.flatten(1)
        loss = functional.cross_entropy(x, target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += len(order) * loss.item()
        best = x.detach().topk(5).indices == target[:, None]
        wrong += int((~best[:, 0]).sum()) + int((~best.any(1)).sum())
    torch.save({"net": flat, "state": optimizer.state_dict()}, Path(folder) / "net-epoch-1.pt")
    return total / count


@click.command()
@click.option("--images", default=1437, show_default=True, help="How many images make an epoch, at most 1797.")
@click.option("--batch", default=100, show_default=True, help="Images in a batch.")
@click.option("--seconds", default=20.0, show_default=True, help="Time to aim at.")
def bench(images: int, batch: int, seconds: float) -> None:
    """Time one epoch of each."""
    imdb, weights = digits(images), first_weights(np.random.default_rng(0))
    planes = torch.from_numpy(np.ascontiguousarray(imdb["images"]["data"].transpose(3, 2, 0, 1)))
    labels = torch.from_numpy(imdb["images"]["labels"][0].astype(np.int64) - 1)
    with tempfile.TemporaryDirectory() as folder:
        works = {
            "cnn_train": lambda: by_vlnn(vlnn.cnn_train, network(weights), imdb, simple_batch, folder, batch),
            "cnn_train_dag": lambda: by_vlnn(vlnn.cnn_train_dag, dag_network(weights), imdb, dag_batch, folder, batch),
            "PyTorch": lambda: by_torch(weights, planes, labels, folder, batch),
        }
        losses = {name: work() for name, work in works.items()}
        times = interleaved(works, seconds, {})
    apart = max(losses.values()) - min(losses.values())
    if apart > AGREEMENT * losses["PyTorch"]:
        raise click.ClickException(f"The average losses of the epoch differ: {losses}.")
    for name in ("cnn_train", "cnn_train_dag"):
        ratio = times[name].median / times["PyTorch"].median
        click.echo(
            f"{name}: {1e3 * times[name].median:.1f} ms an epoch of {images} images in batches of {batch}, PyTorch "
            f"{1e3 * times['PyTorch'].median:.1f} ms; ratio {ratio:.2f}, target <= {TARGET}: "
            f"{'met' if ratio <= TARGET else 'NOT met'}"
        )


if __name__ == "__main__":
    bench()
