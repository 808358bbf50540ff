"""Colours, classes, pictures and distances: MATLAB's numbers, rounding included."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.layouts import LAYOUTS
from vlnn.matlab import im2double, im2single, im2uint8, imread, psnr, rgb2gray, rgb2ycbcr, ycbcr2rgb

Array = Any

RANDOM = np.random.default_rng(0)
PICTURE = RANDOM.integers(0, 256, (9, 7, 3), dtype=np.uint8)
# Of the manual of rgb2ycbcr: red, green, blue, white, black, grey
PRIMARIES = np.array([[[255, 0, 0]], [[0, 255, 0]], [[0, 0, 255]], [[255] * 3], [[0] * 3], [[128] * 3]], np.uint8)
YCBCR = [[81, 90, 240], [145, 54, 34], [41, 240, 110], [235, 128, 128], [16, 128, 128], [126, 128, 128]]


def rounded(value: Fraction) -> int:
    """Halves away from zero."""
    return math.floor(value + Fraction(1, 2)) if value >= 0 else -math.floor(-value + Fraction(1, 2))


def luma(red: int, green: int, blue: int, white: int) -> int:
    step = Fraction(white, 255)
    parts = Fraction("65.481") * red + Fraction("128.553") * green + Fraction("24.966") * blue
    return rounded(parts / 255 + 16 * step)


def test_ycbcr_of_primaries() -> None:
    assert rgb2ycbcr(PRIMARIES)[:, 0].tolist() == YCBCR


@pytest.mark.parametrize(("dtype", "white"), [(np.uint8, 255), (np.uint16, 65535)])
def test_luma_is_exact(dtype: type, white: int) -> None:
    picture = RANDOM.integers(0, white + 1, (40, 50, 3)).astype(dtype)
    y = rgb2ycbcr(picture)[:, :, 0]
    assert y.dtype == dtype
    expected = [luma(*map(int, colour), white) for colour in picture.reshape(-1, 3)]
    assert y.ravel().tolist() == expected


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ycbcr_of_floats(dtype: type) -> None:
    y = rgb2ycbcr(PRIMARIES.astype(dtype) / dtype(255))
    assert y.dtype == dtype
    assert y.flags.f_contiguous
    np.testing.assert_allclose(y[:, 0] * 255, np.array(YCBCR), atol=0.5)
    np.testing.assert_allclose(y[3, 0] * 255, [235, 128, 128], rtol=1e-6)
    back = ycbcr2rgb(y)
    np.testing.assert_allclose(back * 255, PRIMARIES, atol=1e-3 if dtype == np.float32 else 1e-10)


def test_there_and_back_loses_little() -> None:
    back = ycbcr2rgb(rgb2ycbcr(PICTURE))
    assert back.dtype == np.uint8
    assert np.abs(back.astype(int) - PICTURE).max() <= 2
    deep = PICTURE.astype(np.uint16) * 257
    assert np.abs(ycbcr2rgb(rgb2ycbcr(deep)).astype(int) - deep).max() <= 2


def test_ycbcr_outside_the_range_is_clipped() -> None:
    corners = np.array([[[255, 255, 255]], [[0, 0, 0]]], np.uint8)
    assert ycbcr2rgb(corners)[:, 0].tolist() == [[255, 125, 255], [0, 136, 0]]
    floats = ycbcr2rgb(corners / 255)
    assert (floats.min(), floats.max()) == (0, 1)


def test_grey() -> None:
    assert rgb2gray(PRIMARIES).ravel().tolist() == [76, 150, 29, 255, 0, 128]
    greys = np.repeat(np.arange(256, dtype=np.uint8).reshape(16, 16, 1), 3, axis=2)
    np.testing.assert_array_equal(rgb2gray(greys), greys[:, :, 0])
    weights = [0.2989360212937754, 0.5870430744511213, 0.1140209042551033]
    expected = PICTURE.astype(np.float64) @ weights
    np.testing.assert_allclose(rgb2gray(PICTURE.astype(np.float64)), expected, rtol=1e-14)
    assert rgb2gray(PICTURE.astype(np.float32)).dtype == np.float32


def test_colour_maps() -> None:
    colours = np.array([[1.0, 0, 0], [0.5, 0.5, 0.5]])
    np.testing.assert_allclose(rgb2gray(colours), [[0.29893602] * 3, [0.5] * 3], rtol=1e-7)
    np.testing.assert_allclose(rgb2ycbcr(colours)[1], [125.5 / 255, 128 / 255, 128 / 255], rtol=1e-12)
    np.testing.assert_allclose(ycbcr2rgb(rgb2ycbcr(colours)), colours, atol=1e-12)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(layout: str) -> None:
    given = LAYOUTS[layout](PICTURE)
    for function in (rgb2ycbcr, ycbcr2rgb, rgb2gray, im2double, im2single, im2uint8):
        result = function(given)
        np.testing.assert_array_equal(result, function(PICTURE))
        assert result.flags.f_contiguous
    np.testing.assert_array_equal(given, PICTURE)


def test_stacks_of_pictures() -> None:
    stack = np.stack([PICTURE, PICTURE[::-1]], axis=3)
    assert rgb2gray(stack).shape == (9, 7, 2)
    np.testing.assert_array_equal(rgb2ycbcr(stack)[..., 1], rgb2ycbcr(PICTURE[::-1]))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (np.array([[0, 51, 255]], np.uint8), [0, 0.2, 1]),
        (np.array([[0, 65535]], np.uint16), [0, 1]),
        (np.array([[-32768, 0, 32767]], np.int16), [0, 32768 / 65535, 1]),
        (np.array([[True, False]]), [1, 0]),
        (np.array([[-0.5, 2]], np.float32), [-0.5, 2]),
        ([[1, 2]], [1, 2]),
    ],
)
def test_classes_of_floats(given: Any, expected: list[float]) -> None:
    for function, dtype in ((im2double, np.float64), (im2single, np.float32)):
        result = function(given)
        assert result.dtype == dtype
        np.testing.assert_array_equal(result.ravel(), np.array(expected, np.float64).astype(dtype))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (np.array([[-1, 0, 0.5, 1, 2, np.nan, 0.5 / 255, 1.5 / 255]]), [0, 0, 128, 255, 255, 0, 1, 2]),
        (np.array([[0.5]], np.float32), [128]),
        (np.array([[0, 128, 129, 65535]], np.uint16), [0, 0, 1, 255]),
        (np.array([[-32768, 0, 32767]], np.int16), [0, 128, 255]),
        (np.array([[True, False]]), [255, 0]),
        (np.array([[7]], np.uint8), [7]),
    ],
)
def test_uint8(given: Array, expected: list[int]) -> None:
    result = im2uint8(given)
    assert result.dtype == np.uint8
    assert result.ravel().tolist() == expected
    np.testing.assert_array_equal(im2uint8(im2double(PICTURE)), PICTURE)
    np.testing.assert_array_equal(im2uint8(im2single(PICTURE)), PICTURE)


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda: rgb2ycbcr(PICTURE[:, :, 0]), ValueError, "rgb2ycbcr: an image is H x W x 3"),
        (lambda: rgb2gray(PICTURE[:, :, :2]), ValueError, "rgb2gray: an image is H x W x 3"),
        (lambda: ycbcr2rgb(np.ones((2, 3), np.uint8)), TypeError, "ycbcr2rgb takes images"),
        (lambda: rgb2ycbcr(PICTURE.astype(np.int16)), TypeError, "rgb2ycbcr takes images"),
        (lambda: im2double(PICTURE.astype(np.int64)), TypeError, "im2double takes images of class"),
        (lambda: im2uint8(np.array([["a"]])), TypeError, "im2uint8 takes images of class"),
        (lambda: psnr(PICTURE, PICTURE[1:]), ValueError, "psnr: the two images must have the same size and class"),
        (lambda: psnr(PICTURE, PICTURE / 255), ValueError, "psnr: the two images must have the same size and class"),
    ],
)
def test_refusals(call: Any, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        call()


def test_psnr() -> None:
    other = PICTURE.copy()
    other[0, 0, 0] ^= 16
    expected = 10 * math.log10(255**2 / (256 / PICTURE.size))
    assert psnr(other, PICTURE) == pytest.approx(expected)
    assert psnr(other / 255, PICTURE / 255) == pytest.approx(expected)
    assert psnr(other / 1.0, PICTURE / 1.0, 255) == pytest.approx(expected)
    assert psnr(other.astype(np.uint16), PICTURE.astype(np.uint16)) == pytest.approx(expected + 20 * math.log10(257))
    assert psnr(PICTURE, PICTURE) == math.inf
    noise, signal = psnr(other, PICTURE, nargout=2)
    assert noise - signal == pytest.approx(10 * math.log10(255**2 / np.mean(PICTURE.astype(float) ** 2)))


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA", "P", "1", "I;16", "CMYK"])
def test_reading_pictures(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("picture.tif" if mode == "CMYK" else "picture.png")
    grey, alpha = PICTURE[:, :, 0], PICTURE[:, :, 1]
    pixels: dict[str, Array] = {
        "L": grey,
        "RGB": PICTURE,
        "RGBA": np.dstack([PICTURE, alpha]),
        "LA": np.dstack([grey, alpha]),
        "1": grey > 99,
        "I;16": grey.astype(np.uint16) * 257,
        "CMYK": np.dstack([PICTURE, alpha]),
    }
    if mode == "P":
        picture = Image.fromarray(grey % 4, "P")
        picture.putpalette([0, 0, 0, 255, 0, 0, 0, 51, 0, 0, 0, 255])
    else:
        picture = Image.fromarray(pixels[mode]) if mode != "CMYK" else Image.fromarray(pixels[mode], "CMYK")
    picture.save(path)
    image, colours, transparency = imread(path, nargout=3)
    expected = {"P": grey % 4, "RGBA": PICTURE, "LA": grey}.get(mode, pixels.get(mode))
    np.testing.assert_array_equal(image, expected)
    assert image.dtype == expected.dtype
    assert image.flags.f_contiguous
    assert transparency.shape == ((9, 7) if mode in ("RGBA", "LA") else (0, 0))
    assert colours.shape[0] >= 4 if mode == "P" else colours.shape == (0, 0)
    if mode == "P":
        np.testing.assert_allclose(colours[:4], [[0, 0, 0], [1, 0, 0], [0, 0.2, 0], [0, 0, 1]])
    with path.open("rb") as stream:
        np.testing.assert_array_equal(imread(stream), image)


def test_a_picture_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        imread(tmp_path / "none.png")
