"""The recorded networks with local response normalisation, given MatConvNet's rough power: all else is exact."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.conformance.vectors import FOLDER, Case, assert_same, read

CASES = [
    case
    for name in ("vl_simplenn", "vl_simplenn_double")
    if (FOLDER / f"{name}.mat").exists()
    for case in read(FOLDER / f"{name}.mat")
    if "_bnet" in case.name
]


def rough_power(x: Any, exponent: float) -> Any:
    """x ** exponent from the bits of x: cubic polynomials for the logarithm and the exponential, to base 2."""
    number = x.dtype.type
    integer, bits = (np.int64, 52) if number is np.float64 else (np.int32, 23)
    bias = integer((1 << (10 if bits == 52 else 7)) - 1) << integer(bits)
    shifted = x.view(integer) - bias
    mantissa = ((shifted & integer((1 << bits) - 1)) + bias).view(number) - number(1)
    logarithm = (shifted >> integer(bits)).astype(number) + cubic(
        mantissa, 1.442695040888963, -0.606737602222409, 0.164042561333445
    )
    power = number(exponent) * logarithm
    whole = np.floor(power)
    result = whole + cubic(power - whole, 0.693147180559945, 0.227411277760219, 0.079441541679836)
    return ((result * number(2.0**bits)).astype(integer) + bias).view(number)


def cubic(x: Any, first: float, second: float, third: float) -> Any:
    a, b, c = map(x.dtype.type, (first, second, third))
    return x * a + x * x * b + x * x * x * c


def rough_normalize(x: Any, param: Any, dzdy: Any = None) -> Any:
    depth, kappa, alpha, beta = (float(number) for number in np.ravel(param))
    number = x.dtype.type
    before = (int(depth) - 1) // 2
    after = int(depth) - 1 - before

    def windows(values: Any, below: int, above: int) -> Any:
        channels = range(values.shape[2])
        return np.stack([values[:, :, max(k - below, 0) : k + above + 1].sum(axis=2) for k in channels], axis=2)

    energy = np.ascontiguousarray(number(kappa) + number(alpha) * windows(x * x, before, after))
    scale = rough_power(energy, -beta)
    if dzdy is None:
        return np.asfortranarray(x * scale)
    spread = windows(dzdy * x * (scale / energy), after, before)
    return np.asfortranarray(dzdy * scale - number(2 * alpha * beta) * x * spread)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.label) for case in CASES])
def test_with_the_rough_power(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vlnn.simplenn.layers.vl_nnnormalize", rough_normalize)
    for output, recorded in zip(case.call(case.args), case.outputs, strict=True):
        assert_same(output, recorded)
