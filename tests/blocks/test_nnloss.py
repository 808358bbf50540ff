"""vl_nnloss: each loss by its definition, labels of every form, what is skipped, weights, the derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st

import vlnn
from tests.derivatives import away_from, numerical
from tests.layouts import LAYOUTS
from vlnn import vl_nnloss

Array = Any

RANDOM = np.random.default_rng(0)
X = RANDOM.random((4, 3, 6, 5)) + 0.01
LABELS = RANDOM.integers(1, 7, (4, 3, 1, 5)).astype(float)
ATTRIBUTES = np.where(RANDOM.random(X.shape) > 0.5, 1.0, -1.0)


def picked(x: Array, c: Array) -> Array:
    return np.take_along_axis(x, c.astype(int) - 1, 2)


def rank(x: Array, c: Array) -> Array:
    """How many classes stand before the right one; ties keep their order."""
    order = np.argsort(-x, axis=2, kind="stable")
    return (order == c - 1).argmax(2)[:, :, None]


def others(x: Array, c: Array) -> Array:
    rest = x.copy()
    np.put_along_axis(rest, c.astype(int) - 1, -np.inf, 2)
    return rest.max(2, keepdims=True)


CATEGORICAL: dict[str, Callable[[Array, Array], Array]] = {
    "classerror": lambda x, c: rank(x, c) > 0,
    "topkerror": lambda x, c: rank(x, c) >= 5,
    "log": lambda x, c: -np.log(picked(x, c)),
    "softmaxlog": lambda x, c: -picked(scipy.special.log_softmax(x, 2), c),
    "mhinge": lambda x, c: np.maximum(0, 1 - picked(x, c)),
    "mshinge": lambda x, c: np.maximum(0, 1 - picked(x, c) + others(x, c)),
}
OF_ATTRIBUTES: dict[str, Callable[[Array, Array], Array]] = {
    "binaryerror": lambda x, c: np.sign(x) != c,
    "binarylog": lambda x, c: -np.log(c * (x - 0.5) + 0.5),
    "logistic": lambda x, c: np.logaddexp(0, -c * x),
    "hinge": lambda x, c: np.maximum(0, 1 - c * x),
}
ALL = CATEGORICAL | OF_ATTRIBUTES


def given_for(loss: str) -> tuple[Array, Array]:
    """Scores away from kinks and inside (0, 1), and labels."""
    if loss in CATEGORICAL:
        return X, LABELS
    return away_from(X * 0.9, 0.5) if loss == "binarylog" else 2 * X - 1, ATTRIBUTES


@pytest.mark.parametrize("loss", ALL)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_definition(loss: str, dtype: type) -> None:
    x, c = given_for(loss)
    y = vl_nnloss(x.astype(dtype), c, "Loss", loss.upper())
    assert np.ndim(y) == 0
    assert y.dtype == (np.float64 if loss == "topkerror" else dtype)
    np.testing.assert_allclose(y, ALL[loss](x, c).sum() / 5, rtol=1e-5 if dtype == np.float32 else 1e-12)
    np.testing.assert_allclose(vl_nnloss(x, c, loss=loss, normalise=False), ALL[loss](x, c).sum(), rtol=1e-12)


@pytest.mark.parametrize("loss", ALL)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("skipping", [False, True])
def test_derivative(loss: str, weighted: bool, skipping: bool) -> None:
    x, c = given_for(loss)
    c = np.where(RANDOM.random(c.shape) > 0.6, 0, c) if skipping else c
    options = {"loss": loss, "instanceWeights": RANDOM.random(c.shape) if weighted else []}
    dzdx = vl_nnloss(x, c, 1.5, **options)
    assert (dzdx.shape, dzdx.dtype, dzdx.flags.f_contiguous) == (x.shape, x.dtype, True)
    if "error" in loss:
        np.testing.assert_array_equal(dzdx, 0)
    else:
        np.testing.assert_allclose(dzdx, numerical(lambda x: vl_nnloss(x, c, **options), x, 1.5), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("loss", ALL)
def test_skipped_even_where_not_finite(loss: str) -> None:
    x, c = given_for(loss)
    skip = np.zeros(c.shape, bool)
    skip[1:3, 1] = True
    wild = np.where(skip, np.nan, x)
    labels = np.where(skip, 0, c)
    expected = np.where(skip, 0, ALL[loss](x, c)).sum() / 5
    np.testing.assert_allclose(vl_nnloss(wild, labels, loss=loss), expected)
    dzdx = vl_nnloss(wild, labels, 1.0, loss=loss)
    np.testing.assert_allclose(dzdx, np.where(skip, 0, vl_nnloss(x, c, 1.0, loss=loss)))


@pytest.mark.parametrize("loss", CATEGORICAL)
@pytest.mark.parametrize("form", [(5,), (1, 5), (5, 1), (1, 1, 1, 5)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.uint8, np.int64])
def test_one_label_for_each_image(loss: str, form: tuple[int, ...], dtype: type) -> None:
    c = np.array([1, 6, 0, 3, 2])
    everywhere = np.broadcast_to(c.reshape(1, 1, 1, 5), (4, 3, 1, 5))
    given = c.reshape(form).astype(dtype)
    np.testing.assert_allclose(vl_nnloss(X, given, loss=loss), vl_nnloss(X, everywhere, loss=loss))
    np.testing.assert_allclose(vl_nnloss(X, given, 2, loss=loss), vl_nnloss(X, everywhere, 2, loss=loss))


def test_labels_may_be_a_list() -> None:
    assert vl_nnloss(X, [1, 6, 2, 3, 2]) == vl_nnloss(X, np.array([1, 6, 2, 3, 2]))


@pytest.mark.parametrize(
    "weights", [2.5, RANDOM.random((4, 3)), RANDOM.random((1, 1, 1, 5)), RANDOM.random((4, 1, 1, 5))]
)
@pytest.mark.parametrize("loss", ALL)
def test_weights_expand(loss: str, weights: Any) -> None:
    x, c = given_for(loss)
    full = np.reshape(weights, np.shape(weights) + (1,) * (4 - np.ndim(weights)))
    y = vl_nnloss(x, c, loss=loss, instanceWeights=weights)
    np.testing.assert_allclose(y, (full * ALL[loss](x, c)).sum() / 5)


@given(k=st.integers(1, 6), seed=st.integers(0, 1000))
def test_top_k_with_ties(k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 3, (2, 3, 6, 4)).astype(float)
    c = rng.integers(1, 7, (2, 3, 1, 4))
    assert vl_nnloss(x, c, loss="topkerror", topK=k, normalise=False) == (rank(x, c) >= k).sum()
    assert vl_nnloss(x, c, loss="classerror", normalise=False) == (x.argmax(2)[:, :, None] != c - 1).sum()


def test_top_k_takes_nan_for_largest() -> None:
    x = np.array([[[3.0, np.nan, 2.0, np.nan]]]).reshape(1, 1, 4, 1)
    ranks = {2: 0, 4: 1, 1: 2, 3: 3}  # MATLAB's sort, descending
    for label, expected in ranks.items():
        errors = [vl_nnloss(x, label, loss="topkerror", topK=k) for k in (1, 2, 3, 4)]
        assert errors == [k <= expected for k in (1, 2, 3, 4)]


def test_class_error_passes_over_nan() -> None:
    x = np.array([np.nan, 1.0, 2.0]).reshape(1, 1, 3, 1)
    assert vl_nnloss(x, 3, loss="classerror") == 0
    assert vl_nnloss(x, 1, loss="classerror") == 1


def test_labels_that_are_no_classes_are_errors_of_the_prediction() -> None:
    for label in (2.5, -1, 7):
        assert vl_nnloss(X[..., :1], label, loss="classerror") == 12
        assert vl_nnloss(X[..., :1], label, loss="topkerror", topK=6) == 12


def test_fractions_and_negative_labels_as_in_matconvnet() -> None:
    assert vl_nnloss(X[..., :1], 2.5) == vl_nnloss(X[..., :1], 3)
    assert vl_nnloss(X[..., :1], 2.4) == vl_nnloss(X[..., :1], 2)
    assert vl_nnloss(X[..., :1], -4) == vl_nnloss(X[..., :1], 1)


def test_one_class_has_no_rival() -> None:
    x = RANDOM.standard_normal((2, 2, 1, 3))
    assert vl_nnloss(x, [1, 1, 1], loss="mshinge") == 0
    np.testing.assert_array_equal(vl_nnloss(x, [1, 1, 1], 1, loss="mshinge"), 0)


def test_extremes() -> None:
    x = np.array([1e4, -1e4]).reshape(1, 1, 2, 1)
    assert vl_nnloss(x, 2) == 2e4
    np.testing.assert_array_equal(vl_nnloss(x, 2, 1).ravel(), [1, -1])
    signs = np.array([-1, 1]).reshape(1, 1, 2, 1)
    assert vl_nnloss(x, signs, loss="logistic") == 2e4
    np.testing.assert_array_equal(vl_nnloss(x, signs, 1, loss="logistic").ravel(), [1, -1])
    zero = np.zeros((1, 1, 2, 1))
    assert vl_nnloss(zero, 1, loss="log") == np.inf
    np.testing.assert_array_equal(vl_nnloss(zero, 1, 1, loss="log").ravel(), [-1e8, 0])


@pytest.mark.parametrize("shape", [(1, 1, 1000, 700), (200, 200, 21, 2), (9, 5, 20000, 1), (1, 1, 300000, 2)])
@pytest.mark.parametrize("loss", ["softmaxlog", "mshinge", "classerror"])
def test_blocks(shape: tuple[int, ...], loss: str) -> None:
    """More than one piece, on more than one thread."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape, np.float32)
    c = rng.integers(1, shape[2] + 1, (*shape[:2], 1, shape[3]))
    expected = CATEGORICAL[loss](x.astype(float), c).sum() / shape[3]
    np.testing.assert_allclose(vl_nnloss(x, c, loss=loss), expected, rtol=1e-5)
    if loss == "softmaxlog":
        dzdx = scipy.special.softmax(x, 2)
        np.put_along_axis(dzdx, c - 1, picked(dzdx, c) - 1, 2)
        np.testing.assert_allclose(vl_nnloss(x, c, 1), dzdx / shape[3], atol=1e-6)


def test_sum_does_not_depend_on_threads() -> None:
    x = np.random.default_rng(0).standard_normal((100, 100, 21, 4), np.float32)
    c = np.random.default_rng(0).integers(1, 22, (100, 100, 1, 4))
    with vlnn.settings.scoped(threads=1):
        one = vl_nnloss(x, c)
    with vlnn.settings.scoped(threads=3):
        assert vl_nnloss(x, c) == one


def test_class_of_the_derivative_of_hinge() -> None:
    """MatConvNet's formula has x only in a comparison."""
    x, c = given_for("hinge")
    single = x.astype(np.float32)
    assert vl_nnloss(single, c, 1.0, loss="hinge").dtype == np.float64
    assert vl_nnloss(single, c, np.float32(1), loss="hinge").dtype == np.float32
    assert vl_nnloss(x, c.astype(np.float32), 1.0, loss="hinge").dtype == np.float32
    assert vl_nnloss(single, c, 1.0, loss="logistic").dtype == np.float32


@pytest.mark.parametrize("loss", ALL)
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_layouts(loss: str, layout: Any) -> None:
    x, c = given_for(loss)
    weights = np.random.default_rng(1).random(c.shape)
    options = {"loss": loss, "instanceWeights": layout(weights)}
    plain = {"loss": loss, "instanceWeights": weights}
    assert vl_nnloss(layout(x), layout(c), **options) == vl_nnloss(x, c, **plain)
    np.testing.assert_array_equal(vl_nnloss(layout(x), layout(c), 2, **options), vl_nnloss(x, c, 2, **plain))


def test_no_images() -> None:
    assert vl_nnloss(np.zeros((1, 1, 4, 0)), []) == 0
    assert vl_nnloss(np.zeros((1, 1, 4, 0)), [], 1).shape == (1, 1, 4, 0)


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        ((X, LABELS, "loss", "foo"), "Unknown loss 'foo'."),
        ((X, LABELS, "foo", 1), "Unknown parameter 'foo'"),
        ((X, LABELS, 1.0, 2.0), "Expected either a param-value pair or a structure."),
        ((X, LABELS, "loss"), "Parameter 'loss' has no value."),
        ((X, LABELS[:2]), "The labels C do not have the size of X."),
        ((X, X), "The labels C do not have the size of X."),
        ((X, LABELS, "loss", "hinge"), "The labels C do not have the size of X."),
        ((X, [1, 2, 3]), "The labels C do not have the size of X."),
        ((X, [1, 2, 3, 4, 7]), "A label in C is not one of the 6 classes."),
        ((X, [1, 2, 3, 4, np.nan]), "A label in C is not one of the 6 classes."),
        ((X, "abcde"), "C is not an array of labels."),
        ((X, LABELS, "loss", "topkerror", "topK", 7), "TOPK is not an integer from 1 to the number of classes, 6."),
        ((X, LABELS, "loss", "topkerror", "topK", 0), "TOPK is not an integer from 1 to the number of classes, 6."),
        ((X, LABELS, "instanceWeights", X), "INSTANCEWEIGHTS does not have the right size."),
        ((X, LABELS, np.ones((2, 2))), "DZDY does not have the right size."),
        ((X.astype(int), LABELS, 1), "An input is neither SINGLE or DOUBLE nor it is empty."),
        ((X[..., None], LABELS), "X has more than four dimensions."),
        ((X,), "There are less than two arguments."),
    ],
)
def test_errors(args: Any, sentence: str) -> None:
    with pytest.raises(vlnn.MatConvNetError) as caught:
        vl_nnloss(*args)
    assert str(caught.value).startswith(sentence)
