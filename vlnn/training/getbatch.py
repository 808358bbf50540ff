"""getBatch: what a trainer is given for the images of a batch, from arrays in memory or from files.

Indices of images count from 0.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from vlnn.blocks.imreadjpeg import vl_imreadjpeg
from vlnn.dagnn.reading import empty, options_of
from vlnn.errors import MatConvNetError
from vlnn.matlab.arguments import plain, received
from vlnn.matlab.arrays import Array
from vlnn.matlab.images import imresize
from vlnn.training.models.chains import wants_dagnn

IMAGE_DEFAULTS: dict[str, Any] = {
    "useGpu": False,
    "prefetch": False,
    "numThreads": None,
    "imageSize": [227, 227],
    "cropSize": 227 / 256,
    "keepAspect": True,
    "subtractAverage": [],
    "jitterFlip": False,
    "jitterLocation": False,
    "jitterAspect": 1,
    "jitterScale": 1,
    "jitterBrightness": 0,
    "jitterContrast": 0,
    "jitterSaturation": 0,
    "rng": None,
}
FUNCTION_DEFAULTS: dict[str, Any] = {"networkType": "simplenn", "numFetchThreads": None, "useGpu": False, "rng": None}
TRAIN = 1  # imdb.images.set of the images to train with
Batch = Any  # indices of images


def getSimpleNNBatch(imdb: Mapping[str, Any], batch: Batch) -> tuple[Array, Array]:
    """The images and labels of a batch, for cnn_train: ``im, labels = getSimpleNNBatch(imdb, batch)``.

    Parameters
    ----------
    imdb : dict or Struct
        With images.data, an array (H, W, D, N), and images.labels: N numbers, or an array with a fourth dimension of N.
    batch : indices, from 0

    Returns
    -------
    im : (H, W, D, K) array, Fortran-ordered
    labels : (1, K) array, or (., ., ., K) where labels have four dimensions

    Source: getSimpleNNBatch in cnn_mnist.m and cnn_cifar.m of 1.0-beta25; the latter also mirrors half of all batches.

    >>> import numpy as np
    >>> from vlnn.training import getSimpleNNBatch
    >>> imdb = {'images': {'data': np.zeros((4, 4, 1, 9), 'f'), 'labels': np.arange(1, 10)}}
    >>> getSimpleNNBatch(imdb, [7, 0])[1]
    array([[8, 1]])
    """
    images = _images_of(imdb, "data", "labels")
    at = np.asarray(batch, np.intp).ravel()
    labels = np.asarray(images["labels"])
    some = labels[:, :, :, at] if labels.ndim == 4 else labels.reshape(1, -1, order="F")[:, at]
    return images["data"].T[at].T, some


def getDagNNBatch(imdb: Mapping[str, Any], batch: Batch) -> list[Any]:
    """The images and labels of a batch, for cnn_train_dag: ['input', im, 'label', labels].

    Arguments and values are those of ``getSimpleNNBatch``.

    Source: getDagNNBatch in cnn_mnist.m and cnn_cifar.m of 1.0-beta25.
    """
    im, labels = getSimpleNNBatch(imdb, batch)
    return ["input", im, "label", labels]


def getImageBatch(imagePaths: Sequence[str | os.PathLike[str]], *args: Any, **opts: Any) -> Any:
    """Read a batch of images from files, cropped, resized and, for training, varied at random.

    Parameters
    ----------
    imagePaths : list of str or paths

    Options, as pairs ('imageSize', [224, 224]) or keywords (imageSize=[224, 224]), in any case
    -------------------------------------------------------------------------------------------
    imageSize : [227 227]
        Rows and columns of what comes out; further elements do not matter.
    cropSize : 227 / 256
        The part of an image's shorter side that is taken, in the middle.
    keepAspect : True
        False squeezes what is taken instead, so that its shape is that of the image.
    subtractAverage : []
        A colour of three numbers, or an image as large as imageSize, to subtract.
    jitterLocation : False
        Take the part from anywhere in the image.
    jitterFlip : False
        Swap left and right of half of the images.
    jitterAspect : 1
        A number, or the least and the greatest stretch, width by height, of the part.
    jitterScale : 1
        A number, or the least and the greatest factor of cropSize.
    jitterBrightness, jitterContrast, jitterSaturation : 0
        Brightness, Contrast and Saturation of vl_imreadjpeg.
    numThreads : None
        By default all.
    prefetch : False
        Begin to read and return None; a later call with the same files waits for them.
    useGpu : False
        Return an array of CuPy.
    rng : None
        What to draw from: a ``numpy.random.Generator`` or a seed. By default every call differs.

    Returns
    -------
    data : (H, W, 3, K) single array, Fortran-ordered
        From 0 to 255 where nothing is subtracted or varied.

    Raises
    ------
    MatConvNetError
        "Unknown parameter 'x'" and the sentences of vl_imreadjpeg.

    Differs from MatConvNet: numThreads is 1 there; rng is our own.

    Source: getImageBatch.m of 1.0-beta25. Interpolation is bicubic.
    """
    options = options_of(IMAGE_DEFAULTS, args, opts)
    scales = np.multiply(_numbers("cropSize", options["cropSize"]), _numbers("jitterScale", options["jitterScale"]))
    call: dict[str, Any] = {
        "Pack": True,
        "Interpolation": "bicubic",
        "Resize": _numbers("imageSize", options["imageSize"])[:2],
        "CropSize": scales,
        "CropAnisotropy": options["jitterAspect"] if options["keepAspect"] else 0,
        "CropLocation": "random" if options["jitterLocation"] else "center",
        "Flip": bool(options["jitterFlip"]),
        "Brightness": options["jitterBrightness"],
        "Contrast": options["jitterContrast"],
        "Saturation": options["jitterSaturation"],
        "GPU": bool(options["useGpu"]),
        "Prefetch": bool(options["prefetch"]),
    }
    if options["numThreads"] is not None:
        call["NumThreads"] = options["numThreads"]
    if options["rng"] is not None:
        call["rng"] = options["rng"]
    if not empty(options["subtractAverage"]):
        call["SubtractAverage"] = options["subtractAverage"]
    return vl_imreadjpeg(list(imagePaths), **call)


def getBatchFn(meta: Mapping[str, Any], *args: Any, **opts: Any) -> Callable[[Mapping[str, Any], Batch], Any]:
    """A getBatch that reads images from files as a network asks for: ``cnn_train(net, imdb, getBatchFn(net.meta))``.

    Parameters
    ----------
    meta : Struct or dict
        Of a network, with normalization (imageSize, cropSize, averageImage) and, if any, augmentation, whose fields are
        options of ``getImageBatch`` for the images to train with.

    Options, as pairs ('networkType', 'dagnn') or keywords (networkType='dagnn'), in any case
    -----------------------------------------------------------------------------------------
    networkType : 'simplenn'
        'simplenn' or 'dagnn'.
    numFetchThreads : None
        By default all.
    useGpu : False
        Return images as arrays of CuPy.
    rng : None
        What to draw from: a ``numpy.random.Generator`` or a seed. By default every call differs.

    Returns
    -------
    getBatch : function (imdb, batch) -> (im, labels), or ['input', im, 'label', labels] for a DagNN
        imdb has imageDir, images.name (file names in it), images.set and images.label; images are varied where the set
        of the first one is 1. Indices in `batch` count from 0.

    Raises
    ------
    MatConvNetError
        "Unknown parameter 'x'", and for a meta without normalization.

    Source: getBatchFn in cnn_imagenet.m of 1.0-beta25.
    """
    options = options_of(FUNCTION_DEFAULTS, args, opts)
    as_dagnn = wants_dagnn(options["networkType"])
    normalization = meta.get("normalization")
    if not isinstance(normalization, Mapping) or not {"imageSize", "cropSize"} <= set(normalization):
        raise MatConvNetError(f"META has no normalization with imageSize and cropSize. Received {received(meta)}.")
    side = [int(one) for one in _numbers("imageSize", normalization["imageSize"])[:2]]
    test = {
        "useGpu": options["useGpu"],
        "numThreads": options["numFetchThreads"],
        "imageSize": side,
        "cropSize": normalization["cropSize"],
        "subtractAverage": _average(normalization.get("averageImage"), side),
        "rng": None if options["rng"] is None else np.random.default_rng(options["rng"]),
    }
    train = {**test, **(meta.get("augmentation") or {})}

    def getBatch(imdb: Mapping[str, Any], batch: Batch) -> Any:
        images = _images_of(imdb, "name", "set", "label")
        at = np.asarray(batch, np.intp).ravel()
        names = [os.path.join(imdb.get("imageDir", ""), images["name"][i]) for i in at]
        training = at.size and np.ravel(images["set"])[at[0]] == TRAIN
        data = getImageBatch(names, train if training else test)
        labels = np.reshape(images["label"], (1, -1), order="F")[:, at]
        return ["input", data, "label", labels] if as_dagnn else (data, labels)

    return getBatch


def _images_of(imdb: Mapping[str, Any], *fields: str) -> Mapping[str, Any]:
    """imdb.images, with these fields."""
    images = imdb.get("images") if isinstance(imdb, Mapping) else None
    missing = [name for name in fields if not isinstance(images, Mapping) or name not in images]
    if missing:
        there = ", ".join(images) if isinstance(images, Mapping) else received(imdb)
        raise MatConvNetError(f"IMDB has no images.{missing[0]}. Received {there}.")
    return images  # type: ignore[return-value]


def _numbers(name: str, value: Any) -> list[float]:
    numbers = plain(value)
    if not numbers:
        raise MatConvNetError(f"{name} is not a plain vector. Received {received(value)}.")
    return numbers


def _average(value: Any, side: list[int]) -> Any:
    """What to subtract: nothing, a colour, or an image of the right size."""
    if empty(value):
        return []
    average = np.asarray(value)
    return average.astype(np.float64).ravel() if average.size in (1, 3) else imresize(average.astype(np.float32), side)
