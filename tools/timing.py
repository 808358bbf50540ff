"""Timing that is fair to libraries with thread pools, and the memory of a call."""

from __future__ import annotations

import os
import time
import tracemalloc
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

Work = Callable[[], Any]

PAUSE, LONGEST_PAUSE = 0.03, 0.5
TURN, LONG_TURN = 0.02, 0.04
CALLS = 3
FEWEST, MOST = 2, 31


class Timing(NamedTuple):
    """Seconds for one call: the median of the turns' medians, and the least of all calls."""

    median: float
    least: float
    turns: int


def interleaved(works: Mapping[str, Work], seconds: float, most: Mapping[str, int]) -> dict[str, Timing]:
    """Time functions in turns, A B A B, for about so many seconds; `most` limits the turns of single ones.

    The functions have been called before.
    """
    turns: dict[str, list[list[float]]] = {name: [] for name in works}
    end = time.perf_counter() + seconds
    for turn in range(MOST):
        if turn >= FEWEST and time.perf_counter() > end:
            break
        for name, work in works.items():
            if turn < most.get(name, MOST):
                _settle()
                turns[name].append(_turn(work))
    return {name: Timing(median(map(median, taken)), min(map(min, taken)), len(taken)) for name, taken in turns.items()}


def _settle() -> None:
    """Sleep until no thread of this process spins.

    OpenMP's threads spin for some milliseconds after their work, OpenBLAS's for 2**28 ticks of the clock, 0.1 s, and
    whoever is timed meanwhile has a core less.
    """
    end = time.perf_counter() + LONGEST_PAUSE
    time.sleep(PAUSE)
    while time.perf_counter() < end:
        before = time.process_time()
        time.sleep(0.01)
        if time.process_time() - before < 0.001:
            return


def _turn(work: Work) -> list[float]:
    """The times of a few calls in a row: many short ones, one long one."""
    times: list[float] = []
    begin = before = time.perf_counter()
    while True:
        work()
        now = time.perf_counter()
        times.append(now - before)
        before = now
        if now - begin >= (TURN if len(times) >= CALLS else LONG_TURN):
            return times


def traced(work: Work) -> tuple[Any, int]:
    """The result of a call, and the most bytes that Python and NumPy held at a time for it, the result included."""
    tracemalloc.start()
    try:
        result = work()
        return result, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def watch_others() -> Callable[[], float | None]:
    """A function that tells which share of the cores other processes have used since; None where it cannot be known."""
    begin, busy, own = time.perf_counter(), _busy_seconds(), time.process_time()

    def share() -> float | None:
        now = _busy_seconds()
        if busy is None or now is None:
            return None
        others = (now - busy) - (time.process_time() - own)
        return max(0.0, others / (time.perf_counter() - begin) / (os.cpu_count() or 1))

    return share


def _busy_seconds() -> float | None:
    """How long the cores together have computed since the machine started."""
    try:
        ticks = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    except (OSError, ValueError):
        return None
    idle, waiting = ticks[3:5]
    return float((sum(ticks) - idle - waiting) / os.sysconf("SC_CLK_TCK"))
