"""ParameterServer: sums over processes, of which the tests here make do with one or pretend several."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import vlnn
from vlnn.training.workers import Workers, workers


class Echo(Workers):
    """Three processes that all push the same."""

    size = 3

    def add(self, array: Any) -> None:
        array *= 3


def server(**options: Any) -> vlnn.ParameterServer:
    found = vlnn.ParameterServer(**options)
    found.register("a", (2, 3), "single", "cpu")
    found.register("b", np.array([[4.0]]), "double", "cpu")
    found.register("c", (1, 2))
    found.start()
    return found


def test_options_of_matconvnet() -> None:
    found = vlnn.ParameterServer("method", "tflow", {"Prefix": "mine"}, pinnedMemory=False)
    assert (found.method, found.prefix) == ("tflow", "mine")
    with pytest.raises(vlnn.MatConvNetError, match=r"^Unknown parameter 'speed'"):
        vlnn.ParameterServer("speed", 1)


def test_sums() -> None:
    found = server(comm=Echo())
    a = np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3))
    b = np.arange(4.0)
    for _ in range(2):  # a round leaves nothing for the next
        found.push("a", a)
        found.pushWithIndex(1, b)
        found.sync()
        np.testing.assert_array_equal(found.pull("a"), 3 * a)
        np.testing.assert_array_equal(found.pullWithIndex(1), 3 * b)
        assert found.pull("c") is None
    assert a[1, 2] == 5
    found.sync()
    assert found.pull("a") is None
    found.push("a", [])
    found.push("nobody", None)
    found.sync()
    assert found.pull("a") is None


def test_who_pushes_nothing_adds_nothing() -> None:
    class Second(Workers):
        size = 2

        def add(self, array: Any) -> None:
            array += 1  # the other process has pushed ones

    found = server(comm=Second())
    found.push("a", np.ones((2, 3), np.float32))
    found.sync()
    np.testing.assert_array_equal(found.pull("a"), np.full((2, 3), 2))
    np.testing.assert_array_equal(found.pull("c"), np.ones((1, 2)))
    assert found.pull("b").dtype == np.float64


def test_what_is_refused() -> None:
    found = server()
    for value in (np.ones((2, 3)), np.ones(5, np.float32), 1.0):
        with pytest.raises(vlnn.MatConvNetError, match=r"^What is pushed as 'a' is not .* single \(2, 3\)\."):
            found.push("a", value)
    with pytest.raises(vlnn.MatConvNetError, match=r"^There is no parameter 'd'\. Registered are a, b, c\."):
        found.pull("d")
    with pytest.raises(vlnn.MatConvNetError, match=r"^There is no parameter 'd'"):
        found.push("d", np.ones(1))
    with pytest.raises(vlnn.MatConvNetError, match=r"^There is already a parameter 'a'"):
        found.register("a", (1, 1), "single", "cpu")
    with pytest.raises(vlnn.MatConvNetError, match=r"^A parameter is 'single' or 'double'"):
        found.register("d", (1, 1), "int8", "cpu")
    found.stop()
    with pytest.raises(vlnn.MatConvNetError, match=r"^The parameter server is not started"):
        found.push("a", np.ones((2, 3), np.float32))


def test_networks_use_it() -> None:
    """As a script of one's own would, with several processes."""
    found = vlnn.ParameterServer(comm=Echo())
    f, b = np.ones((1, 1, 1, 2), np.float32), np.zeros((1, 2), np.float32)
    net = vlnn.vl_simplenn_tidy(
        {"layers": [{"type": "conv", "weights": [f, b]}, {"type": "softmaxloss", "class": [1]}]}
    )
    vlnn.vl_simplenn_start_parserv(net, found)
    x = np.ones((1, 1, 1, 1), np.float32)
    vlnn.vl_simplenn(net, x, 1, None, "parameterServer", found)
    found.sync()
    wanted = vlnn.vl_simplenn(net, x, 1)[0].dzdw
    np.testing.assert_allclose(found.pull("l1_1"), 3 * wanted[0])
    np.testing.assert_allclose(found.pull("l1_2"), 3 * wanted[1])


def test_one_process() -> None:
    alone = workers()
    assert (alone.rank, alone.size, alone.same(3), alone.all(3)) == (0, 1, 3, [3])
