"""SimpleNN: a chain of layers with what belongs to it."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from vlnn.blocks.nnbnorm import vl_nnbnorm
from vlnn.blocks.nnsoftmax import vl_nnsoftmax
from vlnn.errors import MatConvNetError
from vlnn.matlab.arguments import received
from vlnn.matlab.arrays import Array, is_array, library
from vlnn.matlab.values import Struct
from vlnn.settings import settings
from vlnn.simplenn.evaluation import Chain, check, results_for, without_moments
from vlnn.simplenn.formats import cells, current_layers, place
from vlnn.simplenn.layers import LOSSES, Run


class SimpleNN(Struct):
    """A SimpleNN network: a struct with the fields layers and meta, which vl_simplenn evaluates.

    Parameters
    ----------
    layers : list of structs or dicts
        Each with a field type, such as 'conv', and the fields of the type; ``vlnn.vl_simplenn_tidy`` fills in what is
        missing.
    meta : struct or dict
        What else is known: normalization, classes and so on.

    >>> import numpy as np, vlnn
    >>> net = vlnn.simplenn.SimpleNN([{'type': 'relu'}, {'type': 'softmaxloss'}])
    >>> net
    SimpleNN(2 layers: relu, softmaxloss)
    >>> net.predict(np.array([[-1, 2]])).ravel()
    array([0., 2.], dtype=float32)
    """

    layers: list[Any]
    meta: Struct

    def __init__(self, layers: Iterable[Mapping[str, Any]] = (), meta: Mapping[str, Any] | None = None) -> None:
        super().__init__(
            layers=[layer if isinstance(layer, Struct) else Struct(layer) for layer in layers],
            meta=meta if isinstance(meta, Struct) else Struct(meta or {}),
        )

    def __getattr__(self, name: str) -> Any:
        if name in ("normalization", "classes") and name not in self:
            raise AttributeError(f"A network has no field {name!r} of its own any more: it is net.meta.{name}.")
        return super().__getattr__(name)

    def copy(self) -> SimpleNN:
        """A network of its own with the same layers."""
        return SimpleNN(self.layers, self.meta)

    def __repr__(self) -> str:
        types = [str(layer.get("type")) for layer in self.layers]
        shown = types if len(types) <= 20 else [*types[:10], "...", *types[-9:]]
        return f"SimpleNN({len(types)} layers: {', '.join(shown)})"

    def predict(self, x: Any, outputs: str | Sequence[str] | None = None) -> Any:
        """Run the network in test mode, without the losses at its end.

        Parameters
        ----------
        x : (H, W, D, N) array, or {'input': array}
            N inputs as the network expects them: scaled, and the mean subtracted. Missing dimensions are 1. It is
            converted, its values unchanged, to the class of the network's first weights, single where there are none,
            and so are weights of another class.
        outputs : names of layers, optional
            Whose outputs to return. The name of a softmaxloss or loss at the end stands for the softmax of what it
            gets; so does 'prob', as 'prediction' stands for the output without losses, unless layers have these names.

        Returns
        -------
        y : (YH, YW, K, N) array, Fortran-ordered
            The output of the last layer that is no loss; with `outputs` a dict of arrays by their names.

        Raises
        ------
        MatConvNetError
            As vl_simplenn does.

        A bnorm layer without moments, in a network of an old version, normalises by those of x, with a warning: this is
        what MatConvNet did then.

        >>> import numpy as np, vlnn
        >>> net = vlnn.simplenn.SimpleNN([{'type': 'softmaxloss', 'name': 'loss'}])
        >>> net.predict(np.zeros((1, 1, 2)), outputs='prob')['prob'].ravel()
        array([0.5, 0.5], dtype=float32)
        """
        layers = current_layers(self)
        end = _without_losses(layers)
        names = [outputs] if isinstance(outputs, str) else None if outputs is None else list(outputs)
        places = {name: _place_of(name, layers, end) for name in names or []}
        count = max((place for place, _ in places.values()), default=0) if names else end
        wanted = {place for place, _ in places.values()}
        chain = [Struct(layer, precious=i + 1 in wanted) for i, layer in enumerate(layers[:count])]
        like = _first_weights(layers)
        chain = [_ready(chain, i, like.dtype) for i in range(count)]
        check(chain, derivatives=False)
        res = results_for(chain)
        res[0].x = _converted(x, like)
        cudnn = "CuDNN" if settings.cudnn else "NoCuDNN"
        Chain(self, chain, Run(test=True, cudnn=cudnn), conserve=0 not in wanted).forward(res, count)
        if names is None:
            return _four_dimensions(res[end].x)
        return {
            name: _four_dimensions(vl_nnsoftmax(res[place].x) if softmax else res[place].x)
            for name, (place, softmax) in places.items()
        }


def _without_losses(layers: list[Struct]) -> int:
    """How many layers there are before the losses at the end."""
    count = len(layers)
    while count and (layers[count - 1].type in (*LOSSES, "pdist") or layers[count - 1].type.lower().endswith("loss")):
        count -= 1
    return count


def _place_of(name: object, layers: list[Struct], end: int) -> tuple[int, bool]:
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


def _first_weights(layers: list[Struct]) -> Array:
    """The first array among the weights, whose class and library an evaluation takes; an empty single one if none."""
    arrays = (weight for layer in layers for weight in cells(layer.get("weights")))
    floats = (array for array in arrays if is_array(array) and array.size and array.dtype.kind == "f")
    return next(floats, np.zeros((0, 0), np.float32))


def _converted(x: Any, like: Array) -> Array:
    """The input in the class and the library of the weights."""
    if isinstance(x, Mapping):
        if len(x) != 1:
            raise MatConvNetError(f"A SimpleNN network has one input. Received {len(x)}: {', '.join(map(str, x))}.")
        (x,) = x.values()
    array = x if is_array(x) else np.asarray(x)
    if array.dtype.kind not in "iufb" or array.ndim > 4:
        raise MatConvNetError(f"The input is not a real array of up to four dimensions. Received {received(x)}.")
    if not isinstance(like, np.ndarray):
        return library(like).asarray(array, like.dtype)
    return array.astype(like.dtype, copy=False)


def _ready(layers: list[Struct], position: int, dtype: Any) -> Struct:
    """A layer with its weights in one class, and bnorm without moments as MatConvNet computed it before it had them."""
    layer = layers[position]
    layer.weights = [
        weight.astype(dtype) if is_array(weight) and weight.dtype.kind in "iuf" and weight.dtype != dtype else weight
        for weight in cells(layer.get("weights"))
    ]
    if not without_moments(layer):
        return layer
    warnings.warn(
        f"The network has no moments in {place(layers, position)}: it normalises by those of the input, as MatConvNet "
        "did when it was made. Its output then depends on all images given at once.",
        stacklevel=3,
    )
    return Struct(layer, type="custom", forward=_normalised_by_batch)


def _normalised_by_batch(layer: Struct, before: Struct, after: Struct) -> Struct:
    options = {"epsilon": layer.epsilon, "NoCuDNN": True}
    after.x = vl_nnbnorm(before.x, *layer.weights[:2], **options)
    return after


def _four_dimensions(y: Any) -> Any:
    return y.reshape((*y.shape, *(1,) * (4 - y.ndim)), order="F") if is_array(y) and y.ndim < 4 else y
