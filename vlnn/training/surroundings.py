"""What training runs in: random numbers, a GPU, a profile, the company of other processes."""

from __future__ import annotations

import cProfile
import pstats
import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from vlnn.errors import MatConvNetError
from vlnn.matlab.devices import gpu
from vlnn.matlab.values import Struct
from vlnn.training.workers import Workers


def seed_globally(seed: int, team: Workers) -> None:
    """Seed what a getBatch may draw from, as MatConvNet seeds MATLAB's own generator before each epoch."""
    np.random.seed([seed, team.rank])  # noqa: NPY002 - the functions of numpy.random draw from this one
    random.seed(seed * team.size + team.rank)


@contextmanager
def profiled() -> Iterator[None]:
    """Print where the time went."""
    profile = cProfile.Profile()
    profile.enable()
    try:
        yield
    finally:
        profile.disable()
        pstats.Stats(profile).sort_stats("tottime").print_stats(20)


@contextmanager
def device(opts: Struct, team: Workers) -> Iterator[None]:
    """Work on this process's GPU, if there is to be one."""
    if not opts.gpus:
        yield
        return
    if len(opts.gpus) != team.size:
        raise MatConvNetError(
            f"Each GPU is for a process of its own: start as many as GPUs, mpiexec -n {len(opts.gpus)} python "
            f"train.py. Received GPUS {opts.gpus} in {team.size} process{'es' if team.size > 1 else ''}."
        )
    devices = gpu().cuda
    if max(opts.gpus) >= devices.runtime.getDeviceCount():
        raise MatConvNetError(
            f"There is no GPU {max(opts.gpus)}. There are {devices.runtime.getDeviceCount()}, counted from 0. Received "
            f"GPUS {opts.gpus}."
        )
    with devices.Device(opts.gpus[team.rank]):
        yield


@contextmanager
def ended(team: Workers) -> Iterator[None]:
    """Let an error of one process be the end of all."""
    try:
        yield
    except Exception:
        if team.size > 1:
            team.abort()
        raise
