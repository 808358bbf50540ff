"""Networks as MAT-files, the form in which MatConvNet has them."""

from __future__ import annotations

from pathlib import Path

from vlnn.convert.checkpoint import Checkpoint
from vlnn.networks import load_network


def write(checkpoint: Checkpoint, path: Path, version: str = "5") -> None:
    """Write a file that MatConvNet loads, of version '5' or '7.3'."""
    checkpoint.network().save(path, format=version)


def read(path: Path, variable: str | None = None) -> Checkpoint:
    """Read the network in a file, as ``vlnn.load_network`` finds it."""
    return Checkpoint.of(load_network(path, variable))
