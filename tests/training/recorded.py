"""Training runs recorded from MatConvNet: reading them, and making them again."""

from __future__ import annotations

import contextlib
import functools
import io
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import vlnn
from tests.conformance.vectors import FOLDER
from vlnn.matlab import Struct


class Recording(NamedTuple):
    """A recorded run of cnn_train or cnn_train_dag, as vlnn.loadmat gives it."""

    function: str
    case: Struct

    @property
    def label(self) -> str:
        return f"{self.function}-{self.case.name}"

    @property
    def epochs(self) -> list[Struct]:
        return elements(self.case.epochs)

    @property
    def learns(self) -> bool:
        """Whether there are images to train with."""
        return not np.isnan(self.case.opts.get("train", np.zeros((1, 1)))).any()

    def network(self) -> Any:
        """The network before training."""
        return vlnn.dagnn.DagNN.loadobj(self.case.net0) if self.function == "cnn_train_dag" else self.case.net0

    def options(self) -> dict[str, Any]:
        """The options that were given to MatConvNet, with indices that count from 0."""
        options = dict(self.case.opts)
        for name in {"train", "val"} & set(options):
            options[name] = options[name] - 1
        return options

    def shuffle(self, images: Any, epoch: int, set_name: str) -> Any:
        """The order that MATLAB's random numbers gave."""
        return np.ravel(elements(self.case.order)[epoch - 1][set_name]) - 1

    def get_batch(self, imdb: Any, batch: Any) -> Any:
        images, labels = imdb.images.data, imdb.images.labels
        images = np.asfortranarray(images.reshape((*images.shape, *(1,) * (4 - images.ndim)), order="F")[..., batch])
        labels = labels[..., batch]
        return ["input", images, "label", labels] if self.function == "cnn_train_dag" else (images, labels)

    def train(self, folder: Path, get_batch: Any = None, **others: Any) -> tuple[Any, Struct]:
        """What vlnn makes of it."""
        train = getattr(vlnn, self.function)
        options = {"expDir": folder, "shuffle": self.shuffle, "plotStatistics": False, **self.options(), **others}
        with contextlib.redirect_stdout(io.StringIO()):
            trained: tuple[Any, Struct] = train(self.network(), self.case.imdb, get_batch or self.get_batch, **options)
        return trained


@functools.cache
def recordings(function: str) -> list[Recording]:
    path = FOLDER / f"{function}.mat"
    return [Recording(function, case) for case in vlnn.loadmat(path).cases] if path.exists() else []


def recording(function: str, name: str) -> Recording:
    return next(each for each in recordings(function) if each.case.name == name)


def elements(value: Any) -> list[Any]:
    """The elements of a struct array or a cell, which may have one."""
    return [value] if isinstance(value, dict) else list(value)


def weights(net: Any) -> list[tuple[str, Any]]:
    """The arrays of a network, SimpleNN or DagNN or as saved, with names."""
    if isinstance(net, vlnn.dagnn.DagNN) or "params" in net:
        return [(param.name, param.value) for param in elements(net.params)]
    return [
        (f"layer {number} weight {j}", weight)
        for number, layer in enumerate(net.layers, 1)
        for j, weight in enumerate(layer.get("weights", []), 1)
    ]


def states(function: str, nested: Any) -> list[Any]:
    """The states of the solver, one for each of ``weights``."""
    return list(nested) if function == "cnn_train_dag" else [state for layer in nested for state in layer]
