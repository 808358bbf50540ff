"""Batch normalisation and sums over channels: the CUDA engine against the CPU engine, and against double."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cuda.comparing import both, numbers

SHAPES = st.tuples(st.integers(1, 5), st.integers(1, 6), st.integers(1, 9), st.integers(1, 9))
CLASSES = st.sampled_from([np.float32, np.float64])
SEEDS = st.integers(0, 2**16)


def check(cupy: Any, shape: tuple[int, ...], dtype: type, seed: int) -> None:
    image, der = numbers(shape, dtype, seed), numbers(shape, dtype, seed + 1)
    multipliers, biases = numbers((2, shape[1]), dtype, seed + 2)
    moments = np.abs(numbers((2, shape[1]), dtype, seed + 3)) + dtype(0.5)
    for given_moments in (None, moments):
        both(cupy, "bnorm_forward", image, multipliers, biases, given_moments, 1e-2)
        both(cupy, "bnorm_backward", image, der, multipliers, given_moments, 1e-2)
    both(cupy, "sum_per_channel", der)


@given(SHAPES, CLASSES, SEEDS)
@settings(max_examples=60)
def test_any(cupy: Any, shape: tuple[int, ...], dtype: type, seed: int) -> None:
    check(cupy, shape, dtype, seed)


@pytest.mark.parametrize("shape", [(3, 2, 55, 57), (70, 3, 1, 1), (2, 300, 3, 3), (1, 1, 300, 40), (600, 2, 2, 2)])
def test_layers(cupy: Any, shape: tuple[int, ...]) -> None:
    check(cupy, shape, np.float32, 0)


def test_far_from_zero(cupy: Any) -> None:
    """A mean that is large beside the deviation costs nothing: the sums are about a number of the channel."""
    from vlnn.engines.cuda import CUDA

    image = numbers((4, 3, 20, 30), np.float32, 0) + np.float32(10000)
    _, moments = CUDA.bnorm_forward(cupy.asarray(image), *cupy.ones((2, 3), np.float32), None, 0.0)
    wide = image.astype(np.float64)
    want = np.array([wide.mean(axis=(0, 2, 3)), wide.std(axis=(0, 2, 3))])
    np.testing.assert_allclose(moments.get(), want, rtol=2e-7)


@pytest.mark.parametrize("special", [np.nan, np.inf])
@pytest.mark.parametrize("place", [0, 5])
def test_specials_stay_in_their_channel(cupy: Any, special: float, place: int) -> None:
    image = numbers((2, 3, 4, 5), np.float64, 0)
    image[0, 1].reshape(-1)[place] = special
    both(cupy, "bnorm_forward", image, np.ones(3), np.zeros(3), None, 1e-4)


@pytest.mark.parametrize("shape", [(0, 3, 2, 2), (2, 0, 2, 2), (2, 3, 0, 2)])
def test_nothing(cupy: Any, shape: tuple[int, ...]) -> None:
    both(cupy, "sum_per_channel", np.zeros(shape))
