"""Networks in figures: against what evaluating them gives."""

from __future__ import annotations

import json
import math
import warnings
from typing import Any

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

import vlnn
from tests.dagnn.nets import residual
from tests.simplenn.nets import bnorm, conv
from tests.test_networks import PUBLISHED, published
from vlnn import dagnn
from vlnn.simplenn import SimpleNN
from vlnn.summary import statistics, summarise
from vlnn.summary.description import as_json
from vlnn.summary.graph import as_graph


def simple(*layers: dict[str, Any], **meta: Any) -> SimpleNN:
    network: SimpleNN = vlnn.vl_simplenn_tidy({"layers": list(layers), "meta": meta})
    return network


LAYERS = [
    conv(5, 4, 2, 6, stride=[2, 1], pad=[1, 2, 0, 1], name="conv1"),
    {"type": "relu", "leak": 0.1, "name": "relu1"},
    bnorm(6, name="bnorm1"),
    conv(2, 2, 3, 4, dilate=2, name="conv2"),
    {"type": "pool", "pool": [3, 2], "stride": 2, "pad": [0, 1, 0, 1], "method": "avg", "name": "pool1"},
    {"type": "convt", "weights": [np.ones((3, 3, 5, 4)), []], "upsample": 2, "crop": [1, 0, 0, 1], "numGroups": 2},
    {"type": "lrn", "name": "norm1"},
    {"type": "softmaxloss", "class": [1, 2, 1]},
]


def test_sizes_are_those_of_an_evaluation() -> None:
    net = simple(*LAYERS)
    x = np.random.default_rng(0).standard_normal((21, 17, 2, 3))
    res = vlnn.vl_simplenn(net, x, "mode", "test")
    found = summarise(net, x.shape)
    for layer, result in zip(found.layers[:-1], res[1:-1], strict=True):
        assert layer.size == (*result.x.shape, 1, 1)[:4], layer.name
    assert found.layers[3].groups == 2
    assert found.layers[5].groups == 2
    assert found.inputs == {"input": (21, 17, 2, 3)}
    assert found.outputs == ("norm1",)
    assert found.variable_bytes == 4 * (x.size + sum(result.x.size for result in res[1:-1]) + 3)


@pytest.mark.parametrize("side", [40, 64])
def test_formulas_are_right_where_strides_divide(side: int) -> None:
    net = simple(*LAYERS)
    for layer, unknown in zip(summarise(net, (side, side)).layers, summarise(net).layers, strict=True):
        height, width, depth = unknown.formula.split(" x ")
        assert layer.size[:3] == (_value(height, side), _value(width, side), float(depth)), unknown.formula
        assert layer.formula == ""
        assert unknown.size[2] == layer.size[2]


def _value(formula: str, side: int) -> float:
    scaled = formula.replace("(", "").replace(")", "")
    above, _, below = scaled.partition("/")
    factor, at, rest = above.partition("H" if "H" in above else "W")
    return (float(factor or 1) * side + float(rest or 0)) / float(below or 1) if at else float(above)


def test_work_and_parameters() -> None:
    found = summarise(simple(*LAYERS), (21, 17))
    rows, columns, depth, _ = found.layers[0].size
    assert found.layers[0].operations == rows * columns * 5 * 4 * 2 * depth
    height, width = found.layers[4].size[:2]
    assert found.layers[5].operations == height * width * 3 * 3 * 5 * 4
    assert found.operations == sum(layer.operations for layer in found.layers)
    assert found.parameters == sum(np.size(weight) for layer in LAYERS for weight in layer.get("weights", []))
    assert found.parameter_bytes == 8 * found.parameters


def test_the_field_is_what_a_pixel_depends_on() -> None:
    net = simple(conv(3, 3, 1, 1, stride=2, pad=1), {"type": "pool", "pool": 2, "method": "avg"})
    last = summarise(net, (11, 11)).layers[-1]
    assert last.field is not None
    assert last.field_offset is not None
    assert last.field_stride == (2, 2)
    x = np.zeros((11, 11))
    flat = net.predict(x)
    reached = []
    for row in range(11):
        x[row] = 1
        if (net.predict(x) != flat)[2].any():
            reached.append(row + 1)
        x[row] = 0
    assert len(reached) == last.field[0] == 5
    assert np.mean(reached) == last.field_offset[0] + 2 * 2


def test_memory_at_once_is_that_of_neighbours() -> None:
    net = simple(conv(1, 1, 1, 8), {"type": "relu"}, conv(1, 1, 8, 2))
    assert summarise(net, (10, 10, 1)).peak_bytes == 4 * 1600
    graph = dagnn.DagNN()
    graph.addLayer("a", dagnn.ReLU(), "x", "y")
    graph.addLayer("b", dagnn.ReLU(), "y", "z")
    graph.addLayer("c", dagnn.Sum(), ["x", "z"], "s")  # x stays
    assert summarise(graph, {"x": (5, 5, 1)}).peak_bytes == 4 * 75


def test_graphs() -> None:
    found = summarise(residual(), (8, 8))
    assert (found.kind, list(found.inputs), found.outputs) == ("DagNN", ["x"], ("prediction",))
    conv1, *_ = found.layers
    assert (conv1.name, conv1.type, conv1.inputs, conv1.outputs) == ("conv1", "Conv", ("x",), ("a",))
    assert found.parameters == 3 * 3 * 2 * 2 + 2 + 2 + 2 + 4  # the shared ones once
    assert found.layers[5].size == (6, 6, 2, 1)
    assert [layer.detail for layer in found.layers][2] == "leak 0.1"


def test_what_meta_says() -> None:
    net = simple(
        conv(3, 3, 3, 2),
        normalization={"imageSize": [9, 7, 3], "averageImage": [104, 117, 123]},
        classes={"name": ["n01", "n02"], "description": ["cat", "dog"]},
    )
    found = summarise(net)
    assert found.inputs == {"input": (9, 7, 3, 1)}
    assert found.classes == ("cat", "dog")
    described = as_json(found)["normalization"]
    assert described["average"] == [104, 117, 123]
    assert described["colour_order"] == "BGR"  # because it rises
    assert summarise(simple(conv(3, 3, 3, 2), classes=["a", "b"])).classes == ("a", "b")


def test_unknown_layers() -> None:
    net = simple(conv(3, 3, 1, 2), {"type": "upconv", "scale": 2.0}, {"type": "relu"}, {"type": "rankloss"})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = summarise(net, (8, 8))
    assert found.unknown == ("upconv",)
    assert [layer.type for layer in found.layers] == ["conv", "upconv", "relu", "rankloss"]
    assert math.isnan(found.layers[1].size[0])
    json.dumps(as_json(found), allow_nan=False)


def test_the_layers_of_ffdnet() -> None:
    net = simple(
        {"type": "SubP", "scale": 0.5},
        {"type": "concat", "sigmas": 0.1},
        conv(3, 3, 5, 8, pad=1),
        {"type": "SubP", "scale": 2},
    )
    x = np.zeros((8, 6, 1, 1))
    found = summarise(net, x.shape)
    assert found.layers[-1].size == vlnn.vl_simplenn(net, x)[-1].x.shape == (8, 6, 2, 1)
    assert not found.unknown


def test_layers_that_lack_fields_or_share_a_name() -> None:
    net = SimpleNN([{"type": "pool", "name": "a"}, {"type": "relu", "name": "a"}, {"type": "custom"}])
    assert [layer.name for layer in summarise(net).layers] == ["a", "a'", "layer3"]


def test_input_that_is_too_small() -> None:
    assert math.isnan(summarise(simple(conv(5, 5, 1, 2)), (3, 3)).layers[0].size[0])


@pytest.mark.parametrize("size", [(3,), (3, 4, 5, 6, 7), (0, 4), (2.5, 3)])
def test_sizes_that_are_none(size: Any) -> None:
    with pytest.raises(vlnn.MatConvNetError, match="The size of an input is height, width"):
        summarise(simple(conv(1, 1, 1, 1)), size)


def test_inputs_that_are_not_there() -> None:
    with pytest.raises(vlnn.MatConvNetError, match="no input 'y'; it has input"):
        summarise(simple(conv(1, 1, 1, 1)), {"y": (3, 3)})


def test_an_empty_network() -> None:
    assert summarise(SimpleNN([])).layers == ()


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_networks(name: str) -> None:
    net = vlnn.load_network(published(name))
    found = summarise(net)
    assert len(found.layers) == len(net.layers)
    assert not found.unknown
    json.dumps(as_json(found), allow_nan=False)


def test_statistics() -> None:
    value = np.array([[0.0, 1, 2, np.nan]], np.float32)
    graph = dagnn.DagNN()
    graph.addLayer("scale", dagnn.Scale(hasBias=False), "x", "y", ["s"])
    graph.getParam("s").value = value
    (found,) = statistics(graph)
    assert (found.name, found.size, found.dtype) == ("s", (1, 4), "float32")
    assert (found.least, found.mean, found.most) == (0, 1, 2)
    assert (found.zeros, found.not_finite) == (1, 1)
    assert found.deviation == pytest.approx(math.sqrt(2 / 3))


def test_names_of_weights() -> None:
    names = [each.name for each in statistics(simple(*LAYERS))]
    assert names[:5] == [
        "conv1.weights.0",
        "conv1.weights.1",
        "bnorm1.weights.0",
        "bnorm1.weights.1",
        "bnorm1.weights.2",
    ]
    assert as_graph(simple(*LAYERS)).getParam("conv1.weights.0").value is not None


FIELDS = (
    "type",
    "name",
    "weights",
    "pad",
    "stride",
    "dilate",
    "pool",
    "method",
    "upsample",
    "crop",
    "numGroups",
    "rate",
    "leak",
)
VALUES = st.one_of(
    st.none(),
    st.text(max_size=3),
    st.integers(-3, 5),
    st.lists(st.integers(-2, 4), max_size=5),
    st.lists(st.just(np.ones((2, 2, 1, 1))), max_size=3),
    st.just(np.zeros((0, 0))),
    st.just([[1, 2], [3]]),
)
TYPES = st.sampled_from(["conv", "convt", "pool", "relu", "bnorm", "lrn", "softmaxloss", "SubP", "concat", "custom"])


@hypothesis.settings(max_examples=300)
@hypothesis.given(st.lists(st.tuples(TYPES, st.dictionaries(st.sampled_from(FIELDS[1:]), VALUES)), max_size=4))
def test_layers_whose_fields_make_no_sense(layers: list[tuple[str, dict[str, Any]]]) -> None:
    """They are described as far as can be, or refused as everywhere."""
    try:
        net = vlnn.vl_simplenn_tidy({"layers": [{**fields, "type": type_} for type_, fields in layers]})
        found = summarise(net, (8, 8, 1))
    except vlnn.MatConvNetError:
        return
    assert len(found.layers) == len(layers)
    json.dumps(as_json(found), allow_nan=False)
