"""Operations across the channels of single pixels on the GPU."""

from __future__ import annotations

import cupy

from vlnn.engines.cuda.launching import launch, over_channels
from vlnn.matlab.arrays import Array


class Channels:
    """The part of the CUDA engine for softmax, norms and distances."""

    def softmax_forward(self, x: Array) -> Array:
        return _mapped("softmax_forward", (x,))

    def softmax_backward(self, x: Array, dzdy: Array) -> Array:
        return _mapped("softmax_backward", (x, dzdy))

    def noffset_forward(self, x: Array, alpha: float, beta: float) -> Array:
        return _mapped("noffset_forward", (x,), float(alpha), float(beta))

    def noffset_backward(self, x: Array, dzdy: Array, alpha: float, beta: float) -> Array:
        return _mapped("noffset_backward", (x, dzdy), float(alpha), float(beta))

    def pdist_forward(self, x: Array, x0: Array, p: float, root: bool) -> Array:
        out = cupy.empty((x.shape[0], 1, *x.shape[2:]), x.dtype)
        _launch("pdist_forward", x, x, out, float(p), int(root), *spread(x0, x.shape))
        return out

    def pdist_backward(self, x: Array, x0: Array, p: float, root: bool, epsilon: float, dzdy: Array) -> Array:
        out = cupy.empty(x.shape, x.dtype)
        ders, image_step, _, pixel_step = spread(dzdy, x.shape)
        settings = float(p), int(root), float(epsilon), image_step, pixel_step
        _launch("pdist_backward", x, x, ders, out, *settings, *spread(x0, x.shape))
        return out


def spread(planes: Array, shape: tuple[int, ...]) -> tuple[Array, int, int, int]:
    """Planes that broadcast to `shape`, and how far apart their images, channels and pixels are; 0 if there is one."""
    if planes.shape[2:] != shape[2:] and planes.shape[2:] != (1, 1):
        planes = cupy.broadcast_to(planes, (*planes.shape[:2], *shape[2:]))
    images, depth, width, height = planes.shape
    pixels = width * height
    steps = depth * pixels * int(images > 1), pixels * int(depth > 1), int(pixels > 1)
    return cupy.ascontiguousarray(planes), *steps


def sizes_of(x: Array) -> tuple[int, int, int]:
    """Images, channels and pixels."""
    return x.shape[0], x.shape[1], x.shape[2] * x.shape[3]


def _mapped(kernel: str, arrays: tuple[Array, ...], *settings: float) -> Array:
    out = cupy.empty(arrays[0].shape, arrays[0].dtype)
    _launch(kernel, arrays[0], *arrays, out, *settings)
    return out


def _launch(kernel: str, x: Array, *arguments: Array | float) -> None:
    images, depth, pixels = sizes_of(x)
    launch("channels", kernel, x, over_channels(pixels, depth, images), *arguments, images, depth, pixels)
