"""The processes that train one network together: one by itself, or those that ``mpiexec -n`` has started."""

from __future__ import annotations

import os
import sys
import time
import traceback
from typing import Any, TypeVar

from vlnn.errors import MatConvNetError
from vlnn.matlab.arrays import Array

T = TypeVar("T")

READ = 0.5  # seconds in which mpiexec passes on what was printed: what it has not when a process ends is lost
# What MPICH, Open MPI, MVAPICH, Intel MPI and Microsoft MPI, and the daemons that start them, tell a process.
SIZES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE", "PMIX_SIZE", "MPI_LOCALNRANKS")


class Workers:
    """One process by itself.

    Attributes
    ----------
    rank : int
        Which of the processes this is, from 0.
    size : int
        How many there are.
    """

    rank = 0
    size = 1

    def same(self, value: T) -> T:
        """The first process's value."""
        return value

    def all(self, value: T) -> list[T]:
        """The value of every process."""
        return [value]

    def add(self, array: Array) -> None:
        """Put the sum of the processes' arrays, contiguous ones of NumPy, in the place of each."""

    def abort(self) -> None:
        """Let an error of this process end all of them, which would else wait for it for ever."""


class MpiWorkers(Workers):
    """The processes of a communicator of mpi4py."""

    def __init__(self, comm: Any) -> None:
        self.comm = comm
        self.rank, self.size = comm.Get_rank(), comm.Get_size()

    def same(self, value: T) -> T:
        shared: T = self.comm.bcast(value)
        return shared

    def all(self, value: T) -> list[T]:
        gathered: list[T] = self.comm.allgather(value)
        return gathered

    def add(self, array: Array) -> None:
        from mpi4py import MPI

        self.comm.Allreduce(MPI.IN_PLACE, array)

    def abort(self) -> None:
        traceback.print_exc()
        sys.stderr.flush()
        time.sleep(READ)
        self.comm.Abort(1)


def workers(comm: Any = None) -> Workers:
    """The processes of a communicator; without one those that were started together, if there are several."""
    if comm is None:
        if all(os.environ.get(name, "") in ("", "0", "1") for name in SIZES):
            return Workers()
        try:
            from mpi4py import MPI
        except ImportError:
            raise MatConvNetError(
                "Several processes were started, which train together through mpi4py, and it is not installed: "
                "pip install 'vlnn[mpi]'."
            ) from None
        comm = MPI.COMM_WORLD
    if not hasattr(comm, "Get_size"):
        raise MatConvNetError(f"COMM is no communicator of mpi4py. Received {comm!r}.")
    return MpiWorkers(comm) if comm.Get_size() > 1 else Workers()
