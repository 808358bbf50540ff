"""vl_nnsigmoid: numbers, extremes, the derivative, classes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import vlnn
from tests.derivatives import numerical
from tests.layouts import LAYOUTS
from vlnn import vl_nnsigmoid

RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((4, 5, 3, 2))
DZDY = RANDOM.standard_normal(X.shape)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [0, 1, 2**17 + 3, 2**19])
def test_definition(dtype: type, size: int) -> None:
    x = np.random.default_rng(size).standard_normal(size).astype(dtype)
    y = vl_nnsigmoid(x)
    assert y.dtype == dtype
    assert y.flags.f_contiguous
    np.testing.assert_allclose(y.ravel(), 1 / (1 + np.exp(-x.astype(float))), rtol=1e-6)


def test_extremes() -> None:
    x = np.array([-1e4, 1e4, np.inf, -np.inf, np.nan], np.float32)
    np.testing.assert_array_equal(vl_nnsigmoid(x).ravel(), [0, 1, 1, 0, np.nan])
    np.testing.assert_array_equal(vl_nnsigmoid(x[:4], np.ones(4, np.float32)).ravel(), [0, 0, 0, 0])


def test_derivative() -> None:
    dzdx = vl_nnsigmoid(X, DZDY)
    assert dzdx.shape == X.shape
    np.testing.assert_allclose(dzdx, numerical(vl_nnsigmoid, X, DZDY), atol=1e-8)


def test_single_wins() -> None:
    assert vl_nnsigmoid(X.astype(np.float32), DZDY).dtype == np.float32
    assert vl_nnsigmoid(X, DZDY.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_layouts(layout: Any) -> None:
    np.testing.assert_array_equal(vl_nnsigmoid(layout(X)), vl_nnsigmoid(X))
    np.testing.assert_array_equal(vl_nnsigmoid(layout(X), layout(DZDY)), vl_nnsigmoid(X, DZDY))


def test_errors() -> None:
    with pytest.raises(vlnn.MatConvNetError, match="DZDY does not have the size of Y"):
        vl_nnsigmoid(X, DZDY[..., :1])
    with pytest.raises(vlnn.MatConvNetError, match="less than one"):
        vl_nnsigmoid()
    np.testing.assert_array_equal(vl_nnsigmoid(X, []), vl_nnsigmoid(X))
