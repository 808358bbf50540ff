"""Layers from and to the arguments of vl_nnconvt, and blocks of a DagNN."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import vlnn
from tests.toolbox.reference import close, error_of, numbers
from vlnn import dagnn, transposedConv1dLayer, transposedConv2dLayer, vl_nnconvt
from vlnn.toolbox import from_nnconvt, to_nnconvt

X, F, B = numbers(4, 5, 6, 2), numbers(3, 4, 2, 6), numbers(1, 2)


@pytest.mark.parametrize(
    "options", [(), ("Upsample", 2), ("Upsample", [2, 3], "Crop", [1, 0, 2, 1]), ("crop", 1, "NoCuDNN", "Verbose")]
)
def test_from_nnconvt(options: tuple[Any, ...]) -> None:
    layer = from_nnconvt(F, B, *options)
    assert vlnn.settings.cudnn  # a layer makes no sticky choices
    np.testing.assert_array_equal(layer.predict(X), vl_nnconvt(X, F, B, *options))
    assert from_nnconvt(*to_nnconvt(layer)) == layer


def test_from_nnconvt_without_biases() -> None:
    layer = from_nnconvt(F, [], upsample=2)
    np.testing.assert_array_equal(layer.predict(X), vl_nnconvt(X, F, [], upsample=2))
    assert layer.BiasLearnRateFactor == 0
    assert layer.Bias.shape == (1, 1, 2)


def test_from_nnconvt_with_fewer_dimensions() -> None:
    layer = from_nnconvt(np.ones((3, 2)), 1.0)
    assert (layer.FilterSize, layer.NumFilters, layer.NumChannels) == ((3, 2), 1, 1)
    assert layer.Bias.ravel() == [1]


def test_from_nnconvt_that_is_none() -> None:
    assert error_of(from_nnconvt, F, np.ones(3)).startswith("Bias is not 1 x 1 x NumFilters")
    assert error_of(from_nnconvt, [], []).startswith("FilterSize is not a positive integer")
    assert error_of(from_nnconvt, F, B, "upsample", 0).startswith("Stride is not a positive integer")
    assert error_of(from_nnconvt, F, B, "stride", 2).startswith("Unknown option 'stride'.")
    assert error_of(from_nnconvt, np.ones((1, 1, 1, 1, 2)), []).startswith("Weights is not FilterSize x NumFilters")


def test_to_nnconvt() -> None:
    layer = transposedConv2dLayer([3, 4], 2, Stride=2, Cropping="same", Weights=F, Bias=B.ravel())
    np.testing.assert_array_equal(vl_nnconvt(X, *to_nnconvt(layer)), layer.predict(X))
    assert to_nnconvt(layer)[2:] == ("Upsample", (2, 2), "Crop", (0, 1, 1, 1))


def test_to_nnconvt_of_other_layers() -> None:
    short = transposedConv2dLayer(2, 2, Stride=3, Cropping="same").initialize([4, 4, 6])
    assert error_of(to_nnconvt, short) == (
        "vl_nnconvt cannot append rows, as 'same' does where FilterSize is smaller than Stride. Received "
        "FilterSize [2 2], Stride [3 3]."
    )
    assert error_of(to_nnconvt, transposedConv1dLayer(3, 2)) == (
        "Only a TransposedConvolution2DLayer is a vl_nnconvt. Received a TransposedConvolution1DLayer."
    )
    assert error_of(to_nnconvt, transposedConv2dLayer(3, 2)).startswith("Weights is empty.")


@pytest.mark.parametrize("bias", [B.ravel(), None])
def test_dagnn(bias: Any) -> None:
    layer = transposedConv2dLayer([3, 4], 2, Stride=[2, 3], Cropping=[1, 0, 2, 1], Weights=F, Bias=bias)
    block, params = dagnn.ConvTranspose.fromToolbox(layer)
    net = dagnn.DagNN()
    names = ["f", "b"][: len(params)]
    net.addLayer("up", block, "x", "y", names)
    for name, value in zip(names, params, strict=True):
        net.getParam(name).value = value
    net.mode = "test"
    net.eval({"x": X})
    np.testing.assert_array_equal(net.getVar("y").value, layer.predict(X))
    back = block.toToolbox([net.getParam(name).value for name in names])
    close(back.predict(X), layer.predict(X), 0)
    if bias is not None:
        assert back == layer
    else:
        assert back.BiasLearnRateFactor == 0


def test_dagnn_with_groups() -> None:
    block = dagnn.ConvTranspose(size=[3, 4, 2, 6], numGroups=2, hasBias=False)
    assert error_of(block.toToolbox, [F]).startswith("A transposedConv2dLayer has no groups. Received NumGroups 2.")
