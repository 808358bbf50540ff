"""vl_nnnormalize: windows of channels, exact powers, the derivative, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import vlnn
from tests.derivatives import numerical
from tests.layouts import LAYOUTS

Array = Any


def by_definition(x: Array, depth: int, kappa: float, alpha: float, beta: float) -> Array:
    x = x.astype(float)
    y = np.empty_like(x)
    for k in range(x.shape[2]):
        window = x[:, :, max(k - (depth - 1) // 2, 0) : k + (depth - 1 - (depth - 1) // 2) + 1]
        y[:, :, k] = x[:, :, k] * (kappa + alpha * (window**2).sum(axis=2)) ** -beta
    return y


PARAMS = st.tuples(
    st.integers(1, 12), st.floats(0.5, 3), st.floats(0, 2), st.sampled_from([0.0, 0.3, 0.5, 0.75, 1.0, 2.0])
)


@given(
    shape=st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 20), st.integers(1, 4)),
    param=PARAMS,
    single=st.booleans(),
    seed=st.integers(0, 2**16),
)
def test_definition(shape: Any, param: Any, single: bool, seed: int) -> None:
    dtype = np.float32 if single else np.float64
    x = np.asfortranarray(np.random.default_rng(seed).standard_normal(shape), dtype)
    y = vlnn.vl_nnnormalize(x, param)
    assert y.dtype == dtype
    assert y.flags.f_contiguous
    np.testing.assert_allclose(y, by_definition(x, *param), rtol=0, atol=1e-5 if single else 1e-12)


@given(
    shape=st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 9), st.integers(1, 2)),
    param=PARAMS,
    seed=st.integers(0, 2**16),
)
def test_derivative(shape: Any, param: Any, seed: int) -> None:
    random = np.random.default_rng(seed)
    x, dzdy = random.standard_normal(shape), random.standard_normal(shape)
    dzdx = vlnn.vl_nnnormalize(x, param, dzdy)
    expected = numerical(lambda moved: vlnn.vl_nnnormalize(moved, param), x, dzdy)
    np.testing.assert_allclose(dzdx, expected, rtol=0, atol=1e-7 * max(1, np.abs(expected).max()))
    single = vlnn.vl_nnnormalize(x.astype(np.float32), param, dzdy.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, dzdx, rtol=0, atol=1e-5 * max(1, np.abs(dzdx).max()))


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("shape", [(30, 27, 96, 3), (13, 13, 40, 5), (1, 1, 300, 40), (5, 4, 2000, 2)])
def test_layers(shape: Any, threads: int) -> None:
    """Many pieces, and several images to a piece."""
    vlnn.settings.threads = threads
    random = np.random.default_rng(0)
    x, dzdy = (np.asfortranarray(random.standard_normal(shape), np.float32) for _ in range(2))
    param = (5, 2, 1e-1, 0.75)
    np.testing.assert_allclose(vlnn.vl_nnnormalize(x, param), by_definition(x, *param), rtol=0, atol=1e-5)
    some = np.s_[:2, :2, :, -1:]  # pixels do not see each other
    got = vlnn.vl_nnnormalize(x, param, dzdy)
    want = vlnn.vl_nnnormalize(x[some].astype(float), param, dzdy[some].astype(float))
    np.testing.assert_allclose(got[some], want, rtol=0, atol=1e-5)


def test_even_windows_reach_further_up() -> None:
    x = np.zeros((1, 1, 5))
    x[0, 0, 2] = 2.0
    y = vlnn.vl_nnnormalize(np.ones((1, 1, 5)) + x, [2, 0, 1, 1])
    np.testing.assert_allclose(y.ravel(), [1 / 2, 1 / 10, 3 / 10, 1 / 2, 1])


def test_windows_wider_than_the_data() -> None:
    x = np.random.default_rng(1).standard_normal((2, 3, 4, 2))
    for depth in (20, 2**31):
        y = vlnn.vl_nnnormalize(x, [depth, 1, 0.5, 0.75])
        np.testing.assert_allclose(y, x * (1 + 0.5 * (x**2).sum(axis=2, keepdims=True)) ** -0.75)


def test_one_window_does_not_round_another() -> None:
    x = np.ones((1, 1, 6), np.float32)
    x[0, 0, 0] = 1e6
    y = vlnn.vl_nnnormalize(x, [3, 0, 1, 0.5])
    np.testing.assert_allclose(y.ravel()[2:], np.array([3, 3, 3, 2]) ** -0.5, rtol=1e-6)


def test_nan_and_infinity_stay_in_their_windows() -> None:
    x = np.ones((2, 1, 8))
    x[0, 0, 2], x[1, 0, 5] = np.nan, np.inf
    y = vlnn.vl_nnnormalize(x, [3, 1, 1, 0.75])
    assert np.isnan(y[0, 0, :, 0]).tolist() == [False, True, True, True, False, False, False, False]
    assert y[1, 0, [4, 6], 0].tolist() == [0, 0]
    assert np.isfinite(y[1, 0, [0, 1, 2, 3, 7], 0]).all()


def test_nothing_in_nothing_out() -> None:
    x = np.ones((3, 4, 2, 0))
    assert vlnn.vl_nnnormalize(x, [3, 1, 1, 1]).shape == x.shape
    assert vlnn.vl_nnnormalize(x, [3, 1, 1, 1], x).shape == x.shape


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_layouts(layout: Any) -> None:
    random = np.random.default_rng(2)
    x, dzdy = random.standard_normal((5, 6, 4, 2)), random.standard_normal((5, 6, 4, 2))
    param = np.array([[3.0, 1, 0.5, 0.75]])
    args = [layout(x), layout(param), layout(dzdy)]
    before = [array.tobytes() for array in args]
    np.testing.assert_array_equal(vlnn.vl_nnnormalize(*args[:2]), vlnn.vl_nnnormalize(x, param))
    np.testing.assert_array_equal(vlnn.vl_nnnormalize(*args), vlnn.vl_nnnormalize(x, param, dzdy))
    assert [array.tobytes() for array in args] == before


def test_a_derivative_has_the_shape_of_x() -> None:
    x = np.ones((4, 5, 6))
    assert vlnn.vl_nnnormalize(x, [3, 1, 1, 1]).shape == (4, 5, 6, 1)
    assert vlnn.vl_nnnormalize(x, [3, 1, 1, 1], x).shape == (4, 5, 6)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((np.ones((2, 2)), [-3, 1, 1, 1]), "The normalization depth is smaller than 1."),
        ((np.ones((2, 2)), [np.nan, 1, 1, 1]), "The normalization depth is smaller than 1."),
        ((np.ones((2, 2)), [0.9, 1, 1, 1]), "The normalization depth is smaller than 1."),
        ((np.ones((2, 2)), np.array([3, 1, 1, 1], np.float32)), "PARAM is not a plain 4 vector. Received a 4 array of"),
        ((np.ones((2, 2)), "abcd", np.ones(3)), "DATA and DEROUTPUT do not have the same size."),
        ((np.ones((2, 2)), [3, 1, 1, 1], "CuDNN"), "Unknown option 'CuDNN'. vl_nnnormalize knows Verbose."),
    ],
)
def test_errors(args: Any, message: str) -> None:
    with pytest.raises(vlnn.MatConvNetError) as caught:
        vlnn.vl_nnnormalize(*args)
    assert str(caught.value).startswith(message)
