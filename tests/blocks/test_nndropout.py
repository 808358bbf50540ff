"""vl_nndropout: what the mask is made of, given masks, where the numbers come from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import vlnn
from tests.layouts import LAYOUTS
from vlnn import vl_nndropout

RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((30, 20, 5, 2))
DZDY = RANDOM.standard_normal(X.shape)
MASK = 2.0 * (RANDOM.random(X.shape) > 0.5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rate", [0, 0.3, 0.5, 0.9])
def test_mask(dtype: type, rate: float) -> None:
    y, mask = vl_nndropout(X.astype(dtype), "Rate", rate, "rng", 0, nargout=2)
    assert (y.dtype, mask.dtype, mask.shape) == (dtype, dtype, X.shape)
    kept = mask != 0
    np.testing.assert_allclose(mask[kept], 1 / (1 - rate), rtol=1e-6)
    assert abs((1 - kept.mean()) - rate) < 0.03
    np.testing.assert_array_equal(y, mask * X.astype(dtype))


def test_rng() -> None:
    first = vl_nndropout(X, rng=7)
    np.testing.assert_array_equal(first, vl_nndropout(X, rng=np.random.default_rng(7)))
    generator = np.random.default_rng(7)
    assert (vl_nndropout(X, rng=generator) == first).all()
    assert (vl_nndropout(X, rng=generator) != first).any()
    assert (vl_nndropout(X) != vl_nndropout(X)).any()


def test_mask_is_reused() -> None:
    y, mask = vl_nndropout(X, "mask", MASK, nargout=2)
    assert mask is MASK
    np.testing.assert_array_equal(y, MASK * X)
    dzdx, mask = vl_nndropout(X, DZDY, mask=MASK, rate=0.1, nargout=2)
    assert mask is MASK
    np.testing.assert_array_equal(dzdx, MASK * DZDY)
    np.testing.assert_array_equal(vl_nndropout(X, DZDY, mask=MASK), dzdx)


def test_backward_without_a_mask_warns() -> None:
    with pytest.warns(UserWarning, match="the mask should be specified"):
        vl_nndropout(X, DZDY)


def test_single_wins() -> None:
    assert vl_nndropout(X, mask=MASK.astype(np.float32)).dtype == np.float32
    assert vl_nndropout(X.astype(np.float32), mask=MASK).dtype == np.float32


def test_rate_one_is_nan_throughout() -> None:
    y, mask = vl_nndropout(X, rate=1, nargout=2)
    assert np.isnan(y).all()
    assert np.isnan(mask).all()


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_layouts(layout: Any) -> None:
    np.testing.assert_array_equal(vl_nndropout(layout(X), mask=layout(MASK)), vl_nndropout(X, mask=MASK))
    np.testing.assert_array_equal(vl_nndropout(layout(X), layout(DZDY), mask=layout(MASK)), MASK * DZDY)
    np.testing.assert_array_equal(vl_nndropout(layout(X), rng=3), vl_nndropout(X, rng=3))


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        ((X, "foo", 1), "Unknown parameter 'foo'"),
        ((X, "rate", 1.5), "RATE is not between 0 and 1."),
        ((X, "rate", np.nan), "RATE is not between 0 and 1."),
        ((X, "mask", MASK[:3]), "MASK does not have the size of X."),
        ((X, [], "mask", MASK), "DZDY does not have the size of Y."),
        ((X, {"rate": 0}), "An input is not a numeric array"),
    ],
)
def test_errors(args: Any, sentence: str) -> None:
    with pytest.raises(vlnn.MatConvNetError) as caught:
        vl_nndropout(*args)
    assert str(caught.value).startswith(sentence)
