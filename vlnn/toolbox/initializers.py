"""The initial values of weights and biases."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from vlnn.matlab.arguments import plain
from vlnn.matlab.arrays import Array, is_array
from vlnn.toolbox.evaluation import beside
from vlnn.toolbox.rules import Initializer, numeric, refuse

Draw = Callable[[np.random.Generator, tuple[int, ...], float, float], Array]  # from numIn and numOut

NARROW = 0.01


def _glorot(rng: np.random.Generator, size: tuple[int, ...], num_in: float, num_out: float) -> Array:
    bound = math.sqrt(6 / (num_in + num_out))
    return rng.uniform(-bound, bound, size)


def _he(rng: np.random.Generator, size: tuple[int, ...], num_in: float, num_out: float) -> Array:
    return rng.normal(0, math.sqrt(2 / num_in), size)


def _narrow_normal(rng: np.random.Generator, size: tuple[int, ...], num_in: float, num_out: float) -> Array:
    return rng.normal(0, NARROW, size)


def _zeros(rng: np.random.Generator, size: tuple[int, ...], num_in: float, num_out: float) -> Array:
    return np.zeros(size)


def _ones(rng: np.random.Generator, size: tuple[int, ...], num_in: float, num_out: float) -> Array:
    return np.ones(size)


DRAWS: dict[str, Draw] = {
    "glorot": _glorot,
    "he": _he,
    "narrow-normal": _narrow_normal,
    "zeros": _zeros,
    "ones": _ones,
}
FOR_WEIGHTS = tuple(DRAWS)
FOR_BIAS = ("zeros", "narrow-normal", "ones")


def initial(
    name: str,
    how: Initializer,
    size: tuple[int, ...],
    fans: tuple[float, float],
    rng: np.random.Generator,
    like: Array,
) -> Array:
    """First values of a size, in the class and library of `like`.

    Parameters
    ----------
    name : str
        The property that says how, for messages.
    how : str or callable
        'glorot': uniform between +-sqrt(6 / (numIn + numOut)); 'he': normal with the variance 2 / numIn;
        'narrow-normal': normal with the standard deviation 0.01; 'zeros'; 'ones'; or a function of the size, a tuple.
    fans : (numIn, numOut)
        Products of the filters' spatial dimensions and of the channels, or of the filters.

    The numbers are drawn in double and in MATLAB's order, so a seed gives the same ones in single and in double.
    """
    if isinstance(how, str):
        values = DRAWS[how](rng, size[::-1], *fans).T
    else:
        given = how(size)
        values = numeric(name, given)
        shape = values.shape + (1,) * (len(size) - values.ndim)
        if shape != size:
            refuse(name, f"a function that returns an array of the size {list(size)} it is given", given)
        values = values.reshape(size)
    return beside(like, values, like.dtype).copy(order="F")


def example_of(example: Any, dims: int) -> Array:
    """What a layer is initialised for: an input, single unless it is double; a size becomes an array of one number."""
    size = _as_size(example)
    if size is not None:
        numbers = plain(size)
        if not numbers or len(numbers) <= dims or not all(each >= 1 and each.is_integer() for each in numbers):
            refuse("The size of the input", f"{dims + 1} or more positive integers", example)
        return np.broadcast_to(np.float32(0), [int(each) for each in numbers])
    double = is_array(example) and example.dtype.newbyteorder("=") == np.float64
    return numeric("X", example).astype(np.float64 if double else np.float32, copy=False)


def _as_size(example: Any) -> Sequence[Any] | None:
    """A number or a row of numbers that is no array, or a one-dimensional array of integers; None for an input."""
    if isinstance(example, np.ndarray):
        return example.tolist() if example.ndim == 1 and example.dtype.kind in "iu" else None
    if isinstance(example, (int, float, np.generic)):
        return [example]
    row = isinstance(example, (list, tuple)) and not any(isinstance(each, (list, tuple)) for each in example)
    return example if row else None
