"""ParameterServer: the sum of derivatives over the processes that train together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from vlnn.errors import MatConvNetError
from vlnn.matlab.argparse import absent, vl_argparse
from vlnn.matlab.arrays import Array, is_array
from vlnn.matlab.values import Struct
from vlnn.training.workers import Workers, workers

OPTIONS = {"method": "mmap", "prefix": "mcn", "pinnedMemory": True, "inplace": True, "tflowOpts": ()}
CLASSES = {"single": np.float32, "double": np.float64}


class ParameterServer:
    """Adds up arrays of the same name over the processes of ``mpiexec -n``, as MatConvNet's ParameterServer.

    Arrays are registered, then the server is started. In each round every process pushes its derivatives and calls
    ``sync``, and then every process pulls the sums. cnn_train and cnn_train_dag do all of that by themselves.

    Options
    -------
    method, prefix, pinnedMemory, inplace, tflowOpts
        Of MatConvNet, where they choose how MATLAB's workers exchange memory. They have no effect: vlnn's processes
        exchange it through MPI, and GPUs through NCCL where CuPy has it.
    comm : None
        A communicator of mpi4py; by default all processes that were started together.

    Attributes
    ----------
    params : list of structs
        name, shape, dataType, deviceType and value of what is registered.

    Differs from MatConvNet: positions count from 0; a process that pushes nothing in a round adds nothing, where
    MatConvNet adds what it pushed the last time; what no process pushed is None.

    Source: ParameterServer.m of 1.0-beta25.

    >>> import numpy as np, vlnn
    >>> server = vlnn.ParameterServer()
    >>> server.register('l1_1', (1, 2), 'single', 'cpu')
    >>> server.start()
    >>> server.push('l1_1', np.ones((1, 2), np.float32))
    >>> server.sync()
    >>> server.pull('l1_1')
    array([[1., 1.]], dtype=float32)
    """

    def __init__(self, *args: Any, comm: Any = None, **opts: Any) -> None:
        named = [item for pair in opts.items() for item in pair]
        options = vl_argparse(OPTIONS, [*args, *named])
        self.method, self.prefix = options["method"], options["prefix"]
        self.params: list[Struct] = []
        self._workers: Workers = comm if isinstance(comm, Workers) else workers(comm)
        self._positions: dict[str, int] = {}
        self._pushed: list[Any] = []
        self._devices: Callable[[list[Array]], None] | None = None

    def register(self, name: str, shape: Any, dataType: str = "single", deviceType: str = "cpu") -> None:
        """Let an array of a size, of class 'single' or 'double', on the 'cpu' or the 'gpu', be known by a name."""
        if name in self._positions:
            raise MatConvNetError(f"There is already a parameter '{name}'.")
        if dataType not in CLASSES or deviceType not in ("cpu", "gpu"):
            raise MatConvNetError(
                f"A parameter is 'single' or 'double', and on the 'cpu' or the 'gpu'. Received '{dataType}' and "
                f"'{deviceType}' for '{name}'."
            )
        self._positions[name] = len(self.params)
        param = Struct(name=name, shape=tuple(int(side) for side in np.ravel(shape)), dataType=dataType)
        param.update(deviceType=deviceType, value=None)
        self.params.append(param)

    def start(self) -> None:
        """Begin to work; everything is registered."""
        self._pushed = [None] * len(self.params)
        if self._workers.size > 1 and any(param.deviceType == "gpu" for param in self.params):
            from vlnn.training.nccl import summation

            self._devices = summation(self._workers)

    def stop(self) -> None:
        """Forget what was pushed."""
        self._pushed = []
        for param in self.params:
            param.value = None

    def push(self, name: str, value: Any) -> None:
        """Give this process's derivative of the array called `name`; [] for none."""
        if name in self._positions or not absent(value):
            self.pushWithIndex(self._position(name), value)

    def pull(self, name: str) -> Any:
        """The sum of the last round, None if no process pushed."""
        return self.pullWithIndex(self._position(name))

    def pushWithIndex(self, p: int, value: Any) -> None:
        """``push`` by position."""
        if not self._pushed:
            raise MatConvNetError("The parameter server is not started.")
        param = self.params[p]
        if absent(value):
            self._pushed[p] = None
            return
        if not is_array(value) or value.dtype != CLASSES[param.dataType] or value.size != np.prod(param.shape):
            raise MatConvNetError(
                f"What is pushed as '{param.name}' is not of the class and the size that were registered, "
                f"{param.dataType} {param.shape}."
            )
        self._pushed[p] = value

    def pullWithIndex(self, p: int) -> Any:
        """``pull`` by position."""
        return self.params[p].value

    def sync(self) -> None:
        """Add up what was pushed; every process has to call it."""
        there = np.array([value is not None for value in self._pushed], np.int32)
        self._workers.add(there)
        for device in ("cpu", "gpu"):
            for dataType in CLASSES:
                found = [
                    p
                    for p, param in enumerate(self.params)
                    if there[p] and (param.deviceType, param.dataType) == (device, dataType)
                ]
                if found:
                    self._sum(found, device)
        for p, param in enumerate(self.params):
            if not there[p]:
                param.value = None
        self._pushed = [None] * len(self.params)

    def _sum(self, found: list[int], device: str) -> None:
        """Add up arrays of one class, on one kind of device."""
        arrays = [self._own(p) for p in found]
        if self._workers.size > 1:
            if device == "gpu" and self._devices is not None:
                self._devices(arrays)
            else:
                _together(arrays, self._workers.add)
        for p, array in zip(found, arrays, strict=True):
            self.params[p].value = array

    def _own(self, p: int) -> Array:
        """What this process pushed, or zeros."""
        param, value = self.params[p], self._pushed[p]
        if value is not None:
            return value
        if param.deviceType == "cpu":
            return np.zeros(param.shape, CLASSES[param.dataType], order="F")
        import cupy

        return cupy.zeros(param.shape, CLASSES[param.dataType], order="F")

    def _position(self, name: str) -> int:
        if name not in self._positions:
            raise MatConvNetError(f"There is no parameter '{name}'. Registered are {', '.join(self._positions)}.")
        return self._positions[name]


def _together(arrays: list[Array], add: Callable[[Array], None]) -> None:
    """Add up arrays over the processes in one message, and put the sums in their places."""
    flat = np.concatenate([array.ravel(order="F") for array in arrays])
    add(flat)
    ends = np.cumsum([array.size for array in arrays])
    for i, (array, part) in enumerate(zip(arrays, np.split(flat, ends[:-1]), strict=True)):
        arrays[i] = part.reshape(array.shape, order="F")
