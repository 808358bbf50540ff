"""vl_nnsoftmax: numbers, extremes, blocks of all kinds, the derivative."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st

import vlnn
from tests.derivatives import numerical
from tests.layouts import LAYOUTS
from vlnn import vl_nnsoftmax

RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((4, 3, 5, 2))
DZDY = RANDOM.standard_normal(X.shape)


@given(shape=st.tuples(*[st.integers(0, 7)] * 4), single=st.booleans())
def test_definition(shape: tuple[int, ...], single: bool) -> None:
    dtype = np.float32 if single else np.float64
    x = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    y = vl_nnsoftmax(x)
    assert (y.shape, y.dtype) == (shape, dtype)
    if x.size:
        np.testing.assert_allclose(y, scipy.special.softmax(x, axis=2), rtol=1e-5)


# one pixel and many, few channels and more than fit into a piece, with one and with many images
@pytest.mark.parametrize(
    "shape",
    [(1, 1, 1000, 300), (300, 301, 5, 2), (9, 5, 20000, 1), (7, 7, 3000, 9), (1, 1, 200000, 3), (3, 3, 4, 40000)],
)
def test_blocks(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape, np.float32)
    dzdy = rng.standard_normal(shape, np.float32)
    y = scipy.special.softmax(x.astype(float), axis=2)
    np.testing.assert_allclose(vl_nnsoftmax(x), y, atol=1e-6)
    dzdx = y * (dzdy - (dzdy * y).sum(2, keepdims=True))
    np.testing.assert_allclose(vl_nnsoftmax(x, dzdy), dzdx, atol=2e-6)


def test_nothing_overflows() -> None:
    x = np.array([1e4, 1e4, -1e4]).reshape(1, 1, 3)
    np.testing.assert_array_equal(vl_nnsoftmax(x).ravel(), [0.5, 0.5, 0])
    assert np.isnan(vl_nnsoftmax(np.array([np.nan, 1.0]).reshape(1, 1, 2))).all()


def test_derivative() -> None:
    dzdx = vl_nnsoftmax(X, DZDY)
    assert dzdx.shape == X.shape
    np.testing.assert_allclose(dzdx, numerical(vl_nnsoftmax, X, DZDY), atol=1e-8)


def test_fewer_dimensions() -> None:
    np.testing.assert_array_equal(vl_nnsoftmax(np.zeros((4, 5))), np.ones((4, 5, 1, 1)))
    assert vl_nnsoftmax(X[..., 0], DZDY[..., 0]).shape == (4, 3, 5)


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_layouts(layout: Any) -> None:
    np.testing.assert_array_equal(vl_nnsoftmax(layout(X)), vl_nnsoftmax(X))
    np.testing.assert_array_equal(vl_nnsoftmax(layout(X), layout(DZDY)), vl_nnsoftmax(X, DZDY))


def test_an_empty_derivative_is_not_forward() -> None:
    with pytest.raises(vlnn.MatConvNetError, match="DZDY does not have the size of Y"):
        vl_nnsoftmax(X, [])
