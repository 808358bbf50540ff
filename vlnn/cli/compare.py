"""vlnn compare: two networks, of any format."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vlnn.cli.convert import FORMATS
from vlnn.cli.files import given_file
from vlnn.cli.probes import probe_options, read_probe
from vlnn.cli.progress import Progress

if TYPE_CHECKING:
    from vlnn.convert.comparison import Comparison, Difference
    from vlnn.convert.subjects import Verdict


@click.command("compare")
@click.argument("first", metavar="A", type=click.Path(path_type=Path, allow_dash=True))
@click.argument("second", metavar="B", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--from", "from_", type=click.Choice(FORMATS), help="The format of both, whatever their names.")
@click.option("--variable", metavar="NAME", help="Which network, where .mat files have several: 'best.net', 'nets{3}'.")
@probe_options
@click.option("--json", "as_json", is_flag=True, help="Print every difference as JSON.")
def compare_command(
    first: Path,
    second: Path,
    from_: str | None,
    variable: str | None,
    input_file: Path | None,
    input_size: tuple[int, ...] | None,
    tolerance: float | None,
    as_json: bool,
) -> None:
    """Compare the networks A and B: their weights, then what their layers compute.

    Files are of any format; .onnx runs in ONNX Runtime and .pt in PyTorch. Both get the same input, which is random and
    the same every time. What departs first is named, and the exit status is 1 if the weights or the variables that both
    have differ by more than the tolerance.

    \b
    Examples:
      vlnn compare net.mat net.onnx
      vlnn compare before.mat after.mat --input-size 128x128 --tolerance 1e-6
    """
    from vlnn.convert.comparison import TOLERANCE
    from vlnn.convert.subjects import compare_subjects, subject

    allowed = tolerance or TOLERANCE
    if str(first) == str(second) == "-":
        raise click.UsageError("One of A and B may be -, not both.")
    with given_file(str(first)) as one, given_file(str(second)) as other, Progress(3, "Comparing") as progress:
        a = subject(one, from_, variable)
        progress.step()
        b = subject(other, from_, variable)
        progress.step()
        verdict = compare_subjects(a, b, read_probe(input_file), input_size)
        progress.step()
    same = agree(verdict, allowed)
    if as_json:
        click.echo(json.dumps(figures(verdict, allowed, same), indent=2))
    else:
        click.echo(f"Weights     {line(verdict.weights, allowed)}")
        click.echo(f"Variables   {line(verdict.variables, allowed) if not verdict.not_run else verdict.not_run}")
        if verdict.left_out:
            click.echo(f"Not run     {', '.join(verdict.left_out)}")
        click.echo(f"{'The same' if same else 'Different'}, with a tolerance of {allowed:g}.")
    if not same:
        raise SystemExit(1)


def agree(verdict: Verdict, tolerance: float) -> bool:
    """Whether the networks are the same: all weights, and the variables that both have."""
    weights = verdict.weights
    alone = bool(weights.first_only or weights.second_only)
    departing = weights.departing(tolerance) or verdict.variables.departing(tolerance)
    return not alone and departing is None and (bool(verdict.variables.differences) or bool(verdict.not_run))


def line(comparison: Comparison, tolerance: float) -> str:
    """What was found, on one line."""
    worst, departing = comparison.worst, comparison.departing(tolerance)
    parts = [f"{len(comparison.differences)} compared"]
    if departing is not None:
        parts.append(f"the first that departs is {said(departing)}")
    if worst is None:
        parts.append("none in common")
    elif not worst.largest:
        parts.append("equal")
    elif worst is not departing:
        parts.append(f"the largest difference is in {said(worst)}")
    for which, names in (("A", comparison.first_only), ("B", comparison.second_only)):
        if names:
            more = ", ..." if len(names) > 4 else ""
            parts.append(f"only in {which}: {', '.join(names[:4])}{more}")
    return "; ".join(parts)


def said(apart: Difference) -> str:
    """How far apart two arrays are."""
    if math.isinf(apart.largest):
        return f"'{apart.name}', {apart.where}"
    return f"'{apart.name}', {apart.relative:.1e} of the largest element at {apart.where}"


def figures(verdict: Verdict, tolerance: float, same: bool) -> dict[str, Any]:
    """What was found, for --json."""
    return {
        "same": same,
        "tolerance": tolerance,
        "weights": _listed(verdict.weights, tolerance),
        "variables": _listed(verdict.variables, tolerance),
        "left_out": verdict.left_out,
        "not_run": verdict.not_run or None,
    }


def _listed(comparison: Comparison, tolerance: float) -> dict[str, Any]:
    departing = comparison.departing(tolerance)
    return {
        "first_departing": departing and departing.name,
        "only_in_a": comparison.first_only,
        "only_in_b": comparison.second_only,
        "differences": [
            {"name": each.name, "largest": _finite(each.largest), "relative": _finite(each.relative), "at": each.where}
            for each in comparison.differences
        ],
    }


def _finite(number: float) -> float | None:
    return number if number < float("inf") else None
