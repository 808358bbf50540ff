"""vl_tshow and vl_imarraysc: where the slices go, their range, and what is drawn."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

import vlnn


class Axes:
    """What the functions ask of matplotlib's axes."""

    def __init__(self) -> None:
        self.calls: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **options: self.calls.__setitem__(name, (args, options))


@pytest.mark.parametrize("shape", [(5, 6, 3, 8), (5, 6, 1, 8), (5, 6, 7), (5, 6), (4,), (2, 9, 12, 1)])
@pytest.mark.parametrize("rearrange", [None, True, False])
def test_every_element_is_where_t2i_says(shape: tuple[int, ...], rearrange: bool | None) -> None:
    t = np.arange(np.prod(shape)).reshape(shape)
    picture, t2i = vlnn.vl_tshow(t, "optimizeAR", rearrange, axes=False, nargout=2)
    full = t.reshape((*shape, 1, 1, 1)[:4])
    assert picture.size == t.size
    for place in np.ndindex(*full.shape):
        assert picture[t2i(*place)] == full[place]
    assert t2i(0, 0, 0) == (0, 0)


def test_the_third_dimension_goes_down() -> None:
    picture = vlnn.vl_tshow(np.ones((5, 6, 3, 8), np.float32), axes=False)
    assert picture.shape == (15, 48)
    assert picture.dtype == np.float32


def test_the_aspect_ratio() -> None:
    assert vlnn.vl_tshow(np.ones((5, 5, 1, 12)), axes=False).shape == (15, 20)
    assert vlnn.vl_tshow(np.ones((5, 5, 1, 12)), aspectratio=3, axes=False).shape == (30, 10)
    assert vlnn.vl_tshow(np.ones((5, 5, 2, 6)), "optimizeAR", True, axes=False).shape == (15, 20)


def test_tshow_draws() -> None:
    axes = Axes()
    picture = vlnn.vl_tshow(np.ones((5, 6, 3, 8)), axes=axes)
    assert axes.calls["imshow"][0][0] is picture
    assert axes.calls["set_xticks"][0][0] == [6 * c - 0.5 for c in range(1, 8)]
    assert axes.calls["set_ylabel"][0] == ("Third dimension (size 3)",)
    axes = Axes()
    vlnn.vl_tshow(np.ones((5, 6, 3, 8)), "labels", False, axes=axes)
    assert "set_xlabel" not in axes.calls


def test_without_matplotlib_there_is_only_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert vlnn.vl_tshow(np.ones((2, 2, 2, 2))).shape == (4, 4)
    assert vlnn.vl_imarraysc(np.ones((2, 2, 4))).shape == (4, 4)


def test_bad_arguments_of_tshow() -> None:
    with pytest.raises(vlnn.MatConvNetError, match=r"^T must be a 1D to 4D numeric or logical tensor\."):
        vlnn.vl_tshow(np.ones((1,) * 5), axes=False)
    with pytest.raises(vlnn.MatConvNetError, match=r"^optimizeAR option must be either true, false or \[\]\."):
        vlnn.vl_tshow(np.ones(3), "optimizeAR", [1, 0], axes=False)
    with pytest.raises(vlnn.MatConvNetError, match=r"^Unknown parameter 'colour'"):
        vlnn.vl_tshow(np.ones(3), "colour", 1)


def test_each_image_gets_the_full_range() -> None:
    a = np.stack([np.linspace(-1, 1, 12).reshape(3, 4), np.linspace(0, 9, 12).reshape(3, 4)], axis=2)
    picture = vlnn.vl_imarraysc(a, cmap=4, axes=False)
    assert picture.shape == (3, 8)
    assert picture[:, :4].tolist() == picture[:, 4:].tolist() == [[1, 1, 1, 2], [2, 2, 3, 3], [3, 4, 4, 4]]
    uniform = vlnn.vl_imarraysc(a, "CMap", np.zeros((4, 3)), "Uniform", True, axes=False)
    assert uniform[:, :4].max() == 1
    limits = vlnn.vl_imarraysc(a, "CMap", 4, "CLim", [-1, 1], axes=False)
    assert limits[:, 4:].min() == 3


def test_a_mosaic_is_filled_row_after_row() -> None:
    a = np.zeros((2, 2, 5))
    a[0, 0] = 1
    a *= np.arange(1, 6)
    picture = vlnn.vl_imarraysc(a, spacing=1, fillvalue=9, clim=[0, 5], cmap=5, axes=False)
    assert picture.shape == (5, 8)
    assert picture[::3, ::3].tolist() == [[2, 3, 4], [5, 5, 9]]
    assert (picture[2] == 9).all()
    upside_down = vlnn.vl_imarraysc(a, clim=[0, 5], cmap=5, reverse=True, axes=False)
    assert upside_down[::2, ::2].tolist() == [[5, 5, 0], [2, 3, 4]]
    assert vlnn.vl_imarraysc(a, "Layout", [1, 2], axes=False).shape == (2, 4)


def test_colour_images() -> None:
    a = np.random.default_rng(0).integers(0, 256, (4, 5, 3, 6)).astype(np.uint8)
    picture = vlnn.vl_imarraysc(a, axes=False)
    assert picture.shape == (8, 15, 3)
    assert picture.dtype == np.float32
    first = a[..., 0].astype(np.float32)
    np.testing.assert_allclose(picture[:4, :5], (first - first.min()) / np.ptp(first), atol=1e-6)


def test_imarraysc_draws() -> None:
    axes = Axes()
    vlnn.vl_imarraysc(np.random.default_rng(0).random((3, 3, 3, 4)), axes=axes)
    assert axes.calls["imshow"][0][0].shape == (6, 6, 3)


@pytest.mark.parametrize(
    ("a", "options", "sentence"),
    [
        (np.ones((2, 2, 5, 4)), {}, "A has more than three dimensions and the third one is not equal to three."),
        (np.ones((1,) * 5), {}, "A has neither 2, 3 or 4 dimensions."),
        (np.ones((2, 2)), {"clim": [0, 1], "uniform": True}, "UNIFORM cannot be used in combination with CLIM."),
        (np.ones((2, 2)), {"fillvalue": [1, 2]}, "Incorrect size of `fillValue`."),
        (np.ones((2, 2)), {"layout": [0, 2]}, "LAYOUT is not"),
    ],
)
def test_bad_arguments_of_imarraysc(a: Any, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(vlnn.MatConvNetError) as caught:
        vlnn.vl_imarraysc(a, axes=False, **options)
    assert str(caught.value).startswith(sentence)
