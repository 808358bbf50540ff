"""net-epoch-%d.mat: what training goes on from, in MatConvNet's form."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vlnn.errors import MatConvNetError
from vlnn.matlab.arrays import is_array
from vlnn.matlab.matfile import loadmat, savemat
from vlnn.matlab.values import Struct, StructArray

NAME = re.compile(r"net-epoch-(\d+)\.mat")
SETS = ("train", "val")
MOST = 2**31 - 2**20  # bytes that a variable of format 5 holds, less what describes them


class Checkpoint(NamedTuple):
    """What a file holds: the network as it is saved, the state of its training, the statistics of all epochs."""

    net: Struct
    state: Struct
    stats: Struct


def path_of(folder: Path, epoch: int) -> Path:
    """The file of an epoch."""
    return folder / f"net-epoch-{epoch}.mat"


def last_epoch(folder: Path) -> int:
    """The last epoch of which a folder has a checkpoint, 0 for none."""
    found = (NAME.fullmatch(path.name) for path in folder.iterdir()) if folder.is_dir() else ()
    return max((int(match[1]) for match in found if match), default=0)


def save(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint, whole or not at all."""
    large = max(map(_bytes, checkpoint)) > MOST
    savemat(path, checkpoint._asdict(), "7.3" if large else "5")


def load(path: Path) -> Checkpoint:
    """Read a checkpoint that vlnn or MatConvNet has written."""
    found = loadmat(path)
    if not {"net", "stats"} <= set(found):
        raise MatConvNetError(
            f"Epoch '{path}' was only partially saved. Delete this file and try again. "
            f"Its variables are {', '.join(found) or 'none'}; net, state and stats are needed."
        )
    state = found.get("state")
    return Checkpoint(found.net, state if isinstance(state, Struct) else Struct(), statistics(found.stats))


def statistics(stats: Mapping[str, Any]) -> Struct:
    """The statistics of a file, with Python's numbers: for each set a list of structs, one for each epoch."""
    return Struct({name: _epochs(stats.get(name, ())) for name in SETS})


def _epochs(epochs: Any) -> StructArray:
    listed: Sequence[Any] = [epochs] if isinstance(epochs, Mapping) else epochs
    return StructArray(Struct({name: _number(value) for name, value in epoch.items()}) for epoch in listed)


def _number(value: Any) -> Any:
    return float(value.item()) if is_array(value) and value.size == 1 else value


def _bytes(value: Any) -> int:
    """How much the arrays in a value take."""
    if is_array(value) and value.dtype != object:
        return int(value.nbytes)
    inside: Iterable[Any] = ()
    if isinstance(value, Mapping):
        inside = value.values()
    elif isinstance(value, (list, tuple, np.ndarray)):
        inside = value
    return sum(map(_bytes, inside))
