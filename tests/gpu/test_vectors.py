"""The calls recorded from MatConvNet, and the oracle, on CuPy's arrays."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import vlnn
from tests.conformance.vectors import FOLDER, Case, judge, read
from tests.geometries import LAYERS, Call
from tests.gpu.conftest import obstacle

pytestmark = pytest.mark.gpu
if obstacle():
    pytest.skip(obstacle(), allow_module_level=True)

CASES = [case for name in ("vl_nnconv", "vl_nnconvt") for case in read(FOLDER / f"{name}.mat")]


@pytest.mark.parametrize("case", [pytest.param(case, id=case.label) for case in CASES])
@pytest.mark.parametrize("cudnn", [True, False])
def test_vector(case: Case, cudnn: bool, cupy: Any) -> None:
    with vlnn.settings.scoped(cudnn=cudnn):
        judge(case.on(cupy), prints=False)


@pytest.mark.parametrize("layer", [pytest.param(layer, id=str(layer)) for layer in LAYERS])
@pytest.mark.parametrize("cudnn", [True, False])
def test_layer(layer: Call, cudnn: bool, cupy: Any) -> None:
    call = replace(layer, dtype=np.float32)
    x, f, b, dzdy = call.arrays()
    with vlnn.settings.scoped(cudnn=cudnn):
        on_gpu = [cupy.asfortranarray(cupy.asarray(array)) for array in (x, f, b, dzdy)]
        y = call.forward(*on_gpu[:3])
        derivatives = call.backward(*on_gpu)
    assert isinstance(y, cupy.ndarray)
    assert y.flags.f_contiguous
    call.close(y.get(), call.expected(x, f, b))
    want = call.expected_derivatives(x, f, dzdy)
    for got, expected, argument in zip(derivatives, want, (x, f, b), strict=True):
        assert isinstance(got, cupy.ndarray)
        call.close(got.get(), expected.reshape(argument.shape, order="F"))


@pytest.mark.parametrize("function", [vlnn.vl_nnconv, vlnn.vl_nnconvt])
def test_libraries_do_not_mix(function: Any, cupy: Any) -> None:
    x, f = np.ones((3, 3)), np.ones((2, 2))
    with pytest.raises(vlnn.MatConvNetError, match="DATA and FILTERS do not have compatible formats"):
        function(cupy.asarray(x), f, [])
    assert function(cupy.asarray(x), cupy.asarray(f), np.zeros((0, 0))).shape[2:] == (1, 1)  # [] of any library


def test_verbose_names_the_gpu(cupy: Any, capsys: pytest.CaptureFixture[str]) -> None:
    vlnn.vl_nnconv(cupy.ones((3, 3)), cupy.ones((2, 2)), [], "Verbose", "NoCuDNN")
    printed = capsys.readouterr().out
    assert "vl_nnconv: forward; GPU; cuBLAS" in printed
    assert "vl_nnconv: data: [3 3 1 1 | double 72.0B GPU]" in printed
