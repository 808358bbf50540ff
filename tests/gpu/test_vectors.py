"""The calls recorded from MatConvNet, and the oracle, on CuPy's arrays."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import vlnn
from tests.conformance.vectors import Case, every_case, judge
from tests.geometries import LARGE_LAYERS, LAYERS, Call, medium_convs, medium_convts, small_convs, small_convts
from tests.gpu.conftest import obstacle

pytestmark = pytest.mark.gpu
if obstacle():
    pytest.skip(obstacle(), allow_module_level=True)

CONVOLUTIONS = ("vl_nnconv", "vl_nnconvt")
CASES = [case for case in every_case() if case.file != "vl_argparse"]
one_engine = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@pytest.mark.parametrize("case", [pytest.param(case, id=case.label) for case in CASES])
def test_vector(case: Case, engine: str, cupy: Any) -> None:
    judge(case.on(cupy), prints=False)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.label) for case in CASES if case.file in CONVOLUTIONS])
@pytest.mark.parametrize("limit", [0.0, math.inf])
def test_vector_within_limits(case: Case, limit: float, engine: str, cupy: Any) -> None:
    with vlnn.settings.scoped(cudnn_workspace_limit=limit):
        judge(case.on(cupy), prints=False)


def check(call: Call, cupy: Any) -> None:
    """A call, and its derivatives, against the oracle."""
    x, f, b, dzdy = call.arrays()
    on_gpu = [cupy.asarray(array, order="F") for array in (x, f, b, dzdy)]
    y = call.forward(*on_gpu[:3])
    assert isinstance(y, cupy.ndarray)
    assert y.flags.f_contiguous
    call.close(y.get(), call.expected(x, f, b))
    want = call.expected_derivatives(x, f, dzdy)
    for got, expected, argument in zip(call.backward(*on_gpu), want, (x, f, b), strict=True):
        assert isinstance(got, cupy.ndarray)
        call.close(got.get(), expected.reshape(argument.shape, order="F"))


@pytest.mark.parametrize("layer", [pytest.param(layer, id=str(layer)) for layer in (*LAYERS, *LARGE_LAYERS)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_layer(layer: Call, dtype: type, engine: str, cupy: Any) -> None:
    check(replace(layer, dtype=dtype), cupy)


@pytest.mark.parametrize("limit", [0.0, 2.0**20, math.inf])
@pytest.mark.parametrize("layer", [pytest.param(layer, id=str(layer)) for layer in LAYERS])
def test_layer_within_limits(layer: Call, limit: float, engine: str, cupy: Any) -> None:
    with vlnn.settings.scoped(cudnn_workspace_limit=limit):
        check(replace(layer, dtype=np.float32), cupy)


@one_engine
@given(call=small_convs() | medium_convs())
def test_convolutions(call: Call, engine: str, cupy: Any) -> None:
    check(call, cupy)


@one_engine
@given(call=small_convts() | medium_convts())
def test_transposed_convolutions(call: Call, engine: str, cupy: Any) -> None:
    check(call, cupy)
