"""vl_nnbnorm: moments, values, derivatives, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import vlnn
from tests.derivatives import numerical
from tests.layouts import LAYOUTS
from vlnn.engines.cpu import batches

Array = Any

OVER = (0, 1, 3)  # all but the channels


def moments_of(x: Array, epsilon: float) -> Array:
    """[mu sigma]."""
    x = x.astype(float)
    return np.stack((x.mean(axis=OVER), np.sqrt(x.var(axis=OVER) + epsilon)), axis=1)


def by_definition(x: Array, g: Array, b: Array, moments: Array) -> Array:
    mean, sigma, g, b = (values.reshape(-1, 1) for values in (moments[:, 0], moments[:, 1], g, b))
    return g * (x - mean) / sigma + b


def derivatives(x: Array, g: Array, dzdy: Array, moments: Array) -> tuple[Array, Array, Array]:
    mean, sigma = (values.reshape(-1, 1) for values in moments.T)
    normal, mass = (x - mean) / sigma, x[:, :, 0].size
    dzdg, dzdb = ((dzdy * other).sum(axis=OVER) for other in (normal, 1.0))
    dzdx = g.reshape(-1, 1) / sigma * (dzdy - dzdb.reshape(-1, 1) / mass - normal * dzdg.reshape(-1, 1) / mass)
    return dzdx, dzdg, dzdb


def close(got: Array, want: Array) -> None:
    limit = 1e-5 if got.dtype == np.float32 else 1e-11
    assert got.shape == want.shape
    assert got.flags.f_contiguous
    np.testing.assert_allclose(got, want, rtol=0, atol=limit * max(1, np.abs(want).max(initial=0)))


@given(
    shape=st.tuples(st.integers(1, 20), st.integers(1, 20), st.integers(1, 6), st.integers(1, 5)),
    single=st.booleans(),
    given_moments=st.booleans(),
    epsilon=st.sampled_from([1e-4, 1e-2, 1.0]),
    piece=st.sampled_from([64, 2**12, 2**20]),
    seed=st.integers(0, 2**16),
)
def test_definition(shape: Any, single: bool, given_moments: bool, epsilon: float, piece: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    dtype = np.float32 if single else np.float64
    x, dzdy = (np.asfortranarray(random.standard_normal(shape) + 0.5, dtype) for _ in range(2))
    g, b = (random.standard_normal((shape[2], 1)).astype(dtype) for _ in range(2))
    moments = moments_of(x, epsilon)
    options: dict[str, Any] = {"epsilon": epsilon}
    if given_moments:
        moments = random.random((shape[2], 2)) + 0.5
        options["moments"] = moments.astype(dtype)
    before = batches.PIECE_BYTES
    try:
        batches.PIECE_BYTES = piece
        y, used = vlnn.vl_nnbnorm(x, g, b, nargout=2, **options)
        dzdx, dzdg, dzdb, used_backward = vlnn.vl_nnbnorm(x, g, b, dzdy, nargout=4, **options)
    finally:
        batches.PIECE_BYTES = before
    close(y, by_definition(x, g, b, moments))
    close(used, moments)
    close(used_backward, moments)
    want = derivatives(x.astype(float), g, dzdy, moments)
    close(dzdx, want[0])
    close(dzdg, want[1].reshape(-1, 1))
    close(dzdb, want[2].reshape(-1, 1))


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("shape", [(30, 20, 9, 4), (7, 7, 300, 8), (1, 1, 50, 40), (300, 10, 3, 2)])
def test_layers(monkeypatch: pytest.MonkeyPatch, shape: Any, threads: int) -> None:
    monkeypatch.setattr(batches, "PIECE_BYTES", 2**15)
    vlnn.settings.threads = threads
    random = np.random.default_rng(0)
    x, dzdy = (np.asfortranarray(random.standard_normal(shape), np.float32) for _ in range(2))
    g, b = (random.standard_normal(shape[2]).astype(np.float32) for _ in range(2))
    moments = moments_of(x, 1e-4)
    close(vlnn.vl_nnbnorm(x, g, b), by_definition(x, g, b, moments))
    dzdx, dzdg, dzdb = vlnn.vl_nnbnorm(x, g, b, dzdy)
    want = derivatives(x.astype(float), g, dzdy, moments)
    close(dzdx, want[0])
    close(dzdg, want[1].reshape(-1, 1))
    close(dzdb, want[2].reshape(-1, 1))


@pytest.mark.parametrize("shape", [(3, 4, 2, 3), (1, 1, 3, 5), (5, 4, 3, 1)])
def test_derivatives(shape: Any) -> None:
    random = np.random.default_rng(1)
    x, dzdy = random.standard_normal(shape), random.standard_normal(shape)
    g, b = random.standard_normal((shape[2], 1)), random.standard_normal((shape[2], 1))
    dzdx, dzdg, dzdb = vlnn.vl_nnbnorm(x, g, b, dzdy)
    for got, function, at in (
        (dzdx, lambda moved: vlnn.vl_nnbnorm(moved, g, b), x),
        (dzdg, lambda moved: vlnn.vl_nnbnorm(x, moved, b), g),
        (dzdb, lambda moved: vlnn.vl_nnbnorm(x, g, moved), b),
    ):
        np.testing.assert_allclose(got, numerical(function, at, dzdy), rtol=0, atol=1e-7)


def test_fewer_outputs() -> None:
    x, g = np.random.default_rng(2).standard_normal((3, 4, 2, 3)), np.ones(2)
    whole = vlnn.vl_nnbnorm(x, g, g, x, nargout=4)
    assert len(vlnn.vl_nnbnorm(x, g, g, x)) == 3
    for count in (2, 3):
        for some, all_of_them in zip(vlnn.vl_nnbnorm(x, g, g, x, nargout=count), whole, strict=False):
            np.testing.assert_array_equal(some, all_of_them)
    np.testing.assert_array_equal(vlnn.vl_nnbnorm(x, g, g, x, nargout=1), whole[0])
    for args, most in (((x, g, g), 2), ((x, g, g, x), 4)):
        with pytest.raises(vlnn.MatConvNetError, match=r"^Too many output arguments\."):
            vlnn.vl_nnbnorm(*args, nargout=most + 1)


def test_given_moments_come_back_in_their_shape() -> None:
    x, g = np.random.default_rng(3).standard_normal((3, 4, 2, 3)), np.ones((1, 1, 2))
    for moments in (np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 3.0, 2.0, 4.0]]), np.ones((1, 1, 2, 2))):
        _, used = vlnn.vl_nnbnorm(x, g, g, "Moments", moments, nargout=2)
        np.testing.assert_array_equal(used, moments)
        assert not np.shares_memory(used, moments)
        assert used.flags.writeable


def test_derivatives_of_parameters_are_columns() -> None:
    x = np.random.default_rng(4).standard_normal((3, 4, 2, 3))
    for shape in ((2,), (1, 2), (1, 1, 2)):
        _, dzdg, dzdb = vlnn.vl_nnbnorm(x, np.ones(shape), np.ones(shape), x)
        assert dzdg.shape == dzdb.shape == (2, 1)


def test_a_large_mean_does_not_hide_the_variance() -> None:
    random = np.random.default_rng(5)
    x = np.asfortranarray(1000 + 0.1 * random.standard_normal((20, 20, 2, 4)), np.float32)
    one = np.ones(2, np.float32)
    y, moments = vlnn.vl_nnbnorm(x, one, 0 * one, "Epsilon", 1e-6, nargout=2)
    want = moments_of(x, 1e-6)
    np.testing.assert_allclose(moments, want, rtol=1e-3)
    np.testing.assert_allclose(y, by_definition(x, one, 0 * one, want), rtol=0, atol=0.01)


def test_constant_channels() -> None:
    x = np.full((3, 3, 2, 2), 7.0)
    y, moments = vlnn.vl_nnbnorm(x, np.ones(2), np.ones(2), nargout=2)
    assert (y == 1).all()
    np.testing.assert_allclose(moments, [[7, 1e-2], [7, 1e-2]])
    dzdx, dzdg, dzdb = vlnn.vl_nnbnorm(x, np.ones(2), np.ones(2), np.ones_like(x))
    assert not dzdx.any()
    assert not dzdg.any()
    assert dzdb.ravel().tolist() == [18, 18]


def test_nan_and_infinity_stay_in_their_channel() -> None:
    x = np.random.default_rng(6).standard_normal((3, 4, 3, 2))
    x[0, 0, 0, 0], x[1, 1, 2, 1] = np.nan, np.inf
    y = vlnn.vl_nnbnorm(x, np.ones(3), np.zeros(3))
    dzdx, dzdg, dzdb = vlnn.vl_nnbnorm(x, np.ones(3), np.zeros(3), np.ones_like(x))
    assert np.isfinite(y[:, :, 1]).all()
    assert np.isfinite(dzdx[:, :, 1]).all()
    assert np.isnan(y[:, :, 0]).all()
    assert np.isnan(dzdg.ravel()).tolist() == [True, False, True]
    assert dzdb.ravel().tolist() == [24, 24, 24]


def test_nothing_in_nothing_out() -> None:
    x, g = np.ones((3, 4, 2, 0)), np.ones(2)
    y, moments = vlnn.vl_nnbnorm(x, g, g, nargout=2)
    assert y.shape == x.shape
    assert np.isnan(moments).all()
    dzdx, _, dzdb = vlnn.vl_nnbnorm(x, g, g, x)
    assert dzdx.shape == x.shape
    assert dzdb.ravel().tolist() == [0, 0]


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_layouts(layout: Any) -> None:
    random = np.random.default_rng(7)
    x, dzdy, moments = (random.random(shape) + 0.5 for shape in ((5, 6, 3, 2), (5, 6, 3, 2), (3, 2)))
    g, b = random.standard_normal((3, 1)), random.standard_normal((3, 1))
    args = [layout(array) for array in (x, g, b, dzdy)]
    before = [array.tobytes() for array in args]
    for options in ({}, {"moments": moments}):
        others = {name: layout(value) for name, value in options.items()}
        want, got = vlnn.vl_nnbnorm(x, g, b, **options), vlnn.vl_nnbnorm(*args[:3], **others)
        np.testing.assert_array_equal(got, want)
        want = vlnn.vl_nnbnorm(x, g, b, dzdy, nargout=4, **options)
        for one, other in zip(vlnn.vl_nnbnorm(*args, nargout=4, **others), want, strict=True):
            np.testing.assert_array_equal(one, other)
    assert [array.tobytes() for array in args] == before


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (([], []), "The arguments are less than three. Received 2; vl_nnbnorm needs 3."),
        # One after the other, in MatConvNet's order: formats, DEROUTPUT, MOMENTS, then sizes.
        (
            (np.ones((2, 2, 3)), 1.0, 1.0, np.ones((2, 2)), "Moments", np.float32(1)),
            "DATA and DEROUTPUT do not have",
        ),
        ((np.ones((2, 2, 3)), 1.0, 1.0, "Moments", np.float32(1)), "DATA and MOMENTS do not have compatible formats."),
        ((np.ones((2, 2, 3)), 1.0, 1.0, "Moments", 1.0), "The MULTIPLIERS size does not match the DATA depth."),
        (
            (np.ones((2, 2)), 1.0, 1.0, "Moments", 1.0),
            "The MOMENTS size does not match the DATA depth. Received",
        ),
        ((np.ones((2, 2)), 1.0, 1.0, "Moments", np.int8([1, 1]), "Epsilon", "a"), "EPSILON is not a plain scalar."),
    ],
)
def test_errors(args: Any, message: str) -> None:
    with pytest.raises(vlnn.MatConvNetError) as caught:
        vlnn.vl_nnbnorm(*args)
    assert str(caught.value).startswith(message)
