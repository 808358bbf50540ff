"""The types of layers: one table from a type's name to the block that computes it.

A block is called with the layer, the result before it, the result after it, and the derivative in its output, which is
None in a forward call. It returns its output, or its derivatives: dzdx, and after it those of the weights.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from vlnn.blocks.nnbnorm import vl_nnbnorm
from vlnn.blocks.nnconcat import vl_nnconcat
from vlnn.blocks.nnconv import vl_nnconv
from vlnn.blocks.nnconvt import vl_nnconvt
from vlnn.blocks.nndropout import vl_nndropout
from vlnn.blocks.nnloss import vl_nnloss
from vlnn.blocks.nnnoffset import vl_nnnoffset
from vlnn.blocks.nnnormalize import vl_nnnormalize
from vlnn.blocks.nnpdist import vl_nnpdist
from vlnn.blocks.nnpool import vl_nnpool
from vlnn.blocks.nnrelu import vl_nnrelu
from vlnn.blocks.nnsigmoid import vl_nnsigmoid
from vlnn.blocks.nnsoftmax import vl_nnsoftmax
from vlnn.blocks.nnsoftmaxloss import vl_nnsoftmaxloss
from vlnn.blocks.nnspnorm import vl_nnspnorm
from vlnn.blocks.nnsubp import vl_nnSubP
from vlnn.errors import MatConvNetError
from vlnn.matlab.argparse import absent, scalar_option
from vlnn.matlab.arguments import received
from vlnn.matlab.arrays import is_array, library
from vlnn.matlab.values import Struct
from vlnn.simplenn.formats import cells

LOSSES = ("loss", "softmaxloss")  # their outputs are never forgotten
OwnFunction: TypeAlias = Callable[[Struct, Struct, Struct], Any]


class Run(NamedTuple):
    """What holds for all layers of an evaluation."""

    test: bool
    cudnn: str  # 'CuDNN' or 'NoCuDNN'
    accumulate: bool = False
    rng: Any = None


Block: TypeAlias = Callable[[Struct, Struct, Struct, Any, Run], Any]
LayerFunction: TypeAlias = Callable[[Struct, Struct, Struct, Run], Struct]  # of layer, before, after, run


class LayerType(NamedTuple):
    """How a type of layer is computed, and the fields without which it is not."""

    forward: LayerFunction  # returns after, with x
    backward: LayerFunction | None  # returns before, with dzdx and dzdw
    fields: tuple[str, ...] = ()


def register(layer_type: str, forward: OwnFunction, backward: OwnFunction | None = None) -> None:
    """Make a layer type of one's own known to vl_simplenn.

    Parameters
    ----------
    layer_type : str
        What stands in ``layer.type``. A type that is known already is replaced.
    forward : function (layer, res_in, res_out) -> res_out
        It sets ``res_out.x``, and may keep what backward needs in ``res_out.aux``.
    backward : function (layer, res_in, res_out) -> res_in, optional
        It sets ``res_in.dzdx`` from ``res_out.dzdx``; ``res_in.dzdw``, a list, where the layer has weights. Without it
        the type can be evaluated only forward.

    The signature is that of MatConvNet's 'custom' layers, whose functions stand in the layer itself.

    >>> import numpy as np, vlnn
    >>> def forward(layer, res_in, res_out):
    ...     res_out.x = layer.factor * res_in.x
    ...     return res_out
    >>> vlnn.simplenn.register('times', forward)
    >>> net = vlnn.simplenn.SimpleNN([{'type': 'times', 'factor': 3}])
    >>> vlnn.vl_simplenn(net, np.ones((1, 2)))[-1].x
    array([[3., 3.]])
    """
    if not isinstance(layer_type, str) or not callable(forward) or not (backward is None or callable(backward)):
        raise TypeError("register needs a type's name and one or two functions of (layer, res_in, res_out).")
    of = f"function of the layer type '{layer_type}'"
    TYPES[layer_type] = LayerType(
        lambda layer, before, after, run: _called(forward, f"forward {of}", layer, before, after),
        backward and (lambda layer, before, after, run: _called(backward, f"backward {of}", layer, before, after)),
    )


def _called(function: Any, what: str, layer: Struct, before: Struct, after: Struct) -> Struct:
    """Call a user's function; what it does to its arguments stays there."""
    if not callable(function):
        raise MatConvNetError(
            f"The {what} is not a function. Received {received(function)}; functions of MATLAB cannot be called: set "
            "it to a Python function of (layer, res_in, res_out)."
        )
    result = function(layer, before.copy(), after.copy())
    if not isinstance(result, Mapping):
        raise MatConvNetError(f"The {what} returned no result structure. Received {received(result)}.")
    return Struct(result)


def _type(block: Block, *fields: str) -> LayerType:
    """A type computed by one of MatConvNet's blocks."""

    def forward(layer: Struct, before: Struct, after: Struct, run: Run) -> Struct:
        after.x = block(layer, before, after, None, run)
        return after

    def backward(layer: Struct, before: Struct, after: Struct, run: Run) -> Struct:
        results = block(layer, before, after, _empty_if_none(after.dzdx), run)
        if isinstance(results, tuple):
            before.dzdx, *dzdw = results
            before.dzdw = _accumulated(cells(before.dzdw), dzdw) if run.accumulate else dzdw
        else:
            before.dzdx = results
        return before

    return LayerType(forward, backward, fields)


def _empty_if_none(dzdy: Any) -> Any:
    """MATLAB's [], with which a block still runs backward."""
    return np.zeros((0, 0)) if dzdy is None else dzdy


def _accumulated(sums: list[Any], dzdw: list[Any]) -> list[Any]:
    """Derivatives added to those of earlier calls; one that is not there counts as zero."""
    sums += [None] * (len(dzdw) - len(sums))
    return [
        new if absent(old) else old if absent(new) else old.reshape(new.shape, order="F") + new
        for old, new in zip(sums, dzdw, strict=False)
    ]


def _weights(layer: Struct, count: int) -> list[Any]:
    """The first weights of a layer; those that it does not have are []."""
    given = cells(layer.weights)
    return (given + [None] * count)[:count]


def _conv(layer: Struct, before: Struct, after: Struct, dzdy: Any, run: Run) -> Any:
    filters, biases = _weights(layer, 2)
    options = ("pad", layer.pad, "stride", layer.stride, "dilate", layer.dilate, *cells(layer.opts), run.cudnn)
    return vl_nnconv(before.x, filters, biases, dzdy, *options)


def _convt(layer: Struct, before: Struct, after: Struct, dzdy: Any, run: Run) -> Any:
    filters, biases = _weights(layer, 2)
    sampling = ("crop", layer.crop, "upsample", layer.upsample, "numGroups", layer.numGroups)
    return vl_nnconvt(before.x, filters, biases, dzdy, *sampling, *cells(layer.opts), run.cudnn)


def _pool(layer: Struct, before: Struct, after: Struct, dzdy: Any, run: Run) -> Any:
    method = layer.get("method", "max")
    options = ("pad", layer.pad, "stride", layer.stride, "method", method, *cells(layer.opts), run.cudnn)
    return vl_nnpool(before.x, layer.pool, dzdy, *options)


def _normalize(layer: Struct, before: Struct, after: Struct, dzdy: Any, run: Run) -> Any:
    return vl_nnnormalize(before.x, layer.param, dzdy)


def _softmax(layer: Struct, before: Struct, after: Struct, dzdy: Any, run: Run) -> Any:
    return vl_nnsoftmax(before.x, dzdy)


def _loss(layer: Struct, before: Struct, after: Struct, dzdy: Any, run: Run) -> Any:
    return vl_nnloss(before.x, layer["class"], dzdy)


def _softmaxloss(layer: Struct, before: Struct, after: Struct, dzdy: Any, run: Run) -> Any:
    return vl_nnsoftmaxloss(before.x, layer["class"], dzdy)


def _relu(layer: Struct, before: Struct, after: Struct, dzdy: Any, run: Run) -> Any:
    leak = 0.0 if absent(layer.leak) else scalar_option("LEAK", layer.leak)
    x = before.x
    if dzdy is not None and absent(x):  # forgotten: the output has the same signs
        x = after.x
    return vl_nnrelu(x, dzdy, "leak", leak) if leak > 0 else vl_nnrelu(x, dzdy)


def _sigmoid(layer: Struct, before: Struct, after: Struct, dzdy: Any, run: Run) -> Any:
    return vl_nnsigmoid(before.x, dzdy)


def _noffset(layer: Struct, before: Struct, after: Struct, dzdy: Any, run: Run) -> Any:
    return vl_nnnoffset(before.x, layer.param, dzdy)


def _spnorm(layer: Struct, before: Struct, after: Struct, dzdy: Any, run: Run) -> Any:
    return vl_nnspnorm(before.x, layer.param, dzdy)


def _dropout(layer: Struct, before: Struct, after: Struct, dzdy: Any, run: Run) -> Any:
    if run.test:
        return before.x if dzdy is None else dzdy
    if dzdy is None:
        y, after.aux = vl_nndropout(before.x, "rate", layer.rate, rng=run.rng, nargout=2)
        return y
    return vl_nndropout(before.x, dzdy, "mask", after.aux)


def _bnorm(layer: Struct, before: Struct, after: Struct, dzdy: Any, run: Run) -> Any:
    multipliers, biases, moments = _weights(layer, 3)
    options = ["epsilon", layer.epsilon, "NoCuDNN"]
    if dzdy is None:
        if run.test:
            options += ["moments", moments]
        return vl_nnbnorm(before.x, multipliers, biases, None, *options)
    # The moments of the batch stand in the place of a derivative: training averages them.
    return vl_nnbnorm(before.x, multipliers, biases, dzdy, *options, nargout=4)


def _pdist(layer: Struct, before: Struct, after: Struct, dzdy: Any, run: Run) -> Any:
    names = ("noRoot", "epsilon", "aggregate", "instanceWeights")
    options = [item for name in names for item in (name, layer[name])]
    return vl_nnpdist(before.x, layer["class"], layer.p, dzdy, *options, nargout=1)


def _subp(layer: Struct, before: Struct, after: Struct, dzdy: Any, run: Run) -> Any:
    return vl_nnSubP(before.x, dzdy, "scale", layer.scale)


def _concat(layer: Struct, before: Struct, after: Struct, dzdy: Any, run: Run) -> Any:
    """The data and, as more channels, maps of the level of noise.

    Numbers, one or three, stand for maps of them, and so do (1, 1, C, N) numbers.
    """
    x, sigmas = before.x, layer.sigmas
    if not is_array(sigmas):
        sigmas = np.asarray(sigmas)
    sigmas = library(x).asarray(sigmas, x.dtype)
    if sigmas.ndim <= 2 and (sigmas.ndim < 2 or sigmas.shape[0] in (1, 3)):
        sigmas = sigmas.reshape(1, 1, sigmas.shape[0] if sigmas.ndim else 1, -1)
    if sigmas.ndim > 2 and sigmas.shape[:2] == (1, 1):
        height, width, _, images = (*x.shape, 1, 1)[:4]
        sigmas = library(x).ones((height, width, 1, images), x.dtype) * sigmas.reshape((*sigmas.shape, 1)[:4])
    if dzdy is None:
        return vl_nnconcat([x, sigmas])
    return vl_nnconcat([x, sigmas], 3, dzdy)[0]


def _custom(which: str) -> LayerFunction:
    """One of the two functions that a 'custom' layer brings along."""
    return lambda layer, before, after, run: _called(layer.get(which), f"field {which}", layer, before, after)


TYPES: dict[str, LayerType] = {
    "conv": _type(_conv, "weights", "pad", "stride", "dilate", "opts"),
    "convt": _type(_convt, "weights", "crop", "upsample", "numGroups", "opts"),
    "pool": _type(_pool, "pool", "pad", "stride", "opts"),
    "normalize": _type(_normalize, "param"),
    "lrn": _type(_normalize, "param"),
    "softmax": _type(_softmax),
    "loss": _type(_loss, "class"),
    "softmaxloss": _type(_softmaxloss, "class"),
    "relu": _type(_relu, "leak"),
    "sigmoid": _type(_sigmoid),
    "noffset": _type(_noffset, "param"),
    "spnorm": _type(_spnorm, "param"),
    "dropout": _type(_dropout, "rate"),
    "bnorm": _type(_bnorm, "weights", "epsilon"),
    "pdist": _type(_pdist, "class", "p", "noRoot", "epsilon", "aggregate", "instanceWeights"),
    "SubP": _type(_subp, "scale"),
    "concat": _type(_concat, "sigmas"),
    "custom": LayerType(_custom("forward"), _custom("backward")),
}
