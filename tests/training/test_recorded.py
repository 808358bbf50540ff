"""Every training run recorded from MatConvNet, made again: weights, solver's states and statistics of each epoch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vlnn
from tests.conformance.vectors import SINGLE
from tests.simplenn.test_recorded import rough_normalize
from tests.training.recorded import Recording, recordings, states, weights

ALL = [each for function in ("cnn_train", "cnn_train_dag") for each in recordings(function)]

# The gradient of a bias before batch normalisation is rounding noise, as is what is left of it in the solver's state.
# Adam makes it large, so that such biases, and the moments that contain them, agree to 1e-3 only.
BIASES = {"layer 1 weight 2", "layer 2 weight 3", "b2", "m2"}
NOISE, ROUNDING = 1e-3, 1e-6
STATISTICS = 2e-6  # which are single in MatConvNet


CONTINUED = [each for each in ALL if each.learns and "postepoch" not in each.case.name]


@pytest.fixture(autouse=True)
def _rough_power(monkeypatch: pytest.MonkeyPatch) -> None:
    """MatConvNet's local response normalisation: all else is exact."""
    monkeypatch.setattr("vlnn.simplenn.layers.vl_nnnormalize", rough_normalize)
    monkeypatch.setattr("vlnn.dagnn.normalisation.vl_nnnormalize", rough_normalize)


@pytest.mark.parametrize("run", [pytest.param(each, id=each.label) for each in ALL])
def test_run(run: Recording, tmp_path: Path) -> None:
    net, stats = run.train(tmp_path, postEpochFn=rates_of(run) if "postepoch" in run.case.name else None)
    assert len(stats.train) == len(stats.val) == len(run.epochs)
    assert_as_recorded(run, 1, tmp_path, net, stats)


@pytest.mark.parametrize("run", [pytest.param(each, id=each.label) for each in CONTINUED])
def test_goes_on_from_matconvnets_checkpoint(run: Recording, tmp_path: Path) -> None:
    first = run.epochs[0]
    state = {"solverState": first.solverState, "stats": first.stats}
    vlnn.savemat(tmp_path / "net-epoch-1.mat", {"net": first.net, "state": state, "stats": first.stats})
    net, stats = run.train(tmp_path)
    assert_as_recorded(run, 2, tmp_path, net, stats)


def assert_as_recorded(run: Recording, start: int, folder: Path, net: Any, stats: Any) -> None:
    """Compare checkpoints and statistics from an epoch on with the recorded ones."""
    for epoch, recorded in enumerate(run.epochs[start - 1 :], start):
        path = folder / f"net-epoch-{epoch}.mat"
        if run.learns:
            checkpoint = vlnn.loadmat(path)
            assert_weights(run, weights(checkpoint.net), recorded)
            assert_states(run, weights(checkpoint.net), checkpoint.state.solverState, recorded)
        else:
            assert not path.exists()
            assert_weights(run, weights(net), recorded)
        for set_name in ("train", "val"):
            limit = NOISE if run.case.name in ("bnorm_adam", "adam_bnorm") else STATISTICS
            assert_statistics(stats[set_name][epoch - 1], recorded.stats[set_name], limit)


def rates_of(run: Recording) -> Any:
    """The rates that the recorded run's function returned after each epoch."""
    answers = iter([0.005, None, 0])
    return lambda net, params, state: next(answers)


def assert_weights(run: Recording, found: list[tuple[str, Any]], recorded: Any) -> None:
    expected = weights(recorded.net)
    assert [name for name, _ in found] == [name for name, _ in expected]
    for (name, value), (_, wanted) in zip(found, expected, strict=True):
        assert_close(value, wanted, name, NOISE if noisy(run, name) and "adam" in run.case.name else SINGLE)


def assert_states(run: Recording, found: list[tuple[str, Any]], nested: Any, recorded: Any) -> None:
    expected = states(run.function, recorded.solverState)
    if not expected:
        assert run.case.name.endswith("nosaveSolverState")
        assert not len(nested)
        return
    for (name, _), state, wanted in zip(found, states(run.function, nested), expected, strict=True):
        limits = (NOISE, ROUNDING) if noisy(run, name) else (SINGLE, 0.0)
        if isinstance(wanted, dict):
            assert list(state) == list(wanted)
            for field in wanted:
                assert_close(state[field], wanted[field], f"{name}.{field}", *limits)
        else:
            assert_close(state, wanted, name, *limits)


def noisy(run: Recording, name: str) -> bool:
    return "bnorm" in run.case.name and name in BIASES


def assert_close(value: Any, wanted: Any, name: str, limit: float, absolute: float = 0.0) -> None:
    """Fail unless two arrays agree to `limit` of the largest magnitude."""
    assert value.size == wanted.size, name
    if wanted.size:
        assert value.dtype == wanted.dtype, name
        difference = np.abs(value.reshape(wanted.shape, order="F").astype(np.float64) - wanted).max()
        assert difference <= max(limit * np.abs(wanted).max(), absolute), f"{name}: off by {difference:.2g}"


def assert_statistics(found: Any, recorded: Any, limit: float) -> None:
    assert sorted(found) == sorted([*recorded, "time"])
    for name, wanted in recorded.items():
        assert found[name] == pytest.approx(float(np.ravel(wanted)[0]), rel=limit, abs=1e-7), name


def test_the_runs_are_there() -> None:
    assert len(ALL) in (0, 59)
