"""cnn_train: training of networks that are a chain of layers."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vlnn.errors import MatConvNetError
from vlnn.matlab.arguments import give, matlab_function, outputs_wanted, plain, received
from vlnn.matlab.arrays import library
from vlnn.matlab.devices import move_to
from vlnn.matlab.values import Cell, Struct
from vlnn.simplenn.display import vl_simplenn_display
from vlnn.simplenn.evaluation import vl_simplenn
from vlnn.simplenn.formats import cells
from vlnn.simplenn.move import vl_simplenn_move
from vlnn.simplenn.network import SimpleNN
from vlnn.simplenn.parserv import vl_simplenn_start_parserv
from vlnn.simplenn.saving import struct_of
from vlnn.simplenn.tidy import vl_simplenn_tidy
from vlnn.training.diagnostics import diagnose, plot_diagnostics
from vlnn.training.error_functions import error_function, host
from vlnn.training.options import read_options
from vlnn.training.server import ParameterServer
from vlnn.training.trainer import train
from vlnn.training.update import Learned, own

OPTIONS: Mapping[str, Any] = {
    "memoryMapFile": os.path.join(tempfile.gettempdir(), "matconvnet.bin"),
    "conserveMemory": True,
    "backPropDepth": math.inf,
    "sync": False,
    "cudnn": None,
    "errorFunction": "multiclass",
    "errorLabels": (),
    "plotDiagnostics": False,
}


@matlab_function(3, "three", "Not enough input arguments.")
def cnn_train(net: Any, imdb: Any, getBatch: Any, *args: Any, nargout: int | None = None, **opts: Any) -> Any:
    """Train a SimpleNN network."""
    options = read_options(OPTIONS, args, opts)
    outputs_wanted("cnn_train", nargout, 2)
    return give(train(SimpleTraining(net, options), imdb, getBatch, options), nargout)


class SimpleTraining:
    """A SimpleNN network in training."""

    function = "cnn_train"

    def __init__(self, net: Any, opts: Struct) -> None:
        self.net: SimpleNN = vl_simplenn_tidy(net)
        self._count, self._labels = error_function(opts.errorFunction, opts.errorLabels)
        if len(self.net.layers) < 2:
            raise MatConvNetError(f"A network needs two layers, the last one a loss, to be trained. Received {net!r}.")
        self.net.layers[-2].precious = True  # predictions, of which errors are counted
        self._params = opts
        self._learned: list[Learned] = []
        self._learns = False
        self._rng: Any = None
        self._server: ParameterServer | None = None
        self._evaluated = self.net
        self._res: Any = None
        self._errors = np.zeros(1)

    def show(self) -> None:
        vl_simplenn_display(self.net, "batchSize", self._params.batchSize, nargout=0)

    def begin(self, params: Struct, rng: np.random.Generator) -> list[Learned]:
        net = vl_simplenn_move(self.net, "gpu" if params.gpus else "cpu")
        learned = []
        for number, layer in enumerate(net.layers, 1):
            layer.weights = [own(weight) for weight in cells(layer.get("weights"))]
            count = len(layer.weights)
            for name in ("learningRate", "weightDecay"):
                if len(params.train) and name not in layer:
                    layer[name] = np.ones((1, count))
            for j, weight in enumerate(layer.weights):
                average = layer.type == "bnorm" and j == 2  # moments, which have no weight decay
                rate = _multiplier(layer, number, "learningRate", j)
                decay = 0.0 if average else _multiplier(layer, number, "weightDecay", j)
                learned.append(Learned(f"weight {j + 1} of layer {number}", weight, rate, decay, average))
        self.net = net
        # The labels are those of a batch, and the derivative in the images is of no use: no part of the network.
        self._evaluated = SimpleNN((layer.copy() for layer in net.layers), net.meta)
        first = self._evaluated.layers[0]
        if first.type in ("conv", "convt") and first.weights[0].size:
            first.opts = [*cells(first.opts), "NoDerData"]
        self._params, self._rng, self._learned = params, rng, learned
        self._server, self._res, self._errors = None, None, np.zeros(1 + len(self._labels))
        return learned

    def serve(self, server: ParameterServer) -> None:
        vl_simplenn_start_parserv(self.net, server)
        self._server = server

    def run(self, inputs: Any, *, learn: bool, accumulate: bool, hold: bool) -> None:
        if not isinstance(inputs, (tuple, list)) or len(inputs) != 2:
            raise MatConvNetError(f"GETBATCH did not return two values, (im, labels). Received {received(inputs)}.")
        params, (im, labels) = self._params, inputs
        if params.gpus:
            im = move_to(im, "gpu")
        self._evaluated.layers[-1]["class"] = labels
        self._res = res = vl_simplenn(
            self._evaluated,
            library(im).asfortranarray(im),
            1 if learn else None,
            self._res if accumulate else None,
            accumulate=accumulate,
            mode="normal" if learn else "test",
            conserveMemory=params.conserveMemory,
            backPropDepth=params.backPropDepth,
            sync=params.sync,
            cudnn=params.cudnn,
            parameterServer=self._server,
            holdOn=hold,
            rng=self._rng,
        )
        self._learns = learn
        before = res[-2].x
        images = before.shape[3] if before.ndim > 3 else 1
        counted = self._count(params, labels, res)
        errors = [float(error) for error in np.ravel(host(counted))] if self._labels else []
        if len(errors) < len(self._labels):
            raise MatConvNetError(
                f"The error function returned {len(errors)} errors, and 'errorLabels' names {', '.join(self._labels)}."
            )
        self._errors += [images * float(host(res[-1].x).astype(np.float64).sum()), *errors[: len(self._labels)]]

    def derivatives(self, server: ParameterServer | None) -> Iterator[tuple[int, Any]]:
        position = 0
        for number, layer in enumerate(self.net.layers):
            ders = cells(self._res[number].dzdw) if self._res is not None else []
            for j in range(len(layer.weights)):
                if server is None:
                    if j < len(ders):
                        yield position, ders[j]
                elif layer.weights[j].size:
                    der = server.pull(f"l{number + 1}_{j + 1}")
                    if der is not None:
                        yield position, der
                position += 1

    def statistics(self, stats: Struct) -> Struct:
        names = ("objective", *self._labels)
        averages = (float(error) / stats.num if stats.num else 0.0 for error in self._errors)
        return Struct(dict(zip(names, averages, strict=True)), **stats)

    def end(self) -> None:
        if self._params.plotDiagnostics and self._learns:
            found = diagnose(self.net.layers, self._learned, self._res, self._params.learningRate)
            plot_diagnostics(Path(self._params.expDir) / "net-diagnostics.pdf", found)
        self._learns = False
        self.net = vl_simplenn_move(self.net, "cpu")
        self._evaluated, self._res, self._server = self.net, None, None

    def nested(self, states: Sequence[Any]) -> Any:
        following = iter(states)
        return Cell(Cell(next(following) for _ in layer.weights) for layer in self.net.layers)

    def flat(self, nested: Any) -> list[Any]:
        return [state for layer in cells(nested) for state in cells(layer)]

    def saved(self) -> Struct:
        return struct_of(self.net, without_functions=True)

    def restore(self, net: Struct) -> None:
        found: SimpleNN = vl_simplenn_tidy(net)
        for layer, given in zip(found.layers, self.net.layers, strict=False):
            if layer.type == given.type:  # functions are not in the file
                layer.update({name: value for name, value in given.items() if callable(value)})
        found.layers[-1].pop("class", None)  # MatConvNet leaves labels there
        self.net = found


def _multiplier(layer: Struct, number: int, name: str, j: int) -> float:
    """What a layer multiplies learningRate or weightDecay by, for one of its weights."""
    if name not in layer:
        return 1.0
    numbers = plain(layer[name])
    if numbers is None or j >= len(numbers):
        raise MatConvNetError(
            f"Index exceeds the number of elements in {name}. Layer {number} has {len(layer.weights)} weights, and its "
            f"{name} is {received(layer[name])}; a number for each is needed."
        )
    return numbers[j]
