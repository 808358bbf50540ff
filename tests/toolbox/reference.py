"""Transposed convolution from its definition, in double, over any number of dimensions; and layers to try it on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import vlnn

Array = Any
MAKERS = {1: vlnn.transposedConv1dLayer, 2: vlnn.transposedConv2dLayer, 3: vlnn.transposedConv3dLayer}


def numbers(*size: int, seed: int = 0) -> Array:
    return np.asfortranarray(np.random.default_rng(seed).standard_normal(size))


def whole(x: Array, weights: Array, stride: Sequence[int], dilation: Sequence[int] | None = None) -> Array:
    """Y[s i + d k] += X[i] W[k], nothing cut off: (n..., C, N) and (k..., F, C) to (m..., F, N)."""
    dims = weights.ndim - 2
    dilation = dilation or (1,) * dims
    taps, size = weights.shape[:dims], x.shape[:dims]
    reach = [s * (n - 1) + d * (k - 1) + 1 for s, n, d, k in zip(stride, size, dilation, taps, strict=True)]
    y = np.zeros((*reach, weights.shape[-2], x.shape[-1]))
    for tap in np.ndindex(taps):
        place = tuple(
            slice(d * k, d * k + s * (n - 1) + 1, s) for d, k, s, n in zip(dilation, tap, stride, size, strict=True)
        )
        y[place] += np.einsum("...cn,fc->...fn", x, weights[tap])
    return y


def cut(y: Array, pairs: Sequence[tuple[int, int]]) -> Array:
    """Take away the begin and the end of each of the first dimensions; an end less than 0 appends zeros."""
    longer = [(0, max(-end, 0)) for _, end in pairs] + [(0, 0)] * (y.ndim - len(pairs))
    inside = tuple(slice(begin, size - max(end, 0)) for (begin, end), size in zip(pairs, y.shape, strict=False))
    return np.pad(y[inside], longer)


def error_of(function: Any, *args: Any, **options: Any) -> str:
    with pytest.raises(vlnn.MatConvNetError) as caught:
        function(*args, **options)
    return str(caught.value)


def close(got: Array, want: Array, tolerance: float = 1e-12) -> None:
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=0, atol=tolerance * max(1.0, float(np.abs(want).max(initial=0))))
