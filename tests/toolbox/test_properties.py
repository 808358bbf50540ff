"""Section 1.1 of the facts: the properties of the layers, row by row; display, comparison, copies."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import vlnn
from tests.toolbox.reference import MAKERS, error_of, numbers
from vlnn import transposedConv1dLayer, transposedConv2dLayer, transposedConv3dLayer
from vlnn.toolbox import TransposedConvolution2DLayer

CLASSES = [np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64, np.float32, np.float64]


@pytest.fixture
def layer() -> Any:
    return transposedConv2dLayer([3, 2], 8)


# The table


def test_filter_size(layer: Any) -> None:
    """'FilterSize (required): 1x2 [h w]; scalar expands; positive ints; stored as vector.'"""
    assert layer.FilterSize == (3, 2)
    assert transposedConv2dLayer(11, 96).FilterSize == (11, 11)
    assert transposedConv3dLayer(3, 8).FilterSize == (3, 3, 3)
    assert error_of(transposedConv2dLayer, [3, 0], 8) == (
        "FilterSize is not a positive integer or a vector of 2 positive integers. Received [3, 0]."
    )


@pytest.mark.parametrize("size", [0, -1, 1.5, [1, 2, 3], [], None, "3", np.nan, np.inf, 1j, {}, [[1, 2], [3, 4]]])
def test_filter_sizes_that_are_none(size: Any) -> None:
    """'FilterSize: positive ints.'"""
    assert error_of(transposedConv2dLayer, size, 8).startswith("FilterSize is not a positive integer or a vector of 2")


def test_num_filters(layer: Any) -> None:
    """'NumFilters (required): positive int scalar, read-only.'"""
    assert layer.NumFilters == 8
    with pytest.raises(AttributeError, match=r"NumFilters of a TransposedConvolution2DLayer is read-only. Received 9."):
        layer.NumFilters = 9
    assert error_of(transposedConv2dLayer, 3, [8, 8]) == "NumFilters is not a positive integer. Received [8, 8]."


def test_both_are_required() -> None:
    """'FilterSize (required), NumFilters (required).'"""
    assert error_of(transposedConv2dLayer, 3).startswith("Not enough input arguments.")


def test_stride(layer: Any) -> None:
    """'Stride, default [1 1]: 1x2 [v h]; scalar expands; positive ints.'"""
    assert layer.Stride == (1, 1)
    layer.Stride = 4
    assert layer.Stride == (4, 4)
    layer.Stride = [2, 3]
    assert layer.Stride == (2, 3)
    with pytest.raises(vlnn.MatConvNetError, match="Stride is not a positive integer or a vector of 2 positive"):
        layer.Stride = [2, 0]
    assert layer.Stride == (2, 3)  # what is refused changes nothing


@pytest.mark.parametrize(("value", "mode"), [(0, "manual"), ([1, 2], "manual"), ("same", "same"), ("SAME", "same")])
def test_cropping_mode(layer: Any, value: Any, mode: str) -> None:
    """'CroppingMode, default manual: manual / same, set automatically from Cropping.'"""
    assert layer.CroppingMode == "manual"
    layer.Cropping = value
    assert layer.CroppingMode == mode
    with pytest.raises(AttributeError, match="CroppingMode of a TransposedConvolution2DLayer is read-only"):
        layer.CroppingMode = mode


def test_cropping_size(layer: Any) -> None:
    """'CroppingSize, default [0 0 0 0]: 1x4 [t b l r]; 1-D: [l r]; 3-D: 2x3 [t l f;b r k].'"""
    assert layer.CroppingSize == (0, 0, 0, 0)
    layer.CroppingSize = [1, 2, 3, 4]
    assert layer.CroppingSize == (1, 2, 3, 4)
    assert transposedConv1dLayer(9, 8, "Cropping", [1, 2]).CroppingSize == (1, 2)
    assert transposedConv3dLayer(9, 8, "Cropping", [[1, 2, 3], [4, 5, 6]]).CroppingSize == ((1, 2, 3), (4, 5, 6))
    with pytest.raises(vlnn.MatConvNetError, match="'same' can be assigned to Cropping"):
        layer.CroppingSize = "same"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, (0, 0)), ([1, 2], (1, 2)), ([1, 1, 2, 2], (1, 2)), ([1, 2, 3, 4], (1, 2, 3, 4)), ("Same", "same")],
)
def test_cropping(layer: Any, value: Any, shown: Any) -> None:
    """'Cropping (legacy property), default [0 0]: 1x2 [v h].' Inferred: readable, and what is not symmetric as 1x4."""
    assert layer.Cropping == (0, 0)
    layer.Cropping = value
    assert layer.Cropping == shown
    again = layer.copy()
    again.Cropping = layer.Cropping
    assert again == layer


def test_num_channels(layer: Any) -> None:
    """'NumChannels, default auto: auto or positive int; fixed at initialization.'"""
    assert layer.NumChannels == "auto"
    layer.initialize([5, 5, 3])
    assert layer.NumChannels == 3
    with pytest.raises(AttributeError, match="NumChannels of a TransposedConvolution2DLayer is read-only"):
        layer.NumChannels = 4
    assert transposedConv2dLayer(3, 8, "NumChannels", 5).NumChannels == 5
    assert transposedConv2dLayer(3, 8, "NumChannels", "AUTO").NumChannels == "auto"
    assert error_of(transposedConv2dLayer, 3, 8, "NumChannels", 0) == (
        "NumChannels is not 'auto' or a positive integer. Received 0."
    )


def test_weights(layer: Any) -> None:
    """'Weights, default []: h x w x NumFilters x NumChannels, learnable.'"""
    assert layer.Weights.size == 0
    weights = numbers(3, 2, 8, 5)
    layer.Weights = weights
    np.testing.assert_array_equal(layer.Weights, weights)
    weights[...] = 0
    assert layer.Weights.any()  # the layer has weights of its own
    assert layer.NumChannels == 5  # inferred
    with pytest.raises(vlnn.MatConvNetError, match="Weights is not FilterSize x NumFilters x NumChannels, 3x2x8x5 he"):
        layer.Weights = numbers(3, 2, 8, 4)
    layer.Weights = []
    assert layer.Weights.size == 0


def test_bias(layer: Any) -> None:
    """'Bias, default []: 1 x 1 x NumFilters, learnable.'"""
    assert layer.Bias.size == 0
    layer.Bias = np.arange(8.0).reshape(1, 1, 8)
    assert layer.Bias.shape == (1, 1, 8)
    layer.Bias = np.arange(8.0)  # inferred: a vector of NumPy's is neither a row nor a column
    np.testing.assert_array_equal(layer.Bias, np.arange(8.0).reshape(1, 1, 8))
    with pytest.raises(vlnn.MatConvNetError, match=r"Bias is not 1 x 1 x NumFilters, 1x1x8 here. Received 8x1 float64"):
        layer.Bias = np.zeros((8, 1))


def test_there_is_no_switch_for_the_bias() -> None:
    """'There is NO bias off switch: a zero bias and BiasLearnRateFactor=0 emulate it.'"""
    assert error_of(transposedConv2dLayer, 3, 8, "UseBias", False).startswith("Unknown option 'UseBias'.")
    layer = vlnn.toolbox.from_nnconvt(np.ones((3, 3, 8, 2)), [])
    assert not layer.Bias.any()
    assert layer.BiasLearnRateFactor == 0


def test_weights_initializer(layer: Any) -> None:
    """'WeightsInitializer, default glorot: glorot, he, narrow-normal, zeros, ones, handle; orthogonal NOT listed.'"""
    assert layer.WeightsInitializer == "glorot"
    for word in ("glorot", "he", "narrow-normal", "zeros", "ones", np.ones):
        layer.WeightsInitializer = word
        assert layer.WeightsInitializer == word
    with pytest.raises(
        vlnn.MatConvNetError, match=r"WeightsInitializer is not 'glorot', 'he', .* Received 'orthogonal'"
    ):
        layer.WeightsInitializer = "orthogonal"
    with pytest.raises(vlnn.MatConvNetError, match=r"\(did you mean 'glorot'\?\)"):
        layer.WeightsInitializer = "glorott"
    with pytest.raises(vlnn.MatConvNetError, match=r"or a function. Received 0.01."):
        layer.WeightsInitializer = 0.01


def test_weights_initializer_is_used_only_if_weights_is_empty() -> None:
    """'WeightsInitializer: used only if Weights is empty.'"""
    weights = numbers(3, 3, 8, 2)
    layer = transposedConv2dLayer(3, 8, "Weights", weights, "WeightsInitializer", "zeros").initialize([5, 5, 2])
    np.testing.assert_array_equal(layer.Weights, weights)
    layer.Weights = []
    assert not layer.initialize([5, 5, 2]).Weights.any()


def test_bias_initializer(layer: Any) -> None:
    """'BiasInitializer, default zeros: zeros, narrow-normal, ones, handle; used only if Bias empty.'"""
    assert layer.BiasInitializer == "zeros"
    for word in ("zeros", "narrow-normal", "ones", np.ones):
        layer.BiasInitializer = word
    for word in ("glorot", "he"):
        with pytest.raises(
            vlnn.MatConvNetError, match="BiasInitializer is not 'zeros', 'narrow-normal', 'ones' or a fu"
        ):
            layer.BiasInitializer = word
    bias = np.arange(8.0)
    given = transposedConv2dLayer(3, 8, "Bias", bias, "BiasInitializer", "ones").initialize([5, 5, 2])
    np.testing.assert_array_equal(given.Bias.ravel(), bias)


@pytest.mark.parametrize(
    ("name", "default"),
    [("WeightLearnRateFactor", 1), ("BiasLearnRateFactor", 1), ("WeightL2Factor", 1), ("BiasL2Factor", 0)],
)
def test_factors(layer: Any, name: str, default: float) -> None:
    """'WeightLearnRateFactor 1, BiasLearnRateFactor 1, WeightL2Factor 1, BiasL2Factor 0: nonneg scalar.'"""
    assert getattr(layer, name) == default
    setattr(layer, name, 0.25)
    assert getattr(layer, name) == 0.25
    for bad in (-1, np.inf, np.nan, [1, 2], "1", None):
        with pytest.raises(vlnn.MatConvNetError, match=f"{name} is not a nonnegative number"):
            setattr(layer, name, bad)
    assert getattr(transposedConv2dLayer(3, 8, name, np.float32(0.5)), name) == 0.5


@pytest.mark.parametrize("name", ["up", np.str_("up"), np.array("up"), np.array(["up"])])
def test_name(layer: Any, name: Any) -> None:
    """'Name, default the empty string: char/string.'"""
    assert layer.Name == ""
    layer.Name = name
    assert layer.Name == "up"
    with pytest.raises(vlnn.MatConvNetError, match=r"Name is not a string. Received 3."):
        layer.Name = 3


@pytest.mark.parametrize(
    ("name", "value"), [("NumInputs", 1), ("InputNames", ["in"]), ("NumOutputs", 1), ("OutputNames", ["out"])]
)
def test_inputs_and_outputs(layer: Any, name: str, value: Any) -> None:
    """'NumInputs / InputNames / NumOutputs / OutputNames: 1 / {in} / 1 / {out}, read-only.'"""
    assert getattr(layer, name) == value
    with pytest.raises(AttributeError, match=f"{name} of a TransposedConvolution2DLayer is read-only"):
        setattr(layer, name, value)


def test_the_option_and_the_properties() -> None:
    """'The constructor option is Cropping; the object exposes CroppingMode + CroppingSize.'"""
    layer = transposedConv2dLayer(5, 8, "Cropping", [1, 2])
    assert (layer.CroppingMode, layer.CroppingSize) == ("manual", (1, 1, 2, 2))
    for name in ("CroppingMode", "CroppingSize"):
        assert error_of(transposedConv2dLayer, 5, 8, name, 1).startswith(f"Unknown option '{name}'.")


def test_there_is_no_dilation_of_a_layer() -> None:
    """'No DilationFactor on the layer (only on dltranspconv).'"""
    assert error_of(transposedConv2dLayer, 3, 8, "DilationFactor", 2).startswith("Unknown option 'DilationFactor'.")


# Display


def test_display() -> None:
    """'Display text (1-D sibling): ... Show all properties'"""
    assert repr(transposedConv1dLayer(11, 96, "Stride", 4)).splitlines() == [
        "  TransposedConvolution1DLayer with properties:",
        "",
        "            Name: ''",
        "",
        "   Hyperparameters",
        "      FilterSize: 11",
        "     NumChannels: 'auto'",
        "      NumFilters: 96",
        "          Stride: 4",
        "    CroppingMode: 'manual'",
        "    CroppingSize: [0 0]",
        "",
        "   Learnable Parameters",
        "         Weights: []",
        "            Bias: []",
        "",
        "  Show all properties",
    ]


def test_display_of_an_initialized_layer() -> None:
    """'Display text', with numbers in it as MATLAB shows arrays (inferred)."""
    text = str(transposedConv2dLayer(4, 8, Cropping="same", Stride=2, Name="up").initialize([9, 9, 3]))
    for line in (
        "            Name: 'up'",
        "      FilterSize: [4 4]",
        "     NumChannels: 3",
        "    CroppingMode: 'same'",
        "    CroppingSize: [1 1 1 1]",
        "         Weights: [4×4×8×3 single]",
        "            Bias: [1×1×8 single]",
    ):
        assert line in text.splitlines()
    assert "CroppingSize: [2×3 double]" in str(transposedConv3dLayer(3, 8))
    one = transposedConv2dLayer(3, 1, "Weights", np.ones((3, 3)), "Bias", 0.5)
    assert "Weights: [3×3 double]" in str(one)
    assert "Bias: 0.5" in str(one)


# Calling


@pytest.mark.parametrize("kind", CLASSES)
def test_numbers_of_any_class(kind: Any) -> None:
    """'Data types: single, double, int8 ... uint64.'"""
    layer = transposedConv2dLayer(
        kind(3), kind(8), "Stride", np.array([2, 3], kind), "Cropping", np.array([[1], [0]], kind)
    )
    assert layer == transposedConv2dLayer(3, 8, "Stride", (2, 3), "Cropping", [1, 0])
    assert all(type(number) is int for number in (*layer.FilterSize, layer.NumFilters, *layer.Stride))


def test_pairs_in_any_case_and_order() -> None:
    layer = transposedConv2dLayer(3, 8, "cropping", "same", "STRIDE", 2, np.str_("name"), "up")
    assert layer == transposedConv2dLayer(3, 8, "Name", "up", "Stride", 2, "Cropping", "Same")
    assert layer == transposedConv2dLayer(3, 8, "Name", "up", stride=2, cropping="same")
    assert layer == transposedConv2dLayer(filterSize=3, numFilters=8, NAME="up", Stride=2, Cropping="same")
    options = ["Stride", 2, "Cropping", "same", "Name", "up"]
    assert layer == transposedConv2dLayer(3, 8, *options)


def test_bad_options() -> None:
    assert error_of(transposedConv2dLayer, 3, 8, "Strid", 2).startswith(
        "Unknown option 'Strid'. Did you mean 'Stride'?"
    )
    assert error_of(transposedConv2dLayer, 3, 8, "Stride") == "Option 'Stride' requires an argument."
    assert error_of(transposedConv2dLayer, 3, 8, 5) == (
        "The option name is not a string (argument number 3). Received 5."
    )


def test_assignment_to_what_is_no_property(layer: Any) -> None:
    with pytest.raises(AttributeError, match=r"has no property Strides. Did you mean Stride\?"):
        layer.Strides = 2
    with pytest.raises(AttributeError, match=r"has no property xyzzy. It has Bias, BiasInitializer"):
        layer.xyzzy = 2
    with pytest.raises(AttributeError, match="has no property predict"):
        layer.predict = 2


# Values


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize(
    "way", [copy.copy, copy.deepcopy, lambda it: it.copy(), lambda it: pickle.loads(pickle.dumps(it))]
)
def test_copies(dims: int, way: Any) -> None:
    layer = MAKERS[dims](3, 8, "Cropping", "same", "Name", "up").initialize([5] * dims + [2], rng=0)
    again = way(layer)
    assert again == layer
    assert type(again) is type(layer)
    again.Weights[...] = 0
    again.Stride = 2
    assert layer.Weights.any()
    assert layer.Stride != again.Stride
    assert again != layer
    assert again.Weights.flags.f_contiguous


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Stride", 2),
        ("Cropping", 1),
        ("Cropping", "same"),
        ("Weights", np.zeros((3, 2, 8, 1))),
        ("Bias", np.zeros(8)),
        ("WeightsInitializer", "he"),
        ("BiasInitializer", "ones"),
        ("WeightLearnRateFactor", 2),
        ("BiasLearnRateFactor", 2),
        ("WeightL2Factor", 2),
        ("BiasL2Factor", 2),
        ("Name", "up"),
    ],
)
def test_comparison(layer: Any, name: str, value: Any) -> None:
    other = transposedConv2dLayer([3, 2], 8)
    assert other == layer
    setattr(other, name, value)
    assert other != layer
    setattr(layer, name, value)
    assert other == layer


def test_comparison_with_others(layer: Any) -> None:
    assert layer != transposedConv2dLayer([2, 3], 8)
    assert layer != transposedConv2dLayer([3, 2], 9)
    assert layer != transposedConv2dLayer([3, 2], 8, NumChannels=3)
    assert transposedConv1dLayer(3, 8) != transposedConv3dLayer(3, 8)
    assert layer != "layer"
    assert isinstance(layer, TransposedConvolution2DLayer)
    with pytest.raises(TypeError, match="unhashable"):
        hash(layer)
