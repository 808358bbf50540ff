"""vl_simplenn: evaluate a chain of layers, and its derivatives."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from vlnn.errors import MatConvNetError
from vlnn.matlab.argparse import absent, scalar_option, vl_argparse
from vlnn.matlab.arguments import give, matlab_function, outputs_wanted, received
from vlnn.matlab.arrays import is_array, library
from vlnn.matlab.values import Struct
from vlnn.settings import settings
from vlnn.simplenn.advice import advice
from vlnn.simplenn.formats import cells, flag, layers_of, place
from vlnn.simplenn.layers import LOSSES, TYPES, LayerFunction, Run

OPTIONS = {
    "conserveMemory": False,
    "sync": False,
    "mode": None,
    "accumulate": False,
    "cudnn": None,
    "backPropDepth": math.inf,
    "skipForward": False,
    "parameterServer": None,
    "holdOn": False,
    "rng": None,
}
FIELDS_OF_A_BATCH = {
    "class": "Its field class holds the labels of the batch. Where there are none, leave the loss out: "
    "net.layers.pop(), or net.predict(x), which does so by itself; or make it a 'softmax'.",
    "sigmas": "Its field sigmas holds what is appended to the data: the level of the noise, between 0 and 1, as in "
    "FFDNet, or maps of it; net.predict({'input': x, 'sigmas': 25 / 255}) sets it.",
}


@matlab_function(2, "two", "Not enough input arguments.")
def vl_simplenn(
    net: Any, x: Any, dzdy: Any = None, res: Any = None, *args: Any, nargout: int | None = None, **opts: Any
) -> Any:
    """Evaluate a SimpleNN network.

    ``res = vl_simplenn(net, x)`` computes the output of every layer. ``res = vl_simplenn(net, x, dzdy)`` also computes
    the derivatives, by back-propagation. ``res = vl_simplenn(net, x, dzdy, res)`` goes on from the results of an
    earlier call.

    Parameters
    ----------
    net : struct with the field layers, or a SimpleNN
        `layers` is a list of structs with a field type, and the fields that vl_simplenn_tidy fills in.
    x : (H, W, D, N) array
        N inputs, in the class of the weights.
    dzdy : array of the size of the last output, or a scalar after a loss, optional
        The derivative of the network's loss in its output. None, [] or left out: forward alone.
    res : list of structs, optional
        The results of an earlier call; they are left as they are.
    nargout : int, optional
        How many outputs to return: 0 or 1.

    Options, as pairs ('mode', 'test') or keywords (mode='test'), in any case
    -------------------------------------------------------------------------
    mode : 'normal'
        'test' for inference: dropout does nothing, and bnorm uses the moments in its weights, not the batch's own.
    conserveMemory : False
        Forget what is not needed any more: without dzdy every output but the last one, also ``res[0].x``; with it, each
        output and its derivative once back-propagation has passed. What layers marked `precious` give, and what losses
        give, is kept.
    skipForward : False
        Take the outputs in res instead of computing them; dzdy and res are needed.
    backPropDepth : inf
        Compute the derivatives of so many layers, from the last one.
    accumulate : False
        Add the derivatives of weights to those in res.
    cudnn : ``vlnn.settings.cudnn``
        Use cuDNN for arrays on a GPU.
    sync : False
        Wait for the GPU after each layer, so that the times are right.
    parameterServer : [], holdOn : False
        Push the derivatives of weight j of layer i as 'li_j', both counted from 1, to an object with a function
        push(name, value), and keep none; not with holdOn.
    rng : None
        What dropout draws from: a ``numpy.random.Generator`` or a seed for one. By default every call differs.

    Returns
    -------
    res : list of structs, one more than there are layers
        ``res[0].x`` is x and ``res[i+1].x`` the output of ``net.layers[i]``. The fields: x; dzdx, the derivative in x;
        dzdw, in ``res[i]`` the list of derivatives in the weights of ``net.layers[i]``; aux, such as the mask of
        dropout; stats; time and backwardTime in seconds. What is not there is None.

    Raises
    ------
    MatConvNetError
        MatConvNet's sentences, then which layer they are about and what to do. "Unknown layer type 'x'.": see
        ``vlnn.simplenn.register``.

    Differs from MatConvNet: `rng` is our own; a sticky choice made for a layer ends with it; a pooling layer without a
    method takes the maximum; all layers are looked at before the first is computed; options may follow x at once; there
    are warnings. Kept as it is: in test mode too, the derivative of bnorm is that with the batch's own moments.

    Source: MatConvNet manual, "SimpleNN wrapper"; vl_simplenn.m of 1.0-beta25.

    >>> import numpy as np, vlnn
    >>> net = vlnn.vl_simplenn_tidy({'layers': [{'type': 'relu', 'leak': 0.5}, {'type': 'softmax'}]})
    >>> res = vlnn.vl_simplenn(net, np.array([[-2.0, 3.0]]))
    >>> res[1].x.ravel(), len(res)
    (array([-1.,  3.]), 3)
    """
    if isinstance(dzdy, str):
        dzdy, res, args = None, None, (dzdy, res, *args)
    elif isinstance(res, str):
        res, args = None, (res, *args)
    options = vl_argparse(OPTIONS, [*args, *(item for pair in opts.items() for item in pair)])
    layers = layers_of(net)
    depth = scalar_option("BACKPROPDEPTH", options["backPropDepth"])
    if not depth > 0:
        raise MatConvNetError(f"Invalid `backPropDepth` value (!>0). Received {depth:g}.")
    derivatives, skip = not absent(dzdy), flag(options["skipForward"])
    if skip and not derivatives:
        raise MatConvNetError("`skipForward` valid only when backward pass is computed. Received no DZDY.")
    test = _test_mode(options["mode"])
    if skip and absent(res):
        raise MatConvNetError("RES structure must be provided for `skipForward`. Received none.")
    outputs_wanted("vl_simplenn", nargout, 1)
    check(layers, derivatives)
    _warn(layers, test, careless=options["mode"] is None and not derivatives)

    cudnn = settings.cudnn if options["cudnn"] is None else flag(options["cudnn"])
    rng = options["rng"] if options["rng"] is None else np.random.default_rng(options["rng"])
    run = Run(test, "CuDNN" if cudnn else "NoCuDNN", flag(options["accumulate"]), rng)
    chain = Chain(net, layers, run, flag(options["conserveMemory"]), flag(options["sync"]))
    results = results_for(layers, res)
    first = math.ceil(max(len(layers) - depth, 0)) if derivatives else len(layers)
    if not skip:
        results[0].x = x
        del x, args
        chain.forward(results, first)
    if derivatives:
        server = None if absent(options["parameterServer"]) or flag(options["holdOn"]) else options["parameterServer"]
        results[len(layers)].dzdx = dzdy
        chain.backward(results, first, server)
    return give([results], nargout)


class Chain:
    """Layers that are ready to be evaluated, and how."""

    def __init__(self, net: Any, layers: list[Struct], run: Run, conserve: bool, sync: bool = False) -> None:
        self.net = net
        self.layers = layers
        self.run = run
        self.conserve = conserve
        self.sync = sync
        self._precious = [flag(layer.get("precious")) for layer in layers]

    def forward(self, res: list[Struct], first: int) -> None:
        """Compute the outputs from ``res[0].x`` on; derivatives will be wanted of the layers from `first` on."""
        for i, layer in enumerate(self.layers):
            start = time.perf_counter()
            res[i + 1] = self._compute(TYPES[layer.type].forward, i, res)
            kept = i > 0 and (self._precious[i - 1] or self.layers[i - 1].type in LOSSES)
            if self.conserve and i < first and not kept:
                res[i].x = None
            res[i].time = time.perf_counter() - start

    def backward(self, res: list[Struct], first: int, server: Any = None) -> None:
        """Compute the derivatives, from that in the last output to those of layer `first`."""
        last = len(self.layers) - 1
        for i in range(last, first - 1, -1):
            start = time.perf_counter()
            backward = TYPES[self.layers[i].type].backward
            assert backward is not None
            res[i] = self._compute(backward, i, res)
            if server is not None and res[i].dzdw:
                for j, derivative in enumerate(res[i].dzdw):
                    server.push(f"l{i + 1}_{j + 1}", derivative)
                res[i].dzdw = [None] * len(res[i].dzdw)
            if self.conserve and i != last and not self._precious[i]:
                res[i + 1].x = res[i + 1].dzdx = None
            res[i].backwardTime = time.perf_counter() - start
        if self.conserve and 0 < first <= last and not self._precious[first]:
            res[first].x = res[first].dzdx = None

    def _compute(self, function: LayerFunction, i: int, res: list[Struct]) -> Struct:
        """Compute one layer, with its sticky choices its own; an error says which layer it is about."""
        try:
            with settings.scoped():
                result = function(self.layers[i], res[i], res[i + 1], self.run)
        except MatConvNetError as problem:
            about = f"This is {place(self.layers, i)}. {advice(str(problem), self.net, self.layers[i], i, res[i].x)}"
            raise MatConvNetError(f"{problem} {about.strip()}") from None
        if self.sync and is_array(result.x) and not isinstance(result.x, np.ndarray):
            library(result.x).cuda.get_current_stream().synchronize()
        return result


def check(layers: list[Struct], derivatives: bool) -> None:
    """Check that every layer is of a known type, and has what the type needs."""
    for i, layer in enumerate(layers):
        known = TYPES.get(layer.type)
        if known is None:
            advice = (
                "The layer is one of a DagNN: vlnn.dagnn.DagNN.loadobj(net) makes one of the struct."
                if {"block", "inputs"} <= set(layer)
                else f"Known are {', '.join(TYPES)}; "
                f"vlnn.simplenn.register('{layer.type}', forward, backward) makes it known."
            )
            raise MatConvNetError(f"Unknown layer type '{layer.type}'. This is {place(layers, i)}. {advice}")
        missing = [name for name in known.fields if name not in layer]
        if missing:
            raise MatConvNetError(
                f"Reference to non-existent field '{missing[0]}'. This is {place(layers, i)}. "
                + FIELDS_OF_A_BATCH.get(missing[0], "vl_simplenn_tidy fills in the fields that a network lacks.")
            )
        if derivatives and known.backward is None:
            raise MatConvNetError(
                f"The layer has no derivative. This is {place(layers, i)}. Its type was registered without a backward "
                f"function: vlnn.simplenn.register('{layer.type}', forward, backward)."
            )


def _test_mode(mode: object) -> bool:
    if mode is None:
        return False
    if isinstance(mode, str) and mode.lower() in ("normal", "test"):
        return mode.lower() == "test"
    shown = f"'{mode}'" if isinstance(mode, str) else received(mode)
    raise MatConvNetError(f"Unknown mode {shown}. vl_simplenn knows 'normal' and 'test'.")


def without_moments(layer: Struct) -> bool:
    """Whether a bnorm layer's moments are the zeros that stand in for those of a network that has none."""
    weights = cells(layer.get("weights"))
    return layer.type == "bnorm" and (len(weights) < 3 or absent(weights[2]) or not np.any(weights[2]))


def _warn(layers: list[Struct], test: bool, careless: bool) -> None:
    """Warn of what MatConvNet does without a word, and hardly anybody wants."""
    effects = {"bnorm": "batch normalisation uses the moments of this batch", "dropout": "dropout is active"}
    found = [effect for layer_type, effect in effects.items() if any(layer.type == layer_type for layer in layers)]
    if careless and found:
        warnings.warn(
            f"vl_simplenn: the mode is 'normal', so that {' and '.join(found)}. For inference give 'mode', 'test'; "
            "'mode', 'normal' silences this.",
            stacklevel=4,
        )
    for i, layer in enumerate(layers):
        if test and without_moments(layer):
            warnings.warn(
                f"vl_simplenn: the moments are all zero in {place(layers, i)}, and test mode divides by them. The "
                "network has none: use 'mode', 'normal', or net.predict(x), which takes those of the batch.",
                stacklevel=4,
            )
        if layer.type == "loss" and isinstance(layer.get("loss"), str) and layer.loss != "softmaxlog":
            warnings.warn(
                f"vl_simplenn: the field loss has no effect in {place(layers, i)}, as in MatConvNet: the loss is "
                "softmaxlog.",
                stacklevel=4,
            )


def results_for(layers: list[Struct], given: Any = None) -> list[Struct]:
    """The structs in which the results of layers go, begun by those of an earlier call."""
    res = [] if absent(given) else [given] if isinstance(given, Mapping) else cells(given)
    if not all(isinstance(each, Mapping) for each in res):
        raise MatConvNetError(f"RES is not a list of structs. Received {received(given)}.")
    empty = {"x": None, "dzdx": None, "dzdw": None, "aux": None, "stats": None, "time": 0.0, "backwardTime": 0.0}
    res += [{}] * (len(layers) + 1 - len(res))
    return [Struct({**empty, **each}) for each in res]
