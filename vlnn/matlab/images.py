"""MATLAB's image functions, rounding included."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from vlnn.matlab.arrays import Array

if TYPE_CHECKING:
    from scipy.sparse import csr_array  # takes longer to import than all of vlnn

Kernel: TypeAlias = Callable[[Array], Array]

CLASSES = ("float32", "float64", "uint8", "uint16", "uint32", "int8", "int16", "int32", "bool")
EPS = float(np.finfo(np.float64).eps)


def imresize(image: Any, *args: Any, **options: Any) -> Array:
    """Resize an image.

    ``imresize(image, scale)`` or ``imresize(image, (rows, columns))``; a method may follow, then options as pairs
    ('Antialiasing', False) or keywords (antialiasing=False).

    Parameters
    ----------
    image : (H, W) or (H, W, C, ...) array, single, double, logical, or of integers up to 32 bits
        Dimensions after the second are left alone. Lists of numbers are double.
    scale : number
        The factor for both sides. The output has ceil(scale H) rows and ceil(scale W) columns.
    (rows, columns) : two numbers
        The size of the output. One of them may be NaN: it follows from the other and the aspect ratio.
    method : 'bicubic'
        'nearest', 'bilinear', 'bicubic', 'box', 'triangle' (= bilinear), 'cubic' (= bicubic), 'lanczos2', 'lanczos3',
        or a pair (kernel, width). As in MATLAB any case will do, and so will the beginning of a name.

    Options
    -------
    Antialiasing : True; for 'nearest' False
        Where a side shrinks, stretch the kernel by as much.
    Method, OutputSize, Scale
        The same as the arguments; Scale may be a pair.

    Returns
    -------
    resized : array of the class of image, Fortran-ordered
        Pixel k takes the place (k + 1/2) / scale - 1/2 of the input, counted from 0, where the weights sum to 1. Beyond
        its borders the input is mirrored. The side with the smaller factor comes first, rows before columns. Sums are
        in double; after each side the result is cast to the class, integers rounded (halves away from zero) and
        clipped.

    Raises
    ------
    ValueError
        The arguments make no sense.
    TypeError
        The class is none of MATLAB's images.

    Differs from MATLAB: no indexed images.

    Source: MATLAB documentation, "imresize"; Keys, "Cubic convolution interpolation for digital image processing",
    1981.

    >>> import numpy as np
    >>> imresize(np.array([[0, 2, 10, 13]], np.uint8), (1, 2), 'box')
    array([[ 1, 12]], dtype=uint8)
    """
    pixels = _pixels(image)
    resizing = _read(pixels.shape, args, options)
    logical = pixels.dtype == np.bool_
    if logical:
        pixels = pixels * np.uint8(255)
    for axis in np.argsort(resizing.scale, kind="stable").tolist():
        weights = resampling(
            pixels.shape[axis], resizing.size[axis], resizing.scale[axis], resizing.method, resizing.antialiasing
        )
        pixels = _along(axis, pixels, weights)
    return np.asfortranarray(pixels > 128 if logical else pixels)


class Method(NamedTuple):
    """An interpolation kernel; it is zero outside [-width/2, width/2]."""

    name: str
    kernel: Kernel
    width: float


def _box(x: Array) -> Array:
    return (x >= -0.5) & (x < 0.5)


def _triangle(x: Array) -> Array:
    return np.maximum(1 - np.abs(x), 0)


def _cubic(x: Array) -> Array:
    x = np.abs(x)
    near, far = 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return near * (x <= 1) + far * ((x > 1) & (x <= 2))


def _lanczos(lobes: int) -> Kernel:
    def kernel(x: Array) -> Array:
        # MATLAB keeps 0/0 away with eps.
        value = (np.sin(np.pi * x) * np.sin(np.pi * x / lobes) + EPS) / (np.pi**2 * x**2 / lobes + EPS)
        return value * (np.abs(x) < lobes)

    return kernel


METHODS = (
    Method("nearest", _box, 1),
    Method("bilinear", _triangle, 2),
    Method("bicubic", _cubic, 4),
    Method("box", _box, 1),
    Method("triangle", _triangle, 2),
    Method("cubic", _cubic, 4),
    Method("lanczos2", _lanczos(2), 4),
    Method("lanczos3", _lanczos(3), 6),
)
PARAMETERS = ("Scale", "OutputSize", "Method", "Antialiasing")


def resampling(
    inputs: int, outputs: int, scale: float, method: Method, antialiasing: bool = True, first: int = 0
) -> csr_array:
    """The weights (outputs, inputs) by which the pixels of a line, from `first` on, are summed up to new ones.

    The sums have MATLAB's order and its zero weights, by which a NaN counts.
    """
    from scipy.sparse import csr_array

    shrink = antialiasing and scale < 1
    width = method.width / scale if shrink else method.width
    # Places and pixels count from 1 here, so that they are rounded as in MATLAB.
    places = np.arange(1, outputs + 1) / scale + 0.5 * (1 - 1 / scale) + first
    pixels = np.floor(places - width / 2)[:, None] + np.arange(math.ceil(width) + 2)
    distances = places[:, None] - pixels
    weights = np.asarray(
        scale * method.kernel(scale * distances) if shrink else method.kernel(distances), dtype=np.float64
    )
    weights = weights / weights.sum(axis=1, keepdims=True)
    used = weights.any(axis=0)
    weights, pixels = weights[:, used], pixels[:, used]
    mirrored = np.concatenate((np.arange(inputs), np.arange(inputs)[::-1]))
    sources = mirrored[(pixels.astype(np.int64) - 1) % (2 * inputs)]
    rows = np.arange(0, weights.size + 1, weights.shape[1])
    return csr_array((weights.ravel(), sources.ravel(), rows), shape=(outputs, inputs))


def find_method(name: str) -> Method | None:
    """The only method whose name begins so."""
    found = [method for method in METHODS if method.name.startswith(name.lower())]
    return found[0] if len(found) == 1 else None


class _Resizing(NamedTuple):
    scale: tuple[float, float]
    size: tuple[int, int]
    method: Method
    antialiasing: bool


def _pixels(image: Any) -> Array:
    pixels = np.asarray(image)
    if isinstance(image, (list, tuple, int, float)) and pixels.dtype.kind in "iu":
        pixels = pixels.astype(np.float64)
    if pixels.dtype.name not in CLASSES:
        raise TypeError(f"imresize takes images of class {', '.join(CLASSES)}. Received {pixels.dtype.name}.")
    if pixels.ndim < 2:
        pixels = pixels.reshape(pixels.shape + (1,) * (2 - pixels.ndim))
    if pixels.size == 0:
        raise ValueError(f"imresize: the image is empty. Received shape {pixels.shape}.")
    return pixels.astype(pixels.dtype.newbyteorder("="), copy=False)


def _read(shape: tuple[int, ...], args: Sequence[Any], options: dict[str, Any]) -> _Resizing:
    """The scale or the size, the method and the options of one call, as MATLAB reads them."""
    scale: tuple[float, float] | None = None
    size: tuple[float, float] | None = None
    method, antialiasing = METHODS[2], None
    rest = list(args)
    if rest and not isinstance(rest[0], str) and not _is_kernel(rest[0]):
        numbers = _numbers(rest.pop(0))
        if len(numbers) == 1:
            scale = _scale(numbers)
        else:
            size = _size(numbers)
    if rest and (_is_kernel(rest[0]) or (isinstance(rest[0], str) and find_method(rest[0]))):
        method = _method(rest.pop(0))
        antialiasing = method.name != "nearest"
    if len(rest) % 2:
        raise ValueError(f"imresize: options come in pairs of a name and a value. Received {rest!r}.")
    for name, value in [*zip(rest[::2], rest[1::2], strict=True), *options.items()]:
        parameter = _parameter(name)
        if parameter == "Scale":
            scale = _scale(_numbers(value))
        elif parameter == "OutputSize":
            size = _size(_numbers(value))
        elif parameter == "Method":
            method = _method(value)
            antialiasing = method.name != "nearest" if antialiasing is None else antialiasing
        else:
            antialiasing = bool(value)
    if scale is None and size is None:
        raise ValueError("imresize: neither a scale nor an output size is given.")
    return _Resizing(*_scale_and_size(shape, scale, size), method, True if antialiasing is None else antialiasing)


def _scale_and_size(
    shape: tuple[int, ...], scale: tuple[float, float] | None, size: tuple[float, float] | None
) -> tuple[tuple[float, float], tuple[int, int]]:
    height, width = shape[:2]
    if size is None:
        assert scale is not None
        size = (scale[0] * height, scale[1] * width)
    rows, columns = size
    given = None  # the side that is not NaN sets the scale of both
    if math.isnan(rows):
        rows, given = columns * height / width, 1
    elif math.isnan(columns):
        columns, given = rows * width / height, 0
    whole = math.ceil(rows), math.ceil(columns)
    if scale is None:
        scale = whole[0] / height, whole[1] / width
        if given is not None:
            scale = scale[given], scale[given]
    return scale, whole


def _is_kernel(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and len(value) == 2 and callable(value[0])


def _numbers(value: Any) -> list[float]:
    try:
        numbers = np.asarray(value, dtype=np.float64).ravel()
    except (TypeError, ValueError):
        numbers = np.empty(0)
    if numbers.size not in (1, 2):
        raise ValueError(f"imresize: a scale, or an output size of two elements, is needed. Received {value!r}.")
    return [float(number) for number in numbers]


def _scale(numbers: list[float]) -> tuple[float, float]:
    if not all(0 < number < math.inf for number in numbers):
        raise ValueError(f"imresize: a scale is a positive number. Received {numbers}.")
    return numbers[0], numbers[-1]


def _size(numbers: list[float]) -> tuple[float, float]:
    usable = all(math.isnan(number) or 0 < number < math.inf for number in numbers)
    if len(numbers) != 2 or not usable or all(map(math.isnan, numbers)):
        raise ValueError(
            f"imresize: an output size is two positive numbers, one of which may be NaN. Received {numbers}."
        )
    return numbers[0], numbers[1]


def _method(value: Any) -> Method:
    if _is_kernel(value):
        return Method("", value[0], float(value[1]))
    method = find_method(value) if isinstance(value, str) else None
    if method is None:
        known = ", ".join(method.name for method in METHODS)
        raise ValueError(f"imresize: {value!r} is none of the methods {known}.")
    return method


def _parameter(name: Any) -> str:
    found = [known for known in PARAMETERS if isinstance(name, str) and known.lower().startswith(name.lower())]
    if len(found) != 1:
        raise ValueError(f"imresize: {name!r} is no method and none of the options {', '.join(PARAMETERS)}.")
    return found[0]


def _along(axis: int, pixels: Array, weights: csr_array) -> Array:
    """Resize one side of an image."""
    if weights.nnz == weights.shape[0] and (weights.data == 1).all():
        return np.take(pixels, weights.indices, axis=axis)
    others = [other for other in range(pixels.ndim) if other != axis]
    order = [axis, *sorted(others, key=lambda other: -abs(pixels.strides[other]))]  # long runs stay together
    lines = pixels.transpose(order)
    flat = np.ascontiguousarray(lines, dtype=np.float64).reshape(len(lines), -1)
    values = cast(weights @ flat, pixels.dtype)
    return values.reshape(-1, *lines.shape[1:]).transpose(np.argsort(order))


def cast(values: Array, dtype: np.dtype[Any]) -> Array:
    """MATLAB's conversion of doubles: integers are rounded, halves away from zero, and clipped; NaN becomes 0."""
    if dtype.kind not in "iu":
        return values.astype(dtype)
    limits = np.iinfo(dtype)
    signed = limits.min < 0
    rest = np.abs(np.where(np.isnan(values), 0, values)) if signed else np.fmax(values, 0)
    np.minimum(rest, limits.max + signed, out=rest)
    whole = np.floor(rest)
    rest -= whole
    whole += rest >= 0.5
    if signed:
        whole = np.minimum(np.copysign(whole, values), limits.max)
    return whole.astype(dtype)
