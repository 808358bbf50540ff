"""Derivatives against finite differences, in double."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.derivatives import numerical
from tests.toolbox.reference import MAKERS, numbers


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize(
    ("stride", "crop"), [(1, 0), (2, 1), (3, "same"), (2, "same")], ids=["plain", "cropped", "appended", "same"]
)
def test_derivatives(dims: int, stride: int, crop: Any) -> None:
    taps, size = (2, 3, 2)[:dims], (3, 2, 3)[:dims]
    layer = MAKERS[dims](
        taps, 2, "Stride", stride, "Cropping", crop, "Weights", numbers(*taps, 2, 3), "Bias", numbers(2)
    )
    x = numbers(*size, 3, 2, seed=1)
    dzdy = numbers(*layer.predict(x).shape, seed=2)
    dzdx, dzdw, dzdb = layer.backward(x, dzdy)

    def of(name: str) -> Any:
        def function(value: Any) -> Any:
            other = layer.copy()
            setattr(other, name, value)
            return other.predict(x)

        return function

    np.testing.assert_allclose(dzdx, numerical(layer.predict, x, dzdy), atol=1e-7)
    np.testing.assert_allclose(dzdw, numerical(of("Weights"), layer.Weights, dzdy), atol=1e-7)
    np.testing.assert_allclose(dzdb, numerical(of("Bias"), layer.Bias, dzdy), atol=1e-7)
    for derivative, value in ((dzdx, x), (dzdw, layer.Weights), (dzdb, layer.Bias)):
        assert derivative.shape == value.shape
        assert derivative.flags.f_contiguous
