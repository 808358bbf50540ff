"""The errors that cnn_train counts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import vlnn
from vlnn.matlab import Struct
from vlnn.training.error_functions import binary, error_function, multiclass, none


def res(predictions: Any) -> list[Struct]:
    return [Struct(x=np.asarray(predictions)), Struct(x=np.zeros((1, 1)))]


def scores(*best: int) -> Any:
    """(1, 1, 7, N) in which the classes follow each other from the best one on, counted from 1."""
    found = np.zeros((1, 1, 7, len(best)), np.float32)
    for n, first in enumerate(best):
        found[0, 0, (first - 1 + np.arange(7)) % 7, n] = -np.arange(7)
    return found


@pytest.mark.parametrize("shape", [(4,), (1, 4), (4, 1), (1, 1, 1, 4)])
def test_multiclass(shape: tuple[int, ...]) -> None:
    labels = np.array([1.0, 2.0, 6.0, 0.0]).reshape(shape)  # right, among five, wrong, not counted
    assert multiclass(None, labels, res(scores(1, 1, 1, 1))) == [2.0, 1.0]


def test_multiclass_with_weights() -> None:
    labels = np.array([[2, 3, 0, 1], [0.5, 0.25, 9, 1]]).T.reshape(1, 1, 4, 2).transpose(0, 1, 3, 2)
    assert multiclass(None, labels, res(scores(1, 1, 1, 1))) == [0.75, 0.0]


def test_multiclass_of_pixels_and_few_classes() -> None:
    predictions = np.array([[[2.0, 1.0], [1.0, 2.0]]])[..., np.newaxis]  # (1, 2, 2, 1)
    assert multiclass(None, np.array([[1.0, 1.0]]), res(predictions)) == [1.0, 0.0]


def test_the_first_of_equals_wins() -> None:
    assert multiclass(None, [1.0], res(np.zeros((1, 1, 3)))) == [0.0, 0.0]
    assert multiclass(None, [2.0], res(np.zeros((1, 1, 3)))) == [1.0, 0.0]


@pytest.mark.parametrize("shape", [(3,), (1, 3), (1, 1, 1, 3)])
def test_binary(shape: tuple[int, ...]) -> None:
    predictions = np.array([0.5, -2.0, 0.0]).reshape(1, 1, 1, 3)
    assert binary(None, np.array([1.0, 1.0, -1.0]).reshape(shape), res(predictions)) == [1.0]


def test_names() -> None:
    assert error_function("multiclass", ()) == (multiclass, ["top1err", "top5err"])
    assert error_function("binary", []) == (binary, ["binerr"])
    assert error_function("none", None) == (none, [])
    assert error_function("binary", "wrong") == (binary, ["wrong"])
    assert error_function(none, ["a", "b"]) == (none, ["a", "b"])
    with pytest.raises(vlnn.MatConvNetError, match=r"^Unknown error function 'Binary'\."):
        error_function("Binary", ())
