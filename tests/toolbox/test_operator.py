"""Section 1.2 of the facts: the operator, its orientation, the layout of the arrays."""

from __future__ import annotations

import numpy as np
import pytest

import vlnn
from tests.toolbox.reference import MAKERS, close, cut, numbers, whole
from vlnn import dltranspconv, transposedConv2dLayer, vl_nnconv, vl_nnconvt
from vlnn.toolbox import to_keras, to_nnconvt, to_onnx, to_torch


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_definition(dims: int) -> None:
    """'Y[s*i+k] += X[i]*W[k] (+ Bias).'"""
    size, taps, stride = (4, 3, 5)[:dims], (3, 4, 2)[:dims], (2, 3, 1)[:dims]
    x, w, b = numbers(*size, 3, 2), numbers(*taps, 5, 3), numbers(5)
    layer = MAKERS[dims](taps, 5, "Stride", stride, "Weights", w, "Bias", b)
    close(layer.predict(x), whole(x, w, stride) + b[:, None])
    close(layer.forward(x), layer.predict(x))


def test_it_is_the_transpose_of_a_correlation() -> None:
    """'Transpose of MATLAB's (and MatConvNet's) cross-correlation.'"""
    x, w, y = numbers(4, 5, 3), numbers(3, 2, 6, 3), numbers(9, 10, 6)
    layer = transposedConv2dLayer([3, 2], 6, "Stride", 2, "Weights", w)
    assert np.sum(layer.predict(x)[..., 0] * y) == pytest.approx(np.sum(x * vl_nnconv(y, w, [], "Stride", 2)[..., 0]))


def test_no_filter_flip() -> None:
    """'No filter flip': one pixel becomes the filter."""
    w = numbers(4, 3, 1, 1)
    close(transposedConv2dLayer([4, 3], 1, "Weights", w).predict([[1.0]]), w)


@pytest.mark.parametrize("crop", [[0, 0, 0, 0], [1, 0, 2, 1]])
def test_it_is_vl_nnconvt(crop: list[int]) -> None:
    """'transposedConv2dLayer == vl_nnconvt: Weights == F, Stride == Upsample, CroppingSize == Crop, Bias == B.'"""
    x, f, b = numbers(4, 5, 6, 2), numbers(3, 4, 2, 6), numbers(1, 1, 2)
    layer = transposedConv2dLayer(f.shape[:2], f.shape[2], Stride=[2, 3], Cropping=crop, Weights=f, Bias=b)
    want = vl_nnconvt(x, f, b, "Upsample", [2, 3], "Crop", crop)
    np.testing.assert_array_equal(layer.predict(x), want)
    np.testing.assert_array_equal(vl_nnconvt(x, *to_nnconvt(layer)), want)
    for got, wanted in zip(
        layer.backward(x, want), vl_nnconvt(x, *to_nnconvt(layer)[:2], want, *to_nnconvt(layer)[2:]), strict=True
    ):
        np.testing.assert_array_equal(got, wanted)


def test_it_is_dltranspconv() -> None:
    """'Interchangeably vl_nnconvt(...) and dltranspconv(..., Cropping, CroppingSize, ..., DataFormat, SSCU).'"""
    x, f, b = numbers(4, 5, 6, 2), numbers(3, 4, 2, 6), numbers(1, 1, 2)
    layer = transposedConv2dLayer([3, 4], 2, Stride=2, Cropping=[1, 0, 2, 1], Weights=f, Bias=b)
    size = layer.CroppingSize
    y = dltranspconv(x, f, b, "Cropping", size, "Stride", layer.Stride, "DataFormat", "SSCU")
    np.testing.assert_array_equal(y, layer.predict(x))


def test_keras_has_the_same_layout() -> None:
    """'Keras and MATLAB are both H x W x F x C, no flip.'"""
    layer = transposedConv2dLayer([3, 4], 5, "Weights", numbers(3, 4, 5, 2), "Bias", numbers(5))
    kernel, bias = to_keras(layer).weights.values()
    np.testing.assert_array_equal(kernel, layer.Weights)
    assert bias.shape == (5,)  # 'Bias: Keras/ONNX vector of F.'


def test_onnx_has_channels_first() -> None:
    """'permute(W,[4 3 1 2]): NNT is HWFC, ONNX is CFHW; op ConvTranspose, group=1, dilations=[1 1].'"""
    layer = transposedConv2dLayer([3, 4], 5, "Weights", numbers(3, 4, 5, 2), "Bias", numbers(5), "Cropping", [1, 2])
    weights, options, rest = to_onnx(layer)
    np.testing.assert_array_equal(weights["W"], layer.Weights.transpose(3, 2, 0, 1))
    assert weights["B"].shape == (5,)
    assert options == {
        "kernel_shape": [3, 4],
        "strides": [1, 1],
        "pads": [1, 2, 1, 2],
        "output_padding": [0, 0],
        "dilations": [1, 1],
        "group": 1,
    }
    assert rest == ((0, 0), (0, 0))


def test_torch_has_channels_first() -> None:
    """'PyTorch ConvTranspose2d.weight = W.transpose(3,2,0,1) (C,F,h,w).'"""
    layer = transposedConv2dLayer([3, 4], 5, "Weights", numbers(3, 4, 5, 2), "Bias", numbers(5))
    weights = to_torch(layer).weights
    assert weights["weight"].shape == (2, 5, 3, 4)
    assert weights["weight"].flags.c_contiguous
    np.testing.assert_array_equal(weights["weight"], layer.Weights.transpose(3, 2, 0, 1))


def test_recorded_kron() -> None:
    """'vl_nnconvt([1 2;3 4],[1 3;2 4],upsample,2) = kron([1 2;3 4],[1 3;2 4])'"""
    x, f = np.array([[1.0, 2], [3, 4]]), np.array([[1.0, 3], [2, 4]])
    layer = transposedConv2dLayer(2, 1, "Stride", 2, "Weights", f)
    np.testing.assert_array_equal(layer.predict(x)[..., 0, 0], np.kron(x, f))


def test_recorded_correlation() -> None:
    """'vl_nnconv of (1:12 as 3x4) with same f gives 37 at (1,1) = unflipped correlation.'"""
    x = np.arange(1.0, 13).reshape(3, 4, order="F")
    assert vl_nnconv(x, np.array([[1.0, 3], [2, 4]]), [])[0, 0, 0, 0] == 37


def test_bias_is_added_everywhere() -> None:
    """'(+ Bias)', also where no filter reaches."""
    layer = transposedConv2dLayer(1, 2, "Stride", 3, "Weights", np.ones((1, 1, 2)), "Bias", [5.0, 7.0])
    y = layer.predict(np.zeros((2, 2)))
    np.testing.assert_array_equal(y[:, :, 0, 0], np.full((4, 4), 5))
    np.testing.assert_array_equal(y[:, :, 1, 0], np.full((4, 4), 7))


def test_classes() -> None:
    """'vl_nnconvt': single in, single out. Inferred: single wins over double, as in MATLAB; integers are double."""
    x, w = numbers(3, 3), numbers(2, 2)
    double = transposedConv2dLayer(2, 1, "Weights", w)
    single = transposedConv2dLayer(2, 1, "Weights", w.astype(np.float32))
    assert double.predict(x).dtype == np.float64
    assert double.predict(x.astype(np.float32)).dtype == single.predict(x).dtype == np.float32
    assert double.predict(np.ones((3, 3), np.uint8)).dtype == np.float64
    for derivative in single.backward(x, np.ones((4, 4))):
        assert derivative.dtype == np.float32
    assert vlnn.transposedConv2dLayer(2, 1).initialize(x).predict(x).dtype == np.float64


def test_arguments_are_left_alone() -> None:
    x, w, b = numbers(3, 4, 2), numbers(2, 2, 3, 2), numbers(3)
    before = [array.copy() for array in (x, w, b)]
    layer = transposedConv2dLayer(2, 3, "Weights", w, "Bias", b, "Cropping", 1)
    layer.backward(x, layer.predict(x))
    for array, old in zip((x, w, b), before, strict=True):
        np.testing.assert_array_equal(array, old)
    close(layer.predict(x[::-1]), cut(whole(x[::-1, ..., None], w, (1, 1)) + b[:, None], [(1, 1)] * 2))
