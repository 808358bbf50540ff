"""The weights of a network by layer, whichever kind of network it is."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

import numpy as np

from vlnn.convert.names import unused
from vlnn.dagnn import DagNN
from vlnn.matlab.arrays import Array, is_array
from vlnn.simplenn import SimpleNN
from vlnn.simplenn.formats import cells

Network: TypeAlias = SimpleNN | DagNN
T = TypeVar("T")


def quietly(function: Callable[..., T], *args: Any) -> T:
    """What a function returns, without its warnings: whoever loaded the network has been told what is odd about it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*args)


def sharing(net: DagNN) -> DagNN:
    """A DagNN of its own with the same arrays."""
    twin: DagNN = quietly(DagNN.loadobj, net.saveobj(), True)
    return twin


def layer_names(net: SimpleNN) -> list[str]:
    """A name for each layer of a SimpleNN: its own, or 'layer1' and so on; with '_2' at its end if it is taken."""
    taken = {"input"}
    return [unused(str(layer.get("name") or f"layer{index + 1}"), taken) for index, layer in enumerate(net.layers)]


def weights_of(net: Network) -> dict[tuple[str, int], Array]:
    """The weights that are not empty, by the name of the layer and their position in it, from 0."""
    if isinstance(net, DagNN):
        values = {layer.name: [net.params[p].value for p in layer.paramIndexes] for layer in net.layers}
    else:
        names = layer_names(net)
        values = {name: cells(layer.get("weights")) for name, layer in zip(names, net.layers, strict=True)}
    return {
        (layer, at): value
        for layer, weights in values.items()
        for at, value in enumerate(weights)
        if is_array(value) and np.size(value)
    }


def named_weights(net: Network) -> dict[str, Array]:
    """The weights by names such as 'conv1.0', which are the same in both kinds of networks."""
    return {f"{layer}.{at}": array for (layer, at), array in weights_of(net).items()}
