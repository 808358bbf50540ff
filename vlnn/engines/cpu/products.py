"""One large matrix product, shared by the threads of the engine.

BLAS could share it out by itself, but its threads then spin for about 100 ms and slow whatever comes next.
"""

from __future__ import annotations

import itertools

import numpy as np

from vlnn.engines.cpu import threads
from vlnn.matlab.arrays import Array

LEAST = 2**25  # multiplications below which a second thread costs more than it saves
MOVED = 32  # multiplications that take as long as reading or writing an element


def multiply(a: Array, b: Array, out: Array) -> Array:
    """Write ``a @ b`` into `out` and return it; rows of `out` have unit stride."""
    rows, columns = out.shape
    work = rows * columns * a.shape[1] + MOVED * (a.size + b.size + out.size)
    pieces = 1 if work < LEAST else threads.count()
    if rows >= columns:
        threads.each(lambda span: np.matmul(a[span], b, out=out[span]), _cut(rows, pieces))
    else:
        threads.each(lambda span: np.matmul(a, b[:, span], out=out[:, span]), _cut(columns, pieces))
    return out


def _cut(length: int, pieces: int) -> list[slice]:
    """Equal spans, but for the last a multiple of 16 long."""
    step = -(-length // (16 * pieces)) * 16
    bounds = [*range(0, length, step), length]
    return [slice(start, stop) for start, stop in itertools.pairwise(bounds)]
