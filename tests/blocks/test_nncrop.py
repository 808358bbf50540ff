"""vl_nncrop: there and back, crops of everything, sizes that do not agree."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import vlnn
from tests.layouts import LAYOUTS
from vlnn import vl_nncrop

RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((7, 8, 2, 3))


@given(crop=st.tuples(*[st.integers(0, 10)] * 4), single=st.booleans())
def test_there_and_back(crop: tuple[int, ...], single: bool) -> None:
    top, bottom, left, right = crop
    x = X.astype(np.float32) if single else X
    y = vl_nncrop(x, crop)
    assert (y.dtype, y.flags.f_contiguous) == (x.dtype, True)
    np.testing.assert_array_equal(y, x[top : max(7 - bottom, 0), left : max(8 - right, 0)])
    if y.size:
        dzdx = vl_nncrop(x, crop, y)
        inside = np.zeros(x.shape, bool)
        inside[top : 7 - bottom, left : 8 - right] = True
        np.testing.assert_array_equal(dzdx, np.where(inside, x, 0))
        np.testing.assert_array_equal(vl_nncrop([], crop, y, [7, 8, 2, 3]), dzdx)


def test_fewer_dimensions() -> None:
    assert vl_nncrop(X[..., 0], [1, 1, 1, 1]).shape == (5, 6, 2, 1)
    assert vl_nncrop(X[..., 0], [1, 1, 1, 1], X[1:-1, 1:-1, :, 0]).shape == (7, 8, 2)


def test_class_is_that_of_the_derivative_given() -> None:
    assert vl_nncrop(X, [0, 0, 0, 0], X.astype(np.float32)).dtype == np.float32


def test_scalar_derivative() -> None:
    dzdx = vl_nncrop(X, [1, 2, 3, 0], 2.0)
    assert (dzdx[1:5, 3:] == 2).all()
    assert dzdx.sum() == 2 * 4 * 5 * 6


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_layouts(layout: Any) -> None:
    y = vl_nncrop(layout(X), [1, 2, 3, 0])
    assert y.flags.f_contiguous
    np.testing.assert_array_equal(y, X[1:5, 3:])
    np.testing.assert_array_equal(vl_nncrop(X, [1, 2, 3, 0], layout(y)), vl_nncrop(X, [1, 2, 3, 0], y))


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        ((X, [1, 1]), "CROP is not a vector [TOP BOTTOM LEFT RIGHT] of non-negative integers."),
        ((X, [-1, 0, 0, 0]), "CROP is not a vector [TOP BOTTOM LEFT RIGHT] of non-negative integers."),
        ((X, [0.5, 0, 0, 0]), "CROP is not a vector [TOP BOTTOM LEFT RIGHT] of non-negative integers."),
        ((X, [1, 2, 3, 0], X), "DZDY does not have the size of Y."),
        (([], [1, 2, 3, 0], X, [7, 8]), "INPUTSIZE is not a size [H W D N]."),
        ((X,), "There are less than two arguments."),
    ],
)
def test_errors(args: Any, sentence: str) -> None:
    with pytest.raises(vlnn.MatConvNetError) as caught:
        vl_nncrop(*args)
    assert str(caught.value).startswith(sentence)
