"""How weights are learned: stochastic gradient descent with momentum, solvers, and averages of moments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from vlnn.errors import MatConvNetError
from vlnn.matlab.argparse import absent
from vlnn.matlab.arguments import received
from vlnn.matlab.arrays import Array, is_array, library
from vlnn.matlab.values import Struct


@dataclass
class Learned:
    """An array that training changes, in place.

    Attributes
    ----------
    name : str
        For messages.
    value : array
        Training's own.
    rate, decay : float
        Multipliers of learningRate and weightDecay; of an average, rate is the weight of what is new.
    average : bool
        Whether it is an average of what comes as its derivative, as the moments of batch normalisation are.
    fanout : int
        How many times it is used; of averages alone.
    state : 0, or what the solver left
    """

    name: str
    value: Array
    rate: float = 1.0
    decay: float = 1.0
    average: bool = False
    fanout: int = 1
    state: Any = 0.0


def update(learned: Learned, der: Any, params: Struct, workers: int) -> None:
    """Take one step, from a derivative that is the sum of `workers` of them."""
    rate, decay = params.learningRate * learned.rate, params.weightDecay * learned.decay
    if not learned.average and not (rate > 0 or decay > 0):
        return
    value = learned.value
    der = _fitting(learned, der)
    if learned.average:
        value *= 1 - learned.rate
        value += (learned.rate / workers / learned.fanout) * der
        return
    gradient = decay * value if decay else np.zeros_like(value)
    gradient += der if workers == 1 else (1 / workers) * der
    if params.solver is not None:
        _solve(learned, gradient, params, rate)
        return
    if is_array(learned.state):
        learned.state *= params.momentum
        learned.state -= gradient
    elif isinstance(learned.state, Mapping):
        raise MatConvNetError(
            f"The state of {learned.name} is that of a solver, with the fields {', '.join(learned.state)}. Give that "
            "solver, another 'expDir', or 'continue', False."
        )
    else:
        learned.state = -gradient
    value += rate * (params.momentum * learned.state - gradient if params.nesterovUpdate else learned.state)


def _fitting(learned: Learned, der: Any) -> Array:
    """The derivative in the shape of the weight."""
    value = learned.value
    if not is_array(der) or der.size != value.size:
        if not value.size:
            return value
        raise MatConvNetError(
            f"A and B do not have the same number of elements. The derivative in {learned.name}, of size "
            f"{value.shape}, is {received(der)}. What gets no derivative needs a learningRate and a weightDecay of 0."
        )
    return der if der.shape == value.shape else der.reshape(value.shape, order="F")


def _solve(learned: Learned, gradient: Array, params: Struct, rate: float) -> None:
    """Let a solver take the step."""
    result = params.solver(learned.value, learned.state, gradient, params.solverOpts, rate)
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        raise MatConvNetError(
            f"Invalid solver; expected a function handle with two outputs. For {learned.name} it returned "
            f"{received(result)}."
        )
    after, learned.state = result
    if np.shape(after) != learned.value.shape:
        raise MatConvNetError(
            f"The solver changed the size of {learned.name}: from {learned.value.shape} to {np.shape(after)}."
        )
    learned.value[...] = after


def restored(state: Any, value: Array) -> Any:
    """A state of the solver, maybe of a file, for a weight: training's own, where the weight is, of its size."""
    if isinstance(state, Mapping):
        return Struct({name: restored(each, value) for name, each in state.items()})
    if not is_array(state):
        return state
    if state.size == 1 and (value.size > 1 or not state.any()):
        return float(state.item())
    shape = value.shape if state.size == value.size else state.shape
    return library(value).array(state.reshape(shape, order="F"), order="F")


def own(weight: Any) -> Array:
    """A copy of a weight, Fortran-ordered; [] is an empty array."""
    if absent(weight):
        return np.zeros((0, 0), np.float32)
    return (library(weight) if is_array(weight) else np).array(weight, order="F")
