"""Recorded calls on the arrays of CuPy's stand-in: networks through cuDNN, and blocks with arrays of two libraries."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import vlnn
from tests.conformance.vectors import Case, every_case, judge
from tests.cudnn.cupy_double import on_gpu

pytestmark = pytest.mark.usefixtures("frontend", "fallen_back")
NETWORKS = ("dagnn", "vl_simplenn")  # test_engine.py has the blocks
CASES = [case for case in every_case() if case.file.startswith(NETWORKS)]


@pytest.mark.parametrize("case", [pytest.param(case, id=case.label) for case in CASES])
def test_call(case: Case, cupy: Any) -> None:
    judge(case.on(cupy), prints=False)


def is_array(arg: object) -> bool:
    return isinstance(arg, np.ndarray) and arg.dtype.kind == "f" and arg.size > 0


def calls_to_mix() -> list[Case]:
    """One call of each block with each number of arguments and outputs, of those with two arrays at least."""
    found: dict[tuple[str, int, int], Case] = {}
    for case in every_case():
        if case.function.startswith("vl_nn") and not case.error and sum(map(is_array, case.args)) > 1:
            found.setdefault((case.function, len(case.args), case.nargout), case)
    return list(found.values())


@pytest.mark.parametrize("case", [pytest.param(case, id=case.label) for case in calls_to_mix()])
@pytest.mark.parametrize("first_on_gpu", [True, False])
def test_libraries_do_not_mix(case: Case, first_on_gpu: bool) -> None:
    """Options, labels and the like may come from anywhere; other arrays only from where the first one is."""
    first = next(i for i, arg in enumerate(case.args) if is_array(arg))
    args = [
        on_gpu(arg) if isinstance(arg, np.ndarray) and (i == first) == first_on_gpu else arg
        for i, arg in enumerate(case.args)
    ]
    sentence = ""
    try:
        case.call(args)
    except vlnn.MatConvNetError as error:
        sentence = str(error)
    assert not sentence or "do not have compatible formats. Received" in sentence
