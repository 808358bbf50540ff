"""Networks from structs and files, in every form in which they arrive, and back."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io

import vlnn
from tests.dagnn.nets import X, chain, random, residual
from vlnn import MatConvNetError, dagnn
from vlnn.dagnn import DagNN
from vlnn.matlab import Opaque, Struct
from vlnn.matlab.matfile import loadmat, savemat

Array = Any


def as_lists(value: Any) -> Any:
    """A saved network of plain dicts and lists, struct arrays of one element as a dict and empty ones as []."""
    if isinstance(value, dict):
        return {name: as_lists(field) for name, field in value.items()}
    if isinstance(value, list):
        elements = [as_lists(element) for element in value]
        return elements[0] if len(elements) == 1 and isinstance(elements[0], dict) else elements
    return value


def same_networks(one: DagNN, other: DagNN) -> None:
    for first, second in zip(one.layers, other.layers, strict=True):
        assert (first.name, first.inputs, first.outputs, first.params) == (
            second.name,
            second.inputs,
            second.outputs,
            second.params,
        )
        assert (type(first.block), first.block.type) == (type(second.block), second.block.type)
        for name in first.block.properties():
            assert getattr(first.block, name) == getattr(second.block, name), name
    for mine, its in zip(one.params, other.params, strict=True):
        assert (mine.name, mine.trainMethod) == (its.name, its.trainMethod)
        assert (mine.learningRate, mine.weightDecay) == (its.learningRate, its.weightDecay)
        assert mine.value.dtype == its.value.dtype
        np.testing.assert_array_equal(mine.value, its.value.reshape(mine.value.shape))
    assert [(v.name, v.precious) for v in one.vars] == [(v.name, v.precious) for v in other.vars]


def net() -> DagNN:
    made = residual()
    made.addLayer("pool", dagnn.Pooling(poolSize=2, pad=[0, 1, 0, 1], method="avg"), "r", "pooled")
    made.addLayer("convt", dagnn.ConvTranspose(size=[2, 2, 1, 2], upsample=2, hasBias=False), "pooled", "up", ["ft"])
    made.getParam("ft").value = random(2, 2, 1, 2)
    made.getParam("f").learningRate, made.getParam("b").weightDecay = 0.5, 0
    made.getVar("pooled").precious = True
    made.meta.normalization = Struct(imageSize=np.array([[3.0, 3, 2]]), interpolation="bicubic")
    return made


def test_a_struct_round_trips() -> None:
    made = net()
    saved = made.saveobj()
    assert list(saved) == ["vars", "params", "layers", "meta"]
    assert list(saved.params[0]) == ["name", "value", "learningRate", "weightDecay"]
    assert saved.layers[0].type == "dagnn.Conv"
    assert list(saved.layers[0].block) == ["size", "hasBias", "opts", "pad", "stride", "dilate"]
    np.testing.assert_array_equal(saved.layers[0].block.pad, [[1.0, 1, 1, 1]])
    same_networks(made, DagNN.loadobj(saved))
    same_networks(made, DagNN.loadobj(as_lists(saved)))
    assert DagNN.loadobj(saved).meta.normalization.interpolation == "bicubic"
    assert DagNN.loadobj(made) is made


@pytest.mark.parametrize("format", ["5", "7.3"])
def test_a_file_round_trips(tmp_path: Path, format: str) -> None:
    made = net()
    made.save(tmp_path / "net.mat", format=format)
    same_networks(made, DagNN.loadobj(str(tmp_path / "net.mat")))
    same_networks(made, DagNN.loadobj(tmp_path / "net.mat"))
    savemat(tmp_path / "inside.mat", {"net": made.saveobj(), "stats": np.ones(3)}, format=format)
    same_networks(made, DagNN.loadobj(tmp_path / "inside.mat"))


@pytest.mark.parametrize(
    "options",
    [{}, {"mat_dtype": True}, {"struct_as_record": False}, {"squeeze_me": True}, {"simplify_cells": True}],
)
def test_what_scipy_loads(tmp_path: Path, options: dict[str, bool]) -> None:
    made = net()
    savemat(tmp_path / "net.mat", {"net": made.saveobj()})
    loaded = scipy.io.loadmat(tmp_path / "net.mat", **options)["net"]
    same_networks(made, DagNN.loadobj(loaded))
    made.save(tmp_path / "top.mat")
    same_networks(made, DagNN.loadobj(scipy.io.loadmat(tmp_path / "top.mat", **options)))


def test_numbers_that_a_file_stores_as_integers(tmp_path: Path) -> None:
    made = chain(dagnn.Sigmoid())
    made.addLayer("conv", dagnn.Conv(size=[1, 1, 1, 1]), "y", "z", ["f", "b"])
    made.getParam("f").value, made.getParam("b").value = np.float32([[1.5]]), np.zeros((1, 1), np.uint8)
    again = DagNN.loadobj(made.saveobj())
    assert again.getParam("b").value.dtype == np.float32
    again.eval({"x": np.ones((2, 2), np.float32)})


@pytest.mark.skipif(shutil.which("octave") is None, reason="Octave is not installed")
@pytest.mark.parametrize("format", ["5"])
def test_octave_reads_what_is_saved(tmp_path: Path, format: str) -> None:
    made = net()
    made.addLayer("sole", dagnn.Sum(), "x", "nothing")
    made.save(tmp_path / "net.mat", format=format)
    program = """
        s = load('net.mat');
        assert(isstruct(s.layers) && isstruct(s.params) && isstruct(s.vars) && isstruct(s.meta));
        assert(isequal({s.params.name}, {'f', 'b', 'g', 'o', 'm', 'ft'}));
        assert(isequal(size(s.params(1).value), [3 3 2 2]) && isa(s.params(1).value, 'double'));
        assert(isequal(s.layers(4).inputs, {'d', 'x'}) && isequal(s.layers(4).params, {}));
        assert(iscell(s.layers(4).params) && isstruct(s.layers(4).block) && isempty(fieldnames(s.layers(4).block)));
        assert(isequal(s.layers(1).block.opts, {'cuDNN'}) && islogical(s.layers(1).block.hasBias));
        assert(iscell(s.layers(3).block.opts) && isequal(s.layers(1).block.pad, [1 1 1 1]));
        assert(isequal(find([s.vars.precious]), find(strcmp({s.vars.name}, 'pooled'))));
        assert(s.params(1).learningRate == 0.5 && isa(s.params(2).weightDecay, 'double'));
        save('-v7', 'again.mat', '-struct', 's');
    """
    subprocess.run(["octave", "--no-gui", "--quiet", "--eval", program], cwd=tmp_path, check=True, timeout=60)
    same_networks(made, DagNN.loadobj(tmp_path / "again.mat"))


def layer(**fields: Any) -> dict[str, Any]:
    return {"name": "it", "type": "dagnn.ReLU", "inputs": ["x"], "outputs": ["y"], "params": [], "block": {}, **fields}


def test_unusual_fields() -> None:
    made = DagNN.loadobj(
        {
            "layers": [
                layer(block=np.zeros((0, 0))),
                layer(name="s", type="dagnn.Sum", inputs="y", outputs="z", block=[], params=None),
                layer(name="c", type="Concat", inputs=["z"], outputs=["u"], block={"dim": 3, "numInputs": 2}),
                layer(name="e", type="Sum", inputs=["u"], outputs=["w"], block={"numInputs": np.array([[2.0]])}),
            ],
            "params": [{"name": "of no layer", "value": 1.0}],
            "vars": [],
            "meta": [],
            "conserveMemory": np.array([[0]], np.uint8),
            "normalization": {"imageSize": [1, 2, 3]},
        }
    )
    assert [each.block.type for each in made.layers] == ["dagnn.ReLU", "dagnn.Sum", "Concat", "Sum"]
    assert made.conserveMemory is False
    assert made.meta == {"normalization": {"imageSize": [1, 2, 3]}}
    assert made.params == []
    made.eval({"x": X})
    np.testing.assert_array_equal(made.getVar("w").value, np.maximum(X, 0))
    with pytest.warns(UserWarning, match="The field `stats` beside the network is left out"):
        DagNN.loadobj({"layers": [layer()], "stats": 1})


@pytest.mark.parametrize(
    ("saved", "sentence"),
    [
        (3, "Unknown data type int for `loadobj`."),
        (
            {"net": {"layers": []}, "net_mat": 1},
            "Invalid model. It has no field layers; its fields: net, net_mat. `net` in",
        ),
        ({}, "Invalid model. It has no field layers; its fields: none. vlnn.load_network finds"),
        ({"layers": [3]}, "LAYERS is not a struct array."),
        ({"layers": [{"name": "a", "inputs": []}]}, "Reference to non-existent field 'type'. A layer without it,"),
        ({"layers": [layer(name=3)]}, "Reference to non-existent field 'name'. A layer without it, or with one that"),
        ({"layers": [layer()], "params": [{"value": 1}]}, "Reference to non-existent field 'name'. A parameter"),
        ({"layers": [layer(), layer()]}, "There is already a layer with name 'it'."),
        ({"layers": [layer(inputs=[1])]}, "The list of inputs of layer 'it' is not a cell of strings."),
        (
            {"layers": [layer(), layer(name="r", block={"foo": 1})]},
            "No property `foo` for a layer of type `dagnn.ReLU`. Its properties: useShortCircuit, leak, opts.",
        ),
        (
            {"layers": [layer(block={"leak": "much"})]},
            "The property `leak` of a layer of type `ReLU` cannot be 'much'. In layer 'it'.",
        ),
    ],
)
def test_refusals(saved: Any, sentence: str) -> None:
    with pytest.raises(MatConvNetError) as caught:
        DagNN.loadobj(saved)
    assert str(caught.value).startswith(sentence)


def test_a_tolerant_network_keeps_properties_of_changed_versions() -> None:
    saved = {"layers": [layer(block={"leak": 0.5, "initMethod": "gaussian", "alpha": np.array([[2.0]])})]}
    with pytest.warns(UserWarning, match=r"without effect: initMethod of dagnn\.ReLU, alpha of dagnn\.ReLU\."):
        made = DagNN.loadobj(saved, tolerant=True)
    block = made.layers[0].block
    assert (block.leak, block.initMethod, block.alpha) == (0.5, "gaussian", 2)  # type: ignore[attr-defined]
    assert list(made.saveobj().layers[0].block) == ["useShortCircuit", "leak", "opts", "initMethod", "alpha"]


def test_unknown_classes_load_and_say_what_is_missing() -> None:
    fields = {"lambda": np.array([[1.0]]), "loss_type": "L1", "opts": []}
    saved = {"layers": [layer(type="dagnn.vllab_dag_loss", inputs=["x", "HR"], block=fields)]}
    made = DagNN.loadobj(saved)
    block = made.layers[0].block
    assert isinstance(block, dagnn.Unknown)
    assert (block.type, block.fields) == ("dagnn.vllab_dag_loss", fields)
    assert made.saveobj().layers[0].block == fields
    assert DagNN.loadobj(made.saveobj()).layers[0].block.type == "dagnn.vllab_dag_loss"
    assert made.copy().layers[0].block.fields == fields  # type: ignore[attr-defined]
    made.eval({"x": X})  # an input is missing
    with pytest.raises(MatConvNetError) as caught:
        made.eval({"x": X, "HR": X})
    message = str(caught.value)
    assert message.startswith("No class is registered for the block type `dagnn.vllab_dag_loss` (its fields: lambda, ")
    assert "Write a class vllab_dag_loss" in message
    assert "In layer 'it'" in message
    assert np.isnan(made.getVarSizes(["x", [2, 2]])[2]).all()
    assert np.isnan(made.getVarReceptiveFields("x")[2].size).all()
    made.print(nargout=1)


@pytest.mark.parametrize("type_", ["dagnn.MyLoss", "MyLoss", "lab.MyLoss"])
def test_registered_classes_are_found(type_: str) -> None:
    @dagnn.register
    class MyLoss(dagnn.Loss):
        factor = 1.0
        kind = "L1"
        border = (0, 0)

        def forward(self, inputs: Any, params: Any) -> Any:
            outputs = [self.factor * np.abs(inputs[0] - inputs[1]).sum().reshape(1, 1)]
            self.accumulateAverage(inputs, outputs)
            return outputs

    fields = {"factor": np.array([[2.0]]), "border": np.array([[3, 4]], np.uint8), "extra": "kept", "loss": "mine"}
    made = DagNN.loadobj({"layers": [layer(type=type_, inputs=["x", "t"], block=fields)]})
    block = made.layers[0].block
    assert isinstance(block, MyLoss)
    assert (block.factor, block.kind, block.border, block.loss, block.extra) == (2, "L1", (3, 4), "mine", "kept")  # type: ignore[attr-defined]
    made.eval({"x": X, "t": X + 1})
    assert made.getVar("y").value.item() == 2 * X.size
    saved = made.saveobj().layers[0]
    assert saved.type == type_
    assert list(saved.block) == ["factor", "kind", "border", "loss", "ignoreAverage", "normalise", "opts", "extra"]
    with pytest.raises(MatConvNetError, match="No property `factr`"):
        MyLoss(factr=1)


def test_a_class_of_ones_own_can_take_the_place_of_matconvnets() -> None:
    @dagnn.register
    class ReLU(dagnn.ElementWise):
        def forward(self, inputs: Any, params: Any) -> Any:
            return [inputs[0] * 0]

    made = DagNN.loadobj({"layers": [layer(block={"leak": 0.5})]})
    made.eval({"x": X})
    assert not made.getVar("y").value.any()
    with pytest.raises(TypeError, match="register takes a subclass"):
        dagnn.register(int)  # type: ignore[type-var]


def test_a_package_name_does_not_find_matconvnets_class() -> None:
    assert isinstance(DagNN.loadobj({"layers": [layer(type="lab.Conv")]}).layers[0].block, dagnn.Unknown)


def test_simplenn_networks_are_converted() -> None:
    with pytest.warns(UserWarning, match="The model appears to be `simplenn` model. Using `fromSimpleNN` instead."):
        made = DagNN.loadobj({"layers": [{"type": "relu"}, {"type": "softmax"}]})
    assert [type(each.block).__name__ for each in made.layers] == ["ReLU", "SoftMax"]


def test_objects_are_taken_by_their_properties() -> None:
    saved = Opaque("dagnn.DagNN", Struct(layers=[layer(block=Opaque("dagnn.ReLU", Struct(leak=0.5)))]))
    assert DagNN.loadobj(saved).layers[0].block.leak == 0.5  # type: ignore[attr-defined]


def test_load_network_is_tolerant(tmp_path: Path) -> None:
    made = residual()
    saved = made.saveobj()
    saved.layers[0].block.exBackprop = np.array([[False]])
    savemat(tmp_path / "net.mat", {"net": saved, "info": 3.0})
    with pytest.warns(UserWarning, match="exBackprop"):
        loaded = vlnn.networks.load_network(tmp_path / "net.mat")
    assert isinstance(loaded, DagNN)
    loaded.save(tmp_path / "again.mat")
    assert "exBackprop" in loadmat(tmp_path / "again.mat").layers[0].block
