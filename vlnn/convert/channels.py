"""How many channels the variables of a network have, as far as its filters and its meta tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vlnn import dagnn
from vlnn.convert import operations as ops
from vlnn.convert.evaluation import NOISE
from vlnn.convert.operations import Operation, Weight
from vlnn.convert.rules import Step
from vlnn.matlab.arguments import plain


def channels_of_input(name: str, steps: list[Step], inputs: list[str], meta: Any) -> int | None:
    """The channels of an input: what meta says, if filters fit; else what filters have, as if in one group."""
    declared = _declared_channels(name, inputs, meta)
    depths = [
        step.weights[0].size
        for step in steps
        if isinstance(step.block, dagnn.Conv) and name in step.inputs
        if step.weights and step.weights[0]
    ]
    if not depths:
        return declared
    if declared and all(declared % depth == 0 and not count % (declared // depth) for _, _, depth, count in depths):
        return declared
    return depths[0][2]


def _declared_channels(name: str, inputs: list[str], meta: Any) -> int | None:
    """The third number of a size of the input in meta."""
    if not isinstance(meta, Mapping):
        return None
    listed = meta.get("inputs")
    entries = [listed] if isinstance(listed, Mapping) else listed if isinstance(listed, list) else []
    sizes = [entry.get("size") for entry in entries if isinstance(entry, Mapping) and entry.get("name") == name]
    if [name] == [other for other in inputs if other != NOISE]:
        normalization = meta.get("normalization")
        sizes += [meta.get("inputSize"), normalization.get("imageSize") if isinstance(normalization, Mapping) else None]
    for size in sizes:
        numbers = plain(size) if size is not None else None
        if numbers and len(numbers) >= 3 and numbers[2] >= 1:
            return int(numbers[2])
    return None


def channels_of_output(operation: Operation, given: Sequence[int | None]) -> int | None:
    """The channels of an output from those of the inputs."""
    match operation:
        case ops.Convolution(filters=Weight(size=size)):
            return size[3]
        case ops.TransposedConvolution(filters=Weight(size=size), groups=groups):
            return size[2] * groups
        case ops.BatchNormalisation(multipliers=weight):
            return weight.elements
        case ops.Concatenation(dimension=2) | ops.Appending():
            return None if None in given else sum(count for count in given if count)
        case ops.Grid(basis=basis):
            return int(basis.shape[3])
        case ops.Distance():
            return 1
        case ops.RegionPooling(subdivisions=(high, wide), flatten=True):
            return None if given[0] is None else given[0] * high * wide
        case ops.Reshaping(size=(_, _, depth)) if depth:
            return None if depth < 0 else depth
        case ops.Permutation(order=(_, _, source, _)) if source != 2:
            return None
        case ops.PixelShuffle(factor=factor, enlarge=enlarge) if given[0]:
            return given[0] // factor**2 if enlarge else given[0] * factor**2
        case ops.Sum() | ops.Scaling() | ops.WeightedSum():
            counts = [*given, *(weight.size[2] for weight in operation.weights())]
            return next((count for count in counts if count != 1), 1)
    return given[0]
