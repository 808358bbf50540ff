"""The bilinear sampler and pooling of regions: the CUDA engine against the CPU engine."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cuda.comparing import both, numbers

CLASSES = st.sampled_from([np.float32, np.float64])
SEEDS = st.integers(0, 2**16)
SIDES = st.integers(1, 7)


@given(
    st.integers(1, 3), st.integers(1, 3), st.sampled_from([1, 2, 5, 16, 17, 40]), SIDES, SIDES, SIDES, SIDES, CLASSES,
    SEEDS, st.booleans(),
)  # fmt: skip
@settings(max_examples=120)
def test_sampler(
    cupy: Any, images: int, per_image: int, channels: int, width: int, height: int, wide: int, high: int, dtype: type,
    seed: int, on_pixels: bool,
) -> None:  # fmt: skip
    random = np.random.default_rng(seed)
    image = numbers((images, channels, width, height), dtype, seed)
    grid = random.uniform(-1.3, 1.3, (images * per_image, wide, high, 2)).astype(dtype)
    if on_pixels:
        grid = np.round(grid * 2) / dtype(2)
    der = numbers((images * per_image, channels, wide, high), dtype, seed + 1)
    off = 1e-4 if dtype is np.float32 else 1e-11
    both(cupy, "sampler_forward", image, grid, off=off)
    both(cupy, "sampler_backward", image, grid, der, True, off=off)
    both(cupy, "sampler_backward", image, grid, der, False, off=off)


@pytest.mark.parametrize("special", [np.nan, np.inf, -np.inf])
def test_samples_at_no_place(cupy: Any, special: float) -> None:
    image, grid = numbers((1, 2, 4, 5), np.float64, 0), np.zeros((1, 2, 2, 2))
    grid[0, 0, 0, 0] = grid[0, 1, 1, 1] = special
    both(cupy, "sampler_forward", image, grid)
    both(cupy, "sampler_backward", image, grid, np.ones((1, 2, 2, 2)), True)


def test_no_samples(cupy: Any) -> None:
    both(cupy, "sampler_forward", np.zeros((2, 3, 4, 5)), np.zeros((0, 2, 2, 2)))
    both(cupy, "sampler_backward", np.zeros((2, 0, 4, 5)), np.zeros((2, 2, 2, 2)), np.zeros((2, 0, 2, 2)), True)


@given(
    st.integers(1, 3), st.integers(1, 4), st.integers(1, 9), st.integers(1, 9), st.integers(1, 4), st.integers(1, 4),
    CLASSES, SEEDS, st.booleans(), st.sampled_from(["same", "scaled", "any"]),
)  # fmt: skip
@settings(max_examples=150)
def test_regions(
    cupy: Any, images: int, channels: int, width: int, height: int, high: int, wide: int, dtype: type, seed: int,
    average: bool, how: str,
) -> None:  # fmt: skip
    random = np.random.default_rng(seed)
    image = np.round(numbers((images, channels, width, height), dtype, seed) * 2)  # with ties
    rois = random.uniform(-4, 14, (6, 5)).astype(dtype)
    rois[:, 0] = random.integers(-1, images + 2, 6)
    if how == "same":
        rois = np.round(rois * 2) / dtype(2)
    transform = {
        "same": (1.0, 0.0, 0.0, 1.0, 0.0, 0.0),
        "scaled": (1 / 16, 0.0, 0.0, 1 / 16, 15 / 16, 15 / 16),
        "any": tuple(random.normal(size=6)),
    }[how]
    der = numbers((6, channels, wide, high), dtype, seed + 1)
    both(cupy, "roi_forward", image, rois, (high, wide), transform, average)
    both(cupy, "roi_backward", image, rois, der, (high, wide), transform, average)


def test_regions_nowhere(cupy: Any) -> None:
    image = numbers((2, 2, 5, 6), np.float64, 0)
    image[0, 0] = -np.inf
    rois = np.array(
        [[np.nan, 1, 1, 3, 3], [1, np.nan, 1, np.inf, 3], [2, -1e300, 2, 1e300, 4], [np.inf, 50, 50, 60, 60]]
    )
    settings_of_call: Any = (2, 2), (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
    der = numbers((4, 2, 2, 2), np.float64, 1)
    for average in (False, True):
        both(cupy, "roi_forward", image, rois, *settings_of_call, average)
        if not average:
            both(cupy, "roi_backward", image, rois, der, *settings_of_call, average)
