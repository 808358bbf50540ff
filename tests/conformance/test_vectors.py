"""Every call recorded from MatConvNet is one test."""

from __future__ import annotations

import pytest

from tests.conformance.vectors import FOLDER, Case, every_case, judge


def parameter(case: Case) -> object:
    missing = case.function_of_vlnn() is None
    marks = [pytest.mark.skip(reason=f"vlnn has no {case.function}")] if missing else []
    return pytest.param(case, id=case.label, marks=marks)


@pytest.mark.parametrize("case", [parameter(case) for case in every_case()])
def test_vector(case: Case) -> None:
    judge(case)


def test_the_convolutions_are_covered() -> None:
    count = {name: sum(case.function == name for case in every_case()) for name in ("vl_nnconv", "vl_nnconvt")}
    assert count == {"vl_nnconv": 344, "vl_nnconvt": 501}
    assert all(case.function_of_vlnn() for case in every_case() if case.function in count)


def test_names_are_unique() -> None:
    assert len({case.label for case in every_case()}) == len(every_case())


def test_the_folder_stays_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.parent.rglob("*") if path.is_file()) < 20 * 2**20
