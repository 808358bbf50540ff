"""preprocess: pictures in the form that a network wants, as its net.meta.normalization says."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from vlnn.blocks.augmentation import Crop, resized, rounded
from vlnn.engines.cpu import threads
from vlnn.errors import MatConvNetError
from vlnn.geometry import sizes
from vlnn.matlab.arguments import received
from vlnn.matlab.arrays import Array
from vlnn.matlab.images import find_method, imresize
from vlnn.preprocessing.meta import Network, absent, crop_part, fields_of, first, input_depth, input_size
from vlnn.preprocessing.pictures import from_0_to_255, picture_of, sources, with_channels
from vlnn.simplenn.formats import flag

AVERAGES = ("averageImage", "imageMean")  # the second in files older than MatConvNet's meta
DEVIATIONS = ("imageStd",)  # of networks that came from PyTorch


def preprocess(net: Network, images: Any, *, crop: bool = True) -> Array:
    """Prepare pictures for a network, as its ``meta.normalization`` says.

    ``x = vlnn.preprocess(net, images)``, then ``net.predict(x)``. The part in the middle of each picture that
    keepAspect, border and cropSize leave is resized to imageSize with antialiasing, and averageImage is subtracted.

    Parameters
    ----------
    net : SimpleNN or DagNN
    images : file name, array, or a list of them
        Arrays are (H, W), (H, W, 3) or, several at once, (H, W, C, N). uint8 counts from 0 to 255, and so do single and
        double, which are taken as they are; uint16 is divided by 257, logical is 0 and 255. Grey pictures get three
        equal channels for a network of three; colour ones become grey by MATLAB's rgb2gray for a network of one.
    crop : True
        False: stretch whole pictures to imageSize, as MatConvNet's quick start does with
        ``imresize(single(im), net.meta.normalization.imageSize(1:2))``.

    Returns
    -------
    x : (H, W, C, N) array, single, Fortran-ordered

    Raises
    ------
    MatConvNetError
        Where net.meta says nothing about pictures, and for fields or pictures that do not go together.
    OSError
        For a file that cannot be read.
    ImportError
        Where Pillow is missing, for files.

    What is read: see :meth:`Normalization.of`. Scores differ slightly from MATLAB's on JPEG files, whose decoder is
    another one.

    Source: getImageBatch.m, cnn_imagenet.m and vl_imreadjpeg of 1.0-beta25; cnn_imagenet_get_batch.m of 1.0-beta16.

    >>> import numpy as np, vlnn
    >>> net = vlnn.simplenn.SimpleNN([], {'normalization': {'imageSize': [2, 2, 3], 'averageImage': [100, 50, 25]}})
    >>> vlnn.preprocess(net, np.full((6, 4), 200, np.uint8))[0, 0].ravel().round()
    array([100., 150., 175.], dtype=float32)
    """
    normalization = Normalization.of(net)
    if not normalization.stated:
        raise MatConvNetError(
            "net.meta says nothing about pictures: it has none of normalization.imageSize, normalization.averageImage, "
            "inputSize. Make x yourself, height x width x channels x images in single, or say what the network "
            "wants: vlnn.preprocessing.Normalization(size=(224, 224), average=[123, 117, 104]).apply(images)."
        )
    return (normalization if crop else replace(normalization, crop=(1, 1), keep_aspect=False)).apply(images)


@dataclass(frozen=True, eq=False)
class Normalization:
    """What a network wants done to pictures.

    Attributes
    ----------
    size : (height, width), or None
        Of the network's input; None leaves pictures as large as they are.
    channels : int or None
        1 for grey, 3 for colour; None leaves pictures as they are.
    average : array, given in any of MatConvNet's shapes
        What is subtracted: one number, one for each channel (as a row, a column or 1 x 1 x C), or an image, which is
        resized to `size`. Kept as (1, 1, C) or (H, W, C), single.
    deviation : array or None
        What is divided by after that, one number or one for each channel.
    crop : (height, width), default (1, 1)
        Which part of the largest possible crop is taken from the middle.
    keep_aspect : False
        The crop has the shape of the network's input. False: that of the picture, which is stretched.
    interpolation : 'bicubic'
        One of imresize's methods. A side that shrinks is antialiased, except by 'nearest'.
    scale : 1
        What pixels from 0 to 255 are multiplied by, before anything is subtracted.
    stated : tuple of str
        The fields of net.meta from which this was read.

    >>> import numpy as np
    >>> from vlnn.preprocessing import Normalization
    >>> Normalization(size=(2, 3), scale=1 / 255).apply(np.full((8, 8, 3), 255, np.uint8)).shape
    (2, 3, 3, 1)
    """

    size: tuple[int, int] | None = None
    channels: int | None = None
    average: Any = 0.0
    deviation: Any = None
    crop: tuple[float, float] = (1.0, 1.0)
    keep_aspect: bool = False
    interpolation: str = "bicubic"
    scale: float = 1.0
    stated: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        average = _as_image("averageImage", self.average)
        if average.shape[:2] != (1, 1):
            if self.size is None:
                object.__setattr__(self, "size", average.shape[:2])
            elif average.shape[:2] != self.size:
                average = imresize(average, self.size)
        object.__setattr__(self, "average", average)
        if self.deviation is not None:
            deviation = _as_image("imageStd", self.deviation)
            if not deviation.all():
                raise MatConvNetError(
                    f"imageStd, by which pictures are divided, is 0. Received {received(self.deviation)}."
                )
            object.__setattr__(self, "deviation", deviation)
        method = find_method(self.interpolation) if isinstance(self.interpolation, str) else None
        if method is None:
            raise MatConvNetError(
                f"interpolation is no method of imresize, such as 'bilinear' or 'bicubic'. "
                f"Received {received(self.interpolation)}."
            )
        object.__setattr__(self, "interpolation", method.name)

    @classmethod
    def of(cls, net: Network) -> Normalization:
        """Read ``net.meta``.

        normalization.imageSize, two to four numbers of which the third is the channels; where it is missing,
        meta.inputSize or meta.inputs. normalization.averageImage (imageMean in files of 2014). normalization.imageStd
        of networks that came from PyTorch. normalization.cropSize, one number or [height width]; or border, which is
        imageSize / (imageSize + border). normalization.keepAspect: by default true where there is a cropSize or a
        border. normalization.interpolation: by default 'bicubic'. Pictures are from 0 to 255; from 0 to 1 if there is
        an imageStd, or an average that is not above 1 anywhere. What else is there, such as transformation and
        augmentation, concerns training.

        Raises
        ------
        MatConvNetError
            For a field that makes no sense.
        """
        meta = net.meta if isinstance(net.meta, Mapping) else {}
        fields = fields_of(meta)
        size, channels, where = input_size(meta, fields)
        average_name, average = first(fields, meta, AVERAGES)
        deviation_name, deviation = first(fields, {}, DEVIATIONS)
        crop = crop_part(fields, size)
        interpolation = fields.get("interpolation")
        keep_aspect = fields.get("keepAspect")
        mean = None if average is None else _as_image("averageImage", average)
        depth = input_depth(net)
        if channels is None and depth is None and mean is not None and mean.shape[2] > 1:
            channels = mean.shape[2]
        of_unit_range = mean is not None and bool(mean.any()) and bool((np.abs(mean) <= 1).all())
        return cls(
            size=size,
            channels=depth if channels is None else channels,
            average=0.0 if mean is None else mean,
            deviation=deviation,
            crop=crop or (1.0, 1.0),
            keep_aspect=crop is not None if absent(keep_aspect) else flag(keep_aspect),
            interpolation="bicubic" if interpolation is None or absent(interpolation) else interpolation,
            scale=1 / 255 if of_unit_range or deviation is not None else 1.0,
            stated=tuple(name for name in (where, average_name, deviation_name) if name),
        )

    def apply(self, images: Any) -> Array:
        """Pictures as ``preprocess`` takes them, in the form of (H, W, C, N) in single, Fortran-ordered.

        They are read and prepared on all threads.
        """
        given = list(sources(images))
        if not given:
            raise MatConvNetError("There is no picture. Received an empty list.")
        planes: list[Array] = [None] * len(given)
        dark: list[int] = []

        def prepare(position: int) -> None:
            picture = picture_of(given[position])
            if self._counts_to_1(picture):
                dark.append(position)
            planes[position] = self._prepared(picture, position + 1)

        threads.each(prepare, range(len(given)))
        if dark:
            first = min(dark)
            warnings.warn(
                f"No pixel of picture {first + 1} is above 1, and pixels count from 0 to 255. Give the picture in "
                "uint8, or multiplied by 255.",
                stacklevel=3,
            )
        for position, each in enumerate(planes):
            if each.shape != planes[0].shape:
                raise MatConvNetError(
                    f"Pictures of one call have one size, because nothing says to what size to bring them. Received "
                    f"{_size_of(planes[0])} and, as picture {position + 1}, {_size_of(each)}."
                )
        batch = np.empty((len(planes), *planes[0].shape), np.float32)  # (N, C, W, H)
        return np.stack(planes, out=batch).transpose(3, 2, 1, 0)

    def _counts_to_1(self, picture: Array) -> bool:
        """Whether a picture seems to be from 0 to 1, where the network wants pictures from 0 to 255."""
        matters = self.average.any() or self.scale != 1
        return bool(picture.dtype.kind == "f" and matters and 0 < np.abs(picture).max() <= 1)

    def _prepared(self, picture: Array, number: int) -> Array:
        """One picture as planes (C, W, H) in single."""
        pixels = from_0_to_255(with_channels(picture, self.channels, number), number)
        channels = pixels.shape[2]
        for what, array in (("averageImage", self.average), ("imageStd", self.deviation)):
            if array is not None and array.shape[2] not in (1, channels):
                raise MatConvNetError(
                    f"The network's {what} has {array.shape[2]} channels, and picture {number} has {channels}."
                )
        height, width = pixels.shape[:2]
        planes = resized(pixels, self._crop_of(height, width), self.interpolation)
        if self.scale != 1:
            planes = planes * np.float32(self.scale)
        if self.average.any():
            planes = planes - self.average.transpose(2, 1, 0)
        if self.deviation is not None:
            planes = planes / self.deviation.transpose(2, 1, 0)
        return planes

    def _crop_of(self, height: int, width: int) -> Crop:
        """The part of a picture that is resized: as vl_imreadjpeg takes it, but with a part for each side."""
        rows, columns = self.size or (height, width)
        part = (height * self.crop[0], width * self.crop[1])
        if self.keep_aspect:
            factor = min(part[0] / rows, part[1] / columns)
            part = (rows * factor, columns * factor)
        crop_height, crop_width = (
            min(max(rounded(side), 1), most) for side, most in zip(part, (height, width), strict=True)
        )
        top, left = (height - crop_height) // 2, (width - crop_width) // 2
        return Crop(top, left, crop_height, crop_width, rows, columns)


def _as_image(name: str, value: Any) -> Array:
    """One number, one for each channel, or an image, as (1, 1, C) or (H, W, C) in single."""
    try:
        array = np.asarray(0.0 if absent(value) else value)
    except ValueError:  # a ragged list
        array = np.empty(0, object)
    if array.dtype.kind not in "iufb" or not 0 <= array.ndim <= 4 or (array.ndim == 4 and array.shape[3] > 1):
        raise MatConvNetError(
            f"{name} is neither a number, nor one for each channel, nor an image. Received {received(value)}."
        )
    array = array.astype(np.float32).reshape(array.shape[:3])
    if not np.isfinite(array).all():
        raise MatConvNetError(f"{name} has elements that are not finite. Received {received(value)}.")
    if array.size <= 4 and max(array.shape, default=1) == array.size:  # a row, a column or along the third dimension
        return array.reshape(1, 1, array.size)
    return array if array.ndim == 3 else array.reshape(*array.shape, 1)


def _size_of(planes: Array) -> str:
    return sizes(planes.shape[::-1])
