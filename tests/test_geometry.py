"""Sizes from integers alone: the numbers, the sentences, and the order in which they are checked."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import oracle
from tests.geometries import Conv, Convt, small_convs, small_convts
from vlnn.errors import MatConvNetError
from vlnn.geometry import ConvGeometry, Sides, brackets, check_conv, check_convt, sizes

NO_PAD = Sides(0, 0, 0, 0)
CONV: dict[str, Any] = {
    "x": (8, 9, 4, 2),
    "f": (3, 2, 2, 6),
    "biases": 6,
    "dzdy": None,
    "stride": (1, 1),
    "pad": NO_PAD,
    "dilate": (1, 1),
}
CONVT: dict[str, Any] = {
    "x": (4, 5, 6, 2),
    "f": (3, 2, 2, 6),
    "biases": 4,
    "dzdy": None,
    "upsample": (2, 3),
    "crop": NO_PAD,
    "groups": 2,
}


def message(check: Any, good: dict[str, Any], **bad: Any) -> str:
    with pytest.raises(MatConvNetError) as caught:
        check(**{**good, **bad})
    return str(caught.value)


def test_conv() -> None:
    geometry = check_conv(**{**CONV, "stride": (2, 1), "pad": Sides(1, 2, 0, 3), "dilate": (2, 4)})
    assert geometry == ConvGeometry(
        batch=2,
        groups=2,
        channels=4,
        filters=6,
        image_height=8,
        image_width=9,
        filter_height=3,
        filter_width=2,
        output_height=4,  # (8 + 1 + 2 - 5) // 2 + 1
        output_width=8,  # (9 + 3 - 5) + 1
        stride_y=2,
        stride_x=1,
        dilate_y=2,
        dilate_x=4,
        pad=Sides(1, 2, 0, 3),
    )
    assert (geometry.group_channels, geometry.group_filters) == (2, 3)
    assert geometry.output_pixels == 2 * 4 * 8
    assert geometry.multiplications == 2 * 4 * 8 * 6 * 2 * 3 * 2


def test_conv_without_filters() -> None:
    geometry = check_conv(**{**CONV, "f": None, "biases": 4, "stride": (3, 2)})
    assert (geometry.groups, geometry.channels, geometry.filters) == (1, 4, 4)
    assert (geometry.filter_height, geometry.filter_width) == (1, 1)
    assert (geometry.output_height, geometry.output_width) == (3, 5)


def test_convt_is_the_convolution_that_it_transposes() -> None:
    geometry = check_convt(**{**CONVT, "crop": Sides(1, 0, 2, 1)})
    assert geometry == ConvGeometry(
        batch=2,
        groups=2,
        channels=4,
        filters=6,
        image_height=8,  # 2 (4 - 1) + 3 - 1
        image_width=11,  # 3 (5 - 1) + 2 - 3
        filter_height=3,
        filter_width=2,
        output_height=4,
        output_width=5,
        stride_y=2,
        stride_x=3,
        dilate_y=1,
        dilate_x=1,
        pad=Sides(1, 0, 2, 1),
    )


@given(small_convs())
def test_conv_agrees_with_the_oracle(call: Conv) -> None:
    o = call.options
    geometry = check_conv(call.x, call.f, None, call.y, o["stride"], Sides(*o["pad"]), o["dilate"])
    assert (geometry.output_height, geometry.output_width, geometry.filters, geometry.batch) == call.y
    assert geometry.groups == call.groups
    positions = oracle.ByTaps(call.x, call.f, o["stride"], o["pad"], o["dilate"])
    assert (geometry.output_height, geometry.output_width) == positions.output


@given(small_convts())
def test_convt_agrees_with_the_oracle(call: Convt) -> None:
    o = call.options
    geometry = check_convt(call.x, call.f, None, call.y, o["upsample"], Sides(*o["crop"]), o["numgroups"])
    assert (geometry.image_height, geometry.image_width, geometry.channels, geometry.batch) == call.y
    # The convolution back has an output of the size of x, whatever the crop has left over.
    back = check_conv(call.y, call.f, None, None, o["upsample"], Sides(*o["crop"]), (1, 1))
    assert (back.output_height, back.output_width, back.filters, back.batch) == call.x


# In MatConvNet's order: of two mistakes the one that stands first is reported.
CONV_MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"stride": (0, 1)}, "At least one element of STRIDE is smaller than one."),
    ({"pad": Sides(0, -1, 0, 0)}, "An element of PAD is negative."),
    ({"dilate": (1, 0)}, "An element of DILATE is less than one."),
    ({"f": (9, 2, 2, 6)}, "FILTERS are larger than the DATA (including padding)."),
    ({"f": (3, 2, 3, 6)}, "The FILTERS depth does not divide the DATA depth."),
    ({"f": (3, 2, 2, 5), "biases": 5}, "The number of filter groups does not divide the number of filters."),
    ({"dzdy": (6, 8, 6, 1)}, "DEROUTPUT dimensions are incompatible with X and FILTERS."),
    ({"biases": 5}, "The number of elements of BIASES is not the same as the number of filters."),
]
CONVT_MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"upsample": (1, 0)}, "At least one element of UPSAMPLE is smaller than one."),
    ({"crop": Sides(0, 0, 0, -2)}, "An element of CROP is negative."),
    ({"f": (3, 0, 2, 6)}, "A dimension of FILTERS is void."),
    ({"groups": 0}, "NUMGROUPS is less than 1."),
    (
        {"groups": 4},
        "The number of filter groups does not divide the filter bank depth (fourth dimension of FILTERS).",
    ),
    (
        {"x": (4, 5, 7, 2)},
        "The filter bank depth (fourth dimension of FILTERS) is not the same as the data depth (third dimension of X).",
    ),
    ({"crop": Sides(9, 0, 0, 0)}, "The output array is empty due to CROP being too large."),
    ({"dzdy": (9, 14, 3, 2)}, "DEROUTPUT dimensions are incompatible with X and FILTERS."),
    ({"biases": 2}, "The number of elements of BIASES is not the same as the dimenison of the filters."),
]


@pytest.mark.parametrize(
    ("check", "good", "mistakes"), [(check_conv, CONV, CONV_MISTAKES), (check_convt, CONVT, CONVT_MISTAKES)]
)
def test_mistakes(check: Any, good: dict[str, Any], mistakes: list[tuple[dict[str, Any], str]]) -> None:
    check(**good)
    for position, (bad, sentence) in enumerate(mistakes):
        assert message(check, good, **bad).startswith(f"{sentence} Received X ")
        for worse, first in mistakes[:position]:
            if not bad.keys() & worse.keys():
                assert message(check, good, **bad, **worse).startswith(first)


def test_conv_messages_say_what_was_received() -> None:
    assert message(check_conv, CONV, dzdy=(5, 8, 6, 2), stride=(2, 1), pad=Sides(1, 2, 0, 3)) == (
        "DEROUTPUT dimensions are incompatible with X and FILTERS. Received X 8x9x4x2, F 3x2x2x6, 6 biases, "
        "DZDY 5x8x6x2, Stride [2 1], Pad [1 2 0 3], Dilate [1 1]."
    )
    assert message(check_conv, CONV, f=None, biases=None, dilate=(2, 1)) == (
        "There are no filters and DILATE is not one. Received X 8x9x4x2, no F, Stride [1 1], Pad [0 0 0 0], "
        "Dilate [2 1]."
    )


def test_convt_messages_say_what_was_received() -> None:
    assert message(
        check_convt, CONVT, x=(4, 4, 3, 1), f=(3, 3, 8, 3), biases=None, groups=1, crop=Sides(4, 5, 4, 4)
    ) == (
        "The output array is empty due to CROP being too large. Received X 4x4x3x1, F 3x3x8x3, Upsample [2 3], "
        "Crop [4 5 4 4], NumGroups 1."
    )
    assert "4 biases, DZDY 9x14x4x1, Upsample" in message(check_convt, CONVT, dzdy=(9, 14, 4, 1))


@pytest.mark.parametrize("excess", [0, 1, 5])
@pytest.mark.parametrize("side", [0, 1, 2, 3])
def test_crop_as_large_as_the_output_or_larger(excess: int, side: int) -> None:
    whole = 9 if side < 2 else 14
    crop = [0, 0, 0, 0]
    crop[side] = whole - 1
    geometry = check_convt(**{**CONVT, "crop": Sides(*crop)})
    assert min(geometry.image_height, geometry.image_width) == 1
    crop[side] = whole + excess
    assert message(check_convt, CONVT, crop=Sides(*crop)).startswith("The output array is empty due to CROP being")
    # In a backward call MatConvNet finds a size that is not DZDY's, unless nothing at all is left.
    sentence = "DEROUTPUT dimensions are" if excess else "The output array is empty"
    assert message(check_convt, CONVT, crop=Sides(*crop), dzdy=(9, 14, 4, 2)).startswith(sentence)


def test_data_without_channels() -> None:
    assert message(check_conv, CONV, x=(8, 9, 0, 0), biases=None).startswith(
        "DATA has no channels. Received X 8x9x0x0,"
    )
    geometry = check_convt((4, 5, 0, 0), (3, 2, 2, 0), None, None, (1, 1), NO_PAD, 1)
    assert geometry.multiplications == 0


def test_data_without_images() -> None:
    geometry = check_conv(**{**CONV, "x": (8, 9, 4, 0)})
    assert geometry.output_height == 6
    assert geometry.output_pixels == geometry.multiplications == 0


@given(st.lists(st.integers(-5, 500), max_size=6))
def test_as_matlab_shows_sizes(values: list[int]) -> None:
    assert sizes(tuple(values)).split("x") == [str(value) for value in values] or not values
    assert brackets(tuple(values))[1:-1].split() == [str(value) for value in values]


def test_as_matlab_shows_a_size() -> None:
    assert sizes((4, 5, 3, 2)) == "4x5x3x2"
    assert brackets((1, 0, 2, 3)) == "[1 0 2 3]"
