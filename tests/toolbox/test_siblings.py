"""Section 1.10 of the facts: the layers over one and three dimensions."""

from __future__ import annotations

import numpy as np
import pytest

import vlnn
from tests.toolbox.reference import MAKERS, close, error_of, numbers, whole
from vlnn import transposedConv1dLayer, transposedConv2dLayer, transposedConv3dLayer
from vlnn.toolbox import TransposedConvolution1DLayer, TransposedConvolution2DLayer, TransposedConvolution3DLayer


def test_one_dimension() -> None:
    """'transposedConv1dLayer -> TransposedConvolution1DLayer (CroppingSize [l r]; weights k x F x C).'"""
    layer = transposedConv1dLayer(5, 8, Stride=2, Cropping=[1, 2]).initialize([9, 3])
    assert isinstance(layer, TransposedConvolution1DLayer)
    assert (layer.FilterSize, layer.Stride, layer.CroppingSize) == (5, 2, (1, 2))
    assert layer.Weights.shape == (5, 8, 3)
    assert layer.Bias.shape == (1, 8)
    assert error_of(transposedConv1dLayer, [5, 5], 8) == "FilterSize is not a positive integer. Received [5, 5]."


def test_two_dimensions() -> None:
    assert isinstance(transposedConv2dLayer(5, 8), TransposedConvolution2DLayer)


def test_three_dimensions() -> None:
    """'transposedConv3dLayer -> TransposedConvolution3DLayer (weights h x w x d x F x C; CroppingSize 2x3).'"""
    layer = transposedConv3dLayer([3, 4, 5], 8, "Stride", 2, "Cropping", [1, 0, 2]).initialize([9, 8, 7, 3])
    assert isinstance(layer, TransposedConvolution3DLayer)
    assert layer.Weights.shape == (3, 4, 5, 8, 3)
    assert layer.Bias.shape == (1, 1, 1, 8)
    assert np.shape(layer.CroppingSize) == (2, 3)
    assert layer.predict(np.ones((9, 8, 7, 3))).shape == (17, 18, 13, 8, 1)


def test_there_are_no_groups() -> None:
    """'There is no public grouped transposed layer; groups exist only through dltranspconv.'"""
    for maker in MAKERS.values():
        assert error_of(maker, 3, 8, "NumGroups", 2).startswith("Unknown option 'NumGroups'.")
    assert error_of(vlnn.toolbox.from_nnconvt, np.ones((3, 3, 2, 4)), [], "NumGroups", 2) == (
        "A transposedConv2dLayer has no groups. Received NumGroups 2."
    )


def test_the_default_initialiser_is_glorot() -> None:
    """'Glorot default since R2019a.'"""
    assert all(maker(3, 8).WeightsInitializer == "glorot" for maker in MAKERS.values())


def test_name_value_syntax() -> None:
    """'Name=Value syntax R2021a.'"""
    for maker in MAKERS.values():
        assert maker(3, 8, Stride=2, Cropping="same") == maker(3, 8, "Stride", 2, "Cropping", "same")


def test_help_text_of_2017() -> None:
    """'transposedConv2dLayer([4 3],32,Cropping,same,Stride,2)'"""
    layer = transposedConv2dLayer([4, 3], 32, "Cropping", "same", "Stride", 2).initialize([10, 11, 3])
    assert layer.predict(np.ones((10, 11, 3))).shape == (20, 22, 32, 1)


@pytest.mark.parametrize("dilation", [1, 2])
def test_three_dimensions_are_slices_of_two(dilation: int) -> None:
    """A filter that is one slice thick filters every slice by itself."""
    x, w = numbers(4, 5, 6, 3, 2), numbers(3, 2, 1, 4, 3)
    y = transposedConv3dLayer([3, 2, 1], 4, "Stride", [2, 1, 1], "Weights", w).predict(x)
    for place in range(6):
        close(y[:, :, place], whole(x[:, :, place], w[:, :, 0], (2, 1)))
    layer = transposedConv3dLayer([3, 2, 1], 4, "Stride", [2, 1, 1], "Weights", w)
    assert layer.backward(x, y)[0].shape == x.shape


def test_a_slice_that_no_tap_reaches() -> None:
    """Where the stride exceeds the filter's depth, and where cropping leaves taps without a place."""
    x, w = numbers(2, 2, 2, 1), numbers(2, 2, 4, 1, 1)
    layer = transposedConv3dLayer([2, 2, 4], 1, "Stride", [1, 1, 6], "Weights", w, "Bias", 3)
    y = layer.predict(x)
    assert (y[:, :, 4:6] == 3).all()
    shallow = transposedConv3dLayer([2, 2, 4], 1, "Cropping", [[0, 0, 3], [0, 0, 1]], "Weights", w)
    thick = transposedConv3dLayer([2, 2, 4], 1, "Weights", w)
    close(shallow.predict(x), thick.predict(x)[:, :, 3:-1])
    _, dzdw, _ = shallow.backward(x, shallow.predict(x))
    np.testing.assert_array_equal(dzdw[:, :, :2], 0)
    assert dzdw[:, :, 2:].all()
