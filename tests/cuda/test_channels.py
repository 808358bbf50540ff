"""Softmax, norms, distances and normalisation across channels: the CUDA engine against the CPU engine."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cuda.comparing import both, numbers

SHAPES = st.tuples(st.integers(1, 4), st.integers(1, 12), st.integers(1, 7), st.integers(1, 7))
CLASSES = st.sampled_from([np.float32, np.float64])
SEEDS = st.integers(0, 2**16)
TALL = [(3, 300, 1, 1), (2, 21, 17, 19), (130, 3, 1, 1), (1, 1, 40, 40), (2, 70, 1, 50)]


def check(cupy: Any, shape: tuple[int, ...], dtype: type, seed: int) -> None:
    x, dzdy = numbers(shape, dtype, seed), numbers(shape, dtype, seed + 1)
    both(cupy, "softmax_forward", x)
    both(cupy, "softmax_backward", x, dzdy)
    both(cupy, "noffset_forward", x, 0.3, 0.75)
    both(cupy, "noffset_backward", x, dzdy, 0.3, 0.75)
    for depth in (1, 2, 5, 33, 34, 2 * shape[1] + 3):
        for beta in (0.5, 0.75, 1.0, 0.6):
            both(cupy, "lrn_forward", x, depth, 1.5, 0.2, beta)
            both(cupy, "lrn_backward", x, dzdy, depth, 1.5, 0.2, beta)


@given(SHAPES, CLASSES, SEEDS)
@settings(max_examples=40)
def test_any(cupy: Any, shape: tuple[int, ...], dtype: type, seed: int) -> None:
    check(cupy, shape, dtype, seed)


@pytest.mark.parametrize("shape", TALL)
def test_layers(cupy: Any, shape: tuple[int, ...]) -> None:
    check(cupy, shape, np.float32, 0)


@given(SHAPES, CLASSES, SEEDS)
@settings(max_examples=30)
def test_specials(cupy: Any, shape: tuple[int, ...], dtype: type, seed: int) -> None:
    x, dzdy = numbers(shape, dtype, seed, specials=True), numbers(shape, dtype, seed + 1)
    both(cupy, "softmax_forward", x)
    both(cupy, "softmax_backward", x, dzdy)
    both(cupy, "noffset_forward", x, 0.3, 0.75)
    both(cupy, "lrn_forward", x, 3, 1.5, 0.2, 0.75)


@given(
    SHAPES, CLASSES, SEEDS, st.sampled_from([0.5, 1.0, 2.0, 3.0]), st.booleans(),
    st.tuples(*[st.booleans()] * 4), st.tuples(*[st.booleans()] * 3),
)  # fmt: skip
@settings(max_examples=80)
def test_pdist(
    cupy: Any, shape: Any, dtype: type, seed: int, p: float, root: bool, whole: tuple[bool, ...], of_der: Any
) -> None:
    x = numbers(shape, dtype, seed)
    x0 = numbers(tuple(size if there else 1 for size, there in zip(shape, whole, strict=True)), dtype, seed + 1)
    images, _, width, height = (
        size if there else 1 for size, there in zip(shape, (of_der[0], 0, *of_der[1:]), strict=True)
    )
    dzdy = numbers((images, 1, width, height), dtype, seed + 2)
    both(cupy, "pdist_forward", x, x0, p, root)
    off = 1e-3 if dtype is np.float32 and p < 1 else None  # close to a kink
    both(cupy, "pdist_backward", x, x0, p, root, 1e-6, dzdy, off=off)


@given(SHAPES, CLASSES, SEEDS, st.sets(st.integers(0, 3)), st.sampled_from([1.0, 2.0, 3.0, 1.5]))
@settings(max_examples=60)
def test_lp(cupy: Any, shape: Any, dtype: type, seed: int, chosen: set[int], exponent: float) -> None:
    axes = tuple(sorted(chosen))
    x, dzdy = np.abs(numbers(shape, dtype, seed)) + dtype(0.1), numbers(shape, dtype, seed + 1)
    both(cupy, "lp_norms", x, axes, exponent, 1e-2)
    norms = np.abs(numbers(tuple(1 if axis in axes else n for axis, n in enumerate(shape)), dtype, seed)) + dtype(0.5)
    both(cupy, "lp_forward", x, norms, axes)
    both(cupy, "lp_backward", x, norms, dzdy, axes, exponent)


@pytest.mark.parametrize("shape", [(0, 3, 2, 2), (2, 3, 0, 2)])
def test_nothing(cupy: Any, shape: tuple[int, ...]) -> None:
    x = np.zeros(shape, np.float32)
    both(cupy, "softmax_forward", x)
    both(cupy, "softmax_backward", x, x)
    both(cupy, "noffset_backward", x, x, 1.0, 0.5)
    both(cupy, "lrn_backward", x, x, 5, 1.0, 1.0, 0.5)
    for axes in ((1,), (0, 2), (0, 1, 2, 3)):
        both(cupy, "lp_norms", x, axes, 2.0, 1e-2)
