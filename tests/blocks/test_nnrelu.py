"""vl_nnrelu: both slopes, NaN, sizes and classes, the derivative, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

import vlnn
from tests.derivatives import away_from, numerical
from tests.layouts import LAYOUTS
from vlnn import vl_nnrelu

RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((4, 5, 3, 2))
DZDY = RANDOM.standard_normal(X.shape)


@given(
    shape=array_shapes(min_dims=1, max_dims=5, min_side=0, max_side=6),
    leak=st.sampled_from([0, 0.1, -0.5, 1, 2]),
    single=st.booleans(),
)
def test_definition(shape: tuple[int, ...], leak: float, single: bool) -> None:
    dtype = np.float32 if single else np.float64
    x = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    y = vl_nnrelu(x, leak=leak)
    assert y.dtype == dtype
    assert y.flags.f_contiguous
    assert y.ndim >= 4
    np.testing.assert_allclose(y.reshape(shape), np.where(x > 0, x, leak * x), rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_more_than_one_piece(dtype: type) -> None:
    """Sizes around those at which the engine cuts."""
    for size in (2**14 - 1, 2**14, 2**14 + 1, 2**20 + 7):
        x = np.random.default_rng(size).standard_normal(size).astype(dtype)
        np.testing.assert_array_equal(vl_nnrelu(x).ravel(), np.maximum(x, 0))
        np.testing.assert_array_equal(vl_nnrelu(x, x[::-1].copy()).ravel(), np.where(x > 0, x[::-1], 0))
        np.testing.assert_allclose(vl_nnrelu(x, leak=0.5).ravel(), np.where(x > 0, x, x / 2))


@pytest.mark.parametrize("leak", [0, 0.2, -1])
def test_derivative(leak: float) -> None:
    x = away_from(X, 0)
    dzdx = vl_nnrelu(x, DZDY, "Leak", leak)
    assert dzdx.shape == X.shape
    np.testing.assert_allclose(dzdx, numerical(lambda x: vl_nnrelu(x, leak=leak), x, DZDY), atol=1e-8)


@pytest.mark.parametrize("leak", [0, 0.2])
def test_derivative_from_the_output(leak: float) -> None:
    np.testing.assert_array_equal(vl_nnrelu(vl_nnrelu(X, leak=leak), DZDY, leak=leak), vl_nnrelu(X, DZDY, leak=leak))


def test_values_that_are_not_finite() -> None:
    x = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0])
    np.testing.assert_array_equal(vl_nnrelu(x).ravel(), [0, np.inf, 0, 0, 0])
    np.testing.assert_array_equal(vl_nnrelu(x, np.ones(5)).ravel(), [0, 1, 0, 0, 0])
    np.testing.assert_array_equal(vl_nnrelu(x, leak=0.5).ravel(), [np.nan, np.inf, -np.inf, 0, 0])


def test_class_is_that_of_the_derivative_given() -> None:
    assert vl_nnrelu(X.astype(np.float32), DZDY).dtype == np.float64
    assert vl_nnrelu(X, DZDY.astype(np.float32)).dtype == np.float32


def test_scalar_derivative() -> None:
    np.testing.assert_array_equal(vl_nnrelu(X, 2.0), 2.0 * (X > 0))


@pytest.mark.parametrize("empty", [None, [], np.zeros((0, 0))])
def test_no_derivative_is_forward(empty: Any) -> None:
    np.testing.assert_array_equal(vl_nnrelu(X, empty, "leak", 0.5), vl_nnrelu(X, leak=0.5))


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_layouts(layout: Any) -> None:
    x, dzdy = layout(X), layout(DZDY)
    np.testing.assert_array_equal(vl_nnrelu(x), vl_nnrelu(X))
    dzdx = vl_nnrelu(x, dzdy, leak=0.1)
    assert dzdx.flags.f_contiguous
    np.testing.assert_array_equal(dzdx, vl_nnrelu(X, DZDY, leak=0.1))
    np.testing.assert_array_equal(x, X)


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        ((), "There are less than one arguments."),
        ((X, "foo", 1), "Unknown parameter 'foo'"),
        ((X, DZDY, 3), "Expected either a param-value pair or a structure."),
        ((X, "leak"), "Parameter 'leak' has no value."),
        ((X, "leak", [1, 2]), "LEAK is not a scalar."),
        ((X, DZDY[:3]), "DZDY does not have the size of Y."),
        ((X, {"leak": 0.1}), "An input is not a numeric array"),
        (("x",), "An input is not a numeric array"),
        ((X + 1j,), "An input is neither SINGLE or DOUBLE nor it is empty."),
    ],
)
def test_errors(args: Any, sentence: str) -> None:
    with pytest.raises(vlnn.MatConvNetError) as caught:
        vl_nnrelu(*args)
    assert str(caught.value).startswith(sentence)


def test_unknown_option_names_the_nearest() -> None:
    with pytest.raises(vlnn.MatConvNetError, match=r"Did you mean 'leak'\?"):
        vl_nnrelu(X, leek=1)


def test_nargout() -> None:
    assert vl_nnrelu(X, nargout=0) is None
    with pytest.raises(vlnn.MatConvNetError, match="Too many output arguments"):
        vl_nnrelu(X, nargout=2)


def test_integers_are_computed_in_double() -> None:
    y = vl_nnrelu(np.array([[-1, 2]], np.int8))
    assert y.dtype == np.float64
    np.testing.assert_array_equal(y.ravel(), [0, 2])
