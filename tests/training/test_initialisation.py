"""First values of filters."""

from __future__ import annotations

import numpy as np
import pytest

from vlnn import MatConvNetError, vl_nnconvt
from vlnn.training import bilinear_u
from vlnn.training.initialisation import drawing


@pytest.mark.parametrize(
    ("method", "variance"),
    [("gaussian", (0.01 / 2) ** 2), ("Xavier", 1 / (5 * 7 * 16)), ("xavierImproved", 2 / (5 * 7 * 64))],
)
def test_filters_have_the_variance_of_their_method(method: str, variance: float) -> None:
    filters = drawing(method, 2, np.random.default_rng(0))((5, 7, 16, 64))
    assert (filters.shape, filters.dtype, filters.flags.f_contiguous) == ((5, 7, 16, 64), np.float32, True)
    assert np.mean(filters.astype(float) ** 2) == pytest.approx(variance, rel=0.03)
    assert abs(filters.mean()) < 5 * np.sqrt(variance / filters.size)
    if method == "Xavier":
        assert np.abs(filters).max() <= np.sqrt(3 * variance)


def test_the_seed_decides() -> None:
    first, again, other = (drawing("gaussian", 1, np.random.default_rng(s))((3, 3, 2, 2)) for s in (4, 4, 5))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_an_unknown_method_names_the_known_ones() -> None:
    with pytest.raises(MatConvNetError, match=r"^Unknown weight initialization method 'he'\. There are 'gaussian', "):
        drawing("he", 1, np.random.default_rng(0))


@pytest.mark.parametrize("groups", [1, 2, 6])
def test_bilinear_filters_enlarge_every_channel_by_itself(groups: int) -> None:
    """A ramp stays a ramp, a constant the constant it was, away from the border."""
    factor = 4
    heights = np.arange(1.0, 7)
    x = np.zeros((9, 8, 6), np.float32)
    x[:] = (np.arange(9)[:, None, None] + 10 * np.arange(8)[:, None]) * heights
    filters = bilinear_u(2 * factor, groups, 6)
    assert filters.shape == (8, 8, 6 // groups, 6)
    y = vl_nnconvt(x, filters, [], "Upsample", factor, "Crop", factor // 2, "NumGroups", groups)[:, :, :, 0]
    assert y.shape == (36, 32, 6)
    rows, columns = ((np.arange(n) + 0.5) / factor - 0.5 for n in (36, 32))
    expected = (rows[:, None, None] + 10 * columns[:, None]) * heights
    np.testing.assert_allclose(y[4:-4, 4:-4], expected[4:-4, 4:-4], rtol=1e-5, atol=1e-4)


def test_a_filter_of_odd_side_has_its_centre_on_a_pixel() -> None:
    np.testing.assert_allclose(bilinear_u(3, 1, 1)[:, 1, 0, 0], [0.5, 1, 0.5])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((0, 1, 1), r"^K is not a positive integer\. Received 0\."),
        ((4, True, 1), r"^NUMGROUPS is not a positive integer\. Received True\."),
        ((4, 4, 6), r"^NUMGROUPS does not divide NUMCLASSES\. Received 4 and 6\."),
    ],
)
def test_bilinear_filters_of_bad_numbers(arguments: tuple[int, int, int], sentence: str) -> None:
    with pytest.raises(MatConvNetError, match=sentence):
        bilinear_u(*arguments)
