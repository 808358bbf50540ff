"""How the arrays of a network lie in the tensors of a module."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from vlnn.convert import operations as ops
from vlnn.convert.operations import Operation, Weight
from vlnn.matlab.arrays import Array

PART = 2**20  # elements that are turned at a time


class Source(NamedTuple):
    """Where a tensor of a module comes from: an array as 'planes' or 'vector', or a part of 'moments'."""

    weight: Weight
    how: str
    part: str = ""


def sources_of(operation: Operation) -> dict[str, Source]:
    """The tensors of an operation's module by the names of its attributes."""
    match operation:
        case ops.Convolution(filters=filters, biases=biases):
            found = {"weight": filters and Source(filters, "planes"), "bias": biases and Source(biases, "vector")}
        case ops.TransposedConvolution(filters=filters, biases=biases):
            found = {"weight": Source(filters, "planes"), "bias": biases and Source(biases, "vector")}
        case ops.BatchNormalisation(multipliers=multipliers, biases=biases, moments=moments):
            found = {"weight": Source(multipliers, "vector"), "bias": Source(biases, "vector")}
            if moments is not None:
                found |= {part: Source(moments, "moments", part) for part in ("mean", "sigma")}
        case ops.Scaling(multipliers=multipliers, biases=biases):
            found = {
                "weight": multipliers and Source(multipliers, "planes"),
                "bias": biases and Source(biases, "planes"),
            }
        case _:
            found = {}
    return {name: source for name, source in found.items() if source is not None}


def tensor_of(array: Array) -> Tensor:
    """An array with its dimensions reversed: the same memory, if it is Fortran-ordered and may be written."""
    reversed_ = np.require(array, None, ("F", "W")).T
    return torch.from_numpy(reversed_.reshape(reversed_.shape))


def view_of(tensor: Tensor, source: Source) -> Tensor:
    """The part of a tensor of :func:`tensor_of` that a module has, without a copy."""
    if source.how == "planes":
        return tensor.reshape(source.weight.size[::-1]).transpose(2, 3)  # (N, C, H, W)
    flat = tensor.reshape(-1)
    half = flat.numel() // 2
    return {"": flat, "mean": flat[:half], "sigma": flat[half:]}[source.part]


def taken(tensor: Tensor, source: Source) -> Tensor:
    """What :func:`view_of` gives, in C's order and in the same memory: the tensor itself is no longer what it was."""
    if source.how != "planes":
        return view_of(tensor, source)
    height, width, depth, count = source.weight.size
    before, after = tensor.view(-1, width, height), tensor.view(-1, height, width)
    step = max(1, PART // (height * width))
    for start in range(0, len(before) if min(height, width) > 1 else 0, step):
        after[start : start + step] = before[start : start + step].transpose(1, 2).contiguous()
    return tensor.view(count, depth, height, width)


def array_of(tensors: Mapping[str, Tensor], layout: Mapping[str, Any]) -> Array:
    """The array that lies in tensors as a layout says; the inverse of :func:`view_of`."""
    size = tuple(int(side) for side in layout["size"])
    parts = {part: numpy_of(tensors[name]) for part, name in layout["in"].items()}
    match layout["as"]:
        case "planes":
            return np.asfortranarray(parts[""].transpose(2, 3, 1, 0)).reshape(size, order="F")
        case "vector":
            return parts[""].reshape(size, order="F")
        case "moments":
            return np.concatenate([parts["mean"], parts["sigma"]]).reshape(size, order="F")
        case "reversed":
            return parts[""].T.reshape(size, order="F")
    raise ValueError


def numpy_of(tensor: Tensor) -> Array:
    """A tensor as an array, in single if NumPy does not have its class."""
    return (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).detach().numpy()
