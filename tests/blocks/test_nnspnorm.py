"""vl_nnspnorm: the window, the derivative, its parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import vlnn
from tests.derivatives import numerical
from tests.layouts import LAYOUTS
from vlnn import vl_nnspnorm

RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((5, 4, 2, 2))
DZDY = RANDOM.standard_normal(X.shape)
WINDOWS = [(3, 3), (2, 3), (4, 2), (1, 1), (5, 4)]


def by_definition(x: Any, param: Any) -> Any:
    high, wide, alpha, beta = param
    energy = np.empty_like(x)
    for i, j in np.ndindex(x.shape[:2]):
        top, left = i - (high - 1) // 2, j - (wide - 1) // 2
        inside = x[max(top, 0) : top + high, max(left, 0) : left + wide]
        energy[i, j] = (inside**2).mean(axis=(0, 1))
    return x / (1 + alpha * energy) ** beta


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_definition(window: tuple[int, int], dtype: type) -> None:
    param = (*window, 0.3, 0.75)
    y = vl_nnspnorm(X.astype(dtype), param)
    assert (y.dtype, y.flags.f_contiguous) == (dtype, True)
    np.testing.assert_allclose(y, by_definition(X, param), atol=1e-6)


@pytest.mark.parametrize("window", WINDOWS)
def test_derivative(window: tuple[int, int]) -> None:
    param = (*window, 0.5, 0.75)
    dzdx = vl_nnspnorm(X, param, DZDY)
    assert dzdx.shape == X.shape
    np.testing.assert_allclose(dzdx, numerical(lambda x: vl_nnspnorm(x, param), X, DZDY), atol=1e-8)


def test_param_may_be_a_column() -> None:
    param = np.array([2, 3, 0.5, 1])
    np.testing.assert_array_equal(vl_nnspnorm(X, param.reshape(4, 1)), vl_nnspnorm(X, param.reshape(1, 4)))


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_layouts(layout: Any) -> None:
    param = [3, 2, 0.5, 1]
    np.testing.assert_array_equal(vl_nnspnorm(layout(X), param), vl_nnspnorm(X, param))
    np.testing.assert_array_equal(vl_nnspnorm(layout(X), param, layout(DZDY)), vl_nnspnorm(X, param, DZDY))


def test_errors() -> None:
    with pytest.raises(vlnn.MatConvNetError, match="PARAM is not a vector"):
        vl_nnspnorm(X, [3, 3, 1])
    with pytest.raises(vlnn.MatConvNetError):
        vl_nnspnorm(X, [0, 3, 1, 1])
    with pytest.raises(vlnn.MatConvNetError, match="DZDY does not have the size of Y"):
        vl_nnspnorm(X, [3, 3, 1, 1], DZDY[:2])
    np.testing.assert_array_equal(vl_nnspnorm(X, [3, 3, 1, 1], []), vl_nnspnorm(X, [3, 3, 1, 1]))
