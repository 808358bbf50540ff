"""How vl_imreadjpeg crops, resizes and recolours one image.

A *plan* holds what the options say, *chances* the random numbers of one image. They are drawn in the calling thread,
image by image, so that threads do not change the result.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from vlnn.engines.cpu import threads
from vlnn.errors import MatConvNetError
from vlnn.geometry import sizes
from vlnn.matlab.arguments import Option, plain, received, truncate
from vlnn.matlab.arrays import Array, is_array
from vlnn.matlab.images import METHODS, resampling

BAND_ROWS = 8

INTERPOLATIONS = ("box", "bilinear", "bicubic", "lanczos2", "lanczos3")


def _resize(value: Any) -> tuple[int, ...]:
    elements = plain(value)
    if not elements or min((1, *np.shape(value))[-2:]) > 1:
        raise MatConvNetError(f"RESIZE is not a plain vector. Received {received(value)}.")
    if len(elements) > 2:
        raise MatConvNetError(f"RESIZE does not have one or two dimensions. Received {received(value)}.")
    size = tuple(map(truncate, elements))
    if min(size) < 1:
        raise MatConvNetError(f"An element of RESIZE is smaller than one. Received {received(value)}.")
    return size


def _average(value: object) -> Array:
    """One or three numbers as three, an image as planes (3, W, H)."""
    array: Any = value
    array = array.get() if is_array(value) and not isinstance(value, np.ndarray) else np.asarray(value)
    if array.size in (1, 3):
        if array.dtype.kind not in "iuf":
            raise MatConvNetError(f"SUBTRACTAVERAGE is not SINGLE or DOUBLE vector. Received {received(value)}.")
        return np.broadcast_to(array.astype(np.float64).ravel(), 3)
    if array.dtype.kind not in "iuf" or array.ndim > 3:
        raise MatConvNetError(
            f"SUBTRACTAVERAGE is not a SINGLE image of a compatible shape. Received {received(value)}."
        )
    return np.atleast_3d(array).astype(np.float32).transpose(2, 1, 0)


def _brightness(value: object) -> Array:
    """The matrix that turns three normal numbers into a colour."""
    elements = plain(value)
    if elements is None:
        raise MatConvNetError(f"BRIGHTNESS is not a plain matrix. Received {received(value)}.")
    if len(elements) not in (1, 3, 9):
        raise MatConvNetError(f"BRIGHTNESS does not have 1, 3, or 9 elements. Received {received(value)}.")
    return np.reshape(elements, (3, 3), order="F") if len(elements) == 9 else np.eye(3) * elements


def _deviation(label: str) -> Callable[[object], float]:
    """A reader of one number from 0 to 1."""

    def read(value: object) -> float:
        elements = plain(value)
        if elements is None or len(elements) != 1:
            raise MatConvNetError(f"{label} is not a plain scalar. Received {received(value)}.")
        if not 0 <= elements[0] <= 1:
            raise MatConvNetError(f"{label} is not in the [0,1] range.. Received {received(value)}.")
        return elements[0]

    return read


def _interval(label: str, most: float) -> Callable[[object], tuple[float, float]]:
    """A reader of one number, or of the lowest and the highest one."""

    def read(value: object) -> tuple[float, float]:
        elements = plain(value)
        if elements is None or len(elements) not in (1, 2):
            raise MatConvNetError(
                f"{label} is not a plain scalar or vector with two components. Received {received(value)}."
            )
        low, high = elements[0], elements[-1]
        if not 0 <= low <= high <= most:
            raise MatConvNetError(f"{label} values are not in the legal range. Received {received(value)}.")
        return low, high

    return read


def _location(value: object) -> str:
    if not isinstance(value, str):
        raise MatConvNetError(f"CROPLOCATION is not a string. Received {received(value)}.")
    if value.lower() not in ("center", "random"):
        raise MatConvNetError(f"CROPLOCATION value unknown. Received {value!r}; it is 'center' or 'random'.")
    return value.lower()


def _interpolation(value: object) -> str:
    if not isinstance(value, str):
        raise MatConvNetError(f"INTERPOLATION is not a string. Received {received(value)}.")
    if value.lower() not in INTERPOLATIONS:
        raise MatConvNetError(
            f"INTERPOLATION is not a supported method. Received {value!r}; {', '.join(INTERPOLATIONS)} are."
        )
    return value.lower()


PLAN_OPTIONS = (
    Option("Resize", _resize, ()),
    Option("Pack"),
    Option("SubtractAverage", _average, np.zeros(3)),
    Option("CropAnisotropy", _interval("CROPANISOTROPY", math.inf), (1.0, 1.0)),
    Option("CropSize", _interval("CROPSIZE", 1), (1.0, 1.0)),
    Option("CropLocation", _location, "center"),
    Option("Flip"),
    Option("Brightness", _brightness, np.zeros((3, 3))),
    Option("Contrast", _deviation("CONTRAST"), 0.0),
    Option("Saturation", _deviation("SATURATION"), 0.0),
    Option("Interpolation", _interpolation, "bilinear"),
)


class Chances(NamedTuple):
    """Three normal numbers, and uniform ones in [0, 1)."""

    colour: Array
    anisotropy: float
    size: float
    left: float
    top: float
    flip: float
    saturation: float
    contrast: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Chances:
        return cls(rng.standard_normal(3), *rng.random(7).tolist())


class Crop(NamedTuple):
    """The part of an image that is resized, and the size that it gets."""

    top: int
    left: int
    height: int
    width: int
    output_height: int
    output_width: int


class Plan(NamedTuple):
    """What the options of vl_imreadjpeg ask for, in the order of PLAN_OPTIONS."""

    resize: tuple[int, ...]  # (), the shorter side, or (height, width)
    pack: bool
    average: Array  # three numbers, or the planes (3, W, H) of an image
    anisotropy: tuple[float, float]
    crop_size: tuple[float, float]
    location: str
    flip: bool
    brightness: Array  # (3, 3)
    contrast: float
    saturation: float
    interpolation: str

    @classmethod
    def of(cls, options: dict[str, Any]) -> Plan:
        plan = cls(*(options[option.name] for option in PLAN_OPTIONS))
        if plan.average.ndim == 3:
            if len(plan.resize) != 2:
                raise MatConvNetError(
                    "Cannot subtract an average image unless RESIZE is used to set the size of the output. "
                    f"Received Resize {list(plan.resize)}."
                )
            if plan.average.shape[::-1] != (*plan.resize, 3):
                raise MatConvNetError(
                    "The average image is not a RESIZEHEIGHT x RESIZEWIDTH x 3 array. "
                    f"Received {sizes(plan.average.shape[::-1])}, Resize {list(plan.resize)}."
                )
        return plan

    def crop(self, height: int, width: int, chances: Chances) -> Crop:
        """The crop of an image of this size: first its shape, then its size, then its place."""
        output_height, output_width = self._output_size(height, width)
        low, high = self.anisotropy
        if low == 0 or high == 0:
            anisotropy = (width / height) / (output_width / output_height)
        else:
            anisotropy = math.exp(_between(math.log(high), math.log(low), chances.anisotropy))
        crop_width, crop_height = output_width * math.sqrt(anisotropy), output_height / math.sqrt(anisotropy)
        low, high = self.crop_size
        scale = min(width / crop_width, height / crop_height) * math.sqrt(_between(high**2, low**2, chances.size))
        crop_width = min(max(rounded(crop_width * scale), 1), width)
        crop_height = min(max(rounded(crop_height * scale), 1), height)
        left, top = width - crop_width, height - crop_height
        if self.location == "random":
            left, top = int(chances.left * (left + 1)), int(chances.top * (top + 1))
        else:
            left, top = left // 2, top // 2
        return Crop(top, left, crop_height, crop_width, output_height, output_width)

    def _output_size(self, height: int, width: int) -> tuple[int, int]:
        if len(self.resize) == 2:
            return self.resize[0], self.resize[1]
        if not self.resize:
            return height, width
        scale = max(self.resize[0] / width, self.resize[0] / height)
        return max(1, rounded(scale * height)), max(1, rounded(scale * width))

    def apply(self, pixels: Array, chances: Chances) -> Array:
        """An image (H, W) or (H, W, 3) of bytes, cropped, resized and recoloured: planes (C, W, H), single."""
        height, width = pixels.shape[:2]
        crop = self.crop(height, width, chances)
        planes = resized(pixels, crop, self.interpolation)
        if self.flip and chances.flip > 0.5:
            planes = planes[:, ::-1]
        if self.pack and len(planes) == 1:
            planes = np.repeat(planes, 3, axis=0)
        return self._recoloured(planes, chances)

    def _recoloured(self, planes: Array, chances: Chances) -> Array:
        channels = len(planes)
        if self.average.ndim == 3:
            planes = planes - self.average[:channels]
            shift = np.zeros(channels)
        else:
            shift = -self.average[:channels]
        shift = shift + self.brightness[:channels, :channels] @ chances.colour[:channels]
        contrast = 1 + self.contrast * (2 * chances.contrast - 1)
        saturation = 1 + self.saturation * (2 * chances.saturation - 1)
        if contrast != 1:
            shift += (1 - contrast) * planes.mean(axis=(1, 2), dtype=np.float64)
        # Away from each pixel's grey, or towards it; a grey image has nothing else.
        mix = saturation * np.eye(channels) + (1 - saturation) / channels
        if contrast != 1 or saturation != 1:
            weights = (contrast * mix).astype(planes.dtype)
            planes = np.tensordot(weights, planes, axes=1)
        if shift.any():
            planes = planes + (mix @ shift).astype(planes.dtype)[:, None, None]
        return planes


def _between(first: float, last: float, chance: float) -> float:
    return chance * (last - first) + first


def rounded(value: float) -> int:
    """C's round for positive numbers."""
    return math.floor(value + 0.5)


def resized(pixels: Array, crop: Crop, interpolation: str) -> Array:
    """The crop in its new size, as planes (C, W, H); the kernel sees what lies beside the crop."""
    height, width = pixels.shape[:2]
    rows = _bands(height, crop.output_height, crop.height, crop.top, interpolation)
    columns = _bands(width, crop.output_width, crop.width, crop.left, interpolation)
    channels = pixels[0, 0].size
    if rows is None and columns is None:
        return pixels.reshape(height, width, channels).transpose(2, 1, 0).astype(np.float32)
    strips = pixels.reshape(height, width * channels)  # (H, W*C), and the new H from here on
    if rows is not None:
        room = threads.scratch("strips", (crop.output_height, strips.shape[1]), np.dtype(np.float32))
        strips = _product(rows, strips, room)
    across = strips.reshape(len(strips), width, channels).transpose(1, 2, 0)  # (W, C, H)
    if columns is None:
        return across.transpose(1, 0, 2).astype(np.float32)
    turned = threads.scratch("turned", across.shape, np.dtype(np.float32))
    turned[...] = across
    resized = np.empty((crop.output_width, channels * len(strips)), np.float32)
    _product(columns, turned.reshape(width, -1), resized)
    return resized.reshape(len(resized), channels, -1).transpose(1, 0, 2)


class _Band(NamedTuple):
    """Some rows of a matrix of weights, and the columns in which they are not zero."""

    rows: slice
    columns: slice
    weights: Array


def _product(bands: tuple[_Band, ...], values: Array, out: Array) -> Array:
    """Write the product of a band matrix with values of any class into `out`, single, and return it."""
    for band in bands:
        np.matmul(band.weights, values[band.columns].astype(np.float32, copy=False), out=out[band.rows])
    return out


@functools.lru_cache(maxsize=256)
def _bands(size: int, outputs: int, crop: int, first: int, interpolation: str) -> tuple[_Band, ...] | None:
    """The weights of pixels in each output, in bands of BAND_ROWS; None where the output is the input."""
    if (size, first) == (outputs, 0) and crop == outputs:
        return None
    method = next(method for method in METHODS if method.name == interpolation)
    weights = resampling(size, outputs, outputs / crop, method, method.name != "nearest", first)
    weights.sum_duplicates()
    weights.eliminate_zeros()
    bands = []
    for start in range(0, outputs, BAND_ROWS):
        some = weights[start : start + BAND_ROWS]
        columns = slice(int(some.indices.min()), int(some.indices.max()) + 1)
        rows = slice(start, start + some.shape[0])
        bands.append(_Band(rows, columns, some[:, columns].toarray().astype(np.float32)))
    return tuple(bands)
