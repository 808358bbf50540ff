"""The options of cnn_train and cnn_train_dag: which there are, and what their values may be."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from vlnn.errors import MatConvNetError
from vlnn.matlab.argparse import absent, vl_argparse
from vlnn.matlab.arguments import plain, received
from vlnn.matlab.values import Struct
from vlnn.simplenn.formats import flag
from vlnn.training.batches import Images
from vlnn.training.solver import SOLVERS

COMMON: Mapping[str, Any] = {
    "expDir": os.path.join("data", "exp"),
    "continue": True,
    "batchSize": 256,
    "numSubBatches": 1,
    "train": (),
    "val": (),
    "gpus": (),
    "epochSize": math.inf,
    "prefetch": False,
    "numEpochs": 300,
    "learningRate": 0.001,
    "weightDecay": 0.0005,
    "momentum": 0.9,
    "saveSolverState": True,
    "nesterovUpdate": False,
    "randomSeed": 0,
    "profile": False,
    "parameterServer": {"method": "mmap", "prefix": "mcn"},
    "plotStatistics": True,
    "postEpochFn": None,
    "shuffle": None,
    "comm": None,
}


def read_options(own: Mapping[str, Any], args: Sequence[Any], keywords: Mapping[str, Any]) -> Struct:
    """The options of a call: the common ones and a function's `own`, checked, under MatConvNet's names."""
    named = [item for name, value in keywords.items() for item in (name.removesuffix("_"), value)]
    pairs = list(_pairs([*args, *named]))
    first, rest = vl_argparse({"solver": None}, pairs, nargout=2)
    solver = _solver(first["solver"])
    defaults = {**COMMON, **own}
    if solver is not None:
        defaults["solverOpts"] = _default_options(solver)
    options = Struct(vl_argparse(defaults, rest))
    options.solver = solver
    for name, read in READERS.items():
        if name in options:
            options[name] = read(name.upper(), options[name])
    return options


def subset(imdb: Any, given: Any, name: str, number: int) -> Images:
    """The images of a set: those given, else those whose imdb.images.set is `number`; NaN for none."""
    if not absent(given):
        chosen = image_list(given)
        none = chosen.size == 1 and chosen.dtype.kind == "f" and np.isnan(chosen[0])
        return np.zeros(0, np.intp) if none else chosen
    images = imdb.get("images") if isinstance(imdb, Mapping) else getattr(imdb, "images", None)
    if isinstance(images, (list, tuple)) and len(images) == 1:
        (images,) = images
    sets = images.get("set") if isinstance(images, Mapping) else getattr(images, "set", None)
    if sets is None:
        raise MatConvNetError(
            f"Reference to non-existent field 'set'. Without the option '{name}', imdb.images.set says which images "
            f"are for it ({number}). Received {received(imdb)}."
        )
    return np.flatnonzero(np.ravel(sets) == number)


def image_list(given: Any) -> Images:
    """Images in a row: their numbers, whatever class these have, a mask, or anything else, such as names of files."""
    if isinstance(given, (list, tuple)) and not all(isinstance(each, (int, float, np.number)) for each in given):
        chosen = np.empty(len(given), object)
        chosen[:] = given
        return chosen
    images = np.ravel(given)
    if images.dtype.kind == "b":
        return np.flatnonzero(images)
    whole = images.dtype.kind == "f" and np.array_equal(images, np.trunc(images))
    return images.astype(np.intp) if whole else images


def rates(label: str, value: object) -> list[float]:
    """One or more numbers: learning rates, of which the last holds on."""
    numbers = plain(value)
    if not numbers or any(math.isnan(number) for number in numbers):
        raise MatConvNetError(f"{label} is not a vector of numbers. Received {received(value)}.")
    return numbers


def _pairs(items: Sequence[Any]) -> Iterator[Any]:
    """Names and values, one after the other, of pairs and of structs in their place; derOutputs always as a list."""
    position = 0
    while position < len(items):
        name = items[position]
        if isinstance(name, Mapping):
            yield from _pairs([item for pair in name.items() for item in pair])
            position += 1
            continue
        yield name
        if position + 1 < len(items):
            value = items[position + 1]
            listed = isinstance(value, Mapping) and isinstance(name, str) and name.lower() == "deroutputs"
            yield [item for pair in value.items() for item in pair] if listed else value
        position += 2


def _solver(value: Any) -> Callable[..., Any] | None:
    if absent(value):
        return None
    if isinstance(value, str) and value.removeprefix("solver.") in SOLVERS:
        return SOLVERS[value.removeprefix("solver.")]
    if not callable(value):
        raise MatConvNetError(
            f"Invalid solver; expected a function handle with two outputs. Received {received(value)}; known by name "
            f"are {', '.join(f'solver.{name}' for name in SOLVERS)}."
        )
    found: Callable[..., Any] = value
    return found


def _default_options(solver: Callable[..., Any]) -> Struct:
    try:
        options = solver()
    except TypeError as error:
        raise MatConvNetError(
            "Invalid solver; expected a function handle with two outputs. Called without arguments it has to return "
            f"its default options, a dict: {error}."
        ) from None
    if not isinstance(options, Mapping):
        raise MatConvNetError(
            f"Invalid solver; expected a function handle with two outputs. Without arguments it returned "
            f"{received(options)}, not a dict of its default options."
        )
    return Struct(options)


def _number(label: str, value: object) -> float:
    numbers = plain(value)
    if numbers is None or len(numbers) != 1 or math.isnan(numbers[0]):
        raise MatConvNetError(f"{label} is not a number. Received {received(value)}.")
    return numbers[0]


def _count(least: int) -> Callable[[str, object], int]:
    def read(label: str, value: object) -> int:
        number = _number(label, value)
        if number != math.floor(number) or number < least:
            raise MatConvNetError(f"{label} is not an integer of at least {least}. Received {received(value)}.")
        return int(number)

    return read


def _size(label: str, value: object) -> float:
    number = _number(label, value)
    if number < 0 or (number != math.inf and number != math.floor(number)):
        raise MatConvNetError(f"{label} is neither a non-negative integer nor Inf. Received {received(value)}.")
    return number


def _flag(label: str, value: object) -> bool:
    if plain(value) is None:
        raise MatConvNetError(f"{label} is neither true nor false. Received {received(value)}.")
    return flag(value)


def _optional_flag(label: str, value: object) -> bool | None:
    return None if value is None else _flag(label, value)


def _devices(label: str, value: object) -> list[int]:
    numbers = plain(value)
    if numbers is None or any(number < 0 or number != int(number) for number in numbers):
        raise MatConvNetError(
            f"{label} is not a list of devices, which count from 0 as in CuPy. Received {received(value)}."
        )
    return [int(number) for number in numbers]


def _folder(label: str, value: object) -> str:
    if not isinstance(value, (str, os.PathLike)):
        raise MatConvNetError(f"{label} is not the name of a folder. Received {received(value)}.")
    return os.fspath(value)


def _function(label: str, value: object) -> object:
    if absent(value):
        return None
    if not callable(value):
        raise MatConvNetError(f"{label} is not a function. Received {received(value)}.")
    return value


READERS: Mapping[str, Callable[[str, Any], Any]] = {
    "expDir": _folder,
    "continue": _flag,
    "batchSize": _count(1),
    "numSubBatches": _count(1),
    "gpus": _devices,
    "epochSize": _size,
    "prefetch": _flag,
    "numEpochs": _count(0),
    "learningRate": rates,
    "weightDecay": _number,
    "momentum": _number,
    "saveSolverState": _flag,
    "nesterovUpdate": _flag,
    "randomSeed": _count(0),
    "profile": _flag,
    "plotStatistics": _flag,
    "postEpochFn": _function,
    "shuffle": _function,
    "conserveMemory": _flag,
    "sync": _flag,
    "cudnn": _optional_flag,
    "plotDiagnostics": _flag,
    "extractStatsFn": _function,
}
