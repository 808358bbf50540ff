"""Operations on single elements: the CUDA engine against the CPU engine."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cuda.comparing import both, numbers, same

SHAPES = st.tuples(*[st.integers(1, 7)] * 4)
CLASSES = st.sampled_from([np.float32, np.float64])
SEEDS = st.integers(0, 2**16)
EMPTY = [(0, 3, 2, 2), (2, 0, 1, 1), (1, 1, 0, 5)]


@given(SHAPES, CLASSES, CLASSES, SEEDS, st.sampled_from([0.0, 0.1, -2.0]))
def test_relu(cupy: Any, shape: tuple[int, ...], dtype: type, other: type, seed: int, leak: float) -> None:
    x, dzdy = numbers(shape, dtype, seed, specials=True), numbers(shape, other, seed + 1)
    both(cupy, "relu_forward", x, leak)
    both(cupy, "relu_backward", x, dzdy, leak)


@given(SHAPES, CLASSES, SEEDS)
def test_sigmoid(cupy: Any, shape: tuple[int, ...], dtype: type, seed: int) -> None:
    x, dzdy = numbers(shape, dtype, seed, specials=True), numbers(shape, dtype, seed + 1)
    both(cupy, "sigmoid_forward", x)
    both(cupy, "sigmoid_backward", x, dzdy)


@given(SHAPES, CLASSES, SEEDS)
def test_spnorm(cupy: Any, shape: tuple[int, ...], dtype: type, seed: int) -> None:
    x, energy, dzdy, spill = (numbers(shape, dtype, seed + i) for i in range(4))
    both(cupy, "spnorm_forward", x, energy**2, 0.4, 0.75)
    both(cupy, "spnorm_backward", x, energy**2, dzdy, spill, 0.4, 0.75)


@given(SHAPES, CLASSES, SEEDS, st.sampled_from(["whole", "one", "channels"]))
def test_sums_and_products(cupy: Any, shape: tuple[int, ...], dtype: type, seed: int, spread: str) -> None:
    a = numbers(shape, dtype, seed)
    size = {"whole": shape, "one": (1, 1, 1, 1), "channels": (1, shape[1], 1, 1)}[spread]
    b = numbers(size, dtype, seed + 1)
    both(cupy, "accumulate", 2, a, -0.5, b)
    both(cupy, "product", np.dtype(dtype), a, 3.0, b)
    both(cupy, "product", np.dtype(np.float64), 3.0)
    both(cupy, "multiply", a, a)
    both(cupy, "scale", -1, a)
    both(cupy, "total", a)


@pytest.mark.parametrize("shape", EMPTY)
def test_nothing(cupy: Any, shape: tuple[int, ...]) -> None:
    x = numbers(shape, np.float32, 0)
    both(cupy, "relu_forward", x, 0.0)
    both(cupy, "relu_backward", x, x, 0.1)
    both(cupy, "sigmoid_forward", x)
    both(cupy, "accumulate", 1.0, x, 2.0, x)
    both(cupy, "total", x)


@pytest.mark.parametrize("rate", [0.0, 0.3, 1.0])
def test_dropout_mask(cupy: Any, rate: float) -> None:
    from vlnn.engines.cuda import CUDA

    for dtype in (np.float32, np.float64):
        both(cupy, "dropout_mask", (3, 4, 5, 6), np.dtype(dtype), rate, 7)  # a seed gives the CPU's numbers
        mask = CUDA.dropout_mask((3, 4, 5, 6), np.dtype(dtype), rate, None).get()
        scale = np.inf if rate == 1 else 1 / (1 - rate)
        kept = mask[~np.isnan(mask)]
        assert set(kept.tolist()) <= {0.0, float(dtype(scale))}
        if rate == 0.3:
            assert 0.6 < np.count_nonzero(mask) / mask.size < 0.8


def test_moving(cupy: Any) -> None:
    from vlnn.engines.cuda import CUDA

    planes = numbers((2, 3, 4, 5), np.float32, 0)
    both(cupy, "uncrop", planes, (2, 3, 6, 7), (slice(None), slice(None), slice(1, 5), slice(2, 7)))
    both(cupy, "uncrop", planes[:1, :1, :1, :1], (2, 3, 6, 7), (slice(None), slice(None), slice(1, 5), slice(2, 7)))
    both(cupy, "crop", planes, (slice(None), slice(1, 2), slice(1, 4), slice(0, 3)))
    for axis in range(4):
        same(CUDA.concatenate([cupy.asarray(planes)] * 3, axis), np.concatenate([planes] * 3, axis))
    whole = cupy.asarray(planes)
    cropped = CUDA.crop(whole, (slice(None),) * 4)
    cropped[...] = 0
    assert whole.any()
