"""From one kind of network to the other: a chain of layers as a graph, and a graph that is a chain as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from vlnn import dagnn
from vlnn.convert.changes import Changed
from vlnn.convert.weights import Network, layer_names, quietly
from vlnn.dagnn import DagNN
from vlnn.dagnn.prediction import judges_of
from vlnn.dagnn.properties import saved
from vlnn.dagnn.records import LayerRecord, Param
from vlnn.errors import ConversionError, MatConvNetError
from vlnn.matlab.values import Cell, Struct
from vlnn.simplenn import SimpleNN
from vlnn.simplenn.evaluation import without_moments
from vlnn.simplenn.formats import current_layers
from vlnn.simplenn.tidy import vl_simplenn_tidy

KINDS = ("simplenn", "dagnn")
Fields = Callable[[Any], dict[str, Any]]
# For each block the type of a SimpleNN's layer, and its fields.
TYPES: dict[type, tuple[str, Fields]] = {
    dagnn.Conv: ("conv", lambda block: _saved(block, "pad", "stride", "dilate", "opts")),
    dagnn.ConvTranspose: ("convt", lambda block: _saved(block, "crop", "upsample", "numGroups", "opts")),
    dagnn.Pooling: (
        "pool",
        lambda block: {"method": block.method, "pool": saved(block.poolSize), **_saved(block, "pad", "stride", "opts")},
    ),
    dagnn.BatchNorm: ("bnorm", lambda block: _saved(block, "epsilon")),
    dagnn.LRN: ("lrn", lambda block: _saved(block, "param")),
    dagnn.NormOffset: ("noffset", lambda block: _saved(block, "param")),
    dagnn.SpatialNorm: ("spnorm", lambda block: _saved(block, "param")),
    dagnn.ReLU: ("relu", lambda block: _saved(block, "leak")),
    dagnn.Sigmoid: ("sigmoid", lambda block: {}),
    dagnn.SoftMax: ("softmax", lambda block: {}),
    dagnn.DropOut: ("dropout", lambda block: _saved(block, "rate")),
}


def to_dagnn(net: Network) -> Changed:
    """A DagNN from a SimpleNN: 'input' goes in, 'prediction' or 'prob' comes out, as fromSimpleNN's canonicalNames say.

    Raises
    ------
    ConversionError
        For a layer that no block of a DagNN is for: the message has its name and its type.
    """
    if isinstance(net, DagNN):
        return Changed(net)
    names = layer_names(net)
    layers = [Struct(layer, name=name) for layer, name in zip(current_layers(net), names, strict=True)]
    for layer in layers:
        if layer.type == "loss":  # vl_simplenn computes nothing but softmaxlog in either
            layer.type = "softmaxloss"
    try:
        dag = DagNN.fromSimpleNN(vl_simplenn_tidy(Struct(net, layers=layers)), canonicalNames=True)
    except MatConvNetError as error:
        raise ConversionError(f"The network cannot become a DagNN: {error}") from None
    for layer, name in zip(layers, names, strict=True):
        if without_moments(layer):  # without a third parameter it normalises by the input's moments, as the layer does
            dag.setLayerParams(name, dag.getLayer(name).params[:2])
    renamed = {layer.outputs[0]: name for layer, name in zip(dag.layers, names, strict=True)}
    return Changed(dag, renamed, notes=("The SimpleNN has become a DagNN.",))


def to_simplenn(net: Network) -> Changed:
    """A SimpleNN from a DagNN whose layers are a chain.

    A softmax loss at the end becomes softmaxloss; other losses and measures of error are left out.

    Raises
    ------
    ConversionError
        For a layer where the graph forks or joins, or that no type of a SimpleNN's layer is for: the message has its
        name and what is wrong.
    """
    if isinstance(net, SimpleNN):
        return Changed(net)
    judges = quietly(judges_of, net)
    order = [net.layers[index] for index in net.executionOrder if index not in judges]
    _check_chain(net, order)
    layers = [_layer_of(net, layer) for layer in order]
    losses = [net.layers[index] for index in net.executionOrder if index in judges]
    kept = next((loss for loss in losses if _is_softmax_loss(loss, order)), None)
    if kept is not None:
        layers.append(Struct(type="softmaxloss", name=kept.name))
    gone = [loss.name for loss in losses if loss is not kept]
    notes = ["The DagNN has become a SimpleNN."]
    if gone:
        notes.append(f"Left out, for a SimpleNN has no such layers: {', '.join(gone)}.")
    chain: SimpleNN = vl_simplenn_tidy(Struct(layers=layers, meta=net.meta))
    renamed = {name: layer.outputs[0] for name, layer in zip(layer_names(chain), order, strict=False)}
    return Changed(chain, renamed, notes=tuple(notes))


def _saved(block: Any, *names: str) -> dict[str, Any]:
    return {name: saved(getattr(block, name)) for name in names}


def _is_softmax_loss(layer: LayerRecord, order: Sequence[LayerRecord]) -> bool:
    last = order[-1].outputs[:1] if order else []
    return isinstance(layer.block, dagnn.Loss) and layer.block.loss == "softmaxlog" and layer.inputs[:1] == last


def _check_chain(net: DagNN, order: Sequence[LayerRecord]) -> None:
    """Refuse a graph that is no chain, and say where."""

    def refuse(layer: LayerRecord, what: str) -> None:
        raise ConversionError(
            f"The DagNN is no chain and cannot become a SimpleNN: layer '{layer.name}' ({layer.block.type}) {what}."
        )

    if not order:
        raise ConversionError("The DagNN has no layers but losses, and cannot become a SimpleNN.")
    readers: dict[str, list[str]] = {}
    for layer in order:
        for name in layer.inputs:
            readers.setdefault(name, []).append(layer.name)
    for name, several in readers.items():
        if len(several) > 1 and name in net.getInputs():
            refuse(net.getLayer(several[0]), f"is not the only one that reads the input '{name}': {', '.join(several)}")
    for layer in order:
        after = [name for output in layer.outputs for name in readers.get(output, [])]
        if len(after) > 1:
            refuse(layer, f"forks: its output is read by {', '.join(after)}")
    for at, layer in enumerate(order):
        if len(layer.inputs) != 1:
            refuse(layer, f"reads {len(layer.inputs)} variables, {', '.join(layer.inputs)}")
        if len(layer.outputs) != 1:
            refuse(layer, f"writes {len(layer.outputs)} variables, {', '.join(layer.outputs)}")
        if at and layer.inputs != order[at - 1].outputs:
            refuse(layer, f"reads '{layer.inputs[0]}', which layer '{order[at - 1].name}' before it does not write")
        if layer.block.__class__ not in TYPES:
            refuse(layer, "is of a class that a SimpleNN has no type for")


def _layer_of(net: DagNN, layer: LayerRecord) -> Struct:
    type_, fields = TYPES[type(layer.block)]
    params = [net.params[p] for p in layer.paramIndexes]
    found = Struct(type=type_, name=layer.name, **fields(layer.block))
    found.precious = net.vars[layer.outputIndexes[0]].precious
    if type_ in ("conv", "convt", "bnorm"):
        found.weights = Cell(param.value for param in params)
        if type_ != "bnorm" and len(params) == 1:
            found.weights.append(np.zeros((0, 0), np.float32))
        found.learningRate = _row(params, "learningRate")
        found.weightDecay = _row(params, "weightDecay")
    return found


def _row(params: Sequence[Param], field: str) -> Any:
    return np.array([[float(np.ravel(getattr(param, field))[0]) for param in params]])
