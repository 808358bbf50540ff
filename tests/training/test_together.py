"""Several processes train what one trains with as many sub-batches: through mpiexec of the mpich wheel."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vlnn
from tests.training.digits import network, train
from tests.training.recorded import recordings, states, weights
from vlnn.training.workers import SIZES

ROOT = Path(__file__).parents[2]
MPIEXEC = shutil.which("mpiexec", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
SECONDS = 100
CLOSE = 1e-6  # several sums are added in another order

RUNS = [
    ("cnn_train", "bnorm_subbatches2", 2),
    ("cnn_train_dag", "bnorm_subbatches2", 2),
    ("cnn_train_dag", "shared_subbatches2", 2),
    ("cnn_train", "sgd_subbatches3_uneven", 3),  # in the last batch two processes have no image
    ("cnn_train_dag", "sgd_subbatches3_uneven", 3),
]


def together(count: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run this folder's together.py in so many processes."""
    pytest.importorskip("mpi4py", reason="mpi4py is not installed")
    if MPIEXEC is None:
        pytest.skip("there is no mpiexec")
    environment = {name: value for name, value in os.environ.items() if name not in SIZES} | {"PYTHONPATH": str(ROOT)}
    command = [MPIEXEC, "-n", str(count), sys.executable, "-m", "tests.training.together", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=SECONDS)


@pytest.mark.parametrize(("function", "name", "count"), RUNS)
def test_as_one_process_with_sub_batches(function: str, name: str, count: int, tmp_path: Path) -> None:
    run = next((each for each in recordings(function) if each.case.name == name), None)
    if run is None:
        pytest.skip("the recorded runs are not here")
    process = together(count, "train", function, name, str(tmp_path / "together"))
    assert process.returncode == 0, process.stderr
    run.train(tmp_path / "alone")
    for epoch in (1, 2, 3):
        found, wanted = (vlnn.loadmat(tmp_path / folder / f"net-epoch-{epoch}.mat") for folder in ("together", "alone"))
        for (_, value), (label, expected) in zip(weights(found.net), weights(wanted.net), strict=True):
            assert_close(value, expected, label)
        solvers = (states(function, each.state.solverState) for each in (found, wanted))
        for value, expected in zip(*solvers, strict=True):
            assert_close(value, expected, "state")
        for set_name in ("train", "val"):
            for field in set(wanted.state.stats[set_name]) - {"time"}:
                assert_close(found.state.stats[set_name][field], wanted.state.stats[set_name][field], field)


def assert_close(value: Any, expected: Any, label: str) -> None:
    np.testing.assert_allclose(
        value, expected, rtol=0, atol=CLOSE * max(1, np.abs(expected).max(initial=0)), err_msg=label
    )


def test_weights_batches_and_rates_are_the_first_processs(tmp_path: Path) -> None:
    """Each process begins with weights of its own, shuffles at random and returns another rate."""
    process = together(2, "differ", str(tmp_path))
    assert process.returncode == 0, process.stderr
    first, second = (vlnn.load_network(tmp_path / f"{rank}.mat") for rank in (0, 1))
    for (label, value), (_, other) in zip(weights(first), weights(second), strict=True):
        np.testing.assert_array_equal(value, other, label)


def test_an_error_of_one_process_ends_all(tmp_path: Path) -> None:
    process = together(2, "fail", str(tmp_path))
    assert process.returncode != 0
    assert "This image cannot be read" in process.stderr


def test_each_process_may_train_alone(tmp_path: Path) -> None:
    process = together(2, "alone", str(tmp_path))
    assert process.returncode == 0, process.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "1"]


def test_without_mpi4py(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PMI_SIZE", "2")
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    with pytest.raises(vlnn.MatConvNetError, match=r"pip install 'vlnn\[mpi\]'"):
        train(network(), tmp_path)


def test_no_communicator(tmp_path: Path) -> None:
    with pytest.raises(vlnn.MatConvNetError, match=r"^COMM is no communicator"):
        train(network(), tmp_path, comm="world")


def test_gpus_need_a_process_each(tmp_path: Path) -> None:
    with pytest.raises(vlnn.MatConvNetError, match=r"^Each GPU .* mpiexec -n 2 .* GPUS \[0, 1\] in 1 process"):
        train(network(), tmp_path, gpus=[0, 1])
