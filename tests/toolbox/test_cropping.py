"""Section 1.4 of the facts: the forms of Cropping, for the layers and for dltranspconv."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import vlnn
from tests.toolbox.reference import MAKERS, close, cut, error_of, numbers, whole
from vlnn import dagnn, dltranspconv, transposedConv2dLayer

X, W = numbers(4, 5, 3, 2), numbers(5, 5, 2, 3)


@pytest.mark.parametrize(
    ("value", "size"),
    [
        (1, (1, 1, 1, 1)),
        ([1, 2], (1, 1, 2, 2)),
        ([1, 2, 3, 4], (1, 2, 3, 4)),
        (np.array([[1, 2, 3, 4]], np.uint8), (1, 2, 3, 4)),
        (np.array([[1], [2]], np.float32), (1, 1, 2, 2)),
        ((0, 0), (0, 0, 0, 0)),
    ],
)
def test_layer(value: Any, size: tuple[int, ...]) -> None:
    """'scalar c -> [c c c c] | [a b] -> [a a b b] (vertical, horizontal) | [t b l r]. Numeric -> manual.'"""
    layer = transposedConv2dLayer(5, 2, "Cropping", value, "Weights", W)
    assert layer.CroppingSize == size
    assert layer.CroppingMode == "manual"
    top, bottom, left, right = size
    close(layer.predict(X), cut(whole(X, W, (1, 1)), [(top, bottom), (left, right)]))


@pytest.mark.parametrize("value", ["same", "SAME", np.str_("Same"), np.array(["same"])])
def test_layer_same(value: Any) -> None:
    """'"same"'"""
    assert transposedConv2dLayer(5, 2, "Cropping", value).CroppingSize == (2, 2, 2, 2)


@pytest.mark.parametrize(
    "value", [-1, 1.5, [1, 2, 3], [1, 2, 3, 4, 5], [[1, 2], [3, 4]], "full", [], None, np.nan, [[1, 2], [3]], {}]
)
def test_what_is_no_cropping(value: Any) -> None:
    """'same | scalar | [a b] | [t b l r]', and nothing else."""
    assert error_of(transposedConv2dLayer, 5, 2, "Cropping", value).startswith(
        "Cropping is not 'same', a nonnegative integer, [a b] or [t b l r]. Received "
    )


@pytest.mark.parametrize(
    ("dims", "value", "size"),
    [
        (1, 1, (1, 1)),
        (1, [1, 2], (1, 2)),
        (1, [[1], [2]], (1, 2)),
        (3, 1, ((1, 1, 1), (1, 1, 1))),
        (3, [1, 2, 0], ((1, 2, 0), (1, 2, 0))),
        (3, [[1, 2, 0], [0, 1, 2]], ((1, 2, 0), (0, 1, 2))),
        (3, np.array([[1, 2, 0], [0, 1, 2]], np.int8, order="F"), ((1, 2, 0), (0, 1, 2))),
    ],
)
def test_other_layers(dims: int, value: Any, size: Any) -> None:
    """'1-D: [l r]; 3-D: 2x3 [t l f;b r k]' (1.1)"""
    layer = MAKERS[dims](4, 2, "Cropping", value)
    assert layer.CroppingSize == size
    again = MAKERS[dims](4, 2, "Cropping", layer.CroppingSize)
    assert again == layer
    again.Cropping = layer.Cropping
    assert again == layer


@pytest.mark.parametrize(
    ("dims", "value", "rule"),
    [
        (1, [1, 2, 3], "Cropping is not 'same', a nonnegative integer or [l r]. Received [1, 2, 3]."),
        (3, [1, 2], "Cropping is not 'same', a nonnegative integer, [a b c] or [t l f; b r k]. Received [1, 2]."),
        (3, [1] * 6, "Cropping is not 'same', a nonnegative integer, [a b c] or [t l f; b r k]. Received [1,"),
    ],
)
def test_what_is_no_cropping_of_other_layers(dims: int, value: Any, rule: str) -> None:
    assert error_of(MAKERS[dims], 4, 2, "Cropping", value).startswith(rule)


def test_vl_nnconvt_takes_one_or_four() -> None:
    """'Contrast vl_nnconvt: 1 or 4 elements only (2 -> error "crop has neither one nor two elements.").'"""
    assert error_of(vlnn.vl_nnconvt, X, W, [], "Crop", [1, 2]).startswith("crop has neither one nor two elements.")


def test_dagnn_takes_two() -> None:
    """'dagnn.ConvTranspose.crop accepts 1,2,4: the layer's [a b] == dagnn's [a b].'"""
    layer = transposedConv2dLayer(5, 2, "Cropping", [1, 2], "Weights", W)
    block = dagnn.ConvTranspose(size=W.shape, crop=[1, 2], hasBias=False)
    np.testing.assert_array_equal(block.forward([X], [W])[0], layer.predict(X))
    assert block.crop == layer.CroppingSize


@pytest.mark.parametrize(
    ("value", "pairs"),
    [
        (0, [(0, 0), (0, 0)]),
        (1, [(1, 1), (1, 1)]),
        ([1, 2], [(1, 1), (2, 2)]),
        ([[1, 2], [3, 0]], [(1, 3), (2, 0)]),
        ([1, 3, 2, 0], [(1, 3), (2, 0)]),
        ("same", [(1, 2), (1, 2)]),
    ],
)
def test_dltranspconv(value: Any, pairs: list[tuple[int, int]]) -> None:
    """'0 default | "same" | scalar | vector (one per spatial dim) | 2-by-n matrix [t l;b r]', and [t b l r]."""
    want = cut(whole(X, W, (2, 2)), pairs)
    close(dltranspconv(X, W, 0, "Stride", 2, "Cropping", value), want)
    if value == 0:
        close(dltranspconv(X, W, 0, "Stride", 2), want)


@pytest.mark.parametrize(
    ("dims", "value", "pairs"),
    [
        (1, 1, [(1, 1)]),
        (1, [1, 2], [(1, 2)]),
        (1, [[1], [2]], [(1, 2)]),
        (3, [1, 0, 2], [(1, 1), (0, 0), (2, 2)]),
        (3, [[1, 0, 2], [2, 1, 0]], [(1, 2), (0, 1), (2, 0)]),
    ],
)
def test_dltranspconv_over_other_dimensions(dims: int, value: Any, pairs: list[tuple[int, int]]) -> None:
    """'vector (one per spatial dim, symmetric) | 2-by-n matrix (first row start, second row end)'"""
    x, w = numbers(*(3, 4, 2)[:dims], 3, 2), numbers(*(4, 4, 4)[:dims], 2, 3)
    y = dltranspconv(x, w, 0, "Cropping", value, "DataFormat", "S" * dims + "CB")
    close(y, cut(whole(x, w, (1,) * dims), pairs))


def test_what_is_no_cropping_of_dltranspconv() -> None:
    assert error_of(dltranspconv, X, W, 0, "Cropping", [1, 2, 3]) == (
        "Cropping is not 'same', a nonnegative integer, [a b], [t b l r] or [t l; b r]. Received [1, 2, 3]."
    )


def test_nothing_left() -> None:
    layer = transposedConv2dLayer(5, 2, "Cropping", [4, 4, 0, 0], "Weights", W)
    assert error_of(layer.predict, X) == (
        "Cropping leaves nothing of the output, whose size is Stride (n - 1) + FilterSize - what is cut off. "
        "Received n [4 5], FilterSize [5 5], Stride [1 1], cut off [8 0]."
    )
