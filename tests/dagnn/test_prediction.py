"""predict: test mode, losses left out, and no trace in the network."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

import vlnn
from tests.dagnn.nets import LABELS, X, chain, random, residual
from vlnn import MatConvNetError, dagnn
from vlnn.dagnn import DagNN

Array = Any


def evaluated(net: DagNN, name: str, **inputs: Array) -> Array:
    twin = net.copy()
    twin.mode, twin.conserveMemory = "test", False
    twin.eval(inputs)
    return twin.getVar(name).value


def test_the_output_is_that_before_the_losses() -> None:
    net = residual()
    np.testing.assert_array_equal(net.predict(X), evaluated(net, "prediction", x=X))
    assert net.predict(X).shape == (1, 1, 2, 4)


def test_nothing_changes_in_the_network() -> None:
    net = residual()
    net.conserveMemory = False
    net.eval({"x": X, "label": LABELS}, {"objective": 1})
    values = [(var.value, var.der, var.precious) for var in net.vars]
    average = net.getLayer("loss").block.average
    net.predict(X)
    with pytest.raises(MatConvNetError):
        net.predict(np.ones((3, 3, 7)))
    assert all(
        a is b
        for one, var in zip(values, net.vars, strict=True)
        for a, b in zip(one, (var.value, var.der), strict=False)
    )
    assert (net.mode, net.conserveMemory, net.getLayer("loss").block.average) == ("normal", False, average)


@pytest.mark.parametrize("x", [X, X.astype(np.float32), (100 * X).astype(np.int16), X.tolist(), {"x": X}, ["x", X]])
def test_inputs_take_the_class_of_the_parameters(x: Any) -> None:
    net = residual(np.float32)
    y = net.predict(x)
    assert y.dtype == np.float32
    given = np.asarray(x["x"] if isinstance(x, dict) else x[1] if isinstance(x[0], str) else x, np.float32)
    np.testing.assert_allclose(y, evaluated(net, "prediction", x=np.asfortranarray(given)), rtol=1e-5)


def test_parameters_of_another_class() -> None:
    net = residual()
    for name in "bgom":
        net.getParam(name).value = net.getParam(name).value.astype(np.float32)
    np.testing.assert_allclose(net.predict(X), residual().predict(X), rtol=1e-5, atol=1e-6)
    assert net.getParam("b").value.dtype == np.float32


def test_outputs_by_name() -> None:
    net = residual()
    results = net.predict(X, ["a", "prediction"])
    assert list(results) == ["a", "prediction"]
    np.testing.assert_array_equal(results["a"], evaluated(net, "a", x=X))
    assert list(net.predict(X, "a")) == ["a"]
    np.testing.assert_array_equal(net.predict({"r": X}, "prediction")["prediction"], evaluated(net, "prediction", r=X))


def test_a_softmax_loss_offers_its_softmax() -> None:
    net = residual()
    scores = net.predict(X)
    for name in ("prob", "objective"):
        np.testing.assert_array_equal(net.predict(X, [name])[name], vlnn.vl_nnsoftmax(scores))
    loss = net.predict({"x": X, "label": LABELS}, ["objective", "top1err"])
    np.testing.assert_array_equal(loss["objective"], evaluated(net, "objective", x=X, label=LABELS))
    named = DagNN.fromSimpleNN({"layers": [{"type": "relu"}, {"type": "softmaxloss"}]})
    np.testing.assert_array_equal(named.predict(X, "prediction")["prediction"], np.maximum(X, 0).astype(np.float32))


def test_the_last_of_several_outputs() -> None:
    net = residual()
    net.addLayer("side", dagnn.Sigmoid(), "a", "side")
    assert net.predict(X).shape == X.shape
    net.addLayer("end", dagnn.Sigmoid(), "prediction", "end")
    np.testing.assert_array_equal(net.predict(X), net.predict(X, "end")["end"])


def test_only_what_is_needed_runs() -> None:
    net = chain(dagnn.Sigmoid(), dagnn.ReLU())
    net.addLayer("side", dagnn.Unknown("dagnn.Strange"), "x", "z")
    assert net.predict(X, "y")["y"].shape == X.shape
    with pytest.raises(MatConvNetError, match=r"dagnn\.Strange"):
        net.predict(X, "z")


def test_blocks_of_unknown_classes_at_the_end() -> None:
    net = chain(dagnn.Sigmoid(), dagnn.ReLU())
    net.addLayer("a", dagnn.Unknown("dagnn.vllab_dag_loss"), ["y", "target"], "l1")
    np.testing.assert_allclose(net.predict(X), 1 / (1 + np.exp(-X)), rtol=1e-5)
    net.addLayer("b", dagnn.Unknown("dagnn.CenterStuff"), ["y", "labels"], "l2")
    with pytest.warns(UserWarning, match=r"predict takes layer 'b' of the unknown class dagnn\.CenterStuff for a loss"):
        net.predict(X)
    net.removeLayer("b")
    net.addLayer("b", dagnn.Unknown("dagnn.Whiten"), "y", "z")
    with pytest.raises(MatConvNetError, match=r"No class is registered for the block type `dagnn\.Whiten`"):
        net.predict(X)


@pytest.mark.parametrize(
    ("x", "outputs", "sentence"),
    [
        (X, "objektive", "The network has no variable 'objektive'. Did you mean 'objective'?"),
        (
            {"label": LABELS},
            None,
            "The variable 'prediction' cannot be computed: layer 'conv1' reads 'x', which has no value. Received",
        ),
        ({"xx": X}, ["a"], "No variable of name 'xx' could be found in the DAG. Did you mean 'x'? The"),
        ({"x": "cat.jpg"}, None, "The input 'x' is no array of real numbers."),
        (1j * X, None, "The input 'x' is no array of real numbers."),
        (np.ones((3, 3, 5)), None, "The FILTERS depth does not divide the DATA depth."),
        (
            {"x": X},
            ["top1err"],
            "The variable 'top1err' cannot be computed: layer 'error' reads 'label', which has no value.",
        ),
    ],
)
def test_refusals(x: Any, outputs: Any, sentence: str) -> None:
    with pytest.raises(MatConvNetError) as caught:
        residual().predict(x, outputs)
    assert str(caught.value).startswith(sentence)


def test_several_inputs_have_to_be_named() -> None:
    net = DagNN()
    net.addLayer("sum", dagnn.Sum(), ["left", "right"], "y")
    with pytest.raises(MatConvNetError, match=r"2 inputs.*\{'left': array, 'right': array\}"):
        net.predict(X)
    np.testing.assert_array_equal(net.predict({"left": X, "right": X}), 2 * X.astype(np.float32))
    with pytest.raises(MatConvNetError, match="layer 'sum' reads 'right', which has no value"):
        net.predict({"left": X})
    with pytest.raises(MatConvNetError, match="0 inputs"):
        DagNN().predict(X)


def test_a_network_that_only_scores() -> None:
    net = DagNN()
    net.addLayer("distance", dagnn.PDist(aggregate=False), ["a", "b"], "d")
    a, b = random(2, 2, 3), random(2, 2, 3, seed=1)
    with pytest.raises(MatConvNetError, match="losses alone"):
        net.predict({"a": a, "b": b})
    assert net.predict({"a": a, "b": b}, "d")["d"].shape == (2, 2, 1, 1)


def test_values_are_forgotten_while_it_runs() -> None:
    alive: list[int] = []

    class Count(dagnn.ElementWise):
        def forward(self, inputs: Any, params: Any) -> Any:
            alive.append(sum(var.value is not None for var in self.net.vars))
            return [inputs[0] + 1]

    net = chain(*[Count() for _ in range(5)])
    net.addLayer("loss", dagnn.Loss(), ["v2", "label"], "objective")
    net.predict(X)
    assert alive == [0] * 5
    net.predict(X, ["v2"])
    assert len(alive) == 7


def test_memory_is_that_of_two_variables() -> None:
    net = chain(*[dagnn.Sigmoid() for _ in range(8)])
    x = np.zeros((1024, 1024), np.float32)
    net.predict(x[:1])
    tracemalloc.start()
    try:
        net.predict(x)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2.2 * x.nbytes
