"""Layers of every shape for which a kernel may be made, against the oracle: numbers, and where NaN and Inf show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import oracle
from tests.geometries import LARGE_LAYERS, LAYERS, Call, medium_convs, medium_convts, small_convs, small_convts

Array = Any


def each(layers: list[Any]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("layer", [pytest.param(layer, id=str(layer)) for layer in layers])


def check(call: Call) -> None:
    x, f, b, dzdy = call.arrays()
    call.close(call.forward(x, f, b), call.expected(x, f, b))
    dzdx, dzdf, dzdb = call.backward(x, f, b, dzdy)
    want = call.expected_derivatives(x, f, dzdy)
    call.close(dzdx, want.dzdx)
    call.close(dzdf, want.dzdf)
    call.close(dzdb, want.dzdb.reshape(1, -1))


@each(LAYERS + LARGE_LAYERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_layer(layer: Call, dtype: type) -> None:
    check(replace(layer, dtype=dtype))


def test_results_outlive_later_calls() -> None:
    """No result is memory that a later call works in."""
    kept: list[Array] = []
    copies: list[Array] = []
    for seed in range(2):
        for layer in LAYERS:
            call = replace(layer, dtype=np.float32, seed=seed)
            x, f, b, dzdy = call.arrays()
            results = (call.forward(x, f, b), *call.backward(x, f, b, dzdy))
            kept += results
            copies += [result.copy() for result in results]
    for result, copy in zip(kept, copies, strict=True):
        np.testing.assert_array_equal(result, copy)


@each(LAYERS)
@pytest.mark.parametrize("power", [-100, 100])
def test_layer_near_the_ends_of_singles_range(layer: Call, power: int) -> None:
    """Factors of a power of two that cancel change nothing, as long as only MatConvNet's products are formed."""
    call = replace(layer, dtype=np.float32)
    x, f, b, dzdy = call.arrays()
    up, down = np.float32(2.0**power), np.float32(2.0**-power)
    call.close(call.forward(x * up, f * down, b), call.expected(x, f, b))
    want = call.expected_derivatives(x, f, dzdy)
    call.close(call.backward(x, f * down, b, dzdy * up)[0], want.dzdx)
    call.close(call.backward(x * down, f, b, dzdy * up)[1], want.dzdf)


@given(small_convs() | small_convts())
@settings(max_examples=200)
def test_small(call: Call) -> None:
    check(call)


@given(medium_convs() | medium_convts())
@settings(max_examples=100)
def test_medium(call: Call) -> None:
    check(call)


SPOILS: dict[str, Callable[[Array, np.random.Generator], dict[int, float]]] = {
    "nan": lambda array, random: {int(random.integers(array.size)): np.nan},
    "inf": lambda array, random: dict(
        zip(random.integers(array.size, size=2).tolist(), (np.inf, -np.inf), strict=True)
    ),
    "corners": lambda array, _: {0: np.inf, array.size - 1: np.nan},
}


def spoil(array: Array, how: str, seed: int) -> Array:
    """A copy with NaN or Inf at one or two places."""
    array = array.copy(order="F")
    elements = array.T.reshape(-1)  # in MATLAB's order
    assert np.shares_memory(elements, array)
    for place, value in SPOILS[how](array, np.random.default_rng(seed)).items():
        elements[place] = value
    return array


def check_spoilt(call: Call, how: str) -> None:
    """NaN and Inf show where MatConvNet shows them, and no warning is given, as pytest makes an error of one."""
    x, f, b, dzdy = call.arrays()
    bad_x, bad_f, bad_dzdy = (spoil(array, how, call.seed + i) for i, array in enumerate((x, f, dzdy)))
    spoilt = {"x": (bad_x, f, dzdy), "f": (x, bad_f, dzdy), "dzdy": (x, f, bad_dzdy)}
    for name, (data, filters, der_output) in spoilt.items():
        with np.errstate(invalid="ignore"):
            y = call.expected(data, filters, b, how=oracle.ByColumns)
            derivatives = call.expected_derivatives(data, filters, der_output, how=oracle.ByColumns)
        if name != "dzdy":
            same_places(call.forward(data, filters, b), y, f"y of a spoilt {name}")
        dzdx, dzdf, dzdb = call.backward(data, filters, b, der_output)
        same_places(dzdx, derivatives.dzdx, f"dzdx of a spoilt {name}")
        same_places(dzdf, derivatives.dzdf, f"dzdf of a spoilt {name}")
        same_places(dzdb, derivatives.dzdb.reshape(1, -1), f"dzdb of a spoilt {name}")


def same_places(got: Array, want: Array, what: str) -> None:
    np.testing.assert_array_equal(np.isnan(got), np.isnan(want), f"NaN in {what}")
    for sign in (np.inf, -np.inf):
        np.testing.assert_array_equal(got == sign, want == sign, f"{sign} in {what}")
    finite = np.isfinite(want)
    scale = max(1.0, np.abs(want[finite]).max(initial=0.0))
    limit = 1e-5 if got.dtype == np.float32 else 1e-11
    np.testing.assert_allclose(got[finite] / scale, want[finite] / scale, rtol=0, atol=limit, err_msg=what)


@each(LAYERS)
@pytest.mark.parametrize("how", SPOILS)
def test_layer_spoilt(layer: Call, how: str) -> None:
    check_spoilt(replace(layer, dtype=np.float32), how)


@each(LARGE_LAYERS)
def test_large_layer_spoilt(layer: Call) -> None:
    check_spoilt(replace(layer, dtype=np.float32), "corners")


@given(small_convs() | small_convts(), st.sampled_from(sorted(SPOILS)))
@settings(max_examples=150)
def test_small_spoilt(call: Call, how: str) -> None:
    check_spoilt(call, how)


@given(medium_convs() | medium_convts(), st.sampled_from(sorted(SPOILS)))
@settings(max_examples=50)
def test_medium_spoilt(call: Call, how: str) -> None:
    check_spoilt(call, how)
