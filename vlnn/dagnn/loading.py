"""DagNN.loadobj: a network from a struct or a file."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from vlnn.dagnn.graph import Graph
from vlnn.dagnn.properties import flag, text
from vlnn.dagnn.reading import empty, scalar_of, structs, value_of
from vlnn.dagnn.registry import is_ours, load_block
from vlnn.errors import MatConvNetError
from vlnn.matlab.arguments import received
from vlnn.matlab.arrays import is_array
from vlnn.matlab.matfile import loadmat
from vlnn.matlab.values import Struct

SETTINGS = {"mode": text, "conserveMemory": flag, "accumulateParamDers": flag, "holdOn": flag}
OLD_META = ("normalization", "classes")  # before they moved into meta


def load(net: Graph, s: Any, tolerant: bool) -> Mapping[str, Any] | None:
    """Fill an empty network with a saved one; what is a SimpleNN network comes back."""
    from_file = isinstance(s, (str, os.PathLike))
    saved = value_of(loadmat(os.fspath(s)) if from_file else s)
    if isinstance(saved, list) and len(saved) == 1:  # a 1x1 array of structs, as SciPy has it
        (saved,) = saved
    if not isinstance(saved, Mapping):
        raise MatConvNetError(f"Unknown data type {type(saved).__name__} for `loadobj`. Received {received(saved)}.")
    if "layers" not in saved:
        inside = [name for name, value in saved.items() if _is_network(value)]
        if not from_file or len(inside) != 1:
            raise _invalid(saved, inside)
        saved = value_of(saved[inside[0]])
    layers = structs(saved["layers"], "LAYERS")
    if layers and not {"inputs", "outputs"} & set(layers[0]):
        warnings.warn("The model appears to be `simplenn` model. Using `fromSimpleNN` instead.", stacklevel=4)
        return Struct(saved)
    odd: dict[str, None] = {}
    for layer in layers:
        name, type_ = _string(layer, "name", "A layer"), _string(layer, "type", "A layer")
        fields = structs(layer.get("block"), f"The block of layer '{name}'")
        try:
            block = load_block(type_, fields[0] if fields else {}, tolerant)
        except MatConvNetError as error:
            raise MatConvNetError(f"{error} In layer '{name}'.") from None
        if is_ours(type(block)):
            odd.update(dict.fromkeys(f"{field} of {type_}" for field in block.kept))
        lists = [layer.get(what) for what in ("inputs", "outputs", "params")]
        net.addLayer(name, block, *lists, skipRebuild=True)
    net.rebuild()
    if odd:
        warnings.warn(
            f"The network is of a changed version of MatConvNet; vlnn keeps what it does not know, without effect: "
            f"{', '.join(odd)}. vlnn.dagnn.register puts classes of your own in the place of MatConvNet's.",
            stacklevel=4,
        )
    _load_params(net, saved.get("params"))
    _load_vars(net, saved.get("vars"))
    _load_rest(net, saved)
    return None


def _load_params(net: Graph, raw: Any) -> None:
    for fields in structs(raw, "PARAMS"):
        position = net.positions["params"].get(_string(fields, "name", "A parameter"))
        if position is None:  # of no layer
            continue
        param = net.params[position]
        for name, value in fields.items():
            if name not in ("name", "der", "fanout") and not empty(value):
                setattr(param, name, value_of(value) if name == "value" else scalar_of(value))
    # What SciPy gives as small integers, because the file stores it so, is of the class that the others have.
    floats = [param.value for param in net.params if is_array(param.value) and param.value.dtype.kind == "f"]
    dtype = max(floats, key=np.size).dtype if floats else np.dtype(np.float32)
    for param in net.params:
        if is_array(param.value) and param.value.dtype.kind in "iub":
            param.value = param.value.astype(dtype)


def _load_vars(net: Graph, raw: Any) -> None:
    for fields in structs(raw, "VARS"):
        position = net.positions["vars"].get(_string(fields, "name", "A variable"))
        if position is None:
            continue
        var = net.vars[position]
        var.precious = bool(scalar_of(fields.get("precious", False)))
        if not empty(fields.get("value")):
            var.value = value_of(fields["value"])


def _load_rest(net: Graph, saved: Mapping[str, Any]) -> None:
    meta = value_of(saved.get("meta"))
    net.meta = Struct(meta) if isinstance(meta, Mapping) else Struct()
    for name, raw in saved.items():
        if name in OLD_META:
            net.meta.setdefault(name, value_of(raw))
        elif name in SETTINGS:
            setattr(net, name, SETTINGS[name](raw))
        elif name not in ("layers", "params", "vars", "meta", "device") and not name.startswith("__"):
            warnings.warn(f"The field `{name}` beside the network is left out.", stacklevel=5)


def _string(fields: Mapping[str, Any], name: str, what: str) -> str:
    value = value_of(fields.get(name))
    if not isinstance(value, str):
        raise MatConvNetError(
            f"Reference to non-existent field '{name}'. {what} without it, or with one that is no string, has the "
            f"fields {', '.join(fields)}."
        )
    return value


def _is_network(raw: Any) -> bool:
    value = value_of(raw)
    return isinstance(value, Mapping) and "layers" in value


def _invalid(saved: Mapping[str, Any], inside: list[str]) -> MatConvNetError:
    fields = ", ".join(name for name in saved if not name.startswith("__")) or "none"
    hint = f" {' and '.join(f'`{name}`' for name in inside)} in it looks like a network: pass that." if inside else ""
    return MatConvNetError(
        f"Invalid model. It has no field layers; its fields: {fields}.{hint} "
        "vlnn.load_network finds the network in a file."
    )
