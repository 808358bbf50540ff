"""vl_nnnoffset: numbers, the least norm, the derivative."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import vlnn
from tests.derivatives import numerical
from tests.layouts import LAYOUTS
from vlnn import vl_nnnoffset

RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((4, 3, 5, 2))
DZDY = RANDOM.standard_normal(X.shape)


@pytest.mark.parametrize("param", [(0.5, 0.5), (-0.2, 2), (0.3, -0.5), (1, 0)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_definition(param: tuple[float, float], dtype: type) -> None:
    alpha, beta = param
    y = vl_nnnoffset(X.astype(dtype), param)
    assert y.dtype == dtype
    np.testing.assert_allclose(y, X - alpha * (X**2).sum(2, keepdims=True) ** beta, atol=1e-5)


@pytest.mark.parametrize("param", [(0.5, 0.5), (-0.2, 2), (0.3, -0.5)])
def test_derivative(param: tuple[float, float]) -> None:
    dzdx = vl_nnnoffset(X, param, DZDY)
    np.testing.assert_allclose(dzdx, numerical(lambda x: vl_nnnoffset(x, param), X, DZDY), atol=1e-7)


def test_zeros_have_the_least_norm() -> None:
    np.testing.assert_allclose(vl_nnnoffset(np.zeros((2, 2, 3)), [0.5, 0.5]), -0.5e-4)
    np.testing.assert_array_equal(vl_nnnoffset(np.zeros((2, 2, 3)), [0.5, 0.5], np.ones((2, 2, 3))), 1)


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_layouts(layout: Any) -> None:
    np.testing.assert_array_equal(vl_nnnoffset(layout(X), [1, 0.5]), vl_nnnoffset(X, [1, 0.5]))
    np.testing.assert_array_equal(vl_nnnoffset(layout(X), [1, 2], layout(DZDY)), vl_nnnoffset(X, [1, 2], DZDY))


@pytest.mark.parametrize("param", [[1], [1, 2, 3], "ab", None])
def test_param(param: Any) -> None:
    with pytest.raises(vlnn.MatConvNetError, match=r"PARAM is not a vector \[ALPHA BETA\]"):
        vl_nnnoffset(X, param)


def test_an_empty_derivative_is_not_forward() -> None:
    with pytest.raises(vlnn.MatConvNetError, match="DZDY does not have the size of Y"):
        vl_nnnoffset(X, [1, 1], [])
