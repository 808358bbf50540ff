"""getBatch from arrays and from files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vlnn import MatConvNetError, cnn_train, cnn_train_dag, vl_imreadjpeg, vl_simplenn_tidy
from vlnn.dagnn import DagNN
from vlnn.matlab import Struct
from vlnn.training import getBatchFn, getDagNNBatch, getImageBatch, getSimpleNNBatch


def memory() -> Struct:
    data = np.arange(2 * 3 * 1 * 5, dtype=np.float32).reshape((2, 3, 1, 5), order="F")
    return Struct(images=Struct(data=data, labels=np.array([[1, 2, 3, 1, 2]]), set=np.array([[1, 1, 1, 2, 2]])))


@pytest.mark.parametrize(
    "labels", [[1, 2, 3, 1, 2], np.array([[1], [2], [3], [1], [2]]), np.array([[1.0, 2, 3, 1, 2]])]
)
def test_images_in_memory(labels: Any) -> None:
    imdb = memory()
    imdb.images.labels = labels
    im, found = getSimpleNNBatch(imdb, [4, 0])
    np.testing.assert_array_equal(im, imdb.images.data[:, :, :, [4, 0]])
    np.testing.assert_array_equal(found, [[2, 1]])
    name, images, label, again = getDagNNBatch(imdb, np.array([[4, 0]]))
    assert (name, label) == ("input", "label")
    np.testing.assert_array_equal(images, im)
    np.testing.assert_array_equal(again, found)


def test_labels_may_be_images() -> None:
    imdb = memory()
    imdb.images.labels = 10 * imdb.images.data
    im, labels = getSimpleNNBatch(imdb, [1])
    assert labels.shape == (2, 3, 1, 1)
    np.testing.assert_array_equal(labels, 10 * im)


def test_an_imdb_without_what_is_needed() -> None:
    with pytest.raises(MatConvNetError, match=r"^IMDB has no images\.labels\. Received data\."):
        getSimpleNNBatch({"images": {"data": np.zeros((1, 1, 1, 1))}}, [0])
    with pytest.raises(MatConvNetError, match=r"^IMDB has no images\.data\."):
        getDagNNBatch({}, [0])


@pytest.fixture
def files(tmp_path: Path) -> Struct:
    """Three pictures of one colour each, and one of noise."""
    pictures = [np.full((40, 60, 3), (level, level // 2, 0), np.uint8) for level in (250, 150, 50)]
    pictures.append(np.random.default_rng(0).integers(0, 256, (50, 40, 3), dtype=np.uint8))
    names = [f"{number}.png" for number in range(4)]
    for name, picture in zip(names, pictures, strict=True):
        Image.fromarray(picture).save(tmp_path / name)
    return Struct(imageDir=str(tmp_path), images=Struct(name=names, label=[5, 6, 7, 8], set=[1, 2, 2, 1]))


def paths(files: Struct) -> list[Path]:
    return [Path(files.imageDir) / name for name in files.images.name]


def test_images_from_files(files: Struct) -> None:
    data = getImageBatch(paths(files), "imageSize", [20, 30, 3], "subtractAverage", [50, 25, 0])
    assert (data.shape, data.dtype, data.flags.f_contiguous) == ((20, 30, 3, 4), np.float32, True)
    np.testing.assert_allclose(data[:, :, :, 0], np.broadcast_to([200, 100, 0], (20, 30, 3)), atol=1e-3)
    expected = vl_imreadjpeg(paths(files), Pack=True, Interpolation="bicubic", Resize=[20, 30], CropSize=227 / 256)
    np.testing.assert_allclose(data + np.array([50, 25, 0], "f")[:, None], expected, atol=1e-3)


def test_images_are_squeezed_or_cut(files: Struct) -> None:
    noise = paths(files)[3:]
    cut = vl_imreadjpeg(noise, "Pack", "Resize", [8, 8], "Interpolation", "bicubic", "CropSize", 0.5)
    np.testing.assert_array_equal(getImageBatch(noise, imageSize=[8, 8], cropSize=0.5), cut)
    squeezed = vl_imreadjpeg(noise, Pack=True, Resize=[8, 8], Interpolation="bicubic", CropSize=1, CropAnisotropy=0)
    np.testing.assert_array_equal(getImageBatch(noise, imageSize=[8, 8], cropSize=1, keepAspect=False), squeezed)


def test_the_seed_decides_how_images_vary(files: Struct) -> None:
    noise = paths(files)[3:]
    jitter = {"jitterFlip": True, "jitterLocation": True, "jitterAspect": [0.7, 1.4], "jitterScale": [0.5, 1]}
    colours = {"jitterBrightness": 10, "jitterContrast": 0.4, "jitterSaturation": 0.4}
    first, again, other = (
        getImageBatch(noise, imageSize=[16, 16], **jitter, **colours, rng=seed) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).mean() > 1


def test_a_prefetched_batch_is_the_same(files: Struct) -> None:
    assert getImageBatch(paths(files), imageSize=[9, 9], prefetch=True) is None
    fetched = getImageBatch(paths(files), imageSize=[9, 9])
    np.testing.assert_array_equal(fetched, getImageBatch(paths(files), imageSize=[9, 9], numThreads=1))


@pytest.mark.parametrize("average", [[], [[10], [20], [30]], np.full((6, 7, 3), 25, np.float32)])
def test_a_getbatch_for_a_network(files: Struct, average: Any) -> None:
    meta = Struct(
        normalization=Struct(imageSize=np.array([[12, 10, 3]]), cropSize=1, averageImage=average),
        augmentation=Struct(jitterBrightness=np.diag([30.0, 30, 30])),
    )
    shift = np.zeros(3) if np.size(average) == 0 else np.ravel(average)[[0, 1, 2]]
    im, labels = getBatchFn(meta, rng=0)(files, [2, 1])  # a batch of the set 2: as it is
    np.testing.assert_allclose(im[0, 0, :, 0], [50, 25, 0] - shift, atol=1e-3)
    np.testing.assert_array_equal(labels, [[7, 6]])
    varied, _ = getBatchFn(meta, rng=0)(files, [0])
    assert np.abs(varied[0, 0, :, 0] - ([250, 125, 0] - shift)).max() > 1
    name, im, label, labels = getBatchFn(meta, "networkType", "dagnn")(files, np.array([1]))
    assert (name, im.shape, label, labels.tolist()) == ("input", (12, 10, 3, 1), "label", [[6]])


def test_a_meta_that_says_nothing_of_images() -> None:
    with pytest.raises(MatConvNetError, match=r"^META has no normalization with imageSize and cropSize\."):
        getBatchFn(Struct(normalization=Struct(imageSize=[5, 5])))
    with pytest.raises(MatConvNetError, match=r"^imageSize is not a plain vector\. Received 'big'\."):
        getImageBatch([], imageSize="big")


@pytest.mark.parametrize("network_type", ["simplenn", "dagnn"])
def test_training_with_images_from_files(files: Struct, network_type: str, tmp_path: Path) -> None:
    """Two classes, bright and dark pictures, which a few epochs tell apart; batches are fetched ahead."""
    files.images.update(label=[1, 2, 2, 1], set=[1, 1, 1, 1])
    net = vl_simplenn_tidy(
        {
            "layers": [
                {"type": "conv", "weights": [np.zeros((8, 8, 3, 2), np.float32), np.zeros((2, 1), np.float32)]},
                {"type": "softmaxloss"},
            ],
            "meta": {
                "normalization": {"imageSize": [8, 8, 3], "cropSize": 0.9, "averageImage": [120, 90, 50]},
                "augmentation": {"jitterFlip": True, "jitterLocation": True},
            },
        }
    )
    train = cnn_train
    if network_type == "dagnn":
        net, train = DagNN.fromSimpleNN(net, canonicalNames=True), cnn_train_dag
    getBatch = getBatchFn(net.meta, "networkType", network_type, "rng", 0)
    options = {"batchSize": 2, "numEpochs": 8, "learningRate": 1e-5, "prefetch": True, "plotStatistics": False}
    net, info = train(net, files, getBatch, "expDir", str(tmp_path / "exp"), options)
    assert info.train[-1].objective < 0.2 < np.log(2) < 2 * info.train[0].objective
