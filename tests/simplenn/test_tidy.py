"""vl_simplenn_tidy beyond its recorded calls: the forms that files have, and what is left alone."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import vlnn
from vlnn.matlab.values import Struct
from vlnn.simplenn import SimpleNN


def tidied(*layers: Any, **fields: Any) -> SimpleNN:
    net = vlnn.vl_simplenn_tidy({"layers": list(layers), **fields})
    assert isinstance(net, SimpleNN)
    return net


def test_the_argument_stays_as_it_is() -> None:
    net = {
        "layers": [{"type": "conv", "filters": np.ones((1, 1)), "biases": []}],
        "meta": {"a": 1},
        "classes": {"b": 2},
    }
    before = copy.deepcopy(net)
    vlnn.vl_simplenn_tidy(net)
    np.testing.assert_equal(net, before)


def test_twice_is_once() -> None:
    once = tidied({"type": "bnorm", "weights": [np.ones(3), np.ones(3)]}, {"type": "relu"})
    np.testing.assert_equal(dict(vlnn.vl_simplenn_tidy(once)), dict(once))


@pytest.mark.parametrize("meta", [None, [], np.zeros((0, 0)), {}, Struct()])
def test_meta_that_is_none(meta: Any) -> None:
    assert tidied(meta=meta).meta == {}
    assert tidied(meta=meta, normalization={"keepAspect": True}).meta == {"normalization": {"keepAspect": True}}


@pytest.mark.parametrize("layers", [{"type": "relu"}, ({"type": "relu"},), np.array([{"type": "relu"}])])
def test_forms_of_the_cell_of_layers(layers: Any) -> None:
    assert [layer.type for layer in vlnn.vl_simplenn_tidy({"layers": layers}).layers] == ["relu"]


def test_layers_have_lists_of_their_own() -> None:
    net = tidied({"type": "conv", "weights": []}, {"type": "conv", "weights": []})
    net.layers[0].opts.append("cuDNN")
    assert net.layers[1].opts == []


def test_crop_sizes() -> None:
    normalization = {"imageSize": np.array([[224.0, 224.0, 3.0]]), "border": np.array([[32.0, 32.0]])}
    net = tidied(normalization=normalization)
    np.testing.assert_allclose(net.meta.normalization.cropSize, [[0.875, 0.875]])
    assert "cropSize" not in normalization
    odd = tidied(normalization={"imageSize": [224, 224, 3], "border": []})
    assert "cropSize" not in odd.meta.normalization


def test_nets_that_training_has_left() -> None:
    """Momentum and the like survive."""
    layer = {"type": "conv", "weights": [1, 2], "momentum": [3, 4], "learningRate": [1, 2], "biases": []}
    (after,) = tidied(layer).layers
    assert {name: after[name] for name in layer} == layer


def test_bnorm_without_biases_too() -> None:
    weights = tidied({"type": "bnorm", "weights": [np.ones(3)]}).layers[0].weights
    assert len(weights) == 3
    assert weights[2].shape == (3, 2)
    assert weights[2].dtype == np.float32
