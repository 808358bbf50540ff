"""Runs of training recorded from MatConvNet's CPU code, on a GPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vlnn
from tests.gpu.conftest import obstacle
from tests.training.recorded import Recording, recordings, states, weights

pytestmark = pytest.mark.gpu
if obstacle():
    pytest.skip(obstacle(), allow_module_level=True)

NAMES = ("sgd", "sgd_nesterov", "sgd_subbatches3_uneven", "convt_pdist2", "adam", "adam_opts", "adadelta", "adagrad")
RUNS = [each for name in ("cnn_train", "cnn_train_dag") for each in recordings(name) if each.case.name in NAMES]
LIMIT = 1e-4  # of the largest magnitude: other sums, nine steps long


@pytest.mark.parametrize("run", [pytest.param(each, id=each.label) for each in RUNS])
def test_run(run: Recording, engine: str, cupy: Any, tmp_path: Path) -> None:
    def get_batch(imdb: Any, batch: Any) -> Any:
        found = run.get_batch(imdb, batch)
        if run.function == "cnn_train_dag":  # cnn_train moves images by itself
            found[1] = cupy.asarray(found[1], order="F")
        return found

    net, _ = run.train(tmp_path, get_batch=get_batch, gpus=[0])
    assert all(isinstance(value, np.ndarray) for _, value in weights(net))
    recorded = run.epochs[-1]
    checkpoint = vlnn.loadmat(tmp_path / f"net-epoch-{len(run.epochs)}.mat")
    pairs = zip(weights(checkpoint.net), weights(recorded.net), strict=True)
    for (name, value), (_, wanted) in pairs:
        difference = np.abs(value.reshape(wanted.shape, order="F") - wanted).max(initial=0)
        assert difference <= LIMIT * np.abs(wanted).max(initial=0), name
    assert len(states(run.function, checkpoint.state.solverState)) == len(weights(recorded.net))


def test_a_gpu_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(vlnn.MatConvNetError, match=r"^There is no GPU 99\."):
        RUNS[0].train(tmp_path, gpus=[99])
