"""Modules of PyTorch in training, their names, and .pt files: what is in them, and damaged ones."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vlnn
from tests.convert import networks
from tests.convert.cases import Array, chain, conv, moments, single
from tests.convert.structure import assert_same_arrays, assert_same_network
from tests.dagnn.nets import LABELS, X, residual
from vlnn import dagnn
from vlnn.convert import Checkpoint, half
from vlnn.convert.like import filled
from vlnn.errors import ConversionError, MatConvNetError
from vlnn.simplenn import SimpleNN

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'vlnn[torch]'")
torch_format = pytest.importorskip("vlnn.convert.torch")


def write(net: Any, folder: Path) -> Path:
    path = folder / "net.pt"
    torch_format.write(net if isinstance(net, Checkpoint) else Checkpoint.of(net), path)
    return path


def tensor(x: Array) -> Array:
    return torch.from_numpy(np.ascontiguousarray(x.transpose(3, 2, 0, 1)))


def matlab(x: Array) -> Array:
    return x.detach().numpy().transpose(2, 3, 1, 0)


NETWORKS = {
    **networks.small(),
    "double": residual(np.float64),
    "images in meta": SimpleNN([conv((3, 3, 6, 4))], {"averageImage": single(9, 8, 6), "ids": np.arange(99)[None]}),
    "no weights": SimpleNN([{"type": "relu"}]),
    "names of modules": SimpleNN([conv((3, 3, 6, 4))], {"conv": {"weight": single(9, 8, 6)}}),
    "bnorm": SimpleNN([{"type": "bnorm", "weights": [single(6, 1), single(1, 6), -moments(6)]}]),
    "names": SimpleNN([conv((3, 3, 6, 4)), {**conv((3, 3, 4, 4)), "name": "conv.x"}, {"type": "relu", "name": "half"}]),
}


@pytest.mark.parametrize("net", NETWORKS.values(), ids=NETWORKS)
def test_networks_come_back_bit_for_bit(net: Any, tmp_path: Path) -> None:
    assert_same_network(torch_format.read(write(net, tmp_path)).network(), net)


@pytest.mark.parametrize("path", networks.files())
def test_trained_networks_come_back_bit_for_bit(path: Path, tmp_path: Path) -> None:
    net = networks.load(path)
    source, back = Checkpoint.of(net), torch_format.read(write(net, tmp_path))
    assert back.description == source.description
    assert_same_arrays(back.arrays, source.arrays)


def test_a_file_is_a_state_dict_of_the_module(tmp_path: Path) -> None:
    net = NETWORKS["names"]
    content = torch.load(write(net, tmp_path), weights_only=True)
    assert list(content["state_dict"]) == ["conv.weight", "conv.bias", "conv_x.weight", "conv_x.bias"]
    module = torch_format.to_module(net)
    assert [name for name, _ in module.named_children()] == ["conv", "conv_x", "half_"]
    module.load_state_dict(content["state_dict"])
    assert content["description"] == Checkpoint.of(net).description


def test_a_file_loads_as_a_module(tmp_path: Path) -> None:
    net = residual(np.float32)
    module = torch_format.load(write(net, tmp_path))
    x = X.astype(np.float32)
    (y,) = net.predict(x, ["prob"]).values()
    np.testing.assert_allclose(matlab(module(tensor(x))), y, rtol=0, atol=1e-6)


def test_weights_in_half_compute_in_single(tmp_path: Path) -> None:
    net = chain(conv((3, 3, 6, 40))).net
    path = write(half.halved(Checkpoint.of(net)), tmp_path)
    assert torch.load(path, weights_only=True)["state_dict"]["conv.weight"].dtype == torch.float16
    module = torch_format.load(path)
    assert module.conv.weight.dtype == torch.float32
    rounded = torch_format.read(path).network()
    x = single(9, 8, 6, 2)
    np.testing.assert_allclose(matlab(module(tensor(x))), rounded.predict(x), rtol=0, atol=1e-4)


def test_a_network_in_double_computes_in_double() -> None:
    net = residual(np.float64)
    (y,) = net.predict(X, ["prob"]).values()
    np.testing.assert_allclose(matlab(torch_format.to_module(net)(tensor(X))), y, rtol=0, atol=1e-12)


def test_modules_have_weights_of_their_own() -> None:
    bnorm = {"type": "bnorm", "name": "bnorm", "weights": [single(4, 1), single(4, 1), moments(4)]}
    net = SimpleNN([conv((3, 1, 6, 4)), bnorm])
    weights = [*net.layers[0].weights, *net.layers[1].weights]
    before = [weight.copy() for weight in weights]
    module = torch_format.to_module(net)
    assert module.conv.weight.is_contiguous()
    with torch.no_grad():
        for values in module.state_dict().values():
            values.zero_()
    for weight, old in zip(weights, before, strict=True):
        np.testing.assert_array_equal(weight, old)


def test_layers_that_share_a_parameter_share_it() -> None:
    module = torch_format.to_module(residual())
    assert module.conv1.weight is module.conv2.weight
    assert len(list(module.parameters())) == 4


def test_what_was_trained_comes_back(tmp_path: Path) -> None:
    net = residual(np.float32)
    path = write(net, tmp_path)
    content = torch.load(path, weights_only=True)
    module = torch_format.to_module(net)
    with torch.no_grad():
        for weight in module.parameters():
            weight.add_(1)
    content["state_dict"] = module.state_dict()
    torch.save(content, path)
    back = torch_format.read(path).network()
    for name in ("f", "b", "g", "o"):
        np.testing.assert_array_equal(back.getParam(name).value, net.getParam(name).value + np.float32(1))


@pytest.mark.filterwarnings("ignore:Layer 'bnorm'")
def test_training_has_the_gradients_of_matconvnet() -> None:
    net = residual(np.float64)
    module = torch_format.to_module(net, drop_loss=True).train()
    y = module(tensor(X))
    torch.nn.functional.cross_entropy(
        y.flatten(1), torch.from_numpy(LABELS.ravel() - 1).long(), reduction="sum"
    ).backward()
    net.eval({"x": X, "label": LABELS}, {"objective": 1})
    filters, biases = module.conv1.weight.grad, module.conv1.bias.grad
    scale = X.shape[3]  # MatConvNet divides by the number of images
    np.testing.assert_allclose(filters.numpy().transpose(2, 3, 1, 0) / scale, net.getParam("f").der, atol=1e-10)
    np.testing.assert_allclose(biases.numpy() / scale, net.getParam("b").der.ravel(), atol=1e-10)
    np.testing.assert_allclose(module.bnorm.weight.grad.numpy() / scale, net.getParam("g").der.ravel(), atol=1e-10)
    batch, before = net.getParam("m").der, residual(np.float64).getParam("m").value
    after = np.stack([module.bnorm.mean.numpy(), module.bnorm.sigma.numpy()], axis=1)
    np.testing.assert_allclose(after, 0.9 * before + 0.1 * batch, atol=1e-12)


def test_dropout_is_for_training() -> None:
    module = torch_format.to_module(SimpleNN([{"type": "dropout", "rate": 0.5}]))
    x = torch.ones(1, 1, 20, 20)
    assert torch.equal(module(x), x)
    assert not torch.equal(module.train()(x), x)


def test_inputs_and_outputs_have_names() -> None:
    net = dagnn.DagNN()
    net.addLayer("sum", dagnn.Sum(), ["a", "b"], "c")
    net.addLayer("relu", dagnn.ReLU(), "c", "d")
    net.addLayer("sigmoid", dagnn.Sigmoid(), "c", "e")
    module = torch_format.to_module(net)
    assert (module.inputs, module.outputs) == (("a", "b"), ("d", "e"))
    a, b = torch.ones(1, 1, 2, 2), torch.full((1, 1, 2, 2), -3.0)
    assert list(module(a, b)) == ["d", "e"]
    assert torch.equal(module(a, b=b, outputs=["c"])["c"], a + b)
    with pytest.raises(TypeError, match=r"inputs are a, b\. Received 1 by position and none by name\."):
        module(a)
    with pytest.raises(TypeError, match="inputs are a, b"):
        module(a, a=b)
    with pytest.raises(ValueError, match=r"no variable 'z'\. It has a, b, c, d, e"):
        module(a, b, outputs=["z"])


def test_a_module_prints_what_it_is() -> None:
    text = str(
        torch_format.to_module(chain(conv((3, 2, 6, 4), pad=[1, 0, 2, 3]), {"type": "lrn", "param": [5, 1, 1, 1]}).net)
    )
    assert "(conv): Convolution(4x6x3x2, stride=(1, 1), pad=(1, 0, 2, 3), dilation=(1, 1), groups=1)" in text
    assert "before=2, after=2, kappa=1.0" in text


def test_a_module_is_copied_saved_and_exported() -> None:
    module = torch_format.to_module(chain(conv((3, 3, 6, 4), pad=[1, 0, 2, 3])).net)
    x = torch.randn(2, 6, 9, 8)
    exported = torch.export.export(module, (x,))
    assert torch.allclose(exported.module()(x), module(x), atol=1e-5)


def test_a_state_dict_alone_is_weights_alone(tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(3, 2).state_dict(), tmp_path / "x.pt")
    found = torch_format.read(tmp_path / "x.pt")
    assert found.description == ""
    with pytest.raises(ConversionError, match="it has weights alone"):
        torch_format.load(tmp_path / "x.pt")
    assert {name: array.shape for name, array in found.arrays.items()} == {"weight": (2, 3), "bias": (2,)}


def test_brain_floats_become_single(tmp_path: Path) -> None:
    torch.save({"w": torch.tensor([1.5, -2.0], dtype=torch.bfloat16)}, tmp_path / "x.pt")
    np.testing.assert_array_equal(torch_format.read(tmp_path / "x.pt").arrays["w"], np.array([1.5, -2], np.float32))


def test_whole_modules_are_not_unpickled(tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(3, 2), tmp_path / "x.pt")
    with pytest.raises(ConversionError, match=r"has to be saved as module\.state_dict\(\)"):
        torch_format.read(tmp_path / "x.pt")


@pytest.mark.parametrize(
    "content",
    [
        [1, 2],
        {"a": 1},
        {},
        {"state_dict": 3},
        torch.ones(2),
        {"description": "x"},
        {"description": "x", "layout": {"a": 3}, "state_dict": {}},
        {"a": torch.ones(2, dtype=torch.float8_e5m2)},
    ],
)
def test_other_contents_are_refused(content: Any, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "x.pt")
    with pytest.raises(ConversionError, match=r"x\.pt: "):
        torch_format.read(tmp_path / "x.pt")


def test_averages_over_regions_are_what_vlnn_has() -> None:
    net = dagnn.DagNN()
    net.addLayer("roi", dagnn.ROIPooling(method="avg", subdivisions=[3, 2]), ["x", "rois"], "y")
    x, rois = single(9, 8, 4, 2), np.array([[1, 1, 1, 4, 5], [2, 3, 2, 8, 9], [1, 20, 20, 30, 30]], np.float32).T
    y = torch_format.to_module(net)(tensor(x), tensor(rois[:, :, None, None]))
    np.testing.assert_allclose(
        matlab(y), vlnn.vl_nnroipool(x, rois, "method", "avg", "subdivisions", [3, 2]), atol=1e-6
    )


def test_damaged_files_give_one_clear_error(tmp_path: Path) -> None:
    path = write(SimpleNN([conv((2, 2, 2, 3))]), tmp_path)
    content, draw, refused = path.read_bytes(), random.Random(0), []
    for trial in range(150):
        changed = bytearray(content[: draw.randrange(len(content))] if trial < 30 else content)
        for _ in range(draw.choice([1, 3, 20])):
            if changed:
                changed[draw.randrange(len(changed))] = draw.randrange(256)
        path.write_bytes(changed)
        try:
            torch_format.read(path).network()
        except (ConversionError, MatConvNetError) as error:
            refused.append(str(error))
    assert len(refused) > 50
    assert all(0 < len(message) < 700 and "\n" not in message for message in refused)


def test_a_state_dict_of_the_module_fills_a_network_like_it(tmp_path: Path) -> None:
    layers = [conv((3, 3, 6, 4)), {"type": "bnorm", "weights": [single(4, 1), single(4, 1, seed=1), moments(4)]}]
    net = vlnn.vl_simplenn_tidy(SimpleNN(layers))
    torch.save(torch_format.to_module(net).state_dict(), tmp_path / "weights.pt")
    blank = SimpleNN([{**layer, "weights": [0 * one for one in layer.weights]} for layer in net.layers], net.meta)
    assert_same_network(filled(blank, torch_format.read(tmp_path / "weights.pt"), "torch"), net)
