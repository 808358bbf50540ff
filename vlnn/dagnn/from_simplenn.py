"""DagNN.fromSimpleNN: a chain of layers as a graph."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from vlnn.dagnn.filters import Conv, ConvTranspose, Pooling
from vlnn.dagnn.graph import Graph
from vlnn.dagnn.layer import Layer
from vlnn.dagnn.losses import Loss
from vlnn.dagnn.normalisation import LRN, BatchNorm
from vlnn.dagnn.pointwise import DropOut, ReLU, Sigmoid, SoftMax
from vlnn.dagnn.properties import text, vector
from vlnn.dagnn.reading import empty, options_of, structs
from vlnn.errors import MatConvNetError
from vlnn.matlab.values import Struct
from vlnn.simplenn.tidy import vl_simplenn_tidy

SUPPORTED = "conv, convt, pool, normalize (lrn), dropout, relu, sigmoid, softmax, softmaxloss and bnorm"


class Weights(NamedTuple):
    """A parameter of a layer: what its name ends in, its value, learning rate and weight decay."""

    suffix: str
    value: Any
    learning_rate: Any
    weight_decay: Any


def convert(dag: Graph, net: Any, args: Sequence[Any], opts: dict[str, Any]) -> None:
    """Fill an empty DagNN with the layers of a SimpleNN network."""
    options = options_of({"canonicalNames": False}, args, opts)
    tidy = vl_simplenn_tidy(net)
    for index, layer in enumerate(tidy["layers"]):
        name = text(layer.get("name", f"layer{index + 1}"))
        block, weights = block_of(layer)
        inputs, outputs = [f"x{index}"], [f"x{index + 1}"]
        if isinstance(block, Loss):
            inputs.append(_new_name(dag, "label"))
        dag.addLayer(name, block, inputs, outputs, [name + one.suffix for one in weights], skipRebuild=True)
        for one in weights:
            param = dag.getParam(name + one.suffix)
            if not empty(one.value):
                param.value = one.value
            if one.learning_rate is not None:
                param.learningRate = one.learning_rate
            if one.weight_decay is not None:
                param.weightDecay = one.weight_decay
    dag.rebuild()
    if options["canonicalNames"]:
        _rename(dag)
    dag.meta = _meta(dag, tidy["meta"])


def block_of(layer: Mapping[str, Any]) -> tuple[Layer, list[Weights]]:
    """The block for a SimpleNN layer, and its parameters."""
    type_ = text(layer["type"])
    weights = list(layer.get("weights") or ())
    if type_ in ("conv", "convt"):
        return _filters(layer, type_, weights)
    if type_ == "bnorm":
        rates, decays = _of_each(layer, "learningRate", 3), _of_each(layer, "weightDecay", 3)
        if decays[0] is not None:
            decays[2] = 0
        block = BatchNorm(epsilon=layer["epsilon"], numChannels=np.size(weights[0]))
        return block, [Weights(*one) for one in zip("mbx", weights, rates, decays, strict=True)]
    return _plain_block(layer, type_), []


def _filters(layer: Mapping[str, Any], type_: str, weights: list[Any]) -> tuple[Layer, list[Weights]]:
    has_bias = len(weights) > 1 and not empty(weights[1])
    common = {"size": np.shape(weights[0]), "hasBias": has_bias, "opts": layer["opts"]}
    block: Layer
    if type_ == "conv":
        block = Conv(**common, pad=layer["pad"], stride=layer["stride"], dilate=layer["dilate"])
    else:
        block = ConvTranspose(**common, upsample=layer["upsample"], crop=layer["crop"], numGroups=layer["numGroups"])
    rates, decays = _of_each(layer, "learningRate", 2), _of_each(layer, "weightDecay", 2)
    named = [Weights(*one) for one in zip("fb", weights[:2], rates, decays, strict=False)]
    return block, named if has_bias else named[:1]


def _plain_block(layer: Mapping[str, Any], type_: str) -> Layer:
    """The block for a layer without parameters."""
    if type_ == "pool":
        pooling = Pooling(poolSize=layer["pool"], pad=layer["pad"], stride=layer["stride"], opts=layer["opts"])
        pooling.method = layer.get("method", "max")
        return pooling
    if type_ in ("normalize", "lrn"):
        return LRN(param=layer["param"])
    if type_ == "dropout":
        return DropOut(rate=layer["rate"])
    if type_ == "relu":
        return ReLU(leak=layer["leak"])
    if type_ == "softmaxloss":
        return Loss(loss="softmaxlog")
    if type_ in ("sigmoid", "softmax"):
        return Sigmoid() if type_ == "sigmoid" else SoftMax()
    raise MatConvNetError(
        f"{type_} is unsupported. In layer '{layer.get('name', '')}'; fromSimpleNN knows {SUPPORTED}."
    )


def _of_each(layer: Mapping[str, Any], field: str, count: int) -> list[Any]:
    """A learning rate or weight decay for each weight; None where there is none."""
    numbers = vector(layer.get(field))
    return [*numbers, *[None] * count][:count]


def _rename(dag: Graph) -> None:
    """Give variables the names by which one looks for them."""
    for index, layer in enumerate(dag.layers):
        if index == 0:
            dag.renameVar(layer.inputs[0], "input")
        if isinstance(layer.block, SoftMax):
            dag.renameVar(layer.outputs[0], _new_name(dag, "prob"))
            dag.renameVar(layer.inputs[0], _new_name(dag, "prediction"))
        if isinstance(layer.block, Loss):
            dag.renameVar(layer.outputs[0], "objective")
            if not re.match("prob", layer.inputs[0]):
                dag.renameVar(layer.inputs[0], _new_name(dag, "prediction"))


def _new_name(dag: Graph, prefix: str) -> str:
    name, count = prefix, 0
    while name in dag.positions["vars"]:
        count += 1
        name = f"{prefix}{count}"
    return name


def _meta(dag: Graph, meta: Any) -> Struct:
    """The meta of the SimpleNN network, with the name that the input has now."""
    copied = Struct(meta) if isinstance(meta, Mapping) else Struct()
    inputs = structs(copied.get("inputs"), "META.INPUTS")
    if inputs and dag.layers:
        first = Struct(inputs[0], name=dag.layers[0].inputs[0])
        copied["inputs"] = [first, *inputs[1:]] if len(inputs) > 1 else first
    return copied
