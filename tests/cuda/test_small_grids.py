"""Grids that are too small for one thread to an element: the loops of every kernel go on in steps of the grid."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.cuda import test_batches, test_channels, test_convolution, test_losses, test_pooling
from tests.cuda.comparing import both, numbers
from tests.geometries import conv, convt
from vlnn.geometry import Sides, check_pool


@pytest.fixture(autouse=True)
def few_blocks(cupy: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    from vlnn.engines.cuda import launching

    grids = [
        launching.over_elements,
        launching.over_planes,
        launching.over_channels,
        launching.in_strips,
        launching.in_tiles,
    ]
    for grid in grids:
        grid.cache_clear()
    monkeypatch.setattr(launching, "MOST_BLOCKS", 2)
    yield
    for grid in grids:
        grid.cache_clear()


def test_elementwise(cupy: Any) -> None:
    x = numbers((2, 3, 40, 50), np.float32, 0)
    both(cupy, "relu_forward", x, 0.0)
    both(cupy, "sigmoid_backward", x, x)
    both(cupy, "accumulate", 2.0, x, 3.0, x)


def test_pooling_of_many_planes(cupy: Any) -> None:
    g = check_pool((140, 30, 30, 5), None, (3, 3), (2, 1), Sides(1, 1, 1, 1))
    test_pooling.check(cupy, g, np.float32, 0, False)


@pytest.mark.parametrize("call", [
    conv((30, 33, 12, 6), (3, 3, 6, 8), (1, 2), 1), convt((9, 40, 10, 9), (4, 4, 5, 10), 2, 1, 2)
], ids=str)  # fmt: skip
def test_convolutions(cupy: Any, call: Any) -> None:
    test_convolution.check(cupy, call)


@pytest.mark.parametrize("shape", [(6, 20, 20, 31), (40, 70, 2, 2)])
def test_channels_and_batches(cupy: Any, shape: tuple[int, ...]) -> None:
    test_batches.check(cupy, shape, np.float32, 0)
    test_channels.check(cupy, shape, np.float32, 0)


@pytest.mark.parametrize("loss", ["softmaxlog", "mshinge", "topkerror"])
def test_losses_of_many_pixels(cupy: Any, loss: str) -> None:
    x = numbers((20, 5, 30, 11), np.float64, 0)
    target = np.random.default_rng(0).integers(0, 5, (20, 1, 30, 11))
    test_losses.check(cupy, loss, x, target, None, np.ones((1, 1, 1, 1)), 2.0)


def test_samples_and_regions(cupy: Any) -> None:
    random = np.random.default_rng(0)
    image, grid = numbers((3, 40, 9, 8), np.float64, 0), random.uniform(-1.2, 1.2, (9, 20, 21, 2))
    both(cupy, "sampler_forward", image, grid)
    both(cupy, "sampler_backward", image, grid, numbers((9, 40, 20, 21), np.float64, 1), True)
    rois = np.concatenate([random.integers(1, 4, (30, 1)), random.uniform(0, 9, (30, 4))], axis=1)
    transform = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
    for average in (False, True):
        both(cupy, "roi_forward", image, rois, (3, 2), transform, average)
        both(cupy, "roi_backward", image, rois, numbers((30, 40, 2, 3), np.float64, 2), (3, 2), transform, average)
