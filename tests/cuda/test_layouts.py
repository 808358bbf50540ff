"""Arrays that lie in the GPU's memory in other ways than MATLAB's: the same numbers, and no argument changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import vlnn
from tests.layouts import c_order, channels_first, negative_strides, slice_of_bigger

Array = Any
X, F = (6, 5, 4, 3), (3, 2, 4, 6)

# Each with the sizes of its arrays.
CALLS: dict[str, tuple[Callable[..., Any], list[tuple[int, ...]]]] = {
    "conv": (lambda x, f, b, *dzdy: vlnn.vl_nnconv(x, f, b, *dzdy), [X, F, (1, 6), (4, 4, 6, 3)]),
    "convt": (lambda x, f, b, *dzdy: vlnn.vl_nnconvt(x, f, b, *dzdy), [X, (3, 2, 6, 4), (1, 6), (8, 6, 6, 3)]),
    "pool": (lambda x, *dzdy: vlnn.vl_nnpool(x, 2, *dzdy), [X, (5, 4, 4, 3)]),
    "bnorm": (lambda x, g, b, *dzdy: vlnn.vl_nnbnorm(x, g, b, *dzdy), [X, (4, 1), (1, 4), X]),
    "lrn": (lambda x, *dzdy: vlnn.vl_nnnormalize(x, [3, 1, 0.5, 0.75], *dzdy), [X, X]),
    "relu": (lambda *args: vlnn.vl_nnrelu(*args), [X, X]),
    "softmax": (lambda *args: vlnn.vl_nnsoftmax(*args), [X, X]),
    "pdist": (lambda x, x0, *dzdy: vlnn.vl_nnpdist(x, x0, 2, *dzdy), [X, X, (6, 5, 1, 3)]),
    "sampler": (lambda *args: vlnn.vl_nnbilinearsampler(*args), [X, (2, 4, 5, 3), (4, 5, 4, 3)]),
    "roipool": (lambda x, r, *dzdy: vlnn.vl_nnroipool(x, abs(r) + 1, *dzdy), [X, (5, 2), (1, 1, 4, 2)]),
}  # fmt: skip


@pytest.mark.parametrize("layout", [c_order, channels_first, negative_strides, slice_of_bigger])
@pytest.mark.parametrize("name", CALLS)
def test_same_numbers(cupy: Any, name: str, layout: Callable[[Array], Array]) -> None:
    from tests.cuda.standin import ndarray

    call, sizes = CALLS[name]
    random = np.random.default_rng(0)
    arrays = [np.asfortranarray(random.uniform(-0.9, 0.9, size)) for size in sizes]
    placed = [ndarray(layout(array)) for array in arrays]
    for count in (len(arrays) - 1, len(arrays)):
        got, want = call(*placed[:count]), call(*arrays[:count])
        for ours, expected in zip(
            *((each if isinstance(each, tuple) else (each,)) for each in (got, want)), strict=True
        ):
            np.testing.assert_allclose(ours.get(), expected, rtol=0, atol=1e-11)
    for array, device in zip(arrays, placed, strict=True):
        np.testing.assert_array_equal(device.get(), array)
