"""vl_nnpdist: every power, targets of every size, weights, sums, the derivative."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import vlnn
from tests.derivatives import numerical
from tests.layouts import LAYOUTS
from vlnn import vl_nnpdist

RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((4, 5, 3, 2))
X0 = X + np.where(RANDOM.random(X.shape) > 0.5, 1, -1) * (0.2 + RANDOM.random(X.shape))
TARGET = RANDOM.standard_normal((1, 1, 3, 2)) + 5  # away from every pixel of X
WEIGHTS = RANDOM.random((4, 5, 1, 2))
DZDY = RANDOM.standard_normal((4, 5, 1, 2))
POWERS = [0.5, 1, 1.5, 2, 3, 4]


@pytest.mark.parametrize("p", POWERS)
@pytest.mark.parametrize("no_root", [False, True])
@pytest.mark.parametrize("x0", [X0, TARGET, np.float64(5)], ids=["same", "one pixel", "scalar"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_definition(p: float, no_root: bool, x0: Any, dtype: type) -> None:
    y = vl_nnpdist(X.astype(dtype), x0.astype(dtype), p, noRoot=no_root)
    assert (y.shape, y.dtype, y.flags.f_contiguous) == ((4, 5, 1, 2), dtype, True)
    expected = (np.abs(X - x0) ** p).sum(2, keepdims=True)
    np.testing.assert_allclose(
        y, expected if no_root else expected ** (1 / p), rtol=1e-4 if dtype == np.float32 else 1e-12
    )


@pytest.mark.parametrize("p", POWERS)
@pytest.mark.parametrize("no_root", [False, True])
def test_derivative(p: float, no_root: bool) -> None:
    dzdx, dzdx0 = vl_nnpdist(X, X0, p, DZDY, "noRoot", no_root)
    np.testing.assert_allclose(dzdx, numerical(lambda x: vl_nnpdist(x, X0, p, noRoot=no_root), X, DZDY), rtol=1e-5)
    np.testing.assert_allclose(dzdx0, numerical(lambda x0: vl_nnpdist(X, x0, p, noRoot=no_root), X0, DZDY), rtol=1e-5)


def test_derivative_in_a_target_of_one_pixel_is_left_to_add_up() -> None:
    dzdx, dzdx0 = vl_nnpdist(X, TARGET, 3, DZDY)
    np.testing.assert_array_equal(dzdx0, -dzdx)
    total = numerical(lambda x0: vl_nnpdist(X, x0, 3), TARGET, DZDY)
    np.testing.assert_allclose(dzdx0.sum((0, 1), keepdims=True), total, rtol=1e-5)


@pytest.mark.parametrize("weights", [WEIGHTS, WEIGHTS[:1, :1], 2.0])
def test_weights_and_sums(weights: Any) -> None:
    options = {"aggregate": True, "instanceWeights": weights}
    y = vl_nnpdist(X, X0, 2, **options)
    assert np.ndim(y) == 0
    np.testing.assert_allclose(y, (weights * vl_nnpdist(X, X0, 2)).sum())
    dzdx = vl_nnpdist(X, X0, 2, 1.5, nargout=1, **options)
    np.testing.assert_allclose(dzdx, numerical(lambda x: vl_nnpdist(x, X0, 2, **options), X, 1.5), rtol=1e-5)


@pytest.mark.parametrize("p", POWERS)
def test_derivative_at_the_target_is_zero(p: float) -> None:
    for derivative in vl_nnpdist(X, X, p, DZDY):
        np.testing.assert_array_equal(derivative, 0)


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_layouts(layout: Any) -> None:
    np.testing.assert_array_equal(vl_nnpdist(layout(X), layout(X0), 2), vl_nnpdist(X, X0, 2))
    dzdx, _ = vl_nnpdist(layout(X), layout(X0), 3, layout(DZDY), instanceWeights=layout(WEIGHTS))
    np.testing.assert_array_equal(dzdx, vl_nnpdist(X, X0, 3, DZDY, instanceWeights=WEIGHTS, nargout=1))


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        ((X, X0, 2, "foo", 1), "Unknown parameter 'foo'"),
        ((X, X0[:3], 2), "X0 does not have the right size."),
        ((TARGET, X0, 2), "X0 does not have the right size."),
        ((X, X0, 0), "P is not a positive number."),
        ((X, X0, np.inf), "P is not a positive number."),
        ((X, X0, [1, 2]), "P is not a scalar."),
        ((X, X0, 2, DZDY[:1, :2]), "DZDY does not have the right size."),
        ((X, X0, 2, DZDY, "aggregate", True), "DZDY does not have the right size."),
        ((X, X0, 2, "instanceWeights", X), "INSTANCEWEIGHTS does not have the right size."),
        ((X, X0), "There are less than three arguments."),
    ],
)
def test_errors(args: Any, sentence: str) -> None:
    with pytest.raises(vlnn.MatConvNetError) as caught:
        vl_nnpdist(*args)
    assert str(caught.value).startswith(sentence)
