"""Convolution without cuDNN: the CUDA engine against the oracle, through the blocks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import vlnn
from tests.geometries import LAYERS, Call, medium_convs, medium_convts, small_convs, small_convts


def check(cupy: Any, call: Call) -> None:
    x, f, b, dzdy = call.arrays()
    on_device = [cupy.asfortranarray(cupy.asarray(array)) for array in (x, f, b, dzdy)]
    y = call.forward(*on_device[:3])
    assert y.flags.f_contiguous
    call.close(y.get(), call.expected(x, f, b))
    dzdx, dzdf, dzdb = call.backward(*on_device)
    want = call.expected_derivatives(x, f, dzdy)
    call.close(dzdx.get(), want.dzdx)
    call.close(dzdf.get(), want.dzdf)
    call.close(dzdb.get(), want.dzdb.reshape(1, -1))
    call.close(call.forward(*on_device[:2], []).get(), call.expected(x, f, []))


@pytest.fixture(autouse=True)
def without_cudnn() -> None:
    vlnn.settings.cudnn = False


@given(small_convs() | small_convts())
@settings(max_examples=200)
def test_small(cupy: Any, call: Call) -> None:
    vlnn.settings.cudnn = False
    check(cupy, call)


@given(medium_convs() | medium_convts())
@settings(max_examples=20)
def test_medium(cupy: Any, call: Call) -> None:
    check(cupy, call)


@given(small_convs() | small_convts(), st.integers(1, 4000))
@settings(max_examples=100)
def test_little_workspace(cupy: Any, call: Call, workspace: int) -> None:
    """Images, and columns of one image, in pieces give what they give together."""
    from vlnn.engines.cuda import patches

    with pytest.MonkeyPatch.context() as patch, vlnn.settings.scoped(cudnn_workspace_limit=workspace):
        patch.setattr(patches, "LEAST_WORKSPACE", 0)
        check(cupy, call)


@given(small_convs() | small_convts(), st.booleans())
@settings(max_examples=100)
def test_each_way(cupy: Any, call: Call, few: bool) -> None:
    """Products of several images taken together, and image by image."""
    from vlnn.engines.cuda import convolution

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(convolution, "FEW_PIXELS", 10**9 if few else 0)
        patch.setattr(convolution, "MANY_PIXELS", 10**9 if few else 0)
        check(cupy, call)


@pytest.mark.parametrize("layer", [pytest.param(layer, id=str(layer)) for layer in LAYERS])
def test_layer(cupy: Any, layer: Call) -> None:
    check(cupy, replace(layer, dtype=np.float32))


def test_the_workspace_is_kept(cupy: Any) -> None:
    """No piece takes more than the limit, and there is one piece where that suffices."""
    from vlnn.engines.cuda.patches import LEAST_WORKSPACE, pieces
    from vlnn.geometry import Sides, check_conv

    g = check_conv((56, 56, 64, 32), (3, 3, 64, 64), None, None, (1, 1), Sides(1, 1, 1, 1), (1, 1))
    per_pixel = (64 * 9 + 64) * 4
    for limit in (0, 10 * 2**20, 64 * 2**20, 512 * 2**20, float("inf")):
        with vlnn.settings.scoped(cudnn_workspace_limit=limit):
            found = list(pieces(g, 4))
        assert sum(piece.images * piece.pixels for piece in found) == g.output_pixels
        assert max(piece.images * piece.pixels for piece in found) * per_pixel <= max(limit, LEAST_WORKSPACE)
        assert (len(found) == 1) == (limit == float("inf") or limit > g.output_pixels * per_pixel)


def test_places_beyond_2_to_the_31(cupy: Any) -> None:
    """Of a plane that large a few pixels are copied; memory that is not touched costs nothing."""
    from tests.cuda.standin import ndarray
    from vlnn.engines.cuda.patches import Piece, planes_to_rows, rows_to_planes

    columns = 2**28 + 4
    planes = ndarray(np.zeros((1, 1, columns, 8), np.float32))
    piece = Piece(0, 1, columns - 2, 2, 8)
    planes[0, 0, -2:] = np.float32(3)
    rows = planes_to_rows(planes, piece)
    np.testing.assert_array_equal(rows.array.get(), np.full(16, 3, np.float32))
    rows.array[...] = np.float32(5)
    rows_to_planes(rows, None, planes, piece)
    np.testing.assert_array_equal(planes[0, 0, -3:].get(), np.repeat(np.float32([0, 5, 5]), 8).reshape(3, 8))
