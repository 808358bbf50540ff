"""How far apart arrays and networks are."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from vlnn.convert.comparison import compare, difference

A = np.arange(1.0, 13.0).reshape(2, 3, 2, order="F")


def changed(at: tuple[int, ...], value: float) -> Any:
    copy = A.copy(order="F")
    copy[at] = value
    return copy


@pytest.mark.parametrize(
    ("got", "largest", "relative", "where"),
    [
        (A, 0, 0, ""),
        (A.astype(np.float32), 0, 0, ""),
        (changed((1, 2, 0), 9), 3, 0.25, "(2,3,1)"),
        (changed((0, 0, 1), math.nan), math.inf, math.inf, "(1,1,2)"),
        (changed((0, 0, 1), -math.inf), math.inf, math.inf, "(1,1,2)"),
        (A[..., None], 0, 0, ""),
        (A[:, :, 0], math.inf, math.inf, "2x3x2 against 2x3"),
    ],
)
def test_differences(got: Any, largest: float, relative: float, where: str) -> None:
    found = difference("a", A, got)
    assert (found.largest, found.relative, found.where) == (largest, relative, where)


def test_what_is_no_number_in_both_is_the_same() -> None:
    odd = np.array([[np.nan, np.inf, 1.0]])
    assert difference("a", odd, odd.copy()).largest == 0
    assert difference("a", odd, odd.astype(np.float32)).largest == 0


def test_vectors_may_lie_or_stand() -> None:
    assert difference("a", np.ones((1, 3)), np.ones((3, 1))).largest == 0
    assert difference("a", np.ones((1, 1, 3)), np.array([1.0, 1, 2])).where == "(3)"
    assert difference("a", np.ones((1, 3)), np.ones((4, 1))).largest == math.inf


def test_zeros_count_absolutely() -> None:
    assert difference("a", np.zeros((2, 2)), np.full((2, 2), 1e-3)).relative == 1e-3


def test_half_and_integers() -> None:
    assert difference("a", np.array([[1, 2]], np.uint8), np.array([[1, 255]], np.uint8)).largest == 253
    assert difference("a", np.array([[1]], np.float16), np.array([[1]], np.float32)).largest == 0


def test_comparisons_keep_the_order_of_the_first() -> None:
    found = compare({"z": A, "b": A, "only": A}, {"b": changed((0, 0, 0), 2), "z": changed((0, 0, 0), 1.5), "new": A})
    assert [each.name for each in found.differences] == ["z", "b"]
    assert (found.first_only, found.second_only) == (["only"], ["new"])
    worst, departing = found.worst, found.departing(1e-5)
    assert worst is not None
    assert departing is not None
    assert (worst.name, departing.name) == ("b", "z")
    assert found.departing(1) is None
    assert compare({}, {}).worst is None
