"""Every recorded call on the arrays of CuPy's stand-in: no block, network or layer hands them to NumPy."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.vectors import Case, every_case, judge

pytestmark = pytest.mark.usefixtures("frontend", "fallen_back")
ELSEWHERE = {"vl_nnconv", "vl_nnconvt", "vl_argparse"}  # test_engine.py has them; the last is not about arrays
CASES = [case for case in every_case() if case.file not in ELSEWHERE]


@pytest.mark.parametrize("case", [pytest.param(case, id=case.label) for case in CASES])
def test_call(case: Case, cupy: Any) -> None:
    judge(case.on(cupy), prints=False)
