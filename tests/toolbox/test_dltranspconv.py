"""Section 1.8 of the facts: dltranspconv."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pytest

from tests.toolbox.reference import close, cut, error_of, numbers, whole
from vlnn import dltranspconv, vl_nnconvt


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_signature(dims: int) -> None:
    """'Y = dltranspconv(X,weights,bias): output has X's format; convolves over up to three "S" dims.'"""
    x, w, b = numbers(*(3, 4, 2)[:dims], 3, 2), numbers(*(2, 3, 3)[:dims], 5, 3), numbers(5)
    letters, want = "S" * dims + "CB", whole(x, w, (1,) * dims) + b[:, None]
    close(dltranspconv(x, w, b, "DataFormat", letters), want)
    back = (dims, dims + 1, *range(dims))  # the spatial dimensions at the end
    close(dltranspconv(x.transpose(back), w, b, "DataFormat", "CB" + "S" * dims), want.transpose(back))


def test_pairs_and_keywords() -> None:
    """'Y = dltranspconv(___,Name=Value), e.g. Stride=3. Names: Stride, DilationFactor, Cropping.'"""
    x, w = numbers(4, 5, 3), numbers(2, 3, 5, 3)
    want = cut(whole(x[..., None], w, (3, 3), (2, 2)), [(1, 1), (1, 1)])
    close(dltranspconv(x, w, 0, Stride=3, DilationFactor=2, Cropping=1), want)
    close(dltranspconv(x, w, 0, "stride", [3, 3], "dilationfactor", np.int8(2), "CROPPING", 1), want)


def test_defaults() -> None:
    """'Stride (1), DilationFactor (1), Cropping (0)'"""
    x, w = numbers(4, 5, 3), numbers(2, 3, 5, 3)
    close(dltranspconv(x, w, 0), dltranspconv(x, w, 0, Stride=1, DilationFactor=1, Cropping=0))


def test_weights_with_a_time_dimension() -> None:
    """'To convolve over "T" give weights with a "T" dim (WeightsFormat).'"""
    x, w = numbers(3, 2, 6), numbers(3, 5, 3)  # C B T
    y = dltranspconv(x, w, 0, DataFormat="CBT", WeightsFormat="TCU", Stride=2)
    close(y, whole(x.transpose(2, 0, 1), w, (2,)).transpose(1, 2, 0))
    assert error_of(dltranspconv, x, w, 0, DataFormat="CBT") == (
        "DataFormat has not one to three dimensions to convolve over. Received DataFormat 'CBT'; to convolve over T, "
        "WeightsFormat needs a T."
    )
    z, v = numbers(4, 3, 2, 6), numbers(2, 3, 5, 3)  # S C B T
    over_both = dltranspconv(z, v, 0, DataFormat="SCBT", WeightsFormat="STCU")
    close(over_both, whole(z.transpose(0, 3, 1, 2), v, (1, 1)).transpose(0, 2, 3, 1))
    over_space = dltranspconv(z, v[:, 0], 0, DataFormat="SCBT", WeightsFormat="SCU")
    close(over_space, dltranspconv(z, v[:, 0], 0, DataFormat="SCBT"))
    close(over_space[..., 2], whole(z[..., 2], v[:, 0], (1,)))
    assert error_of(dltranspconv, numbers(4, 3), v[:, 0], 0, DataFormat="SC", WeightsFormat="TCU") == (
        "WeightsFormat has a T and DataFormat has none. Received DataFormat 'SC'."
    )


def test_unformatted_data_need_a_format() -> None:
    """'Unformatted X needs DataFormat.' Ours, as arrays have no format of their own: SSCB by default."""
    x, w = numbers(4, 5, 3, 2), numbers(2, 3, 5, 3)
    close(dltranspconv(x, w, 0), dltranspconv(x, w, 0, DataFormat="SSCB"))
    close(dltranspconv(x, w, 0, DataFormat="SSCU"), dltranspconv(x, w, 0))  # U as a batch


@pytest.mark.parametrize("letters", ["SS", "SSB", "SSCC", "SSCBB", "SCTT", "XSC", "", 3, None])
def test_what_is_no_format_of_data(letters: Any) -> None:
    assert error_of(dltranspconv, np.ones((4, 4)), np.ones((2, 2)), 0, DataFormat=letters).startswith("DataFormat ")


def test_too_many_spatial_dimensions() -> None:
    """'Up to three "S" dims.'"""
    assert error_of(dltranspconv, np.ones((2,) * 5), np.ones((2,) * 6), 0, DataFormat="SSSSC").startswith(
        "DataFormat has not one to three dimensions to convolve over."
    )


@pytest.mark.parametrize("letters", sorted(set(map("".join, permutations("SSCU")))))
def test_formatted_weights(letters: str) -> None:
    """'C = filters, U = channels (SSCU), opposite of dlconv; conv-layout weights [h w in out] are labelled SSUC.'"""
    x, w = numbers(4, 5, 3), numbers(2, 4, 5, 3)
    spatial = iter((0, 1))
    order = [next(spatial) if letter == "S" else {"C": 2, "U": 3}[letter] for letter in letters]
    close(dltranspconv(x, w.transpose(order), 0, WeightsFormat=letters.lower()), dltranspconv(x, w, 0))


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("formatted", [True, False])
def test_groups(dims: int, formatted: bool) -> None:
    """'Grouped: h x w x numFiltersPerGroup x numChannelsPerGroup x numGroups, SSCUU.'"""
    x, w, b = numbers(*(3, 4, 2)[:dims], 6, 2), numbers(*(2, 3, 3)[:dims], 4, 2, 3), numbers(4, 3)
    letters = "S" * dims
    options = {"WeightsFormat": letters + "CUU"} if formatted else {}
    y = dltranspconv(x, w, b, Stride=2, DataFormat=letters + "CB", **options)
    assert y.shape[dims] == 12
    for g in range(3):
        part = whole(x[..., 2 * g : 2 * g + 2, :], w[..., g], (2,) * dims) + b[:, g, None]
        close(y[..., 4 * g : 4 * g + 4, :], part)


def test_groups_are_those_of_vl_nnconvt() -> None:
    x, w = numbers(4, 5, 6, 2), numbers(2, 3, 4, 2, 3)
    f = w.reshape(2, 3, 4, 6, order="F")
    np.testing.assert_array_equal(dltranspconv(x, w, 0, Stride=2), vl_nnconvt(x, f, [], "Upsample", 2, "NumGroups", 3))


@pytest.mark.parametrize("bias", [2.5, np.float32(2.5), [2.5], np.full((1, 1, 5), 2.5), np.full(5, 2.5)])
def test_bias(bias: Any) -> None:
    """'bias: scalar or numFilters vector'"""
    x, w = numbers(4, 5, 3), numbers(2, 3, 5, 3)
    close(dltranspconv(x, w, bias), dltranspconv(x, w, 0) + 2.5, 1e-6)


@pytest.mark.parametrize("bias", [0, 0.0, [], None, np.zeros(5), np.zeros((0, 0))])
def test_no_bias(bias: Any) -> None:
    """'`0` is accepted as "no bias".'"""
    x, w = numbers(4, 5, 3), numbers(2, 3, 5, 3)
    close(dltranspconv(x, w, bias), whole(x[..., None], w, (1, 1)))


def test_bias_of_another_size() -> None:
    assert error_of(dltranspconv, numbers(4, 5, 3), numbers(2, 3, 5, 3), [1, 2, 3]) == (
        "bias is not one number or one for each of 5 filters. Received [1, 2, 3]."
    )


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_size_with_dilation(dims: int) -> None:
    """'Dilation output size: s*(in-1) + (k-1)*d + 1 - crop', inferred."""
    size, taps, stride, dilation = (3, 4, 2)[:dims], (2, 3, 3)[:dims], (3, 1, 2)[:dims], (2, 3, 2)[:dims]
    x, w = numbers(*size, 3, 2), numbers(*taps, 5, 3)
    y = dltranspconv(x, w, 0, "Stride", stride, "DilationFactor", dilation, "DataFormat", "S" * dims + "CB")
    assert y.shape[:dims] == tuple(
        s * (n - 1) + (k - 1) * d + 1 for s, n, k, d in zip(stride, size, taps, dilation, strict=True)
    )
    close(y, whole(x, w, stride, dilation))


def test_same_with_dilation() -> None:
    """'same': Stride times the input, the odd one at the end, also of dilated filters (inferred)."""
    x, w = numbers(4, 5, 3, 2), numbers(3, 2, 5, 3)
    y = dltranspconv(x, w, 0, Stride=2, DilationFactor=[2, 1], Cropping="same")
    close(y, cut(whole(x, w, (2, 2), (2, 1)), [(1, 2), (0, 0)]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"Stride": [1, 2, 3]},
            "Stride is not a positive integer or a vector of 2 positive integers. Received [1, 2, 3].",
        ),
        (
            {"DilationFactor": 0},
            "DilationFactor is not a positive integer or a vector of 2 positive integers. Received 0.",
        ),
        ({"WeightsFormat": "SSCB"}, "WeightsFormat is not a string of S and T for the taps, C for the filters"),
        (
            {"WeightsFormat": "SCU"},
            "weights do not have a dimension for each of 2 convolved ones, filters and channels",
        ),
        ({"Dilation": 2}, "Unknown option 'Dilation'. Did you mean 'DilationFactor'?"),
    ],
)
def test_bad_options(options: dict[str, Any], message: str) -> None:
    assert error_of(dltranspconv, numbers(4, 5, 3), numbers(2, 3, 5, 3), 0, **options).startswith(message)


def test_bad_arrays() -> None:
    x, w = numbers(4, 5, 3), numbers(2, 3, 5, 3)
    assert error_of(dltranspconv, x, w) == "Not enough input arguments. Received 2; dltranspconv needs 3."
    assert error_of(dltranspconv, x, w[..., :2], 0) == (
        "The channels of weights are not the channels of X. Received X 4x5x3x1 (SSCB), weights with 2 channels in each "
        "of 1 groups."
    )
    assert error_of(dltranspconv, "x", w, 0) == "X is not a real numeric array. Received 'x'."
    assert error_of(dltranspconv, x, [], 0).startswith("weights do not have a dimension for each of 2 convolved ones")
    assert error_of(dltranspconv, x, numbers(2, 2, 2, 2, 2, 2), 0).startswith("weights do not have a dimension")


def test_classes() -> None:
    """Single wins over double, as in MATLAB."""
    x, w = numbers(4, 5, 3), numbers(2, 3, 5, 3)
    assert dltranspconv(x, w, 0).dtype == np.float64
    assert dltranspconv(x.astype(np.float32), w, 0).dtype == np.float32
    assert dltranspconv(x, w.astype(np.float32), 0).dtype == np.float32
