"""SimpleNN.predict: test mode, no losses, one class of numbers."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import vlnn
from tests.simplenn.nets import array, bnorm, conv, deep
from vlnn.simplenn import SimpleNN

LOSSES = ["loss", "softmaxloss", "pdist", "euclideanloss", "L2Loss"]


def scores(net: SimpleNN, x: Any) -> Any:
    return vlnn.vl_simplenn(SimpleNN(net.layers[:5]), x, mode="test")[-1].x


def test_the_output_before_the_loss() -> None:
    net, x, _ = deep()
    np.testing.assert_array_equal(net.predict(x), scores(net, x))


@pytest.mark.parametrize("losses", [[], LOSSES[:1], LOSSES[1:3], LOSSES])
def test_losses_at_the_end_are_left_out(losses: list[str]) -> None:
    net = SimpleNN([conv(1, 1, 2, 3), *({"type": loss} for loss in losses)])
    x = array(3, 3, 2)
    np.testing.assert_array_equal(net.predict(x), vlnn.vl_nnconv(x, *net.layers[0].weights))


def test_outputs_by_name() -> None:
    net, x, _ = deep()
    net.layers[0].name, net.layers[5].name = "conv1", "objective"
    res = vlnn.vl_simplenn(net, x, mode="test")
    outputs = net.predict(x, ["conv1", "layer3", "prediction", "prob", "objective"])
    assert list(outputs) == ["conv1", "layer3", "prediction", "prob", "objective"]
    np.testing.assert_array_equal(outputs["conv1"], res[1].x)
    np.testing.assert_array_equal(outputs["layer3"], res[3].x)
    np.testing.assert_array_equal(outputs["prediction"], res[5].x)
    for name in ("prob", "objective"):
        np.testing.assert_array_equal(outputs[name], vlnn.vl_nnsoftmax(res[5].x))
    assert list(net.predict(x, "layer3")) == ["layer3"]
    assert net.predict(x, []) == {}


def test_a_softmax_at_the_end_is_prob() -> None:
    net = SimpleNN([{"type": "relu"}, {"type": "softmax"}])
    outputs = net.predict(array(1, 1, 3), ["prob", "prediction"])
    assert outputs["prob"].sum() == pytest.approx(1)
    np.testing.assert_array_equal(outputs["prob"], outputs["prediction"])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("conv9", "There is no output 'conv9': no layer has it. The layers are 'layer1', 'layer2'."),
        ("layer3", "layer 3, pdist 'layer3' (net.layers[2]) is a loss, which predict leaves out"),
        ("prob", "There is no output 'prob'"),
    ],
)
def test_outputs_that_are_not_there(name: str, words: str) -> None:
    net = SimpleNN([{"type": "relu"}, {"type": "sigmoid"}, {"type": "pdist"}])
    with pytest.raises(vlnn.MatConvNetError) as caught:
        net.predict(array(2, 2), name)
    assert words in str(caught.value)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("given", [np.uint8, np.bool_, np.int64, np.float32, np.float64])
def test_the_input_takes_the_class_of_the_weights(given: type, dtype: type) -> None:
    net = SimpleNN([conv(3, 3, 1, 2, dtype), bnorm(2, np.float64)])
    x = np.random.default_rng(0).integers(0, 200, (6, 5)).astype(given)
    y = net.predict(x)
    assert y.dtype == dtype
    assert y.shape == (4, 3, 2, 1)
    y = net.predict(x[:, :, None, None], "layer1")["layer1"]
    np.testing.assert_array_equal(y, vlnn.vl_nnconv(x.astype(dtype), *net.layers[0].weights))
    assert net.layers[1].weights[0].dtype == np.float64


@pytest.mark.parametrize("given", [np.uint8, np.float32, np.float64])
def test_a_network_without_weights_works_in_single_unless_the_input_is_double(given: type) -> None:
    x = np.ones((2, 3), given)
    y = SimpleNN([{"type": "relu"}]).predict(x)
    assert y.dtype == (np.float64 if given is np.float64 else np.float32)
    assert y.shape == (2, 3, 1, 1)


@pytest.mark.parametrize("x", [[[1, 2], [3, 4]], {"input": np.ones((2, 2))}, {"data": [[1.0]]}, 3])
def test_other_forms_of_input(x: Any) -> None:
    assert SimpleNN([conv(1, 1, 1, 2, np.float32)]).predict(x).shape[2:] == (2, 1)


@pytest.mark.parametrize(
    "x", [np.ones((2, 2), complex), np.ones((1,) * 5), "picture.png", {"a": 1, "b": 2}, {}, np.array([None])]
)
def test_what_is_no_input(x: Any) -> None:
    with pytest.raises(vlnn.MatConvNetError, match="input"):
        SimpleNN([{"type": "relu"}]).predict(x)


def test_dropout_and_bnorm_are_those_of_inference() -> None:
    net = SimpleNN([bnorm(2), {"type": "dropout", "rate": 0.9}])
    x = array(3, 3, 2, 4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        y = net.predict(x)
    multipliers, biases, moments = net.layers[0].weights
    np.testing.assert_array_equal(y, vlnn.vl_nnbnorm(x, multipliers, biases, moments=moments))
    np.testing.assert_allclose(net.predict(x[..., :1]), y[..., :1])


def test_without_moments_those_of_the_input_are_taken() -> None:
    layer = bnorm(2)
    layer["weights"] = layer["weights"][:2]
    net = SimpleNN([layer, {"type": "relu"}, layer])
    x = array(3, 3, 2, 4)
    with pytest.warns(UserWarning, match=r"no moments in layer 1, bnorm 'layer1' \(net.layers\[0\]\): ") as caught:
        first = net.predict(x, "layer1")["layer1"]
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match=r"\(net.layers\[0\]\) and 1 more"):
        y = net.predict(x)
    np.testing.assert_array_equal(first, vlnn.vl_nnbnorm(x, *layer["weights"], epsilon=1e-5))
    np.testing.assert_array_equal(y, vlnn.vl_simplenn(vlnn.vl_simplenn_tidy(net), x, mode="normal")[-1].x)


def test_old_layers_are_brought_up_to_date() -> None:
    filters, biases = conv(2, 2, 1, 3)["weights"]
    net = SimpleNN([{"type": "conv", "filters": filters, "biases": biases}])
    x = array(4, 4)
    np.testing.assert_array_equal(net.predict(x), vlnn.vl_nnconv(x, filters, biases))
    assert list(net.layers[0]) == ["type", "filters", "biases"]


def test_layers_that_are_needed_for_no_output_are_not_computed() -> None:
    net = SimpleNN([{"type": "relu"}, {"type": "nobody knows it"}])
    assert net.predict(array(2, 2), ["layer1"])["layer1"].shape == (2, 2, 1, 1)


def test_the_network_shows_its_layers() -> None:
    assert repr(SimpleNN([{"type": "relu"}])) == "SimpleNN(1 layer: relu)"
    assert len(repr(SimpleNN([{"type": "relu"}] * 1000))) < 300


def test_copies_have_layers_of_their_own() -> None:
    net = SimpleNN([{"type": "relu"}], {"a": 1})
    other = net.copy()
    other.layers.pop()
    assert isinstance(other, SimpleNN)
    assert len(net.layers) == 1
