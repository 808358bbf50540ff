"""What cuDNN's three operations on convolutions compute, from their definition and in double."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

Array = Any
Shape = tuple[int, ...]


class Attributes(NamedTuple):
    """The attributes of an operation, as its graph holds them."""

    operation: str
    pre_padding: tuple[int, int]
    post_padding: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]

    def check(self, image: Shape, filters: Shape, output: Shape) -> None:
        """What cuDNN checks of the sizes."""
        assert image[0] == output[0]
        assert filters[0] == output[1]
        assert image[1] % filters[1] == 0
        assert filters[0] % (image[1] // filters[1]) == 0
        for size, reach, step, count in zip(
            self.padded(image), self.reach(filters), self.stride, output[2:], strict=True
        ):
            assert count == (size - reach) // step + 1

    def padded(self, image: Shape) -> Shape:
        return tuple(map(sum, zip(image[2:], self.pre_padding, self.post_padding, strict=True)))

    def reach(self, filters: Shape) -> Shape:
        return tuple((count - 1) * apart + 1 for count, apart in zip(filters[2:], self.dilation, strict=True))

    def taps(self, filters: Shape, output: Shape) -> Iterator[tuple[int, int, tuple[slice, slice]]]:
        """Each tap of a filter, and the pixels of the padded image on which it falls."""
        for a, b in np.ndindex(*filters[2:]):
            rows, columns = (
                slice(tap * apart, tap * apart + (count - 1) * step + 1, step)
                for tap, apart, count, step in zip((a, b), self.dilation, output[2:], self.stride, strict=True)
            )
            yield a, b, (rows, columns)


def execute(how: Attributes, first: Array, second: Array, out: Array) -> None:
    """Compute into `out`. Images are (N, C, A, B), filters (K, C/G, FA, FB), outputs (N, K, OA, OB)."""
    arrays = {
        "conv_fprop": ("image", "filters", "output"),
        "conv_dgrad": ("output", "filters", "image"),
        "conv_wgrad": ("image", "output", "filters"),
    }[how.operation]
    given = dict(zip(arrays, (first, second, out), strict=True))
    shapes = {name: array.shape for name, array in given.items()}
    how.check(**shapes)
    padded = np.zeros((*shapes["image"][:2], *how.padded(shapes["image"])))
    inside = (..., *(slice(p, p + size) for p, size in zip(how.pre_padding, shapes["image"][2:], strict=True)))
    sums = np.zeros(out.shape)
    if how.operation != "conv_dgrad":
        padded[inside] = given["image"]
    for c, k in groups(shapes["image"], shapes["filters"]):
        for a, b, window in how.taps(shapes["filters"], shapes["output"]):
            pixels = padded[(slice(None), c, *window)]
            if how.operation == "conv_fprop":
                sums[:, k] += np.einsum("nchw,kc->nkhw", pixels, second[k, :, a, b])
            elif how.operation == "conv_dgrad":
                pixels += np.einsum("nkhw,kc->nchw", first[:, k], second[k, :, a, b])
            else:
                sums[k, :, a, b] = np.einsum("nchw,nkhw->kc", pixels, second[:, k])
    out[...] = padded[inside] if how.operation == "conv_dgrad" else sums


def groups(image: Shape, filters: Shape) -> Iterator[tuple[slice, slice]]:
    """The channels and the filters of each group."""
    channels, count = filters[1], image[1] // filters[1]
    for g in range(count):
        yield slice(g * channels, (g + 1) * channels), slice(g * filters[0] // count, (g + 1) * filters[0] // count)
