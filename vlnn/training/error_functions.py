"""The errors that cnn_train counts beside the objective."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from vlnn.errors import MatConvNetError
from vlnn.matlab.arguments import received
from vlnn.matlab.arrays import Array, is_array

TOP = 5


def multiclass(params: Any, labels: Any, res: Sequence[Any]) -> list[float]:
    """How many labels are not the best, and not among the five best, of the classes; 0 labels nothing.

    A second channel of the labels holds their weights.
    """
    predictions = host(res[-2].x)
    labels = _like(labels, predictions)
    classes, weights = labels[:, :, :1], labels[:, :, 1:2]
    mass = (classes > 0).astype(np.float32)
    if weights.shape[2]:
        mass = mass * weights
    best = np.argsort(-predictions, axis=2, kind="stable")[:, :, :TOP] + 1
    wrong = best != classes
    return [float((mass * wrong[:, :, :1]).sum()), float((mass * wrong.all(axis=2, keepdims=True)).sum())]


def binary(params: Any, labels: Any, res: Sequence[Any]) -> list[float]:
    """How many predictions have another sign than their labels, -1 or 1."""
    predictions = host(res[-2].x)
    return [float((predictions * _like(labels, predictions) < 0).sum())]


def none(params: Any, labels: Any, res: Sequence[Any]) -> list[float]:
    """Nothing is counted."""
    return []


FUNCTIONS = {"multiclass": multiclass, "binary": binary, "none": none}
LABELS = {"multiclass": ["top1err", "top5err"], "binary": ["binerr"]}


def error_function(given: Any, labels: Any) -> tuple[Callable[..., Any], list[str]]:
    """The function that counts errors, by its name or itself, and what its results are called."""
    names = [str(label) for label in ([labels] if isinstance(labels, str) else labels or ())]
    if isinstance(given, str):
        if given not in FUNCTIONS:
            known = ", ".join(f"'{name}'" for name in FUNCTIONS)
            raise MatConvNetError(f"Unknown error function '{given}'. Known are {known}, and functions of one's own.")
        return FUNCTIONS[given], names or LABELS.get(given, [])
    if not callable(given):
        raise MatConvNetError(f"ERRORFUNCTION is neither a name nor a function. Received {received(given)}.")
    return given, names


def host(array: Any) -> Array:
    """An array of any library as NumPy's, of four dimensions."""
    found = array.get() if is_array(array) and not isinstance(array, np.ndarray) else np.asarray(array)
    return found.reshape((*found.shape, *(1,) * (4 - found.ndim)), order="F")


def _like(labels: Any, predictions: Array) -> Array:
    """Labels of the size of the predictions; one for each image may lie in any direction."""
    found = host(labels)
    return found.reshape(1, 1, 1, -1, order="F") if found.size == predictions.shape[3] else found
