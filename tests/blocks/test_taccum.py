"""vl_taccum and vl_taccummex: sums, scalars, what is written in place."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import vlnn
from tests.layouts import LAYOUTS
from vlnn import vl_taccum, vl_taccummex

RANDOM = np.random.default_rng(0)
A = RANDOM.standard_normal((3, 4, 2))
B = RANDOM.standard_normal((3, 4, 2))


@pytest.mark.parametrize("function", [vl_taccum, vl_taccummex])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_definition(function: Any, dtype: type) -> None:
    c = function(2, A.astype(dtype), -3, B.astype(dtype))
    assert (c.dtype, c.flags.f_contiguous) == (dtype, True)
    np.testing.assert_allclose(c, 2 * A - 3 * B, atol=1e-5)


def test_elements_in_matlab_s_order() -> None:
    np.testing.assert_allclose(vl_taccummex(1, A, 1, B.ravel(order="F")), A + B)


def test_scalars() -> None:
    np.testing.assert_allclose(vl_taccum(2, A, 3, 0.5), 2 * A + 1.5)
    np.testing.assert_allclose(vl_taccum(2, 0.5, 3, A), 3 * A + 1)
    assert vl_taccum(2, A.astype(np.float32), 3, 0.5).dtype == np.float32
    assert vl_taccum(2, 1.0, 3, 1.0).item() == 5


def test_in_place() -> None:
    for a in (A.copy(order="F"), A.copy(order="C"), A.copy()[::-1]):
        expected = 2 * a + 3 * B
        assert vl_taccummex(2, a, 3, B, "InPlace") is a
        np.testing.assert_allclose(a, expected)


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_layouts(layout: Any) -> None:
    np.testing.assert_array_equal(vl_taccummex(2, layout(A), 3, layout(B)), vl_taccummex(2, A, 3, B))


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        ((1, A, 1), "There are less than four arguments."),
        (([1, 2], A, 1, B), "ALPHA is not a plain scalar."),
        ((np.float32(1), A, 1, B), "ALPHA is not a plain scalar."),
        ((1, A, [], B), "BETA is not a plain scalar."),
        ((1, A, 1, B[..., 0]), "A and B do not have the same number of elements."),
        ((1, A, 1, B.astype(np.float32)), "A and B do not have compatible formats."),
        ((1, A, 1, B, "foo"), "Unknown option 'foo'."),
        ((1, LAYOUTS["read_only"](A), 1, B, "InPlace"), "A cannot be changed in place."),
    ],
)
def test_errors(args: Any, sentence: str) -> None:
    with pytest.raises(vlnn.MatConvNetError) as caught:
        vl_taccummex(*args)
    assert str(caught.value).startswith(sentence)
