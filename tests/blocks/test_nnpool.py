"""vl_nnpool: windows, their maxima and means, the derivatives, and what it refuses."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import vlnn
from tests.derivatives import numerical
from tests.layouts import LAYOUTS
from vlnn.engines.cpu import pooling

Array = Any


class Call(NamedTuple):
    """The sizes and options of one call, and the seed of its arrays."""

    x: tuple[int, int, int, int]
    pool: tuple[int, int]
    stride: tuple[int, int]
    pad: tuple[int, int, int, int]
    method: str
    dtype: type
    seed: int

    @property
    def options(self) -> dict[str, Any]:
        return {"stride": self.stride, "pad": self.pad, "method": self.method}

    @property
    def y(self) -> tuple[int, int, int, int]:
        top, bottom, left, right = self.pad
        rows = (self.x[0] + top + bottom - self.pool[0]) // self.stride[0] + 1
        columns = (self.x[1] + left + right - self.pool[1]) // self.stride[1] + 1
        return (rows, columns, *self.x[2:])

    def arrays(self) -> tuple[Array, Array]:
        """x, of few values so that there are ties, and dzdy."""
        random = np.random.default_rng(self.seed)
        x = random.integers(-2, 3, self.x).astype(self.dtype) / 2
        return np.asfortranarray(x), np.asfortranarray(random.standard_normal(self.y).astype(self.dtype))

    def windows(self) -> Iterator[tuple[int, int, slice, slice]]:
        """The rows and columns of x in each window."""
        for i, j in itertools.product(*map(range, self.y[:2])):
            top, left = i * self.stride[0] - self.pad[0], j * self.stride[1] - self.pad[2]
            yield i, j, slice(max(top, 0), top + self.pool[0]), slice(max(left, 0), left + self.pool[1])

    def expected(self, x: Array) -> Array:
        y = np.empty(self.y)
        for i, j, rows, columns in self.windows():
            window = x[rows, columns].astype(float)
            y[i, j] = window.max(axis=(0, 1)) if self.method == "max" else window.mean(axis=(0, 1))
        return y

    def expected_derivative(self, x: Array, dzdy: Array) -> Array:
        dzdx = np.zeros(self.x)
        for i, j, rows, columns in self.windows():
            window = x[rows, columns]
            for channel, image in np.ndindex(*self.x[2:]):
                part = dzdx[rows, columns, channel, image]
                if self.method == "avg":
                    part += dzdy[i, j, channel, image] / part.size
                else:
                    first = window[..., channel, image].ravel(order="F").argmax()
                    part[np.unravel_index(first, part.shape, order="F")] += dzdy[i, j, channel, image]
        return dzdx


@st.composite
def calls(draw: st.DrawFn, most: int = 4) -> Call:
    pools, strides, sizes, pads = [], [], [], []
    for _ in range(2):
        pool, stride = draw(st.integers(1, most)), draw(st.integers(1, most))
        before, after = draw(st.integers(0, pool - 1)), draw(st.integers(0, pool - 1))
        least = max(1, pool - before - after)
        pools.append(pool)
        strides.append(stride)
        sizes.append(least + draw(st.integers(0, 3 * most)))
        pads += [before, after]
    return Call(
        (sizes[0], sizes[1], draw(st.integers(1, 3)), draw(st.integers(1, 3))),
        (pools[0], pools[1]),
        (strides[0], strides[1]),
        tuple(pads),  # type: ignore[arg-type]
        draw(st.sampled_from(["max", "avg"])),
        draw(st.sampled_from([np.float32, np.float64])),
        draw(st.integers(0, 2**16)),
    )


def check(call: Call) -> None:
    x, dzdy = call.arrays()
    before = x.tobytes(), dzdy.tobytes()
    y = vlnn.vl_nnpool(x, call.pool, **call.options)
    dzdx = vlnn.vl_nnpool(x, call.pool, dzdy, **call.options)
    limit = 1e-5 if call.dtype is np.float32 else 1e-12
    for got, want in ((y, call.expected(x)), (dzdx, call.expected_derivative(x, dzdy))):
        assert got.dtype == call.dtype
        assert got.flags.f_contiguous
        assert got.shape == want.shape
        np.testing.assert_allclose(got, want, rtol=0, atol=limit * max(1, np.abs(want).max()))
    if call.method == "max":
        np.testing.assert_array_equal(y, call.expected(x))
    assert (x.tobytes(), dzdy.tobytes()) == before


@given(calls())
@settings(max_examples=300)
def test_definition(call: Call) -> None:
    check(call)


@given(calls(most=9))
@settings(max_examples=60)
def test_large_windows(call: Call) -> None:
    check(call)


@pytest.mark.parametrize("method", ["max", "avg"])
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(
    ("x", "pool", "stride", "pad"),
    [
        ((55, 54, 9, 2), (3, 3), (2, 2), (0, 0, 0, 0)),
        ((56, 56, 4, 2), (2, 2), (2, 2), (0, 0, 0, 0)),
        ((28, 29, 5, 2), (3, 3), (1, 1), (1, 1, 1, 1)),
        ((40, 40, 3, 2), (3, 3), (2, 2), (1, 1, 1, 1)),
        ((7, 7, 70, 3), (7, 7), (1, 1), (0, 0, 0, 0)),
        ((150, 20, 3, 1), (5, 3), (2, 1), (0, 4, 1, 0)),  # places past 255
        ((13, 13, 11, 2), (6, 5), (4, 4), (0, 0, 0, 0)),
    ],
)
def test_layers(
    monkeypatch: pytest.MonkeyPatch, x: Any, pool: Any, stride: Any, pad: Any, threads: int, method: str
) -> None:
    monkeypatch.setattr(pooling, "PIECE_BYTES", 2**16)
    vlnn.settings.threads = threads
    check(Call(x, pool, stride, pad, method, np.float32, 0))


@pytest.mark.parametrize("method", ["max", "avg"])
@pytest.mark.parametrize(("pool", "stride", "pad"), [(3, 2, 1), ([2, 3], [2, 1], [1, 0, 2, 1]), (9, 1, 0), (1, 3, 0)])
def test_derivative(pool: Any, stride: Any, pad: Any, method: str) -> None:
    random = np.random.default_rng(0)
    x = random.permutation(9 * 10 * 2 * 2).reshape(9, 10, 2, 2) / 10  # no two pixels are close to each other
    options = {"stride": stride, "pad": pad, "method": method}
    dzdy = random.standard_normal(vlnn.vl_nnpool(x, pool, **options).shape)
    dzdx = vlnn.vl_nnpool(x, pool, dzdy, **options)
    expected = numerical(lambda moved: vlnn.vl_nnpool(moved, pool, **options), x, dzdy)
    np.testing.assert_allclose(dzdx, expected, rtol=0, atol=1e-8)


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
@pytest.mark.parametrize("method", ["max", "avg"])
def test_layouts(layout: Any, method: str) -> None:
    random = np.random.default_rng(1)
    x, dzdy = random.standard_normal((8, 9, 3, 2)), random.standard_normal((4, 4, 3, 2))
    options = {"stride": 2, "method": method}
    np.testing.assert_array_equal(vlnn.vl_nnpool(layout(x), 2, **options), vlnn.vl_nnpool(x, 2, **options))
    np.testing.assert_array_equal(
        vlnn.vl_nnpool(layout(x), 2, layout(dzdy), **options), vlnn.vl_nnpool(x, 2, dzdy, **options)
    )


def test_a_derivative_has_the_shape_of_x() -> None:
    assert vlnn.vl_nnpool(np.ones((4, 4)), 2, np.ones((3, 3))).shape == (4, 4)
    assert vlnn.vl_nnpool(np.ones((4, 4, 3)), 2, np.ones((3, 3, 3))).shape == (4, 4, 3)
    assert vlnn.vl_nnpool(np.ones((4, 4, 3, 2, 5)), 2, np.ones((3, 3, 3, 10))).shape == (4, 4, 3, 2, 5)
    assert vlnn.vl_nnpool(np.ones((4, 4, 3, 2, 5)), 2).shape == (3, 3, 3, 10)


def test_nothing_in_nothing_out() -> None:
    assert vlnn.vl_nnpool(np.ones((4, 4, 3, 0)), 2).shape == (3, 3, 3, 0)
    assert vlnn.vl_nnpool(np.ones((4, 4, 3, 0)), 2, np.ones((3, 3, 3, 0))).shape == (4, 4, 3, 0)
    assert vlnn.vl_nnpool(np.ones((4, 4, 3, 0)), 2, "Method", "avg").shape == (3, 3, 3, 0)


@pytest.mark.parametrize(("pool", "stride", "pad"), [(2, 2, 0), (3, 1, 1), (6, 1, 0), ([4, 3], [3, 2], [2, 1, 0, 1])])
def test_windows_of_minus_inf_have_no_derivative(pool: Any, stride: Any, pad: Any) -> None:
    x = np.full((6, 6, 2), -np.inf)
    x[0, 0, 1] = np.inf
    y = vlnn.vl_nnpool(x, pool, stride=stride, pad=pad)
    dzdx = vlnn.vl_nnpool(x, pool, np.ones_like(y), stride=stride, pad=pad)
    assert not dzdx[..., 0].any()
    assert dzdx[0, 0, 1] == (y[..., 1, 0] == np.inf).sum()
    assert dzdx.sum() == dzdx[0, 0, 1]


@pytest.mark.parametrize(("pool", "stride", "pad"), [(2, 2, 0), (3, 1, 1), (6, 1, 0), ([4, 3], [3, 2], [2, 1, 0, 1])])
def test_nan_counts_as_the_largest(pool: Any, stride: Any, pad: Any) -> None:
    random = np.random.default_rng(2)
    x = random.standard_normal((6, 6, 2))
    x[3, 2, 0], x[3, 3, 0], x[0, 0, 1] = np.nan, np.nan, -np.inf
    options = {"stride": stride, "pad": pad}
    as_numbers = np.nan_to_num(x, nan=9, neginf=-9)
    y, want = vlnn.vl_nnpool(x, pool, **options), vlnn.vl_nnpool(as_numbers, pool, **options)
    np.testing.assert_array_equal(y, np.where(want == 9, np.nan, want))
    dzdy = random.standard_normal(y.shape)
    dzdx, want = (vlnn.vl_nnpool(array, pool, dzdy, **options) for array in (x, as_numbers))
    np.testing.assert_array_equal(dzdx, want)
    averages = vlnn.vl_nnpool(x, pool, method="avg", **options)
    np.testing.assert_array_equal(np.isnan(averages), np.isnan(y))


def test_infinities_stay_in_their_windows() -> None:
    x = np.array([[np.inf, 1.0, -np.inf, 2.0]])
    assert vlnn.vl_nnpool(x, [1, 2], method="avg").ravel().tolist() == [np.inf, -np.inf, -np.inf]
    assert np.isnan(vlnn.vl_nnpool(x, [1, 4], method="avg"))


def test_options_may_be_of_any_class_but_the_window() -> None:
    x = np.arange(16.0).reshape(4, 4)
    expected = vlnn.vl_nnpool(x, 2, "Stride", 2.0)
    for stride in (np.int8(2), np.array([2, 2], np.uint16), [2], np.float32(2)):
        np.testing.assert_array_equal(vlnn.vl_nnpool(x, np.array([2, 2]), stride=stride), expected)
    with pytest.raises(vlnn.MatConvNetError, match=r"^SIZE is not a plain matrix\. Received a 1x1 array"):
        vlnn.vl_nnpool(x, np.full((1, 1), 2, np.float32))


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((np.ones((4, 4)), 2, "Pad", -3), "The pooling window is larger than the DATA (including padding)."),
        ((np.ones((4, 4)), [-1, 9]), "The pooling window is larger than the DATA (including padding)."),
        ((np.ones((4, 4)), 2, "Pad", [0, 0, 2, 0]), "A padding value is larger or equal to the size of the pooling"),
        ((np.ones((4, 4)), 2, "Method", 3), "METHOD is not a string. Received 3."),
        ((np.ones((4, 4)), 2, "Method", "median"), "METHOD is not a supported method. Received 'median'; max and avg"),
        ((np.ones((4, 4)), 2, "Strde", 3), "Unknown option 'Strde'. Did you mean 'Stride'?"),
    ],
)
def test_errors(args: Any, message: str) -> None:
    with pytest.raises(vlnn.MatConvNetError) as caught:
        vlnn.vl_nnpool(*args)
    assert str(caught.value).startswith(message)


def test_outputs() -> None:
    assert vlnn.vl_nnpool(np.ones((4, 4)), 2, nargout=0) is None
    with pytest.raises(vlnn.MatConvNetError, match=r"^Too many output arguments\."):
        vlnn.vl_nnpool(np.ones((4, 4)), 2, nargout=2)
