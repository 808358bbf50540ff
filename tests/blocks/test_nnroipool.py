"""vl_nnroipool: which pixels make a bin, the derivative, and what it refuses."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import vlnn
from tests.layouts import LAYOUTS

Array = Any


def bins(first: int, last: int, count: int, size: int) -> list[tuple[int, int]]:
    """The pixels of each bin of a region from `first` to `last`, counted from 1; exact for whole lengths."""
    length = max(last - first + 1, 1)
    ranges = [(p * length // count, -(-(p + 1) * length // count)) for p in range(count)]
    return [tuple(min(max(at + first - 1, 0), size) for at in each) for each in ranges]  # type: ignore[misc]


def by_definition(x: Array, rois: Array, high: int, wide: int, pool: Any) -> Array:
    height, width, channels, images = x.shape
    y = np.zeros((high, wide, channels, rois.shape[1]))
    for k, (t, u0, v0, u1, v1) in enumerate(rois.T.astype(int)):
        image = x[..., min(max(t, 1), images) - 1]
        for p, (top, bottom) in enumerate(bins(v0, v1, high, height)):
            for q, (left, right) in enumerate(bins(u0, u1, wide, width)):
                if top < bottom and left < right:
                    y[p, q, :, k] = pool(image[top:bottom, left:right], axis=(0, 1))
    return y


def regions(rng: np.random.Generator, count: int) -> Array:
    """Regions in and around an image, some of them upside down."""
    return np.vstack((rng.integers(0, 5, (1, count)), rng.integers(-3, 12, (4, count)))).astype(float)


@given(
    subdivisions=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    method=st.sampled_from(["max", "avg"]),
    single=st.booleans(),
    seed=st.integers(0, 2**32),
)
def test_definition(subdivisions: tuple[int, int], method: str, single: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    dtype = np.float32 if single else np.float64
    x, rois = rng.standard_normal((8, 9, 3, 2)).astype(dtype), regions(rng, 6)
    # Thirds and fifths of a region are not exact: keep to lengths where that does not matter.
    rois[3:] = rois[1:3] + 2 * np.array([[subdivisions[1]], [subdivisions[0]]]) - 1
    y = vlnn.vl_nnroipool(x, rois.astype(dtype), method=method, subdivisions=subdivisions)
    assert y.dtype == dtype
    assert y.flags.f_contiguous
    expected = by_definition(x, rois, *subdivisions, np.max if method == "max" else np.mean)
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-5 if single else 1e-12)


@pytest.mark.parametrize("method", ["max", "avg"])
def test_derivative(method: str) -> None:
    rng = np.random.default_rng(0)
    x = rng.permutation(8 * 9 * 3 * 2).reshape(8, 9, 3, 2) / 10.0  # no two pixels close to each other
    rois, options = regions(rng, 7), {"method": method, "subdivisions": [2, 3]}
    dzdy = rng.standard_normal((2, 3, 3, 7))
    dzdx = vlnn.vl_nnroipool(x, rois, dzdy, **options)
    assert dzdx.shape == x.shape
    step, expected = 1e-3, np.empty_like(x)
    for place in np.ndindex(*x.shape):
        moved = x.copy()
        moved[place] += step
        above = vlnn.vl_nnroipool(moved, rois, **options)
        moved[place] -= 2 * step
        expected[place] = ((above - vlnn.vl_nnroipool(moved, rois, **options)) * dzdy).sum() / (2 * step)
    np.testing.assert_allclose(dzdx, expected, rtol=0, atol=1e-9)


def test_bins_share_pixels() -> None:
    x = np.arange(1.0, 6).reshape(5, 1)
    y = vlnn.vl_nnroipool(x, np.array([1.0, 1, 1, 1, 5]), "Subdivisions", [2, 1])
    assert y.ravel().tolist() == [3, 5]  # rows 1 to 3 and 3 to 5
    dzdx = vlnn.vl_nnroipool(-x, np.array([1.0, 1, 1, 1, 5]), np.ones((2, 1)), "Subdivisions", [2, 1])
    assert dzdx.ravel().tolist() == [1, 0, 1, 0, 0]


def test_the_first_maximum_gets_the_derivative() -> None:
    x = np.array([[0.0, 2, 2], [2, 0, 2]])
    dzdx = vlnn.vl_nnroipool(x, np.array([1.0, 1, 1, 3, 2]), np.ones((1, 1)))
    assert dzdx.tolist() == [[0, 0, 0], [1, 0, 0]]
    assert not vlnn.vl_nnroipool(np.full((2, 2), -np.inf), np.array([1.0, 1, 1, 2, 2]), np.ones((1, 1))).any()


def test_one_number_of_subdivisions_stands_for_both() -> None:
    rng = np.random.default_rng(1)
    x, rois = rng.standard_normal((8, 9, 3, 2)), regions(rng, 4)
    one, two = (vlnn.vl_nnroipool(x, rois, "Subdivisions", value) for value in (3, [3, 3]))
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(
    ("transform", "matrix"),
    [
        (0.5, [0.5, 0, 0, 0.5, 0.5, 0.5]),
        ([0.5, 2], [0.5, 0, 0, 2, 0.5, -1]),
        (np.array([[0.5, 0, 1], [0, 1, -1]]), [0.5, 0, 0, 1, 1, -1]),
    ],
)
def test_transforms(transform: Any, matrix: list[float]) -> None:
    rng = np.random.default_rng(2)
    x, rois = rng.standard_normal((8, 9, 3, 2)), regions(rng, 6)
    y = vlnn.vl_nnroipool(x, rois, transform=transform, subdivisions=2)
    a, b, c, d, e, f = matrix
    mapped = rois.copy()
    for u, v in ((1, 2), (3, 4)):
        mapped[u] = a * rois[u] + c * rois[v] + e
        mapped[v] = b * rois[u] + d * rois[v] + f
    np.testing.assert_array_equal(y, vlnn.vl_nnroipool(x, mapped, subdivisions=2))


def test_corners_are_rounded_away_from_zero() -> None:
    x = np.arange(1.0, 10).reshape(1, 9)
    rois = np.array([[1, 2.5, 1, 4.4, 1], [1, 0.49999999999999994, 1, 1, 1], [1, -0.5, 1, 1, 1]]).T
    assert vlnn.vl_nnroipool(-x, rois).ravel().tolist() == [-3, -1, -1]
    assert vlnn.vl_nnroipool(x, rois).ravel().tolist() == [4, 1, 1]


def test_regions_that_are_nowhere() -> None:
    x = np.ones((4, 4, 2))
    rois = np.array([[1, np.nan, 1, 3, 3], [1, 1e300, 1, 1e300, 3], [np.nan, 1, 1, 4, 4], [9, -1e300, 1, 1e300, 4]]).T
    y = vlnn.vl_nnroipool(x, rois)
    assert y[..., :, 1].tolist() == [[[0, 0]]]
    assert y[..., :, 2:].min() == 1
    assert math.isfinite(y.sum())


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
@pytest.mark.parametrize("method", ["max", "avg"])
def test_layouts(layout: Any, method: str) -> None:
    rng = np.random.default_rng(3)
    x, rois, dzdy = rng.standard_normal((8, 9, 3, 2)), regions(rng, 4), rng.standard_normal((2, 2, 3, 4))
    options = {"method": method, "subdivisions": 2}
    np.testing.assert_array_equal(
        vlnn.vl_nnroipool(layout(x), layout(rois), **options), vlnn.vl_nnroipool(x, rois, **options)
    )
    np.testing.assert_array_equal(
        vlnn.vl_nnroipool(layout(x), layout(rois), layout(dzdy), **options), vlnn.vl_nnroipool(x, rois, dzdy, **options)
    )


@pytest.mark.parametrize("method", ["max", "avg"])
def test_threads_change_nothing(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vlnn.engines.cpu.regions.LEAST_PIXELS", 1)
    rng = np.random.default_rng(4)
    x, rois, dzdy = rng.standard_normal((8, 9, 13, 2)), regions(rng, 9), rng.standard_normal((3, 2, 13, 9))
    results = []
    for count in (1, 4):
        vlnn.settings.threads = count
        results.append(
            [
                vlnn.vl_nnroipool(x, rois, method=method, subdivisions=[3, 2]),
                vlnn.vl_nnroipool(x, rois, dzdy, method=method, subdivisions=[3, 2]),
            ]
        )
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"method": "min"}, "METHOD is not a supported method."),
        ({"subdivisions": [1, 2, 3]}, "SUBDIVISIONS does not have one or two elements."),
        ({"subdivisions": 0.5}, "SUBDIVISIONS has an element smaller than 1."),
        ({"subdivisions": "2"}, "SUBDIVISIONS is not a plain matrix."),
        ({"transform": [1, 2, 3]}, "TRANSFORM is neither a 1 x 1, 2 x 1, or 2 x 3 matrix."),
        ({"transform": "2"}, "TRANSFORM is not a plain matrix."),
        ({"cudnn": True}, "Unknown option 'cudnn'."),
    ],
)
def test_bad_options(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(vlnn.MatConvNetError) as caught:
        vlnn.vl_nnroipool(np.ones((4, 4)), np.array([1.0, 1, 1, 2, 2]), **options)
    assert str(caught.value).startswith(sentence)


def test_no_image() -> None:
    with pytest.raises(vlnn.MatConvNetError, match=r"^DATA is empty"):
        vlnn.vl_nnroipool(np.ones((4, 4, 2, 0)), np.array([1.0, 1, 1, 2, 2]))
