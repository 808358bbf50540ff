"""The judge itself: it passes what was recorded and nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.conformance.vectors import FOLDER, Case, argument, assert_same, difference_of, judge, read

RECORDED = {case.name: case for case in read(FOLDER / "vl_nnconvt.mat")}


def cell(*values: Any) -> Any:
    array = np.empty((1, len(values)), object)
    for position, value in enumerate(values):
        array[0, position] = value
    return array


def record(**members: Any) -> Any:
    array = np.empty((1, 1), [(name, object) for name in members])
    for name, value in members.items():
        array[name][0, 0] = value
    return array


SINGLE = np.array([[1, 2], [3, 4]], np.float32)
NETWORK = record(name=np.array(["conv1"]), weights=cell(SINGLE, np.zeros((0, 0))), time=np.array([[0.0]]))


@pytest.mark.parametrize(
    ("got", "want"),
    [
        (SINGLE + np.float32(3e-5), SINGLE),
        (SINGLE.reshape(2, 2, 1, 1), SINGLE),
        ([], np.zeros((0, 0))),
        (2.0, np.array([[2.0]])),
        (np.array([[np.nan, -np.inf]]), np.array([[np.nan, -np.inf]])),
        ("conv1", np.array(["conv1"])),
        ([SINGLE, None], cell(SINGLE, np.zeros((0, 0)))),
        ({"name": "conv1", "weights": [SINGLE, []], "time": 3.0}, NETWORK),
    ],
)
def test_same(got: Any, want: Any) -> None:
    assert_same(got, want)


@pytest.mark.parametrize(
    ("got", "want"),
    [
        (SINGLE + np.float32(5e-5), SINGLE),
        (SINGLE.astype(np.float64), SINGLE),
        (SINGLE.T, SINGLE),
        (SINGLE.reshape(4, 1), SINGLE),
        ([], SINGLE),
        (SINGLE, np.zeros((0, 0))),
        (np.array([[1.0, 1e-10]]), np.array([[1.0, 0.0]])),
        (np.array([[np.nan, 1]]), np.array([[1, np.nan]])),
        (np.array([[np.inf, 1]]), np.array([[-np.inf, 1]])),
        (np.array([[np.inf, 1]]), np.array([[1e300, 1]])),
        ("conv2", np.array(["conv1"])),
        ([SINGLE], cell(SINGLE, SINGLE)),
        ([SINGLE, SINGLE + 1], cell(SINGLE, SINGLE)),
        ({"name": "conv1", "weights": [SINGLE + 1, []]}, NETWORK),
        ({"weights": [SINGLE, []]}, NETWORK),
    ],
)
def test_not_same(got: Any, want: Any) -> None:
    with pytest.raises(AssertionError):
        assert_same(got, want)


def test_tolerance_is_of_the_largest_magnitude() -> None:
    assert_same(np.array([[1e6, 5e-6]]), np.array([[1e6, 0.0]]))
    with pytest.raises(AssertionError):
        assert_same(np.array([[1e6, 5e-5]]), np.array([[1e6, 0.0]]))


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("single_verbose_fwd", {"printed": "vl_nnconvt: backward; CPU; BLAS"}),
        ("single_verbose_fwd", {"printed": ""}),
        ("single_bias_1xK", {"error": "An element of CROP is negative."}),
        ("single_err_crop_neg", {"error": "An element of PAD is negative."}),
        ("single_err_crop_neg", {"error": ""}),
        ("single_bias_none_bwd", {"nargout": 2}),
    ],
)
def test_judge_finds_what_is_wrong(name: str, changes: dict[str, Any]) -> None:
    judge(RECORDED[name])
    with pytest.raises((AssertionError, pytest.fail.Exception, ValueError)):
        judge(RECORDED[name]._replace(**changes))


def test_arguments_are_those_of_a_python_caller() -> None:
    assert argument(np.array(["Upsample"])) == "Upsample"
    assert argument(np.array([], "U1")) == ""
    assert argument(cell(np.array(["a"]), np.array([[1.0]]))) == ["a", np.array([[1.0]])]
    assert argument(np.array([[None]], object)) == {}
    given = argument(NETWORK)
    assert given["name"] == "conv1"
    assert given["weights"][0].flags.f_contiguous


def test_imaginary_parts_are_read() -> None:
    case = RECORDED["single_err_upsample_complex"]
    assert case.args[-1].dtype == np.complex128
    assert difference_of(case) is None


def test_classes_are_read() -> None:
    case: Case = RECORDED["single_bias_none_int_empty"]
    assert [arg.dtype for arg in case.args[:3]] == [np.float32, np.float32, np.int8]
