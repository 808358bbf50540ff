"""Running the layers of a DagNN, forward and backward."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from vlnn.dagnn.filters import Conv
from vlnn.dagnn.graph import Graph
from vlnn.dagnn.records import LayerRecord
from vlnn.errors import MatConvNetError
from vlnn.geometry import sizes
from vlnn.matlab.arguments import received
from vlnn.simplenn.advice import about_layout


def pairs_of(what: str, given: Any) -> dict[str, Any]:
    """Names and values from a dict or from a list ['name', value, ...]."""
    if isinstance(given, Mapping):
        return dict(given)
    if not isinstance(given, (list, tuple)):
        raise MatConvNetError(
            f"{what} is not a cell array. Received {received(given)}; a list ['name', value, ...] or a dict is needed."
        )
    if len(given) % 2 or not all(isinstance(name, str) for name in given[::2]):
        raise MatConvNetError(f"{what} is not a list ['name', value, ...]. Received {len(given)} elements.")
    return dict(zip(given[::2], given[1::2], strict=True))


def check_names(net: Graph, names: Iterable[str]) -> None:
    """Refuse names of variables that do not exist."""
    for name in names:
        if name not in net.positions["vars"]:
            raise MatConvNetError(
                f"No variable of name '{name}' could be found in the DAG. {net.near('vars', name)} "
                f"The network's inputs: {', '.join(net.getInputs())}."
            )


def set_values(net: Graph, values: Mapping[str, Any]) -> None:
    """Give variables their values."""
    check_names(net, values)
    for name, value in values.items():
        net.vars[net.positions["vars"][name]].value = value


def set_derivatives(net: Graph, derivatives: Mapping[str, Any]) -> None:
    """Give variables the derivatives from which the backward pass starts, and forget all others."""
    missing = [name for name in derivatives if name not in net.positions["vars"]]
    if missing:
        raise MatConvNetError(
            f"Invalid `derOutputs`, variables {{{', '.join(missing)}}} do not exist in the network. "
            f"{net.near('vars', missing[0])} Its outputs: {', '.join(net.getOutputs())}."
        )
    for var in net.vars:
        var.der = None
    for name, der in derivatives.items():
        net.vars[net.positions["vars"][name]].der = der


def forward(net: Graph, order: Iterable[int]) -> None:
    """Evaluate layers, one after the other."""
    for index in order:
        layer = net.layers[index]
        layer.forwardTime = _run(net, layer, layer.block.forwardAdvanced)


def backward(net: Graph, order: Iterable[int]) -> None:
    """Differentiate layers, one after the other."""
    for index in order:
        layer = net.layers[index]
        layer.backwardTime = _run(net, layer, layer.block.backwardAdvanced)


def _run(net: Graph, layer: LayerRecord, step: Callable[[LayerRecord], None]) -> float:
    """Take one step of a layer; the seconds that it took."""
    given = [net.vars[v].value for v in layer.inputIndexes]  # the step may forget them
    start = time.perf_counter()
    try:
        step(layer)
    except (MatConvNetError, NotImplementedError) as error:
        raise _explained(error, net, layer, given) from None
    return time.perf_counter() - start


def warn_of_mode(net: Graph) -> None:
    """Warn when a layer that differs in mode 'test' has run in mode 'normal' though nobody trains."""
    if net.mode == "test":
        return
    layer = next((layer for layer in net.layers if layer.block.has_modes()), None)
    if layer is not None:
        warnings.warn(
            f"Layer '{layer.name}' ({layer.block.type}) ran in mode 'normal', which is for training. "
            "To apply a trained network set net.mode = 'test', or use net.predict.",
            stacklevel=3,
        )


def _explained(error: Exception, net: Graph, layer: LayerRecord, given: list[Any]) -> Exception:
    """The error, with the layer in which it came up, and what that was given."""
    if isinstance(error, NotImplementedError):
        return NotImplementedError(f"{error} It is the block of layer '{layer.name}'.")
    inputs = [
        f"'{name}' ({sizes(np.shape(value)) or 'scalar'} {value.dtype})" if hasattr(value, "dtype") else f"'{name}'"
        for name, value in zip(layer.inputs, given, strict=True)
    ]
    where = f"In layer '{layer.name}' ({layer.block.type}), which reads {', '.join(inputs)}."
    return MatConvNetError(f"{error} {where}{_advice(net, layer, str(error), given)}")


def _advice(net: Graph, layer: LayerRecord, error: str, given: list[Any]) -> str:
    """What to do about it."""
    if "compatible formats" in error:
        classes = {str(net.params[p].value.dtype) for p in layer.paramIndexes if hasattr(net.params[p].value, "dtype")}
        if len(classes) == 1:
            (class_,) = classes
            return f" The parameters are {class_}: give inputs of that class, x.astype('{class_}'), or use net.predict."
    sources = [net.vars[v].name for v in layer.inputIndexes if not net.vars[v].fanin]
    layout = about_layout(np.shape(given[0]), layer.block.size[2]) if sources and isinstance(layer.block, Conv) else ""
    if layout:
        return f" {layout.replace('x looks', f'{sources[0]!r} looks', 1)}"
    normalization = net.meta.get("normalization") if isinstance(net.meta, Mapping) else None
    size = normalization.get("imageSize") if isinstance(normalization, Mapping) else None
    if sources and size is not None:
        return f" The network was made for images of {sizes(tuple(int(side) for side in np.ravel(size)))}."
    return ""
