"""vl_nnconcat: every dimension, both ways round, empty inputs, sizes that do not agree."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import vlnn
from tests.layouts import LAYOUTS
from vlnn import vl_nnconcat

RANDOM = np.random.default_rng(0)


@given(
    dim=st.integers(1, 4),
    parts=st.lists(st.integers(0, 4), min_size=1, max_size=4).filter(any),  # an empty DZDY is none
    others=st.tuples(*[st.integers(1, 4)] * 4),
    single=st.booleans(),
)
def test_there_and_back(dim: int, parts: list[int], others: tuple[int, ...], single: bool) -> None:
    dtype = np.float32 if single else np.float64
    rng = np.random.default_rng(0)
    shapes = [(*others[: dim - 1], part, *others[dim:]) for part in parts]
    inputs = [rng.standard_normal(shape).astype(dtype) for shape in shapes]
    y = vl_nnconcat(inputs, dim)
    assert y.flags.f_contiguous
    np.testing.assert_array_equal(y, np.concatenate(inputs, dim - 1))
    for back in (vl_nnconcat(inputs, dim, y), vl_nnconcat([], dim, y, "inputSizes", [list(s) for s in shapes])):
        assert isinstance(back, list)
        for one, part in zip(inputs, back, strict=True):
            assert part.dtype == dtype
            np.testing.assert_array_equal(part, one)


def test_channels_by_default() -> None:
    assert vl_nnconcat([np.ones((2, 3, 4, 5)), np.ones((2, 3, 1, 5))]).shape == (2, 3, 5, 5)
    assert vl_nnconcat((np.ones((2, 3)), np.ones((2, 3)))).shape == (2, 3, 2, 1)


def test_single_wins() -> None:
    assert vl_nnconcat([np.ones((2, 2)), np.ones((2, 2), np.float32)]).dtype == np.float32


def test_empty_inputs_are_left_out() -> None:
    x = RANDOM.standard_normal((2, 3, 4, 2))
    np.testing.assert_array_equal(vl_nnconcat([x, [], x]), np.concatenate([x, x], 2))
    first, second, third = vl_nnconcat([x, [], x], 3, np.concatenate([x, 2 * x], 2))
    np.testing.assert_array_equal(first, x)
    assert second.size == 0
    np.testing.assert_array_equal(third, 2 * x)
    assert vl_nnconcat([]).size == 0


def test_derivatives_have_the_shapes_of_the_inputs() -> None:
    parts = vl_nnconcat([np.ones((2, 3)), np.ones((2, 3, 2))], 3, np.ones((2, 3, 3)))
    assert [part.shape for part in parts] == [(2, 3), (2, 3, 2)]


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_layouts(layout: Any) -> None:
    x = RANDOM.standard_normal((2, 3, 4, 2))
    np.testing.assert_array_equal(vl_nnconcat([layout(x), layout(x)], 2), np.concatenate([x, x], 1))
    for part in vl_nnconcat([layout(x[:, :1]), layout(x[:, 1:])], 2, layout(x)):
        assert part.flags.f_contiguous


X = np.ones((4, 5, 2, 2))


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (([X, X[:3]], 3), "INPUTS do not have one size but for dimension 3."),
        (([X], 3, [], "foo", 1), "Unknown parameter 'foo'"),
        (([X], 5), "DIM is not one of 1, 2, 3, 4."),
        (([X], 1.5), "DIM is not one of 1, 2, 3, 4."),
        ((X, 3), "INPUTS is not a cell array"),
        (([X], 3, X[:, :, :1]), "DZDY does not have the size of Y."),
        (([X[..., None]], 3), "INPUTS do not have one size"),
        (([], 3, X, "inputSizes", [[4, 5, 1.5, 2]]), "INPUTSIZES is not a cell array of sizes"),
    ],
)
def test_errors(args: Any, sentence: str) -> None:
    with pytest.raises(vlnn.MatConvNetError) as caught:
        vl_nnconcat(*args)
    assert str(caught.value).startswith(sentence)
