"""DagNN.predict: a network applied, without its losses and without a trace."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vlnn.blocks.nnsoftmax import vl_nnsoftmax
from vlnn.dagnn.evaluation import check_names, forward, pairs_of, set_values
from vlnn.dagnn.graph import Graph
from vlnn.dagnn.losses import Loss
from vlnn.dagnn.reading import strings
from vlnn.dagnn.records import LayerRecord, Param, blank
from vlnn.dagnn.registry import Unknown, is_ours
from vlnn.errors import MatConvNetError
from vlnn.matlab.arguments import received
from vlnn.matlab.arrays import Array, is_array
from vlnn.matlab.devices import move_to

JUDGES = re.compile("loss|error|accuracy|metric", re.IGNORECASE)  # in the names of classes that score a network


def predict(net: Graph, x: Any, outputs: Any) -> Any:
    """What DagNN.predict does."""
    judges = judges_of(net)
    values = _inputs(net, x, judges)
    if outputs is None:
        return _run(net, [_last_output(net, judges, values)], values)[0]
    names = strings(outputs, "OUTPUTS")
    sources = [_source_of(net, name, judges, values) for name in names]
    results = _run(net, [source for source, _ in sources], values)
    return {
        name: vl_nnsoftmax(result) if softmax else result
        for name, result, (_, softmax) in zip(names, results, sources, strict=True)
    }


def _source_of(net: Graph, name: str, judges: set[int], values: Mapping[str, Any]) -> tuple[str, bool]:
    """The variable that a name stands for, and whether it is the softmax of it that is wanted."""
    known = name in net.positions["vars"]
    for layer in net.layers:
        softmax_loss = isinstance(layer.block, Loss) and layer.block.loss == "softmaxlog"
        if softmax_loss and (layer.outputs == [name] or (name == "prob" and not known)):
            if known and set(layer.inputs[1:]) <= values.keys():
                return name, False  # the labels are given: the loss itself
            return layer.inputs[0], True
    if name == "prediction" and not known:
        return _last_output(net, judges, values), False
    if not known:
        raise MatConvNetError(f"The network has no variable '{name}'. {net.near('vars', name)}")
    return name, False


def judges_of(net: Graph) -> set[int]:
    """The layers at the end that score the network instead of being part of it."""
    found: set[int] = set()
    readers: list[set[int]] = [set() for _ in net.vars]
    for index, layer in enumerate(net.layers):
        for v in layer.inputIndexes:
            readers[v].add(index)
    for index in reversed(net.executionOrder):
        layer = net.layers[index]
        at_the_end = all(readers[v] <= found for v in layer.outputIndexes)
        if at_the_end and _is_judge(net, layer, readers):
            found.add(index)
    return found


def _is_judge(net: Graph, layer: LayerRecord, readers: list[set[int]]) -> bool:
    block = layer.block
    if isinstance(block, Loss):
        return True
    class_name = block.type.rpartition(".")[2]
    if not (isinstance(block, Unknown) or not is_ours(type(block))):
        return False
    if JUDGES.search(class_name):
        return True
    # A block of an unknown class that compares what was computed with something given to nobody else
    labels = [v for v in layer.inputIndexes if not net.vars[v].fanin and len(readers[v]) == 1]
    if isinstance(block, Unknown) and labels and len(labels) < len(layer.inputIndexes):
        warnings.warn(
            f"predict takes layer '{layer.name}' of the unknown class {block.type} for a loss and leaves it out.",
            stacklevel=5,
        )
        return True
    return False


def _inputs(net: Graph, x: Any, judges: set[int]) -> dict[str, Any]:
    """The inputs by their names, in the class of the parameters and on their device."""
    if isinstance(x, Mapping) or (isinstance(x, (list, tuple)) and x and isinstance(x[0], str)):
        given = pairs_of("X", x)
    else:
        read = {v for index, layer in enumerate(net.layers) if index not in judges for v in layer.inputIndexes}
        sources = [var.name for v, var in enumerate(net.vars) if not var.fanin and v in read]
        if len(sources) != 1:
            example = ", ".join(f"'{name}': array" for name in sources)
            raise MatConvNetError(
                f"The network has {len(sources)} inputs. Received one array; name what is what: {{{example}}}."
            )
        given = {sources[0]: x}
    check_names(net, given)
    class_ = _class_of(net)
    return {name: move_to(_in_class(name, value, class_), net.device) for name, value in given.items()}


def _class_of(net: Graph) -> np.dtype[Any]:
    """The class of the first parameter; single where there are none."""
    floats = (param.value.dtype for param in net.params if is_array(param.value) and param.value.dtype.kind == "f")
    return next(floats, np.dtype(np.float32))


def _in_class(name: str, value: Any, class_: np.dtype[Any]) -> Array:
    array = value if is_array(value) else np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise MatConvNetError(f"The input '{name}' is no array of real numbers. Received {received(value)}.")
    return array.astype(class_, order="F", copy=False)


def _last_output(net: Graph, judges: set[int], values: Mapping[str, Any]) -> str:
    """The variable that no layer but losses reads, written by the last layer that can be computed."""
    order = [index for index in range(len(net.layers)) if index not in judges]
    if not order:
        raise MatConvNetError("The network has no layers, or losses alone: say which variables you want.")
    read = {v for index in order for v in net.layers[index].inputIndexes}
    ends = [v for index in reversed(order) for v in reversed(net.layers[index].outputIndexes) if v not in read]
    known = _computed(net, net.executionOrder, values)
    return net.vars[next((v for v in ends if v in known), ends[0])].name


def _needed(net: Graph, names: Sequence[str], values: Mapping[str, Any]) -> list[int]:
    """The layers on the way to some variables."""
    wanted = {net.positions["vars"][name] for name in names}
    needed = []
    for index in reversed(net.executionOrder):
        layer = net.layers[index]
        if wanted & set(layer.outputIndexes):
            needed.append(index)
            wanted |= {v for v in layer.inputIndexes if net.vars[v].name not in values}
    return needed[::-1]


def _computed(net: Graph, order: Sequence[int], values: Mapping[str, Any]) -> set[int]:
    """The variables that have a value after these layers have run."""
    known = {net.positions["vars"][name] for name in values if name in net.positions["vars"]}
    for index in order:
        layer = net.layers[index]
        if known.issuperset(layer.inputIndexes):
            known.update(layer.outputIndexes)
    return known


def _check_computed(net: Graph, order: Sequence[int], names: Sequence[str], values: Mapping[str, Any]) -> None:
    """Refuse to start when a variable that is wanted would get no value."""
    known = _computed(net, order, values)
    missing = [name for name in names if net.positions["vars"][name] not in known]
    if not missing:
        return
    for index in order:
        layer = net.layers[index]
        lacking = [net.vars[v].name for v in layer.inputIndexes if v not in known and not net.vars[v].fanin]
        if lacking:
            raise MatConvNetError(
                f"The variable '{missing[0]}' cannot be computed: layer '{layer.name}' reads '{lacking[0]}', which has "
                f"no value. Received {', '.join(values) or 'nothing'}; inputs are {', '.join(net.getInputs())}."
            )
    raise MatConvNetError(f"The variable '{missing[0]}' cannot be computed from {', '.join(values)}.")


def _run(net: Graph, names: Sequence[str], values: dict[str, Any]) -> list[Any]:
    """Variables, from a run in mode 'test' that leaves the network's own as they are."""
    order = _needed(net, names, values)
    _check_computed(net, order, names, values)
    before = net.vars, net.params, net.mode, net.conserveMemory, net.computingDerivative, net.numPendingVarRefs
    net.vars = [blank(var) for var in net.vars]
    net.params = [_in_one_class(param, _class_of(net)) for param in net.params]
    net.mode, net.conserveMemory, net.computingDerivative = "test", True, False
    net.numPendingVarRefs = [0] * len(net.vars)
    for index in order:
        for v in net.layers[index].inputIndexes:
            net.numPendingVarRefs[v] += 1
    wanted = [net.vars[net.positions["vars"][name]] for name in names]
    for var in net.vars:
        var.precious = var in wanted
    try:
        set_values(net, values)
        values.clear()  # an input is forgotten, too, when nobody needs it any more
        forward(net, order)
        return [var.value for var in wanted]
    finally:
        net.vars, net.params, net.mode, net.conserveMemory, net.computingDerivative, net.numPendingVarRefs = before


def _in_one_class(param: Param, class_: np.dtype[Any]) -> Param:
    """A parameter in the class of the others; MatConvNet would refuse to mix them."""
    value = param.value
    if not is_array(value) or value.dtype.kind != "f" or value.dtype == class_:
        return param
    return Param(param.name, value.astype(class_))
