"""vl_nnconv alone: empty filters, fully connected layers, dilation, its messages and its 'Verbose' text."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

import vlnn
from tests import oracle
from vlnn import vl_nnconv
from vlnn.engines import engine_for

RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((6, 7, 4, 3))
F = RANDOM.standard_normal((3, 2, 4, 5))
B = RANDOM.standard_normal((1, 5))


def error_of(*args: Any, **options: Any) -> str:
    with pytest.raises(vlnn.MatConvNetError) as caught:
        vl_nnconv(*args, **options)
    return str(caught.value)


# Without filters

NO_FILTERS: list[Any] = [
    None,
    [],
    (),
    np.zeros((0, 0)),
    np.zeros((3, 0, 4, 5)),
    np.zeros((0, 0), np.float32),
    np.zeros(0, int),
]


@pytest.mark.parametrize("f", NO_FILTERS)
def test_no_filters_pad_and_subsample(f: Any) -> None:
    padded = np.pad(X, ((1, 2), (0, 3), (0, 0), (0, 0)))
    np.testing.assert_array_equal(vl_nnconv(X, f, [], stride=(2, 3), pad=(1, 2, 0, 3)), padded[::2, ::3])
    b = np.array([1.0, 2, 3, 4])
    np.testing.assert_array_equal(vl_nnconv(X, f, b, stride=2), X[::2, ::2] + b[:, None])


@pytest.mark.parametrize("f", NO_FILTERS)
def test_no_filters_backward(f: Any) -> None:
    dzdy = RANDOM.standard_normal((3, 4, 4, 3))
    dzdx, dzdf, dzdb = vl_nnconv(X, f, np.zeros((2, 2)), dzdy, "Stride", 2)
    want = np.zeros(X.shape)
    want[::2, ::2] = dzdy
    np.testing.assert_array_equal(dzdx, want)
    assert dzdf.shape == (0, 0)
    np.testing.assert_allclose(dzdb.ravel(order="F"), dzdy.sum(axis=(0, 1, 3)), atol=1e-12)
    assert dzdb.shape == (2, 2)


def test_no_filters_give_an_array_of_its_own() -> None:
    x = np.asfortranarray(X)
    y = vl_nnconv(x, [], [])
    np.testing.assert_array_equal(y, x)
    assert not np.shares_memory(y, x)
    assert not np.shares_memory(vl_nnconv(x, [], [], x)[0], x)


def test_no_filters_keep_nan_in_its_channel() -> None:
    x = X.copy()
    x[2, 2, 1, 0] = np.nan
    y = vl_nnconv(x, [], np.zeros(4))
    assert np.argwhere(np.isnan(y)).tolist() == [[2, 2, 1, 0]]


def test_no_filters_and_pads_larger_than_the_data() -> None:
    y = vl_nnconv(np.ones((2, 2)), [], [5.0][:0], pad=(4, 0, 0, 3), stride=(3, 2))
    np.testing.assert_array_equal(y[..., 0, 0], [[0, 0, 0], [0, 0, 0]])
    y = vl_nnconv(np.ones((2, 2)), [], np.array([2.0]), pad=(3, 0, 0, 3), stride=(3, 2))
    np.testing.assert_array_equal(y[..., 0, 0], [[2, 2, 2], [3, 2, 2]])


def test_no_filters_and_dilation() -> None:
    assert error_of(X, [], [], dilate=2).startswith(
        "There are no filters and DILATE is not one. Received X 6x7x4x3, no F"
    )


def test_kept_as_it_is_first_image_alone() -> None:
    """Without filters and with NoDerData, the derivative of the biases is that of the first image."""
    b = np.zeros(4)
    dzdy = RANDOM.standard_normal(X.shape)
    all_images = vl_nnconv(X, [], b.reshape(1, 4), dzdy)[2]
    np.testing.assert_allclose(all_images.ravel(), dzdy.sum(axis=(0, 1, 3)), atol=1e-12)
    first_image = vl_nnconv(X, [], b.reshape(1, 4), dzdy, "NoDerData")[2]
    np.testing.assert_allclose(first_image.ravel(), dzdy[..., 0].sum(axis=(0, 1)), atol=1e-12)
    with_filters = vl_nnconv(X, np.eye(4)[None, None], b.reshape(1, 4), dzdy, "NoDerData")[2]
    np.testing.assert_allclose(with_filters, all_images, atol=1e-12)
    one_by_one = vl_nnconv(X[:1, :1], [], b.reshape(1, 4), dzdy[:1, :1], "NoDerData")[2]  # fully connected
    np.testing.assert_allclose(one_by_one.ravel(), dzdy[:1, :1].sum(axis=(0, 1, 3)), atol=1e-12)


def test_no_filters_compute_what_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: Counter[str] = Counter()
    engine = type(engine_for(X))
    for name in ("subsample_forward", "subsample_backward", "sum_per_channel", "conv_backward_filter"):
        primitive = getattr(engine, name)

        def spy(self: Any, *args: Any, name: str = name, primitive: Any = primitive) -> Any:
            calls[name] += 1
            return primitive(self, *args)

        monkeypatch.setattr(engine, name, spy)
    vl_nnconv(X, [], np.zeros(4), X, nargout=2)
    assert calls == {"subsample_backward": 1}
    calls.clear()
    vl_nnconv(X, [], np.zeros(4), X, "NoDerData")
    assert calls == {"sum_per_channel": 1}


# With filters


def test_groups_follow_from_the_depths() -> None:
    f = RANDOM.standard_normal((3, 2, 2, 6))
    y = vl_nnconv(X, f, [])
    np.testing.assert_allclose(y[:, :, :3], vl_nnconv(X[:, :, :2], f[..., :3], []), atol=1e-12)
    np.testing.assert_allclose(y[:, :, 3:], vl_nnconv(X[:, :, 2:], f[..., 3:], []), atol=1e-12)
    assert error_of(X, F[:, :, :3], B).startswith(
        "The FILTERS depth does not divide the DATA depth. Received X 6x7x4x3,"
    )
    assert error_of(X, F[:, :, :2], B).startswith("The number of filter groups does not divide the number of filters.")
    assert error_of(X[:, :, :2], F, B).startswith("The FILTERS depth does not divide the DATA depth.")


def test_filters_are_not_flipped() -> None:
    x, f = np.zeros((3, 3)), np.arange(9.0).reshape(3, 3)
    x[1, 1] = 1
    np.testing.assert_array_equal(vl_nnconv(x, f, [], pad=1)[:, :, 0, 0], f[::-1, ::-1])
    x[...] = 0
    x[0, 2] = 1
    assert vl_nnconv(x, f, []).item() == f[0, 2]


def test_pad_is_top_bottom_left_right() -> None:
    y = vl_nnconv(np.ones((1, 1)), np.ones((1, 1)), [], pad=[1, 2, 3, 4])[:, :, 0, 0]
    assert y.shape == (1 + 1 + 2, 3 + 1 + 4)
    assert np.argwhere(y).tolist() == [[1, 3]]


def test_stride_and_dilate_are_y_x() -> None:
    assert vl_nnconv(np.ones((9, 9)), np.ones((2, 2)), [], stride=[3, 2]).shape == (3, 4, 1, 1)
    assert vl_nnconv(np.ones((9, 9)), np.ones((2, 2)), [], dilate=[5, 2]).shape == (4, 7, 1, 1)


def test_fully_connected() -> None:
    f, b = RANDOM.standard_normal((6, 7, 4, 8)), RANDOM.standard_normal((8, 1))
    y = vl_nnconv(X, f, b)
    want = f.reshape(-1, 8).T @ X.reshape(-1, 3) + b
    np.testing.assert_allclose(y.reshape(8, 3), want, atol=1e-11)
    dzdy = RANDOM.standard_normal(y.shape)
    for got, expected in zip(vl_nnconv(X, f, b, dzdy), oracle.conv_derivatives(X, f, dzdy), strict=True):
        np.testing.assert_allclose(got.ravel(), expected.ravel(), atol=1e-11)


def test_derivative_of_biases_alone() -> None:
    """MatConvNet divides by zero here."""
    dzdy = RANDOM.standard_normal((4, 6, 5, 3))
    dzdx, dzdf, dzdb = vl_nnconv(X, F, B, dzdy, "NoDerData", "NoDerFilters")
    assert dzdx.shape == dzdf.shape == (0, 0)
    np.testing.assert_allclose(dzdb.ravel(), dzdy.sum(axis=(0, 1, 3)), atol=1e-12)
    nothing = vl_nnconv(X, F, B, dzdy, "NoDerData", "NoDerFilters", "NoDerBiases")
    assert [derivative.shape for derivative in nothing] == [(0, 0)] * 3


def test_data_without_channels() -> None:
    assert error_of(np.zeros((7, 6, 0, 2)), F, B).startswith(
        "DATA has no channels. Received X 7x6x0x0, F 3x2x4x5, 5 bi"
    )


def test_data_without_elements() -> None:
    assert error_of([], F, B).startswith("FILTERS are larger than the DATA (including padding). Received X 0x0x1x0,")
    assert error_of(None, F, B).startswith("FILTERS are larger than the DATA (including padding).")


@pytest.mark.parametrize("spare", [0, 1])
def test_filters_as_large_as_the_data(spare: int) -> None:
    x = np.ones((3 - spare, 4))
    if spare:
        assert error_of(x, np.ones((3, 4)), []).startswith("FILTERS are larger than the DATA (including padding).")
        assert error_of(x, np.ones((2, 2)), [], dilate=(2, 1)).startswith("FILTERS are larger than the DATA")
    assert vl_nnconv(x, np.ones((3, 4)), [], pad=(spare, 0, 0, 0)).item() == x.size


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"stride": 0}, "At least one element of STRIDE is smaller than one."),
        ({"stride": 0.9}, "At least one element of STRIDE is smaller than one."),
        ({"stride": np.nan}, "At least one element of STRIDE is smaller than one."),
        ({"pad": -1}, "An element of PAD is negative."),
        ({"pad": [0, 0, 0, -1]}, "An element of PAD is negative."),
        ({"dilate": 0}, "An element of DILATE is less than one."),
        ({"pad": [1, 2]}, "PAD has neither one nor four elements."),
        ({"stride": [1, 1, 1]}, "STRIDE has neither one nor two elements."),
        ({"dilate": "2"}, "DILATE is not a plain matrix."),
        ({"upsample": 2}, "Unknown option 'upsample'."),
        ({"numgroups": 2}, "Unknown option 'numgroups'."),
    ],
)
def test_bad_options(options: dict[str, Any], sentence: str) -> None:
    message = error_of(X, F, B, **options)
    assert message.startswith(sentence)
    assert len(message) > len(sentence) + 10  # and what was received


def test_messages_say_what_was_received() -> None:
    assert error_of(X, F, B[:, :3], stride=2, pad=(0, 1, 2, 3)) == (
        "The number of elements of BIASES is not the same as the number of filters. Received X 6x7x4x3, F 3x2x4x5, "
        "3 biases, Stride [2 2], Pad [0 1 2 3], Dilate [1 1]."
    )
    assert error_of(X, F, B, np.zeros((4, 6, 5, 2))) == (
        "DEROUTPUT dimensions are incompatible with X and FILTERS. Received X 6x7x4x3, F 3x2x4x5, 5 biases, "
        "DZDY 4x6x5x2, Stride [1 1], Pad [0 0 0 0], Dilate [1 1]."
    )


def test_fractions_are_truncated() -> None:
    np.testing.assert_array_equal(vl_nnconv(X, F, B, pad=-0.5, stride=2.9), vl_nnconv(X, F, B, stride=2))


# What 'Verbose' prints


def test_verbose_forward(capsys: pytest.CaptureFixture[str]) -> None:
    vl_nnconv(X.astype(np.float32), F.astype(np.float32), B.astype(np.float32), "Verbose", "Stride", [2, 1], "Pad", 1)
    assert capsys.readouterr().out.splitlines() == [
        "vl_nnconv: forward; CPU; BLAS",
        "vl_nnconv: stride: [2 1], pad: [1 1 1 1], dilate: [1 1]",
        "vl_nnconv: num filter groups: 1, has bias: 1, has filters: 1, is fully connected: 0",
        "vl_nnconv: data: [6 7 4 3 | float 2.0KB CPU]",
        "vl_nnconv: filters: [3 2 4 5 | float 480.0B CPU]",
        "vl_nnconv: biases: [1 5 | float 20.0B CPU]",
        "vl_nnconv: output: [3 8 5 3 | float 1.4KB CPU]",
    ]


def test_verbose_backward(capsys: pytest.CaptureFixture[str]) -> None:
    vl_nnconv(X, F, B, np.zeros((4, 6, 5, 3)), "NoDerFilters", Verbose=True)
    assert capsys.readouterr().out.splitlines() == [
        "vl_nnconv: backward; CPU; BLAS",
        "vl_nnconv: stride: [1 1], pad: [0 0 0 0], dilate: [1 1]",
        "vl_nnconv: num filter groups: 1, has bias: 1, has filters: 1, is fully connected: 0",
        "vl_nnconv: data: [6 7 4 3 | double 3.9KB CPU]",
        "vl_nnconv: filters: [3 2 4 5 | double 960.0B CPU]",
        "vl_nnconv: biases: [1 5 | double 40.0B CPU]",
        "vl_nnconv: derOutput: [4 6 5 3 | double 2.8KB CPU]",
        "vl_nnconv: derData: [6 7 4 3 | double 3.9KB CPU]",
        "vl_nnconv: derFilters: [| float 0.0B CPU]",
        "vl_nnconv: derBiases: [1 5 | double 40.0B CPU]",
    ]


def test_verbose_without_filters(capsys: pytest.CaptureFixture[str]) -> None:
    vl_nnconv(X, [], [], "verbose")
    assert capsys.readouterr().out.splitlines()[2:] == [
        "vl_nnconv: num filter groups: 1, has bias: 0, has filters: 0, is fully connected: 0",
        "vl_nnconv: data: [6 7 4 3 | double 3.9KB CPU]",
        "vl_nnconv: output: [6 7 4 3 | double 3.9KB CPU]",
    ]


@pytest.mark.parametrize(
    ("f", "options", "connected"),
    [
        (np.zeros((6, 7, 4, 2)), {}, 1),
        (np.zeros((6, 7, 4, 2)), {"stride": 2}, 0),
        (np.zeros((6, 7, 2, 2)), {}, 0),
        (np.zeros((7, 7, 4, 2)), {"pad": [1, 0, 0, 0]}, 0),
        (np.zeros((1, 1, 4, 2)), {"stride": 9}, 0),
        (np.zeros((5, 7, 4, 2)), {}, 0),
    ],
)
def test_verbose_names_fully_connected_layers(
    f: Any, options: dict[str, Any], connected: int, capsys: pytest.CaptureFixture[str]
) -> None:
    vl_nnconv(X, f, [], **options, verbose=True)
    assert f"is fully connected: {connected}\n" in capsys.readouterr().out
