"""vl_nnSubP: there and back, the order of channels, sizes that do not agree; and the networks that have it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import vlnn
from tests.simplenn.nets import conv
from vlnn import vl_nnSubP
from vlnn.simplenn import SimpleNN

RANDOM = np.random.default_rng(0)


@given(s=st.integers(1, 4), depth=st.integers(1, 3), images=st.integers(1, 2), single=st.booleans())
def test_there_and_back(s: int, depth: int, images: int, single: bool) -> None:
    x = RANDOM.standard_normal((2, 3, depth * s * s, images)).astype(np.float32 if single else np.float64)
    y = vl_nnSubP(x, [], "scale", s)
    assert (y.shape, y.dtype, y.flags.f_contiguous) == ((2 * s, 3 * s, depth, images), x.dtype, True)
    np.testing.assert_array_equal(vl_nnSubP(y, [], "scale", 1 / s), x)
    for row in range(s):
        for column in range(s):
            np.testing.assert_array_equal(y[row::s, column::s], x[:, :, row + s * column :: s * s])
    # A permutation: its derivative is its inverse.
    np.testing.assert_array_equal(vl_nnSubP(x, y, "SCALE", s), x)
    np.testing.assert_array_equal(vl_nnSubP(y, x, scale=1 / s), y)


def test_scalar_derivative_and_missing_dimensions() -> None:
    assert vl_nnSubP(np.ones((4, 6)), scale=0.5).shape == (2, 3, 4, 1)
    assert (vl_nnSubP(np.ones((4, 6)), 3.0, "scale", 0.5) == 3).all()
    assert vl_nnSubP(np.ones((1, 1, 4)), "scale", 2).shape == (2, 2, 1, 1)


@pytest.mark.parametrize(
    ("shape", "scale", "words"),
    [
        ((2, 2, 3), 2, "SCALE squared does not divide the depth of X. Received SCALE 2, X 2x2x3."),
        ((3, 2), 0.5, "1 / SCALE does not divide the height and the width of X. Received SCALE 1/2, X 3x2."),
        ((2, 2), 1.5, "SCALE is neither a positive integer nor 1 by one. Received 1.5."),
        ((2, 2), -2, "SCALE is neither a positive integer nor 1 by one. Received -2."),
        ((2, 2), [1, 2], "SCALE is not a scalar."),
    ],
)
def test_errors(shape: tuple[int, ...], scale: Any, words: str) -> None:
    with pytest.raises(vlnn.MatConvNetError) as caught:
        vl_nnSubP(np.ones(shape), scale=scale)
    assert str(caught.value).startswith(words)


def ffdnet() -> SimpleNN:
    """A network of FFDNet's form: pixels to channels, the noise level as one more channel, and back."""
    layers = [
        {"type": "SubP", "scale": 0.5},
        {"type": "concat"},
        conv(3, 3, 5, 4, np.float32, pad=1),
        {"type": "SubP", "scale": 2},
    ]
    net: SimpleNN = vlnn.vl_simplenn_tidy({"layers": layers})
    return net


@pytest.mark.parametrize(
    "sigmas", [0.1, np.float32(0.1), [[0.1]], np.full((2, 3, 1, 1), 0.1), np.full((1, 1, 1, 1), 0.1)]
)
def test_networks_with_a_noise_level(sigmas: Any) -> None:
    net, x = ffdnet(), RANDOM.standard_normal((4, 6)).astype(np.float32)
    filters, biases = net.layers[2].weights
    maps = np.full((2, 3, 1), np.float32(0.1))
    small = vlnn.vl_nnconcat([vl_nnSubP(x, scale=0.5), maps])
    expected = vl_nnSubP(vlnn.vl_nnconv(small, filters, biases, "pad", 1), scale=2)
    got = net.predict({"input": x, "sigmas": sigmas})
    np.testing.assert_array_equal(got, expected)
    net.layers[1].sigmas = sigmas
    np.testing.assert_array_equal(vlnn.vl_simplenn(net, x, mode="test")[-1].x, expected)
    assert vlnn.vl_simplenn(net, x, expected)[0].dzdx.shape == (4, 6)


def test_a_level_for_each_channel() -> None:
    net = SimpleNN([{"type": "concat", "sigmas": [0.1, 0.2, 0.3]}])
    got = net.predict(np.zeros((2, 2, 3, 2)))
    np.testing.assert_array_equal(got[1, 1, :, 1], [0, 0, 0, 0.1, 0.2, 0.3])


def test_without_a_noise_level() -> None:
    with pytest.raises(vlnn.MatConvNetError, match=r"(?s)'sigmas'.*layer 2, concat.*'sigmas': 25 / 255"):
        ffdnet().predict(np.ones((4, 4), np.float32))
