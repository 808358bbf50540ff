"""vl_nnsoftmaxloss: agreement with vl_nnloss, weights in the second channel, what is skipped."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import vlnn
from tests.derivatives import numerical
from tests.layouts import LAYOUTS
from vlnn import vl_nnloss, vl_nnsoftmaxloss

RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((4, 3, 6, 5))
LABELS = RANDOM.integers(0, 7, (4, 3, 1, 5)).astype(float)
WEIGHTS = RANDOM.random(LABELS.shape)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("c", [LABELS, np.array([1, 0, 3, 6, 2])], ids=["each pixel", "each image"])
def test_is_the_loss_softmaxlog(dtype: type, c: Any) -> None:
    x = X.astype(dtype)
    y = vl_nnsoftmaxloss(x, c)
    assert y.dtype == dtype
    np.testing.assert_allclose(y, vl_nnloss(x, c), rtol=1e-6)
    np.testing.assert_allclose(vl_nnsoftmaxloss(x, c, 1.5), vl_nnloss(x, c, 1.5), rtol=1e-6)


def test_weights_in_the_second_channel() -> None:
    c = np.concatenate([LABELS, WEIGHTS], 2)
    np.testing.assert_allclose(vl_nnsoftmaxloss(X, c), vl_nnloss(X, LABELS, instanceWeights=WEIGHTS))
    np.testing.assert_allclose(vl_nnsoftmaxloss(X, c, 2), vl_nnloss(X, LABELS, 2, instanceWeights=WEIGHTS))


def test_weights_of_whole_images() -> None:
    c = np.stack([[1, 2, 0, 4, 5], [0.5, 2, 1, 1, 3]])[None, None]  # (1, 1, 2, 5)
    whole = np.broadcast_to(c, (4, 3, 2, 5))
    np.testing.assert_allclose(vl_nnsoftmaxloss(X, c), vl_nnsoftmaxloss(X, whole))


def test_derivative() -> None:
    dzdx = vl_nnsoftmaxloss(X, LABELS, 1.5)
    assert dzdx.shape == X.shape
    np.testing.assert_allclose(dzdx, numerical(lambda x: vl_nnsoftmaxloss(x, LABELS), X, 1.5), atol=1e-8)


def test_derivative_for_each_pixel() -> None:
    np.testing.assert_allclose(
        vl_nnsoftmaxloss(X, LABELS, WEIGHTS), vl_nnloss(X, LABELS, 1.0, instanceWeights=WEIGHTS), atol=1e-15
    )


def test_negative_labels_are_skipped() -> None:
    negative = np.where(LABELS == 0, -3, LABELS)
    assert vl_nnsoftmaxloss(X, negative) == vl_nnsoftmaxloss(X, LABELS)


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_layouts(layout: Any) -> None:
    c = np.concatenate([LABELS, WEIGHTS], 2)
    assert vl_nnsoftmaxloss(layout(X), layout(c)) == vl_nnsoftmaxloss(X, c)
    np.testing.assert_array_equal(vl_nnsoftmaxloss(layout(X), layout(c), 1), vl_nnsoftmaxloss(X, c, 1))


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        ((X, LABELS[:3]), "The labels C do not have the size of X."),
        ((X, [1, 2, 3, 4, 7]), "A label in C is not one of the 6 classes."),
        ((X, [1, 2, 3, 4, 1.5]), "A label in C is not one of the 6 classes."),
        ((X, LABELS, []), "DZDY does not have the right size."),
        ((X.astype(int), LABELS), "An input is neither SINGLE or DOUBLE nor it is empty."),
    ],
)
def test_errors(args: Any, sentence: str) -> None:
    with pytest.raises(vlnn.MatConvNetError) as caught:
        vl_nnsoftmaxloss(*args)
    assert str(caught.value).startswith(sentence)
