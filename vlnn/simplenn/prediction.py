"""SimpleNN.predict: a network applied, without its losses."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vlnn.blocks.nnbnorm import vl_nnbnorm
from vlnn.blocks.nnsoftmax import vl_nnsoftmax
from vlnn.errors import MatConvNetError
from vlnn.matlab.arguments import received
from vlnn.matlab.arrays import Array, is_array
from vlnn.matlab.devices import move_to
from vlnn.matlab.values import Struct
from vlnn.settings import settings
from vlnn.simplenn.evaluation import Chain, check, results_for, without_moments
from vlnn.simplenn.formats import cells, current_layers, place
from vlnn.simplenn.layers import LOSSES, Run


def predict(net: Mapping[str, Any], x: Any, outputs: str | Sequence[str] | None) -> Any:
    """What SimpleNN.predict does."""
    layers = current_layers(net)
    end = layers_before_losses(layers)
    names = [outputs] if isinstance(outputs, str) else None if outputs is None else list(outputs)
    found = {name: _output(name, layers, end) for name in names or []}
    wanted = {after for after, _ in found.values()}
    count = end if names is None else max(wanted, default=0)
    chain = [Struct(layer, precious=i + 1 in wanted) for i, layer in enumerate(layers[:count])]
    x = _with_sigmas(chain, x)
    check(chain, derivatives=False)
    _warn_of_moments(chain)
    like = _first_weights(layers)
    chain = [_ready(layer, like) for layer in chain]
    res = results_for(chain)
    res[0].x = _converted(x, like)
    cudnn = "CuDNN" if settings.cudnn else "NoCuDNN"
    Chain(net, chain, Run(test=True, cudnn=cudnn), conserve=0 not in wanted).forward(res, count)
    if names is None:
        return _four_dimensions(res[end].x)
    return {
        name: _four_dimensions(vl_nnsoftmax(res[after].x) if softmax else res[after].x)
        for name, (after, softmax) in found.items()
    }


def layers_before_losses(layers: list[Struct]) -> int:
    """How many layers there are before the losses at the end."""
    count = len(layers)
    while count and (layers[count - 1].type in (*LOSSES, "pdist") or layers[count - 1].type.lower().endswith("loss")):
        count -= 1
    return count


def _output(name: object, layers: list[Struct], end: int) -> tuple[int, bool]:
    """After how many layers an output is there, and whether it is the softmax of what is there."""
    found = next((i for i, layer in enumerate(layers) if layer.get("name") == name), None)
    softmax = end < len(layers) and layers[end].type in LOSSES
    if found is not None and found < end:
        return found + 1, False
    if softmax and (found == end or (found is None and name == "prob")):
        return end, True
    if found is None and name == "prediction":
        return end, False
    if found is None and name == "prob" and end and layers[end - 1].type == "softmax":
        return end, False
    names = ", ".join(repr(layer.get("name")) for layer in layers[:end])
    about = f"{place(layers, found)} is a loss, which predict leaves out" if found is not None else "no layer has it"
    extra = ", and 'prob' for the softmax at the end" if softmax else ""
    raise MatConvNetError(f"There is no output {name!r}: {about}. The layers are {names}{extra}.")


def _first_weights(layers: list[Struct]) -> Array | None:
    """The first array among the weights, whose class and library an evaluation takes."""
    arrays = (weight for layer in layers for weight in cells(layer.get("weights")))
    return next((array for array in arrays if is_array(array) and array.size and array.dtype.kind == "f"), None)


def _with_sigmas(chain: list[Struct], x: Any) -> Any:
    """The input alone, where x also has the level of the noise that 'concat' layers append."""
    if not isinstance(x, Mapping) or "sigmas" not in x or not any(layer.type == "concat" for layer in chain):
        return x
    for layer in chain:
        if layer.type == "concat":
            layer.sigmas = x["sigmas"]
    return {name: value for name, value in x.items() if name != "sigmas"}


def _converted(x: Any, like: Array | None) -> Array:
    """The input in the class and the library of the weights."""
    if isinstance(x, Mapping):
        if len(x) != 1:
            raise MatConvNetError(f"A SimpleNN network has one input. Received {len(x)}: {', '.join(map(str, x))}.")
        (x,) = x.values()
    array = x if is_array(x) else np.asarray(x)
    if array.dtype.kind not in "iufb" or array.ndim > 4:
        raise MatConvNetError(f"The input is not a real array of up to four dimensions. Received {received(x)}.")
    if like is None:
        return array if array.dtype in (np.float32, np.float64) else array.astype(np.float32)
    return move_to(array.astype(like.dtype, copy=False), "cpu" if isinstance(like, np.ndarray) else "gpu")


def _ready(layer: Struct, like: Array | None) -> Struct:
    """A layer with its weights in one class, and bnorm without moments as MatConvNet computed it before it had them."""
    if like is not None:
        layer.weights = [
            weight.astype(like.dtype, copy=False) if is_array(weight) and weight.dtype.kind in "iuf" else weight
            for weight in cells(layer.get("weights"))
        ]
    return Struct(layer, type="custom", forward=_normalised_by_batch) if without_moments(layer) else layer


def _warn_of_moments(layers: list[Struct]) -> None:
    places = [place(layers, i) for i, layer in enumerate(layers) if without_moments(layer)]
    if places:
        more = f" and {len(places) - 1} more" if len(places) > 1 else ""
        warnings.warn(
            f"The network has no moments in {places[0]}{more}: predict normalises by those of the input, as MatConvNet "
            "did when it was made. The output then depends on all images given at once.",
            stacklevel=4,
        )


def _normalised_by_batch(layer: Struct, before: Struct, after: Struct) -> Struct:
    options = {"epsilon": layer.epsilon, "NoCuDNN": True}
    after.x = vl_nnbnorm(before.x, *layer.weights[:2], **options)
    return after


def _four_dimensions(y: Any) -> Any:
    return y.reshape((*y.shape, *(1,) * (4 - y.ndim)), order="F") if is_array(y) and y.ndim < 4 else y
