"""Sizes, strides, pads and crops of a convolution: integers only, checked once, in MatConvNet's order and words.

Convolution and transposed convolution share one geometry, that of the convolution. vl_nnconvt is the backward pass of a
convolution, so its input is the *output* of that convolution, and its crop the pad::

    vl_nnconv    image = x (H W C N)    output = y
    vl_nnconvt   image = y              output = x
"""

from typing import NamedTuple, NoReturn

from vlnn.errors import MatConvNetError

Shape = tuple[int, int, int, int]


class Sides(NamedTuple):
    """Rows and columns added (pad) or taken away (crop) at the borders, in MatConvNet's order."""

    top: int
    bottom: int
    left: int
    right: int


class ConvGeometry(NamedTuple):
    """A correlation of (image_height, image_width, channels, batch) with `filters` filters, in `groups` groups."""

    batch: int
    groups: int
    channels: int
    filters: int
    image_height: int
    image_width: int
    filter_height: int
    filter_width: int
    output_height: int
    output_width: int
    stride_y: int
    stride_x: int
    dilate_y: int
    dilate_x: int
    pad: Sides

    @property
    def group_channels(self) -> int:
        return self.channels // self.groups

    @property
    def group_filters(self) -> int:
        return self.filters // self.groups

    @property
    def output_pixels(self) -> int:
        return self.batch * self.output_height * self.output_width

    @property
    def multiplications(self) -> int:
        """Products in one pass of any of the three primitives."""
        return self.output_pixels * self.filters * self.group_channels * self.filter_height * self.filter_width


class PoolGeometry(NamedTuple):
    """Windows of pool_height x pool_width pixels over (image_height, image_width, channels, batch)."""

    batch: int
    channels: int
    image_height: int
    image_width: int
    pool_height: int
    pool_width: int
    output_height: int
    output_width: int
    stride_y: int
    stride_x: int
    pad: Sides

    @property
    def planes(self) -> int:
        return self.batch * self.channels


def sizes(shape: tuple[int, ...]) -> str:
    """(4, 5, 3, 2) as MATLAB shows a size: 4x5x3x2."""
    return "x".join(map(str, shape))


def brackets(values: tuple[int, ...]) -> str:
    return "[" + " ".join(map(str, values)) + "]"


def check_conv(
    x: Shape,
    f: Shape | None,
    biases: int | None,
    dzdy: Shape | None,
    stride: tuple[int, int],
    pad: Sides,
    dilate: tuple[int, int],
) -> ConvGeometry:
    """The geometry of vl_nnconv; `f` is None for the identity filter bank, `dzdy` in a forward call."""

    def fail(sentence: str) -> NoReturn:
        facts = [f"X {sizes(x)}", f"F {sizes(f)}" if f else "no F"]
        if biases is not None:
            facts.append(f"{biases} biases")
        if dzdy is not None:
            facts.append(f"DZDY {sizes(dzdy)}")
        facts += [f"Stride {brackets(stride)}", f"Pad {brackets(pad)}", f"Dilate {brackets(dilate)}"]
        raise MatConvNetError(f"{sentence} Received {', '.join(facts)}.")

    if min(stride) < 1:
        fail("At least one element of STRIDE is smaller than one.")
    if min(pad) < 0:
        fail("An element of PAD is negative.")
    if min(dilate) < 1:
        fail("An element of DILATE is less than one.")
    if f is None and max(dilate) > 1:
        fail("There are no filters and DILATE is not one.")

    height, width, channels, batch = x
    padded_height, padded_width = height + pad.top + pad.bottom, width + pad.left + pad.right
    if f is None:
        filter_height = filter_width = groups = 1
        filters = channels
    else:
        filter_height, filter_width, depth, filters = f
    reach_y, reach_x = (filter_height - 1) * dilate[0] + 1, (filter_width - 1) * dilate[1] + 1
    if padded_height < reach_y or padded_width < reach_x:
        fail("FILTERS are larger than the DATA (including padding).")
    if f is not None:
        groups = channels // depth
        if groups * depth != channels:
            fail("The FILTERS depth does not divide the DATA depth.")
        if groups == 0:  # MatConvNet divides by zero here
            fail("DATA has no channels.")
        if filters % groups:
            fail("The number of filter groups does not divide the number of filters.")
    output_height = (padded_height - reach_y) // stride[0] + 1
    output_width = (padded_width - reach_x) // stride[1] + 1
    if dzdy is not None and dzdy != (output_height, output_width, filters, batch):
        fail("DEROUTPUT dimensions are incompatible with X and FILTERS.")
    if biases is not None and biases != filters:
        fail("The number of elements of BIASES is not the same as the number of filters.")
    return ConvGeometry(
        batch, groups, channels, filters, height, width, filter_height, filter_width, output_height, output_width,
        *stride, *dilate, pad,
    )  # fmt: skip


def check_convt(
    x: Shape,
    f: Shape,
    biases: int | None,
    dzdy: Shape | None,
    upsample: tuple[int, int],
    crop: Sides,
    groups: int,
) -> ConvGeometry:
    """The geometry of vl_nnconvt, as that of the convolution which it transposes."""

    def fail(sentence: str) -> NoReturn:
        facts = [f"X {sizes(x)}", f"F {sizes(f)}"]
        if biases is not None:
            facts.append(f"{biases} biases")
        if dzdy is not None:
            facts.append(f"DZDY {sizes(dzdy)}")
        facts += [f"Upsample {brackets(upsample)}", f"Crop {brackets(crop)}", f"NumGroups {groups}"]
        raise MatConvNetError(f"{sentence} Received {', '.join(facts)}.")

    if min(upsample) < 1:
        fail("At least one element of UPSAMPLE is smaller than one.")
    if min(crop) < 0:
        fail("An element of CROP is negative.")
    height, width, depth, batch = x
    filter_height, filter_width, group_channels, filters = f
    if filter_height == 0 or filter_width == 0 or group_channels == 0:
        fail("A dimension of FILTERS is void.")
    if groups < 1:
        fail("NUMGROUPS is less than 1.")
    if filters % groups:
        fail("The number of filter groups does not divide the filter bank depth (fourth dimension of FILTERS).")
    if filters != depth:
        fail(
            "The filter bank depth (fourth dimension of FILTERS) is not the same as "
            "the data depth (third dimension of X)."
        )
    image_height = (height - 1) * upsample[0] - crop.top - crop.bottom + filter_height
    image_width = (width - 1) * upsample[1] - crop.left - crop.right + filter_width
    channels = group_channels * groups
    # MatConvNet's sizes are unsigned: a negative one passes its test for emptiness and fails the next one.
    if image_height == 0 or image_width == 0 or (dzdy is None and min(image_height, image_width) < 0):
        fail("The output array is empty due to CROP being too large.")
    if dzdy is not None and dzdy != (image_height, image_width, channels, batch):
        fail("DEROUTPUT dimensions are incompatible with X and FILTERS.")
    if biases is not None and biases != channels:
        fail("The number of elements of BIASES is not the same as the dimenison of the filters.")
    return ConvGeometry(
        batch, groups, channels, filters, image_height, image_width, filter_height, filter_width, height, width,
        *upsample, 1, 1, crop,
    )  # fmt: skip


def check_pool(
    x: Shape, dzdy: Shape | None, pool: tuple[int, int], stride: tuple[int, int], pad: Sides
) -> PoolGeometry:
    """The geometry of vl_nnpool; `dzdy` is None in a forward call."""

    def fail(sentence: str) -> NoReturn:
        facts = [f"X {sizes(x)}", f"POOL {brackets(pool)}"]
        if dzdy is not None:
            facts.append(f"DZDY {sizes(dzdy)}")
        facts += [f"Stride {brackets(stride)}", f"Pad {brackets(pad)}"]
        raise MatConvNetError(f"{sentence} Received {', '.join(facts)}.")

    if min(stride) < 1:
        fail("At least one element of STRIDE is smaller than one.")
    if 0 in pool:
        fail("A dimension of the pooling SIZE is void.")
    height, width, channels, batch = x
    padded_height, padded_width = height + pad.top + pad.bottom, width + pad.left + pad.right
    # MatConvNet compares unsigned numbers: a negative window, and one over a negative pad, count as too large.
    if min(pool) < 0 or min(padded_height, padded_width) < 0 or padded_height < pool[0] or padded_width < pool[1]:
        fail("The pooling window is larger than the DATA (including padding).")
    if min(pad) < 0:
        fail("An element of PAD is negative.")
    if max(pad.top, pad.bottom) >= pool[0] or max(pad.left, pad.right) >= pool[1]:
        fail("A padding value is larger or equal to the size of the pooling window.")
    output_height = (padded_height - pool[0]) // stride[0] + 1
    output_width = (padded_width - pool[1]) // stride[1] + 1
    if dzdy is not None and dzdy != (output_height, output_width, channels, batch):
        fail("DEROUTPUT dimensions are incompatible with X and POOL.")
    return PoolGeometry(batch, channels, height, width, *pool, output_height, output_width, *stride, pad)
