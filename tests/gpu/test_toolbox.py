"""The layers of the toolbox on CuPy's arrays, which go to the same engine as vl_nnconvt's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import vlnn
from tests.gpu.conftest import obstacle
from tests.toolbox.reference import MAKERS, numbers

pytestmark = pytest.mark.gpu
if obstacle():
    pytest.skip(obstacle(), allow_module_level=True)


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("crop", [1, "same"])
@pytest.mark.parametrize("stride", [2, 5])
@pytest.mark.parametrize("cudnn", [True, False])
def test_layer(dims: int, crop: Any, stride: int, cudnn: bool, cupy: Any) -> None:
    taps = (3, 2, 4)[:dims]
    x, w, b = numbers(*(4, 3, 5)[:dims], 3, 2), numbers(*taps, 5, 3), numbers(5)
    layer = MAKERS[dims](taps, 5, "Stride", stride, "Cropping", crop, "Weights", w, "Bias", b)
    y = layer.predict(x)
    want = [y, *layer.backward(x, y)]
    with vlnn.settings.scoped(cudnn=cudnn):
        got = [layer.predict(cupy.asarray(x)), *layer.backward(cupy.asarray(x), cupy.asarray(y))]
    for one, other in zip(got, want, strict=True):
        assert isinstance(one, cupy.ndarray)
        np.testing.assert_allclose(one.get(), other, atol=1e-10)


def test_initialize(cupy: Any) -> None:
    layer = vlnn.transposedConv2dLayer(3, 5).initialize(cupy.ones((4, 4, 3)), rng=0)
    assert isinstance(layer.Weights, cupy.ndarray)
    on_cpu = vlnn.transposedConv2dLayer(3, 5).initialize(np.ones((4, 4, 3)), rng=0)
    np.testing.assert_array_equal(layer.Weights.get(), on_cpu.Weights)


def test_dltranspconv(cupy: Any) -> None:
    x, w = numbers(4, 5, 6, 2), numbers(2, 3, 4, 2, 3)
    y = vlnn.dltranspconv(cupy.asarray(x), cupy.asarray(w), 2, Stride=2, DilationFactor=2)
    np.testing.assert_allclose(y.get(), vlnn.dltranspconv(x, w, 2, Stride=2, DilationFactor=2), atol=1e-10)
