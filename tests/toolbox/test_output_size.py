"""Section 1.3 of the facts: the size of the output, manual and 'same'."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.toolbox.reference import MAKERS, close, cut, numbers, whole
from vlnn import dltranspconv, transposedConv2dLayer, vl_nnconv
from vlnn.toolbox import to_keras, to_onnx

small = st.integers(1, 5)


@given(st.tuples(small, small), st.tuples(small, small), st.tuples(small, small), st.tuples(*[st.integers(0, 2)] * 4))
def test_manual(size: Any, taps: Any, stride: Any, crop: Any) -> None:
    """'manual: out = Stride*(in-1) + FilterSize - (t+b | l+r)'"""
    rows = stride[0] * (size[0] - 1) + taps[0] - crop[0] - crop[1]
    columns = stride[1] * (size[1] - 1) + taps[1] - crop[2] - crop[3]
    layer = transposedConv2dLayer(taps, 2, Stride=stride, Cropping=crop, Weights=np.ones((*taps, 2, 3)))
    if min(rows, columns) > 0:
        assert layer.predict(np.ones((*size, 3, 2))).shape == (rows, columns, 2, 2)
    else:
        with pytest.raises(ValueError, match="Cropping leaves nothing of the output"):
            layer.predict(np.ones((*size, 3, 2)))


def test_filters_shorter_than_the_stride() -> None:
    """'Filter < Stride in manual mode: no extension; e.g. in=2,k=2,s=3 -> 5 with zero rows in the gaps.'"""
    layer = transposedConv2dLayer(2, 1, "Stride", 3, "Weights", np.ones((2, 2)))
    y = layer.predict(np.ones((2, 2)))[..., 0, 0]
    assert y.shape == (5, 5)
    np.testing.assert_array_equal(y[2], 0)
    np.testing.assert_array_equal(y[:, 2], 0)
    assert y[:2, :2].all()


def test_keras_valid_is_longer() -> None:
    """'Keras valid yields in*s there while MATLAB gives (in-1)*s+k': exported, the rest is cut off."""
    layer = transposedConv2dLayer([2, 3], 1, "Stride", 3, "Weights", np.ones((2, 3)))
    _, options, rest = to_keras(layer)
    assert options["padding"] == "valid"
    assert rest == ((0, 1), (0, 0))


def test_there_is_no_output_padding() -> None:
    """'No output_padding anywhere in the public API.'"""
    for function, arguments in ((transposedConv2dLayer, (3, 8)), (dltranspconv, (np.ones((3, 3)), np.ones((2, 2)), 0))):
        with pytest.raises(ValueError, match="Unknown option 'OutputPadding'"):
            function(*arguments, "OutputPadding", 1)


@pytest.mark.parametrize("dims", [1, 2, 3])
@given(data=st.data())
def test_same(dims: int, data: Any) -> None:
    """'same: out = in .* Stride'"""
    size, taps, stride = (data.draw(st.tuples(*[st.integers(1, 4)] * dims)) for _ in range(3))
    layer = MAKERS[dims](taps, 2, "Stride", stride, "Cropping", "same", "Weights", np.ones((*taps, 2, 1)))
    y = layer.predict(np.ones((*size, 1, 1)))
    assert y.shape == (*(n * s for n, s in zip(size, stride, strict=True)), 2, 1)


def test_same_cuts_the_odd_one_at_the_end() -> None:
    """'top = floor(total/2), bottom = total - top; extra row cut at the BOTTOM, extra column at the RIGHT.'"""
    layer = transposedConv2dLayer([5, 4], 1, Stride=2, Cropping="same")
    assert layer.CroppingSize == (1, 2, 1, 1)
    x, w = numbers(4, 5, 1, 1), numbers(5, 4, 1, 1)
    layer.Weights = w
    close(layer.predict(x), cut(whole(x, w, (2, 2)), [(1, 2), (1, 1)]))


def test_total_does_not_depend_on_the_input() -> None:
    """'total = (in-1)*s + k - in*s = k - s (independent of in)': CroppingSize is known at construction (inferred)."""
    for taps in range(1, 8):
        for stride in range(1, taps + 1):
            top, bottom, left, right = transposedConv2dLayer(taps, 1, Stride=stride, Cropping="same").CroppingSize
            assert top + bottom == left + right == taps - stride
            assert 0 <= bottom - top <= 1


def test_same_is_a_padded_strided_correlation_transposed() -> None:
    """'Brute force over n=1..6,s=1..5,k=1..8: exact matrix transpose of a SAME-padded strided correlation.'

    The correlation of n*s pixels, padded as TensorFlow pads: max((n-1) s + k - n s, 0) in all, the odd one at the end.
    """
    for n in range(1, 7):
        for s in range(1, 6):
            for k in range(1, 9):
                w = numbers(k, 1, 1, 1, seed=k)
                total = max((n - 1) * s + k - n * s, 0)
                pad = [total // 2, total - total // 2, 0, 0]
                matrix = np.stack(
                    [
                        vl_nnconv(pixel, w, [], "Stride", [s, 1], "Pad", pad).ravel()
                        for pixel in np.eye(n * s)[:, :, None]
                    ]
                )
                layer = transposedConv2dLayer([k, 1], 1, Stride=[s, 1], Cropping="same", Weights=w)
                transpose = np.stack([layer.predict(pixel).ravel() for pixel in np.eye(n)[:, :, None]])
                close(transpose, matrix.T)


def test_filters_as_long_as_the_stride() -> None:
    """'k == s -> crop 0.'"""
    assert transposedConv2dLayer(3, 1, Stride=3, Cropping="same").CroppingSize == (0, 0, 0, 0)


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_same_with_filters_shorter_than_the_stride(dims: int) -> None:
    """'k < s (same): by appending s-k zero (bias-only) rows/cols at bottom/right', inferred."""
    taps, stride, size = (1, 2, 1)[:dims], (3, 4, 2)[:dims], (2, 3, 2)[:dims]
    x, w, b = numbers(*size, 3, 2), numbers(*taps, 2, 3), numbers(2)
    layer = MAKERS[dims](taps, 2, "Stride", stride, "Cropping", "same", "Weights", w, "Bias", b)
    want = cut(whole(x, w, stride), [(0, k - s) for k, s in zip(taps, stride, strict=True)]) + b[:, None]
    close(layer.predict(x), want)
    assert np.ravel(layer.CroppingSize).tolist() == [0] * (2 * dims)
    dzdx, dzdw, dzdb = layer.backward(x, np.ones(want.shape))
    assert (dzdx.shape, dzdw.shape) == (x.shape, w.shape)
    np.testing.assert_allclose(dzdb.ravel(), np.prod(want.shape) / 2)
    assert to_onnx(layer).options["output_padding"] == [s - k for k, s in zip(taps, stride, strict=True)]


def test_no_batch() -> None:
    layer = transposedConv2dLayer(3, 2, Stride=2).initialize([4, 4, 3])
    x = np.zeros((4, 4, 3, 0), np.float32)
    y = layer.predict(x)
    assert y.shape == (9, 9, 2, 0)
    dzdx, dzdw, dzdb = layer.backward(x, y)
    assert dzdx.shape == x.shape
    assert not dzdw.any()
    assert not dzdb.any()
    cube = MAKERS[3](3, 2, Stride=2).initialize([4, 4, 4, 3])
    volume = np.zeros((4, 4, 4, 3, 0), np.float32)
    assert cube.predict(volume).shape == (9, 9, 9, 2, 0)
    assert not cube.backward(volume, cube.predict(volume))[1].any()
