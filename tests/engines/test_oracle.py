"""The oracle against itself, against recorded calls, and against sums written out in full."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from tests import oracle
from tests.conformance.vectors import FOLDER, read
from tests.geometries import Call, conv, convt, small_convs, small_convts


def recorded(function: str) -> list[Any]:
    cases = read(FOLDER / f"{function}.mat")
    return [pytest.param(case, id=case.name) for case in cases if "sweep" in case.name]


def options(args: list[Any]) -> dict[str, Any]:
    return {name.lower(): value for name, value in zip(args[::2], args[1::2], strict=True)}


@pytest.mark.parametrize("case", [*recorded("vl_nnconv"), *recorded("vl_nnconvt")])
@pytest.mark.parametrize("how", [oracle.ByTaps, oracle.ByColumns])
def test_recorded(case: Any, how: type) -> None:
    x, f, b, *rest = case.args
    forward, backward = (
        (oracle.conv, oracle.conv_derivatives)
        if case.function == "vl_nnconv"
        else (oracle.convt, oracle.convt_derivatives)
    )
    if case.nargout == 1:
        results = [forward(x, f, b, **options(rest), how=how)]
    else:
        results = list(backward(x, f, rest[0], **options(rest[1:]), how=how))
    if b.size == 0:
        results = results[:2]  # and the third is []
    for result, want in zip(results, case.outputs, strict=False):
        want = want.ravel(order="F").astype(np.float64)
        limit = (1e-5 if x.dtype == np.float32 else 1e-12) * max(1.0, np.abs(want).max())
        np.testing.assert_allclose(result.ravel(order="F"), want, rtol=0, atol=limit)


def test_convolution_written_out() -> None:
    call = conv((4, 5, 4, 2), (2, 3, 2, 6), (2, 1), (1, 0, 2, 1), (1, 2))
    x, f, b, _ = call.arrays()
    y = oracle.conv(x, f, b, **call.options)
    for i, j, k, n in itertools.product(*map(range, y.shape)):
        total = b[0, k]
        for p, q, c in itertools.product(range(2), range(3), range(2)):
            row, column = 2 * i + p - 1, j + 2 * q - 2
            if 0 <= row < 4 and 0 <= column < 5:
                total += f[p, q, c, k] * x[row, column, c + 2 * (k // 3), n]
        assert y[i, j, k, n] == pytest.approx(total, abs=1e-12)


def test_transposed_convolution_written_out() -> None:
    call = convt((3, 2, 4, 2), (2, 3, 3, 4), (2, 3), (1, 0, 0, 2), 2)
    x, f, b, _ = call.arrays()
    whole = np.zeros((2 * 2 + 2, 3 * 1 + 3, 6, 2))
    for i, j, d, n in itertools.product(*map(range, x.shape)):
        group = d // 2
        whole[2 * i : 2 * i + 2, 3 * j : 3 * j + 3, 3 * group : 3 * group + 3, n] += x[i, j, d, n] * f[:, :, :, d]
    want = whole[1:, :-2] + b.reshape(1, 1, 6, 1)
    np.testing.assert_allclose(oracle.convt(x, f, b, **call.options), want, rtol=0, atol=1e-12)


@given(small_convs() | small_convts())
def test_taps_and_columns_agree(call: Call) -> None:
    x, f, b, dzdy = call.arrays()
    np.testing.assert_allclose(call.expected(x, f, b), call.expected(x, f, b, how=oracle.ByColumns), rtol=0, atol=1e-11)
    for one, other in zip(
        call.expected_derivatives(x, f, dzdy),
        call.expected_derivatives(x, f, dzdy, how=oracle.ByColumns),
        strict=True,
    ):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-11)


def test_products_of_columns_keep_nan() -> None:
    """A zero times NaN or Inf is NaN in a matrix product too, and stays in its row and column."""
    a, b = np.zeros((40, 30)), np.zeros((30, 50))
    a[7, 3], b[11, 13] = np.nan, np.inf
    with np.errstate(invalid="ignore"):
        product = a @ b
    want = np.zeros((40, 50), bool)
    want[7] = want[:, 13] = True
    np.testing.assert_array_equal(np.isnan(product), want)
