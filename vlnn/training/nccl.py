"""Sums over the GPUs of several processes, by NCCL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vlnn.errors import MatConvNetError
from vlnn.matlab.arrays import Array
from vlnn.training.workers import Workers


def summation(workers: Workers) -> Callable[[list[Array]], None]:
    """A function that puts, for each of some arrays, the sum over the processes in its place.

    Every process has a GPU of its own. The sums are ready for what is queued on the current stream afterwards.
    """
    import cupy

    try:
        from cupy.cuda import nccl

        name = nccl.get_unique_id()
    except (ImportError, AttributeError, RuntimeError):
        raise MatConvNetError(
            "Training on several GPUs needs NCCL, and CuPy has none here: pip install nvidia-nccl-cu12 (or -cu13)."
        ) from None
    communicator = nccl.NcclCommunicator(workers.size, workers.same(name), workers.rank)
    types: dict[Any, int] = {"float32": nccl.NCCL_FLOAT32, "float64": nccl.NCCL_FLOAT64}

    def add(arrays: list[Array]) -> None:
        stream = cupy.cuda.get_current_stream().ptr
        for i, array in enumerate(arrays):
            owned = cupy.asfortranarray(array)  # so that the elements of all processes lie alike
            kind = types[owned.dtype.name]
            communicator.allReduce(owned.data.ptr, owned.data.ptr, owned.size, kind, nccl.NCCL_SUM, stream)
            arrays[i] = owned

    return add
