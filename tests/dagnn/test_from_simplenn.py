"""SimpleNN networks as DagNN networks: names, parameters, numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import vlnn
from tests.dagnn.nets import random
from vlnn import MatConvNetError
from vlnn.dagnn import DagNN
from vlnn.matlab import Struct

F32 = np.float32
LAYERS: list[dict[str, Any]] = [
    {
        "type": "conv",
        "name": "c",
        "weights": [random(3, 3, 2, 4, dtype=F32), random(4, 1, dtype=F32)],
        "pad": 1,
        "stride": [1, 2],
        "learningRate": np.array([[1.0, 2.0]]),
        "weightDecay": [1, 0],
    },
    {"type": "bnorm", "weights": [np.ones((4, 1), F32), random(4, 1, dtype=F32)], "epsilon": 1e-3},
    {"type": "relu", "leak": 0.1},
    {"type": "pool", "pool": [2, 3], "method": "avg", "pad": [0, 1, 1, 1]},
    {"type": "lrn", "param": [3, 1, 0.1, 0.75]},
    {"type": "dropout", "rate": 0.25},
    {"type": "convt", "weights": [random(2, 2, 3, 4, dtype=F32), []], "upsample": 2, "crop": [1, 0, 0, 0]},
    {"type": "sigmoid"},
]
X = random(6, 7, 2, 3, dtype=F32)


def test_names() -> None:
    dag = DagNN.fromSimpleNN({"layers": [*LAYERS, {"type": "softmaxloss"}, {"type": "softmaxloss"}]})
    assert [var.name for var in dag.vars] == [*(f"x{i}" for i in range(9)), "label", "x9", "label1", "x10"]
    assert [param.name for param in dag.params] == ["cf", "cb", "layer2m", "layer2b", "layer2x", "layer7f"]
    rates = [(param.learningRate, param.weightDecay, param.trainMethod) for param in dag.params]
    assert rates == [(1, 1, "gradient"), (2, 0, "gradient"), *[(1, 1, "gradient")] * 2, (0.1, 1, "average"), rates[0]]
    assert [layer.name for layer in dag.layers] == ["c", *(f"layer{i}" for i in range(2, 11))]
    blocks: list[Any] = [layer.block for layer in dag.layers]
    assert (blocks[0].size, blocks[0].pad, blocks[0].stride, blocks[0].hasBias) == (
        (3, 3, 2, 4),
        (1,) * 4,
        (1, 2),
        True,
    )
    assert (blocks[1].epsilon, blocks[1].numChannels) == (1e-3, (4,))
    assert (blocks[3].poolSize, blocks[3].method, blocks[3].pad) == ((2, 3), "avg", (0, 1, 1, 1))
    assert (blocks[6].upsample, blocks[6].crop, blocks[6].hasBias, blocks[6].size) == (
        (2, 2),
        (1, 0, 0, 0),
        False,
        (2, 2, 3, 4),
    )


def test_canonical_names() -> None:
    dag = DagNN.fromSimpleNN({"layers": [*LAYERS, {"type": "softmaxloss"}]}, "canonicalNames", True)
    assert dag.getInputs() == ["input", "label"]
    assert dag.getOutputs() == ["objective"]
    assert dag.getLayer(-1 + len(dag.layers)).inputs == ["prediction", "label"]
    dag = DagNN.fromSimpleNN({"layers": [{"type": "softmax"}, {"type": "softmax"}]}, canonicalNames=True)
    assert [var.name for var in dag.vars] == ["prediction", "prediction1", "prob1"]


def test_learning_rates_of_batch_normalisation() -> None:
    weights = [np.ones((2, 1), F32), np.zeros((2, 1), F32), np.ones((2, 2), F32)]
    layer = {"type": "bnorm", "weights": weights, "learningRate": [2, 3, 0.5], "weightDecay": [4, 5]}
    params = DagNN.fromSimpleNN({"layers": [layer]}).params
    assert [(param.learningRate, param.weightDecay) for param in params] == [(2, 4), (3, 5), (0.5, 0)]


def test_the_numbers_are_the_same() -> None:
    net = vlnn.vl_simplenn_tidy({"layers": LAYERS})
    net.layers[1].weights[2] = np.abs(random(4, 2, dtype=F32))
    dag = DagNN.fromSimpleNN(net)
    assert dag.getParam("layer2x").value is net.layers[1].weights[2]
    res = vlnn.vl_simplenn(net, X, mode="test")
    np.testing.assert_array_equal(dag.predict(X), res[-1].x)
    dag.mode, dag.conserveMemory = "normal", False
    dag.removeLayer("layer6")  # dropout
    dag.setLayerInputs("layer7", "x5")
    del net.layers[5]
    dzdy = random(*res[-1].x.shape, dtype=F32)
    res = vlnn.vl_simplenn(net, X, dzdy)
    dag.eval({"x0": X}, {"x8": dzdy})
    np.testing.assert_allclose(dag.getVar("x0").der, res[0].dzdx, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(dag.getParam("cf").der, res[0].dzdw[0], rtol=1e-4, atol=1e-4)


def test_meta_comes_along_and_is_not_shared() -> None:
    meta = Struct(inputs=Struct(name="data", size=np.array([[6.0, 7, 2, 1]])), classes=Struct(name=["a", "b"]))
    net = {"layers": LAYERS, "meta": meta, "normalization": {"averageImage": 1.0}}
    dag = DagNN.fromSimpleNN(net, canonicalNames=True)
    assert dag.meta.inputs.name == "input"
    assert meta.inputs.name == "data"
    assert dag.meta.classes.name == ["a", "b"]
    assert dag.meta.normalization == {"averageImage": 1.0}


@pytest.mark.parametrize("type_", ["loss", "noffset", "spnorm", "pdist", "custom"])
def test_what_dagnn_has_no_block_for(type_: str) -> None:
    layer: dict[str, Any] = {"type": type_, "class": 1, "param": [1, 1, 1, 1], "forward": None, "backward": None}
    with pytest.raises(MatConvNetError) as caught:
        DagNN.fromSimpleNN({"layers": [layer]})
    assert str(caught.value).startswith(f"{type_} is unsupported")


def test_a_pooling_layer_without_a_method() -> None:
    dag = DagNN.fromSimpleNN({"layers": [{"type": "pool", "pool": 2}]})
    assert dag.predict(X).shape == (5, 6, 2, 3)
