"""The layers that bench.py measures, and their four operations in vlnn, in PyTorch and by the textbook.

PyTorch works on the very arrays that vlnn gets: the transpose of a Fortran-ordered (H, W, D, N) array is a C-ordered
(N, D, W, H) one, which becomes a tensor without a copy. Crops and pads are the same on opposite sides, as PyTorch has
no others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch

import bench_textbook as textbook
import vlnn
from timing import Work
from vlnn.geometry import ConvGeometry, Shape, Sides, check_conv, check_convt
from vlnn.matlab.arrays import Array

OPS = ("fwd", "dx", "df", "bwd")

_generator = np.random.default_rng(0)


def random(shape: tuple[int, ...]) -> Array:
    """Normal numbers, in single precision and in MATLAB's order."""
    return np.asfortranarray(_generator.standard_normal(shape[::-1], np.float32).T)


def bilinear(shape: tuple[int, ...]) -> Array:
    """Bilinear upsampling for each channel, as in FCN: the same rank-one filter for each of the groups."""
    size = shape[0]
    factor = (size + 1) // 2
    tent = 1 - np.abs(np.arange(size) - (size - 1) / 2) / factor
    bank = np.zeros(shape, np.float32, order="F")
    bank[...] = np.outer(tent, tent)[:, :, None, None]
    return bank


def diagonal(shape: tuple[int, ...]) -> Array:
    """The same as a bank without groups: bilinear filters on the diagonal, zeros elsewhere."""
    bank = np.zeros(shape, np.float32, order="F")
    channels = np.arange(shape[2])
    bank[:, :, channels, channels] = bilinear((*shape[:2], 1, 1))[:, :, 0]
    return bank


class Case(NamedTuple):
    """A layer; `stride` and `pad` are [y x], and Upsample and Crop for vl_nnconvt."""

    name: str
    transposed: bool
    x: Shape
    f: Shape
    stride: tuple[int, int] = (1, 1)
    pad: tuple[int, int] = (0, 0)
    groups: int = 1
    bank: Callable[[tuple[int, ...]], Array] = random


def _convt(name: str, x: Shape, f: Shape, up: int = 1, crop: int = 0, **more: Any) -> Case:
    return Case(name, True, x, f, **{"stride": (up, up), "pad": (crop, crop), **more})


def _conv(name: str, x: Shape, f: Shape, stride: int = 1, pad: int = 0, **more: Any) -> Case:
    return Case(name, False, x, f, (stride, stride), (pad, pad), **more)


CASES = (
    _convt("a1", (4, 4, 1024, 32), (4, 4, 512, 1024), 2, 1),
    _convt("a2", (8, 8, 512, 16), (4, 4, 256, 512), 2, 1),
    _convt("a3", (16, 16, 256, 16), (4, 4, 128, 256), 2, 1),
    _convt("a4", (32, 32, 128, 16), (4, 4, 3, 128), 2, 1),
    _convt("b", (64, 64, 128, 4), (2, 2, 64, 128), 2),
    _convt("c1", (34, 34, 21, 1), (4, 4, 1, 21), 2, 1, groups=21, bank=bilinear),
    _convt("c2", (70, 70, 21, 1), (16, 16, 1, 21), 8, 4, groups=21, bank=bilinear),
    _convt("c3", (16, 16, 21, 1), (64, 64, 1, 21), 32, 16, groups=21, bank=bilinear),
    _convt("c4", (16, 16, 21, 1), (64, 64, 21, 21), 32, 16, bank=diagonal),
    _convt("c5", (34, 34, 21, 1), (4, 4, 21, 21), 2, 1, bank=diagonal),
    _convt("c1r", (34, 34, 21, 1), (4, 4, 1, 21), 2, 1, groups=21),
    _convt("c3r", (16, 16, 21, 1), (64, 64, 1, 21), 32, 16, groups=21),
    _convt("d1", (64, 64, 64, 1), (4, 4, 64, 64), 2, 1),
    _convt("d2", (128, 128, 64, 1), (4, 4, 64, 64), 2, 1),
    _convt("d3", (256, 256, 64, 1), (4, 4, 64, 64), 2, 1),
    _convt("d4", (256, 256, 1, 1), (4, 4, 1, 1), 2, 1),
    _convt("e", (128, 128, 64, 4), (3, 3, 64, 64), 1, 1),
    _convt("f", (10, 12, 3, 2), (3, 4, 3, 3)),
    _convt("g", (32, 32, 32, 32), (11, 11, 10, 32), stride=(3, 2), pad=(5, 8)),
    _conv("v0", (10, 12, 3, 2), (3, 4, 3, 3)),
    _conv("v1", (224, 224, 64, 1), (3, 3, 64, 64), 1, 1),
    _conv("v2", (56, 56, 256, 1), (3, 3, 256, 256), 1, 1),
    _conv("v3", (14, 14, 512, 1), (3, 3, 512, 512), 1, 1),
    _conv("v4", (28, 28, 512, 4), (3, 3, 512, 512), 1, 1),
    _conv("v5", (227, 227, 3, 8), (11, 11, 3, 96), 4),
    _conv("v6", (28, 28, 256, 8), (1, 1, 256, 512)),
    _conv("v7", (27, 27, 96, 8), (5, 5, 48, 256), 1, 2, groups=2),
    _conv("v8", (224, 224, 3, 1), (3, 3, 3, 64), 1, 1),
    _conv("v9", (56, 56, 128, 4), (3, 3, 128, 128), 2, 1),
)


def as_tensor(array: Array) -> torch.Tensor:
    """The same memory, transposed, as PyTorch sees it."""
    return torch.from_numpy(array.T)


class Problem:
    """A case with its arrays. Each engine's method gives the function that computes one of OPS.

    `place` puts an array where vlnn is to find it, `tensor` makes a tensor of it.
    """

    def __init__(
        self,
        case: Case,
        place: Callable[[Array], Array] = lambda array: array,
        tensor: Callable[[Array], torch.Tensor] = as_tensor,
    ) -> None:
        self.case = case
        self._tensor = tensor
        top, left = case.pad
        pad = Sides(top, top, left, left)
        self.geometry: ConvGeometry
        if case.transposed:
            self.geometry = g = check_convt(case.x, case.f, None, None, case.stride, pad, case.groups)
            channels, y = g.channels, (g.image_height, g.image_width, g.channels, g.batch)
            self._options = ["Upsample", case.stride, "Crop", pad, "NumGroups", case.groups]
        else:
            self.geometry = g = check_conv(case.x, case.f, None, None, case.stride, pad, (1, 1))
            channels, y = g.filters, (g.output_height, g.output_width, g.filters, g.batch)
            self._options = ["Stride", case.stride, "Pad", pad]
        arrays = random(case.x), case.bank(case.f), random((channels, 1)), random(y)
        self._arrays = tuple(place(array) for array in arrays)

    def vlnn(self, op: str) -> Work:
        x, f, b, dzdy = self._arrays
        function = vlnn.vl_nnconvt if self.case.transposed else vlnn.vl_nnconv
        options = self._options
        if op == "fwd":
            return lambda: function(x, f, b, *options)
        if op == "dx":
            return lambda: function(x, f, b, dzdy, *options, nargout=1)
        if op == "df":
            return lambda: function(x, f, b, dzdy, *options, "NoDerData", "NoDerBiases")
        return lambda: function(x, f, b, dzdy, *options)

    def torch(self, op: str) -> Work:
        x, f, b, dzdy = (self._tensor(array) for array in self._arrays)
        b = b.reshape(-1)
        case = self.case
        stride, pad, groups = case.stride[::-1], case.pad[::-1], case.groups
        if op == "fwd" and case.transposed:
            return lambda: torch.conv_transpose2d(x, f, b, stride, pad, 0, groups)
        if op == "fwd":
            return lambda: torch.conv2d(x, f, b, stride, pad, 1, groups)
        biases, dilation, more_output = [len(b)], [1, 1], [0, 0]
        wanted = [op in ("dx", "bwd"), op in ("df", "bwd"), op == "bwd"]
        backward = torch.ops.aten.convolution_backward
        return lambda: backward(dzdy, x, f, biases, stride, pad, dilation, case.transposed, more_output, groups, wanted)

    def textbook(self, op: str) -> Work:
        x, f, b, dzdy = (array.T for array in self._arrays)
        b = b.reshape(-1)
        g = self.geometry
        if self.case.transposed:
            work = {
                "fwd": lambda: textbook.backward_data(g, x, f, b),
                "dx": lambda: textbook.forward(g, dzdy, f, None),
                "df": lambda: textbook.backward_filter(g, dzdy, x),
            }
        else:
            work = {
                "fwd": lambda: textbook.forward(g, x, f, b),
                "dx": lambda: textbook.backward_data(g, dzdy, f, None),
                "df": lambda: textbook.backward_filter(g, x, dzdy),
            }
        return work[op] if op != "bwd" else lambda: (work["dx"](), work["df"](), dzdy.sum(axis=(0, 2, 3)))


def outputs(result: Any) -> list[Array]:
    """The arrays that a call computed, each as a vector in the order of memory, which is the same for all engines."""
    arrays = result if isinstance(result, (tuple, list)) else (result,)
    return [np.ravel(array, order="K") for array in arrays if array is not None and np.size(array)]


def disagreement(results: list[Array], expected: list[Array]) -> float:
    """The largest difference, relative to the largest magnitude; NaN if there is one."""
    pairs = zip(results, expected, strict=True)
    return float(np.max([np.abs(ours - theirs).max() / np.abs(theirs).max() for ours, theirs in pairs]))
