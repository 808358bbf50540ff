"""Sizes of variables and receptive fields."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tests.dagnn.nets import chain
from vlnn import MatConvNetError, dagnn
from vlnn.dagnn import DagNN, ReceptiveField
from vlnn.dagnn.extents import NO_FIELD


def vgg() -> DagNN:
    """The first layers of VGG-M."""
    return chain(
        dagnn.Conv(size=[7, 7, 3, 96], stride=2, hasBias=False),
        dagnn.ReLU(),
        dagnn.LRN(),
        dagnn.Pooling(poolSize=3, stride=2),
        dagnn.Conv(size=[5, 5, 96, 256], stride=2, pad=1, hasBias=False),
        dagnn.Pooling(poolSize=3, stride=2, pad=[0, 1, 0, 1]),
    )


def test_sizes_follow_from_those_of_the_inputs() -> None:
    sizes = vgg().getVarSizes({"x": [224, 224, 3, 10]})
    assert sizes == [
        (224, 224, 3, 10),
        (109, 109, 96, 10),
        (109, 109, 96, 10),
        (109, 109, 96, 10),
        (54, 54, 96, 10),
        (26, 26, 256, 10),
        (13, 13, 256, 10),
    ]
    assert all(isinstance(side, int) for size in sizes for side in size)
    assert vgg().getVarSizes(["x", np.array([[224.0, 224, 3]])])[6] == (13, 13, 256, 1)


def test_what_is_not_known_is_nan() -> None:
    sizes = vgg().getVarSizes()
    assert all(math.isnan(side) for side in sizes[0])
    assert sizes[1][2] == 96
    assert math.isnan(sizes[1][0])
    assert vgg().getVarSizes(["x", []])[0] == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("sizes", "sentence"),
    [
        ({"data": [1, 2]}, "Variable `data` not found in the network. There are x, v1,"),
        (3, "INPUTSIZES is not a cell array."),
    ],
)
def test_refusals(sizes: Any, sentence: str) -> None:
    with pytest.raises(MatConvNetError) as caught:
        vgg().getVarSizes(sizes)
    assert str(caught.value).startswith(sentence)


def test_sums_of_unequal_sizes_are_warned_of() -> None:
    net = DagNN()
    net.addLayer("sum", dagnn.Sum(), ["a", "b"], "y")
    with pytest.warns(UserWarning, match="Sum layer: the dimensions .* In layer 'sum'"):
        net.getVarSizes({"a": [2, 2], "b": [3, 2]})
    assert net.getVarSizes({"a": [2, 2]})[2] == (2, 2, 1, 1)


def test_receptive_fields_of_a_chain() -> None:
    fields = vgg().getVarReceptiveFields("x")
    assert fields[0] == ReceptiveField((1, 1), (1, 1), (1, 1))
    assert fields[1] == fields[3] == ReceptiveField((7, 7), (2, 2), (4, 4))
    assert fields[4] == ReceptiveField((11, 11), (4, 4), (6, 6))
    assert fields[5] == ReceptiveField((27, 27), (8, 8), (10, 10))
    assert fields[6] == ReceptiveField((43, 43), (16, 16), (18, 18))
    later = vgg().getVarReceptiveFields(4)
    assert later[0] == later[3] == NO_FIELD
    assert later[5] == ReceptiveField((5, 5), (2, 2), (2, 2))


@pytest.mark.parametrize(
    "block",
    [
        dagnn.Conv(size=[3, 5, 1, 1], pad=[1, 0, 2, 2], stride=[2, 1], hasBias=False),
        dagnn.Conv(size=[3, 3, 1, 1], dilate=2, hasBias=False),
        dagnn.Pooling(poolSize=[2, 3], stride=2, method="avg"),
    ],
)
def test_receptive_fields_are_where_derivatives_are(block: Any) -> None:
    net = DagNN()
    params = ["f"] if isinstance(block, dagnn.Conv) else []
    net.addLayer("it", block, "x", "y", params)
    for param in net.params:
        param.value = np.ones(block.size)
    field = net.getVarReceptiveFields("x")[1]
    x = np.ones((12, 12))
    net.mode = "test"
    net.conserveMemory = False
    net.eval({"x": x})
    dzdy = np.zeros(net.getVar("y").value.shape)
    pixel = (3, 4)  # counted from 1
    dzdy[pixel[0] - 1, pixel[1] - 1] = 1
    net.eval({"x": x}, {"y": dzdy})
    touched = np.argwhere(net.getVar("x").der)
    for side in range(2):
        middle = field.stride[side] * (pixel[side] - 1) + field.offset[side]
        reach = (field.size[side] - 1) / 2
        assert (touched[:, side].min() + 1, touched[:, side].max() + 1) == (middle - reach, middle + reach)


def test_receptive_fields_of_branches() -> None:
    net = DagNN()
    net.addLayer("a", dagnn.Conv(size=[3, 3, 1, 1], hasBias=False), "x", "a", "f")
    net.addLayer("b", dagnn.Conv(size=[1, 5, 1, 1], pad=[0, 0, 0, 4], hasBias=False), "x", "b", "g")
    net.addLayer("sum", dagnn.Sum(), ["a", "b"], "y")
    net.addLayer("pool", dagnn.Pooling(poolSize=2, stride=2), "b", "c")
    net.addLayer("odd", dagnn.Concat(), ["a", "c"], "z")
    net.addLayer("rows", dagnn.Concat(dim=1), ["a", "b"], "r")
    net.addLayer("loss", dagnn.Loss(), ["y", "label"], "objective")
    fields = dict(zip([var.name for var in net.vars], net.getVarReceptiveFields("x"), strict=True))
    assert fields["a"] == ReceptiveField((3, 3), (1, 1), (2, 2))
    assert fields["b"] == ReceptiveField((1, 5), (1, 1), (1, 3))
    assert fields["y"] == ReceptiveField((3, 5), (1, 1), (2, 3))
    assert np.isnan(fields["z"].size).all()
    assert np.isnan(fields["r"].size).all()
    assert np.isnan(fields["objective"].size).all()
    assert fields["label"] == NO_FIELD
    both = net.getVarReceptiveFields(["x", "label"])
    assert both[0][2] == fields["b"]
    assert both[1][net.getVarIndex("a")] == NO_FIELD
    with pytest.raises(MatConvNetError, match="Variable q not found"):
        net.getVarReceptiveFields("q")


def test_receptive_fields_of_the_other_blocks() -> None:
    up = chain(dagnn.ConvTranspose(size=[4, 4, 1, 1], upsample=2, crop=1))
    assert up.getVarReceptiveFields("x")[1] == ReceptiveField((2.5, 2.5), (0.5, 0.5), (0.75, 0.75))
    net = DagNN()
    net.addLayer("crop", dagnn.Crop(crop=[2, 3]), ["x", "like"], "y")
    net.addLayer("scale", dagnn.Scale(hasBias=False), ["y", "g"], "z")
    net.addLayer("roi", dagnn.ROIPooling(), ["z", "rois"], "r")
    fields = net.getVarReceptiveFields("x")
    assert fields[2] == fields[4] == ReceptiveField((1, 1), (1, 1), (3, 4))
    assert np.isnan(fields[6].size).all()
    assert net.getVarReceptiveFields("like")[2] == NO_FIELD
