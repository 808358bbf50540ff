"""vl_nnconvt alone: sizes, crops, groups, its messages and its 'Verbose' text."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import vlnn
from tests import oracle
from tests.geometries import tent
from vlnn import vl_nnconvt

RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((4, 5, 6, 3))
F = RANDOM.standard_normal((3, 2, 2, 6))
B = RANDOM.standard_normal((1, 2))


def error_of(*args: Any, **options: Any) -> str:
    with pytest.raises(vlnn.MatConvNetError) as caught:
        vl_nnconvt(*args, **options)
    return str(caught.value)


# Numbers


def test_one_pixel_is_the_filter() -> None:
    y = vl_nnconvt(np.array([[2.0]]), F[:, :, :, :1], [])
    np.testing.assert_allclose(y[..., 0], 2 * F[..., 0], atol=1e-15)


def test_upsampling_by_ones_repeats_pixels() -> None:
    x = np.arange(6.0).reshape(2, 3)
    y = vl_nnconvt(x, np.ones((2, 3)), [], "Upsample", [2, 3])
    np.testing.assert_array_equal(y[:, :, 0, 0], np.repeat(np.repeat(x, 2, 0), 3, 1))


def test_bilinear_upsampling() -> None:
    """FCN's upsampling: linear interpolation between the pixels, for each channel alone."""
    x = RANDOM.standard_normal((5, 4, 3, 2))
    bank = np.repeat(np.multiply.outer(tent(4), tent(4))[:, :, None, None], 3, 3)
    y = vl_nnconvt(x, bank, [], upsample=2, crop=1, numgroups=3)
    assert y.shape == (10, 8, 3, 2)
    places = (np.arange(10) + 0.5) / 2 - 0.5
    inside = (places >= 0) & (places <= 4)
    column = np.interp(places, np.arange(5), x[:, 0, 1, 1])
    # The first column of y lies a quarter of a pixel outside x, where only x[:, 0] weighs in, with 3/4.
    np.testing.assert_allclose(y[inside, 0, 1, 1], 0.75 * column[inside], atol=1e-12)


def test_gaps_between_filters_hold_the_biases() -> None:
    y = vl_nnconvt(np.ones((3, 2)), np.ones((1, 2)), np.array([7.0]), upsample=(3, 4))
    want = np.full((7, 6), 7.0)
    want[::3, [0, 1, 4, 5]] = 8
    np.testing.assert_array_equal(y[:, :, 0, 0], want)
    unbiased = vl_nnconvt(np.ones((3, 2)), np.ones((1, 2)), [], upsample=(3, 4))
    np.testing.assert_array_equal(unbiased[:, :, 0, 0], want - 7)


def test_crop_is_top_bottom_left_right() -> None:
    whole = vl_nnconvt(X, F, B, upsample=3)
    y = vl_nnconvt(X, F, B, upsample=3, crop=[1, 2, 3, 4])
    np.testing.assert_array_equal(y, whole[1:-2, 3:-4])
    np.testing.assert_array_equal(vl_nnconvt(X, F, B, upsample=3, crop=2), whole[2:-2, 2:-2])


@pytest.mark.parametrize("up", [1, 2, 5])
@pytest.mark.parametrize("taps", [1, 2, 4])
@pytest.mark.parametrize("crop", [0, 1])
def test_size(up: int, taps: int, crop: int) -> None:
    y = vl_nnconvt(np.ones((4, 5, 3, 2)), np.ones((taps, taps, 7, 3)), [], upsample=up, crop=[crop, 0, 0, crop])
    assert y.shape == (up * 3 + taps - crop, up * 4 + taps - crop, 7, 2)


def test_groups() -> None:
    y = vl_nnconvt(X, F, [], numgroups=3)
    assert y.shape == (6, 6, 6, 3)
    for g in range(3):
        d, k = slice(2 * g, 2 * g + 2), slice(2 * g, 2 * g + 2)
        np.testing.assert_allclose(y[:, :, k], vl_nnconvt(X[:, :, d], F[..., d], []), atol=1e-12)


def test_x_without_elements() -> None:
    y = vl_nnconvt(np.zeros((4, 5, 6, 0)), F, B)
    assert y.shape == (6, 6, 2, 0)
    assert error_of([], F, []).startswith("The filter bank depth (fourth dimension of FILTERS) is not the same as")


def test_x_without_channels_has_no_images() -> None:
    y = vl_nnconvt(np.zeros((4, 5, 0, 2)), np.zeros((3, 2, 2, 0)), [])
    assert y.shape == (6, 6, 2, 0)


def test_derivatives_without_images() -> None:
    dzdx, dzdf, dzdb = vl_nnconvt(np.zeros((4, 5, 6, 0)), F, B, np.zeros((6, 6, 2, 0)))
    assert dzdx.shape == (4, 5, 6, 0)
    assert not dzdf.any()
    assert not dzdb.any()


def test_backward_with_everything() -> None:
    options: dict[str, Any] = {"upsample": (2, 3), "crop": (1, 0, 2, 1), "numgroups": 2}
    dzdy = RANDOM.standard_normal(oracle.convt_shape(X.shape, F.shape, **options))
    b = np.zeros((2, 2))
    for got, want in zip(
        vl_nnconvt(X, F, b, dzdy, **options), oracle.convt_derivatives(X, F, dzdy, **options), strict=True
    ):
        np.testing.assert_allclose(got.ravel(order="F"), want.ravel(order="F"), atol=1e-12)


# Messages


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"upsample": 0}, "At least one element of UPSAMPLE is smaller than one."),
        ({"upsample": [1, 0.5]}, "At least one element of UPSAMPLE is smaller than one."),
        ({"upsample": [1, 2, 3]}, "upsample has neither one nor two elements."),
        ({"upsample": "2"}, "upsample is not a plain matrix."),
        ({"crop": -1}, "An element of CROP is negative."),
        ({"crop": [1, 2]}, "crop has neither one nor two elements."),
        ({"crop": []}, "crop has neither one nor two elements."),
        ({"crop": 3}, "The output array is empty due to CROP being too large."),
        ({"crop": [0, 0, 0, 6]}, "The output array is empty due to CROP being too large."),
        ({"crop": [7, 0, 0, 0]}, "The output array is empty due to CROP being too large."),
        ({"crop": [0, 0, 99, 0]}, "The output array is empty due to CROP being too large."),
        ({"numgroups": 0}, "NUMGROUPS is less than 1."),
        ({"numgroups": np.nan}, "NUMGROUPS is less than 1."),
        ({"numgroups": [1, 1]}, "NUMGROUPS is not a plain scalar."),
        (
            {"numgroups": 4},
            "The number of filter groups does not divide the filter bank depth (fourth dimension of FILT",
        ),
        ({"numgroups": 2}, "The number of elements of BIASES is not the same as the dimenison of the filters."),
        ({"stride": 2}, "Unknown option 'stride'."),
        ({"dilate": 2}, "Unknown option 'dilate'."),
    ],
)
def test_bad_options(options: dict[str, Any], sentence: str) -> None:
    message = error_of(X, F, B, **options)
    assert message.startswith(sentence)
    assert len(message) > len(sentence) + 10  # and what was received


def test_crop_takes_one_or_four_elements() -> None:
    message = error_of(X, F, B, crop=[1, 2])
    assert message == "crop has neither one nor two elements. Received [1, 2]; one or four are needed."


def test_the_spelling_of_dimension_is_kept() -> None:
    assert error_of(X, F, np.zeros(3), upsample=2) == (
        "The number of elements of BIASES is not the same as the dimenison of the filters. Received X 4x5x6x3, "
        "F 3x2x2x6, 3 biases, Upsample [2 2], Crop [0 0 0 0], NumGroups 1."
    )


@pytest.mark.parametrize("f", [[], None, np.zeros((0, 2, 2, 6)), np.zeros((3, 0, 2, 6)), np.zeros((3, 2, 0, 6))])
def test_filters_are_needed(f: Any) -> None:
    assert error_of(X, f, []).startswith("A dimension of FILTERS is void. Received X 4x5x6x3, F ")


def test_filters_of_another_depth() -> None:
    want = (
        "The filter bank depth (fourth dimension of FILTERS) is not the same as the data depth (third dimension of X)."
    )
    assert error_of(X, F[..., :5], B).startswith(f"{want} Received X 4x5x6x3, F 3x2x2x5,")
    assert error_of(X, np.swapaxes(F, 2, 3), B).startswith(want)  # the layout of vl_nnconv


def test_a_crop_too_large_with_a_derivative() -> None:
    dzdy = np.zeros((1, 1, 2, 3))
    assert error_of(X, F, B, dzdy, crop=[3, 3, 0, 0]).startswith(
        "The output array is empty due to CROP being too large."
    )
    assert error_of(X, F, B, dzdy, crop=[3, 4, 0, 0]).startswith(
        "DEROUTPUT dimensions are incompatible with X and FILTERS."
    )


@pytest.mark.parametrize("shape", [(5, 6, 2, 3), (6, 5, 2, 3), (6, 6, 1, 3), (6, 6, 2, 2), (6, 6, 3, 2), (216, 1)])
def test_derivatives_of_another_size(shape: tuple[int, ...]) -> None:
    message = error_of(X, F, B, np.zeros(shape))
    assert message.startswith(
        "DEROUTPUT dimensions are incompatible with X and FILTERS. Received X 4x5x6x3, F 3x2x2x6,"
    )
    assert f"DZDY {'x'.join(map(str, (*shape, 1, 1)[:4]))}" in message


def test_the_nearest_option_is_named() -> None:
    assert error_of(X, F, B, upsamle=2).startswith(
        "Unknown option 'upsamle'. Did you mean 'Upsample'? vl_nnconvt knows"
    )
    assert error_of(X, F, B, "Cropp", 1).startswith("Unknown option 'Cropp'. Did you mean 'Crop'?")


def test_fractions_are_truncated() -> None:
    want = vl_nnconvt(X, F, np.zeros(4), upsample=2, numgroups=2)
    got = vl_nnconvt(X, F, np.zeros(4), upsample=2.9, crop=-0.5, numgroups=2.5)
    np.testing.assert_array_equal(got, want)


# What 'Verbose' prints


def test_verbose_forward(capsys: pytest.CaptureFixture[str]) -> None:
    vl_nnconvt(X, F, np.zeros((2, 2)), "Verbose", "Upsample", [2, 3], "Crop", [1, 0, 2, 0], "NumGroups", 2)
    assert capsys.readouterr().out.splitlines() == [
        "vl_nnconvt: forward; CPU; BLAS",
        "vl_nnconvt: upsample: [2 3], crop: [1 0 2 0]",
        "vl_nnconvt: num filter groups: 2, has bias: 1, is fully connected: 0",
        "vl_nnconvt: data: [4 5 6 3 | double 2.8KB CPU]",
        "vl_nnconvt: filters: [3 2 2 6 | double 576.0B CPU]",
        "vl_nnconvt: biases: [2 2 | double 32.0B CPU]",
        "vl_nnconvt: output: [8 12 4 3 | double 9.0KB CPU]",
    ]


def test_verbose_backward(capsys: pytest.CaptureFixture[str]) -> None:
    single = [array.astype(np.float32) for array in (X, F)]
    vl_nnconvt(*single, [], np.zeros((6, 6, 2, 3), np.float32), "NoDerData", verbose=True)
    assert capsys.readouterr().out.splitlines() == [
        "vl_nnconvt: backward; CPU; BLAS",
        "vl_nnconvt: upsample: [1 1], crop: [0 0 0 0]",
        "vl_nnconvt: num filter groups: 1, has bias: 0, is fully connected: 0",
        "vl_nnconvt: data: [4 5 6 3 | float 1.4KB CPU]",
        "vl_nnconvt: filters: [3 2 2 6 | float 288.0B CPU]",
        "vl_nnconvt: derOutput: [6 6 2 3 | float 864.0B CPU]",
        "vl_nnconvt: derData: [| float 0.0B CPU]",
        "vl_nnconvt: derFilters: [3 2 2 6 | float 288.0B CPU]",
    ]
