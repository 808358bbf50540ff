"""Files to be compared: what is in them, and how to run them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from vlnn.convert import formats
from vlnn.convert.comparison import Comparison, compare
from vlnn.convert.evaluation import evaluate, inputs_of
from vlnn.convert.probing import probe
from vlnn.convert.weights import Network, named_weights
from vlnn.errors import ConversionError, MatConvNetError
from vlnn.matlab.arrays import Array
from vlnn.simplenn import SimpleNN


class Subject(NamedTuple):
    """What is in a file.

    Attributes
    ----------
    arrays : dict
        By the names of :class:`Checkpoint`.
    net : SimpleNN, DagNN or None
        None for weights alone.
    run : function (inputs) -> variables, or None
        By their names, as the file's own runtime computes them.
    """

    arrays: dict[str, Array]
    net: Network | None = None
    run: Callable[[dict[str, Array]], dict[str, Array]] | None = None


class Verdict(NamedTuple):
    """Two networks compared.

    Attributes
    ----------
    weights, variables : Comparison
        By layer and position, as 'conv1.0'; by the layers that compute them, as far as these have the same names.
    left_out : list of str
        Layers that were not run, for nobody knows how.
    not_run : str
        Why nothing was run, if that is so.
    """

    weights: Comparison
    variables: Comparison
    left_out: list[str]
    not_run: str = ""


def subject(path: Path, suffix: str | None = None, variable: str | None = None) -> Subject:
    """Read the network in a file of any format."""
    form = formats.format_of(path, suffix)
    form.require("reads", "runs")
    checkpoint = formats.read(path, suffix, variable)
    if not checkpoint.description:
        return Subject(checkpoint.arrays)
    net, run = checkpoint.network(), form.run
    if run is None:
        return Subject(checkpoint.arrays, net, lambda inputs: evaluate(net, inputs).values)
    return Subject(checkpoint.arrays, net, lambda inputs: run(path, inputs))


def compare_subjects(
    first: Subject, second: Subject, given: Mapping[str, Array] | None = None, size: Sequence[int] | None = None
) -> Verdict:
    """Compare two networks: their weights, and what their layers compute from the same input.

    Parameters
    ----------
    given, size
        See :func:`vlnn.convert.probing.probe`.
    """
    if first.net is None or second.net is None or first.run is None or second.run is None:
        only = Comparison([], [], [])
        return Verdict(compare(first.arrays, second.arrays), only, [], "not computed: a file has weights alone")
    weights = compare(named_weights(first.net), named_weights(second.net))
    try:
        tried = probe(first.net, given, size)
        names = inputs_of(second.net)
        alone = len(names) == len(tried.inputs) == 1
        inputs = dict(zip(names, tried.inputs.values(), strict=True)) if alone else tried.inputs
        missing = [name for name in names if name not in inputs]
        if missing:
            raise ConversionError(f"The inputs differ: {', '.join(tried.inputs)} and {', '.join(names)}.")
        computed = [first.run(tried.inputs), second.run(inputs)]
    except (ConversionError, MatConvNetError) as error:
        return Verdict(weights, Comparison([], [], []), [], f"not computed: {error}")
    nets = (first.net, second.net)
    values = [
        {name: value for name, value in each.items() if name not in inputs_of(net)}
        for net, each in zip(nets, computed, strict=True)
    ]
    if type(first.net) is not type(second.net):
        values = [_by_layers(net, each) for net, each in zip(nets, values, strict=True)]
    return Verdict(weights, compare(*values), tried.evaluation.left_out)


def _by_layers(net: Network, values: Mapping[str, Array]) -> dict[str, Array]:
    """Variables by the names of the layers that write them."""
    if isinstance(net, SimpleNN):
        return dict(values)
    writers = {name: layer.name for layer in net.layers for name in layer.outputs[:1]}
    return {writers.get(name, name): value for name, value in values.items()}
