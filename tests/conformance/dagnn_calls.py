"""The functions named in dagnn.mat: the helpers with which DagNN was recorded, around vlnn's DagNN."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np


def dagnn_eval(saved: Any, inputs: Any, der_outputs: Any, options: dict[str, Any]) -> tuple[Any, ...]:
    """Load, evaluate, and return variables, parameters, the order of layers and the losses."""
    dagnn = import_module("vlnn.dagnn")
    net = dagnn.DagNN.loadobj(saved)
    if "mode" in options:
        net.mode = options["mode"]
    net.conserveMemory = bool(_number(options, "conserveMemory", 0))
    net.accumulateParamDers = bool(_number(options, "accumulateParamDers", 0))
    for name in options.get("precious", []):
        net.vars[net.getVarIndex(name)].precious = True
    for _ in range(_number(options, "repeat", 1)):
        net.eval(inputs, *([der_outputs] if len(der_outputs) else []))
    blocks = [(layer.name, layer.block) for layer in net.layers if isinstance(layer.block, dagnn.Loss)]
    losses = [[name, block.average, block.numAveraged] for name, block in blocks]
    return net.vars, net.params, _row(index + 1 for index in net.getLayerExecutionOrder()), losses


def dagnn_varsizes(saved: Any, sizes: Any) -> Any:
    net = import_module("vlnn.dagnn").DagNN.loadobj(saved)
    return [_row(size) for size in net.getVarSizes(sizes)]


def dagnn_from_simplenn(saved: Any, *options: Any) -> tuple[Any, ...]:
    net = import_module("vlnn.dagnn").DagNN.fromSimpleNN(saved, *options)
    layers = [
        {
            "name": layer.name,
            "type": f"dagnn.{type(layer.block).__name__}",
            "inputs": layer.inputs,
            "outputs": layer.outputs,
            "params": layer.params,
        }
        for layer in net.layers
    ]
    return [var.name for var in net.vars], net.params, layers, net.meta


def _number(options: dict[str, Any], name: str, default: int) -> int:
    value = options.get(name, default)
    return int(value.item() if hasattr(value, "item") else value)


def _row(values: Any) -> Any:
    return np.asarray(list(values), np.float64).reshape(1, -1)


DAGNN_CALLS = {function.__name__: function for function in (dagnn_eval, dagnn_varsizes, dagnn_from_simplenn)}
