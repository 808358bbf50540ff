"""Section 1.9 of the facts: factors, learnable parameters, export."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import vlnn
from tests.toolbox.reference import MAKERS, close, cut, error_of, numbers, whole
from vlnn import getL2Factor, getLearnRateFactor, setL2Factor, setLearnRateFactor, transposedConv2dLayer
from vlnn.toolbox import to_keras, to_onnx, to_torch

PAIRS = [(getLearnRateFactor, setLearnRateFactor, "LearnRateFactor"), (getL2Factor, setL2Factor, "L2Factor")]
both = pytest.mark.parametrize(("get", "set_", "kind"), PAIRS)


def test_weights_that_are_there_are_the_initial_ones() -> None:
    """'Both use non-empty Weights/Bias as the initial values.'"""
    w, b = numbers(3, 3, 4, 2), numbers(4)
    layer = transposedConv2dLayer(3, 4, "Weights", w, "Bias", b).initialize([5, 5, 2])
    np.testing.assert_array_equal(layer.Weights, w)
    np.testing.assert_array_equal(layer.Bias.ravel(), b)


def test_a_step_of_training() -> None:
    """'Learnables: one row per parameter; L2 idiom: g + l2*w': the derivatives have the sizes of Weights and Bias."""
    layer = transposedConv2dLayer(3, 4, "Stride", 2).initialize(np.ones((5, 5, 2)), rng=0)
    x, target = numbers(5, 5, 2, 6), numbers(11, 11, 4, 6, seed=1)

    def loss() -> float:
        return float(np.sum((layer.predict(x) - target) ** 2)) / 2

    before = loss()
    for _ in range(5):
        _, dzdw, dzdb = layer.backward(x, layer.forward(x) - target)
        rate, decay = 1e-3, 1e-4
        layer.Weights -= rate * layer.WeightLearnRateFactor * (dzdw + decay * layer.WeightL2Factor * layer.Weights)
        layer.Bias -= rate * layer.BiasLearnRateFactor * (dzdb + decay * layer.BiasL2Factor * layer.Bias)
    assert loss() < before


def test_predict_and_forward() -> None:
    """'predict = inference behaviour, forward = training': the same for this layer."""
    layer = transposedConv2dLayer(3, 4).initialize([5, 5, 2])
    np.testing.assert_array_equal(layer.predict(np.ones((5, 5, 2))), layer.forward(np.ones((5, 5, 2))))


# Factors


@both
@pytest.mark.parametrize(("parameter", "of"), [("Weights", "Weight"), ("Bias", "Bias")])
def test_factor_of_a_layer(get: Any, set_: Any, kind: str, parameter: str, of: str) -> None:
    """'factor = getL2Factor(layer,parameterName)'; the setter is equivalent to layer.WeightL2Factor = f."""
    layer = transposedConv2dLayer(3, 4)
    name = of + kind
    assert get(layer, parameter) == getattr(layer, name)
    changed = set_(layer, parameter, 0.25)
    want = layer.copy()
    setattr(want, name, 0.25)
    assert changed == want
    assert get(changed, parameter) == 0.25
    assert layer == transposedConv2dLayer(3, 4)  # 'Setters return the updated object.'


@both
def test_factor_in_layers(get: Any, set_: Any, kind: str) -> None:
    """'(net,layerName,parameterName), (net,parameterPath)': a list of layers stands for the network."""
    layers = [transposedConv2dLayer(3, 4, "Name", "up1"), transposedConv2dLayer(3, 4, "Name", "up2")]
    changed = set_(layers, "up2", "Weights", 3)
    assert get(changed, "up2", "Weights") == get(changed, "up2/Weights") == 3
    assert get(layers, "up2/Weights") == get(changed, "up1/Weights") == 1
    assert set_(layers, "up2/Weights", 3) == changed
    assert changed[0] is layers[0]
    assert isinstance(set_(tuple(layers), "up1/Bias", 1), tuple)


@both
def test_factors_that_are_not_there(get: Any, set_: Any, kind: str) -> None:
    layer = transposedConv2dLayer(3, 4, "Name", "up")
    assert error_of(get, layer, "Weight") == "The parameter is neither 'Weights' nor 'Bias'. Received 'Weight'."
    assert error_of(get, layer, "up", "Bias").startswith("The parameter is not given by the name of a parameter.")
    assert error_of(get, layer).startswith("The parameter is not given by the name of a parameter. Received [].")
    assert error_of(get, [layer], "Bias").startswith("The parameter is not given by the names of a layer and of its pa")
    assert error_of(get, [layer], "down", "Bias") == "There is not one layer of the name 'down'. The layers are ['up']."
    assert error_of(get, [layer, layer], "up/Bias").startswith("There is not one layer of the name 'up'.")
    assert error_of(set_, layer).startswith("Not enough input arguments.")
    assert error_of(set_, layer, "Bias", -1) == f"Bias{kind} is not a nonnegative number. Received -1."


# Export


CROPPINGS = {1: (0, [1, 2], "same"), 2: (0, [1, 2], [0, 2, 1, 0], "same"), 3: (0, 1, [[0, 2, 1], [1, 0, 1]], "same")}


def layers(dims: int) -> list[Any]:
    taps, bias = (3, 4, 2)[:dims], numbers(5)
    w = numbers(*taps, 5, 3)
    return [
        MAKERS[dims](taps, 5, "Stride", stride, "Cropping", crop, "Weights", w, "Bias", bias)
        for stride in (1, 2, 5)
        for crop in CROPPINGS[dims]
        if stride > 1 or crop != [[0, 2, 1], [1, 0, 1]]
    ]


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_keras_cuts_what_is_left(dims: int) -> None:
    """'Keras valid yields max(s, k) + s (n-1)' (1.3): cut, it is the layer."""
    for layer in layers(dims):
        kernel, bias = to_keras(layer).weights.values()
        options, rest = to_keras(layer)[1:]
        x, stride = numbers(*(2, 3, 2)[:dims], 3, 2), options["strides"]
        y = whole(x, kernel, stride)
        longer = [max(s - k, 0) for s, k in zip(stride, kernel.shape, strict=False)]
        if options["padding"] == "valid":
            y = cut(cut(y, [(0, -more) for more in longer]), rest)
        else:
            total = [max(k - s, 0) for k, s in zip(kernel.shape, stride, strict=False)]
            y = cut(y, [(t // 2, t - t // 2 - more) for t, more in zip(total, longer, strict=True)])
        close(layer.predict(x), y + bias[:, None])


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_torch(dims: int) -> None:
    """'PyTorch ConvTranspose2d.weight' (1.2), cropped as the layer crops."""
    torch = pytest.importorskip("torch")
    for layer in layers(dims):
        weights, options, rest = to_torch(layer)
        module = getattr(torch.nn, f"ConvTranspose{dims}d")(**options, dtype=torch.float64)
        module.load_state_dict({name: torch.from_numpy(values) for name, values in weights.items()})
        x = numbers(*(4, 5, 4)[:dims], 3, 2)
        planes = np.ascontiguousarray(x.transpose(dims + 1, dims, *range(dims)))
        y = module(torch.from_numpy(planes)).detach().numpy().transpose(*range(2, dims + 2), 1, 0)
        close(layer.predict(x), cut(y, rest))
        if dims == 2 and layer.CroppingSize in ((0, 0, 0, 0), (1, 1, 2, 2)):
            assert rest == ((0, 0), (0, 0))


def test_export_in_the_class_of_the_weights() -> None:
    layer = transposedConv2dLayer(3, 4).initialize([5, 5, 2])
    for export in (to_onnx, to_torch, to_keras):
        for values in export(layer).weights.values():
            assert values.dtype == np.float32
            assert values.flags.c_contiguous
        assert error_of(export, transposedConv2dLayer(3, 4)).startswith("Weights is empty.")


def test_an_empty_bias_is_exported_as_zeros() -> None:
    layer = transposedConv2dLayer(3, 4, "Weights", np.ones((3, 3, 4, 2)))
    np.testing.assert_array_equal(to_onnx(layer).weights["B"], np.zeros(4))


def test_asymmetric_cropping_is_computed() -> None:
    """'Asymmetric [t b l r] cropping unsupported for C/C++' code generation: here it is like any other."""
    x, w = numbers(4, 5, 2), numbers(3, 3, 4, 2)
    layer = vlnn.transposedConv2dLayer(3, 4, "Cropping", [0, 2, 1, 0], "Weights", w)
    close(layer.predict(x), cut(whole(x[..., None], w, (1, 1)), [(0, 2), (1, 0)]))
