"""From the layers of a network to operations."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from vlnn import dagnn
from vlnn.convert import operations as ops
from vlnn.convert.channels import channels_of_input, channels_of_output
from vlnn.convert.checkpoint import Checkpoint
from vlnn.convert.evaluation import INPUT, NOISE
from vlnn.convert.names import unused
from vlnn.convert.operations import Program, Weight
from vlnn.convert.rules import Step, operation_of
from vlnn.convert.weights import layer_names
from vlnn.dagnn.arithmetic import size_of
from vlnn.dagnn.from_simplenn import block_of
from vlnn.dagnn.prediction import judges_of
from vlnn.errors import ConversionError, MatConvNetError
from vlnn.matlab.arrays import Array
from vlnn.matlab.values import Struct
from vlnn.settings import settings
from vlnn.simplenn import SimpleNN
from vlnn.simplenn.evaluation import without_moments
from vlnn.simplenn.formats import current_layers
from vlnn.simplenn.prediction import layers_before_losses


def lower(checkpoint: Checkpoint, drop_loss: bool = False) -> Program:
    """The operations of a network, losses at its end left out.

    Parameters
    ----------
    checkpoint : Checkpoint
    drop_loss : bool
        Also leave out the softmax in a softmax loss, which otherwise is the output, as a variable 'prob'.

    Returns
    -------
    program : Program
        The variables are those of a DagNN; in a SimpleNN 'input', and for each layer its name. A name that is taken
        gets '_2' or a higher number at its end.

    Raises
    ------
    ConversionError
        For a layer that cannot be expressed: the message has its name, its type and what to do.
    """
    network = _shell(checkpoint)
    names = {id(array): name for name, array in network.arrays.items()}

    def weight(layer: str, value: Any) -> Weight | None:
        if value is None or not np.size(value):
            return None
        if id(value) not in names:
            raise ConversionError(
                f"Layer '{layer}' cannot be converted: it has weights in a form of old versions, or integers. "
                "vlnn.vl_simplenn_tidy brings a SimpleNN up to date."
            )
        height, width, depth, count = size_of(value)[:4]
        return Weight(names[id(value)], (height, width, depth, count))

    net = network.net
    with settings.scoped():  # blocks' options may choose cuDNN
        steps, losses = (_of_chain if isinstance(net, SimpleNN) else _of_graph)(net, weight)
        return _program(steps, [] if drop_loss else losses, net.meta)


@dataclass(frozen=True)
class _Shell:
    """A network in which arrays can be told by their identity; large ones may be without their values."""

    net: Any
    arrays: dict[str, Array]


def _shell(checkpoint: Checkpoint) -> _Shell:
    """The network of a checkpoint, without copies of its arrays.

    What would have to be converted, as half has to be to single, is zeros instead: memory that nobody touches.
    """
    arrays, classes = {}, checkpoint.classes()
    for name, array in checkpoint.arrays.items():
        dtype = classes.get(name, array.dtype)
        if array.flags.f_contiguous and array.dtype == dtype:
            arrays[name] = array.view()  # an identity of its own, should one array have two names
        elif array.ndim <= 2:
            arrays[name] = np.asfortranarray(array, dtype)
        else:
            arrays[name] = np.zeros(array.shape, dtype, order="F")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # whoever has loaded the network has been warned
        return _Shell(Checkpoint(checkpoint.description, arrays).network(), arrays)


Steps = tuple[list[Step], list[Step]]  # what is computed, and the losses at the end
Named = Callable[[str, Any], "Weight | None"]  # of a layer's name and a value


def _of_graph(net: dagnn.DagNN, weight: Named) -> Steps:
    """The layers of a DagNN in their order."""
    judges = judges_of(net)
    writers: dict[str, str] = {}
    found: Steps = ([], [])
    for index in net.executionOrder:
        layer = net.layers[index]
        weights = tuple(weight(layer.name, net.params[p].value) for p in layer.paramIndexes)
        step = Step(layer.name, layer.block.type, layer.block, tuple(layer.inputs), tuple(layer.outputs), weights)
        if index not in judges:
            if weights and weights[0] is None:
                step.refuse(f"its parameter '{layer.params[0]}' has no value")
            for name in step.outputs:
                if name in writers:
                    step.refuse(f"it writes the variable '{name}', as layer '{writers[name]}' does")
                writers[name] = layer.name
        found[index in judges].append(step)
    return found


def _of_chain(net: SimpleNN, weight: Named) -> Steps:
    """The layers of a SimpleNN, their variables named after them."""
    layers = current_layers(net)
    count = layers_before_losses(layers)
    variable = INPUT
    found: Steps = ([], [])
    for index, (layer, output) in enumerate(zip(layers, layer_names(net), strict=True)):
        name = str(layer.get("name") or output)
        weights = layer.get("weights") or []
        if without_moments(layer):
            weights = weights[:2]
        inputs = (variable, NOISE) if layer.type == "concat" else (variable,)
        values = tuple(weight(name, value) for value in weights)
        step = Step(name, str(layer.type), _block(layer), inputs, (output,), values)
        found[index >= count].append(step)
        variable = output
    return found


def _block(layer: Struct) -> Any:
    """The block that computes what a layer of a SimpleNN does, None if there is none."""
    if layer.type == "noffset":
        return dagnn.NormOffset(param=layer.param)
    if layer.type in ("SubP", "concat"):
        return layer
    if layer.type == "spnorm":
        return dagnn.SpatialNorm(param=layer.param)
    try:
        return block_of(layer)[0]
    except MatConvNetError:
        return None


def _program(steps: list[Step], losses: list[Step], meta: Any) -> Program:
    """Operations of layers, and a softmax for each variable that a softmax loss reads."""
    written = {name for step in steps for name in step.outputs}
    read = list(dict.fromkeys(name for step in steps for name in step.inputs))
    inputs = [name for name in read if name not in written]
    channels = {name: channels_of_input(name, steps, inputs, meta) for name in inputs}
    operations = []
    for step in steps:
        early = [name for name in step.inputs if name not in channels]
        if early:
            step.refuse(f"it reads '{early[0]}', which follows from what it computes")
        operation = operation_of(step, channels)
        operations.append(operation)
        channels[operation.output] = channels_of_output(operation, [channels[name] for name in operation.inputs])
    taken = {*channels, *(name for step in losses for name in step.outputs)}
    judged: set[str] = set()
    for step in losses:
        source = step.inputs[0]
        softmax = isinstance(step.block, dagnn.Loss) and step.block.loss == "softmaxlog"
        if softmax and source in channels and source not in judged:
            judged.add(source)
            operations.append(ops.Softmax(step.layer, (source,), unused("prob", taken)))
            channels[operations[-1].output] = channels[source]
    used = {name for operation in operations for name in operation.inputs}
    outputs = [operation.output for operation in operations if operation.output not in used]
    if not operations:
        raise ConversionError("The network has no layers, or losses alone: there is nothing to convert.")
    return Program(tuple(operations), tuple(inputs), tuple(outputs), channels)
