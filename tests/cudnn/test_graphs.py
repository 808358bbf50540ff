"""The graphs of convolutions: their sizes and paddings, by what an interpreter makes of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given

from tests import oracle
from tests.cudnn.interpreter import Attributes, execute
from tests.geometries import LAYERS, Call, Conv, small_convs, small_convts
from vlnn.engines.cpu import CPU
from vlnn.engines.cudnn.graphs import conv_graph, packed_strides
from vlnn.geometry import ConvGeometry, Sides, check_conv, check_convt

Array = Any
OPERATIONS = ("conv_fprop", "conv_dgrad", "conv_wgrad")


def geometry_of(call: Call) -> ConvGeometry:
    options = call.options
    if isinstance(call, Conv):
        stride, dilate = oracle.two(options["stride"]), oracle.two(options["dilate"])
        return check_conv(call.x, call.f, None, None, stride, Sides(*oracle.four(options["pad"])), dilate)
    sides = Sides(*oracle.four(options["crop"]))
    return check_convt(call.x, call.f, None, None, oracle.two(options["upsample"]), sides, call.groups)


def interpreted(operation: str, geometry: ConvGeometry, first: Array, second: Array) -> Array:
    graph = conv_graph(operation, geometry)
    assert (first.shape, second.shape) == (graph.first, graph.second)
    out = np.full(graph.out, np.nan)
    how = Attributes(operation, graph.pre_padding, graph.post_padding, graph.stride, graph.dilation)
    execute(how, first, second, out)
    return out


def planes_of(geometry: ConvGeometry) -> dict[str, Array]:
    random = np.random.default_rng(0)
    graph = conv_graph("conv_fprop", geometry)
    sizes = {"image": graph.first, "filters": graph.second, "output": graph.out}
    return {name: random.standard_normal(size) for name, size in sizes.items()}


def check(geometry: ConvGeometry) -> None:
    """The CPU engine agrees with cuDNN's definition of each operation."""
    image, filters, output = planes_of(geometry).values()
    for operation, first, second, want in (
        ("conv_fprop", image, filters, CPU.conv_forward(geometry, image, filters, None)),
        ("conv_dgrad", output, filters, CPU.conv_backward_data(geometry, output, filters, None)),
        ("conv_wgrad", image, output, CPU.conv_backward_filter(geometry, image, output)),
    ):
        got = interpreted(operation, geometry, first, second)
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-11 * max(1.0, float(np.abs(want).max())))


@given(small_convs())
def test_convolutions(call: Conv) -> None:
    check(geometry_of(call))


@given(small_convts())
def test_transposed_convolutions(call: Call) -> None:
    check(geometry_of(call))


@pytest.mark.parametrize("call", [pytest.param(call, id=str(call)) for call in LAYERS])
def test_layers(call: Call) -> None:
    geometry = geometry_of(call)
    if geometry.multiplications < 10**7:
        check(geometry)


def test_axes_are_swapped() -> None:
    geometry = check_conv((9, 20, 6, 2), (3, 4, 3, 8), None, None, (1, 2), Sides(0, 1, 2, 3), (3, 1))
    graph = conv_graph("conv_fprop", geometry)
    assert (graph.first, graph.second, graph.out) == ((2, 6, 20, 9), (8, 3, 4, 3), (2, 8, 11, 4))
    assert (graph.pre_padding, graph.post_padding) == ((2, 0), (3, 1))
    assert (graph.stride, graph.dilation) == ((2, 1), (1, 3))


def test_packed_strides() -> None:
    array = np.empty((2, 6, 20, 9))
    assert packed_strides(array.shape) == tuple(step // array.itemsize for step in array.strides)
