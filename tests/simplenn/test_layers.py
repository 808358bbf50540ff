"""Layers of one's own: 'custom' ones, and types that are registered."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import vlnn
from tests.simplenn.nets import array
from vlnn.simplenn import SimpleNN
from vlnn.simplenn.layers import TYPES

Struct = Any


def forward(layer: Struct, res_in: Struct, res_out: Struct) -> Struct:
    res_out.x = layer.weights[0] * res_in.x
    res_out.aux = "kept"
    return res_out


def backward(layer: Struct, res_in: Struct, res_out: Struct) -> Struct:
    assert res_out.aux == "kept"
    res_in.dzdx = layer.weights[0] * res_out.dzdx
    res_in.dzdw = [np.sum(res_in.x * res_out.dzdx)]
    return res_in


@pytest.fixture(autouse=True)
def _known_types(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vlnn.simplenn.layers.TYPES", dict(TYPES))
    monkeypatch.setattr("vlnn.simplenn.evaluation.TYPES", vlnn.simplenn.layers.TYPES)


def of_both_kinds() -> list[SimpleNN]:
    vlnn.simplenn.register("scale", forward, backward)
    own = {"weights": [3.0], "type": "custom", "forward": forward, "backward": backward}
    relu = {"type": "relu", "leak": 0, "precious": False}
    return [SimpleNN([relu, layer, relu]) for layer in ({"type": "scale", "weights": [3.0]}, own)]


@pytest.mark.parametrize("kind", [0, 1])
def test_own_layers(kind: int) -> None:
    net = of_both_kinds()[kind]
    x, dzdy = array(3, 4), array(3, 4, seed=1)
    res = vlnn.vl_simplenn(net, x, dzdy)
    np.testing.assert_array_equal(res[3].x, 3 * np.maximum(x, 0)[:, :, None, None])
    np.testing.assert_allclose(res[0].dzdx, 3 * dzdy * (x > 0))
    assert res[1].dzdw[0] == pytest.approx(np.sum(np.maximum(x, 0) * dzdy * (x > 0)))
    np.testing.assert_array_equal(net.predict(x), res[3].x)
    conserved = vlnn.vl_simplenn(net, x, mode="test", conserveMemory=True)
    assert [result.x is None for result in conserved] == [True, True, True, False]


def test_what_functions_do_to_their_arguments_stays_there() -> None:
    def careless(layer: Struct, res_in: Struct, res_out: Struct) -> Struct:
        res_out.x = res_in.x + 1
        res_in.x = None
        return {"x": res_out.x}

    vlnn.simplenn.register("careless", careless)
    res = vlnn.vl_simplenn({"layers": [{"type": "careless"}]}, array(2, 2))
    assert res[0].x is not None
    np.testing.assert_array_equal(res[1].x, array(2, 2) + 1)


def test_types_can_be_replaced() -> None:
    vlnn.simplenn.register("relu", forward)
    res = vlnn.vl_simplenn({"layers": [{"type": "relu", "weights": [2]}]}, array(2, 2))
    np.testing.assert_array_equal(res[1].x, 2 * array(2, 2))


def test_an_unknown_type_says_how_to_register_it() -> None:
    net = SimpleNN([{"type": "relu", "leak": 0}, {"type": "DWT", "name": "up"}])
    sentence = r"^Unknown layer type 'DWT'\. This is layer 2, DWT 'up' \(net\.layers\[1\]\)\. .*"
    with pytest.raises(vlnn.MatConvNetError, match=sentence + r"vlnn\.simplenn\.register\('DWT', forward, backward\)"):
        vlnn.vl_simplenn(net, array(2, 2))
    with pytest.raises(vlnn.MatConvNetError, match=sentence):
        net.predict(array(2, 2))


def test_without_a_backward_function_there_are_no_derivatives() -> None:
    vlnn.simplenn.register("scale", forward)
    net = SimpleNN([{"type": "scale", "weights": [2]}])
    assert vlnn.vl_simplenn(net, array(2, 2))[1].x is not None
    with pytest.raises(vlnn.MatConvNetError, match=r"no derivative\. This is layer 1, scale"):
        vlnn.vl_simplenn(net, array(2, 2), array(2, 2))


def test_functions_that_are_none() -> None:
    net = SimpleNN([{"type": "custom", "forward": "@(l,a,b) b", "name": "mine"}])
    with pytest.raises(vlnn.MatConvNetError, match=r"field forward is not a function.*This is layer 1, custom 'mine'"):
        vlnn.vl_simplenn(net, array(2, 2))
    net = SimpleNN([{"type": "custom", "forward": lambda layer, res_in, res_out: res_in.x}])
    with pytest.raises(vlnn.MatConvNetError, match="returned no result structure"):
        vlnn.vl_simplenn(net, array(2, 2))
    with pytest.raises(TypeError, match="one or two functions"):
        vlnn.simplenn.register("scale", "forward")  # type: ignore[arg-type]


def test_exceptions_of_functions_come_through() -> None:
    def broken(layer: Struct, res_in: Struct, res_out: Struct) -> Struct:
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        vlnn.vl_simplenn(SimpleNN([{"type": "custom", "forward": broken}]), array(2, 2))
