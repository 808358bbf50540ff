"""vl_simplenn_move and vl_simplenn_diagnose."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

import vlnn
from tests.simplenn.nets import deep
from vlnn.simplenn import SimpleNN


def test_to_the_cpu() -> None:
    net, _, _ = deep()
    moved = vlnn.vl_simplenn_move(net, "cpu")
    assert isinstance(moved, SimpleNN)
    assert moved.layers[0] is not net.layers[0]
    np.testing.assert_equal(dict(moved), dict(net))


@pytest.mark.skipif(importlib.util.find_spec("cupy") is not None, reason="CuPy is installed")
def test_to_the_gpu_without_cupy() -> None:
    with pytest.raises(vlnn.MatConvNetError, match="There is no GPU support"):
        vlnn.vl_simplenn_move(deep().net, "gpu")


@pytest.mark.parametrize("destination", ["tpu", None, 0])
def test_elsewhere(destination: object) -> None:
    with pytest.raises(vlnn.MatConvNetError, match="Unknown destination"):
        vlnn.vl_simplenn_move(deep().net, destination)


def test_ranges() -> None:
    net, x, dzdy = deep()
    res = vlnn.vl_simplenn(net, x, dzdy)
    ranges = vlnn.vl_simplenn_diagnose(net, res, figure=False)
    assert list(ranges) == ["filters", "biases", "x", "dzdx", "dfilters", "dbiases"]
    assert all(each.shape == (3, 6) for each in ranges.values())
    filters = net.layers[4].weights[0]
    np.testing.assert_allclose(ranges.filters[:, 4], [filters.mean(), filters.min(), filters.max()])
    np.testing.assert_allclose(ranges.dbiases[0, 0], res[0].dzdw[1].mean())
    np.testing.assert_array_equal(np.isnan(ranges.filters[0]), [False, False, True, True, False, True])
    assert list(vlnn.vl_simplenn_diagnose(net, figure=False)) == ["filters", "biases"]
    conserved = vlnn.vl_simplenn(net, x, mode="test", conserveMemory=True)
    assert np.isnan(vlnn.vl_simplenn_diagnose(net, conserved, figure=False).x).all()


def test_the_plot() -> None:
    figure = pytest.importorskip("matplotlib.figure").Figure()
    net, x, dzdy = deep()
    vlnn.vl_simplenn_diagnose(net, vlnn.vl_simplenn(net, x, dzdy), figure=figure)
    assert [axes.get_ylabel() for axes in figure.axes] == ["filters", "biases", "x", "dzdx", "dfilters", "dbiases"]
