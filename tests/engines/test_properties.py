"""What holds for every convolution, whatever the numbers are."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import vlnn
from tests.geometries import Call, Conv, Convt, medium_convs, medium_convts, small_convs, small_convts
from tests.oracle import four, two

Array = Any
IN_DOUBLE = st.just(np.float64)
CONVS = small_convs(IN_DOUBLE) | medium_convs(IN_DOUBLE)
CONVTS = small_convts(IN_DOUBLE) | medium_convts(IN_DOUBLE)
EXAMPLES = settings(max_examples=60)


def same(got: Array, want: Array) -> None:
    assert got.shape == want.shape
    scale = max(1.0, float(np.abs(want).max(initial=0.0)))
    np.testing.assert_allclose(got / scale, want / scale, rtol=0, atol=1e-11)


def inner(a: Array, b: Array) -> float:
    return float(np.sum(a * b))


def equal_sums(a: float, b: float, *arrays: Array) -> None:
    """Two sums over the same products agree, but for the rounding of numbers as large as the arrays make them."""
    scale = max(1.0, *(float(np.linalg.norm(array)) for array in arrays)) ** 2
    assert abs(a - b) <= 1e-11 * scale


@given(CONVS | CONVTS)
@EXAMPLES
def test_derivatives_are_adjoint(call: Call) -> None:
    """<dzdy, y(x, f)> = <dzdx, x> = <dzdf, f>, as y without biases is linear in x and in f."""
    x, f, b, dzdy = call.arrays()
    y = call.forward(x, f, [])
    dzdx, dzdf, dzdb = call.backward(x, f, b, dzdy)
    equal_sums(inner(dzdx, x), inner(dzdy, y), dzdy, y)
    equal_sums(inner(dzdf, f), inner(dzdy, y), dzdy, y)
    equal_sums(inner(dzdb, b), inner(dzdy, call.forward(x, f, b) - y), dzdy, y, b)


@given(CONVTS)
@EXAMPLES
def test_vl_nnconvt_transposes_vl_nnconv(call: Convt) -> None:
    """<y, convt(x)> = <conv(y), x> with the same filters, Stride = Upsample and Pad = Crop; likewise for filters."""
    x, f, b, dzdy = call.arrays()
    stride, pad = call.options["upsample"], call.options["crop"]
    down = vlnn.vl_nnconv(dzdy, f, [], stride=stride, pad=pad)
    same(down, call.backward(x, f, b, dzdy)[0])
    y, dzdf, _ = vlnn.vl_nnconv(dzdy, f, [], x, stride=stride, pad=pad)
    same(y, call.forward(x, f, []))
    same(dzdf, call.backward(x, f, b, dzdy)[1])
    equal_sums(inner(dzdy, y), inner(down, x), dzdy, y)


@given(CONVS | CONVTS, st.floats(-3, 3), st.floats(-3, 3))
@EXAMPLES
def test_linear_in_x(call: Call, p: float, q: float) -> None:
    x, f, _, _ = call.arrays()
    other = np.random.default_rng(call.seed + 1).standard_normal(x.shape)
    same(call.forward(p * x + q * other, f, []), p * call.forward(x, f, []) + q * call.forward(other, f, []))


@given(CONVS | CONVTS)
@EXAMPLES
def test_biases_are_added(call: Call) -> None:
    x, f, b, _ = call.arrays()
    same(call.forward(x, f, b), call.forward(x, f, []) + b.reshape(1, 1, -1, 1))


@given(small_convs(IN_DOUBLE) | small_convts(IN_DOUBLE))
@EXAMPLES
def test_derivatives_are_slopes(call: Call) -> None:
    """The derivative along any direction is the central difference, exactly so as z is linear in each argument."""
    x, f, b, dzdy = call.arrays()
    random = np.random.default_rng(call.seed + 1)
    step = 2.0**-10
    for position, derivative in enumerate(call.backward(x, f, b, dzdy)):
        direction = random.standard_normal(derivative.shape)
        ahead, behind = [x, f, b], [x, f, b]
        ahead[position] = ahead[position] + step * direction
        behind[position] = behind[position] - step * direction
        slope = (inner(dzdy, call.forward(*ahead)) - inner(dzdy, call.forward(*behind))) / (2 * step)
        assert abs(slope - inner(derivative, direction)) <= 1e-8 * max(1.0, abs(slope))


@given(CONVS | CONVTS)
@EXAMPLES
def test_groups_are_separate_calls(call: Call) -> None:
    x, f, b, dzdy = call.arrays()
    g = call.groups
    parts = zip(np.split(x, g, 2), np.split(f, g, 3), np.split(b, g, 1), np.split(dzdy, g, 2), strict=True)
    alone = call.choose(numgroups=1) if isinstance(call, Convt) else call
    results = [(alone.forward(*part[:3]), *alone.backward(*part)) for part in parts]
    together = (call.forward(x, f, b), *call.backward(x, f, b, dzdy))
    for axis, whole, pieces in zip((2, 2, 3, 1), together, zip(*results, strict=True), strict=True):
        same(whole, np.concatenate(pieces, axis))


@given(CONVTS)
@EXAMPLES
def test_crop_is_slicing(call: Convt) -> None:
    x, f, b, _ = call.arrays()
    whole = call.choose(crop=0).forward(x, f, b)
    top, bottom, left, right = four(call.options["crop"])
    same(call.forward(x, f, b), whole[top : whole.shape[0] - bottom, left : whole.shape[1] - right])


@given(CONVS)
@EXAMPLES
def test_stride_is_subsampling(call: Conv) -> None:
    x, f, b, _ = call.arrays()
    stride_y, stride_x = two(call.options["stride"])
    same(call.forward(x, f, b), call.choose(stride=1).forward(x, f, b)[::stride_y, ::stride_x])


@given(CONVS)
@EXAMPLES
def test_pad_is_zeros(call: Conv) -> None:
    x, f, b, _ = call.arrays()
    top, bottom, left, right = four(call.options["pad"])
    padded = np.pad(x, ((top, bottom), (left, right), (0, 0), (0, 0)))
    same(call.forward(x, f, b), call.choose(pad=0).forward(padded, f, b))


@given(CONVS)
@EXAMPLES
def test_dilation_is_zeros_between_the_taps(call: Conv) -> None:
    x, f, b, _ = call.arrays()
    dilate_y, dilate_x = two(call.options["dilate"])
    spaced = np.zeros(((f.shape[0] - 1) * dilate_y + 1, (f.shape[1] - 1) * dilate_x + 1, *f.shape[2:]))
    spaced[::dilate_y, ::dilate_x] = f
    same(call.forward(x, f, b), call.choose(dilate=1).forward(x, spaced, b))


@given(CONVTS)
@EXAMPLES
def test_upsampling_is_zeros_between_the_pixels(call: Convt) -> None:
    x, f, b, _ = call.arrays()
    up_y, up_x = two(call.options["upsample"])
    spaced = np.zeros(((x.shape[0] - 1) * up_y + 1, (x.shape[1] - 1) * up_x + 1, *x.shape[2:]))
    spaced[::up_y, ::up_x] = x
    same(call.forward(x, f, b), call.choose(upsample=1).forward(spaced, f, b))


@given(CONVS | CONVTS)
@EXAMPLES
def test_images_are_independent(call: Call) -> None:
    """An image gives the same whatever stands beside it, and the derivatives of filters and biases add up."""
    x, f, b, dzdy = call.arrays()
    together = (call.forward(x, f, b), *call.backward(x, f, b, dzdy))
    alone = [
        (call.forward(x[..., n : n + 1], f, b), *call.backward(x[..., n : n + 1], f, b, dzdy[..., n : n + 1]))
        for n in range(x.shape[3])
    ]
    y, dzdx, dzdf, dzdb = zip(*alone, strict=True)
    same(together[0], np.concatenate(y, 3))
    same(together[1], np.concatenate(dzdx, 3))
    same(together[2], np.sum(dzdf, axis=0))
    same(together[3], np.sum(dzdb, axis=0))


@given(small_convs(IN_DOUBLE), st.booleans())
@EXAMPLES
def test_no_filters_are_the_identity_bank(call: Conv, with_biases: bool) -> None:
    x, _, _, _ = call.arrays()
    options = call.choose(dilate=1).options
    channels = x.shape[2]
    random = np.random.default_rng(call.seed)
    b: Any = random.standard_normal((channels, 1)) if with_biases else []
    bank = np.eye(channels)[None, None]
    y = vlnn.vl_nnconv(x, bank, b, **options)
    same(vlnn.vl_nnconv(x, [], b, **options), y)
    dzdy = random.standard_normal(y.shape)
    dzdx, dzdf, dzdb = vlnn.vl_nnconv(x, [], b, dzdy, **options)
    want = vlnn.vl_nnconv(x, bank, b, dzdy, **options)
    same(dzdx, want[0])
    assert dzdf.shape == (0, 0)
    same(dzdb, want[2])
