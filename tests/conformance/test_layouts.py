"""Recorded calls with their arrays laid out in other ways: the same numbers, and arguments left as they were."""

from __future__ import annotations

import numpy as np
import pytest

from tests.conformance.vectors import FOLDER, Case, difference_of, judge_outputs, read
from tests.layouts import LAYOUTS

FUNCTIONS = ("vl_nnconv", "vl_nnconvt")
PLAIN = [
    case
    for function in FUNCTIONS
    for case in read(FOLDER / f"{function}.mat")
    if not (case.error or case.printed or difference_of(case))
]
SAMPLE = PLAIN[::6]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("case", [pytest.param(case, id=case.label) for case in SAMPLE])
def test_layout(case: Case, layout: str) -> None:
    args = [LAYOUTS[layout](arg) if isinstance(arg, np.ndarray) else arg for arg in case.args]
    before = [whole(arg) for arg in args]
    outputs = case.call(args)
    judge_outputs(case, outputs)
    for arg, bytes_before in zip(args, before, strict=True):
        assert whole(arg) == bytes_before

    backward = len(args) > 3 and isinstance(args[3], np.ndarray)
    for output, arg in zip(outputs, args, strict=False):
        assert output.flags.f_contiguous
        assert output.flags.writeable
        assert not np.shares_memory(output, arg)
        if backward:
            assert output.shape in (arg.shape, (0, 0))
        else:
            assert output.ndim == 4


def whole(arg: object) -> bytes | None:
    """All bytes of an array and of the one that it is a view of."""
    if not isinstance(arg, np.ndarray):
        return None
    base = arg.base if isinstance(arg.base, np.ndarray) else arg
    return base.tobytes() + arg.tobytes()
