"""Batch normalisation folded into the convolution before it, in a network of either kind."""

from __future__ import annotations

import numpy as np

from vlnn import dagnn
from vlnn.convert.changes import Changed
from vlnn.convert.weights import Network, layer_names, sharing
from vlnn.dagnn import DagNN
from vlnn.dagnn.folding import folded
from vlnn.matlab.arguments import plain
from vlnn.matlab.values import Cell, Struct
from vlnn.simplenn import SimpleNN
from vlnn.simplenn.formats import cells, current_layers


def fold_bnorm(net: Network) -> Changed:
    """Fold each batch normalisation that follows a convolution, transposed or not, into it.

    Those that cannot be folded stay, and the notes say which: without moments, with a sigma of zero, or where something
    else needs the convolution's output or its filters.
    """
    return _in_chain(net) if isinstance(net, SimpleNN) else _in_graph(net)


def _in_chain(net: SimpleNN) -> Changed:
    layers, names = current_layers(net), layer_names(net)
    kept: list[Struct] = []
    renamed: dict[str, str | None] = {}
    gone: list[str] = []
    stay: list[str] = []
    for layer, name in zip(layers, names, strict=True):
        before = kept[-1] if kept else Struct(type="")
        found = None
        if layer.type == "bnorm" and before.type in ("conv", "convt"):
            filters, biases = (cells(before.weights) + [None] * 2)[:2]
            groups = int((plain(before.numGroups) or [1])[0]) if before.type == "convt" else None
            if np.size(filters):
                found = folded(filters, [] if biases is None else biases, cells(layer.weights), groups)
        if found is None:
            if layer.type == "bnorm":
                stay.append(name)
            kept.append(Struct(layer, name=name))
        else:
            gone.append(name)
            kept[-1] = Struct(before, weights=Cell(found))
            renamed[before.name] = name
    return Changed(SimpleNN(kept, net.meta), renamed, notes=_notes(gone, stay))


def _in_graph(net: DagNN) -> Changed:
    shared = sharing(net)
    gone: list[str] = []
    stay: list[str] = []
    for name in [layer.name for layer in net.layers if isinstance(layer.block, dagnn.BatchNorm)]:
        (gone if _fold_layer(shared, name) else stay).append(name)
    return Changed(shared, notes=_notes(gone, stay))


def _fold_layer(net: DagNN, name: str) -> bool:
    """Fold one layer of a DagNN into the one before it, if that can be."""
    layer = net.getLayer(name)
    position = layer.inputIndexes[0]
    source, writers = net.vars[position], [each for each in net.layers if position in each.outputIndexes]
    if len(writers) != 1 or source.fanout != 1 or source.precious:
        return False
    (before,) = writers
    if not isinstance(before.block, (dagnn.Conv, dagnn.ConvTranspose)):
        return False
    params = [net.params[p] for p in before.paramIndexes]
    if not params or params[0].value is None or any(param.fanout > 1 for param in params):
        return False
    biases = params[1].value if before.block.hasBias and len(params) > 1 else []
    groups = int(before.block.numGroups) if isinstance(before.block, dagnn.ConvTranspose) else None
    bnorm = [net.params[p].value for p in layer.paramIndexes]
    found = None if None in [type(value) for value in bnorm] else folded(params[0].value, biases, bnorm, groups)
    if found is None:
        return False
    if len(params) == 1:
        net.setLayerParams(before.name, [params[0].name, _unused(net, f"{before.name}_b")])
        before.block.hasBias = True
    for p, value in zip(net.getLayer(before.name).paramIndexes, found, strict=True):
        net.params[p].value = value
    net.setLayerOutputs(before.name, layer.outputs)
    net.removeLayer(name)
    return True


def _unused(net: DagNN, name: str) -> str:
    """A name that no parameter has."""
    while name in net.positions["params"]:
        name += "_"
    return name


def _notes(gone: list[str], stay: list[str]) -> tuple[str, ...]:
    notes = [f"Batch normalisations folded into the convolutions before them: {len(gone)}."]
    if stay:
        notes.append(f"Not folded, for they do not follow a convolution of their own with moments: {', '.join(stay)}.")
    return tuple(notes)
