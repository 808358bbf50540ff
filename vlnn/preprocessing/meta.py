"""What a network's net.meta says about the pictures that it takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from vlnn.dagnn import Conv, DagNN
from vlnn.errors import MatConvNetError
from vlnn.matlab.arguments import plain, received
from vlnn.matlab.arrays import is_array
from vlnn.simplenn import SimpleNN
from vlnn.simplenn.formats import cells

Network: TypeAlias = SimpleNN | DagNN


def input_depth(net: Network) -> int | None:
    """How many channels the filters take to which a network's input goes; None where they do not say."""
    if isinstance(net, DagNN):
        inputs = set(net.getInputs())
        blocks = (layer.block for layer in net.layers if inputs & set(layer.inputs))
        return next((int(block.size[2]) for block in blocks if isinstance(block, Conv) and block.size[2]), None)
    for layer in net.layers:
        if layer.type == "conv":
            weights = cells(layer.get("weights"))
            known = bool(weights) and is_array(weights[0]) and weights[0].size > 0
            return (*weights[0].shape, 1, 1, 1)[2] if known else None
        if layer.type not in ("relu", "dropout", "lrn", "normalize", "pool", "noffset"):
            return None
    return None


def fields_of(meta: Mapping[str, Any]) -> Mapping[str, Any]:
    """The fields of meta.normalization, none where it is not there."""
    fields = meta.get("normalization")
    if isinstance(fields, Mapping):
        return fields
    if not absent(fields):
        raise MatConvNetError(f"net.meta.normalization is not a struct. Received {received(fields)}.")
    return {}


def absent(value: Any) -> bool:
    """Whether a field is missing or [], which mean the same."""
    return (
        value is None or (is_array(value) and value.size == 0) or (isinstance(value, (list, tuple, str)) and not value)
    )


def first(fields: Mapping[str, Any], meta: Mapping[str, Any], names: Sequence[str]) -> tuple[str, Any]:
    """The first of some fields that is there, and its place in net.meta."""
    for prefix, source in (("normalization.", fields), ("", meta)):
        for name in names:
            if not absent(source.get(name)):
                return prefix + name, source[name]
    return "", None


def input_size(meta: Mapping[str, Any], fields: Mapping[str, Any]) -> tuple[tuple[int, int] | None, int | None, str]:
    """Height and width, channels, and the field that says so."""
    named = {"normalization.imageSize": fields.get("imageSize"), "inputSize": meta.get("inputSize")}
    inputs = meta.get("inputs")
    if isinstance(inputs, Mapping):
        named["inputs.size"] = inputs.get("size")
    elif isinstance(inputs, (list, tuple)):
        named["inputs.size"] = next((each.get("size") for each in inputs if isinstance(each, Mapping)), None)
    for name, value in named.items():
        if isinstance(value, (list, tuple)) and any(isinstance(each, str) for each in value):
            value = next((each for each in value if not isinstance(each, str)), None)  # {'data', [224 224 3 10]}
        if absent(value):
            continue
        numbers = plain(value)
        if not numbers or len(numbers) > 4 or not all(1 <= number < 2**31 for number in numbers[:3]):
            raise MatConvNetError(
                f"net.meta.{name} is not the size of an image, height, width and channels. Received {received(value)}."
            )
        height, width, *rest = (int(number) for number in (numbers * 2 if len(numbers) == 1 else numbers))
        return (height, width), rest[0] if rest else None, name
    return None, None, ""


def crop_part(fields: Mapping[str, Any], size: tuple[int, int] | None) -> tuple[float, float] | None:
    """The part of each side, of cropSize or border."""
    for name in ("cropSize", "border"):
        value = fields.get(name)
        if absent(value):
            continue
        numbers = plain(value)
        least = 0 if name == "border" else 1e-6
        if not numbers or len(numbers) > 2 or not all(least <= number < 2**31 for number in numbers):
            raise MatConvNetError(
                f"net.meta.normalization.{name} is not one or two positive numbers. Received {received(value)}."
            )
        first, last = numbers[0], numbers[-1]
        if name == "cropSize":
            return first, last
        if size is not None:
            return size[0] / (size[0] + first), size[1] / (size[1] + last)
    return None
