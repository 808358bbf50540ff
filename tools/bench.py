"""vl_nnconvt and vl_nnconv against PyTorch and against the textbook, on the same arrays in the same run.

    python tools/bench.py --quick
    python tools/bench.py --cases a1,d2 --ops fwd,dx --json bench.json

Single precision, all cores; see README.md beside this file. Needs torch.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path

import click
import numpy as np
import torch

from bench_cases import CASES, OPS, Problem, disagreement, outputs
from bench_report import HEADING, Row, as_json, group_lines, machine, row_line, target_lines
from timing import interleaved, traced, watch_others
from vlnn.engines.cpu import threads

SECONDS, QUICK_SECONDS = 300.0, 60.0
TEXTBOOK_TURNS = 3
TOLERANCE = 1e-4


def measure(problem: Problem, op: str, seconds: float, textbook: bool) -> Row:
    """Compare the engines' results and, where they agree, their times."""
    works = {"vlnn": problem.vlnn(op), "torch": problem.torch(op)}
    if textbook:
        works["textbook"] = problem.textbook(op)
    begin = time.perf_counter()
    result, peak = traced(works["vlnn"])
    ours = outputs(result)
    others = [outputs(work()) for name, work in works.items() if name != "vlnn"]
    difference = float(np.max([disagreement(ours, theirs) for theirs in others]))
    seconds -= time.perf_counter() - begin
    times = interleaved(works, seconds, {"textbook": TEXTBOOK_TURNS}) if difference <= TOLERANCE else {}
    return Row(problem.case.name, op, times, difference, max(0, peak - sum(array.nbytes for array in ours)))


def some_of(names: Iterable[str]) -> Callable[[click.Context, click.Parameter, str | None], list[str]]:
    """A reader of a list with commas; left out, it is all names."""
    known = list(names)

    def read(_context: click.Context, _parameter: click.Parameter, value: str | None) -> list[str]:
        chosen = known if value is None else value.split(",")
        for name in chosen:
            if name not in known:
                raise click.BadParameter(f"There is no {name!r} among {', '.join(known)}.")
        return chosen

    return read


@click.command()
@click.option("--quick", is_flag=True, help="About a minute: few turns, no textbook.")
@click.option("--cases", callback=some_of(case.name for case in CASES), help="Some cases, as in a1,d2.")
@click.option("--ops", callback=some_of(OPS), help="Some of fwd,dx,df,bwd.")
@click.option("--seconds", type=float, help=f"Time to aim at.  [default: {SECONDS:g}; with --quick {QUICK_SECONDS:g}]")
@click.option("--textbook/--no-textbook", default=None, help="Time the textbook too.  [default: unless --quick]")
@click.option(
    "--json", "report", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="Write the figures here."
)
def bench(
    quick: bool, cases: list[str], ops: list[str], seconds: float | None, textbook: bool | None, report: Path | None
) -> None:
    """Time vlnn, PyTorch and the textbook algorithm."""
    if seconds is None:
        seconds = QUICK_SECONDS if quick else SECONDS
    if textbook is None:
        textbook = not quick
    torch.set_num_threads(threads.count())
    facts = machine()
    for fact in ("cpu", "threads", "versions"):
        click.echo(f"{fact}: {facts[fact]}")
    chosen = [case for case in CASES if case.name in cases]
    rows: list[Row] = []
    share_of_others = watch_others()
    with torch.inference_mode():
        end = time.perf_counter() + seconds
        click.echo(HEADING)
        for case in chosen:
            problem = Problem(case)
            for op in ops:
                share = (end - time.perf_counter()) / (len(chosen) * len(ops) - len(rows))
                rows.append(measure(problem, op, share, textbook))
                click.echo(row_line(rows[-1]))
    facts["share of others"] = others = share_of_others()
    if others is not None:
        click.echo(f"\nMeanwhile other processes used {others:.0%} of the cores.")
    for lines in (group_lines(rows), target_lines(rows)):
        click.echo("\n" + "\n".join(lines))
    if report is not None:
        report.write_text(as_json(facts, rows))
    wrong = sum(not row.times for row in rows)
    if wrong:
        raise click.ClickException(f"{wrong} results differ from those of PyTorch or of the textbook.")


if __name__ == "__main__":
    bench()
