"""MATLAB's image functions for colours, classes, files and distances, rounding included."""

from __future__ import annotations

import math
import os
from typing import IO, Any

import numpy as np

from vlnn.matlab.arguments import give, outputs_wanted
from vlnn.matlab.arrays import Array
from vlnn.matlab.images import cast

# Of colours from 0 to 1, to luma from 16 to 235 and chroma from 16 to 240: Poynton, "A Technical Introduction to
# Digital Video", 1996, equation 9.6.
TO_YCBCR = np.array([[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]])
OFFSET = np.array([16.0, 128.0, 128.0])
# NTSC's YIQ in red, green and blue; the first row of its inverse is the luma.
FROM_YIQ = np.array([[1.0, 0.956, 0.621], [1.0, -0.272, -0.647], [1.0, -1.106, 1.703]])
FLOATS = ("float32", "float64")


def rgb2ycbcr(image: Any) -> Array:
    """Red, green and blue to luma and chroma (ITU-R BT.601, studio range).

    Parameters
    ----------
    image : (H, W, 3, ...) array, single, double, uint8 or uint16; or an (M, 3) colour map, single or double
        Floating-point colours are from 0 to 1.

    Returns
    -------
    ycbcr : array of the same shape and class, Fortran-ordered
        Y is from 16 to 235 in uint8, Cb and Cr from 16 to 240, rounded; in uint16 257 times as much, in floating point
        a 255th.

    Source: MATLAB documentation, "rgb2ycbcr".

    >>> import numpy as np
    >>> rgb2ycbcr(np.array([[[255, 0, 0]]], np.uint8)).ravel()
    array([ 81,  90, 240], dtype=uint8)
    """
    colours = _colours("rgb2ycbcr", image)
    return _transformed(colours, TO_YCBCR * (1 / 255), OFFSET * (_white(colours.dtype) / 255))


def ycbcr2rgb(image: Any) -> Array:
    """Luma and chroma to red, green and blue: the inverse of ``rgb2ycbcr``.

    Parameters
    ----------
    image : (H, W, 3, ...) array, single, double, uint8 or uint16; or an (M, 3) colour map, single or double

    Returns
    -------
    rgb : array of the same shape and class, Fortran-ordered
        Rounded and clipped to the range of the class; floating-point colours to 0 and 1.

    Source: MATLAB documentation, "ycbcr2rgb".

    >>> import numpy as np
    >>> ycbcr2rgb(np.array([[[81, 90, 240]]], np.uint8)).ravel()
    array([254,   0,   0], dtype=uint8)
    """
    colours = _colours("ycbcr2rgb", image)
    inverse = np.linalg.inv(TO_YCBCR)
    rgb = _transformed(colours, 255 * inverse, -_white(colours.dtype) * (inverse @ OFFSET))
    return np.clip(rgb, 0, 1, out=rgb) if rgb.dtype.name in FLOATS else rgb


def rgb2gray(image: Any) -> Array:
    """Colours to grey: 0.2989 R + 0.5870 G + 0.1140 B.

    Parameters
    ----------
    image : (H, W, 3, ...) array, single, double, uint8 or uint16; or an (M, 3) colour map, single or double

    Returns
    -------
    gray : (H, W, ...) array of the same class, Fortran-ordered
        Rounded in integer classes. Of a colour map a colour map, all columns of which are the same.

    Source: MATLAB documentation, "rgb2gray".

    >>> import numpy as np
    >>> rgb2gray(np.array([[[255, 128, 0]]], np.uint8))
    array([[151]], dtype=uint8)
    """
    colours = _colours("rgb2gray", image)
    luma = _transformed(colours, np.linalg.inv(FROM_YIQ)[:1], np.zeros(1))
    if colours.ndim == 2:
        return np.asfortranarray(np.clip(luma, 0, 1).repeat(3, axis=1))
    return luma[:, :, 0]


def im2double(image: Any) -> Array:
    """An image in double: integers from 0 to 1, others as they are.

    >>> import numpy as np
    >>> im2double(np.array([[0, 51, 255]], np.uint8))
    array([[0. , 0.2, 1. ]])
    """
    return _as_float("im2double", image, np.dtype(np.float64))


def im2single(image: Any) -> Array:
    """An image in single: integers from 0 to 1, others as they are.

    >>> import numpy as np
    >>> im2single(np.array([[0, 51, 255]], np.uint8))
    array([[0. , 0.2, 1. ]], dtype=float32)
    """
    return _as_float("im2single", image, np.dtype(np.float32))


def im2uint8(image: Any) -> Array:
    """An image in uint8: from 0 to 1 becomes from 0 to 255, rounded; uint16 is divided by 257.

    >>> import numpy as np
    >>> im2uint8(np.array([[-1, 0.5, 2]]))
    array([[  0, 128, 255]], dtype=uint8)
    """
    pixels = _pixels("im2uint8", image)
    if pixels.dtype == np.uint8:
        return np.asfortranarray(pixels)
    if pixels.dtype == np.bool_:
        return np.asfortranarray(pixels * np.uint8(255))
    if pixels.dtype == np.int16:
        pixels = (pixels.astype(np.int32) + 32768).astype(np.uint16)
    scaled = pixels / 257 if pixels.dtype == np.uint16 else pixels * pixels.dtype.type(255)
    return np.asfortranarray(cast(scaled, np.dtype(np.uint8)))


def imread(file: str | os.PathLike[str] | IO[bytes], *, nargout: int | None = None) -> Any:
    """Read a picture.

    ``image = imread(file)``; with ``nargout=2`` also its colour map, with ``nargout=3`` also its transparency.

    Parameters
    ----------
    file : path, or a file open for reading
        Of any format that Pillow reads.
    nargout : int, optional
        How many outputs to return; by default the first.

    Returns
    -------
    image : (H, W) or (H, W, 3) array, uint8, uint16 or logical, Fortran-ordered
        Of a picture with a palette the indexes, from 0; of a picture in CMYK (H, W, 4).
    map : (M, 3) array in double, or []
        The palette.
    alpha : (H, W) array, or []
        The transparency.

    Differs from MATLAB: formats are Pillow's; the first picture of several.

    Source: MATLAB documentation, "imread".
    """
    outputs_wanted("imread", nargout, 3)
    return give([np.asfortranarray(part) for part in decoded(file)], 1 if nargout is None else nargout)


def decoded(file: str | os.PathLike[str] | IO[bytes]) -> tuple[Array, Array, Array]:
    """What ``imread`` returns, but the picture in C order, as decoders have it."""
    try:
        from PIL import Image
    except ModuleNotFoundError:
        raise ModuleNotFoundError("imread needs Pillow: pip install 'vlnn[images]'", name="PIL") from None
    colour_map = alpha = np.zeros((0, 0))
    with Image.open(file) as opened:
        picture: Image.Image = opened
        if picture.mode == "P":
            palette = np.array(picture.getpalette("RGB") or [], np.float64)
            colour_map = palette.reshape(-1, 3) / 255
        elif picture.mode in ("PA", "YCbCr", "LAB", "HSV", "RGBX", "RGBa"):
            picture = picture.convert("RGBA" if picture.mode in ("PA", "RGBa") else "RGB")
        pixels = np.array(picture)
    if pixels.dtype == np.int32 and pixels.size and pixels.min() >= 0 and pixels.max() < 65536:
        pixels = pixels.astype(np.uint16)  # 16 bits, which Pillow keeps in 32
    if picture.mode in ("LA", "RGBA"):
        pixels, alpha = pixels[..., :-1], pixels[..., -1]
        pixels = pixels[..., 0] if picture.mode == "LA" else pixels
    return pixels, colour_map, alpha


def psnr(image: Any, reference: Any, peak: float | None = None, *, nargout: int | None = None) -> Any:
    """Peak signal-to-noise ratio in dB: 10 log10(peak^2 / mean squared error).

    Parameters
    ----------
    image, reference : arrays of one class and size
    peak : number, optional
        By default the range of the class: 255 for uint8, 65535 for uint16 and int16, 1 for single, double and logical.
    nargout : int, optional
        2 for (psnr, snr), where the signal-to-noise ratio is that of the reference.

    Returns
    -------
    psnr, snr : float
        Inf for equal images.

    Source: MATLAB documentation, "psnr".

    >>> import numpy as np
    >>> round(psnr(np.array([[0, 10]], np.uint8), np.array([[0, 0]], np.uint8)), 2)
    31.14
    """
    pixels, truth = _pixels("psnr", image), _pixels("psnr", reference)
    if pixels.dtype != truth.dtype or pixels.shape != truth.shape:
        raise ValueError(
            "psnr: the two images must have the same size and class. "
            f"Received {pixels.shape} {pixels.dtype} and {truth.shape} {truth.dtype}."
        )
    outputs_wanted("psnr", nargout, 2)
    top = _range(pixels.dtype) if peak is None else float(peak)
    pixels, truth = pixels.astype(np.float64), truth.astype(np.float64)
    error = float(np.mean((pixels - truth) ** 2))
    ratios = [_decibels(top**2, error), _decibels(float(np.mean(truth**2)), error)]
    return give(ratios, 1 if nargout is None else nargout)


def _pixels(function: str, image: Any) -> Array:
    pixels = np.asarray(image)
    if isinstance(image, (list, tuple, int, float)) and pixels.dtype.kind in "iu":
        pixels = pixels.astype(np.float64)
    pixels = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
    if pixels.dtype.name not in (*FLOATS, "uint8", "uint16", "int16", "bool"):
        classes = "single, double, uint8, uint16, int16 or logical"
        raise TypeError(f"{function} takes images of class {classes}. Received {pixels.dtype}.")
    return pixels


def _colours(function: str, image: Any) -> Array:
    colours = _pixels(function, image)
    sides = 2 if colours.ndim >= 3 else 1
    if colours.ndim < 2 or colours.shape[sides] != 3:
        raise ValueError(f"{function}: an image is H x W x 3, a colour map M x 3. Received {colours.shape}.")
    if colours.dtype.name not in (*FLOATS, "uint8", "uint16") or (sides == 1 and colours.dtype.name not in FLOATS):
        what = "images of class single, double, uint8 or uint16, and colour maps in single or double"
        raise TypeError(f"{function} takes {what}. Received {colours.dtype}.")
    return colours


def _transformed(colours: Array, matrix: Array, offset: Array) -> Array:
    """Each pixel (r, g, b) as matrix (r, g, b) + offset, worked out in double."""
    axis = 1 if colours.ndim == 2 else 2
    red, green, blue = (part.astype(np.float64) for part in np.moveaxis(colours, axis, 0))
    shape = list(colours.shape)
    shape[axis] = len(matrix)
    result = np.empty(shape, colours.dtype, order="F")
    for row, constant, plane in zip(matrix, offset, np.moveaxis(result, axis, 0), strict=True):
        plane[...] = cast(row[0] * red + row[1] * green + row[2] * blue + constant, colours.dtype)
    return result


def _as_float(function: str, image: Any, dtype: np.dtype[Any]) -> Array:
    pixels = _pixels(function, image)
    if pixels.dtype.kind in "fb":
        return np.asfortranarray(pixels, dtype)
    scaled = pixels.astype(dtype, order="F")
    if pixels.dtype == np.int16:
        scaled += 32768
    scaled /= _range(pixels.dtype)
    return scaled


def _white(dtype: np.dtype[Any]) -> float:
    """The largest number of a class that begins at 0."""
    return 1.0 if dtype.kind == "f" else float(np.iinfo(dtype).max)


def _range(dtype: np.dtype[Any]) -> float:
    """From black to white in a class."""
    if dtype.kind not in "iu":
        return 1.0
    return float(np.iinfo(dtype).max) - float(np.iinfo(dtype).min)


def _decibels(signal: float, noise: float) -> float:
    return math.inf if noise == 0 else 10 * math.log10(signal / noise) if signal else -math.inf
