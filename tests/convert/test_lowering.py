"""Layers as operations: what is kept, what is refused, what things are called."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.convert.cases import CASES, chain, conv, graph, single
from vlnn import dagnn
from vlnn.convert import Checkpoint
from vlnn.convert import operations as ops
from vlnn.convert.lowering import lower
from vlnn.convert.probing import probe
from vlnn.convert.rules import RULES
from vlnn.dagnn import DagNN
from vlnn.errors import ConversionError
from vlnn.simplenn import SimpleNN
from vlnn.simplenn.layers import TYPES


def lowered(net: Any, drop_loss: bool = False) -> ops.Program:
    return lower(Checkpoint.of(net), drop_loss)


def test_a_softmax_loss_is_a_softmax() -> None:
    net = SimpleNN([conv((1, 1, 6, 3)), {"type": "softmaxloss", "name": "loss"}])
    program = lowered(net)
    assert [type(operation) for operation in program.operations] == [ops.Convolution, ops.Softmax]
    assert (program.inputs, program.outputs) == (("input",), ("prob",))
    assert lowered(net, drop_loss=True).outputs == ("conv",)


def test_other_losses_are_left_out() -> None:
    assert lowered(SimpleNN([conv((1, 1, 6, 3)), {"type": "loss", "name": "loss"}])).outputs == ("conv",)
    net = graph(dagnn.ReLU()).net
    net.addLayer("loss", dagnn.Loss(loss="logistic"), ["y", "label"], "objective")
    program = lowered(net)
    assert (program.inputs, program.outputs) == (("x",), ("y",))


def test_losses_that_share_a_prediction_are_one_softmax() -> None:
    net = graph(dagnn.ReLU()).net
    net.addLayer("loss", dagnn.Loss(), ["y", "label"], "objective")
    net.addLayer("again", dagnn.Loss(), ["y", "label"], "prob")
    net.addLayer("error", dagnn.Loss(loss="classerror"), ["y", "label"], "top1err")
    assert lowered(net).outputs == ("prob_2",)


def test_variables_of_a_chain_are_named_after_layers() -> None:
    net = SimpleNN([{"type": "relu", "name": name} for name in ("a", "b", "a", "input", "")])
    assert list(lowered(net).channels) == ["input", "a", "b", "a_2", "input_2", "layer5"]


@pytest.mark.parametrize(
    ("meta", "channels", "groups"),
    [
        ({}, 2, 1),
        ({"inputSize": np.array([[9.0, 9, 6]])}, 6, 3),
        ({"normalization": {"imageSize": [9, 9, 6]}}, 6, 3),
        ({"inputs": {"name": "input", "size": [9, 9, 6, 1]}}, 6, 3),
        ({"inputs": {"name": "other", "size": [9, 9, 6, 1]}}, 2, 1),
        ({"inputSize": np.array([[9.0, 9, 3]])}, 2, 1),  # which does not fit
        ({"inputSize": np.array([[9.0, 9, 8]])}, 2, 1),  # nor does this: 4 groups of 9 filters
    ],
)
def test_channels_follow_from_meta_if_filters_fit(meta: Any, channels: int, groups: int) -> None:
    program = lowered(SimpleNN([conv((3, 3, 2, 9))], meta))
    assert program.channels == {"input": channels, "conv": 9}
    (operation,) = program.operations
    assert isinstance(operation, ops.Convolution)
    assert operation.groups == groups


def test_options_of_blocks_count() -> None:
    (operation,) = lowered(graph(dagnn.Pooling(poolSize=2, stride=2, opts=["CuDNN", "Stride", 3])).net).operations
    assert isinstance(operation, ops.Pooling)
    assert operation.stride == (3, 3)


class Odd(dagnn.ElementWise):
    """A block of the user's."""


def refused(net: Any) -> str:
    with pytest.raises(ConversionError) as error:
        lowered(net)
    return str(error.value)


def test_layers_that_cannot_be_expressed_are_named() -> None:
    custom = {"type": "custom", "name": "mine", "forward": "f", "backward": "g"}
    message = refused(SimpleNN([{"type": "relu"}, custom]))
    assert message.startswith("Layer 'mine' of type custom cannot be converted: ")
    assert ".mat, .npz and .safetensors keep it" in message
    assert "Layer 'layer' of type dagnn.Odd" in refused(graph(Odd()).net)
    net = graph(dagnn.Unknown("dagnn.Warp")).net
    net.addLayer("relu", dagnn.ReLU(), "y", "z")
    assert "Layer 'layer' of type dagnn.Warp" in refused(net)


def test_losses_in_the_middle_are_refused() -> None:
    net = graph(dagnn.Loss(), {"x": single(1, 1, 2), "c": single(1, 1)}).net
    net.addLayer("relu", dagnn.ReLU(), "y", "z")
    assert "it is a loss in the middle of the network" in refused(net)
    assert "pdist" in refused(SimpleNN([{"type": "pdist", "name": "d", "class": [], "p": 2}, {"type": "relu"}]))


@pytest.mark.parametrize(
    ("net", "reason"),
    [
        (graph(dagnn.Conv(size=[1, 1, 2, 2]), params={"f": None}).net, "its parameter 'f' has no value"),
        (chain({"type": "bnorm", "weights": [single(6, 1), []]}).net, "its biases have no values"),
        (chain({"type": "conv", "weights": [[], []], "dilate": 2}).net, "dilate is not one"),
        (chain({"type": "conv", "weights": [[], []], "stride": 0}).net, "its steps are (0, 0, 1, 1)"),
        (chain({"type": "conv", "weights": [[], []], "pad": -1}).net, "its borders (-1, -1, -1, -1)"),
        (chain({"type": "convt", "weights": [single(2, 2, 1, 6)], "numGroups": 4}).net, "do not fit 4 groups"),
        (chain({"type": "pool", "pool": 2, "pad": 2, "method": "max"}).net, "its pads (2, 2, 2, 2) do not fit"),
        (chain({"type": "lrn", "param": [5, 1, 1]}).net, "param has 3 numbers instead of 4"),
        (chain({"type": "lrn", "param": [0, 1, 1, 1]}).net, "its window is of 0 channels"),
        (chain(conv((1, 1, 6, 4)), {"type": "conv", "weights": [single(1, 1, 3, 2), []]}).net, "do not fit 4 channels"),
        (chain(conv((1, 1, 6, 4)), {"type": "conv", "weights": [single(1, 1, 2, 3), []]}).net, "do not fit 4 channels"),
        (graph(dagnn.Concat(dim=5)).net, "dim is 5"),
        (graph(dagnn.Scale()).net, "multipliers or biases are missing"),
        (graph(dagnn.Reshape(shape=[-1, -1, 2])).net, "its shape is [-1, -1, 2]"),
        (graph(dagnn.Permute(order=[1, 1, 2])).net, "its order is [1, 1, 2]"),
        (graph(dagnn.Flatten(axis=4)).net, "axis is 4"),
        (graph(dagnn.Crop()).net, "it reads 1 variables and writes 1"),
        (graph(dagnn.LRN(param=[np.inf, 1, 1, 1])).net, "its window is of inf channels"),
    ],
)
def test_what_no_array_could_pass_is_refused(net: Any, reason: str) -> None:
    assert reason in refused(net)


def test_inputs_that_a_block_does_not_use_are_left_out() -> None:
    net = graph(dagnn.ReLU(), {"x": single(3, 4, 2, 2), "z": single(3, 4, 2, 2)}).net
    (operation,) = lowered(net).operations
    assert operation.inputs == ("x",)


def test_a_variable_is_written_once() -> None:
    net = graph(dagnn.ReLU()).net
    net.addLayer("again", dagnn.Sigmoid(), "x", "y")
    assert "it writes the variable 'y', as layer 'layer' does" in refused(net)


@pytest.mark.filterwarnings("ignore:The network graph contains a cycle")
def test_cycles_are_refused() -> None:
    net = DagNN()
    net.addLayer("first", dagnn.Sum(), ["x", "b"], "a")
    net.addLayer("second", dagnn.ReLU(), "a", "b")
    assert "which follows from what it computes" in refused(net)


def test_networks_of_losses_alone_are_refused() -> None:
    assert "there is nothing to convert" in refused(SimpleNN([{"type": "loss"}]))


def test_weights_of_old_forms_are_refused() -> None:
    layer = {"type": "conv", "name": "old", "filters": single(1, 1, 2, 3), "biases": single(1, 3)}
    assert "Layer 'old' cannot be converted: it has weights in a form of old versions" in refused(SimpleNN([layer]))
    net = graph(dagnn.Conv(size=[1, 1, 6, 2]), params={"f": np.ones((1, 1, 6, 2), np.int32)}).net
    assert "or integers" in refused(net)


def test_the_level_of_noise_is_an_input() -> None:
    net = SimpleNN([{"type": "SubP", "scale": 0.5}, {"type": "concat"}, conv((3, 3, 15, 4))])
    assert lowered(net).inputs == ("input", "sigmas")
    tried = probe(net)
    assert {name: x.shape for name, x in tried.inputs.items()} == {"input": (32, 32, 3, 2), "sigmas": (1, 1, 3, 2)}
    assert tried.evaluation.values["conv"].shape == (14, 14, 4, 2)


def test_every_block_has_a_rule_or_is_a_loss() -> None:
    ours = {cls for cls in vars(dagnn).values() if isinstance(cls, type) and issubclass(cls, dagnn.Layer)}
    bases = {dagnn.Layer, dagnn.ElementWise, dagnn.Filter, dagnn.Unknown}
    without = ours - bases - RULES.keys()
    assert without == {dagnn.Loss, dagnn.LossSmoothL1}


def test_every_type_of_layer_can_be_converted_or_is_a_loss() -> None:
    converted = {
        str(layer["type"]) for case in CASES.values() if isinstance(case.net, SimpleNN) for layer in case.net.layers
    }
    assert set(TYPES) - converted == {"loss", "pdist", "custom"}
