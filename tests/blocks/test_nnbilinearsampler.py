"""vl_nnbilinearsampler: what it reads, its derivatives, and what it refuses."""

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


def by_definition(x: Array, grid: Array) -> Array:
    """One sample after the other; what lies before the first pixel is outside, as in MatConvNet."""
    height, width, channels, images = x.shape
    _, rows, columns, grids = grid.shape
    y = np.zeros((rows, columns, channels, grids))
    for g in range(grids):
        image = x[..., g // (grids // images)]
        for r in range(rows):
            for c in range(columns):
                v = (grid[0, r, c, g] + 1) * (height - 1) / 2
                u = (grid[1, r, c, g] + 1) * (width - 1) / 2
                if not (0 <= v < height and 0 <= u < width):
                    continue
                top, left = math.floor(v), math.floor(u)
                for i in range(top, min(top + 2, height)):
                    for j in range(left, min(left + 2, width)):
                        y[r, c, :, g] += (1 - abs(v - i)) * (1 - abs(u - j)) * image[i, j]
    return y


def between_pixels(rng: np.random.Generator, shape: tuple[int, ...], height: int, width: int) -> Array:
    """A grid whose samples keep away from the pixels, where the derivative jumps; some lie outside."""
    rows, columns = (rng.integers(-1, size + 1, shape) + rng.uniform(0.1, 0.9, shape) for size in (height, width))
    return np.stack((rows * 2 / (height - 1) - 1, columns * 2 / (width - 1) - 1))


def slope(f: Any, x: Array, step: float = 1e-6) -> Array:
    """The derivative of the number f(x) in each element of x."""
    slopes = np.empty_like(x)
    for place in np.ndindex(*x.shape):
        at = x.copy()
        at[place] = x[place] + step
        above = f(at)
        at[place] = x[place] - step
        slopes[place] = (above - f(at)) / (2 * step)
    return slopes


@given(
    size=st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(1, 4), st.integers(1, 3)),
    output=st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(1, 3)),
    single=st.booleans(),
    seed=st.integers(0, 2**32),
)
def test_definition(size: tuple[int, int, int, int], output: tuple[int, int, int], single: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, columns, per_image = output
    dtype = np.float32 if single else np.float64
    x = rng.standard_normal(size).astype(dtype)
    grid = rng.uniform(-1.5, 1.5, (2, rows, columns, per_image * size[3])).astype(dtype)
    y = vlnn.vl_nnbilinearsampler(x, grid)
    assert y.dtype == dtype
    assert y.flags.f_contiguous
    np.testing.assert_allclose(y, by_definition(x, grid), rtol=0, atol=1e-4 if single else 1e-12)


@pytest.mark.parametrize(("channels", "per_image"), [(1, 1), (3, 2), (150, 1)])
def test_derivatives(channels: int, per_image: int) -> None:
    rng = np.random.default_rng(1)
    x = rng.standard_normal((5, 4, channels, 2))
    grid = between_pixels(rng, (2, 3, 2 * per_image), 5, 4)
    dzdy = rng.standard_normal((2, 3, channels, 2 * per_image))
    dzdx, dzdgrid = vlnn.vl_nnbilinearsampler(x, grid, dzdy)
    assert (dzdx.shape, dzdgrid.shape) == (x.shape, grid.shape)
    along = rng.standard_normal(x.shape)  # y is linear in x
    change = (vlnn.vl_nnbilinearsampler(along, grid) * dzdy).sum()
    np.testing.assert_allclose((along * dzdx).sum(), change, rtol=1e-10)
    expected = slope(lambda at: (vlnn.vl_nnbilinearsampler(x, at) * dzdy).sum(), grid)
    np.testing.assert_allclose(dzdgrid, expected, rtol=0, atol=1e-6)


def test_the_corners_are_the_centres_of_the_outer_pixels() -> None:
    x = np.arange(12.0).reshape(3, 4, order="F")
    grid = np.array([[[-1, -1], [1, 1]], [[-1, 1], [-1, 1]]], float)
    np.testing.assert_array_equal(vlnn.vl_nnbilinearsampler(x, grid)[..., 0, 0], [[0, 9], [2, 11]])


def test_samples_that_are_nowhere_read_zero() -> None:
    x = np.full((3, 3, 2), np.inf)
    grid = np.array([[np.nan, 0, np.inf, 0, 1e300, -1.001], [0, np.nan, 0, -np.inf, 0, 0]])[:, :, None]
    assert not vlnn.vl_nnbilinearsampler(x, grid).any()
    dzdx, dzdgrid = vlnn.vl_nnbilinearsampler(x, grid, np.ones((6, 1, 2)))
    assert not dzdx.any()
    assert not np.nan_to_num(dzdgrid[:, 1:-1]).any()


def test_a_nan_shows_where_it_is_read() -> None:
    x = np.zeros((4, 4))
    x[0, 0] = np.nan
    inside = np.linspace(0.1, 1.5, 8)
    y = vlnn.vl_nnbilinearsampler(x, np.stack([inside, inside])[:, :, None])
    assert not np.isnan(y).any()


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_layouts(layout: Any) -> None:
    rng = np.random.default_rng(2)
    x, grid = rng.standard_normal((5, 6, 3, 2)), rng.uniform(-1.2, 1.2, (2, 4, 3, 4))
    dzdy = rng.standard_normal((4, 3, 3, 4))
    y = vlnn.vl_nnbilinearsampler(x, grid)
    np.testing.assert_array_equal(vlnn.vl_nnbilinearsampler(layout(x), layout(grid)), y)
    expected = vlnn.vl_nnbilinearsampler(x, grid, dzdy)
    for one, other in zip(vlnn.vl_nnbilinearsampler(layout(x), layout(grid), layout(dzdy)), expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("channels", [3, 300])
@pytest.mark.parametrize("images", [1, 5])
def test_threads_and_pieces_change_nothing(channels: int, images: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    x = rng.standard_normal((9, 8, channels, images))
    grid = rng.uniform(-1.1, 1.1, (2, 7, 6, 2 * images))
    dzdy = rng.standard_normal((7, 6, channels, 2 * images))
    vlnn.settings.threads = 1
    whole = [vlnn.vl_nnbilinearsampler(x, grid), *vlnn.vl_nnbilinearsampler(x, grid, dzdy)]
    vlnn.settings.threads = 4
    monkeypatch.setattr("vlnn.engines.cpu.sampling.BLOCK_BYTES", 2**12)
    monkeypatch.setattr("vlnn.engines.cpu.sampling.LEAST_BYTES", 2**10)
    monkeypatch.setattr("vlnn.engines.cpu.gathering.BLOCK", 2**4)
    monkeypatch.setattr("vlnn.engines.cpu.gathering.LEAST_SAMPLES", 1)
    pieces = [vlnn.vl_nnbilinearsampler(x, grid), *vlnn.vl_nnbilinearsampler(x, grid, dzdy)]
    for one, other in zip(pieces, whole, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-11)


def test_nothing_to_sample() -> None:
    x = np.ones((3, 3, 2, 2))
    assert vlnn.vl_nnbilinearsampler(x, np.ones((2, 4, 5, 0))).shape == (4, 5, 2, 0)
    dzdx, dzdgrid = vlnn.vl_nnbilinearsampler(x, np.ones((2, 4, 5, 0)), np.ones((4, 5, 2, 0)))
    assert not dzdx.any()
    assert dzdgrid.shape == (2, 4, 5, 0)
    with pytest.raises(vlnn.MatConvNetError, match=r"^GRID batch-size is not a multiple of DATA batch-size"):
        vlnn.vl_nnbilinearsampler(np.ones((3, 3, 2, 0)), np.ones((2, 4, 5)))


def test_nargout() -> None:
    x, grid, dzdy = np.ones((3, 3)), np.zeros((2, 2, 2)), np.ones((2, 2))
    assert vlnn.vl_nnbilinearsampler(x, grid, dzdy, nargout=1).shape == (3, 3)
    assert len(vlnn.vl_nnbilinearsampler(x, grid, dzdy, nargout=2)) == 2
    assert vlnn.vl_nnbilinearsampler(x, grid, dzdy, nargout=0) is None
    with pytest.raises(vlnn.MatConvNetError, match=r"^Too many output arguments"):
        vlnn.vl_nnbilinearsampler(x, grid, nargout=2)


def test_a_message_names_the_sizes() -> None:
    sentence = r"^GRID has 3 channels; expected 2\. Received DATA 4x4x1x1, GRID 3x2x2x1\.$"
    with pytest.raises(vlnn.MatConvNetError, match=sentence):
        vlnn.vl_nnbilinearsampler(np.ones((4, 4)), np.ones((3, 2, 2)))


def test_flags_stay_in_force() -> None:
    vlnn.vl_nnbilinearsampler(np.ones((2, 2)), np.zeros((2, 1, 1)), "NoCuDNN")
    assert not vlnn.settings.cudnn
