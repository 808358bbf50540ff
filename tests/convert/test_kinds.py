"""From a SimpleNN to a DagNN and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.convert import networks
from tests.dagnn.nets import X, chain, random, residual
from tests.simplenn.nets import LAYERS
from vlnn import dagnn
from vlnn.convert.evaluation import evaluate, inputs_of
from vlnn.convert.kinds import to_dagnn, to_simplenn
from vlnn.dagnn import DagNN
from vlnn.errors import ConversionError
from vlnn.simplenn import SimpleNN

CHAINS = {
    name: (SimpleNN(layers), size)
    for name, (layers, size, _) in LAYERS.items()
    if name not in ("noffset", "spnorm", "pdist", "SubP", "concat", "loss", "softmaxloss")
}


def assert_same_values(changed: Any, net: Any, x: Any) -> None:
    """Every variable of the changed network is that of the original which it says it is."""
    (name,), (source,) = inputs_of(changed.net), inputs_of(net)
    got, want = evaluate(changed.net, {name: x}).values, evaluate(net, {source: x}).values
    found = {changed.renamed.get(key, key): value for key, value in got.items() if key != name}
    assert set(found) == set(want) - {source}
    for key, value in found.items():
        np.testing.assert_array_equal(value, want[key], key)


@pytest.mark.parametrize(("net", "size"), CHAINS.values(), ids=CHAINS)
def test_chains_compute_the_same_as_graphs_and_back(net: SimpleNN, size: tuple[int, ...]) -> None:
    x = random(*size, seed=7, dtype=np.float32)
    there = to_dagnn(net)
    assert isinstance(there.net, DagNN)
    assert_same_values(there, net, x)
    back = there.then(to_simplenn)
    assert isinstance(back.net, SimpleNN)
    assert_same_values(back, net, x)


def test_fields_survive_both_ways() -> None:
    conv = {
        "type": "conv",
        "name": "c",
        "weights": [random(3, 2, 2, 4), random(4, 1)],
        "pad": [1, 0, 2, 1],
        "stride": [2, 1],
        "dilate": 2,
        "opts": ["NoCuDNN"],
        "learningRate": [1, 2],
        "weightDecay": [0.5, 0],
    }
    convt = {"type": "convt", "weights": [random(3, 3, 2, 2)], "upsample": [2, 3], "crop": [0, 1, 1, 0], "numGroups": 2}
    pool = {"type": "pool", "pool": [3, 2], "stride": 2, "pad": [0, 1, 0, 1], "method": "avg"}
    net = to_simplenn(to_dagnn(SimpleNN([conv, convt, pool], {"key": 1})).net).net
    first, second, third = net.layers
    for name in ("pad", "stride", "learningRate", "weightDecay"):
        np.testing.assert_array_equal(np.ravel(first[name]), conv[name], name)
    assert (list(np.ravel(first.dilate)), first.opts) == ([2, 2], ["NoCuDNN"])
    assert first.weights[0] is conv["weights"][0]
    assert [list(np.ravel(second[name])) for name in ("upsample", "crop", "numGroups")] == [[2, 3], [0, 1, 1, 0], [2]]
    assert second.weights[1].size == 0
    assert (third.method, list(np.ravel(third.pool)), list(np.ravel(third.pad))) == ("avg", [3, 2], [0, 1, 0, 1])
    assert net.meta.key == 1


def test_two_layers_of_one_name() -> None:
    net = SimpleNN([{"type": "relu", "name": "r"}, {"type": "sigmoid", "name": "r"}])
    assert_same_values(to_dagnn(net), net, random(2, 2, 1, 1, dtype=np.float32))


@pytest.mark.parametrize("path", networks.files())
def test_trained_chains(path: Path) -> None:
    net = networks.load(path)
    if isinstance(net, DagNN):
        with pytest.raises(ConversionError, match="no chain"):
            to_simplenn(net)
        return
    size = (33, 31, np.shape(net.layers[0].weights[0])[2] if np.ndim(net.layers[0].weights[0]) > 2 else 1, 2)
    net = SimpleNN(net.layers[:3], net.meta)
    assert_same_values(to_dagnn(net), net, random(*size).astype(np.float32))


def forked() -> DagNN:
    net = chain(dagnn.ReLU(), dagnn.Sigmoid())
    net.addLayer("other", dagnn.ReLU(), "v1", "z")
    return net


def two_inputs() -> DagNN:
    net = DagNN()
    net.addLayer("sum", dagnn.Sum(), ["x", "y"], "z")
    return net


def two_readers() -> DagNN:
    net = chain(dagnn.ReLU())
    net.addLayer("other", dagnn.ReLU(), "x", "z")
    return net


@pytest.mark.parametrize(
    ("net", "says"),
    [
        (forked(), r"layer 'layer0' \(dagnn.ReLU\) forks: its output is read by layer1, other"),
        (two_inputs(), r"layer 'sum' \(dagnn.Sum\) reads 2 variables, x, y"),
        (two_readers(), "not the only one that reads the input 'x': layer0, other"),
        (chain(dagnn.Unknown("dagnn.Mine")), r"layer 'layer0' \(dagnn.Mine\) is of a class"),
        (chain(dagnn.Loss()), "no layers but losses"),
    ],
)
def test_graphs_that_are_no_chains(net: DagNN, says: str) -> None:
    with pytest.raises(ConversionError, match=says):
        to_simplenn(net)


def test_losses_of_a_graph() -> None:
    net = residual()
    net.removeLayer(["sum"])
    net.setLayerInputs("relu2", "d")
    changed = to_simplenn(net)
    assert [layer.type for layer in changed.net.layers] == ["conv", "bnorm", "relu", "relu", "conv", "softmaxloss"]
    assert changed.notes[-1].endswith("no such layers: error.")
    np.testing.assert_array_equal(changed.net.predict(X), net.predict(X))


def test_a_layer_without_a_block_is_named() -> None:
    with pytest.raises(ConversionError, match=r"noffset is unsupported\. In layer 'n'"):
        to_dagnn(SimpleNN([{"type": "noffset", "name": "n", "param": [1, 0.5]}]))


def test_networks_of_the_kind_wanted_stay() -> None:
    nets = networks.small()
    assert to_dagnn(nets["dagnn"]).net is nets["dagnn"]
    assert to_simplenn(nets["simplenn"]).net is nets["simplenn"]
