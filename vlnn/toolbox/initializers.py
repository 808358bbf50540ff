"""The initial values of weights and biases."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from vlnn.matlab.arrays import Array
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
