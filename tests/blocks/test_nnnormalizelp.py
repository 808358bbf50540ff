"""vl_nnnormalizelp: norms over dimensions, the derivative, and what it refuses."""

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


def norms_of(x: Array, dimensions: Any, exponent: float, epsilon: float) -> Array:
    axes = tuple({d - 1 for d in dimensions if d <= 4})
    return ((x.astype(float) ** exponent).sum(axis=axes, keepdims=True) + epsilon) ** (1 / exponent)


SHAPES = st.tuples(*[st.integers(1, 4)] * 4)
DIMENSIONS = st.lists(st.integers(1, 5), min_size=1, max_size=4)
EXPONENTS = st.sampled_from([1.0, 2.0, 3.0, 4.0, 0.5, 1.5])


@given(shape=SHAPES, dimensions=DIMENSIONS, exponent=EXPONENTS, single=st.booleans(), seed=st.integers(0, 2**16))
def test_definition(shape: Any, dimensions: Any, exponent: float, single: bool, seed: int) -> None:
    random = np.random.default_rng(seed)
    dtype = np.float32 if single else np.float64
    x = np.asfortranarray(random.random(shape) + 0.1, dtype)
    if exponent in (2, 4):
        x *= random.choice([-1, 1], shape)
    y, norms = vlnn.vl_nnnormalizelp(x, dimensions=dimensions, p=exponent, nargout=2)
    want = norms_of(x, dimensions, exponent, 1e-2)
    assert norms.shape == want.shape
    assert y.dtype == norms.dtype == dtype
    assert y.flags.f_contiguous
    assert norms.flags.f_contiguous
    np.testing.assert_allclose(norms, want, rtol=1e-5 if single else 1e-12)
    np.testing.assert_allclose(y, x / want, rtol=1e-5 if single else 1e-12)


@given(shape=SHAPES, dimensions=DIMENSIONS, exponent=EXPONENTS, seed=st.integers(0, 2**16))
def test_derivative(shape: Any, dimensions: Any, exponent: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    x, dzdy = random.random(shape) + 0.2, random.standard_normal(shape)
    options = {"dimensions": dimensions, "exponent": exponent, "epsilon": 0.1}
    dzdx = vlnn.vl_nnnormalizelp(x, dzdy, **options)
    expected = numerical(lambda moved: vlnn.vl_nnnormalizelp(moved, **options), x, dzdy)
    np.testing.assert_allclose(dzdx, expected, rtol=0, atol=1e-7 * max(1, np.abs(expected).max()))
    both = vlnn.vl_nnnormalizelp(x, dzdy, nargout=2, **options)
    np.testing.assert_array_equal(both[0], dzdx)
    again = vlnn.vl_nnnormalizelp(x, dzdy, norms=both[1], **options)
    np.testing.assert_array_equal(again, dzdx)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("dimensions", [3, [1, 2], [3, 4], [1, 2, 3, 4], 5])
def test_layers(dimensions: Any, threads: int) -> None:
    vlnn.settings.threads = threads
    x = np.asfortranarray(np.random.default_rng(0).standard_normal((30, 40, 32, 9)), np.float32)
    y = vlnn.vl_nnnormalizelp(x, "Dimensions", dimensions)
    np.testing.assert_allclose(y, x / norms_of(x, np.ravel(dimensions), 2, 1e-2), rtol=1e-5)


def test_the_last_name_wins() -> None:
    x = np.random.default_rng(1).random((3, 4, 5))
    for pairs, dimensions, exponent in (
        (("P", 3, "Exponent", 4), [3], 4),
        (("Exponent", 4, "p", 3), [3], 3),
        (("Spatial", "Dimensions", 3), [3], 2),
        (("Dimensions", 3, "spatial"), [1, 2], 2),
    ):
        y = vlnn.vl_nnnormalizelp(x, *pairs)
        np.testing.assert_allclose(y[..., 0], x / norms_of(x, dimensions, exponent, 1e-2))
    np.testing.assert_array_equal(
        vlnn.vl_nnnormalizelp(x, spatial=True), vlnn.vl_nnnormalizelp(x, "Dimensions", [1, 2])
    )
    np.testing.assert_array_equal(vlnn.vl_nnnormalizelp(x, spatial=False), vlnn.vl_nnnormalizelp(x))


def test_given_norms_come_back_in_their_shape() -> None:
    x = np.random.default_rng(2).random((3, 4, 5, 2))
    norms = np.random.default_rng(3).random((12, 2)) + 1
    y, same = vlnn.vl_nnnormalizelp(x, "Norms", norms, nargout=2)
    np.testing.assert_array_equal(same, norms)
    assert not np.shares_memory(same, norms)
    np.testing.assert_array_equal(y, x / norms.reshape((3, 4, 1, 2), order="F"))


def test_negative_numbers() -> None:
    x = np.array([-1.0, 3.0]).reshape(1, 1, 2)
    y, norms = vlnn.vl_nnnormalizelp(x, "P", 3, "Epsilon", 1, nargout=2)
    np.testing.assert_allclose(norms, 3)
    np.testing.assert_allclose(y.ravel(), [-1 / 3, 1])
    assert np.isnan(vlnn.vl_nnnormalizelp(x, "P", 0.5)).all()


def test_nothing_in_nothing_out() -> None:
    x = np.ones((3, 4, 2, 0))
    y, norms = vlnn.vl_nnnormalizelp(x, nargout=2)
    assert y.shape == x.shape
    assert norms.shape == (3, 4, 1, 0)
    assert vlnn.vl_nnnormalizelp(x, x).shape == x.shape
    assert vlnn.vl_nnnormalizelp(x, "Dimensions", 4, nargout=2)[1].shape == (3, 4, 2, 1)


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_layouts(layout: Any) -> None:
    random = np.random.default_rng(4)
    x, dzdy, norms = (random.random(shape) + 0.5 for shape in ((5, 6, 4, 2), (5, 6, 4, 2), (5, 6, 1, 2)))
    args = [layout(x), layout(dzdy)]
    before = [array.tobytes() for array in args]
    for options in ({}, {"norms": norms}):
        others = {name: layout(value) for name, value in options.items()}
        np.testing.assert_array_equal(vlnn.vl_nnnormalizelp(args[0], **others), vlnn.vl_nnnormalizelp(x, **options))
        np.testing.assert_array_equal(vlnn.vl_nnnormalizelp(*args, **others), vlnn.vl_nnnormalizelp(x, dzdy, **options))
    assert [array.tobytes() for array in args] == before


def test_a_derivative_has_the_shape_of_x() -> None:
    assert vlnn.vl_nnnormalizelp(np.ones((4, 5))).shape == (4, 5, 1, 1)
    assert vlnn.vl_nnnormalizelp(np.ones((4, 5)), np.ones((4, 5))).shape == (4, 5)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((), "There is less than one argument. Received 0; vl_nnnormalizelp needs 1."),
        ((np.ones((2, 2)), "Dimensions", [[1, 2], [3, 4]]), "DIMENSIONS is not a plain vector."),
        ((np.ones((2, 2)), "Dimensions", []), "DIMENSIONS is not a plain vector."),
        ((np.ones((2, 2)), "Dimensions", [1, 0.5]), "DIMENSIONS contains an index less than 1."),
        (
            (np.ones((2, 2)), "Norms", np.ones(3)),
            "NORMS does not have a shape compatible with DATA. Received",
        ),
        ((np.ones((2, 2)), np.ones((2, 3)), "Norms", np.float32(1)), "DATA and DEROUTPUT do not have the same size."),
        ((np.ones((2, 2)), "Norms"), "Option 'Norms' requires an argument."),
    ],
)
def test_errors(args: Any, message: str) -> None:
    with pytest.raises(vlnn.MatConvNetError) as caught:
        vlnn.vl_nnnormalizelp(*args)
    assert str(caught.value).startswith(message)
