"""What each process of ``mpiexec -n`` runs in the tests: a recorded run with its parts of batches as processes.

Usage: python -m tests.training.together FUNCTION NAME FOLDER
"""

import sys
from pathlib import Path

from mpi4py import MPI

from tests.training.recorded import recording


def main() -> None:
    function, name, folder = sys.argv[1:4]
    run = recording(function, name)
    parts = int(run.options()["numSubBatches"].item())
    _, stats = run.train(Path(folder), numSubBatches=parts // MPI.COMM_WORLD.Get_size())
    if MPI.COMM_WORLD.Get_rank() == 0:
        print("stats", *(repr(epoch.objective) for epoch in stats.train), *(epoch.num for epoch in stats.val))


if __name__ == "__main__":
    main()
