"""From the layers of a network to operations."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from vlnn import dagnn
from vlnn.blocks import nnconv, nnconvt, nnpool, nnrelu, nnroipool
from vlnn.convert import operations as ops
from vlnn.convert.checkpoint import Checkpoint
from vlnn.convert.operations import Operation, Program, Weight
from vlnn.dagnn.arithmetic import size_of
from vlnn.dagnn.from_simplenn import block_of
from vlnn.dagnn.prediction import judges_of
from vlnn.errors import ConversionError, MatConvNetError
from vlnn.geometry import Sides
from vlnn.matlab.argparse import block_options, scalar_option
from vlnn.matlab.arguments import plain, truncate
from vlnn.matlab.arrays import Array
from vlnn.matlab.values import Struct
from vlnn.settings import settings
from vlnn.simplenn import SimpleNN
from vlnn.simplenn.evaluation import without_moments
from vlnn.simplenn.formats import current_layers
from vlnn.simplenn.prediction import layers_before_losses

ADVICE = (
    "Remove the layer, or write what it does with MatConvNet's other layers; .mat, .npz and .safetensors keep it as it "
    "is"
)


@dataclass(frozen=True)
class Step:
    """A layer: its block, the variables that it reads and writes, and its weights, None where there are none."""

    layer: str
    type: str
    block: Any
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    weights: tuple[Weight | None, ...]

    def refuse(self, why: str) -> NoReturn:
        """Say that the layer cannot be converted."""
        raise ConversionError(f"Layer '{self.layer}' of type {self.type} cannot be converted: {why}. {ADVICE}.")

    def weight(self, position: int) -> Weight | None:
        return self.weights[position] if position < len(self.weights) else None

    def needed(self, position: int, what: str) -> Weight:
        """A weight without which the layer cannot be."""
        found = self.weight(position)
        return self.refuse(f"its {what} have no values") if found is None else found


Rule = Callable[[Step, Mapping[str, "int | None"]], Operation]  # of a step, and the channels of what it reads


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

    def weight(value: Any) -> Weight | None:
        if value is None or not np.size(value):
            return None
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
    arrays = {}
    for name, array in checkpoint.arrays.items():
        half = array.dtype == np.float16
        if array.flags.f_contiguous and not half:
            arrays[name] = array.view()  # an identity of its own, should one array have two names
        elif array.ndim <= 2:
            arrays[name] = np.asfortranarray(array, np.float32 if half else None)
        else:
            arrays[name] = np.zeros(array.shape, np.float32 if half else array.dtype, order="F")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # whoever has loaded the network has been warned
        return _Shell(Checkpoint(checkpoint.description, arrays).network(), arrays)


Steps = tuple[list[Step], list[Step]]  # what is computed, and the losses at the end


def _of_graph(net: dagnn.DagNN, weight: Callable[[Any], Weight | None]) -> Steps:
    """The layers of a DagNN in their order."""
    judges = judges_of(net)
    writers: dict[str, str] = {}
    found: Steps = ([], [])
    for index in net.executionOrder:
        layer = net.layers[index]
        weights = tuple(weight(net.params[p].value) for p in layer.paramIndexes)
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


def _of_chain(net: SimpleNN, weight: Callable[[Any], Weight | None]) -> Steps:
    """The layers of a SimpleNN, their variables named after them."""
    layers = current_layers(net)
    count = layers_before_losses(layers)
    variable, taken = "input", {"input"}
    found: Steps = ([], [])
    for index, layer in enumerate(layers):
        name = str(layer.get("name") or f"layer{index + 1}")
        output = _unused(name, taken)
        weights = layer.get("weights") or []
        if without_moments(layer):
            weights = weights[:2]
        step = Step(
            name, str(layer.type), _block(layer), (variable,), (output,), tuple(weight(value) for value in weights)
        )
        found[index >= count].append(step)
        variable = output
    return found


def _block(layer: Struct) -> Any:
    """The block that computes what a layer of a SimpleNN does, None if there is none."""
    if layer.type == "noffset":
        return dagnn.NormOffset(param=layer.param)
    if layer.type == "spnorm":
        return dagnn.SpatialNorm(param=layer.param)
    try:
        return block_of(layer)[0]
    except MatConvNetError:
        return None


def _unused(name: str, taken: set[str]) -> str:
    """A name that is not taken, and is from now on."""
    free, count = name, 1
    while free in taken:
        count += 1
        free = f"{name}_{count}"
    taken.add(free)
    return free


def _program(steps: list[Step], losses: list[Step], meta: Any) -> Program:
    """Operations of layers, and a softmax for each variable that a softmax loss reads."""
    written = {name for step in steps for name in step.outputs}
    read = list(dict.fromkeys(name for step in steps for name in step.inputs))
    inputs = [name for name in read if name not in written]
    channels = {name: _channels_of_input(name, steps, inputs, meta) for name in inputs}
    operations = []
    for step in steps:
        operation = _lowered(step, channels)
        operations.append(operation)
        channels[operation.output] = _channels(operation, [channels[name] for name in operation.inputs])
    taken = {*channels, *(name for step in losses for name in step.outputs)}
    judged: set[str] = set()
    for step in losses:
        source = step.inputs[0]
        softmax = isinstance(step.block, dagnn.Loss) and step.block.loss == "softmaxlog"
        if softmax and source in channels and source not in judged:
            judged.add(source)
            operations.append(ops.Softmax(step.layer, (source,), _unused("prob", taken)))
            channels[operations[-1].output] = channels[source]
    used = {name for operation in operations for name in operation.inputs}
    outputs = [operation.output for operation in operations if operation.output not in used]
    if not operations:
        raise ConversionError("The network has no layers, or losses alone: there is nothing to convert.")
    return Program(tuple(operations), tuple(inputs), tuple(outputs), channels)


def _lowered(step: Step, channels: Mapping[str, int | None]) -> Operation:
    rule = RULES.get(type(step.block))
    if rule is None:
        step.refuse(
            "it is a loss in the middle of the network"
            if isinstance(step.block, dagnn.Loss)
            else "no format that holds graphs has it"
        )
    if len(step.outputs) != 1:
        step.refuse(f"it has {len(step.outputs)} outputs")
    try:
        return rule(step, channels)
    except MatConvNetError as error:
        step.refuse(str(error).rstrip("."))


def _channels_of_input(name: str, steps: list[Step], inputs: list[str], meta: Any) -> int | None:
    """The channels of an input: what meta says, if filters fit; else what filters have, as if in one group."""
    declared = _declared_channels(name, inputs, meta)
    depths = [
        step.weights[0].size
        for step in steps
        if isinstance(step.block, dagnn.Conv) and name in step.inputs
        if step.weights and step.weights[0]
    ]
    if not depths:
        return declared
    if declared and all(declared % depth == 0 and not count % (declared // depth) for _, _, depth, count in depths):
        return declared
    return depths[0][2]


def _declared_channels(name: str, inputs: list[str], meta: Any) -> int | None:
    """The third number of a size of the input in meta."""
    if not isinstance(meta, Mapping):
        return None
    listed = meta.get("inputs")
    entries = [listed] if isinstance(listed, Mapping) else listed if isinstance(listed, list) else []
    sizes = [entry.get("size") for entry in entries if isinstance(entry, Mapping) and entry.get("name") == name]
    if len(inputs) == 1:
        normalization = meta.get("normalization")
        sizes += [meta.get("inputSize"), normalization.get("imageSize") if isinstance(normalization, Mapping) else None]
    for size in sizes:
        numbers = plain(size) if size is not None else None
        if numbers and len(numbers) >= 3 and numbers[2] >= 1:
            return int(numbers[2])
    return None


def _channels(operation: Operation, given: Sequence[int | None]) -> int | None:
    """The channels of an output from those of the inputs."""
    match operation:
        case ops.Convolution(filters=Weight(size=size)):
            return size[3]
        case ops.TransposedConvolution(filters=Weight(size=size), groups=groups):
            return size[2] * groups
        case ops.BatchNormalisation(multipliers=weight):
            return weight.elements
        case ops.Concatenation(dimension=2):
            return None if None in given else sum(count for count in given if count)
        case ops.Grid(basis=basis):
            return int(basis.shape[3])
        case ops.Distance():
            return 1
        case ops.RegionPooling(subdivisions=(high, wide), flatten=True):
            return None if given[0] is None else given[0] * high * wide
        case ops.Sum() | ops.Scaling():
            counts = [*given, *(weight.size[2] for weight in operation.weights())]
            return next((count for count in counts if count != 1), 1)
    return given[0]


def _conv(step: Step, channels: Mapping[str, int | None]) -> Operation:
    block, filters = step.block, step.weight(0)
    options = nnconv.OPTIONS.parse(
        None, ["pad", block.pad, "stride", block.stride, "dilate", block.dilate, *block.opts], {}
    ).options
    groups, source = 1, step.inputs[0]
    if filters is None and max(options["Dilate"]) > 1:
        step.refuse("it has no filters, and dilate is not one")
    if filters is not None:
        depth = channels[source] or filters.size[2]
        groups, rest = divmod(depth, filters.size[2])
        if rest or filters.size[3] % groups:
            step.refuse(f"its {filters.size[3]} filters of depth {filters.size[2]} do not fit {depth} channels")
    biases = step.weight(1) if block.hasBias or filters is None else None
    return ops.Convolution(
        step.layer, (source,), step.outputs[0], filters, biases,
        options["Stride"], Sides(*options["Pad"]), options["Dilate"], groups,
    )  # fmt: skip


def _convt(step: Step, channels: Mapping[str, int | None]) -> Operation:
    block, filters = step.block, step.needed(0, "filters")
    options = nnconvt.OPTIONS.parse(
        None, ["upsample", block.upsample, "crop", block.crop, "numGroups", block.numGroups, *block.opts], {}
    ).options
    return ops.TransposedConvolution(
        step.layer, step.inputs[:1], step.outputs[0], filters, step.weight(1) if block.hasBias else None,
        options["Upsample"], Sides(*options["Crop"]), options["NumGroups"],
    )  # fmt: skip


def _pool(step: Step, channels: Mapping[str, int | None]) -> Operation:
    block = step.block
    options = nnpool.OPTIONS.parse(
        None, ["pad", block.pad, "stride", block.stride, "method", block.method, *block.opts], {}
    ).options
    high, wide = (truncate(side) for side in block.poolSize)
    pad = Sides(*options["Pad"])
    if min(high, wide) < 1 or max(pad.top, pad.bottom) >= high or max(pad.left, pad.right) >= wide:
        step.refuse(f"its pads {tuple(pad)} do not fit windows of {high} x {wide}")
    maximum = options["Method"] == "max"
    return ops.Pooling(step.layer, step.inputs, step.outputs[0], maximum, (high, wide), options["Stride"], pad)


def _relu(step: Step, channels: Mapping[str, int | None]) -> Operation:
    _, options = block_options(nnrelu.OPTIONS, None, ["leak", step.block.leak, *step.block.opts], {})
    return ops.Rectifier(step.layer, step.inputs, step.outputs[0], scalar_option("LEAK", options["leak"]))


def _bnorm(step: Step, channels: Mapping[str, int | None]) -> Operation:
    return ops.BatchNormalisation(
        step.layer, step.inputs, step.outputs[0], step.needed(0, "multipliers"), step.needed(1, "biases"),
        step.weight(2), float(step.block.epsilon),
    )  # fmt: skip


def _lrn(step: Step, channels: Mapping[str, int | None]) -> Operation:
    depth, kappa, alpha, beta = _numbers(step, "param", 4)
    window = int(min(depth, 2 * (channels[step.inputs[0]] or depth)))
    if window < 1:
        step.refuse(f"its window is of {depth:g} channels")
    return ops.ChannelNormalisation(
        step.layer, step.inputs, step.outputs[0], (window - 1) // 2, window // 2, kappa, alpha, beta
    )


def _noffset(step: Step, channels: Mapping[str, int | None]) -> Operation:
    return ops.NormOffset(step.layer, step.inputs, step.outputs[0], *_numbers(step, "param", 2))


def _spnorm(step: Step, channels: Mapping[str, int | None]) -> Operation:
    height, width, alpha, beta = _numbers(step, "param", 4)
    high, wide = int(height), int(width)
    above, left = (high - 1) // 2, (wide - 1) // 2
    pad = Sides(above, high - 1 - above, left, wide - 1 - left)
    return ops.SpatialNormalisation(step.layer, step.inputs, step.outputs[0], (high, wide), pad, alpha, beta)


def _scale(step: Step, channels: Mapping[str, int | None]) -> Operation:
    operands = len(step.inputs) + len(step.weights)
    biased = step.block.hasBias
    if operands < 2 + biased or None in step.weights:
        step.refuse("multipliers or biases are missing")
    multipliers, biases = [*[None] * (len(step.inputs) - 1), *step.weights, None][:2]
    return ops.Scaling(step.layer, step.inputs, step.outputs[0], multipliers, biases if biased else None, biased)


def _concat(step: Step, channels: Mapping[str, int | None]) -> Operation:
    if step.block.dim not in (1, 2, 3, 4):
        step.refuse(f"dim is {step.block.dim}, none of 1, 2, 3 and 4")
    return ops.Concatenation(step.layer, step.inputs, step.outputs[0], int(step.block.dim) - 1)


def _crop(step: Step, channels: Mapping[str, int | None]) -> Operation:
    top, left = _numbers(step, "crop", 2)
    return ops.Cropping(step.layer, step.inputs[:2], step.outputs[0], (int(top), int(left)))


def _grid(count: int) -> Rule:
    """Of the grids of the unit transformations, which have `count` numbers."""

    def rule(step: Step, channels: Mapping[str, int | None]) -> Operation:
        (grids,) = step.block.forward([np.eye(count)[None, None]], [])  # (2, Ho, Wo, count)
        return ops.Grid(step.layer, step.inputs, step.outputs[0], np.moveaxis(grids, 3, 0))

    return rule


def _sampler(step: Step, channels: Mapping[str, int | None]) -> Operation:
    return ops.BilinearSampling(step.layer, step.inputs, step.outputs[0])


def _roi(step: Step, channels: Mapping[str, int | None]) -> Operation:
    block = step.block
    options = nnroipool.OPTIONS.parse(
        None, ["method", block.method, "subdivisions", block.subdivisions, "transform", block.transform], {}
    ).options
    return ops.RegionPooling(
        step.layer, step.inputs, step.outputs[0], options["Method"] == "max", options["Subdivisions"],
        options["Transform"], block.flatten,
    )  # fmt: skip


def _pdist(step: Step, channels: Mapping[str, int | None]) -> Operation:
    block = step.block
    if len(step.inputs) < 2:
        step.refuse("it compares with what is no variable")
    return ops.Distance(step.layer, step.inputs, step.outputs[0], float(block.p), not block.noRoot, block.aggregate)


def _numbers(step: Step, name: str, count: int) -> Iterable[float]:
    values = getattr(step.block, name)
    if len(values) != count:
        step.refuse(f"{name} has {len(values)} numbers instead of {count}")
    return [float(value) for value in values]


def _plain(kind: type[Operation]) -> Rule:
    return lambda step, channels: kind(step.layer, step.inputs, step.outputs[0])


def _dropout(step: Step, channels: Mapping[str, int | None]) -> Operation:
    return ops.Dropout(step.layer, step.inputs, step.outputs[0], float(step.block.rate))


RULES: dict[type, Rule] = {
    dagnn.Conv: _conv,
    dagnn.ConvTranspose: _convt,
    dagnn.Pooling: _pool,
    dagnn.ReLU: _relu,
    dagnn.Sigmoid: _plain(ops.Sigmoid),
    dagnn.SoftMax: _plain(ops.Softmax),
    dagnn.DropOut: _dropout,
    dagnn.BatchNorm: _bnorm,
    dagnn.LRN: _lrn,
    dagnn.NormOffset: _noffset,
    dagnn.SpatialNorm: _spnorm,
    dagnn.Sum: _plain(ops.Sum),
    dagnn.Concat: _concat,
    dagnn.Scale: _scale,
    dagnn.Crop: _crop,
    dagnn.AffineGridGenerator: _grid(6),
    dagnn.UniformScalingGridGenerator: _grid(3),
    dagnn.BilinearSampler: _sampler,
    dagnn.ROIPooling: _roi,
    dagnn.PDist: _pdist,
}
