"""Networks on the arrays of CuPy's stand-in: moved there, applied there, and back."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import vlnn
from tests.cuda.standin import ndarray
from tests.dagnn import nets
from tests.simplenn.nets import deep

Array = Any
pytestmark = pytest.mark.usefixtures("frontend", "fallen_back")


class TestSimpleNN:
    def test_moving_there_and_back(self) -> None:
        net, _, _ = deep()
        net.layers[0].momentum = [np.ones(2), 0]
        moved = vlnn.vl_simplenn_move(net, "gpu")
        weights = [weight for layer in moved.layers for weight in layer.weights]
        assert weights
        assert all(type(weight) is ndarray for weight in weights)
        assert type(moved.layers[0].momentum[0]) is ndarray
        assert isinstance(net.layers[0].weights[0], np.ndarray)
        np.testing.assert_equal(dict(vlnn.vl_simplenn_move(moved, "cpu")), dict(net))

    def test_evaluating(self) -> None:
        net, x, dzdy = deep()
        want = vlnn.vl_simplenn(net, x, dzdy)
        moved = vlnn.vl_simplenn_move(net, "gpu")
        res = vlnn.vl_simplenn(moved, ndarray(x), ndarray(dzdy))
        for got, expected in zip(res, want, strict=True):
            assert type(got.x) is ndarray
            np.testing.assert_allclose(got.x.get(), expected.x, atol=1e-11)
            np.testing.assert_allclose(got.dzdx.get(), expected.dzdx, atol=1e-11)
            for mine, its in zip(got.dzdw or [], expected.dzdw or [], strict=True):
                np.testing.assert_allclose(mine.get(), its, atol=1e-11)

    @pytest.mark.parametrize("place", ["cpu", "gpu"])
    @pytest.mark.parametrize("given", [np.asarray, ndarray, np.ndarray.tolist])
    def test_predicting(self, place: str, given: Callable[[Array], Any]) -> None:
        """The result is where the network is."""
        net, x, _ = deep()
        want = net.predict(x)
        got = vlnn.vl_simplenn_move(net, place).predict(given(x))
        assert type(got) is (np.ndarray if place == "cpu" else ndarray)
        np.testing.assert_allclose(got if place == "cpu" else got.get(), want, atol=1e-11)

    def test_libraries_do_not_mix(self) -> None:
        net, x, _ = deep()
        with pytest.raises(vlnn.MatConvNetError, match="do not have compatible formats"):
            vlnn.vl_simplenn(vlnn.vl_simplenn_move(net, "gpu"), x, mode="test")


class TestDagNN:
    def test_moving_there_and_back(self) -> None:
        net = nets.residual()
        before = [param.value for param in net.params]
        net.move("gpu")
        assert net.device == "gpu"
        assert all(type(param.value) is ndarray for param in net.params)
        net.move("cpu")
        assert net.device == "cpu"
        for param, value in zip(net.params, before, strict=True):
            assert param.value.flags.f_contiguous
            np.testing.assert_array_equal(param.value, value)

    def test_evaluating(self) -> None:
        net, same = nets.residual(), nets.residual()
        same.move("gpu")
        inputs = {"x": nets.X, "label": nets.LABELS}
        net.eval(inputs, {"objective": 1})
        same.eval({name: ndarray(value) for name, value in inputs.items()}, {"objective": 1})
        for mine, its in zip(same.params, net.params, strict=True):
            assert type(mine.der) is ndarray
            np.testing.assert_allclose(mine.der.get(), its.der, atol=1e-11)

    @pytest.mark.parametrize("place", ["cpu", "gpu"])
    @pytest.mark.parametrize("given", [np.asarray, ndarray, np.ndarray.tolist])
    def test_predicting(self, place: str, given: Callable[[Array], Any]) -> None:
        net = nets.residual()
        want = net.predict(nets.X)
        net.move(place)
        got = net.predict(given(nets.X))
        assert type(got) is (np.ndarray if place == "cpu" else ndarray)
        np.testing.assert_allclose(got if place == "cpu" else got.get(), want, atol=1e-11)

    def test_saving(self, tmp_path: Any) -> None:
        net = nets.residual()
        net.move("gpu")
        net.save(tmp_path / "net.mat")
        loaded = vlnn.load_network(tmp_path / "net.mat")
        np.testing.assert_array_equal(loaded.getParam("f").value, nets.residual().getParam("f").value)


@pytest.mark.parametrize("missing", ["CuPy", "GPU"])
def test_no_gpu(missing: str, cupy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    if missing == "CuPy":
        monkeypatch.setitem(sys.modules, "cupy", None)
    else:
        cupy.cuda.is_available = lambda: False
    sentence = "There is no GPU support. .*" + ("pip install" if missing == "CuPy" else "finds no GPU")
    net = nets.residual()
    with pytest.raises(vlnn.MatConvNetError, match=sentence):
        net.move("gpu")
    assert net.device == "cpu"
    with pytest.raises(vlnn.MatConvNetError, match=sentence):
        vlnn.vl_simplenn_move(deep().net, "gpu")
