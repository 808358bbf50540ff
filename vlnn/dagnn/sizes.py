"""The sizes of a network's variables, and their receptive fields."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from vlnn.dagnn.evaluation import pairs_of
from vlnn.dagnn.extents import NO_FIELD, SAME_PIXEL, UNKNOWN_SIZE, ReceptiveField, Size, compose, merge, tidy
from vlnn.dagnn.graph import Graph
from vlnn.dagnn.properties import vector
from vlnn.errors import MatConvNetError


def var_sizes(net: Graph, input_sizes: Any) -> list[Size]:
    """The size of each variable."""
    found: list[Size] = [UNKNOWN_SIZE] * len(net.vars)
    for name, size in pairs_of("INPUTSIZES", input_sizes).items():
        if name not in net.positions["vars"]:
            raise MatConvNetError(f"Variable `{name}` not found in the network. {net.near('vars', name)}")
        numbers = vector(size)
        found[net.positions["vars"][name]] = (*numbers, 1, 1, 1, 1)[:4] if numbers else (0, 0, 0, 0)
    for index in net.executionOrder:
        layer = net.layers[index]
        results = layer.block.getOutputSizes([found[v] for v in layer.inputIndexes])
        for v, size in zip(layer.outputIndexes, [*results, *[UNKNOWN_SIZE] * len(layer.outputs)], strict=False):
            found[v] = tidy(size)
    return found


def receptive_fields(net: Graph, var: Any) -> Any:
    """The receptive fields of all variables in one, or in each of a list."""
    if isinstance(var, (list, tuple)):
        return [receptive_fields(net, one) for one in var]
    if isinstance(var, str):
        if var not in net.positions["vars"]:
            raise MatConvNetError(f"Variable {var} not found. {net.near('vars', var)}")
        var = net.positions["vars"][var]
    fields: list[ReceptiveField] = [NO_FIELD] * len(net.vars)
    fields[var] = SAME_PIXEL
    for index in net.executionOrder:
        layer = net.layers[index]
        table = layer.block.getReceptiveFields()
        for row, source in zip(table, layer.inputIndexes, strict=False):
            for field, target in zip(row, layer.outputIndexes, strict=False):
                fields[target] = merge(fields[target], compose(fields[source], field))
    return fields


def memory_of(size: Sequence[float]) -> float:
    """Bytes in single; 0 where a size is not known."""
    bytes_ = 4 * math.prod(size)
    return 0 if math.isnan(bytes_) else bytes_
