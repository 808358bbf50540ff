"""Networks in files of PyTorch, .pt.

A file holds {'state_dict': tensors, 'description': JSON, 'layout': how arrays lie in tensors, 'arrays': other tensors}:
``torch.load(path, weights_only=True)['state_dict']`` gives the weights without vlnn.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vlnn.convert.checkpoint import Checkpoint
from vlnn.convert.lowering import lower
from vlnn.convert.torch.layout import array_of, numpy_of, sources_of, tensor_of, view_of
from vlnn.convert.torch.network import Network, assembled, module_names
from vlnn.errors import ConversionError
from vlnn.matlab.arrays import Array


def write(checkpoint: Checkpoint, path: Path, *, drop_loss: bool = False) -> None:
    """Write a network's weights, as the module of :func:`to_module` has them, and its description.

    Raises
    ------
    ConversionError
        As :func:`to_module` does, before anything is written.
    """
    program = lower(checkpoint, drop_loss)
    bases = {name: tensor_of(array) for name, array in checkpoint.arrays.items()}
    layouts: dict[str, dict[str, Any]] = {}
    tensors: dict[str, Tensor] = {}
    for name, operation in zip(module_names(program), program.operations, strict=True):
        for attribute, source in sources_of(operation).items():
            key = f"{name}.{attribute}"
            tensors[key] = view_of(bases[source.weight.name], source)
            layout = layouts.setdefault(source.weight.name, {"as": source.how, "in": {}})
            if layout["as"] == source.how:
                layout["in"].setdefault(source.part, key)
    rest = {name: base for name, base in bases.items() if name not in layouts}
    layouts |= {name: {"as": "reversed", "in": {"": name}} for name in rest}
    for name, layout in layouts.items():
        layout["size"] = list(checkpoint.arrays[name].shape)
    content = {"state_dict": tensors, "description": checkpoint.description, "layout": layouts, "arrays": rest}
    torch.save(content, path)


def read(path: Path) -> Checkpoint:
    """Read a network from a file that :func:`write` has written, or weights alone from a state_dict.

    A state_dict has no description; its arrays are its tensors, their dimensions as they are.

    Raises
    ------
    ConversionError
        The file is damaged, or holds something else.
    OSError
        The file cannot be opened.
    """
    path.open("rb").close()
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # of a damaged file, almost any
        reason = str(error).split("\n")[0][:200]
        raise ConversionError(
            f"{path}: it holds no tensors that can be read safely, or is damaged: {reason} What PyTorch saves as a "
            "whole module has to be saved as module.state_dict()."
        ) from None
    if not isinstance(content, Mapping):
        raise ConversionError(f"{path}: it holds no state_dict, but a {type(content).__name__}.")
    if isinstance(content.get("description"), str):
        return Checkpoint(content["description"], _arrays(path, content))
    plain = content.get("state_dict", content)
    named = plain.items() if isinstance(plain, Mapping) else ()
    tensors = {name: one for name, one in named if isinstance(one, Tensor)}
    if not tensors:
        raise ConversionError(f"{path}: it holds no tensors.")
    return Checkpoint("", {str(name): _numpy(path, one) for name, one in tensors.items()})


def load(path: Path | str) -> Network:
    """The module of a network in a .pt file: what :func:`vlnn.convert.torch.to_module` makes of it."""
    checkpoint = read(Path(path))
    if not checkpoint.description:
        raise ConversionError(f"{path}: it has weights alone. Use to_module(net).load_state_dict(torch.load(path)).")
    return assembled(lower(checkpoint), checkpoint.arrays, own=True)


def _arrays(path: Path, content: Mapping[str, Any]) -> dict[str, Array]:
    """The arrays of the checkpoint."""
    arrays = {}
    try:
        for name, layout in content["layout"].items():
            tensors = content["arrays" if layout["as"] == "reversed" else "state_dict"]
            arrays[str(name)] = array_of(tensors, layout)
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError, OverflowError) as error:
        raise ConversionError(f"{path}: its tensors are not what its layout says: {error}.") from None
    return arrays


def _numpy(path: Path, tensor: Tensor) -> Array:
    try:
        return numpy_of(tensor)
    except (TypeError, RuntimeError) as error:
        raise ConversionError(
            f"{path}: a tensor is of the class {tensor.dtype}, which MATLAB does not have: {error}."
        ) from None
