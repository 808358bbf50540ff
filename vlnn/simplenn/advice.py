"""What to do about the errors that a network meets when it is run: the second half of their messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from vlnn.geometry import sizes
from vlnn.matlab.arguments import plain
from vlnn.matlab.arrays import is_array
from vlnn.matlab.values import Struct
from vlnn.simplenn.formats import cells

WRONG_DEPTH = (
    "The FILTERS depth does not divide",
    "The number of filter groups does not divide the number of filters",
    "The filter bank depth (fourth dimension",
    "size does not match the DATA depth",
)
TOO_SMALL = ("FILTERS are larger than the DATA", "The pooling window is larger than the DATA")


def advice(problem: str, net: Any, layer: Struct, position: int, x: Any) -> str:
    """What to do about a problem of ``net.layers[position]`` with the data x; '' where nothing is known to help."""
    if any(sentence in problem for sentence in WRONG_DEPTH):
        return _about_depth(layer, position, x)
    if "MOMENTS do not have compatible formats" in problem:
        moments = f"net.layers[{position}].weights[2]"
        return (
            "vl_simplenn_tidy gives networks that have no moments single ones, as MatConvNet does: "
            f"{moments} = {moments}.astype({getattr(x, 'dtype', 'float')})."
        )
    if "do not have compatible formats" in problem:
        return (
            "Data and weights have to be of one class, mostly single: x.astype('float32'). net.predict(x) converts x."
        )
    if any(sentence in problem for sentence in TOO_SMALL):
        layout = "" if position else about_layout(getattr(x, "shape", ()), _channels_of(layer))
        if layout:
            return layout
        return f"The data has become too small here: give the network larger images.{_expected_size(net)}"
    if layer.type in ("loss", "softmaxloss"):
        return (
            "Its field class holds the labels of a batch, in a trained network those of the last one. Set it to the "
            "labels of x, or leave the loss out: net.predict(x) does so by itself."
        )
    return ""


def _about_depth(layer: Struct, position: int, x: Any) -> str:
    given = (*x.shape, 1, 1, 1)[2] if is_array(x) else 0
    takes = _channels_of(layer)
    text = f"The layer takes {takes} channels and receives {given}"
    if position:
        return f"{text} from the layer before it."
    text += "; data is height x width x channels x images."
    if given == 1 and takes == 3:
        text += " A grey image becomes one of three channels by numpy.repeat(x, 3, axis=2)."
    elif given == 3 and takes == 1:
        text += " The network works on grey images, such as the luma of vlnn.matlab.rgb2ycbcr."
    return " ".join(part for part in (text, about_layout(getattr(x, "shape", ()), takes)) if part)


def _channels_of(layer: Struct) -> int:
    """How many channels the weights of a layer are for."""
    weights = cells(layer.get("weights"))
    shape = (*getattr(weights[0], "shape", ()), 1, 1, 1, 1) if weights else (1,) * 4
    takes: int = {"conv": shape[2], "convt": shape[3]}.get(layer.type, np.size(weights[0]) if weights else 0)
    return takes


def about_layout(shape: tuple[int, ...], takes: float) -> str:
    """What to do about data that has its channels where PyTorch or TensorFlow have them; '' if it has not."""
    if takes < 1 or len(shape) < 3 or shape[2] == takes:
        return ""
    match shape:
        case (_, channels, _, _) if channels == takes:
            return "x looks like images x channels x height x width, as in PyTorch: give x.transpose(2, 3, 1, 0)."
        case (_, _, _, channels) if channels == takes:
            return "x looks like images x height x width x channels, as in TensorFlow: give x.transpose(1, 2, 3, 0)."
        case (channels, _, _) if channels == takes:
            return "x looks like channels x height x width: give x.transpose(1, 2, 0)."
    return ""


def _expected_size(net: Any) -> str:
    """The size of input that the network's meta information speaks of."""
    meta = net.get("meta") if isinstance(net, Mapping) else None
    if not isinstance(meta, Mapping):
        return ""
    normalization = meta.get("normalization")
    size = meta.get("inputSize")
    if size is None and isinstance(normalization, Mapping):
        size = normalization.get("imageSize")
    numbers = plain(size)
    return f" Its meta information says {sizes(tuple(int(number) for number in numbers))}." if numbers else ""
