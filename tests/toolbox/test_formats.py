"""Section 1.6 of the facts: formats of data."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pytest

from tests.toolbox.reference import MAKERS, close, error_of, numbers, whole
from vlnn import dltranspconv, transposedConv2dLayer

# The letters, and those that are convolved over.
TABLE = {
    1: {"CBT": "T", "SCB": "S", "SCBT": "S", "CT": "T", "SC": "S", "SCT": "S"},
    2: {"SSCB": "SS", "SSCBT": "SS", "SCBT": "ST", "SSC": "SS", "SSCT": "SS", "SCT": "ST"},
    3: {"SSSCB": "SSS", "SSSCBT": "SSS", "SSCBT": "SST", "SSSC": "SSS", "SSSCT": "SSS", "SSCT": "SST"},
}
ROWS = [(dims, letters, over) for dims, rows in TABLE.items() for letters, over in rows.items()]
SIZES = {"C": 3, "B": 2, "T": 4}
TAPS, STRIDE = (3, 2, 2), (2, 1, 3)


def example(letters: str) -> Any:
    """An array whose spatial dimensions are 3, 4 and 2."""
    spatial = iter((3, 4, 2))
    return numbers(*(next(spatial) if letter == "S" else SIZES[letter] for letter in letters))


def native(x: Any, letters: str, over: str) -> tuple[Any, list[int]]:
    """An array as (convolved over..., C, everything else), and the order of its dimensions in that."""
    places = list(range(len(letters)))
    convolved = [place for letter in "ST" for place in places if letters[place] == letter and letter in over]
    channel = letters.index("C")
    order = [*convolved, channel, *(place for place in places if place not in (*convolved, channel))]
    return x.transpose(order).reshape(*(x.shape[place] for place in order[: len(over) + 1]), -1), order


def expected(x: Any, w: Any, letters: str, over: str) -> Any:
    inside, order = native(x, letters, over)
    y = whole(inside, w, STRIDE[: len(over)])
    rest = [x.shape[place] for place in order[len(over) + 1 :]]
    return y.reshape(*y.shape[:-1], *rest).transpose(np.argsort(order))


@pytest.mark.parametrize(("dims", "letters", "over"), ROWS)
def test_documented_format(dims: int, letters: str, over: str) -> None:
    """The table of formats, 'convolves over' (output format = input format)."""
    x, w = example(letters), numbers(*TAPS[:dims], 5, 3)
    layer = MAKERS[dims](TAPS[:dims], 5, "Stride", STRIDE[:dims], "Weights", w)
    y = layer.predict(x, letters)
    close(y, expected(x, w, letters, over))
    assert y.flags.f_contiguous
    np.testing.assert_array_equal(layer.predict(x, format=letters.lower()), y)


@pytest.mark.parametrize(("dims", "letters", "over"), [(2, "SCBT", "ST"), (1, "SCT", "S"), (3, "SSCT", "SST")])
def test_letters_in_any_order(dims: int, letters: str, over: str) -> None:
    """'Map numpy arrays by an explicit format string': the letters stand where the dimensions are."""
    w = numbers(*TAPS[:dims], 5, 3)
    layer = MAKERS[dims](TAPS[:dims], 5, "Stride", STRIDE[:dims], "Weights", w)
    for order in set(map("".join, permutations(letters))):
        x = example(order)
        close(layer.predict(x, order), expected(x, w, order, over))


@pytest.mark.parametrize(("dims", "letters", "over"), ROWS)
def test_derivatives_have_the_format_of_the_data(dims: int, letters: str, over: str) -> None:
    x, w = example(letters), numbers(*TAPS[:dims], 5, 3)
    layer = MAKERS[dims](TAPS[:dims], 5, "Stride", STRIDE[:dims], "Weights", w, "Bias", numbers(5))
    y = layer.predict(x, letters)
    dzdy = numbers(*y.shape, seed=1)
    dzdx, dzdw, dzdb = layer.backward(x, dzdy, letters)
    inside, _ = native(x, letters, over)
    plain = layer.backward(inside, native(dzdy, letters, over)[0])
    close(native(dzdx, letters, over)[0], plain[0])
    close(dzdw, plain[1])
    close(dzdb, plain[2])
    assert dzdx.shape == x.shape
    assert dzdw.shape == layer.Weights.shape
    assert dzdb.shape == layer.Bias.shape


def test_the_second_dimension_of_filters_runs_over_time() -> None:
    """'For SCBT the 2-D filter's 2nd dimension runs over T.'"""
    w = numbers(1, 3, 1, 1)
    y = transposedConv2dLayer([1, 3], 1, "Weights", w).predict(np.ones((2, 1, 1, 1)), "SCBT")
    assert y.shape == (2, 1, 1, 3)
    np.testing.assert_allclose(y[0, 0, 0], w.ravel())


@pytest.mark.parametrize(("dims", "letters"), [(1, "SCB"), (2, "SSCB"), (3, "SSSCB")])
def test_native_arrays(dims: int, letters: str) -> None:
    """'Treat native arrays as SSCB (H,W,C,N).'"""
    layer = MAKERS[dims](2, 5).initialize([4] * dims + [3])
    x = example(letters)
    np.testing.assert_array_equal(layer.predict(x), layer.predict(x, letters))
    np.testing.assert_array_equal(layer.predict(x[..., 0]), layer.predict(x)[..., :1])


def test_ones_at_the_end_may_be_missing() -> None:
    """MATLAB drops trailing singletons (1.7): they count as there, and the output has them."""
    layer = transposedConv2dLayer(2, 5).initialize([4, 4, 1])
    x = numbers(4, 4)
    for letters, shape in (("SSCB", (5, 5, 5, 1)), ("SSC", (5, 5, 5)), ("SSCBT", (5, 5, 5, 1, 1))):
        y = layer.predict(x, letters)
        assert y.shape == shape
        assert [d.shape for d in layer.backward(x, y, letters)] == [(4, 4), (2, 2, 5, 1), (1, 1, 5)]


@pytest.mark.parametrize("letters", ["SSB", "SSU", "SSCU", "SC", "SCB", "SSSC", "SSCC", "", "SSCBB", "CBT", "SSCX", 3])
def test_other_formats(letters: Any) -> None:
    """'No "...U" variants were evidenced for this layer'; nothing else is in the table."""
    layer = transposedConv2dLayer(2, 5).initialize([4, 4, 1])
    assert error_of(layer.predict, np.ones((4, 4)), letters) == (
        "format is not one of SSCB, SSCBT, SCBT, SSC, SSCT, SCT, or these letters in another order. "
        f"Received {letters!r}."
    )


def test_too_many_dimensions() -> None:
    layer = transposedConv2dLayer(2, 5).initialize([4, 4, 1])
    assert error_of(layer.predict, np.ones((4, 4, 1, 2)), "SSC") == (
        "X has more dimensions than its format has letters. Received X 4x4x1x2, format 'SSC'."
    )


def test_initialize_by_format() -> None:
    layer = transposedConv2dLayer([3, 2], 5).initialize(np.ones((6, 7, 2, 9)), format="CSBT")
    assert layer.NumChannels == 6
    assert transposedConv2dLayer(3, 5).initialize([6, 7, 2, 9], format="CSBT").NumChannels == 6


def test_dltranspconv_keeps_the_format() -> None:
    """'SSC[B][T], SC[B]T' through the function too."""
    for dims, letters, over in ROWS:
        x, w = example(letters), numbers(*TAPS[:dims], 5, 3)
        weights_format = over + "CU" if "T" in over else None
        y = dltranspconv(x, w, 0, DataFormat=letters, WeightsFormat=weights_format, Stride=STRIDE[:dims])
        close(y, expected(x, w, letters, over))
