"""DagNN.saveobj and save: a network as a struct, and as a file."""

from __future__ import annotations

import os
from typing import Any

from vlnn.dagnn.graph import Graph
from vlnn.dagnn.properties import saved
from vlnn.matlab.devices import move_to
from vlnn.matlab.matfile import savemat
from vlnn.matlab.values import Cell, Struct, StructArray


def struct_of(net: Graph) -> Struct:
    """The network as MatConvNet saves it: names, values and properties."""
    vars_ = [Struct(name=var.name, precious=bool(var.precious)) for var in net.vars]
    params = [
        Struct(
            name=param.name,
            value=move_to(param.value, "cpu"),
            learningRate=saved(param.learningRate),
            weightDecay=saved(param.weightDecay),
        )
        for param in net.params
    ]
    layers = [
        Struct(
            name=layer.name,
            type=layer.block.type,
            inputs=Cell(layer.inputs),
            outputs=Cell(layer.outputs),
            params=Cell(layer.params),
            block=layer.block.save(),
        )
        for layer in net.layers
    ]
    return Struct(
        vars=StructArray(vars_, fields=("name", "precious")),
        params=StructArray(params, fields=("name", "value", "learningRate", "weightDecay")),
        layers=StructArray(layers, fields=("name", "type", "inputs", "outputs", "params", "block")),
        meta=net.meta,
    )


def save(net: Graph, path: str | os.PathLike[str], options: dict[str, Any]) -> None:
    """Write the network to a file."""
    savemat(path, struct_of(net), **options)
