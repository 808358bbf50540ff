"""The forms in which files and scripts give a network, brought into the one that MatConvNet has now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from vlnn.errors import MatConvNetError
from vlnn.matlab.arguments import plain, received
from vlnn.matlab.values import Struct

WITH_WEIGHTS = ("conv", "convt", "bnorm")


def cells(value: object) -> list[Any]:
    """The elements of a cell array; [] and None have none, and a value that is no cell array is its own."""
    if value is None:
        return []
    if isinstance(value, (list, tuple)):
        return list(value)
    if isinstance(value, np.ndarray) and (value.dtype == object or value.size == 0):
        return list(value.ravel(order="F"))
    return [value]


def flag(value: object) -> bool:
    """A logical, which a file may hold as a 1x1 array of any class; [] is false, as in MATLAB's if."""
    elements = plain(value)
    return bool(elements) and all(elements or ())


def layers_of(net: object) -> list[Struct]:
    """The layers of a network as structs, each a copy whose fields are the network's own."""
    if not isinstance(net, Mapping) or "layers" not in net:
        fields = f"a struct with the fields {', '.join(net)}" if isinstance(net, Mapping) else received(net)
        raise MatConvNetError(
            f"Reference to non-existent field 'layers'. Received {fields}; a network has the field layers, a list of "
            f"structs. {_what_it_is(net)}"
        )
    given = net["layers"]
    layers = [given] if isinstance(given, Mapping) else cells(given)
    for position, layer in enumerate(layers):
        if not isinstance(layer, Mapping):
            raise MatConvNetError(
                f"Layer {position + 1} (net.layers[{position}]) is not a struct. Received {received(layer)}."
            )
        if not isinstance(layer.get("type"), str):
            raise MatConvNetError(
                f"Reference to non-existent field 'type'. Layer {position + 1} (net.layers[{position}]) has the fields "
                f"{', '.join(layer)}; its type is a string such as 'conv'."
            )
    return [Struct(layer) for layer in layers]


def _what_it_is(net: object) -> str:
    """What to do with what is given instead of a network."""
    if hasattr(net, "vars") and hasattr(net, "eval"):
        return "This is a DagNN: net.eval(['input', x]) and net.predict(x) evaluate it."
    fields = net if isinstance(net, Mapping) else {}
    inside = [name for name, value in fields.items() if isinstance(value, Mapping) and "layers" in value]
    if inside:
        return f"`{inside[0]}` in it looks like a network: pass that."
    if any(isinstance(layer, Mapping) and "type" in layer for layer in cells(net)):
        return "Layers become one by vlnn.simplenn.SimpleNN(layers)."
    return "vlnn.load_network finds the network in a file."


def place(layers: list[Struct], position: int) -> str:
    """Which layer, for messages: by MATLAB's number, its type and name, and where it is in Python."""
    layer = layers[position]
    name = layer.get("name")
    named = f" '{name}'" if isinstance(name, str) and name else ""
    return f"layer {position + 1}, {layer.type}{named} (net.layers[{position}])"


def current_layers(net: object) -> list[Struct]:
    """The layers with old fields renamed and missing ones filled in."""
    layers = layers_of(net)
    for position, layer in enumerate(layers):
        if layer.type == "custom":
            continue
        if layer.type in WITH_WEIGHTS and "weights" not in layer:
            missing = [name for name in ("filters", "biases") if name not in layer]
            if missing:
                raise MatConvNetError(
                    f"Reference to non-existent field '{missing[0]}'. In {place(layers, position)} there are neither "
                    "weights, nor filters and biases as old networks have them."
                )
            layer.weights = [layer.pop("filters"), layer.pop("biases")]
        layer.weights = cells(layer.get("weights"))
        if layer.type == "bnorm" and 0 < len(layer.weights) < 3:
            missing_ones = 3 - len(layer.weights)
            moments = np.zeros((np.size(layer.weights[0]), 2), np.float32, order="F")
            layer.weights += [None, moments][-missing_ones:]
        for name, value in _defaults(layer.type, position).items():
            layer.setdefault(name, value)
    return layers


def current_meta(net: Mapping[str, Any]) -> Struct:
    """The network's meta information, with what older versions kept beside the layers, and with cropSize for border."""
    meta = Struct(net["meta"]) if isinstance(net.get("meta"), Mapping) else Struct()
    for name in ("classes", "normalization"):
        if name in net:
            meta[name] = net[name]
    normalization = meta.get("normalization")
    if isinstance(normalization, Mapping) and {"border", "imageSize"} <= set(normalization):
        size, border = plain(normalization["imageSize"]), plain(normalization["border"])
        if "cropSize" not in normalization and size and len(size) >= 2 and border and len(border) <= 2:
            inner = np.array([size[:2]])
            meta.normalization = Struct(normalization, cropSize=inner / (inner + np.array([border])))
    return meta


def _defaults(layer_type: str, position: int) -> dict[str, Any]:
    """The fields that a layer of a type has, with their values where it does not."""
    defaults: dict[str, Any] = {"name": f"layer{position + 1}", "precious": False}
    match layer_type:
        case "conv":
            defaults |= {"pad": 0, "stride": 1, "dilate": 1, "opts": []}
        case "pool":  # MatConvNet's own rule for the method is never reached
            defaults |= {"pad": 0, "stride": 1, "opts": []}
        case "convt":
            defaults |= {"crop": 0, "upsample": 1, "numGroups": 1, "opts": []}
        case "relu":
            defaults |= {"leak": 0}
        case "dropout":
            defaults |= {"rate": 0.5}
        case "normalize" | "lrn":
            defaults |= {"param": np.array([[5, 1, 0.0001 / 5, 0.75]])}
        case "pdist":
            defaults |= {"noRoot": False, "aggregate": False, "p": 2, "epsilon": 1e-3, "instanceWeights": []}
        case "bnorm":
            defaults |= {"epsilon": 1e-5}
    return defaults
