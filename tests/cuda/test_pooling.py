"""Pooling: the CUDA engine against the CPU engine."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cuda.comparing import both, numbers
from vlnn.geometry import PoolGeometry, Sides, check_pool


@st.composite
def poolings(draw: st.DrawFn, largest: int = 9) -> PoolGeometry:
    pool = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    stride = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    pad = Sides(*(draw(st.integers(0, size - 1)) for size in (pool[0], pool[0], pool[1], pool[1])))
    height = draw(st.integers(max(1, pool[0] - pad.top - pad.bottom), largest))
    width = draw(st.integers(max(1, pool[1] - pad.left - pad.right), largest))
    return check_pool((height, width, draw(st.integers(1, 4)), draw(st.integers(1, 3))), None, pool, stride, pad)


def check(cupy: Any, g: PoolGeometry, dtype: type, seed: int, specials: bool) -> None:
    image = numbers((g.batch, g.channels, g.image_width, g.image_height), dtype, seed, specials)
    der = numbers((g.batch, g.channels, g.output_width, g.output_height), dtype, seed + 1)
    both(cupy, "pool_max_forward", g, image)
    both(cupy, "pool_max_backward", g, image, der)
    both(cupy, "pool_average_backward", g, der)
    both(cupy, "pool_average_forward", g, image)


@given(poolings(), st.sampled_from([np.float32, np.float64]), st.integers(0, 2**16), st.booleans())
@settings(max_examples=200)
def test_any(cupy: Any, g: PoolGeometry, dtype: type, seed: int, specials: bool) -> None:
    check(cupy, g, dtype, seed, specials)


@pytest.mark.parametrize(
    ("size", "pool", "stride", "pad"),
    [
        ((55, 55, 6, 2), (3, 3), (2, 2), (0, 0, 0, 0)),
        ((65, 70, 3, 1), (2, 2), (2, 2), (0, 1, 0, 1)),
        ((130, 7, 2, 2), (3, 3), (1, 1), (1, 1, 1, 1)),
        ((7, 7, 40, 3), (7, 7), (1, 1), (0, 0, 0, 0)),
    ],
)
def test_layers(cupy: Any, size: Any, pool: Any, stride: Any, pad: Any) -> None:
    check(cupy, check_pool(size, None, pool, stride, Sides(*pad)), np.float32, 0, False)


@pytest.mark.parametrize("size", [(4, 4, 3, 0), (4, 4, 0, 0)])
def test_no_images(cupy: Any, size: Any) -> None:
    check(cupy, check_pool(size, None, (2, 2), (1, 1), Sides(0, 0, 0, 0)), np.float64, 0, False)


def test_all_minus_infinity_passes_nothing_on(cupy: Any) -> None:
    g = check_pool((4, 4, 1, 1), None, (2, 2), (2, 2), Sides(0, 0, 0, 0))
    image = np.full((1, 1, 4, 4), -np.inf, np.float32)
    both(cupy, "pool_max_backward", g, image, np.ones((1, 1, 2, 2), np.float32))
