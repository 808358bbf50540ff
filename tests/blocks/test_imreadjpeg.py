"""vl_imreadjpeg: what is read, the crop, the colours, prefetching, and what is refused."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vlnn
from vlnn.matlab.images import imresize

Image = pytest.importorskip("PIL.Image")

Array = Any
HEIGHT, WIDTH = 30, 40


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Four colour images and a grey one of 30 by 40 pixels, and a colour image of 50 by 20."""
    folder = tmp_path_factory.mktemp("jpegs")
    rng = np.random.default_rng(0)
    shapes = [(HEIGHT, WIDTH, 3)] * 4 + [(HEIGHT, WIDTH), (50, 20, 3)]
    names = []
    for number, shape in enumerate(shapes):
        coarse = rng.integers(0, 256, (6, 6, *shape[2:])).astype(np.uint8)
        names.append(str(folder / f"{number}.jpg"))
        Image.fromarray(imresize(coarse, shape[:2])).save(names[-1], quality=95)
    return names


def decoded(name: str) -> Array:
    with Image.open(name) as image:
        pixels = np.asarray(image, np.float32)
    return pixels if pixels.ndim == 3 else pixels[:, :, None]


def crop(image: Array, size: tuple[int, int], method: str = "bilinear") -> Array:
    return imresize(image, size, method)


def test_images_come_as_they_are(files: list[str]) -> None:
    images = vlnn.vl_imreadjpeg(files)
    assert isinstance(images, list)
    for image, name in zip(images, files, strict=True):
        assert image.dtype == np.float32
        assert image.flags.f_contiguous
        np.testing.assert_array_equal(image, decoded(name))


def test_names_may_be_paths_or_an_array(files: list[str]) -> None:
    (one,) = vlnn.vl_imreadjpeg([Path(files[0])])
    (other,) = vlnn.vl_imreadjpeg(np.array([files[0]], dtype=object))
    np.testing.assert_array_equal(one, other)
    assert vlnn.vl_imreadjpeg([]) == []


@pytest.mark.parametrize("method", ["box", "bilinear", "bicubic", "lanczos2", "lanczos3"])
@pytest.mark.parametrize("size", [(9, 12), (7, 25), (45, 61)])
def test_resize_is_that_of_imresize(files: list[str], size: tuple[int, int], method: str) -> None:
    images = vlnn.vl_imreadjpeg(files, resize=size, cropanisotropy=0, interpolation=method.upper())
    for image, name in zip(images, files, strict=True):
        np.testing.assert_allclose(image, crop(decoded(name), size, method), rtol=0, atol=2e-3)


def test_a_square_comes_from_the_middle(files: list[str]) -> None:
    (image,) = vlnn.vl_imreadjpeg(files[:1], "Resize", [10, 10])
    assert image.shape == (10, 10, 3)
    # Away from the borders: the kernel sees what lies beside the crop.
    np.testing.assert_allclose(image[:, 1:-1], crop(decoded(files[0])[:, 5:35], (10, 10))[:, 1:-1], rtol=0, atol=1e-3)


def test_the_shorter_side(files: list[str]) -> None:
    images = vlnn.vl_imreadjpeg(files[3:], "Resize", 15)
    assert [image.shape for image in images] == [(15, 20, 3), (15, 20, 1), (38, 15, 3)]
    np.testing.assert_allclose(images[0], crop(decoded(files[3]), (15, 20)), rtol=0, atol=1e-3)


def test_pack(files: list[str]) -> None:
    packed = vlnn.vl_imreadjpeg(files, "Resize", [12, 8], "Pack")
    assert packed.shape == (12, 8, 3, 6)
    assert packed.dtype == np.float32
    assert packed.flags.f_contiguous
    single = vlnn.vl_imreadjpeg(files, "Resize", [12, 8])
    for k, image in enumerate(single):
        np.testing.assert_array_equal(packed[..., k], np.broadcast_to(image, (12, 8, 3)))
    assert vlnn.vl_imreadjpeg([], "Resize", [12, 8], "Pack").shape == (12, 8, 3, 0)


def test_random_crops_lie_in_the_image(tmp_path: Path) -> None:
    rows, columns = np.mgrid[:64, :96]
    Image.fromarray(np.dstack((rows, columns, 0 * rows)).astype(np.uint8)).save(tmp_path / "places.png")
    names = [str(tmp_path / "places.png")] * 200
    images = vlnn.vl_imreadjpeg(
        names, resize=[16, 16], cropsize=[0.25, 1], croplocation="random", cropanisotropy=[0.5, 2], rng=1
    )
    heights = np.array([np.ptp(image[..., 0]) / 15 * 16 for image in images])
    widths = np.array([np.ptp(image[..., 1]) / 15 * 16 for image in images])
    assert 0.45 < (widths / heights).min() < 0.6
    assert 1.7 < (widths / heights).max() < 2.2
    largest = np.minimum(64 / heights, 96 / widths)
    assert largest.max() < 4.4
    assert largest.min() < 1.1
    tops = np.array([image[0, 0, 0] for image in images])
    assert tops.min() >= 0
    assert len(np.unique(np.round(tops))) > 20


def test_flip_swaps_left_and_right_of_some(files: list[str]) -> None:
    (image,) = vlnn.vl_imreadjpeg(files[:1])
    flipped = [np.array_equal(other, image[:, ::-1]) for other in vlnn.vl_imreadjpeg(files[:1] * 40, "Flip", rng=2)]
    straight = [np.array_equal(other, image) for other in vlnn.vl_imreadjpeg(files[:1] * 40, "Flip", rng=2)]
    assert flipped == [not each for each in straight]
    assert 5 < sum(flipped) < 35


def test_the_average_is_subtracted(files: list[str]) -> None:
    plain, options = vlnn.vl_imreadjpeg(files, "Resize", [12, 8], "Pack"), {"resize": [12, 8], "pack": True}
    colour = np.array([10.0, 20, 30])
    minus = plain - colour.astype(np.float32)[:, None]
    for average in (colour, colour.astype(np.float32), [10, 20, 30], colour.reshape(1, 1, 3)):
        np.testing.assert_allclose(vlnn.vl_imreadjpeg(files, subtractaverage=average, **options), minus, atol=1e-4)
    np.testing.assert_allclose(vlnn.vl_imreadjpeg(files, subtractaverage=7, **options), plain - 7, atol=1e-4)
    picture = np.random.default_rng(3).random((12, 8, 3)).astype(np.float32) * 50
    minus = plain - picture[..., None]
    np.testing.assert_allclose(vlnn.vl_imreadjpeg(files, subtractaverage=picture, **options), minus, atol=1e-4)
    grey = vlnn.vl_imreadjpeg(files[4:5], subtractaverage=colour)[0]
    np.testing.assert_allclose(grey, decoded(files[4]) - 10, atol=1e-4)


def test_brightness_adds_one_colour_to_each_image(files: list[str]) -> None:
    plain = vlnn.vl_imreadjpeg(files[:1])[0]
    matrix = np.array([[5.0, 1, 0], [0, 20, 0], [0, -40, 3]])
    names = files[:1] * 500
    shifts = np.array([(image - plain) for image in vlnn.vl_imreadjpeg(names, brightness=matrix, rng=4)])
    np.testing.assert_allclose(np.ptp(shifts, axis=(1, 2)), 0, atol=1e-3)
    covariance = np.cov(shifts[:, 0, 0].T)
    np.testing.assert_allclose(covariance, matrix @ matrix.T, atol=0.15 * 1600)
    one, three, nine = (
        vlnn.vl_imreadjpeg(files[:1], "Brightness", value, rng=5)[0] for value in (4, [4, 4, 4], np.eye(3) * 4)
    )
    np.testing.assert_array_equal(one, three)
    np.testing.assert_array_equal(one, nine)
    assert (one != plain).all()


def test_contrast_keeps_the_mean_of_each_channel(files: list[str]) -> None:
    plain = vlnn.vl_imreadjpeg(files[:1])[0]
    mean = plain.mean(axis=(0, 1), keepdims=True)
    factors = []
    for image in vlnn.vl_imreadjpeg(files[:1] * 50, "Contrast", 0.5, rng=6):
        np.testing.assert_allclose(image.mean(axis=(0, 1), keepdims=True), mean, atol=1e-2)
        factor = (image - mean).std() / (plain - mean).std()
        np.testing.assert_allclose(image - mean, factor * (plain - mean), atol=1e-1)
        factors.append(factor)
    assert 0.5 <= min(factors) < 0.6
    assert 1.4 < max(factors) <= 1.5


def test_saturation_keeps_the_grey_of_each_pixel(files: list[str]) -> None:
    plain = vlnn.vl_imreadjpeg(files[:1])[0]
    grey = plain.mean(axis=2, keepdims=True)
    for image in vlnn.vl_imreadjpeg(files[:1] * 20, "Saturation", 1, rng=7):
        np.testing.assert_allclose(image.mean(axis=2, keepdims=True), grey, atol=1e-2)
        factor = (image - grey).std() / (plain - grey).std()
        np.testing.assert_allclose(image - grey, factor * (plain - grey), atol=1e-1)
    np.testing.assert_allclose(vlnn.vl_imreadjpeg(files[4:5], "Saturation", 1)[0], decoded(files[4]), atol=1e-3)


RANDOM = {"resize": [12, 12], "cropsize": [0.5, 1], "croplocation": "random", "flip": True, "brightness": 3,
          "contrast": 0.3, "saturation": 0.2, "cropanisotropy": [0.5, 2]}  # fmt: skip


def test_threads_change_nothing(files: list[str]) -> None:
    one, many = (vlnn.vl_imreadjpeg(files, numthreads=count, rng=8, pack=True, **RANDOM) for count in (1, 7))
    np.testing.assert_array_equal(one, many)
    other = vlnn.vl_imreadjpeg(files, rng=9, pack=True, **RANDOM)
    assert (one != other).any()


def test_prefetch(files: list[str]) -> None:
    assert vlnn.vl_imreadjpeg(files, "Prefetch", "Resize", [6, 6], "Pack") is None
    assert vlnn.vl_imreadjpeg(files, "Prefetch") is None  # already under way
    assert vlnn.vl_imreadjpeg(files, "Resize", [9, 9]).shape == (6, 6, 3, 6)
    assert vlnn.vl_imreadjpeg(files, "Resize", [9, 9])[0].shape == (9, 9, 3)


def test_another_list_gives_up_what_was_prefetched(files: list[str]) -> None:
    vlnn.vl_imreadjpeg(files, "Prefetch", "Resize", [6, 6], "Pack")
    assert [image.shape for image in vlnn.vl_imreadjpeg(files[:2])] == [(HEIGHT, WIDTH, 3)] * 2
    assert [image.shape for image in vlnn.vl_imreadjpeg(files[:1])] == [(HEIGHT, WIDTH, 3)]


def test_a_file_that_cannot_be_read(files: list[str], tmp_path: Path) -> None:
    (tmp_path / "damaged.jpg").write_bytes(Path(files[0]).read_bytes()[:600])
    (tmp_path / "text.jpg").write_text("no image")
    for name in ("damaged.jpg", "text.jpg", "missing.jpg"):
        bad = str(tmp_path / name)
        with pytest.warns(RuntimeWarning, match=r"^could not read image '.*' because"):
            first, second = vlnn.vl_imreadjpeg([bad, files[1]])
        assert first.size == 0
        np.testing.assert_array_equal(second, decoded(files[1]))
        with pytest.warns(RuntimeWarning, match=r"^could not read image"):
            packed = vlnn.vl_imreadjpeg([bad, files[1]], "Resize", [6, 6], "Pack")
        assert not packed[..., 0].any()
        assert packed[..., 1].any()


def test_verbose(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    vlnn.vl_imreadjpeg(files[4:5], "Verbose", "NumThreads", 3)
    assert capsys.readouterr().out.splitlines() == [
        "vl_imreadjpeg: gpu mode: no",
        "vl_imreadjpeg: crop anisotropy: [1, 1]",
        "vl_imreadjpeg: crop size: [1, 1]",
        "vl_imreadjpeg: num_threads: 3 requested 3 readers",
        f"{files[4]:>20}: 40 x 30 x 1",
    ]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"resize": [1, 2, 3]}, "RESIZE does not have one or two dimensions."),
        ({"resize": []}, "RESIZE is not a plain vector."),
        ({"resize": np.ones((2, 2))}, "RESIZE is not a plain vector."),
        ({"resize": "big"}, "RESIZE is not a plain vector."),
        ({"resize": [5, 0]}, "An element of RESIZE is smaller than one."),
        ({"pack": True}, "PACK must be used in combination with resizing to a fixed size."),
        ({"pack": True, "resize": 5}, "PACK must be used in combination with resizing to a fixed size."),
        ({"brightness": [1, 2]}, "BRIGHTNESS does not have 1, 3, or 9 elements."),
        ({"brightness": "1"}, "BRIGHTNESS is not a plain matrix."),
        ({"saturation": [1, 1]}, "SATURATION is not a plain scalar."),
        ({"saturation": 1.5}, "SATURATION is not in the [0,1] range.."),
        ({"contrast": "x"}, "CONTRAST is not a plain scalar."),
        ({"contrast": np.nan}, "CONTRAST is not in the [0,1] range.."),
        ({"cropanisotropy": [1, 2, 3]}, "CROPANISOTROPY is not a plain scalar or vector with two components."),
        ({"cropanisotropy": [2, 1]}, "CROPANISOTROPY values are not in the legal range."),
        ({"cropsize": "x"}, "CROPSIZE is not a plain scalar or vector with two components."),
        ({"cropsize": [0.5, 1.5]}, "CROPSIZE values are not in the legal range."),
        ({"croplocation": 1}, "CROPLOCATION is not a string"),
        ({"croplocation": "left"}, "CROPLOCATION value unknown."),
        ({"interpolation": 1}, "INTERPOLATION is not a string."),
        ({"interpolation": "nearest"}, "INTERPOLATION is not a supported method."),
        ({"subtractaverage": ["a", "b", "c"]}, "SUBTRACTAVERAGE is not SINGLE or DOUBLE vector."),
        ({"subtractaverage": np.ones((2, 2, 3, 2))}, "SUBTRACTAVERAGE is not a SINGLE image of a compatible shape."),
        ({"subtractaverage": np.ones((4, 4, 3))}, "Cannot subtract an average image unless RESIZE is used"),
        ({"subtractaverage": np.ones((4, 4, 3)), "resize": [4, 5]}, "The average image is not a RESIZEHEIGHT x"),
        ({"zoom": 1}, "Unknown option 'zoom'."),
    ],
)
def test_bad_options(files: list[str], options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(vlnn.MatConvNetError) as caught:
        vlnn.vl_imreadjpeg(files, **options)
    assert str(caught.value).startswith(sentence)


def test_bad_names(files: list[str]) -> None:
    with pytest.raises(vlnn.MatConvNetError, match=r"^There is less than one argument\."):
        vlnn.vl_imreadjpeg()
    with pytest.raises(vlnn.MatConvNetError, match=r"^FILENAMES is not a cell array of strings\."):
        vlnn.vl_imreadjpeg(files[0])
    with pytest.raises(vlnn.MatConvNetError, match=r"^FILENAMES contains an entry that is not a string\."):
        vlnn.vl_imreadjpeg([files[0], 3])


def test_what_is_not_installed(files: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(vlnn.MatConvNetError, match=r"^Not compiled with GPU support\."):
        vlnn.vl_imreadjpeg(files, "GPU")
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ImportError, match=r"^vl_imreadjpeg needs Pillow: pip install 'vlnn\[images\]'\.$"):
        vlnn.vl_imreadjpeg(files)
