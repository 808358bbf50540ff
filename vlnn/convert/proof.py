"""The proof that a file holds the network that was to be written: it is read and run again."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from vlnn.convert.changes import Changed
from vlnn.convert.comparison import Comparison, Difference, compare
from vlnn.convert.evaluation import evaluate, inputs_of
from vlnn.convert.formats import Format, Run
from vlnn.convert.probing import probe
from vlnn.convert.weights import Network, named_weights
from vlnn.errors import ConversionError
from vlnn.matlab.arrays import Array

ROUNDED = 2.0**-11  # by how much of itself half precision changes a number at most


class Proof(NamedTuple):
    """What was compared, and whether it is the same.

    Attributes
    ----------
    weights, variables : Comparison
        Of the weights, and of what layers compute.
    tolerance : float
        What a variable may differ by, in relation to its largest element.
    weights_tolerance : float
        The same for weights.
    left_out : list of str
        Layers of which nobody knows how to run them.
    not_run : str
        Why nothing was run, if that is so.
    """

    weights: Comparison
    variables: Comparison
    tolerance: float
    weights_tolerance: float
    left_out: list[str]
    not_run: str = ""

    @property
    def failure(self) -> str:
        """What is not the same; '' if all is."""
        if self.weights.first_only or self.weights.second_only:
            return (
                f"the weights {', '.join(self.weights.first_only + self.weights.second_only)} are in one of them only"
            )
        departing = self.weights.departing(self.weights_tolerance)
        if departing:
            return f"weights differ, {_said(departing)}"
        departing = self.variables.departing(self.tolerance)
        if departing:
            return f"variables differ, first by {_said(departing)}; {self.tolerance:g} is allowed"
        return "" if self.variables.differences or self.not_run or self.left_out else "they share no variable"

    def figures(self) -> dict[str, Any]:
        """What was found out, for JSON."""
        worst = self.variables.worst
        return {
            "failure": self.failure or None,
            "weights": len(self.weights.differences),
            "variables": len(self.variables.differences),
            "tolerance": self.tolerance,
            "largest_difference": worst and worst.relative,
            "in": worst and worst.name,
            "left_out": self.left_out,
            "not_run": self.not_run or None,
        }

    def __str__(self) -> str:
        if self.failure:
            return f"What was written is not the network: {self.failure}."
        worst, rounded = self.variables.worst, " (rounded to half precision)" if self.weights_tolerance else ""
        text = f"Proof: {_count(len(self.weights.differences), 'weight')} read back{rounded}"
        if worst is None:
            return f"{text}. The network was not run: {self.not_run or 'no layer of it is known.'}"
        text += f", {_count(len(self.variables.differences), 'variable')} computed again; "
        text += f"the largest difference is {_said(worst)}" if worst.largest else "there is no difference"
        return f"{text}. Not run: {', '.join(self.left_out)}." if self.left_out else f"{text}."


def _said(apart: Difference) -> str:
    if math.isinf(apart.largest):
        return f"in '{apart.name}', at {apart.where}"
    return f"{apart.relative:.1e} of the largest element, in '{apart.name}' at {apart.where}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def prove(
    source: Network,
    changed: Changed,
    path: Path,
    form: Format,
    tolerance: float,
    rounded: bool = False,
    given: Mapping[str, Array] | None = None,
    size: Sequence[int] | None = None,
) -> Proof:
    """Read the file in which a network was written, run it beside the network from which it was made, and compare.

    Parameters
    ----------
    source, changed
        The network, and what was made of it and written.
    path, form
        The file, and its format.
    tolerance : float
        See :class:`Proof`.
    rounded : bool
        Whether weights were rounded to half precision.
    given, size
        See :func:`vlnn.convert.probing.probe`.
    """
    weights, run = _read_back(changed, path, form)
    allowed = ROUNDED if rounded else 0.0
    try:
        tried = probe(source, given, size, changed.before)
    except ConversionError as error:
        if form.run is not None or given is not None or size is not None:
            raise
        return Proof(weights, Comparison([], [], []), tolerance, allowed, [], str(error))
    names = inputs_of(changed.net)
    inputs = dict(zip(names, tried.inputs.values(), strict=True)) if len(names) == 1 else tried.inputs
    again = run(path, inputs)
    got = {changed.renamed.get(name, name): value for name, value in again.items() if name not in names}
    want = {name: value for name, value in tried.evaluation.values.items() if name not in tried.inputs}
    variables = compare(want, {name: value for name, value in got.items() if name is not None})
    return Proof(weights, variables, tolerance, allowed, tried.evaluation.left_out)


def _read_back(changed: Changed, path: Path, form: Format) -> tuple[Comparison, Run]:
    """The weights in a file compared, and how to run it: where nobody else does, as the network that was read."""
    written = form.read(path).network()
    weights = compare(named_weights(changed.net), named_weights(written))
    return weights, form.run or (lambda path, inputs: evaluate(written, inputs).values)
