"""Section 1.7 of the facts: errors, which name the property, its rule and what was received."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import vlnn
from tests.toolbox.reference import MAKERS, error_of, numbers
from vlnn import transposedConv1dLayer, transposedConv2dLayer, transposedConv3dLayer, vl_nnconvt

SIZE = "is not a positive integer or a vector of 2 positive integers."
CROPPING = "Cropping is not 'same', a nonnegative integer, [a b] or [t b l r]."


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 8), f"FilterSize {SIZE} Received 0."),
        ((3, -8), "NumFilters is not a positive integer. Received -8."),
        ((3, 8, "Stride", 0), f"Stride {SIZE} Received 0."),
        ((3, 8, "Stride", np.array([1.5, 2])), f"Stride {SIZE} Received [1.5 2]."),
        ((3, 8, "Cropping", np.int8(-1)), f"{CROPPING} Received -1."),
    ],
)
def test_integers(arguments: tuple[Any, ...], message: str) -> None:
    """'Positive ints for filterSize/numFilters/Stride; nonneg ints for Cropping.'"""
    assert error_of(transposedConv2dLayer, *arguments) == message


def test_the_channels_of_the_data() -> None:
    """'NumChannels must equal data channels.'"""
    layer = transposedConv2dLayer(3, 8, "NumChannels", 4)
    message = (
        "NumChannels is not the number of channels of X. NumChannels is 4; received X 5x5x3x1 in format 'SSCB', "
        "which has 3."
    )
    assert error_of(layer.initialize, [5, 5, 3]) == message
    layer.initialize()
    assert error_of(layer.predict, np.ones((5, 5, 3))) == message
    assert error_of(layer.backward, np.ones((5, 5, 3)), np.ones((7, 7, 8))) == message


@pytest.mark.parametrize(
    "shape", [(3, 3, 4, 8), (2, 3, 8, 4), (3, 3, 8), (3, 3, 8, 4, 1), (3, 3, 8, 4, 2), (288,), (0, 3, 8, 4, 1, 2)]
)
def test_the_size_of_weights(shape: tuple[int, ...]) -> None:
    """'Weights size must be h x w x NumFilters x NumChannels.'"""
    weights = np.zeros(shape, np.float32)
    if shape == (0, 3, 8, 4, 1, 2):  # without elements: []
        assert transposedConv2dLayer(3, 8, "NumChannels", 4, "Weights", weights).Weights.size == 0
        return
    assert error_of(transposedConv2dLayer, 3, 8, "NumChannels", 4, "Weights", weights) == (
        "Weights is not FilterSize x NumFilters x NumChannels, 3x3x8x4 here. Received "
        f"{'x'.join(map(str, shape))} float32."
    )


def test_the_size_of_weights_of_any_depth() -> None:
    assert error_of(transposedConv2dLayer, 3, 8, "Weights", np.zeros((3, 3, 7, 4))) == (
        "Weights is not FilterSize x NumFilters x NumChannels, 3x3x8xC here. Received 3x3x7x4 float64."
    )


@pytest.mark.parametrize("shape", [(1, 1, 7), (1, 8), (8, 1), (2, 2, 2), (7,), ()])
def test_the_size_of_bias(shape: tuple[int, ...]) -> None:
    """'Bias 1x1xNumFilters.'"""
    assert error_of(transposedConv2dLayer, 3, 8, "Bias", np.zeros(shape)) == (
        f"Bias is not 1 x 1 x NumFilters, 1x1x8 here. Received {'x'.join(map(str, shape)) or '1x1'} float64."
    )


@pytest.mark.parametrize("value", ["weights", [[1, 2], [3]], np.array([1j]), {}, np.array(["a"]), [None]])
@pytest.mark.parametrize("name", ["Weights", "Bias"])
def test_what_is_no_array(name: str, value: Any) -> None:
    assert error_of(transposedConv2dLayer, 3, 8, name, value).startswith(
        f"{name} is not a real numeric array. Received "
    )


def test_weights_are_initialized_only_if_empty() -> None:
    """'Weights initialised only if empty.'"""
    weights = numbers(3, 3, 8, 4)
    layer = transposedConv2dLayer(3, 8, "Weights", weights).initialize([5, 5, 4])
    np.testing.assert_array_equal(layer.Weights, weights)


def test_not_initialized() -> None:
    layer = transposedConv2dLayer(3, 8, "BiasInitializer", "ones")
    assert error_of(layer.predict, np.ones((4, 4))).startswith(
        "Weights is empty. Assign it, or call layer.initialize(x)"
    )
    layer.Weights = np.ones((3, 3, 8))
    assert error_of(layer.predict, np.ones((4, 4))).startswith("Bias is empty.")
    layer.BiasInitializer = "zeros"  # inferred: an empty Bias that is to be zeros counts as zeros
    assert layer.predict(np.ones((4, 4))).max() == 9


def test_ones_that_matlab_drops() -> None:
    """'MATLAB drops trailing singletons: Weights with NumChannels==1 is 3-D, Bias with NumFilters==1 is 1x1.'"""
    layer = transposedConv2dLayer(3, 1, "Weights", np.ones((3, 3)), "Bias", np.array([[2.0]]))
    assert layer.Weights.shape == (3, 3, 1, 1)
    assert layer.Bias.shape == (1, 1, 1)
    assert layer.NumChannels == 1
    assert transposedConv2dLayer(3, 8, "Weights", np.ones((3, 3, 8))).Weights.shape == (3, 3, 8, 1)
    assert transposedConv1dLayer(3, 1, "Weights", [1, 2, 3], "Bias", 2).Weights.shape == (3, 1, 1)
    assert transposedConv3dLayer([3, 2, 1], 1, "Weights", np.ones((3, 2))).Weights.shape == (3, 2, 1, 1, 1)


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_the_derivative_has_the_size_of_the_output(dims: int) -> None:
    layer = MAKERS[dims](3, 8).initialize([4] * dims + [2])
    message = error_of(layer.backward, np.ones([4] * dims + [2]), np.ones([5] * dims + [8]))
    sizes = ["x".join(map(str, [side] * dims + [8])) for side in (6, 5)]
    assert message == f"dzdy does not have the size of the output, {sizes[0]}x1. Received {sizes[1]}."


def test_data_without_rows() -> None:
    layer = transposedConv2dLayer(3, 8).initialize([4, 4, 2])
    assert error_of(layer.predict, np.ones((0, 4, 2))) == (
        "X is empty in a dimension that is convolved over. Received the size [0 4]."
    )


X, F = np.ones((4, 4, 2)), np.ones((3, 3, 8, 2))
DIVIDE = "The number of filter groups does not divide the filter bank depth (fourth dimension of FILTERS)."
DEPTH = "The filter bank depth (fourth dimension of FILTERS) is not the same as the data depth (third dimension of X)."


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        ((X, F), "There are less than three arguments."),
        ((X, F, [], "upsample", "2"), "upsample is not a plain matrix."),
        ((X, F, [], "upsample", [1, 2, 3]), "upsample has neither one nor two elements."),
        ((X, F, [], "crop", "1"), "crop is not a plain matrix."),
        ((X, F, [], "crop", [1, 2]), "crop has neither one nor two elements."),
        ((X, F, [], "numgroups", [1, 1]), "NUMGROUPS is not a plain scalar."),
        ((X, F.astype("f"), []), "DATA and FILTERS do not have compatible formats."),
        ((X, F, np.ones(8, "f")), "DATA and BIASES do not have compatible formats."),
        ((X, F, [], np.ones((6, 6, 8), "f")), "DATA and DEROUTPUT do not have compatible formats."),
        ((X, F, [], "upsample", 0), "At least one element of UPSAMPLE is smaller than one."),
        ((X, F, [], "crop", -1), "An element of CROP is negative."),
        ((X, F[:0], []), "A dimension of FILTERS is void."),
        ((X, F, [], "numgroups", 0), "NUMGROUPS is less than 1."),
        ((X, F, [], "numgroups", 3), DIVIDE),
        ((X, F[..., :1], []), DEPTH),
        ((X, F, [], "crop", 3), "The output array is empty due to CROP being too large."),
        ((X, F, [], np.ones((5, 6, 8))), "DEROUTPUT dimensions are incompatible with X and FILTERS."),
        ((X, F, np.ones(7)), "The number of elements of BIASES is not the same as the dimenison of the filters."),
    ],
)
def test_the_messages_of_matconvnet(call: tuple[Any, ...], sentence: str) -> None:
    """'MatConvNet messages (exact, vl_nnconvt)': those of the function that does the same."""
    with pytest.raises(vlnn.MatConvNetError) as caught:
        vl_nnconvt(*call)
    assert str(caught.value).startswith(sentence)
