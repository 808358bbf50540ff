"""cnn_train_dag: training of networks of any topology."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from vlnn.dagnn.filters import Conv, ConvTranspose
from vlnn.dagnn.losses import Loss
from vlnn.dagnn.network import DagNN
from vlnn.errors import MatConvNetError
from vlnn.matlab.argparse import absent, scalar_option
from vlnn.matlab.arguments import give, matlab_function, outputs_wanted, received
from vlnn.matlab.values import Cell, Struct
from vlnn.simplenn.formats import cells
from vlnn.training.options import read_options
from vlnn.training.server import ParameterServer
from vlnn.training.trainer import train
from vlnn.training.update import Learned, own

OPTIONS: Mapping[str, Any] = {"derOutputs": ("objective", 1), "extractStatsFn": None}
METHODS = ("gradient", "average")


@matlab_function(3, "three", "Not enough input arguments.")
def cnn_train_dag(net: Any, imdb: Any, getBatch: Any, *args: Any, nargout: int | None = None, **opts: Any) -> Any:
    """Train a DagNN network."""
    options = read_options(OPTIONS, args, opts)
    outputs_wanted("cnn_train_dag", nargout, 2)
    return give(train(DagTraining(net, options), imdb, getBatch, options), nargout)


class DagTraining:
    """A DagNN network in training."""

    function = "cnn_train_dag"

    def __init__(self, net: Any, opts: Struct) -> None:
        if not isinstance(net, DagNN):
            raise MatConvNetError(
                f"NET is no DagNN. Received {received(net)}; vlnn.cnn_train trains SimpleNN networks, and "
                "vlnn.dagnn.DagNN.fromSimpleNN and loadobj make a DagNN."
            )
        self.net = net
        self._before = net.rng, net.accumulateParamDers
        self._opts: list[tuple[Conv | ConvTranspose, Any]] = []
        self._der_outputs = opts.derOutputs
        self._extract = opts.extractStatsFn or loss_averages

    def show(self) -> None:
        """Nothing, as in MatConvNet."""

    def begin(self, params: Struct, rng: np.random.Generator) -> list[Learned]:
        if len(params.train) and absent(self._der_outputs):
            raise MatConvNetError("DEROUTPUTS must be specified when training. Received none.")
        net = self.net
        net.reset()
        net.move("gpu" if params.gpus else "cpu")
        learned = []
        for param in net.params:
            if param.value is None:
                raise MatConvNetError(f"The parameter '{param.name}' has no value. net.initParams() gives first ones.")
            if param.trainMethod not in METHODS:
                raise MatConvNetError(
                    f"Unknown training method '{param.trainMethod}' for parameter '{param.name}'. Known are "
                    f"{' and '.join(METHODS)}."
                )
            param.value = own(param.value)
            rate, decay = (
                scalar_option(name, value)
                for name, value in (("LEARNINGRATE", param.learningRate), ("WEIGHTDECAY", param.weightDecay))
            )
            average = param.trainMethod == "average"
            learned.append(
                Learned(f"parameter '{param.name}'", param.value, rate, decay, average, max(param.fanout, 1))
            )
        self._before = net.rng, net.accumulateParamDers
        net.rng = rng
        self._spare_the_images()
        return learned

    def _spare_the_images(self) -> None:
        """Let convolutions of the network's inputs leave out the derivatives in these, which are of no use."""
        net = self.net
        for layer in net.layers:
            block, read = layer.block, [net.vars[v] for v in layer.inputIndexes]
            if isinstance(block, (Conv, ConvTranspose)) and not any(var.fanin or var.precious for var in read):
                self._opts.append((block, block.opts))
                block.opts = [*block.opts, "NoDerData"]

    def serve(self, server: ParameterServer) -> None:
        self.net.setParameterServer(server)

    def run(self, inputs: Any, *, learn: bool, accumulate: bool, hold: bool) -> None:
        net = self.net
        if learn:
            net.mode, net.accumulateParamDers = "normal", accumulate
            net.eval(inputs, self._der_outputs, "holdOn", hold)
        else:
            net.mode = "test"
            net.eval(inputs)

    def derivatives(self, server: ParameterServer | None) -> Iterator[tuple[int, Any]]:
        for p, param in enumerate(self.net.params):
            yield p, param.der if server is None else server.pullWithIndex(p)

    def statistics(self, stats: Struct) -> Struct:
        return Struct(self._extract(stats, self.net))

    def end(self) -> None:
        net = self.net
        net.reset()
        net.move("cpu")
        net.rng, net.accumulateParamDers = self._before
        for block, opts in reversed(self._opts):
            block.opts = opts
        self._opts = []

    def nested(self, states: Sequence[Any]) -> Any:
        return Cell(states)

    def flat(self, nested: Any) -> list[Any]:
        return cells(nested)

    def saved(self) -> Struct:
        return self.net.saveobj()

    def restore(self, net: Struct) -> None:
        self.net = DagNN.loadobj(net)


def loss_averages(stats: Struct, net: DagNN) -> Struct:
    """The statistics with the average of each loss, by the name of the variable that it writes."""
    losses = [(layer.outputs[0], layer.block) for layer in net.layers if isinstance(layer.block, Loss)]
    averages = {name: float(np.ravel(loss.average)[0]) for name, loss in losses if not loss.ignoreAverage}
    return Struct(stats, **averages)
