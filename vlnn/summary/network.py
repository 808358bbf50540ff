"""summarise: a network in figures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from vlnn.dagnn import BatchNorm, Concat, Conv, ConvTranspose, DagNN, DropOut, Loss, Pooling, ReLU, Unknown
from vlnn.dagnn.extents import NO_FIELD, UNKNOWN_SIZE, Pair, ReceptiveField, Size
from vlnn.errors import MatConvNetError
from vlnn.matlab.arrays import is_array
from vlnn.preprocessing import Normalization
from vlnn.preprocessing.meta import input_depth
from vlnn.simplenn import SimpleNN
from vlnn.simplenn.formats import cells
from vlnn.simplenn.layers import TYPES
from vlnn.summary.figures import LayerSummary, NetworkSummary
from vlnn.summary.formulas import Formulas
from vlnn.summary.graph import Network, as_graph, peak_of, roles_of, shape_of, sizes_of

BYTES = 4  # of a number in single


def summarise(net: Network, input_size: Mapping[str, Any] | Any = None) -> NetworkSummary:
    """Describe a network in figures.

    Parameters
    ----------
    net : SimpleNN or DagNN
    input_size : (H, W), (H, W, D) or (H, W, D, N), or {'name': size}, optional
        By default what net.meta says; where it says nothing, sizes are in terms of those of the input.

    Raises
    ------
    MatConvNetError
        For a size that is none, or an input that there is not.

    >>> import numpy as np, vlnn
    >>> from vlnn.summary import summarise
    >>> net = vlnn.vl_simplenn_tidy({'layers': [{'type': 'conv', 'weights': [np.ones((3, 3, 1, 8)), []], 'stride': 2}]})
    >>> summarise(net, (9, 9)).layers[0].size
    (4, 4, 8, 1)
    >>> summarise(net).layers[0].formula
    '(H-2)/2 x (W-2)/2 x 8'
    """
    graph = as_graph(net)
    roles = roles_of(graph)
    images = roles.inputs
    types = [layer.type for layer in net.layers] if isinstance(net, SimpleNN) else None
    runnable = TYPES if types else ()
    problems = []
    try:
        normalization = Normalization.of(net)
    except MatConvNetError as error:
        normalization = Normalization()
        problems.append(str(error))
    inputs = _input_sizes(net, graph, images, normalization, input_size)
    sizes = sizes_of(graph, inputs)
    formulas = Formulas(graph, inputs)
    fields = _fields(graph, images)
    layers = []
    for index, layer in enumerate(graph.layers):
        block = layer.block
        values = [value for name in layer.params if is_array(value := graph.getParam(name).value)]
        first = layer.outputs[0] if layer.outputs else ""
        field = fields.get(first, NO_FIELD)
        layers.append(
            LayerSummary(
                name=layer.name,
                type=block.type.removeprefix("dagnn.") if types is None else types[index],
                detail=_detail(block),
                inputs=tuple(layer.inputs),
                outputs=tuple(layer.outputs),
                filters=_filters(block, values),
                groups=_groups(block, sizes[layer.inputs[0]] if layer.inputs else UNKNOWN_SIZE),
                **{name: getattr(block, name, None) for name in ("stride", "pad", "dilate", "upsample", "crop")},
                field=_known(field.size),
                field_stride=_known(field.stride),
                field_offset=_known(field.offset),
                size=sizes.get(first, UNKNOWN_SIZE),
                formula=formulas.of(first),
                parameters=sum(value.size for value in values),
                parameter_bytes=sum(value.nbytes for value in values),
                operations=_operations(block, layer, sizes, values),
            )
        )
    params = [param.value for param in graph.params if is_array(param.value)]
    known = [count for size in sizes.values() if not math.isnan(count := math.prod(size))]
    sized = not math.isnan(sizes[images[0]][0]) if images else False
    return NetworkSummary(
        kind=type(net).__name__,
        inputs=inputs,
        outputs=tuple(roles.outputs),
        layers=tuple(layers),
        parameters=sum(value.size for value in params),
        parameter_bytes=sum(value.nbytes for value in params),
        variable_bytes=BYTES * sum(known) if sized else math.nan,
        peak_bytes=BYTES * peak_of(graph, sizes) if sized else math.nan,
        operations=sum(layer.operations for layer in layers),
        normalization=normalization if normalization.stated else None,
        classes=class_names(net),
        unknown=tuple(
            dict.fromkeys(
                layer.block.type
                for index, layer in enumerate(graph.layers)
                if isinstance(layer.block, Unknown) and index not in roles.losses and layer.block.type not in runnable
            )
        ),
        problems=tuple(problems),
    )


def class_names(net: Network) -> tuple[str, ...]:
    """What net.meta.classes calls the classes: descriptions where there are any, else names."""
    classes = net.meta.get("classes") if isinstance(net.meta, Mapping) else None
    if not isinstance(classes, Mapping):
        return tuple(map(str, cells(classes))) if isinstance(classes, (list, tuple)) else ()
    for field in ("description", "name"):
        names = cells(classes.get(field))
        if names and all(isinstance(name, str) for name in names):
            return tuple(names)
    return ()


def _input_sizes(
    net: Network, graph: DagNN, images: list[str], normalization: Normalization, given: Any
) -> dict[str, Size]:
    """The size of each input: as given, as net.meta says, or NaN."""
    channels = {name: _depth(graph, name) for name in images}
    found: dict[str, Size] = {name: (math.nan, math.nan, channels[name], 1) for name in images}
    if images:
        channels[images[0]] = normalization.channels or input_depth(net) or math.nan
        found[images[0]] = (*(normalization.size or (math.nan, math.nan)), channels[images[0]], 1)
    if given is None:
        return found
    if not isinstance(given, Mapping):
        if not images:
            raise MatConvNetError("The network has no input whose size could be given.")
        given = {images[0]: given}
    for name, size in given.items():
        if name not in graph.getInputs():
            raise MatConvNetError(f"The network has no input '{name}'; it has {', '.join(graph.getInputs())}.")
        numbers = [float(number) for number in size]
        if not 2 <= len(numbers) <= 4 or not all(number >= 1 and number.is_integer() for number in numbers):
            raise MatConvNetError(
                f"The size of an input is height, width, channels and images, of which the last two may be left out. "
                f"Received {given[name]!r}."
            )
        left_out = (channels.get(name, math.nan), 1)
        found[name] = tuple(int(number) for number in numbers) + left_out[len(numbers) - 2 :]
    return found


def _depth(graph: DagNN, variable: str) -> float:
    """How many channels the filters take that read a variable; NaN where none do."""
    blocks = (layer.block for layer in graph.layers if variable in layer.inputs)
    return next((block.size[2] for block in blocks if isinstance(block, Conv) and block.size[2]), math.nan)


def _fields(graph: DagNN, images: list[str]) -> dict[str, ReceptiveField]:
    """The receptive field of each variable in the first input."""
    if not images:
        return {}
    try:
        fields = graph.getVarReceptiveFields(images[0])
    except (ArithmeticError, IndexError, TypeError, ValueError):  # a layer whose fields make no sense
        return {}
    return {var.name: field for var, field in zip(graph.vars, fields, strict=True)}


def _known(numbers: Pair) -> Pair | None:
    return numbers if numbers and not any(math.isnan(number) for number in numbers) else None


def _filters(block: Any, values: list[Any]) -> tuple[int, ...] | None:
    if isinstance(block, Pooling):
        return tuple(int(side) for side in block.poolSize)
    if isinstance(block, (Conv, ConvTranspose)):
        shape = (*shape_of(values[0]), 1, 1)[:4] if values else block.size
        return tuple(int(side) for side in shape)
    return None


def _groups(block: Any, size: Size) -> int | None:
    """Groups of channels: those of a convolution are implied by the channels that its filters take."""
    if isinstance(block, ConvTranspose):
        return int(block.numGroups)
    if isinstance(block, Conv) and block.size[2] and not math.isnan(size[2]):
        return max(1, int(size[2] // block.size[2]))
    return None


def _operations(block: Any, layer: Any, sizes: Mapping[str, Size], values: list[Any]) -> float:
    filters = _filters(block, values)
    if not isinstance(block, (Conv, ConvTranspose)) or not filters:
        return 0
    pixels = sizes[layer.outputs[0] if isinstance(block, Conv) else layer.inputs[0]]
    return pixels[0] * pixels[1] * pixels[3] * math.prod(filters)


def _detail(block: Any) -> str:
    """What there is to say about a block besides its geometry."""
    match block:
        case Pooling():
            return str(block.method)
        case ReLU():
            return f"leak {block.leak:g}" if block.leak else ""
        case Loss():
            return str(block.loss)
        case DropOut():
            return f"rate {block.rate:g}"
        case BatchNorm():
            return f"epsilon {block.epsilon:g}"
        case Concat():
            return f"along dimension {block.dim:g}" if block.dim != 3 else ""
    return ""
