"""Training: what cnn_train and cnn_train_dag have in common."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from vlnn.errors import MatConvNetError
from vlnn.matlab.arguments import plain, received
from vlnn.matlab.arrays import library
from vlnn.matlab.devices import move_to
from vlnn.matlab.matfile import loadmat
from vlnn.matlab.values import Struct, StructArray
from vlnn.training import checkpoints
from vlnn.training.batches import batches, fetched
from vlnn.training.checkpoints import Checkpoint
from vlnn.training.interruption import Interruption, interruptible
from vlnn.training.options import image_list, rates, subset
from vlnn.training.plots import plot_statistics
from vlnn.training.progress import Clock, progress
from vlnn.training.server import ParameterServer
from vlnn.training.surroundings import device, ended, profiled, seed_globally
from vlnn.training.update import Learned, restored, update
from vlnn.training.workers import Workers, workers


class Trained(Protocol):
    """A network of one of the two kinds, with what the trainer asks of it."""

    function: str  # that trains it
    net: Any

    def show(self) -> None:
        """Print the network."""

    def begin(self, params: Struct, rng: np.random.Generator) -> list[Learned]:
        """Get ready for an epoch, on the device where it runs: the arrays to learn, the network's own from now on."""

    def serve(self, server: ParameterServer) -> None:
        """Let a server add up the derivatives."""

    def run(self, inputs: Any, *, learn: bool, accumulate: bool, hold: bool) -> None:
        """Evaluate a part of a batch, with derivatives in order to learn; those to come are added, or held."""

    def derivatives(self, server: ParameterServer | None) -> Iterator[tuple[int, Any]]:
        """The derivatives of what is learned, by its position."""

    def statistics(self, stats: Struct) -> Struct:
        """`stats` (num and time) and what else is known of the epoch so far."""

    def end(self) -> None:
        """Let go of what the epoch has left, and go back to the CPU."""

    def nested(self, states: Sequence[Any]) -> Any:
        """The states of the solver, one for each learned array, in MatConvNet's form."""

    def flat(self, nested: Any) -> list[Any]:
        """The reverse of ``nested``."""

    def saved(self) -> Struct:
        """The network as it is saved."""

    def restore(self, net: Struct) -> None:
        """Take the network of a file."""


def train(trained: Trained, imdb: Any, get_batch: Any, opts: Struct) -> tuple[Any, Struct]:
    """Train a network: it, and its statistics."""
    if not callable(get_batch):
        raise MatConvNetError(f"GETBATCH is not a function of (imdb, batch). Received {received(get_batch)}.")
    team = workers(opts.comm)
    if isinstance(imdb, (str, os.PathLike)):
        imdb = database(imdb)
    opts.train, opts.val = (subset(imdb, opts[name], name, i) for i, name in enumerate(checkpoints.SETS, 1))
    with interruptible() as interruption, device(opts, team), ended(team):
        return Trainer(trained, imdb, get_batch, opts, team, interruption).train()


def database(path: str | os.PathLike[str]) -> Any:
    """The image database in a .mat file: its variables, or the one that has the field images."""
    variables = loadmat(path)
    inside = [value for value in variables.values() if isinstance(value, Mapping) and "images" in value]
    return inside[0] if "images" not in variables and len(inside) == 1 else variables


class Trainer:
    """The epochs of one call."""

    def __init__(
        self,
        trained: Trained,
        imdb: Any,
        get_batch: Callable[[Any, Any], Any],
        opts: Struct,
        team: Workers,
        interruption: Interruption,
    ) -> None:
        self.trained = trained
        self.opts = opts
        self.team = team
        self.interruption = interruption
        self.folder = Path(opts.expDir)
        self.params = Struct(opts, imdb=imdb, getBatch=get_batch)
        if team.rank > 0:
            self.params.update(plotDiagnostics=False)
        self.states: list[Any] = []  # of the solver; none before it has been used
        self.state = Struct()
        self.stats = Struct({name: StructArray() for name in checkpoints.SETS})
        self.learns = len(opts.train) > 0

    def train(self) -> tuple[Any, Struct]:
        if self.team.rank == 0:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.trained.show()
        for epoch in range(self._resume() + 1, self.opts.numEpochs + 1):
            self._epoch(epoch)
            stop = self._asked_to_stop()
            self._end_if_interrupted("at its end")
            if stop:
                break
        return self.trained.net, self.stats

    def _resume(self) -> int:
        """Take up the last checkpoint: the epoch after which training goes on."""
        epoch = self.team.same(checkpoints.last_epoch(self.folder)) if self.opts["continue"] else 0
        if not epoch:
            return 0
        if self.team.rank == 0:
            print(f"{self.trained.function}: resuming by loading epoch {epoch}", flush=True)
        found = self.team.same(
            checkpoints.load(checkpoints.path_of(self.folder, epoch)) if self.team.rank == 0 else None
        )
        assert found is not None
        self.trained.restore(found.net)
        self.states = self.trained.flat(found.state.get("solverState"))
        self.stats = Struct({name: StructArray(found.stats[name][:epoch]) for name in checkpoints.SETS})
        return epoch

    def _epoch(self, epoch: int) -> None:
        """Train, validate, save and plot."""
        opts = self.opts
        params = self.params = self.params.copy()  # what a caller has kept stays as it was
        seed = opts.randomSeed + epoch
        seed_globally(seed, self.team)
        shuffled = np.random.default_rng(seed)
        params.epoch = epoch
        params.learningRate = opts.learningRate[min(epoch, len(opts.learningRate)) - 1]
        params.train, params.val = (self._order(name, shuffled) for name in checkpoints.SETS)
        params.train = params.train[: int(min(opts.epochSize, len(params.train)))]
        rng = np.random.default_rng([seed, self.team.rank])
        stats = Struct()
        for name in checkpoints.SETS:
            with profiled() if opts.profile and self.team.rank == 0 else nullcontext():
                stats[name] = _joined(self.team.all(self._pass(name, rng)))
            self.stats[name].append(stats[name])
        keep = opts.saveSolverState
        self.states = self.states if keep else []
        self.state = Struct(solverState=self.trained.nested(self.states) if keep else None, stats=stats)
        if self.team.rank == 0:
            self._write(epoch)

    def _asked_to_stop(self) -> bool:
        """Call the caller's function, which may change the learning rate; whether all rates are 0 then."""
        opts = self.opts
        if opts.postEpochFn is None:
            return False
        # One process asks; what the function does to the network is not seen by the others.
        answer = opts.postEpochFn(self.trained.net, self.params, self.state) if self.team.rank == 0 else None
        answer = self.team.same(answer)
        if answer is not None and plain(answer) != []:
            opts.learningRate = rates("LEARNINGRATE", answer)
        return not any(opts.learningRate)

    def _order(self, name: str, rng: np.random.Generator) -> Any:
        """The images of a set in the order of this epoch."""
        images = self.opts[name]
        if self.opts.shuffle is None:
            return images[rng.permutation(len(images))]
        return self.team.same(image_list(self.opts.shuffle(images, self.params.epoch, name)))

    def _pass(self, name: str, rng: np.random.Generator) -> Struct:
        """Go once through a set, and learn if it is that for training: its statistics."""
        learned = self.trained.begin(self.params, rng)
        try:
            if name == "val":
                return self._through(name, None, [])
            stats = self._through(name, self._begin_to_learn(learned), learned)
            self.states = [on_host(each.state) for each in learned]
            return stats
        finally:
            self.trained.end()

    def _through(self, name: str, server: ParameterServer | None, learned: list[Learned]) -> Struct:
        """The batches of a set, with the line that is printed for each."""
        trained, params, team = self.trained, self.params, self.team
        images, learn = params[name], name == "train"
        order = batches(images, params.batchSize, params.numSubBatches, team)
        clock, num, done = Clock(), 0, 0
        stats = Struct(num=0.0, time=0.0)

        def fetch(part: Any) -> Any:
            return params.getBatch(params.imdb, part)

        with (
            progress(name, params.epoch, len(order), team.rank == 0) as shown,
            fetched(order, fetch, params.prefetch) as inputs,
        ):
            for number, parts in enumerate(order, 1):
                for i in range(len(parts)):
                    trained.run(next(inputs), learn=learn, accumulate=i > 0, hold=i < len(parts) - 1)
                if server is not None:
                    server.sync()
                for i, der in trained.derivatives(server) if learn else ():
                    update(learned[i], der, params, team.size * params.numSubBatches)
                num += sum(map(len, parts))
                size = min(params.batchSize, len(images) - done)
                done += size
                taken, total = clock.lap(number)
                stats = trained.statistics(Struct(num=float(num), time=clock.total))
                if shown is not None:
                    shown.line(number, done / total, size / taken, stats)
                self._end_if_interrupted(f"{name}, after batch {number} of {len(order)}")
        return stats

    def _begin_to_learn(self, learned: list[Learned]) -> ParameterServer | None:
        """Give what is learned its state; several processes begin from the same weights, and get a server."""
        if self.states and len(self.states) != len(learned):
            raise MatConvNetError(
                f"The checkpoint is of another network: it has the states of {len(self.states)} weights, and there are "
                f"{len(learned)}. Give another 'expDir', or 'continue', False."
            )
        for each, state in zip(learned, self.states or [0.0] * len(learned), strict=True):
            each.state = restored(state, each.value)
        if self.team.size == 1:
            return None
        for each, value in zip(learned, self.team.same([on_host(each.value) for each in learned]), strict=True):
            each.value[...] = library(each.value).asarray(value)
        server = ParameterServer(comm=self.team)
        self.trained.serve(server)
        return server

    def _end_if_interrupted(self, where: str) -> None:
        """Raise KeyboardInterrupt if somebody has pressed Ctrl-C in any of the processes."""
        if any(self.team.all(self.interruption.requested)):
            raise KeyboardInterrupt(
                f"Training was interrupted in epoch {self.params.epoch}, {where}. The same call goes on after the last "
                f"checkpoint in {self.folder}."
            )

    def _write(self, epoch: int) -> None:
        """Write the files of an epoch."""
        if self.learns:
            checkpoint = Checkpoint(self.trained.saved(), self.state, self.stats)
            checkpoints.save(checkpoints.path_of(self.folder, epoch), checkpoint)
        if self.opts.plotStatistics:
            plot_statistics(self.folder / "net-train.pdf", self.stats)


def on_host(value: Any) -> Any:
    """A value, or the values in a struct, as NumPy's arrays."""
    if isinstance(value, Mapping):
        return Struct({name: on_host(each) for name, each in value.items()})
    return move_to(value, "cpu")


def _joined(found: Sequence[Struct]) -> Struct:
    """The statistics of all processes: averages, weighted by their numbers of images."""
    total = sum(stats.num for stats in found)
    names = dict.fromkeys(name for stats in found for name in stats)
    joined = {
        name: sum(stats[name] * stats.num for stats in found if name in stats) / total if total else 0.0
        for name in names
    }
    return found[0] if len(found) == 1 else Struct(joined, num=total)
