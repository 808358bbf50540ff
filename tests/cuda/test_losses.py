"""Losses: the CUDA engine against the CPU engine."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cuda.comparing import numbers, same
from vlnn.engines.cpu import CPU

CATEGORIES = ["classerror", "topkerror", "log", "softmaxlog", "mhinge", "mshinge"]
ATTRIBUTES = ["binaryerror", "binarylog", "logistic", "hinge"]
SHAPES = st.tuples(st.integers(1, 4), st.integers(1, 9), st.integers(1, 5), st.integers(1, 5))
CLASSES = st.sampled_from([np.float32, np.float64])


def check(
    cupy: Any, loss: str, x: Any, target: Any, keep: Any, weights: Any, setting: float, whole: bool = False
) -> None:
    """Target and keep are NumPy's for either engine."""
    from vlnn.engines.cuda import CUDA

    on_device = cupy.asarray(x), target, keep, cupy.asarray(weights), setting
    off = 1e-11 if x.dtype == weights.dtype == np.float64 else 1e-5
    got = CUDA.loss_forward(loss, *on_device, whole)
    assert got.shape == ()
    same(got, CPU.loss_forward(loss, x, target, keep, weights, setting, whole), off)
    if not whole:
        same(CUDA.loss_backward(loss, *on_device), CPU.loss_backward(loss, x, target, keep, weights, setting), off)


@given(
    st.sampled_from(CATEGORIES + ATTRIBUTES), SHAPES, CLASSES, CLASSES, st.integers(0, 2**16), st.booleans(),
    st.booleans(), st.tuples(*[st.booleans()] * 4), st.booleans(),
)  # fmt: skip
@settings(max_examples=300)
def test_any(
    cupy: Any, loss: str, shape: Any, dtype: type, weight_class: type, seed: int, one_each: bool, skips: bool,
    weighed: Any, whole: bool,
) -> None:  # fmt: skip
    random = np.random.default_rng(seed)
    x = numbers(shape, dtype, seed)
    if loss in ("log", "binarylog"):
        x = (np.abs(x) % 1 * dtype(0.98) + dtype(0.01)).astype(dtype)
    if whole:
        x = np.floor(x * 3 + 1)
    images, depth, width, height = shape
    category = loss in CATEGORIES
    label_shape = (images, 1 if category else depth, *((1, 1) if one_each else (width, height)))
    target: Any = (
        random.integers(0, depth, label_shape) if category else random.choice([-1.0, 1.0], label_shape).astype(dtype)
    )
    if loss in ("classerror", "topkerror"):
        target[random.random(label_shape) < 0.2] = -1
    keep = random.random(label_shape) < 0.7 if skips else None
    if keep is not None and not category:
        target = np.where(keep, target, 0).astype(dtype)
    sizes = (images, 1 if category else depth, width, height)
    weight_shape = tuple(size if there else 1 for size, there in zip(sizes, weighed, strict=True))
    weights = np.abs(numbers(weight_shape, weight_class, seed + 1))
    setting = float(random.integers(1, depth + 1)) if loss == "topkerror" else 0.25
    with np.errstate(all="ignore"):
        check(cupy, loss, x, target, keep, weights, setting, whole)


@pytest.mark.parametrize("loss", CATEGORIES)
def test_many_classes(cupy: Any, loss: str) -> None:
    x = np.abs(numbers((5, 1000, 1, 1), np.float32, 0)) + np.float32(0.01)
    target = np.arange(5)[:, None, None, None] * 200
    check(cupy, loss, x, target, None, np.full((1, 1, 1, 1), 0.2, np.float32), 5.0)


@pytest.mark.parametrize("loss", ["classerror", "topkerror", "mhinge", "mshinge", "softmaxlog"])
def test_ties_and_nan(cupy: Any, loss: str) -> None:
    x = np.array([[1, 1, 0], [np.nan, 2, 2], [np.nan, np.nan, 1], [-np.inf, -np.inf, -np.inf]])[:, :, None, None]
    for index in range(3):
        target = np.full((4, 1, 1, 1), index)
        check(cupy, loss, x, target, None, np.ones((4, 1, 1, 1)), 1.0)
