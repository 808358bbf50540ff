"""imresize: MATLAB's weights, sizes, order and rounding."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.layouts import LAYOUTS
from vlnn.matlab.images import cast, imresize

Array = Any

KERNELS: dict[str, tuple[Any, int]] = {
    "box": (lambda x: float(-0.5 <= x < 0.5), 1),
    "bilinear": (lambda x: max(1 - abs(x), 0), 2),
    "bicubic": (
        lambda x: (
            1.5 * abs(x) ** 3 - 2.5 * x**2 + 1
            if abs(x) <= 1
            else -0.5 * abs(x) ** 3 + 2.5 * x**2 - 4 * abs(x) + 2
            if abs(x) <= 2
            else 0
        ),
        4,
    ),
    "lanczos2": (lambda x: float(np.sinc(x) * np.sinc(x / 2)) * (abs(x) < 2), 4),
    "lanczos3": (lambda x: float(np.sinc(x) * np.sinc(x / 3)) * (abs(x) < 3), 6),
}


def line(x: Array, outputs: int, scale: float, method: str, antialiasing: bool) -> Array:
    """Resize a line of numbers by the definition."""
    kernel, width = KERNELS[method]
    stretch = min(scale, 1) if antialiasing else 1
    y = np.empty(outputs)
    for k in range(outputs):
        place = (k + 0.5) / scale - 0.5
        reach = width / 2 / stretch
        pixels = range(math.floor(place - reach) - 1, math.ceil(place + reach) + 2)
        weights = np.array([kernel(stretch * (place - pixel)) for pixel in pixels])
        mirrored = [min(pixel % (2 * len(x)), 2 * len(x) - 1 - pixel % (2 * len(x))) for pixel in pixels]
        y[k] = weights @ x[mirrored] / weights.sum()
    return y


@given(
    size=st.integers(1, 9),
    scale=st.sampled_from([0.15, 0.3, 0.45, 0.7, 1.0, 1.3, 2.9]),
    method=st.sampled_from(list(KERNELS)),
    antialiasing=st.booleans(),
    seed=st.integers(0, 2**32),
)
def test_definition(size: int, scale: float, method: str, antialiasing: bool, seed: int) -> None:
    x = np.random.default_rng(seed).standard_normal(size)
    y = imresize(x[:, None], "Scale", (scale, 1), "Method", method, "Antialiasing", antialiasing)
    expected = line(x, math.ceil(scale * size), scale, method, antialiasing)
    np.testing.assert_allclose(y[:, 0], expected, rtol=0, atol=1e-11)


def test_the_weights_of_twice_the_size() -> None:
    unit = np.zeros((8, 1))
    unit[3] = 1
    assert (imresize(unit, (16, 1))[2:12, 0] * 128).tolist() == [0, -3, -9, 29, 111, 111, 29, -9, -3, 0]
    assert (imresize(unit, (16, 1), "bilinear")[4:10, 0] * 4).tolist() == [0, 1, 3, 3, 1, 0]


def test_the_weights_of_half_the_size() -> None:
    unit = np.zeros((12, 1))
    unit[5] = 1
    assert (imresize(unit, (6, 1))[:, 0] * 256).tolist() == [0, -9, 111, 29, -3, 0]
    assert (imresize(unit, (6, 1), "bilinear")[:, 0] * 8).tolist() == [0, 0, 3, 1, 0, 0]


@pytest.mark.parametrize("method", ["nearest", *KERNELS, "triangle", "cubic"])
@pytest.mark.parametrize("size", [(3, 14), (20, 4), (7, 9)])
def test_a_constant_stays_one(method: str, size: tuple[int, int]) -> None:
    np.testing.assert_allclose(imresize(np.full((7, 9, 2), 0.3), size, method), 0.3, rtol=1e-14)


@pytest.mark.parametrize("method", ["bilinear", "bicubic"])
def test_half_a_ramp_is_a_ramp(method: str) -> None:
    ramp = np.arange(40.0)[:, None]
    half = imresize(ramp, 0.5, method)[:, 0]
    np.testing.assert_allclose(half[3:-3], np.arange(20)[3:-3] * 2 + 0.5, rtol=1e-14)


@pytest.mark.parametrize("scale", [0.4, 1.7])
@pytest.mark.parametrize("method", ["bilinear", "bicubic", "lanczos2", "lanczos3"])
def test_a_mirrored_image_gives_the_mirrored_result(method: str, scale: float) -> None:
    image = np.random.default_rng(0).random((10, 20))
    y = imresize(image, scale, method)
    np.testing.assert_allclose(imresize(image[::-1, ::-1], scale, method)[::-1, ::-1], y, rtol=1e-12)


@pytest.mark.parametrize(
    ("args", "shape"),
    [
        ((0.5,), (4, 6)),
        ((0.3,), (3, 4)),
        (((5, 4),), (5, 4)),
        (((4.2, 3),), (5, 3)),
        (((14, math.nan),), (14, 22)),
        (((math.nan, 7),), (5, 7)),
        (("Scale", (2, 0.5)), (14, 6)),
        (("OutputSize", np.array([[3], [4]])), (3, 4)),
        (("out", (3, 4), "meth", "bilin"), (3, 4)),
    ],
)
def test_sizes(args: tuple[Any, ...], shape: tuple[int, int]) -> None:
    image = np.zeros((7, 11, 3), np.float32)
    y = imresize(image, *args)
    assert y.shape == (*shape, 3)
    assert y.dtype == np.float32
    assert y.flags.f_contiguous


def test_a_size_with_nan_sets_one_scale_for_both_sides() -> None:
    image = np.random.default_rng(1).random((7, 11))
    np.testing.assert_array_equal(imresize(image, (5, math.nan)), imresize(image, "Scale", 5 / 7, "OutputSize", (5, 8)))


def test_the_smaller_factor_comes_first() -> None:
    image = np.random.default_rng(2).integers(0, 256, (9, 9)).astype(np.uint8)
    rows_first = imresize(imresize(image, (4, 9)), (4, 15))
    columns_first = imresize(imresize(image, (9, 15)), (4, 15))
    assert (rows_first != columns_first).any()
    np.testing.assert_array_equal(imresize(image, (4, 15)), rows_first)
    np.testing.assert_array_equal(imresize(image.T, (15, 4)), rows_first.T)
    np.testing.assert_array_equal(imresize(image, (4, 4)), imresize(imresize(image, (4, 9)), (4, 4)))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.uint32, np.int8, np.int32])
def test_integers_are_rounded_and_clipped(dtype: Any) -> None:
    limits = np.iinfo(dtype)
    image = np.array([[limits.min] * 6 + [limits.max] * 6], dtype)
    y = imresize(image, (1, 24))
    assert y.dtype == dtype
    assert (y.min(), y.max()) == (limits.min, limits.max)
    assert imresize(np.array([[1, 2]], dtype), (1, 1), "box").item() == 2
    if limits.min < 0:
        assert imresize(np.array([[-1, -2]], dtype), (1, 1), "box").item() == -2


def test_single_is_rounded_after_each_side() -> None:
    image = np.random.default_rng(3).random((12, 12)).astype(np.float32)
    twice = imresize(image, (5, 5))
    rows = imresize(image.astype(np.float64), (5, 12)).astype(np.float32)
    np.testing.assert_array_equal(twice, imresize(rows.astype(np.float64), (5, 5)).astype(np.float32))


def test_logical() -> None:
    image = np.eye(4) > 0
    y = imresize(image, 2, "bilinear")
    assert y.dtype == bool
    np.testing.assert_array_equal(y, imresize(image * np.uint8(255), 2, "bilinear") > 128)


@pytest.mark.parametrize("scale", [0.5, 0.3, 1, 2, 2.5])
def test_nearest_keeps_values(scale: float) -> None:
    image = np.array([[np.nan, -0.0, np.inf, 1e300, 4]]).T
    y = imresize(image, (math.ceil(5 * scale), 1), "nearest")
    places = np.floor((np.arange(len(y)) + 0.5) * 5 / len(y)).astype(int)
    np.testing.assert_array_equal(y, image[places])
    np.testing.assert_array_equal(np.signbit(y), np.signbit(image[places]))


def test_antialiasing() -> None:
    image = np.random.default_rng(4).random((16, 16))
    assert (imresize(image, 0.25, "Antialiasing", False) != imresize(image, 0.25)).any()
    np.testing.assert_array_equal(imresize(image, 2, antialiasing=False), imresize(image, 2))
    np.testing.assert_array_equal(imresize(image, 0.25, "nearest", "Antialiasing", True), imresize(image, 0.25, "box"))
    np.testing.assert_array_equal(imresize(image, 0.25, "box", "anti", False), imresize(image, 0.25, "nearest"))


def test_a_kernel_of_ones_own() -> None:
    image = np.random.default_rng(5).random((6, 6))
    triangle = (lambda x: np.maximum(1 - np.abs(x), 0), 2)
    np.testing.assert_array_equal(imresize(image, 0.7, triangle), imresize(image, 0.7, "triangle"))
    np.testing.assert_array_equal(imresize(image, 0.7, "Method", triangle), imresize(image, 0.7, "bilinear"))


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_layouts(layout: Any) -> None:
    for image in (np.random.default_rng(6).random((7, 9, 3)), np.arange(63, dtype=np.uint16).reshape(7, 9)):
        np.testing.assert_array_equal(imresize(layout(image), 0.6), imresize(image, 0.6))


def test_lists_are_double() -> None:
    assert imresize([[1, 2], [3, 4]], 2, "bilinear")[0].tolist() == [1, 1.25, 1.75, 2]


@pytest.mark.parametrize(
    "args",
    [
        (),
        (0,),
        (-1,),
        (math.inf,),
        ((1, 2, 3),),
        ((0, 3),),
        ((math.nan, math.nan),),
        ("two",),
        (2, "bi"),
        (2, "lanczos"),
        (2, "sinc"),
        (2, "Antialiasing"),
        (2, "S", 3, "Colormap", "original"),
        (2, "Method", 3),
    ],
)
def test_bad_arguments(args: tuple[Any, ...]) -> None:
    with pytest.raises(ValueError, match=r"^imresize: "):
        imresize(np.ones((4, 4)), *args)


def test_bad_images() -> None:
    with pytest.raises(ValueError, match=r"^imresize: the image is empty"):
        imresize(np.ones((0, 4)), 2)
    for image in (np.ones((2, 2), np.int64), np.ones((2, 2), complex), np.array([["a"]])):
        with pytest.raises(TypeError, match=r"^imresize takes images of class"):
            imresize(image, 2)


def test_cast() -> None:
    values = np.array(
        [-300, -2.5, -0.5, -0.49999999999999994, 0.49999999999999994, 0.5, 2.5, 254.5, 300, np.nan, np.inf]
    )
    assert cast(values, np.dtype(np.uint8)).tolist() == [0, 0, 0, 0, 0, 1, 3, 255, 255, 0, 255]
    assert cast(values, np.dtype(np.int8)).tolist() == [-128, -3, -1, 0, 0, 1, 3, 127, 127, 0, 127]
