"""Pictures as callers give them: files and arrays of several classes, grey and in colour."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from vlnn.errors import MatConvNetError
from vlnn.matlab.arguments import received
from vlnn.matlab.arrays import Array
from vlnn.matlab.colour import decoded, rgb2gray


def sources(images: Any) -> Iterator[str | os.PathLike[str] | Array]:
    """Each picture, as the name of a file or as an array (H, W, C)."""
    if isinstance(images, (str, os.PathLike)):
        yield images
    elif isinstance(images, (list, tuple)):
        for image in images:
            yield from sources(image)
    else:
        array = np.asarray(images)
        if array.ndim not in (2, 3, 4) or array.size == 0 or array.dtype.kind not in "iufb":
            raise MatConvNetError(
                "A picture is a file name, or an array of height x width, of height x width x channels or of "
                f"height x width x channels x pictures. Received {received(images)}."
            )
        array = array.reshape(*array.shape, *(1,) * (4 - array.ndim))
        for position in range(array.shape[3]):
            yield array[..., position]


def picture_of(source: str | os.PathLike[str] | Array) -> Array:
    """A picture as (H, W, C), in the class that it has."""
    if not isinstance(source, (str, os.PathLike)):
        return source
    return _read(source)


def _read(path: str | os.PathLike[str]) -> Array:
    try:
        pixels, colours, _ = decoded(path)
    except Exception as error:
        if isinstance(error, (SyntaxError, EOFError)) or type(error).__name__ == "DecompressionBombError":  # Pillow's
            raise MatConvNetError(f"{os.fspath(path)} is no picture that can be read: {error}") from None
        raise
    if colours.size:
        return (255 * colours[pixels]).round().astype(np.uint8)
    picture: Array = pixels if pixels.ndim == 3 else pixels[..., None]
    return picture


def with_channels(picture: Array, channels: int | None, number: int) -> Array:
    """A picture with as many channels as the network takes."""
    given = picture.shape[2]
    if channels in (None, given):
        return picture
    if given == 1 and channels == 3:
        return np.repeat(picture, 3, axis=2)
    if given == 3 and channels == 1:
        return rgb2gray(picture)[..., None]
    raise MatConvNetError(
        f"Picture {number} has {given} channel{'s' * (given != 1)}, and the network takes {channels}."
    )


def from_0_to_255(picture: Array, number: int) -> Array:
    """A picture in uint8 or single."""
    if picture.dtype == np.bool_:
        return picture * np.float32(255)
    if picture.dtype == np.uint16:
        return picture.astype(np.float32) / np.float32(257)
    if picture.dtype == np.uint8:
        return picture
    if picture.dtype.kind == "f":
        return picture.astype(np.float32, copy=False)
    raise MatConvNetError(
        f"Picture {number} is of class {picture.dtype}; uint8, uint16, single, double and logical are pictures."
    )
