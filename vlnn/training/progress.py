"""What training prints: MatConvNet's line for each batch, and on a terminal a bar below it."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

SETTLED = 4  # the batch by whose time those of the first ones are reckoned: they take longer
ERASE = "\r\x1b[K"
BESIDE = ("num", "time")  # of the statistics, what is not printed with the others


class Clock:
    """The time of an epoch, with the first three batches counted as if each had taken as long as the fourth."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._adjustment = 0.0
        self.total = 0.0

    def lap(self, batch: int) -> tuple[float, float]:
        """Seconds since the last lap, and since the start: those of batch number `batch`."""
        total = time.perf_counter() - self._start + self._adjustment
        taken = total - self.total
        self.total = total
        if batch == SETTLED:
            self._adjustment += SETTLED * taken - total
            self.total = SETTLED * taken
        return taken, total


class Progress:
    """Prints the lines of one epoch."""

    def __init__(self, set_name: str, epoch: int, batches: int, bar: Any) -> None:
        self._head = f"{set_name}: epoch {epoch:02d}: "
        self._batches = batches
        self._bar = bar

    def line(self, batch: int, average: float, current: float, stats: Mapping[str, Any]) -> None:
        """Print what is known after a batch: images in a second, in all and in this batch, and statistics."""
        values = " ".join(f"{name}: {_shown(stats[name])}" for name in sorted(stats) if name not in BESIDE)
        if self._bar is not None:
            print(ERASE, end="", file=sys.stderr, flush=True)
        print(f"{self._head}{batch:3d}/{self._batches:3d}: {average:.1f} ({current:.1f}) Hz {values}", flush=True)
        if self._bar is not None:
            self._bar.update(1)


@contextmanager
def progress(set_name: str, epoch: int, batches: int, shown: bool) -> Iterator[Progress | None]:
    """What prints the lines of an epoch; nothing where they are not to be shown."""
    if not shown:
        yield None
        return
    if not sys.stderr.isatty():
        yield Progress(set_name, epoch, batches, None)
        return
    import click

    with click.progressbar(length=batches, label=f"{set_name} {epoch}", file=sys.stderr) as bar:
        yield Progress(set_name, epoch, batches, bar)


def _shown(value: Any) -> str:
    return " ".join(f"{number:.3f}" for number in np.ravel(value))
