"""The networks of the examples: their layers, sizes, learning rates and meta."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import vlnn
from vlnn import MatConvNetError
from vlnn.dagnn import DagNN
from vlnn.simplenn import SimpleNN
from vlnn.training.models.imagenet import MODELS

IMAGES = 2


@pytest.fixture
def zeros(monkeypatch: pytest.MonkeyPatch) -> None:
    """Filters of ImageNet's networks as zeros, which take no time and, until they are used, no memory."""
    monkeypatch.setattr(
        "vlnn.training.models.imagenet.drawing", lambda *_: lambda size: np.zeros(size, np.float32, order="F")
    )


def sizes(net: SimpleNN, side: int, channels: int = 3) -> list[tuple[int, ...]]:
    info = vlnn.vl_simplenn_display(net, "inputSize", [side, side, channels, IMAGES], nargout=1)
    return [tuple(map(int, column)) for column in np.asarray(info.dataSize).T]


def types(net: SimpleNN) -> list[str]:
    return [layer.type for layer in net.layers]


def test_mnist() -> None:
    net = vlnn.cnn_mnist_init()
    conv, bnorm = ["conv", "bnorm", "pool"], ["conv", "bnorm", "relu", "conv", "softmaxloss"]
    assert types(net) == [*conv, *conv, *bnorm]
    assert sizes(net, 28, 1)[-2] == (1, 1, 10, IMAGES)
    assert [layer.weights[1].size for layer in net.layers if layer.type == "conv"] == [0, 0, 0, 10]
    assert [layer.learningRate for layer in net.layers if layer.type == "bnorm"] == [[1, 1, 0.05]] * 3
    assert net.meta.trainOpts == {"learningRate": 0.001, "numEpochs": 20, "batchSize": 100}
    assert net.layers[0].weights[0].std() == pytest.approx(0.01, rel=0.1)


def test_mnist_draws_the_same_filters_unless_told_otherwise() -> None:
    first, again, other = (vlnn.cnn_mnist_init(**rng).layers[0].weights[0] for rng in ({}, {}, {"rng": 1}))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_cifar() -> None:
    net = vlnn.cnn_cifar_init()
    assert [size[:3] for size in sizes(net, 32)[:-1]] == [
        *((32, 32, 3), (32, 32, 32), (16, 16, 32), (16, 16, 32), (16, 16, 32), (16, 16, 32), (8, 8, 32)),
        *((8, 8, 64), (8, 8, 64), (4, 4, 64), (1, 1, 64), (1, 1, 64), (1, 1, 10)),
    ]
    rates = [layer.learningRate for layer in net.layers if layer.type == "conv"]
    assert rates == [[0.1, 2]] * 4 + [[0.01, 0.2]]
    assert net.meta.trainOpts.learningRate.shape == (1, net.meta.trainOpts.numEpochs) == (1, 45)


def test_cifar_network_in_network() -> None:
    net = vlnn.cnn_cifar_init_nin(rng=0)
    names = [layer.name for layer in net.layers if layer.type == "conv"]
    assert names == ["conv1", "cccp1", "cccp2", "conv2", "cccp3", "cccp4", "conv3", "cccp5", "cccp6"]
    assert [layer.method for layer in net.layers if layer.type == "pool"] == ["max", "avg", "avg"]
    after = dict(zip([layer.name for layer in net.layers], sizes(net, 32)[1:], strict=True))
    assert after["pool1"][:3] == (15, 15, 96)
    assert after["pool2"][:3] == (7, 7, 192)
    assert after["pool3"][:3] == (1, 1, 10)
    last = net.layers[names.index("cccp6") * 2 + 4]
    assert (last.name, last.learningRate) == ("cccp6", [0.001, 0.01])
    assert last.weights[0].std() == pytest.approx(0.1 * np.sqrt(2 / 192), rel=0.1)
    assert net.meta.trainOpts.learningRate.size == 83


@pytest.mark.parametrize("init", [vlnn.cnn_mnist_init, vlnn.cnn_cifar_init, vlnn.cnn_cifar_init_nin])
@pytest.mark.parametrize("network_type", ["simplenn", "DagNN"])
def test_small_networks_run_forward_and_backward(init: Callable[..., Any], network_type: str) -> None:
    net = init("networkType", network_type, "rng", 0)
    rows, columns, channels = net.meta.inputSize
    x = np.random.default_rng(0).standard_normal((rows, columns, channels, IMAGES)).astype(np.float32)
    labels = np.array([[3, 7]])
    if isinstance(net, DagNN):
        net.rng = 0
        net.eval(["input", x, "label", labels], ["objective", 1])
        derivatives = [param.der for param in net.params if param.trainMethod == "gradient"]
        objective = next(layer.block.average for layer in net.layers if layer.outputs == ["objective"])
    else:
        net.layers[-1]["class"] = labels
        res = vlnn.vl_simplenn(net, x, 1)
        derivatives = [der for result in res for der in (result.dzdw or []) if np.size(der)]
        objective = float(res[-1].x)
    assert objective == pytest.approx(np.log(10), rel=0.2)  # ten classes, of which it knows nothing yet
    assert all(np.isfinite(der).all() for der in derivatives)
    assert any(np.any(der) for der in derivatives)


@pytest.mark.usefixtures("zeros")
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("normalised", [False, True])
def test_imagenet_models_have_sizes_that_fit(model: str, normalised: bool) -> None:
    net = vlnn.cnn_imagenet_init("model", model, "batchNormalization", normalised)
    found = sizes(net, net.meta.normalization.imageSize[0])
    for layer, before, after in zip(net.layers, found[:-1], found[1:], strict=True):
        if layer.type != "conv":
            continue
        high, wide, channels, filters = layer.weights[0].shape
        assert before[2] % channels == 0
        assert after[2] == filters == layer.weights[1].size
        assert layer.name.startswith("fc") == ((high, wide) == before[:2]) == (after[:2] == (1, 1))
    assert found[-2] == (1, 1, 1000, IMAGES)
    assert types(net)[-2:] == ["conv", "softmaxloss"]
    counts = {kind: types(net).count(kind) for kind in ("bnorm", "normalize", "dropout", "relu", "conv")}
    assert counts["relu"] == counts["conv"] - 1
    assert counts["bnorm"] == (counts["relu"] if normalised else 0)
    assert counts["dropout"] == (0 if normalised else 2)
    assert counts["normalize"] == (0 if normalised or "vd" in model else 2)


@pytest.mark.usefixtures("zeros")
@pytest.mark.parametrize(
    ("model", "millions"),
    # The numbers of parameters that the papers and the model zoos give.
    [
        ("alexnet", 61.0),
        ("vgg-f", 60.8),
        ("vgg-m", 102.9),
        ("vgg-s", 102.9),
        ("vgg-vd-16", 138.4),
        ("vgg-vd-19", 143.7),
    ],
)
def test_imagenet_models_are_as_large_as_they_should_be(model: str, millions: float) -> None:
    net = vlnn.cnn_imagenet_init(model=model)
    count = sum(weight.size for layer in net.layers for weight in layer.weights)
    assert count / 1e6 == pytest.approx(millions, abs=0.1)


@pytest.mark.usefixtures("zeros")
def test_imagenet_options() -> None:
    description, deviation = ["a dog"], np.diag([1.0, 2, 3])
    net = vlnn.cnn_imagenet_init(
        *("model", "vgg-m-1024", "initBias", 0.1, "weightDecay", 5, "cudnnWorkspaceLimit", 7, "classNames", ["dog"]),
        *("classDescriptions", description, "averageImage", [1, 2, 3], "colorDeviation", deviation),
        *("batchNormalization", True),
    )
    first = net.layers[0]
    assert (first.weightDecay, first.learningRate, first.opts) == ([5, 0], [1, 2], ["CudnnWorkspaceLimit", 7])
    np.testing.assert_array_equal(first.weights[1], np.full((96, 1), 0.1, np.float32))
    assert (net.layers[1].epsilon, net.layers[1].learningRate) == (1e-4, [2, 1, 0.1])
    assert net.meta.classes == {"name": ["dog"], "description": description}
    np.testing.assert_allclose(net.meta.augmentation.jitterBrightness, 0.1 * deviation)
    assert net.meta.normalization.averageImage == [1, 2, 3]
    assert net.meta.normalization.cropSize == 224 / 256
    assert net.meta.trainOpts.batchSize == 196
    assert net.meta.trainOpts.learningRate[0, [0, -1]] == pytest.approx([0.1, 1e-4])
    plain = vlnn.cnn_imagenet_init(model="vgg-f")
    assert (plain.meta.trainOpts.numEpochs, plain.meta.trainOpts.batchSize) == (60, 256)


@pytest.mark.usefixtures("zeros")
def test_what_a_script_changes_in_a_network_stays_there() -> None:
    net = vlnn.cnn_imagenet_init()
    net.meta.normalization.averageImage += 5
    net.meta.classes.name.append("dog")
    again = vlnn.cnn_imagenet_init()
    assert not again.meta.normalization.averageImage.any()
    assert again.meta.classes.name == []


def test_imagenet_first_values_and_a_forward_pass() -> None:
    net = vlnn.cnn_imagenet_init(
        "model", "vgg-f", "weightInitMethod", "xavierimproved", "networkType", "dagnn", "rng", 1
    )
    assert net.getOutputs() == ["objective", "top1err", "top5err"]
    assert net.getParam("conv2f").value.std() == pytest.approx(np.sqrt(2 / (25 * 256)), rel=0.01)
    assert net.getParam("fc8f").value.std() == pytest.approx(np.sqrt(2 / 1000) / 10, rel=0.01)
    y = net.predict(np.random.default_rng(0).uniform(0, 255, (224, 224, 3, 1)).astype(np.float32))
    assert y.shape == (1, 1, 1000, 1)
    assert np.isfinite(y).all()
    assert y.std() > 0


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["model", "vgg-g"], r"^Unknown model 'vgg-g'\. There are alexnet, vgg-f"),
        (["weightInitMethod", "he"], r"^Unknown weight initialization method 'he'\."),
        (["networkType", "torch"], r"^networkType is neither 'simplenn' nor 'dagnn'\. Received 'torch'\."),
        (["modle", "alexnet"], r"^Unknown parameter 'modle'\. Did you mean 'model'\?"),
        (["colorDeviation", "red"], r"^colorDeviation is not a matrix\. Received 'red'\."),
        (["scale", "big"], r"^SCALE is not a scalar\. Received 'big'\."),
    ],
)
@pytest.mark.usefixtures("zeros")
def test_imagenet_refuses(options: list[str], sentence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if "weightInitMethod" in options:
        monkeypatch.undo()
    with pytest.raises(MatConvNetError, match=sentence):
        vlnn.cnn_imagenet_init(*options)


def test_resnet() -> None:
    net = vlnn.cnn_imagenet_init_resnet(rng=0)
    found = dict(zip([var.name for var in net.vars], net.getVarSizes({"input": [224, 224, 3, IMAGES]}), strict=True))
    expected = {
        "conv1": (56, 64),
        "conv2_3": (56, 256),
        "conv3_4": (28, 512),
        "conv4_6": (14, 1024),
        "conv5_3": (7, 2048),
    }
    for name, (side, channels) in expected.items():
        assert found[name] == (side, side, channels, IMAGES)
    assert found["prediction"] == (1, 1, 1000, IMAGES)
    assert found["conv3_1a_conv"][0] == 2 * found["conv3_1b_conv"][0]  # it is the 3x3 convolution that strides
    learned = [param for param in net.params if param.trainMethod == "gradient"]
    assert sum(param.value.size for param in learned) / 1e6 == pytest.approx(25.6, abs=0.05)
    assert {param.learningRate for param in net.params if param.trainMethod == "average"} == {0.3}
    first = net.getParam("conv1_f")
    assert first.learningRate == pytest.approx(1e-4)
    assert first.value.std() == pytest.approx(np.sqrt(2 / 147) / 100, rel=0.02)
    assert net.getOutputs() == ["objective", "top1error", "top5error"]
    assert net.meta.trainOpts.numEpochs == 90


def test_inception() -> None:
    net = vlnn.cnn_imagenet_init_inception(rng=0)
    found = dict(zip([var.name for var in net.vars], net.getVarSizes({"input": [299, 299, 3, IMAGES]}), strict=True))
    expected = {
        "pool1_pool": (35, 192),
        "inception5_1": (35, 288),
        "inception5_3": (35, 288),
        "inception5_4": (17, 768),
        "inception6_4": (17, 768),
        "inception6_5": (8, 1280),
        "inception7_2": (8, 1280),
        "pool_2_pool": (1, 1280),
    }
    for name, (side, channels) in expected.items():
        assert found[name] == (side, side, channels, IMAGES)
    assert found["prediction"] == (1, 1, 1000, IMAGES)
    assert net.getOutputs() == ["prediction_loss", "prediction_top1error", "prediction_top5error"]
    assert net.meta.trainOpts.learningRate.size == net.meta.trainOpts.numEpochs == 60


def test_networks_are_saved_and_load_again(tmp_path: Any) -> None:
    for number, net in enumerate([vlnn.cnn_mnist_init(), vlnn.cnn_cifar_init(networkType="dagnn", rng=0)]):
        path = tmp_path / f"{number}.mat"
        net.save(path)
        again = vlnn.load_network(path)
        assert type(again) is type(net)
        assert np.ravel(again.meta.trainOpts.numEpochs) == net.meta.trainOpts.numEpochs
        x = np.ones((*net.meta.inputSize, 1), np.float32)
        if isinstance(net, DagNN):
            np.testing.assert_array_equal(again.predict(x), net.predict(x))
