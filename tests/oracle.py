"""Convolution worked out in double, slowly and without vlnn: from the definition, and as MatConvNet goes about it.

:class:`ByTaps` sums what the definition sums: the taps that fall inside the image. :class:`ByColumns` gathers patches
as columns, multiplies matrices and adds columns back to patches. There a tap outside the image multiplies a zero, so it
tells where a NaN or an Inf has to show. Arrays are (H, W, D, N); options are those of the vl_* functions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

Array = Any


class Derivatives(NamedTuple):
    dzdx: Array
    dzdf: Array
    dzdb: Array


class ByTaps:
    """A correlation of an image with filters (FH, FW, C/G, K), and its transposes, one tap after the other."""

    def __init__(
        self,
        image: tuple[int, ...],
        filters: tuple[int, ...],
        stride: tuple[int, int],
        pad: tuple[int, int, int, int],
        dilate: tuple[int, int],
    ) -> None:
        top, bottom, left, right = pad
        self.image, self.filters = image, filters
        self.stride, self.dilate, self.before = stride, dilate, (top, left)
        self.padded = (image[0] + top + bottom, image[1] + left + right)
        self.output = tuple(
            (size - (taps - 1) * apart - 1) // step + 1
            for size, taps, apart, step in zip(self.padded, filters[:2], dilate, stride, strict=True)
        )

    def groups(self) -> Iterator[tuple[slice, slice]]:
        """The channels and the filters of each group."""
        channels, count = self.filters[2], self.image[2] // self.filters[2]
        filters = self.filters[3] // count
        for g in range(count):
            yield slice(g * channels, (g + 1) * channels), slice(g * filters, (g + 1) * filters)

    def taps(self) -> Iterator[tuple[int, int, tuple[slice, slice], tuple[slice, slice]]]:
        """Each tap, the pixels on which it falls while it slides, and the outputs to which they belong."""
        for p in range(self.filters[0]):
            for q in range(self.filters[1]):
                rows, columns = self._meets(0, p), self._meets(1, q)
                if rows and columns:
                    yield p, q, (rows[0], columns[0]), (rows[1], columns[1])

    def _meets(self, axis: int, tap: int) -> tuple[slice, slice] | None:
        step, offset = self.stride[axis], tap * self.dilate[axis] - self.before[axis]
        hits = [i for i in range(self.output[axis]) if 0 <= i * step + offset < self.image[axis]]
        if not hits:
            return None
        first, last = hits[0], hits[-1]
        return slice(first * step + offset, last * step + offset + 1, step), slice(first, last + 1)

    def correlate(self, image: Array, f: Array) -> Array:
        y = np.zeros((*self.output, f.shape[3], image.shape[3]))
        for p, q, pixels, outputs in self.taps():
            for c, k in self.groups():
                y[(*outputs, k)] += np.einsum("hwcn,ck->hwkn", image[(*pixels, c)], f[p, q, :, k], optimize=True)
        return y

    def spread(self, y: Array, f: Array) -> Array:
        """The transpose of `correlate` in the image."""
        image = np.zeros(self.image)
        for p, q, pixels, outputs in self.taps():
            for c, k in self.groups():
                image[(*pixels, c)] += np.einsum("hwkn,ck->hwcn", y[(*outputs, k)], f[p, q, :, k], optimize=True)
        return image

    def match(self, image: Array, y: Array) -> Array:
        """The transpose of `correlate` in the filters."""
        f = np.zeros(self.filters)
        for p, q, pixels, outputs in self.taps():
            for c, k in self.groups():
                f[p, q, :, k] = np.einsum("hwcn,hwkn->ck", image[(*pixels, c)], y[(*outputs, k)], optimize=True)
        return f


class ByColumns(ByTaps):
    """The same sums as matrix products with the columns, (output pixels, taps * channels), of each group."""

    def correlate(self, image: Array, f: Array) -> Array:
        padded = self._padded(image)
        products = [self._columns(padded, c) @ f[..., k].reshape(-1, k.stop - k.start) for c, k in self.groups()]
        return self._as_images(np.concatenate(products, axis=1))

    def spread(self, y: Array, f: Array) -> Array:
        padded = np.zeros((*self.padded, *self.image[2:]))
        for c, k in self.groups():
            columns = self._as_matrix(y[:, :, k]) @ f[..., k].reshape(-1, k.stop - k.start).T
            patches = columns.reshape(*self.output, self.image[3], *self.filters[:3])
            for p, q, window in self._windows():
                padded[(*window, c)] += patches[:, :, :, p, q].transpose(0, 1, 3, 2)
        return padded[self._inside()]

    def match(self, image: Array, y: Array) -> Array:
        padded = self._padded(image)
        products = [self._columns(padded, c).T @ self._as_matrix(y[:, :, k]) for c, k in self.groups()]
        return np.concatenate(products, axis=1).reshape(self.filters)

    def _windows(self) -> Iterator[tuple[int, int, tuple[slice, slice]]]:
        """Each tap and the pixels of the padded image on which it falls."""
        for p in range(self.filters[0]):
            for q in range(self.filters[1]):
                rows, columns = (
                    slice(tap * apart, tap * apart + (count - 1) * step + 1, step)
                    for tap, apart, count, step in zip((p, q), self.dilate, self.output, self.stride, strict=True)
                )
                yield p, q, (rows, columns)

    def _columns(self, padded: Array, c: slice) -> Array:
        patches = np.empty((*self.output, padded.shape[3], *self.filters[:3]))
        for p, q, window in self._windows():
            patches[:, :, :, p, q] = padded[(*window, c)].transpose(0, 1, 3, 2)
        return patches.reshape(-1, int(np.prod(self.filters[:3])))

    def _padded(self, image: Array) -> Array:
        padded = np.zeros((*self.padded, *image.shape[2:]))
        padded[self._inside()] = image
        return padded

    def _inside(self) -> tuple[slice, slice]:
        (top, left), (height, width) = self.before, self.image[:2]
        return slice(top, top + height), slice(left, left + width)

    def _as_matrix(self, y: Array) -> Array:
        return y.transpose(0, 1, 3, 2).reshape(-1, y.shape[2])

    def _as_images(self, matrix: Array) -> Array:
        return matrix.reshape(*self.output, self.image[3], -1).transpose(0, 1, 3, 2)


def conv(
    x: Array, f: Array, b: Array = None, stride: Any = 1, pad: Any = 0, dilate: Any = 1, how: type[ByTaps] = ByTaps
) -> Array:
    """What vl_nnconv returns."""
    x, f = double(x), double(f)
    return how(x.shape, f.shape, two(stride), four(pad), two(dilate)).correlate(x, f) + per_channel(b)


def conv_derivatives(
    x: Array, f: Array, dzdy: Array, stride: Any = 1, pad: Any = 0, dilate: Any = 1, how: type[ByTaps] = ByTaps
) -> Derivatives:
    """What vl_nnconv returns when DZDY is given."""
    x, f, dzdy = double(x), double(f), double(dzdy)
    shape = how(x.shape, f.shape, two(stride), four(pad), two(dilate))
    return Derivatives(shape.spread(dzdy, f), shape.match(x, dzdy), dzdy.sum(axis=(0, 1, 3)))


def convt(
    x: Array,
    f: Array,
    b: Array = None,
    upsample: Any = 1,
    crop: Any = 0,
    numgroups: Any = 1,
    how: type[ByTaps] = ByTaps,
) -> Array:
    """What vl_nnconvt returns: pixel (i, j) of x adds x[i, j] * f to y from (i * up - top, j * up - left) on."""
    x, f = double(x), double(f)
    shape = how(convt_shape(x.shape, f.shape, upsample, crop, numgroups), f.shape, two(upsample), four(crop), (1, 1))
    return shape.spread(x, f) + per_channel(b)


def convt_derivatives(
    x: Array, f: Array, dzdy: Array, upsample: Any = 1, crop: Any = 0, numgroups: Any = 1, how: type[ByTaps] = ByTaps
) -> Derivatives:
    """What vl_nnconvt returns when DZDY is given."""
    x, f, dzdy = double(x), double(f), double(dzdy)
    shape = how(dzdy.shape, f.shape, two(upsample), four(crop), (1, 1))
    return Derivatives(shape.correlate(dzdy, f), shape.match(dzdy, x), dzdy.sum(axis=(0, 1, 3)))


def convt_shape(
    x: tuple[int, ...], f: tuple[int, ...], upsample: Any = 1, crop: Any = 0, numgroups: Any = 1
) -> tuple[int, int, int, int]:
    """The size of y."""
    (up_y, up_x), (top, bottom, left, right) = two(upsample), four(crop)
    height, width = up_y * (x[0] - 1) + f[0] - top - bottom, up_x * (x[1] - 1) + f[1] - left - right
    return height, width, f[2] * int(np.ravel(numgroups)[0]), x[3]


def identity_bank(channels: int) -> Array:
    """The filters for which [] stands in vl_nnconv."""
    return np.eye(channels)[None, None]


def double(array: Array) -> Array:
    """(H, W, D, N) in double."""
    array = np.asarray(array, np.float64)
    return array.reshape(array.shape + (1,) * (4 - array.ndim))


def per_channel(b: Array) -> Array:
    return 0.0 if b is None or np.size(b) == 0 else np.ravel(np.asarray(b, np.float64), order="F")[:, None]


def two(value: Any) -> tuple[int, int]:
    values = np.ravel(value)
    return int(values[0]), int(values[-1])


def four(value: Any) -> tuple[int, int, int, int]:
    top, bottom, left, right = np.broadcast_to(np.ravel(value), 4) if np.size(value) == 1 else np.ravel(value)
    return int(top), int(bottom), int(left), int(right)
