"""Weights alone, put into a network that is there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.dagnn.nets import random
from tests.simplenn.nets import bnorm, conv
from vlnn.convert import Checkpoint
from vlnn.convert.like import filled
from vlnn.dagnn import DagNN
from vlnn.errors import ConversionError
from vlnn.simplenn import SimpleNN

X = random(7, 6, 2, 2)


def chain(seed: int) -> SimpleNN:
    def drawn(layer: dict[str, Any], name: str) -> dict[str, Any]:
        weights = [random(*weight.shape, seed=seed + at) for at, weight in enumerate(layer["weights"])]
        if len(weights) > 2:
            weights[2] = np.abs(weights[2]) + 0.1
        return {**layer, "weights": weights, "name": name}

    convt = {"type": "convt", "weights": [random(2, 3, 2, 4), random(2, 1)], "upsample": 2}
    return SimpleNN(
        [drawn(conv(3, 2, 2, 4), "c"), {**drawn(bnorm(4), "n"), "epsilon": 1e-4}, drawn(convt, "t")],
        {"key": random(9, 9)},
    )


def as_torch(net: SimpleNN) -> Checkpoint:
    """The weights as PyTorch has them."""
    c, n, t = (layer.weights for layer in net.layers)
    arrays = {
        "c.weight": c[0].transpose(3, 2, 0, 1),
        "c.bias": c[1].ravel(),
        "n.weight": n[0].ravel(),
        "n.bias": n[1].ravel(),
        "n.running_mean": n[2][:, 0],
        "n.running_var": n[2][:, 1] ** 2 - 1e-4,
        "n.num_batches_tracked": np.array(7),
        "t.weight": t[0].transpose(3, 2, 0, 1),
        "t.bias": t[1].ravel(),
    }
    return Checkpoint("", arrays)


@pytest.mark.parametrize("graph", [False, True])
def test_weights_of_torch(graph: bool) -> None:
    source, like = chain(1), chain(50)
    target: Any = DagNN.fromSimpleNN(like) if graph else like
    net = filled(target, as_torch(source), "torch")
    np.testing.assert_allclose(net.predict(X), source.predict(X), rtol=0, atol=1e-12)
    np.testing.assert_array_equal(net.meta.key, like.meta.key)
    assert type(net) is type(target)
    assert not np.array_equal(target.predict(X), source.predict(X))


@pytest.mark.parametrize("layout", ["matlab", "reversed"])
def test_weights_under_our_names(layout: str) -> None:
    source = chain(1)
    arrays = Checkpoint.of(source).arrays
    if layout == "reversed":
        arrays = {name: array.T for name, array in arrays.items()}
    net = filled(chain(50), Checkpoint("", arrays), layout)
    np.testing.assert_array_equal(net.predict(X), source.predict(X))


def test_what_vlnn_has_described_is_in_its_layout() -> None:
    source = chain(1)
    np.testing.assert_array_equal(filled(chain(50), Checkpoint.of(source), "torch").predict(X), source.predict(X))


def test_the_class_of_the_network_stays() -> None:
    source = as_torch(chain(1))
    single = Checkpoint("", {name: array.astype(np.float32) for name, array in source.arrays.items()})
    assert filled(chain(50), single, "torch").layers[0].weights[0].dtype == np.float64


def test_linear_layers_are_filters_of_the_whole_image() -> None:
    filters = random(2, 3, 4, 5)
    net = SimpleNN([{"type": "conv", "name": "fc", "weights": [np.zeros((2, 3, 4, 5)), []]}])
    flat = filters.transpose(3, 2, 0, 1).reshape(5, 24)
    np.testing.assert_array_equal(
        filled(net, Checkpoint("", {"fc.weight": flat}), "torch").layers[0].weights[0], filters
    )


def test_missing_arrays_are_named() -> None:
    source = as_torch(chain(1))
    arrays = {name: array for name, array in source.arrays.items() if name != "t.bias"}
    with pytest.raises(
        ConversionError, match=r"no array for 't\.weights\.1'; others in it are 'n\.num_batches_tracked'"
    ):
        filled(chain(50), Checkpoint("", arrays), "torch")


def test_sizes_have_to_fit_in_the_layout() -> None:
    with pytest.raises(ConversionError, match=r"'c\.weight' is 4x2x3x2, which is not 3x2x2x4 in the layout matlab"):
        filled(chain(50), as_torch(chain(1)), "matlab")
