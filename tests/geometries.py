"""Calls of vl_nnconv and vl_nnconvt to try: sizes and options, with arrays drawn from a seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from hypothesis import strategies as st

import vlnn
from tests import oracle

Array = Any
Size = tuple[int, int, int, int]


@dataclass(frozen=True)
class Call:
    """The sizes and options of one call; `filters` says what the filter bank is like."""

    function: ClassVar[Callable[..., Any]]
    wanted: ClassVar[Callable[..., Array]]  # what the oracle says
    wanted_derivatives: ClassVar[Callable[..., oracle.Derivatives]]

    x: Size
    f: Size
    options: dict[str, Any]
    dtype: type = np.float64
    filters: str = "random"
    seed: int = 0

    def __str__(self) -> str:
        sizes = " ".join("x".join(map(str, size)) for size in (self.x, self.f))
        options = " ".join(f"{name}={value}" for name, value in self.options.items())
        return f"{type(self).__name__} {sizes} {options} {self.filters}".replace(", ", ",").replace(" ", "_")

    @property
    def y(self) -> Size:
        raise NotImplementedError

    @property
    def groups(self) -> int:
        raise NotImplementedError

    @property
    def tolerance(self) -> float:
        """What results may be off, of the largest magnitude."""
        return 1e-5 if self.dtype is np.float32 else 1e-11

    def choose(self, **options: Any) -> Call:
        """The same call with other options."""
        return replace(self, options={**self.options, **options})

    def arrays(self) -> tuple[Array, Array, Array, Array]:
        """x, f, b and dzdy."""
        random = np.random.default_rng(self.seed)
        x, f, b, dzdy = (random.standard_normal(size) for size in (self.x, self.f, (1, self.y[2]), self.y))
        x, f, b, dzdy = (np.asfortranarray(array, self.dtype) for array in (x, bank(self.filters, f), b, dzdy))
        return x, f, b, dzdy

    def forward(self, x: Array, f: Array, b: Array) -> Array:
        return self.function(x, f, b, **self.options)

    def backward(self, x: Array, f: Array, b: Array, dzdy: Array) -> tuple[Array, Array, Array]:
        dzdx, dzdf, dzdb = self.function(x, f, b, dzdy, **self.options)
        return dzdx, dzdf, dzdb

    def expected(self, x: Array, f: Array, b: Array, how: type = oracle.ByTaps) -> Array:
        return self.wanted(x, f, b, **self.options, how=how)

    def expected_derivatives(self, x: Array, f: Array, dzdy: Array, how: type = oracle.ByTaps) -> oracle.Derivatives:
        return self.wanted_derivatives(x, f, dzdy, **self.options, how=how)

    def close(self, got: Array, want: Array) -> None:
        """Fail unless `got` is `want`, worked out in double, but for rounding."""
        assert got.dtype == self.dtype
        assert got.shape == want.shape
        scale = max(1.0, float(np.abs(want).max(initial=0.0)))
        np.testing.assert_allclose(got / scale, want / scale, rtol=0, atol=self.tolerance)


class Conv(Call):
    """A call of vl_nnconv."""

    function = staticmethod(vlnn.vl_nnconv)
    wanted = staticmethod(oracle.conv)
    wanted_derivatives = staticmethod(oracle.conv_derivatives)

    @property
    def y(self) -> Size:
        o = self.options
        window = oracle.ByTaps(self.x, self.f, oracle.two(o["stride"]), oracle.four(o["pad"]), oracle.two(o["dilate"]))
        height, width = window.output
        return height, width, self.f[3], self.x[3]

    @property
    def groups(self) -> int:
        return self.x[2] // self.f[2]


class Convt(Call):
    """A call of vl_nnconvt."""

    function = staticmethod(vlnn.vl_nnconvt)
    wanted = staticmethod(oracle.convt)
    wanted_derivatives = staticmethod(oracle.convt_derivatives)

    @property
    def y(self) -> Size:
        return oracle.convt_shape(self.x, self.f, **self.options)

    @property
    def groups(self) -> int:
        return int(self.options["numgroups"])


def bank(kind: str, f: Array) -> Array:
    """A filter bank of the size of `f`, whose numbers it may use."""
    if kind in ("bilinear", "diagonal_bilinear"):
        f = np.broadcast_to(np.multiply.outer(tent(f.shape[0]), tent(f.shape[1]))[:, :, None, None], f.shape)
    elif kind == "separable":  # every filter is an outer product, each another one
        f = f[:, :1] * f[:1]
    if kind.startswith("diagonal"):  # a dense bank in which filter k looks at channel k alone
        f = f * np.eye(f.shape[2], f.shape[3])
    return f


def tent(size: int) -> Array:
    """The weights of linear interpolation, as FCN initialises its upsampling layers."""
    factor = (size + 1) // 2
    centre = factor - 1 if size % 2 else factor - 0.5
    return 1 - np.abs(np.arange(size) - centre) / factor


def conv(x: Size, f: Size, stride: Any = 1, pad: Any = 0, dilate: Any = 1, **others: Any) -> Conv:
    return Conv(x, f, {"stride": stride, "pad": pad, "dilate": dilate}, **others)


def convt(x: Size, f: Size, upsample: Any = 1, crop: Any = 0, numgroups: int = 1, **others: Any) -> Convt:
    return Convt(x, f, {"upsample": upsample, "crop": crop, "numgroups": numgroups}, **others)


CLASSES = st.sampled_from([np.float32, np.float64])
SEEDS = st.integers(0, 2**16)
WORK = 2e7  # products in one call, at most


@st.composite
def small_convs(draw: st.DrawFn, classes: st.SearchStrategy[type] = CLASSES) -> Conv:
    """Every option at once, on a few pixels."""
    return conv_around(
        draw,
        outputs=(draw(st.integers(1, 5)), draw(st.integers(1, 5))),
        taps=(draw(st.integers(1, 4)), draw(st.integers(1, 4))),
        stride=(draw(st.integers(1, 4)), draw(st.integers(1, 4))),
        dilate=(draw(st.integers(1, 3)), draw(st.integers(1, 3))),
        groups=draw(st.integers(1, 3)),
        channels=draw(st.integers(1, 3)),
        filters=draw(st.integers(1, 3)),
        batch=draw(st.integers(1, 3)),
        dtype=draw(classes),
    )


@st.composite
def medium_convs(draw: st.DrawFn, classes: st.SearchStrategy[type] = CLASSES) -> Conv:
    """Layers as networks have them: planes of 1 to 60 pixels, 1 to 70 channels, 1 to 20 images."""
    layer = draw(st.sampled_from(["any", "depthwise", "low planes", "one by one"]))
    taps = (1, 1) if layer == "one by one" else (draw(st.integers(1, 7)), draw(st.integers(1, 7)))
    stride = draw(st.sampled_from([(1, 1), (1, 1), (2, 2), (2, 1), (1, 3), (4, 4)]))
    pixels = st.integers(1, 8) if layer == "low planes" else st.integers(6, 56)
    outputs = tuple(-(-draw(pixels) // step) for step in stride)
    groups = draw(st.integers(8, 40)) if layer == "depthwise" else draw(st.sampled_from([1, 1, 1, 2, 4]))
    channels, filters = (1, draw(st.sampled_from([1, 1, 2]))) if layer == "depthwise" else (
        draw(st.integers(1, 70 // groups)),
        draw(st.integers(1, 70 // groups)),
    )  # fmt: skip
    products = outputs[0] * outputs[1] * taps[0] * taps[1] * groups * channels * filters
    return conv_around(
        draw,
        outputs=outputs,
        taps=taps,
        stride=stride,
        dilate=draw(st.sampled_from([(1, 1), (1, 1), (1, 1), (2, 2), (1, 3)])),
        groups=groups,
        channels=channels,
        filters=filters,
        batch=draw(st.integers(1, max(1, min(20, int(WORK / products))))),
        dtype=draw(classes),
        bank=draw(st.sampled_from(["random", "separable", "diagonal"])),
    )


def conv_around(
    draw: st.DrawFn,
    outputs: tuple[int, ...],
    taps: tuple[int, int],
    stride: tuple[int, int],
    dilate: tuple[int, int],
    groups: int,
    channels: int,
    filters: int,
    batch: int,
    dtype: type,
    bank: str = "random",
) -> Conv:
    """A call with so many outputs: some of the image may be pad, some of it left over by the stride."""
    image, pads = [], []
    for axis in range(2):
        size = (outputs[axis] - 1) * stride[axis] + (taps[axis] - 1) * dilate[axis] + 1
        size += draw(st.integers(0, stride[axis] - 1))
        before = draw(st.integers(0, min(4, size - 1)))
        after = draw(st.integers(0, min(4, size - 1 - before)))
        image.append(size - before - after)
        pads += [before, after]
    return conv(
        (image[0], image[1], groups * channels, batch),
        (*taps, channels, groups * filters),
        stride,
        tuple(pads),
        dilate,
        dtype=dtype,
        filters=bank,
        seed=draw(SEEDS),
    )


@st.composite
def small_convts(draw: st.DrawFn, classes: st.SearchStrategy[type] = CLASSES) -> Convt:
    """Every option at once, on a few pixels."""
    return convt_around(
        draw,
        image=(draw(st.integers(1, 5)), draw(st.integers(1, 5))),
        taps=(draw(st.integers(1, 5)), draw(st.integers(1, 5))),
        upsample=(draw(st.integers(1, 4)), draw(st.integers(1, 4))),
        groups=draw(st.integers(1, 3)),
        channels=draw(st.integers(1, 3)),
        filters=draw(st.integers(1, 3)),
        batch=draw(st.integers(1, 3)),
        dtype=draw(classes),
    )


@st.composite
def medium_convts(draw: st.DrawFn, classes: st.SearchStrategy[type] = CLASSES) -> Convt:
    """Layers as networks have them: decoders, upsampling by 2 to 8 and depthwise banks, bilinear or not."""
    layer = draw(st.sampled_from(["any", "depthwise", "low planes", "diagonal", "upsampling"]))
    if layer in ("upsampling", "depthwise", "diagonal"):
        factor = draw(st.sampled_from([2, 4, 8]))
        upsample, taps = (factor, factor), (2 * factor, 2 * factor)
    else:
        upsample = draw(st.sampled_from([(1, 1), (2, 2), (2, 2), (3, 2), (1, 2)]))
        taps = (draw(st.integers(1, 7)), draw(st.integers(1, 7)))
    largest = {"low planes": 8, "any": 40}.get(layer, 64 // upsample[0])
    image = (draw(st.integers(1, largest)), draw(st.integers(1, largest)))
    if layer == "depthwise":
        groups, channels, filters = draw(st.integers(8, 40)), 1, 1
    elif layer == "diagonal":
        groups, channels = 1, draw(st.integers(2, 12))
        filters = channels
    else:
        groups = draw(st.sampled_from([1, 1, 1, 2, 4]))
        most = 24 if layer == "upsampling" else 70
        channels, filters = draw(st.integers(1, most // groups)), draw(st.integers(1, most // groups))
    banks = {
        "depthwise": ["bilinear", "bilinear", "separable", "random"],
        "diagonal": ["diagonal", "diagonal_bilinear"],
    }.get(layer, ["random"])
    products = image[0] * image[1] * taps[0] * taps[1] * groups * channels * filters
    return convt_around(
        draw,
        image=image,
        taps=taps,
        upsample=upsample,
        groups=groups,
        channels=channels,
        filters=filters,
        batch=draw(st.integers(1, max(1, min(20, int(WORK / products))))),
        dtype=draw(classes),
        bank=draw(st.sampled_from(banks)),
    )


def convt_around(
    draw: st.DrawFn,
    image: tuple[int, int],
    taps: tuple[int, int],
    upsample: tuple[int, int],
    groups: int,
    channels: int,
    filters: int,
    batch: int,
    dtype: type,
    bank: str = "random",
) -> Convt:
    """A call with x of this size, and a crop that leaves at least one pixel of y."""
    crops = []
    for axis in range(2):
        size = (image[axis] - 1) * upsample[axis] + taps[axis]
        before = draw(st.integers(0, min(8, size - 1)))
        crops += [before, draw(st.integers(0, min(8, size - 1 - before)))]
    return convt(
        (*image, groups * filters, batch),
        (*taps, channels, groups * filters),
        upsample,
        tuple(crops),
        groups,
        dtype=dtype,
        filters=bank,
        seed=draw(SEEDS),
    )


# One of each shape of layer that a kernel may be made for, smaller than in the benchmark where that changes nothing.
LAYERS = [
    convt((4, 4, 96, 24), (4, 4, 48, 96), 2, 1),  # a decoder, from low planes and many channels
    convt((8, 8, 64, 16), (4, 4, 32, 64), 2, 1),
    convt((16, 16, 32, 6), (4, 4, 24, 32), 2, 1),
    convt((32, 32, 24, 5), (4, 4, 3, 24), 2, 1),  # to an image
    convt((40, 36, 32, 2), (2, 2, 24, 32), 2),  # the upsampling of a U-Net
    convt((34, 34, 21, 1), (4, 4, 1, 21), 2, 0, 21, filters="bilinear"),  # those of FCN
    convt((34, 34, 21, 1), (4, 4, 1, 21), 2, 0, 21),
    convt((20, 21, 21, 2), (16, 16, 1, 21), 8, (4, 3, 0, 5), 21, filters="bilinear"),
    convt((20, 21, 9, 2), (16, 16, 1, 9), 8, (4, 3, 0, 5), 9, filters="separable"),
    convt((6, 5, 4, 1), (64, 64, 1, 4), 32, 16, 4, filters="bilinear"),
    convt((5, 6, 10, 1), (32, 32, 10, 10), 16, 0, filters="diagonal_bilinear"),
    convt((24, 26, 21, 1), (4, 4, 21, 21), 2, 1, filters="diagonal"),
    convt((48, 64, 16, 1), (4, 4, 16, 16), 2, 1),  # planes of one image
    convt((96, 100, 1, 1), (4, 4, 1, 1), 2, 1),
    convt((40, 48, 32, 2), (3, 3, 24, 32), 1, 1),
    convt((5, 6, 3, 2), (3, 4, 3, 3)),
    convt((20, 18, 16, 3), (11, 11, 6, 16), (3, 2), (5, 5, 8, 8)),
    convt((9, 7, 6, 2), (2, 3, 2, 6), (5, 4), (1, 0, 2, 3), 3),  # gaps between the taps
    conv((56, 64, 16, 1), (3, 3, 16, 24), 1, 1),
    conv((28, 28, 48, 2), (3, 3, 48, 48), 1, 1),
    conv((14, 14, 128, 1), (3, 3, 128, 96), 1, 1),
    conv((14, 14, 64, 6), (3, 3, 64, 64), 1, 1),
    conv((51, 55, 3, 4), (11, 11, 3, 24), 4),
    conv((28, 28, 64, 4), (1, 1, 64, 70)),
    conv((27, 27, 24, 5), (5, 5, 12, 32), 1, 2),
    conv((100, 96, 3, 1), (3, 3, 3, 16), 1, 1),
    conv((41, 40, 32, 3), (3, 3, 32, 32), 2, (0, 1, 0, 1)),
    conv((30, 31, 24, 2), (3, 3, 24, 24), 1, 2, 2),
    conv((30, 31, 33, 2), (3, 3, 1, 33), 1, 1),
    conv((7, 7, 32, 20), (7, 7, 32, 40)),  # fully connected
    conv((8, 9, 4, 2), (3, 2, 4, 5)),
    conv((10, 8, 6, 2), (2, 2, 3, 4), (3, 4), (5, 0, 1, 6), (2, 1)),
    conv((44, 40, 20, 1), (3, 3, 20, 20), 1, 1, filters="diagonal"),
]
# More than one tile, and more than one group of images.
LARGE_LAYERS = [
    convt((64, 60, 24, 5), (4, 4, 12, 24), 2, 1),
    conv((112, 100, 16, 8), (3, 3, 16, 8), 1, 1),
]
