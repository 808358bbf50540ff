"""Pictures as net.meta.normalization wants them, against imresize and vl_imreadjpeg, which have MATLAB's results."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
from PIL import Image

import vlnn
from vlnn import dagnn
from vlnn.matlab import imresize, rgb2gray
from vlnn.preprocessing import Normalization
from vlnn.preprocessing.meta import input_depth
from vlnn.simplenn import SimpleNN

Array = Any
PICTURE = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
MEAN = np.array([123.0, 117.0, 104.0])


def net(depth: int = 3, meta: Any = None, **normalization: Any) -> SimpleNN:
    layer = {"type": "conv", "weights": [np.zeros((3, 3, depth, 2), np.float32), []]}
    fields = {"normalization": normalization} if normalization else {}
    network: SimpleNN = vlnn.vl_simplenn_tidy({"layers": [layer], "meta": {**fields, **(meta or {})}})
    return network


def close(got: Array, want: Array) -> None:
    assert got.dtype == np.float32
    assert got.flags.f_contiguous
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-3)


def four(image: Array) -> Array:
    return image.reshape(*image.shape, *(1,) * (4 - image.ndim))


def test_the_quick_start() -> None:
    mean = np.random.default_rng(1).uniform(100, 130, (24, 20, 3)).astype(np.float32)
    x = vlnn.preprocess(net(imageSize=[24, 20, 3], averageImage=mean), PICTURE)
    close(x, four(imresize(PICTURE.astype(np.float32), (24, 20)) - mean))


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic", "box", "lanczos3", None])
@pytest.mark.parametrize("keep_aspect", [np.array([[1.0]]), 0, None])
def test_as_vl_imreadjpeg_does_it(interpolation: str | None, keep_aspect: Any, tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    Image.fromarray(PICTURE).save(path)
    meta = {"imageSize": [20, 20, 3], "cropSize": 0.8, "averageImage": MEAN, "interpolation": interpolation}
    x = vlnn.preprocess(net(**meta, keepAspect=keep_aspect), path)
    options = {"CropAnisotropy": 0} if keep_aspect == 0 else {}
    method = interpolation or "bicubic"
    want = vlnn.vl_imreadjpeg(
        [path], "Resize", [20, 20], "CropSize", 0.8, "SubtractAverage", MEAN, "Interpolation", method, "Pack",
        **options,
    )  # fmt: skip
    np.testing.assert_allclose(x, want, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    "average",
    [MEAN, MEAN[None], MEAN[:, None], MEAN.reshape(1, 1, 3), MEAN.reshape(1, 1, 3, 1), MEAN.astype(np.uint8),
     np.broadcast_to(MEAN, (16, 12, 3)), np.broadcast_to(MEAN, (7, 9, 3)), list(MEAN)],
)  # fmt: skip
def test_shapes_of_the_average(average: Array) -> None:
    x = vlnn.preprocess(net(imageSize=[16, 12, 3, 10], averageImage=average), PICTURE)
    close(x, four(imresize(PICTURE.astype(np.float32), (16, 12)) - MEAN))


@pytest.mark.parametrize("average", [None, [], np.zeros((0, 0)), 0, np.zeros((3, 1))])
def test_no_average(average: Any) -> None:
    x = vlnn.preprocess(net(imageSize=[16, 12], averageImage=average), PICTURE)
    close(x, four(imresize(PICTURE.astype(np.float32), (16, 12))))


def test_the_size_of_the_average_is_that_of_the_input() -> None:
    mean = np.full((16, 12, 3), 5.0, np.float32)
    assert vlnn.preprocess(net(averageImage=mean), PICTURE).shape == (16, 12, 3, 1)


def test_an_average_of_another_size_is_resized() -> None:
    mean = np.random.default_rng(2).uniform(0, 255, (32, 24, 3)).astype(np.float32)
    x = vlnn.preprocess(net(imageSize=[16, 12, 3], averageImage=mean), PICTURE)
    close(x, four(imresize(PICTURE.astype(np.float32), (16, 12)) - imresize(mean, (16, 12))))


def test_border_is_what_the_crop_leaves_out() -> None:
    """A border of the width of the input leaves the middle half; tidy writes the same as cropSize."""
    picture = np.zeros((40, 40, 3), np.uint8)
    picture[10:30, 10:30] = 200
    fields = {"imageSize": [20, 20, 3], "border": [20, 20], "keepAspect": True}
    for network in (net(**fields), SimpleNN(net().layers, {"normalization": fields})):
        assert (vlnn.preprocess(network, picture) == 200).all()
        assert not (vlnn.preprocess(network, picture, crop=False) == 200).all()


def test_a_part_for_each_side() -> None:
    x = Normalization(size=(20, 30), crop=(0.5, 1)).apply(PICTURE)
    np.testing.assert_allclose(x, four(PICTURE[10:30, ::2].astype(np.float32)), atol=300)
    close(Normalization(size=(20, 60), crop=(0.5, 1)).apply(PICTURE), four(PICTURE[10:30].astype(np.float32)))
    # Both shrink to keep the aspect: 20 rows of 60 columns at 20x20 are 20x20.
    kept = Normalization(size=(20, 20), crop=(0.5, 1), keep_aspect=True).apply(PICTURE)
    close(kept, four(PICTURE[10:30, 20:40].astype(np.float32)))


def test_classes_of_pictures() -> None:
    network = net(imageSize=[40, 60, 3], averageImage=MEAN)
    want = four(PICTURE.astype(np.float32) - MEAN.astype(np.float32))
    for picture in (PICTURE, PICTURE.astype(np.float32), PICTURE.astype(float), PICTURE.astype(np.uint16) * 257):
        close(vlnn.preprocess(network, picture), want)
    logical = PICTURE > 100
    close(vlnn.preprocess(network, logical), four(logical * np.float32(255) - MEAN.astype(np.float32)))
    with pytest.raises(vlnn.MatConvNetError, match="Picture 1 is of class int32"):
        vlnn.preprocess(network, PICTURE.astype(np.int32))


def test_pictures_from_0_to_1_are_suspicious() -> None:
    network = net(imageSize=[40, 60, 3], averageImage=MEAN)
    with pytest.warns(UserWarning, match="No pixel of picture 1 is above 1, and pixels count from 0 to 255"):
        vlnn.preprocess(network, PICTURE / 255)


def test_networks_of_pictures_from_0_to_1() -> None:
    mean, deviation = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    x = vlnn.preprocess(net(imageSize=[40, 60, 3], averageImage=mean, imageStd=deviation), PICTURE)
    close(x, four((PICTURE / 255 - mean) / deviation).astype(np.float32))
    old = net(1, meta={"imageMean": np.float32(0.4134)})
    close(vlnn.preprocess(old, PICTURE), four(rgb2gray(PICTURE) / 255 - 0.4134).astype(np.float32))


def test_grey_and_colour() -> None:
    grey = net(1, imageSize=[40, 60], averageImage=7)
    close(vlnn.preprocess(grey, PICTURE), four(rgb2gray(PICTURE)).astype(np.float32) - 7)
    colour = net(3, imageSize=[40, 60], averageImage=MEAN)
    close(vlnn.preprocess(colour, PICTURE[..., 0]), four(PICTURE[..., [0, 0, 0]] - MEAN).astype(np.float32))
    with pytest.raises(vlnn.MatConvNetError, match="Picture 2 has 2 channels, and the network takes 3"):
        vlnn.preprocess(colour, [PICTURE, PICTURE[..., :2]])


def test_several_pictures(tmp_path: Path) -> None:
    network = net(imageSize=[10, 10, 3], averageImage=MEAN)
    pictures = [PICTURE, PICTURE[:20, ::-1], PICTURE[..., 0]]
    alone = [vlnn.preprocess(network, picture) for picture in pictures]
    np.testing.assert_array_equal(vlnn.preprocess(network, pictures), np.concatenate(alone, axis=3))
    stack = np.stack([PICTURE, PICTURE[::-1]], axis=3)
    np.testing.assert_array_equal(vlnn.preprocess(network, stack), vlnn.preprocess(network, [PICTURE, PICTURE[::-1]]))
    Image.fromarray(PICTURE).save(tmp_path / "a.png")
    np.testing.assert_array_equal(vlnn.preprocess(network, [str(tmp_path / "a.png"), pictures[1]])[..., :1], alone[0])


def test_pictures_with_a_palette(tmp_path: Path) -> None:
    paletted = Image.fromarray(PICTURE).quantize(16)
    paletted.save(tmp_path / "a.png")
    x = vlnn.preprocess(net(imageSize=[40, 60, 3]), tmp_path / "a.png")
    close(x, four(np.asarray(paletted.convert("RGB"), np.float32)))


@pytest.mark.parametrize(
    ("meta", "size"),
    [
        ({"inputSize": [16, 12, 3]}, (16, 12, 3, 1)),
        ({"inputSize": [[9.0]]}, (9, 9, 3, 1)),
        ({"inputSize": ["data", np.array([[16.0, 12, 3, 32]])]}, (16, 12, 3, 1)),
        ({"inputs": [{"name": "data", "size": [16, 12, 3, 10]}]}, (16, 12, 3, 1)),
        ({"inputs": {"name": "data", "size": [16, 12, 3, 10]}}, (16, 12, 3, 1)),
        ({"inputSize": [5, 5, 3], "normalization": {"imageSize": [16, 12]}}, (16, 12, 3, 1)),
        ({"normalization": {"averageImage": 100.0}}, (40, 60, 3, 1)),
    ],
)
def test_where_the_size_stands(meta: Any, size: tuple[int, ...]) -> None:
    assert vlnn.preprocess(net(meta=meta), PICTURE).shape == size


def test_graphs() -> None:
    graph = dagnn.DagNN()
    graph.addLayer("relu", dagnn.ReLU(), "x", "a")
    graph.addLayer("conv", dagnn.Conv(size=[3, 3, 1, 2], hasBias=False), "data", "b", ["f"])
    graph.meta.normalization = {"imageSize": [8, 8], "averageImage": 3}
    assert input_depth(graph) == 1
    assert vlnn.preprocess(graph, PICTURE).shape == (8, 8, 1, 1)


@pytest.mark.parametrize("meta", [{}, {"normalization": {"keepAspect": True}}, {"trainOpts": 1.0}])
def test_nothing_said(meta: Any) -> None:
    with pytest.raises(vlnn.MatConvNetError, match=r"it has none of normalization\.imageSize, .*averageImage"):
        vlnn.preprocess(net(meta=meta), PICTURE)


@pytest.mark.parametrize(
    ("normalization", "words"),
    [
        ({"imageSize": "large"}, "net.meta.normalization.imageSize is not the size of an image"),
        ({"imageSize": [1, 2, 3, 4, 5]}, "net.meta.normalization.imageSize is not the size of an image"),
        ({"imageSize": [0, 5]}, "net.meta.normalization.imageSize is not the size of an image"),
        ({"imageSize": [8, 8], "cropSize": -1}, "cropSize is not one or two positive numbers"),
        ({"imageSize": [8, 8], "cropSize": [1, 1, 1]}, "cropSize is not one or two positive numbers"),
        ({"imageSize": [8, 8], "interpolation": "cubical"}, "interpolation is no method of imresize"),
        ({"imageSize": [8, 8], "interpolation": 3}, "interpolation is no method of imresize"),
        ({"imageSize": [8, 8], "averageImage": "mean.mat"}, "averageImage is neither a number"),
        ({"imageSize": [8, 8], "averageImage": [1, np.nan, 3]}, "averageImage has elements that are not finite"),
        ({"imageSize": [8, 8], "averageImage": [1, 2]}, "averageImage has 2 channels, and picture 1 has 3"),
    ],
)
def test_fields_that_make_no_sense(normalization: Any, words: str) -> None:
    with pytest.raises(vlnn.MatConvNetError) as caught:
        vlnn.preprocess(SimpleNN(net().layers, {"normalization": normalization}), PICTURE)
    assert words in str(caught.value)


def test_a_normalization_that_is_no_struct() -> None:
    with pytest.raises(vlnn.MatConvNetError, match="normalization is not a struct"):
        vlnn.preprocess(net(meta={"normalization": "none"}), PICTURE)


@pytest.mark.parametrize("images", [3, [], np.zeros((0, 4)), np.zeros(5), np.array(["a"]), np.zeros((2, 2, 3, 1, 1))])
def test_no_pictures(images: Any) -> None:
    with pytest.raises(vlnn.MatConvNetError, match="picture"):
        vlnn.preprocess(net(imageSize=[8, 8]), images)


def test_pictures_keep_their_size_only_if_it_is_the_same() -> None:
    with pytest.raises(vlnn.MatConvNetError, match=r"Received 40x60x3 and, as picture 2, 20x60x3"):
        vlnn.preprocess(net(averageImage=3), [PICTURE, PICTURE[:20]])


def test_files_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("text")
    with pytest.raises(OSError, match="cannot identify image file"):
        vlnn.preprocess(net(imageSize=[8, 8]), tmp_path / "a.jpg")
    with pytest.raises(FileNotFoundError):
        vlnn.preprocess(net(imageSize=[8, 8]), tmp_path / "b.jpg")


def test_nearest_takes_pixels_as_they_are() -> None:
    x = vlnn.preprocess(net(imageSize=[20, 30], interpolation="nearest"), PICTURE)
    close(x, four(imresize(PICTURE, (20, 30), "nearest")).astype(np.float32))


def test_the_order_of_colours_is_that_of_the_picture() -> None:
    red = np.zeros((4, 4, 3), np.uint8)
    red[..., 0] = 255
    x = vlnn.preprocess(net(imageSize=[4, 4], averageImage=MEAN), red)
    np.testing.assert_allclose(x[0, 0].ravel(), [132, -117, -104])


NONSENSE = st.one_of(
    st.none(),
    st.text(max_size=4),
    st.booleans(),
    st.floats(),
    st.integers(-3, 40),
    st.lists(st.integers(-2, 9), max_size=5),
    st.lists(st.one_of(st.text(max_size=2), st.lists(st.integers(0, 9), max_size=4)), max_size=3),
    st.dictionaries(st.sampled_from(["name", "size"]), st.integers(0, 9), max_size=2),
    st.sampled_from([np.zeros((0, 0)), np.ones((2, 3, 3)), np.ones((3, 1)), np.array(["a"]), np.ones((4, 5, 6, 7, 8))]),
)
FIELDS = ("imageSize", "averageImage", "border", "cropSize", "keepAspect", "interpolation", "imageStd")


@hypothesis.settings(max_examples=300)
@hypothesis.given(
    st.dictionaries(st.sampled_from(FIELDS), NONSENSE),
    st.dictionaries(st.sampled_from(["inputSize", "inputs"]), NONSENSE),
)
def test_meta_that_makes_no_sense(normalization: dict[str, Any], meta: dict[str, Any]) -> None:
    network = SimpleNN(net().layers, {"normalization": normalization, **meta})
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            x = vlnn.preprocess(network, PICTURE)
    except vlnn.MatConvNetError:
        return
    assert x.dtype == np.float32
    assert x.ndim == 4
