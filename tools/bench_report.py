"""What bench.py makes of its measurements: a table, geomeans by group, the project's targets, JSON."""

from __future__ import annotations

import datetime
import json
import math
import os
import platform
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import scipy
import torch

import vlnn
from bench_cases import OPS
from timing import Timing
from vlnn.engines.cpu import threads

MB = 2**20

COMPUTE_BOUND = ("a1", "a2", "a3", "d1", "d2", "d3", "e", "g")
BILINEAR = ("c1", "c2", "c3", "c4")
MEMORY_BOUND = ("a4", "b", "c5", "d4")
TRANSPOSED = COMPUTE_BOUND + BILINEAR + MEMORY_BOUND
CONVOLUTION = tuple(f"v{i}" for i in range(1, 10))
DEPTHWISE = ("c1r", "c3r")
TINY = ("f", "v0")

GROUPS = {
    "transposed suite": TRANSPOSED,
    "  compute-bound": COMPUTE_BOUND,
    "  FCN bilinear": BILINEAR,
    "  memory-bound": MEMORY_BOUND,
    "convolution suite": CONVOLUTION,
    "random depthwise": DEPTHWISE,
    "tiny": TINY,
}

HEADING = (
    f"{'':9} {'vlnn ms':>9} {'least':>9} {'torch ms':>9} {'least':>9} {'ratio':>7} "
    f"{'textbook':>9} {'ratio':>7} {'extra MB':>8} {'turns':>5}"
)


class Row(NamedTuple):
    """One operation of one case: the time of each engine, none where results differ, and vlnn's extra memory."""

    case: str
    op: str
    times: dict[str, Timing]
    disagreement: float
    extra_bytes: int

    def ratio(self, other: str = "torch", figure: str = "median") -> float | None:
        """vlnn's time by the other engine's; None where that was not measured."""
        if other not in self.times:
            return None
        ratio: float = getattr(self.times["vlnn"], figure) / getattr(self.times[other], figure)
        return ratio


def pick(rows: list[Row], cases: Iterable[str], ops: Iterable[str] = OPS) -> list[Row]:
    return [row for row in rows if row.case in cases and row.op in ops]


def ratios(rows: list[Row], other: str = "torch", figure: str = "median") -> list[float]:
    return [ratio for row in rows if (ratio := row.ratio(other, figure)) is not None]


def geomean(values: list[float]) -> float | None:
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None


def worst(values: list[float]) -> float | None:
    return max(values, default=None)


class Target(NamedTuple):
    """What the project promises: the value of the rows is at most `limit`; None where nothing was measured."""

    sentence: str
    limit: float
    value: Callable[[list[Row]], float | None]


def _ordinary(rows: list[Row]) -> list[Row]:
    return [row for row in rows if row.case != "g" and row.case not in DEPTHWISE]


TARGETS = (
    Target("transposed suite", 0.8, lambda rows: geomean(ratios(pick(rows, TRANSPOSED)))),
    Target("its compute-bound part", 1.3, lambda rows: geomean(ratios(pick(rows, COMPUTE_BOUND)))),
    Target("FCN bilinear, forward", 0.8, lambda rows: geomean(ratios(pick(rows, BILINEAR, ("fwd",))))),
    Target("FCN bilinear, DZDX", 0.8, lambda rows: geomean(ratios(pick(rows, BILINEAR, ("dx",))))),
    Target("convolution suite", 1.25, lambda rows: geomean(ratios(pick(rows, CONVOLUTION)))),
    Target("worst, but for g and random depthwise", 2.5, lambda rows: worst(ratios(_ordinary(rows)))),
    Target("worst of g", 4, lambda rows: worst(ratios(pick(rows, ("g",))))),
    Target("worst of random depthwise", 4, lambda rows: worst(ratios(pick(rows, DEPTHWISE)))),
    Target(
        "both suites, by the textbook",
        0.5,
        lambda rows: geomean(ratios(pick(rows, TRANSPOSED + CONVOLUTION), "textbook")),
    ),
    Target(
        "forward call of f, microseconds",
        40,
        lambda rows: worst([row.times["vlnn"].median * 1e6 for row in pick(rows, ("f",), ("fwd",)) if row.times]),
    ),
    Target("most extra memory, MB", 64, lambda rows: worst([row.extra_bytes / MB for row in rows])),
)


def row_line(row: Row) -> str:
    name = f"{row.case:4} {row.op:4}"
    if not row.times:
        return f"{name} WRONG: differs by {row.disagreement:.1e} of the largest magnitude"
    ours, theirs, textbook = row.times["vlnn"], row.times["torch"], row.times.get("textbook")
    times = "".join(f" {seconds * 1e3:9.3f}" for timing in (ours, theirs) for seconds in timing[:2])
    by_textbook = _number(textbook and textbook.median * 1e3, 10, 3) + _number(row.ratio("textbook"), 8)
    return f"{name}{times}{_number(row.ratio(), 8)}{by_textbook}{row.extra_bytes / MB:9.1f}{ours.turns:6}"


def group_lines(rows: list[Row]) -> list[str]:
    """For each group the geomeans of the ratio: to torch by operation, of all, of the least times; to the textbook."""
    lines = [
        f"{'geomean of ratios':20}" + "".join(f"{title:>8}" for title in (*OPS, "all", "least")) + f"{'textbook':>10}"
    ]
    for name, cases in GROUPS.items():
        group = pick(rows, cases)
        if ratios(group):
            means = [geomean(ratios(pick(group, cases, (op,)))) for op in OPS]
            means += [geomean(ratios(group)), geomean(ratios(group, figure="least"))]
            by_textbook = _number(geomean(ratios(group, "textbook")), 10)
            lines.append(f"{name:20}" + "".join(_number(mean, 8) for mean in means) + by_textbook)
    return lines


def target_lines(rows: list[Row]) -> list[str]:
    """Each target that the rows say something about, and what they reach."""
    lines = []
    for sentence, limit, value in TARGETS:
        reached = value(rows)
        if reached is not None:
            lines.append(f"{sentence:38} <= {limit:<5g}{reached:7.2f} {'met' if reached <= limit else 'NOT met'}")
    return lines


def _number(value: float | None, width: int, digits: int = 2) -> str:
    return f"{'-':>{width}}" if value is None else f"{value:{width}.{digits}f}"


def machine() -> dict[str, Any]:
    """What the figures hold for."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        cpu = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        cpu = platform.processor()
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "cpu": cpu,
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "threads": {"vlnn": threads.count(), "torch": torch.get_num_threads()},
        "versions": {
            "python": platform.python_version(),
            "vlnn": vlnn.__version__,
            "numpy": np.__version__,
            "scipy": scipy.__version__,
            "torch": torch.__version__,
        },
    }


def as_json(facts: dict[str, Any], rows: list[Row]) -> str:
    measured = [
        {
            "case": row.case,
            "op": row.op,
            "seconds": {engine: timing._asdict() for engine, timing in row.times.items()},
            "ratio": {engine: row.ratio(engine) for engine in row.times if engine != "vlnn"},
            "disagreement": row.disagreement,
            "extra_bytes": row.extra_bytes,
        }
        for row in rows
    ]
    groups = {
        name.strip(): {
            "ratio": {op: geomean(ratios(pick(rows, cases, (op,)))) for op in OPS},
            "all": geomean(ratios(pick(rows, cases))),
            "textbook": geomean(ratios(pick(rows, cases), "textbook")),
        }
        for name, cases in GROUPS.items()
    }
    targets = [{"target": target.sentence, "limit": target.limit, "reached": target.value(rows)} for target in TARGETS]
    return json.dumps({"machine": facts, "rows": measured, "groups": groups, "targets": targets}, indent=1) + "\n"
