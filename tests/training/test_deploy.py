"""cnn_imagenet_deploy: the same numbers from a smaller network."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import vlnn
from vlnn import MatConvNetError, dagnn, vl_nnsoftmax
from vlnn.simplenn import SimpleNN
from vlnn.training.deploy import without_limit

X = np.random.default_rng(1).standard_normal((6, 5, 3, 4)).astype(np.float32)


def weights(*shapes: tuple[int, ...], seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [np.asfortranarray(rng.standard_normal(shape), np.float32) for shape in shapes]


def normalisation(channels: int, seed: int = 0) -> list[np.ndarray]:
    multipliers, offsets, moments = weights((channels, 1), (channels, 1), (channels, 2), seed=seed)
    moments[:, 1] = np.abs(moments[:, 1]) + 0.5
    return [multipliers, offsets, moments]


def chain(biases: Any) -> SimpleNN:
    """A trained network: groups, a bnorm after a conv, dropout, a loss."""
    filters, last, last_biases = weights((3, 3, 1, 6), (1, 1, 6, 4), (4, 1))
    limit = ["cudnnWorkspaceLIMIT", 10, "NoCuDNN"]
    layers = [
        {"type": "conv", "weights": [filters, biases], "pad": 1, "opts": limit, "momentum": [0, 0]},
        {"type": "dropout", "rate": 0.5},
        {"type": "bnorm", "weights": normalisation(6), "learningRate": [1, 1, 0.1]},
        {"type": "relu"},
        {"type": "conv", "weights": [last, last_biases]},
        {"type": "softmaxloss"},
    ]
    return vlnn.vl_simplenn_tidy({"layers": layers})


@pytest.mark.parametrize(
    "biases", [weights((6, 1), seed=3)[0], weights((1, 6), seed=4)[0], []], ids=["6x1", "1x6", "[]"]
)
def test_a_deployed_chain_gives_the_same_probabilities(biases: Any) -> None:
    net = chain(biases)
    before = [np.copy(weight) for layer in net.layers for weight in layer.weights]
    deployed = vlnn.cnn_imagenet_deploy(net)
    assert [layer.type for layer in deployed.layers] == ["conv", "relu", "conv", "softmax"]
    assert deployed.layers[-1].name == "prob"
    np.testing.assert_allclose(deployed.predict(X), vl_nnsoftmax(net.predict(X)), rtol=1e-5)
    assert deployed.layers[0].opts == ["NoCuDNN"]
    assert "momentum" not in deployed.layers[0]
    assert deployed.layers[0].weights[1].shape == (np.shape(biases) if np.size(biases) else (6, 1))
    after = [weight for layer in net.layers for weight in layer.weights]
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(old, new)


def graph(has_bias: bool) -> dagnn.DagNN:
    net = dagnn.DagNN()
    block = dagnn.Conv(size=[3, 3, 1, 6], pad=1, hasBias=has_bias, opts=["CudnnWorkspaceLimit", 10])
    net.addLayer("conv", block, "input", "x1", ["f", "b"] if has_bias else ["f"])
    net.addLayer("drop", dagnn.DropOut(), "x1", "x2")
    net.addLayer("bn", dagnn.BatchNorm(numChannels=6), "x2", "x3", ["g", "o", "m"])
    net.addLayer("relu", dagnn.ReLU(), "x3", "x4")
    net.addLayer("fc", dagnn.Conv(size=[1, 1, 6, 4]), "x4", "scores", ["f2", "b2"])
    net.addLayer("loss", dagnn.Loss(), ["scores", "label"], "objective")
    net.addLayer("error", dagnn.Loss(loss="classerror"), ["scores", "label"], "error")
    net.rng = 0
    net.initParams()
    for name, value in zip(["g", "o", "m"], normalisation(6), strict=True):
        net.getParam(name).value = value
    if has_bias:
        (net.getParam("b").value,) = weights((6, 1), seed=5)
    return net


@pytest.mark.parametrize("has_bias", [True, False])
def test_a_deployed_graph_gives_the_same_probabilities(has_bias: bool) -> None:
    net = graph(has_bias)
    expected = net.predict(X, "prob")["prob"]
    deployed = vlnn.cnn_imagenet_deploy(net)
    assert deployed is net
    assert [layer.name for layer in net.layers] == ["conv", "relu", "fc", "prob"]
    assert net.getOutputs() == ["prob"]
    assert net.getLayer("conv").params == (["f", "b"] if has_bias else ["f", "conv_b"])
    assert net.getLayer("conv").block.opts == []
    assert {param.name for param in net.params} == {*net.getLayer("conv").params, "f2", "b2"}
    np.testing.assert_allclose(net.predict(X), expected, rtol=1e-5)


def test_deploying_twice_is_deploying_once() -> None:
    net = vlnn.cnn_imagenet_deploy(chain([]))
    assert [layer.type for layer in vlnn.cnn_imagenet_deploy(net).layers] == [layer.type for layer in net.layers]
    dag = vlnn.cnn_imagenet_deploy(graph(True))
    count = len(dag.layers)
    assert len(vlnn.cnn_imagenet_deploy(dag).layers) == count


def test_an_examples_network_is_deployed_and_saved(tmp_path: Any) -> None:
    net = vlnn.cnn_imagenet_init_resnet(rng=0)
    for param in net.params:
        if param.trainMethod == "average":
            param.value = np.ones_like(param.value)
    vlnn.cnn_imagenet_deploy(net)
    kinds = {type(layer.block).__name__ for layer in net.layers}
    assert kinds == {"Conv", "Pooling", "ReLU", "Sum", "SoftMax"}
    assert net.getOutputs() == ["prob"]


@pytest.mark.parametrize(
    ("layers", "sentence"),
    [
        ([{"type": "relu"}], r"This is layer 2, bnorm 'layer2'"),
        ([], r"This is layer 1, bnorm 'layer1'"),
    ],
)
def test_a_normalisation_without_a_convolution(layers: list[Any], sentence: str) -> None:
    net = {"layers": [*layers, {"type": "bnorm", "weights": normalisation(3)}]}
    with pytest.raises(MatConvNetError, match=rf"^Batch normalization cannot be merged as it is not .*{sentence}"):
        vlnn.cnn_imagenet_deploy(net)


def test_moments_that_nobody_trained() -> None:
    with pytest.raises(MatConvNetError, match=r"^layer 2, bnorm .* a deviation of 0: it has not been trained\.$"):
        vlnn.cnn_imagenet_deploy(vlnn.cnn_mnist_init())


def test_sizes_that_do_not_fit() -> None:
    net = chain([])
    net.layers[2].weights = normalisation(5)
    with pytest.raises(MatConvNetError, match=r"does not fit the convolution before it\. Received a 3x3x1x6 array"):
        vlnn.cnn_imagenet_deploy(net)


@pytest.mark.parametrize("problem", ["another reader", "a shared parameter", "no convolution", "no prediction"])
def test_a_graph_that_cannot_be_deployed_stays_as_it_was(problem: str) -> None:
    net = graph(False)
    sentence = "^Batch normalization cannot be merged as it is not preceded by a conv layer"
    if problem == "another reader":
        net.addLayer("also", dagnn.ReLU(), "x1", "x9")
    elif problem == "a shared parameter":
        net.addLayer("also", dagnn.Conv(size=[3, 3, 1, 6], hasBias=False), "input", "x9", ["f"])
    elif problem == "no convolution":
        net.setLayerInputs("bn", ["input"])
    else:
        net.removeLayer(["loss"])
        sentence = "^There is no variable 'prediction' and no softmaxlog loss"
    before = [(layer.name, layer.inputs, layer.outputs, layer.params) for layer in net.layers]
    with pytest.raises(MatConvNetError, match=sentence):
        vlnn.cnn_imagenet_deploy(net)
    assert [(layer.name, layer.inputs, layer.outputs, layer.params) for layer in net.layers] == before


def test_options_lose_the_limit_and_nothing_else() -> None:
    assert without_limit(["NoCuDNN", "CUDNNWORKSPACELIMIT", 5, "Verbose"]) == ["NoCuDNN", "Verbose"]
    assert without_limit([]) == without_limit(None) == []
