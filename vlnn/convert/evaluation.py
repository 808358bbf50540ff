"""What a network computes from an input: every variable, in mode 'test', as far as its layers are known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from vlnn.convert.weights import Network, layer_names, quietly
from vlnn.dagnn import DagNN, Unknown
from vlnn.dagnn.losses import Loss
from vlnn.dagnn.prediction import judges_of
from vlnn.matlab.arrays import Array
from vlnn.matlab.values import Struct
from vlnn.simplenn import SimpleNN
from vlnn.simplenn.formats import current_layers
from vlnn.simplenn.layers import LOSSES, TYPES
from vlnn.simplenn.prediction import layers_before_losses

INPUT, NOISE = "input", "sigmas"  # of a SimpleNN; the latter is what layers of type concat append
SOFTMAX = "prob"  # of what goes into a softmax loss


class Evaluation(NamedTuple):
    """The values of variables by their names, and the layers that were not run because nobody knows their class.

    The variables of a DagNN have their names. In a SimpleNN they are 'input' and, for the output of a layer, its name.
    The softmax in a softmax loss is 'prob', unless something else is.
    """

    values: dict[str, Array]
    left_out: list[str]


def inputs_of(net: Network) -> list[str]:
    """The names of the variables that have to be given."""
    if isinstance(net, SimpleNN):
        return [INPUT, NOISE] if any(layer.type == "concat" for layer in net.layers) else [INPUT]
    judges = quietly(judges_of, net)
    read = {v for index, layer in enumerate(net.layers) if index not in judges for v in layer.inputIndexes}
    return [var.name for v, var in enumerate(net.vars) if not var.fanin and v in read]


def evaluate(net: Network, inputs: Mapping[str, Array]) -> Evaluation:
    """Run a network on inputs by their names.

    Raises
    ------
    MatConvNetError
        What a layer refuses, with the layer.
    """
    return quietly(_chain if isinstance(net, SimpleNN) else _graph, net, inputs)


def _chain(net: SimpleNN, inputs: Mapping[str, Array]) -> Evaluation:
    layers, names = current_layers(net), layer_names(net)
    count = layers_before_losses(layers)
    known = next((at for at, layer in enumerate(layers[:count]) if not _is_known(layer)), count)
    wanted = names[:known]
    if known == count < len(layers) and layers[count].type in LOSSES and SOFTMAX not in names[:count]:
        wanted.append(SOFTMAX)
    named = [Struct(layer, name=name) for layer, name in zip(layers, names, strict=True)]
    values = SimpleNN(named, net.meta).predict(dict(inputs), wanted) if wanted else {}
    return Evaluation({**inputs, **values}, names[known:count])


def _is_known(layer: Struct) -> bool:
    if layer.type == "custom":
        return callable(layer.get("forward"))
    return layer.type in TYPES


def _graph(net: DagNN, inputs: Mapping[str, Array]) -> Evaluation:
    judges = judges_of(net)
    known, wanted, left_out = set(inputs), [], []
    softmaxes = []
    for index in net.executionOrder:
        layer = net.layers[index]
        if index in judges:
            if isinstance(layer.block, Loss) and layer.block.loss == "softmaxlog" and layer.inputs[0] in known:
                softmaxes.append(SOFTMAX)
        elif isinstance(layer.block, Unknown) or not known.issuperset(layer.inputs):
            left_out.append(layer.name)
        else:
            known.update(layer.outputs)
            wanted += layer.outputs
    if softmaxes and SOFTMAX not in net.positions["vars"]:
        wanted.append(SOFTMAX)
    values: dict[str, Any] = net.predict(dict(inputs), wanted) if wanted else {}
    return Evaluation({**inputs, **values}, left_out)
