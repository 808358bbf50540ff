"""Section 1.0 of the facts: where the seed text is wrong, and what is right."""

from __future__ import annotations

import numpy as np
import pytest

from tests.toolbox.reference import MAKERS, close, cut, error_of, numbers, whole
from vlnn import transposedConv2dLayer, vl_nnconvt
from vlnn.toolbox.formats import layer_formats


@pytest.mark.parametrize("word", ["narrow-normal", "narrownormal", "Narrow-Normal", "NARROWNORMAL"])
def test_narrow_normal(word: str) -> None:
    """'Hyphens were lost. Accept both narrow-normal and narrownormal.'"""
    layer = transposedConv2dLayer(3, 8, "WeightsInitializer", word, "BiasInitializer", word)
    assert layer.WeightsInitializer == layer.BiasInitializer == "narrow-normal"


def test_name_value_pairs() -> None:
    """'namevalue = name-value': options are pairs of a name and a value."""
    assert transposedConv2dLayer(3, 8, "Stride", 2, "Name", "up").Name == "up"


def test_minus_signs() -> None:
    """'YH = UPH*(XH-1)+FH-CROPTOP-CROPBOTTOM'"""
    x, w = numbers(5, 6, 3), numbers(4, 3, 2, 3)
    layer = transposedConv2dLayer([4, 3], 2, "Stride", [3, 2], "Cropping", [1, 2, 0, 1], "Weights", w)
    assert layer.predict(x).shape[:2] == (3 * (5 - 1) + 4 - 1 - 2, 2 * (6 - 1) + 3 - 0 - 1)


def test_cropping_takes_away_output() -> None:
    """'Crop ... of the input: cropping removes output rows/cols (full conv followed by a Cropping layer).'"""
    x, w = numbers(5, 6, 3, 2), numbers(4, 3, 2, 3)
    layer = transposedConv2dLayer([4, 3], 2, "Stride", 2, "Cropping", [1, 2, 0, 3], "Weights", w)
    close(layer.predict(x), cut(whole(x, w, (2, 2)), [(1, 2), (0, 3)]))


def test_narrow_normal_has_the_standard_deviation_of_a_hundredth() -> None:
    """'Pre-2019a init was variance 0.01 while narrow-normal is standard deviation 0.01. Use std 0.01.'"""
    weights = transposedConv2dLayer(20, 20, "WeightsInitializer", "narrow-normal").initialize([1, 1, 20], rng=0).Weights
    assert weights.std() == pytest.approx(0.01, rel=0.01)


def test_cropping_may_be_0() -> None:
    """'Cropping: 0 is the default, so nonnegative.'"""
    assert transposedConv2dLayer(3, 8, "Cropping", 0) == transposedConv2dLayer(3, 8)
    assert "nonnegative" in error_of(transposedConv2dLayer, 3, 8, "Cropping", -1)


@pytest.mark.parametrize(("dims", "count"), [(1, 6), (2, 6), (3, 6)])
def test_format_tables(dims: int, count: int) -> None:
    """'Both format tables lost their cells (see 1.6).'"""
    layer = MAKERS[dims](2, 3).initialize([4] * (dims + 1))
    for letters in layer_formats(dims):
        assert layer.predict(np.ones([4] * len(letters)), letters).shape[letters.index("C")] == 3
    assert len(set(layer_formats(dims))) == count


def test_the_first_dimension_of_filters_is_the_height() -> None:
    """'F is FW x FH: the first dim is the height (size(F,1) pairs with size(X,1)).'"""
    x, w = np.ones((4, 5)), numbers(3, 1)
    layer = transposedConv2dLayer([3, 1], 1, "Weights", w)
    assert layer.predict(x).shape[:2] == vl_nnconvt(x, w, []).shape[:2] == (6, 5)
