"""Checkpoint: a network as a description and arrays, and back, the same in every class, shape and bit."""

from __future__ import annotations

import json
import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csc_array

import vlnn
from tests.convert import networks
from tests.convert.structure import assert_same_network
from tests.dagnn.nets import residual
from tests.simplenn.nets import LAYERS
from vlnn.convert import Checkpoint
from vlnn.errors import ConversionError
from vlnn.matlab import Cell, CharMatrix, Opaque, Struct, StructArray
from vlnn.simplenn import SimpleNN

ODD_NAN = np.array([0x7FC00001], "<u4").view("<f4").reshape(1, 1)

VALUES: dict[str, Any] = {
    "scalar": 0.1,
    "minus zero": -0.0,
    "large integer": 2.0**70,
    "single": np.float32(0.1),
    "logical": True,
    "logical row": np.array([[True, False]]),
    "many logicals": np.ones((9, 9), np.bool_),
    "nan": math.nan,
    "special": np.array([[math.nan, math.inf, -math.inf, -0.0]]),
    "odd nan": ODD_NAN,
    "[]": None,
    "empty of a size": np.zeros((0, 3, 2), np.int8),
    "empty single": np.zeros((0, 0), np.float32),
    "integers": np.array([[-(2**63), 2**63 - 1]], np.int64),
    "largest uint64": np.uint64(2**64 - 1),
    "few": np.arange(24, dtype=np.uint8).reshape(2, 3, 4),
    "many": np.arange(240, dtype=np.uint16).reshape(2, 30, 4),
    "trailing ones": np.ones((3, 3, 1, 1), np.float32),
    "complex": 1 + 2j,
    "many complex": (np.arange(100) * (1 - 2j)).astype(np.complex64),
    "string": "conv1",
    "accents": "Möwe \U0001f600",
    "half a pair": "\ud83d",
    "empty string": "",
    "char matrix": CharMatrix(["ab", "cd", "ef"]),
    "empty chars": CharMatrix(["", ""], (2, 0)),
    "cell": [1, "two", None],
    "empty cell": [],
    "column": Cell([1, 2, 3], (3, 1)),
    "empty row of cells": Cell([], (1, 0)),
    "cell matrix": np.array([[1, "b"], [None, 2.5]], object),
    "struct": {"class": 1, "struct": {"structs": []}, "size": [1, 2]},
    "no fields": Struct(),
    "struct array": StructArray([Struct(a=1, b="x"), Struct(a=None, b=[])]),
    "struct column": StructArray([Struct(a=1), Struct(a=2)], (2, 1)),
    "empty struct array": StructArray(fields=("name", "value")),
    "structs without fields": StructArray([Struct(), Struct()], (1, 2)),
    "sparse": csc_array(np.array([[0, 1.5], [0, 0], [2, 0]])),
    "sparse logical": csc_array(np.eye(3, dtype=np.bool_)),
    "many sparse": csc_array(np.eye(99)),
}


def network_with(value: Any) -> SimpleNN:
    return SimpleNN([{"type": "relu", "name": "r"}], {"value": value})


def returned(net: Any) -> Any:
    checkpoint = Checkpoint.of(net)
    assert checkpoint.description.isascii()
    return checkpoint.network()


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_values_come_back(value: Any) -> None:
    net = network_with(value)
    assert_same_network(returned(net), net)


leaves = st.one_of(
    st.floats(allow_nan=True),
    st.floats(width=32).map(np.float32),
    st.booleans(),
    st.none(),
    st.text(max_size=5),
    st.integers(-(2**63), 2**63 - 1).map(np.int64),
    st.integers(0, 80).map(lambda size: np.arange(size, dtype=np.int16).reshape(1, -1)),
)


@given(
    st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.dictionaries(st.sampled_from(["a", "struct", "class", "size"]), inner, max_size=3),
        ),
        max_leaves=8,
    )
)
def test_any_value_comes_back(value: Any) -> None:
    net = network_with(value)
    assert_same_network(returned(net), net)


@pytest.mark.parametrize("layers", [layers for layers, *_ in LAYERS.values()], ids=LAYERS)
def test_layers_come_back(layers: list[dict[str, Any]]) -> None:
    net = vlnn.vl_simplenn_tidy({"layers": layers})
    assert_same_network(returned(net), net)


def test_a_graph_comes_back() -> None:
    net = residual()
    assert_same_network(returned(net), net)
    assert set(Checkpoint.of(net).arrays) == {"f", "b", "g", "o", "m"}


def test_a_graph_of_one_layer_and_one_parameter_comes_back() -> None:
    net = vlnn.dagnn.DagNN()
    net.addLayer("conv", vlnn.dagnn.Conv(size=[1, 1, 1, 1], hasBias=False), "x", "y", "f")
    net.params[0].value = np.ones((1, 1), np.float32)
    assert list(Checkpoint.of(net).arrays) == ["f"]
    assert_same_network(returned(net), net)


@pytest.mark.parametrize("path", networks.files())
def test_trained_networks_come_back(path: Path) -> None:
    net = networks.load(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert_same_network(returned(net), net)


def test_arrays_are_not_copied() -> None:
    filters = np.asfortranarray(np.ones((3, 3, 1, 8), np.float32))
    checkpoint = Checkpoint.of(SimpleNN([{"type": "conv", "name": "c", "weights": [filters, None]}]))
    assert np.shares_memory(checkpoint.arrays["c.weights.0"], filters)
    assert np.shares_memory(checkpoint.network().layers[0].weights[0], filters)


def test_names_of_arrays_are_unique_and_printable() -> None:
    ones = np.ones((2, 1), np.float32)
    names = ["a", "a", "", "__metadata__", "x\n\\y", "b" * 300]
    layers = [{"type": "conv", "name": name, "weights": [ones * at]} for at, name in enumerate(names)]
    net = SimpleNN(layers, {"a": {"weights": [np.ones((99, 1))]}})
    assert list(Checkpoint.of(net).arrays) == [
        "a.weights.0",
        "a.weights.0_2",
        "layers.2.weights.0",
        "__metadata__.weights.0",
        "x_y.weights.0",
        "b" * 200,
        "meta.a.weights.0",
    ]
    assert_same_network(returned(net), net)


def test_half_is_read_as_the_class_described() -> None:
    checkpoint = Checkpoint.of(residual(np.float32))
    half = {name: array.astype(np.float16) for name, array in checkpoint.arrays.items()}
    net = Checkpoint(checkpoint.description, half).network()
    assert net.params[0].value.dtype == np.float32
    np.testing.assert_array_equal(net.params[0].value, half["f"])


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (Opaque("function_handle"), "meta.value is an object of MATLAB's class function_handle"),
        (np.array(["2001-01-01"], "M8"), "meta.value is an array of datetime64"),
    ],
)
def test_what_matlab_does_not_have_is_refused(value: Any, says: str) -> None:
    with pytest.raises(ConversionError, match=says):
        Checkpoint.of(network_with(value))


def test_the_layer_that_cannot_be_described_is_named() -> None:
    layers = [{"type": "relu"}, {"type": "custom", "name": "c", "forward": Opaque("function_handle")}]
    with pytest.raises(ConversionError, match=r"Layer 'c' of type custom .*function_handle.* its field forward"):
        Checkpoint.of(SimpleNN(layers))
    net = residual()
    net.layers[2].block.kept, net.layers[2].block.odd = ("odd",), Opaque("table")
    with pytest.raises(ConversionError, match=r"Layer 'relu1' of type dagnn\.ReLU cannot .*MATLAB's class table"):
        Checkpoint.of(net)


def damaged(network: Any, **content: Any) -> Checkpoint:
    described = {"vlnn": 1, "kind": "simplenn", "network": network} | content
    return Checkpoint(json.dumps(described), {"w": np.ones((2, 2), np.float32)})


def in_meta(value: Any) -> Any:
    return {"struct": {"layers": [], "meta": {"struct": {"value": value}}}}


def numbers(**described: Any) -> Any:
    return in_meta({"class": "single", "size": [1, 1], "values": [0]} | described)


@pytest.mark.parametrize(
    ("checkpoint", "says"),
    [
        (Checkpoint("{", {}), "no JSON"),
        (Checkpoint("[" * 100_000, {}), "no JSON"),
        (Checkpoint("[]", {}), "not one of vlnn's"),
        (Checkpoint('{"vlnn": "1"}', {}), "not one of vlnn's"),
        (damaged(None, vlnn=2), "form 2, of a later version"),
        (damaged(None, kind="keras"), "its kind is not simplenn or dagnn"),
        (damaged(None), "it has no layers"),
        (damaged({"struct": {"layers": 1, "meta": None}}), "layers is no cell array of structs"),
        (damaged({"struct": {"layers": [1], "meta": None}}), "layers is no cell array of structs"),
        (damaged({"struct": {"layers": 1, "meta": None}}, kind="dagnn"), "not a struct array"),
        (damaged(in_meta({"strct": {}})), "meta.value: no value is written as"),
        (damaged(in_meta({"struct": {}, "size": [1, 1]})), "no value is written as"),
        (damaged(in_meta({"structs": [{}], "size": [1, 2], "fields": []})), "it is 1x2 and has 1 elements"),
        (damaged(in_meta({"structs": [{"a": 1}], "size": [1, 1], "fields": ["b"]})), "does not have the fields b"),
        (damaged(in_meta({"structs": [{}], "size": [1, 1], "fields": [1]})), "are no strings"),
        (damaged(in_meta({"structs": [], "size": [0, 0], "fields": ["a", "a"]})), "two fields of the same name"),
        (damaged(in_meta({"cells": [1], "size": [10**9, 10**9]})), "1000000000x1000000000"),
        (damaged(in_meta({"text": "abc", "size": [2, 2]})), "it is 2x2 and has 3 letters"),
        (damaged(in_meta({"sparse": [2, 2], "values": "a", "rows": 1, "starts": 1})), "no sparse matrix"),
        (damaged(in_meta({"sparse": [2, 2], "values": 1, "rows": 1, "starts": 1})), "damaged"),
        (damaged(numbers(size=[1])), "is no size"),
        (damaged(numbers(size=[1, -1])), "is no size"),
        (damaged(numbers(size=[True, 1])), "is no size"),
        (damaged(numbers(size=[1] * 40)), "40 dimensions"),
        (damaged(numbers(size=[0, 2**62, 4])), "an array has the size"),
        (damaged(numbers(size=[1, 2])), "not all of its numbers"),
        (damaged(numbers(values=["Nan"])), "'Nan' is no number"),
        (damaged(numbers(values=["0x7fc0"])), "'0x7fc0' is no number"),
        (damaged(numbers(values=[1e300])), "is no float32"),
        (damaged(numbers(values=[10**400])), "is no float32"),
        (damaged(numbers(values=[math.inf])), "is no float32"),
        (damaged(numbers(values=[True])), "is no float32"),
        (damaged(numbers(values=[None])), "is no float32"),
        (damaged(numbers(**{"class": "int8"}, values=[128])), "128 is no int8"),
        (damaged(numbers(**{"class": "int8"}, values=[1.0])), "is no int8"),
        (damaged(numbers(**{"class": "logical"}, values=[1])), "1 is no bool"),
        (damaged(numbers(**{"class": "half"})), "no class 'half'"),
        (damaged(numbers(array="w")), "where values or an array should be"),
        (damaged(in_meta({"class": "single", "size": [1, 1]})), "no values"),
        (damaged(in_meta({"class": "single", "size": [2, 2], "array": "v"})), "no array 'v'"),
        (damaged(in_meta({"class": "single", "size": [4, 1], "array": "w"})), "'w' is 2x2 instead of 4x1"),
        (damaged(in_meta({"class": "int8", "size": [2, 2], "array": "w"})), "'w' is of float32 instead of int8"),
        (damaged(numbers(**{"class": "int8"}, imaginary=[0])), "no complex numbers of class int8"),
    ],
)
def test_damaged_descriptions_are_refused(checkpoint: Checkpoint, says: str) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        checkpoint.network()
    assert "\n" not in str(caught.value)


def test_a_description_nested_too_deep_is_refused() -> None:
    value: Any = 1
    for _ in range(70):
        value = [value]
    with pytest.raises(ConversionError, match="more than 64 deep"):
        damaged(in_meta(value)).network()
