"""The solvers: MatConvNet's recorded steps, and what they refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import vlnn
from tests.conformance.vectors import DOUBLE, FOLDER, SINGLE
from vlnn.matlab import Struct

PATH = FOLDER / "solver.mat"
CASES = list(vlnn.loadmat(PATH).cases) if PATH.exists() else []
NAMES = ("adam", "adagrad", "rmsprop", "adadelta")


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])
def test_recorded_steps(case: Struct) -> None:
    solver = getattr(vlnn.solver, case.solver)
    assert {name: float(value.item()) for name, value in case.defaultOpts.items()} == solver()
    w, state = case.w0, case.state0
    for grad, w_after, state_after in zip(case.grads, case.w, case.state, strict=True):
        given = w.copy()
        after, state = solver(w, state, grad, case.opts, case.lr.item())
        np.testing.assert_array_equal(w, given)
        assert after.dtype == w_after.dtype
        assert_close(after, w_after)
        if isinstance(state_after, dict):
            assert list(state) == list(state_after)
            for field, value in state_after.items():
                assert_close(state[field], value)
        else:
            assert_close(state, state_after)
        w = after


def assert_close(value: Any, wanted: Any) -> None:
    limit = SINGLE if wanted.dtype == np.float32 else DOUBLE
    np.testing.assert_allclose(value, wanted, rtol=0, atol=limit * max(float(np.abs(wanted).max()), 1e-30))


def test_the_steps_are_there() -> None:
    assert len(CASES) in (0, 19)


@pytest.mark.parametrize("name", NAMES)
def test_a_one_dimensional_weight_keeps_its_size(name: str) -> None:
    solver = getattr(vlnn.solver, name)
    w, state = solver(np.ones(3, np.float32), np.zeros((1, 1)), np.ones(3, np.float32), solver(), 0.1)
    w, state = solver(w, state, np.ones(3, np.float32), solver(), 0.1)
    assert w.shape == (3,)
    assert w.dtype == np.float32


@pytest.mark.parametrize("name", NAMES)
def test_options_that_are_missing(name: str) -> None:
    with pytest.raises(vlnn.MatConvNetError, match=f"^Reference to non-existent field .* {name}"):
        getattr(vlnn.solver, name)(np.ones(3), 0, np.ones(3), {}, 0.1)


@pytest.mark.parametrize(("name", "state"), [("adam", np.ones((2, 2))), ("adagrad", {"m": 0})])
def test_the_state_of_another_solver(name: str, state: Any) -> None:
    solver = getattr(vlnn.solver, name)
    with pytest.raises(vlnn.MatConvNetError, match="'continue', False"):
        solver(np.ones((2, 2)), state, np.ones((2, 2)), solver(), 0.1)
