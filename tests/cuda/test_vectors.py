"""The calls recorded from MatConvNet, with the arrays on the stand-in's GPU, without cuDNN."""

from __future__ import annotations

from typing import Any

import pytest

import vlnn
from tests.conformance.vectors import Case, every_case, judge

CASES = [case for case in every_case() if case.function_of_vlnn() and case.function != "vl_argparse"]


@pytest.mark.parametrize("case", [pytest.param(case, id=case.label) for case in CASES])
def test_vector(cupy: Any, case: Case) -> None:
    with vlnn.settings.scoped(cudnn=False):
        judge(case.on(cupy), prints=False)
