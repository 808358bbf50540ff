"""What each process of ``mpiexec -n`` runs in the tests: python -m tests.training.together WHAT ARGUMENTS..."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
from mpi4py import MPI

from tests.training.digits import network, simple_batch, train
from tests.training.recorded import recording

COMM = MPI.COMM_WORLD


def record(function: str, name: str, folder: str) -> None:
    """A recorded run, with its parts of batches as processes."""
    run = recording(function, name)
    run.train(Path(folder), numSubBatches=int(run.options()["numSubBatches"].item()) // COMM.Get_size())


def differ(folder: str) -> None:
    """Processes that would each do something else, and save what they have learned."""
    rank = COMM.Get_rank()
    net = network()
    net["layers"][0]["weights"][0] += rank
    rng = np.random.default_rng(rank)
    options = {"shuffle": lambda images, epoch, name: rng.permutation(images), "numEpochs": 4}
    answers = iter([0.02 / (1 + rank), None, [], 0])
    net, _ = train(net, Path(folder), postEpochFn=lambda net, params, state: next(answers), **options)
    net.save(Path(folder) / f"{rank}.mat")


def fail(folder: str) -> None:
    """A process in which getBatch fails."""

    def get_batch(imdb: Any, batch: Any) -> Any:
        if COMM.Get_rank() == 1:
            raise OSError("This image cannot be read")
        return simple_batch(imdb, batch)

    train(network(), Path(folder), get_batch=get_batch)


def alone(folder: str) -> None:
    """Processes that do not train together."""
    train(network(), Path(folder) / str(COMM.Get_rank()), comm=MPI.COMM_SELF)


if __name__ == "__main__":
    what = {"train": record, "differ": differ, "fail": fail, "alone": alone}[sys.argv[1]]
    what(*sys.argv[2:])
