"""The CUDA engine against the CPU engine, on the same planes."""

from __future__ import annotations

from typing import Any

import numpy as np

from vlnn.engines.cpu import CPU

Array = Any


def both(cupy: Any, operation: str, *arguments: Any, off: float | None = None) -> None:
    """Fail unless both engines make the same of the arguments; arrays among them are NumPy's."""
    from vlnn.engines.cuda import CUDA

    on_device = [on(cupy, argument) for argument in arguments]
    got, want = getattr(CUDA, operation)(*on_device), getattr(CPU, operation)(*arguments)
    if not isinstance(want, tuple):
        got, want = (got,), (want,)
    assert len(got) == len(want)
    for ours, expected in zip(got, want, strict=True):
        if expected is None:
            assert ours is None
        else:
            same(ours, expected, off)
    for argument, moved in zip(arguments, on_device, strict=True):
        if isinstance(argument, np.ndarray):
            np.testing.assert_array_equal(moved.get(), argument)  # no argument has changed


def on(cupy: Any, value: Any) -> Any:
    return cupy.asarray(value) if isinstance(value, np.ndarray) else value


def same(got: Any, want: Any, off: float | None = None) -> None:
    want = np.asarray(want)
    assert type(got).__module__ == "cupy"
    assert got.dtype == want.dtype
    assert got.shape == want.shape
    assert got.flags.c_contiguous
    if off is None:
        off = 1e-5 if want.dtype == np.float32 else 1e-11
    finite = want[np.isfinite(want)]
    scale = max(1.0, float(np.abs(finite).max(initial=0.0)))
    with np.errstate(invalid="ignore"):
        np.testing.assert_allclose(got.get() / scale, want / scale, rtol=off, atol=off)


def numbers(shape: tuple[int, ...], dtype: Any, seed: int, specials: bool = False) -> Array:
    """Planes of normal numbers, with NaN, infinities, zeros and ties strewn in if asked for."""
    random = np.random.default_rng(seed)
    planes = random.standard_normal(shape).astype(dtype)
    if specials:
        chosen = random.integers(0, 8, shape)
        for number, value in enumerate((np.nan, np.inf, -np.inf, 0.0, 1.0)):
            planes[chosen == number] = value
    return planes
