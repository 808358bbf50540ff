"""Kernels of our own: where their sources are, how they are compiled, and over which grids they run.

CuPy compiles a file of kernels when one of them is first called, and keeps the result for each device, in memory and
on disk. Python's integers arrive in a kernel as 64-bit integers, its floats as doubles.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import cupy
import numpy as np

from vlnn.matlab.arrays import Array

SOURCES = Path(__file__).parent / "kernels"
THREADS = 256  # in a block
MOST_BLOCKS = 65535  # along y and z; along x there may be 2**31 - 1, but no more than this are of use
LONGEST_RUN = 64  # threads of a block along a plane's columns
GRIDS = 1024  # that are remembered, of each kind

_REALS = {np.dtype(np.float32): "float", np.dtype(np.float64): "double"}


class Grid(NamedTuple):
    """The blocks of a launch, and the threads of each, along x, y and z."""

    blocks: tuple[int, int, int]
    threads: tuple[int, int, int]


@functools.lru_cache(GRIDS)
def over_elements(count: int) -> Grid:
    """A thread for each of so many elements."""
    return _grid((count, 1, 1), (THREADS, 1, 1))


@functools.lru_cache(GRIDS)
def over_planes(height: int, width: int, planes: int, each: int = 1) -> Grid:
    """Threads for pixels: x down the columns, `each` of one thread, y across them, z from plane to plane."""
    height = -(-height // each)
    x = min(power_of_two(height), LONGEST_RUN)
    y = min(power_of_two(width), THREADS // x)
    return _grid((height, width, planes), (x, y, min(64, THREADS // (x * y))))


@functools.lru_cache(GRIDS)
def over_channels(pixels: int, depth: int, images: int) -> Grid:
    """Threads for pixels, x, of images, z; those along y share a pixel's channels. Blocks have a power of two each way.

    A block's threads read runs of 32 pixels where there are as many, and more channels at a time where there are not.
    """
    x = min(power_of_two(pixels), 32)
    y = min(power_of_two(depth), THREADS // x)
    x = min(power_of_two(pixels), THREADS // y)
    grid = _grid((pixels, 1, images), (x, y, min(64, THREADS // (x * y))))
    return grid if depth else Grid((0, 0, 0), grid.threads)


@functools.lru_cache(GRIDS)
def in_strips(strips: int, depth: int) -> Grid:
    """A block for each strip, x, of each channel, y."""
    return _grid((strips * THREADS, depth, 1), (THREADS, 1, 1))


@functools.lru_cache(GRIDS)
def in_tiles(pixels: int, depth: int, images: int, tile: int) -> Grid:
    """Blocks of 32 pixels, x, for so many channels each, y, of images, z."""
    blocks = _grid((pixels, depth, images), (32, tile, 1)).blocks
    return Grid(blocks, (32, THREADS // 32, 1))


def power_of_two(size: int) -> int:
    """The least one that is not below `size`."""
    return 1 << max(size - 1, 0).bit_length()


def _grid(sizes: tuple[int, int, int], threads: tuple[int, int, int]) -> Grid:
    x, y, z = (min(-(-size // count), MOST_BLOCKS) for size, count in zip(sizes, threads, strict=True))
    return Grid((x, y, z), threads)


def launch(file: str, name: str, like: Array, grid: Grid, *arguments: Array | int | float) -> None:
    """Run a kernel of a file in the class of `like`, unless the grid is empty."""
    if 0 not in grid.blocks:
        _kernel(file, name, like.dtype)(*grid, arguments)


@functools.cache
def _kernel(file: str, name: str, dtype: np.dtype[np.floating]) -> Callable[..., Any]:
    kernel: Callable[..., Any] = _module(file, dtype).get_function(name)
    return kernel


@functools.cache
def _module(file: str, dtype: np.dtype[np.floating]) -> Any:
    return cupy.RawModule(code=source(file), options=("-std=c++17", f"-DREAL={_REALS[dtype]}"))


@functools.cache
def source(file: str) -> str:
    """The text of a file of kernels, with what it includes in its place, where CuPy's cache sees it."""
    text = (SOURCES / f"{file}.cu").read_text(encoding="utf-8")
    return re.sub(r'#include "(\w+)\.cu"', lambda found: source(found[1]), text)
