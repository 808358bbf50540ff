"""Building and changing networks, and finding things in them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.dagnn.nets import chain, residual
from vlnn import MatConvNetError, dagnn
from vlnn.dagnn import DagNN


def names(records: list) -> list[str]:  # type: ignore[type-arg]
    return [record.name for record in records]


def test_layers_name_variables_and_parameters() -> None:
    net = residual()
    assert names(net.vars) == ["x", "a", "c", "d", "e", "r", "prediction", "label", "objective", "top1err"]
    assert names(net.params) == ["f", "b", "g", "o", "m"]
    assert net.getInputs() == ["x", "label"]
    assert net.getOutputs() == ["objective", "top1err"]
    assert [net.getVar("x").fanin, net.getVar("x").fanout, net.getVar("prediction").fanout] == [0, 2, 2]
    assert [net.getParam("f").fanout, net.getParam("g").fanout] == [2, 1]
    assert [(p.learningRate, p.weightDecay, p.trainMethod) for p in net.getParam(["f", "m"])] == [
        (1, 1, "gradient"),
        (0.1, 1, "average"),
    ]
    layer = net.getLayer("sum")
    assert (layer.inputs, layer.outputs, layer.params) == (["d", "x"], ["e"], [])
    assert (layer.inputIndexes, layer.outputIndexes) == ([3, 0], [4])
    assert (layer.block.net, layer.block.layerIndex) == (net, 3)


def test_indexes_are_positions_in_lists() -> None:
    net = residual()
    assert net.vars[net.getVarIndex("a")].name == "a"
    assert net.params[net.getParamIndex("g")].name == "g"
    assert net.layers[net.getLayerIndex("sum")].name == "sum"
    assert net.getVarIndex(["x", "a"]) == [0, 1]
    found = net.getVarIndex(["x", "none"])
    assert found[0] == 0
    assert math.isnan(found[1])
    assert all(math.isnan(index("none")) for index in (net.getVarIndex, net.getParamIndex, net.getLayerIndex))
    assert net.getVar(np.int64(1)).name == "a"
    assert names(net.getVar([0, "a"])) == ["x", "a"]


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda net: net.getLayer("conv3"), "Invalid layer name `conv3` Did you mean 'conv2'?"),
        (lambda net: net.getVar(["x", "q", "z"]), "Invalid variable name `q, z`"),
        (lambda net: net.getParam("q"), "Invalid param name `q` There are f, b, g, o, m."),
        (lambda net: net.getVar(99), "Invalid variable indexes."),
        (lambda net: net.removeLayer("q"), "Invalid layer name `q`"),
        (lambda net: net.setLayerInputs("q", ["x"]), "Invalid layer name `q`"),
        (lambda net: net.addLayer("sum", dagnn.Sum(), "x", "y"), "There is already a layer with name 'sum'."),
        (lambda net: net.addLayer("new", "conv", "x", "y"), "The block of layer 'new' is no vlnn.dagnn.Layer."),
        (lambda net: net.addLayer("new", dagnn.Sum(), [1], "y"), "The list of inputs of layer 'new' is not a cell"),
        (lambda net: net.addLayer("new", dagnn.Sum(), "x", "y", "p", "skip", 1), "Unknown parameter 'skip'"),
        (lambda net: net.renameLayer("sum", "loss"), "There is already a layer 'loss'."),
        (lambda net: net.renameParam("f", "b"), "There is already a parameter 'b'."),
    ],
)
def test_refusals(call: object, sentence: str) -> None:
    net = residual()
    with pytest.raises(MatConvNetError) as caught:
        call(net)  # type: ignore[operator]
    assert str(caught.value).replace(".", "").startswith(sentence.replace(".", ""))
    assert len(net.layers) == 8


def test_removing_layers_removes_what_nobody_else_uses() -> None:
    net = residual()
    net.removeLayer("loss")
    assert net.getOutputs() == ["top1err"]
    assert "label" in net.getInputs()
    net.removeLayer(["error", "bnorm"])
    assert net.getOutputs() == ["a", "prediction"]
    assert names(net.params) == ["f", "b"]
    assert net.getLayer("conv2").paramIndexes == [0, 1]
    net.removeLayer("conv1")
    assert net.getParam("f").fanout == 1


def test_setting_names() -> None:
    net = residual()
    net.setLayerInputs("sum", ["d", "c", "new"])
    assert net.getInputs() == ["x", "label", "new"]
    net.setLayerOutputs("sum", "e2")
    assert "e2" in net.getOutputs()
    assert "e" in net.getInputs()
    net.setLayerParams("conv2", ["f2", "b"])
    assert net.getParam("f").fanout == 1
    assert net.getParam("f2").value is None


def test_renaming() -> None:
    net = residual()
    net.renameLayer("sum", "plus")
    net.renameVar("e", "total")
    net.renameParam("f", "filters")
    assert net.getLayer("plus").outputs == ["total"]
    assert net.getLayer("relu2").inputs == ["total"]
    assert net.getLayer("conv2").params == ["filters", "b"]
    assert net.getParam("filters").value is not None
    with pytest.warns(UserWarning, match="There is no variable 'e'"):
        net.renameVar("e", "x")
    net.renameVar("e", "x", "quiet", True)
    net.renameLayer("none", "x", quiet=True)


def test_renaming_to_an_existing_variable_merges() -> None:
    net = chain(dagnn.ReLU(), dagnn.Sigmoid())
    net.addLayer("other", dagnn.Sigmoid(), "q", "z")
    net.renameVar("q", "v1")
    assert net.getInputs() == ["x"]
    assert net.getVar("v1").fanout == 2
    assert "q" not in names(net.vars)


def test_order_is_by_the_way_to_an_output_then_as_layers_stand() -> None:
    net = DagNN()
    net.addLayer("last", dagnn.Sum(), ["b", "c"], "y")
    net.addLayer("side", dagnn.ReLU(), "x", "c")
    net.addLayer("second", dagnn.ReLU(), "a", "b")
    net.addLayer("first", dagnn.ReLU(), "x", "a")
    net.addLayer("alone", dagnn.ReLU(), "x", "z")
    assert net.getLayerExecutionOrder() == [3, 1, 2, 0, 4]
    net.getLayerExecutionOrder().clear()
    assert net.executionOrder == [3, 1, 2, 0, 4]
    for count in range(2000):  # a long chain, taken without recursion
        net.addLayer(f"long{count}", dagnn.ReLU(), f"l{count}", f"l{count + 1}", skipRebuild=True)
    net.rebuild()
    assert net.executionOrder == [*range(5, 2002), 3, 2002, 1, 2, 2003, 0, 4, 2004]


def test_a_cycle_is_warned_of() -> None:
    net = chain(dagnn.ReLU(), dagnn.ReLU())
    with pytest.warns(UserWarning, match="The network graph contains a cycle") as warned:
        net.setLayerInputs("layer0", "y")
    assert len(warned) == 1


def test_rebuild_can_wait() -> None:
    net = DagNN()
    net.addLayer("one", dagnn.ReLU(), "x", "a", [], "skipRebuild", True)
    net.addLayer("two", dagnn.ReLU(), "a", "b", skipRebuild=True)
    assert net.executionOrder == []
    net.rebuild()
    assert net.executionOrder == [0, 1]


def test_modes() -> None:
    net = DagNN()
    assert net.mode == "normal"
    net.mode = "TEST"
    assert net.mode == "test"
    net.mode = "train"
    assert net.mode == "normal"
    with pytest.raises(MatConvNetError, match="'normal'"):
        net.mode = "testing"


def test_copy_shares_nothing() -> None:
    net = residual()
    net.mode, net.conserveMemory = "test", False
    net.eval({"x": np.ones((3, 3, 2))})
    twin = net.copy()
    assert net.getVar("prediction").value is not None
    assert twin.getVar("prediction").value is None
    assert (twin.mode, twin.getParam("m").trainMethod) == ("test", "average")
    twin.getParam("f").value[:] = 0
    twin.removeLayer("sum")
    assert net.getParam("f").value.any()
    assert net.layers[0].block.net is net
    assert twin.layers[0].block.net is twin
    assert net.getLayerIndex("sum") == 3
    assert repr(twin).startswith("DagNN(7 layers, x, ")


def test_reset_forgets_results() -> None:
    net = residual()
    net.conserveMemory = False
    net.eval({"x": np.ones((3, 3, 2)), "label": 1.0}, {"objective": 1})
    assert net.getLayer("loss").block.numAveraged == 1
    net.reset()
    assert all(var.value is None and var.der is None for var in net.vars)
    assert all(param.der is None and param.value is not None for param in net.params)
    assert (net.getLayer("loss").block.average, net.getLayer("loss").block.numAveraged) == (0, 0)


def test_first_values() -> None:
    net = DagNN()
    net.addLayer("conv", dagnn.Conv(size=[5, 5, 4, 100]), "x", "a", ["f", "b"])
    net.addLayer("bare", dagnn.Conv(size=[5, 5, 4, 8], hasBias=False), "x", "c", ["f1"])
    net.addLayer("convt", dagnn.ConvTranspose(size=[4, 4, 6, 100], numGroups=2), "a", "d", ["ft", "bt"])
    net.addLayer("bnorm", dagnn.BatchNorm(numChannels=12), "d", "e", ["g", "o", "m"])
    net.addLayer("scale", dagnn.Scale(size=[1, 1, 12]), "e", "y", ["s", "t"])
    net.rng = 0
    net.initParams()
    values = {param.name: param.value for param in net.params}
    assert {value.dtype for value in values.values()} == {np.dtype(np.float32)}
    assert values["f"].shape == (5, 5, 4, 100)
    assert values["f"].std() == pytest.approx(math.sqrt(2 / 100), rel=0.05)
    assert values["ft"].std() == pytest.approx(math.sqrt(2 / (4 * 4 * 100)), rel=0.05)
    shapes = [values[name].shape for name in ("b", "f1", "bt", "g", "o", "m", "s", "t")]
    assert shapes == [(100, 1), (5, 5, 4, 8), (12, 1), (12, 1), (12, 1), (12, 2), (1, 1, 12), (1, 1, 12)]
    assert (values["g"] == 1).all()
    assert (values["s"] == 1).all()
    assert not any(values[name].any() for name in ("b", "bt", "o", "m", "t"))
    again = net.copy()
    again.rng = 0
    again.initParams()
    np.testing.assert_array_equal(again.getParam("ft").value, values["ft"])
    net.eval({"x": np.ones((9, 9, 4), np.float32)}, {"y": np.ones((8, 8, 12), np.float32)})
    assert net.getParam("ft").der.shape == (4, 4, 6, 100)
    with pytest.raises(MatConvNetError, match="numChannels"):
        dagnn.BatchNorm().initParams()
