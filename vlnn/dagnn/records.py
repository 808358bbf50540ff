"""The elements of a DagNN's layers, vars and params, with MATLAB's field names."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from vlnn.dagnn.layer import Layer


@dataclass(eq=False)
class LayerRecord:
    """An element of ``net.layers``. Its indexes are positions in ``net.vars`` and ``net.params``."""

    name: str
    inputs: list[str]
    outputs: list[str]
    params: list[str]
    block: Layer
    inputIndexes: list[int] = field(default_factory=list)
    outputIndexes: list[int] = field(default_factory=list)
    paramIndexes: list[int] = field(default_factory=list)
    forwardTime: float | None = None
    backwardTime: float | None = None


@dataclass(eq=False)
class Var:
    """An element of ``net.vars``; None is MATLAB's []."""

    name: str
    value: Any = None
    der: Any = None
    fanin: int = 0
    fanout: int = 0
    precious: bool = False


@dataclass(eq=False)
class Param:
    """An element of ``net.params``; None is MATLAB's []."""

    name: str
    value: Any = None
    der: Any = None
    fanout: int = 0
    trainMethod: str = "gradient"
    learningRate: Any = 1
    weightDecay: Any = 1


def blank(var: Var) -> Var:
    """A variable of the same name without a value."""
    twin = copy.copy(var)
    twin.value = twin.der = None
    return twin


def positions_of(records: Iterable[LayerRecord | Var | Param]) -> dict[str, int]:
    """Where the record of each name stands."""
    return {record.name: index for index, record in enumerate(records)}


def order_of(layers: list[LayerRecord], variables: int) -> tuple[list[int], bool]:
    """Layers by the longest way to an output, those with equal ways as they stand; and whether there is a cycle.

    A layer waits for those that read its outputs. In a cycle, where it would wait for itself, it does not.
    """
    readers: list[list[int]] = [[] for _ in range(variables)]
    for index, layer in enumerate(layers):
        for v in layer.inputIndexes:
            readers[v].append(index)
    after = [[reader for v in layer.outputIndexes for reader in readers[v]] for layer in layers]
    steps = [0] * len(layers)  # to an output; 0 where they are not known yet
    cycle = False
    for first in range(len(layers)):
        waiting = {} if steps[first] else {first: None}  # in the order in which they wait for one another
        while waiting:
            index = next(reversed(waiting))
            open_ = [reader for reader in after[index] if not steps[reader]]
            free = next((reader for reader in open_ if reader not in waiting), None)
            if free is not None:
                waiting[free] = None
                continue
            cycle = cycle or bool(open_)
            steps[index] = 1 + max((steps[reader] for reader in after[index]), default=0)
            del waiting[index]
    return sorted(range(len(layers)), key=lambda index: -steps[index]), cycle
