"""The classes that a network finds likely."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from vlnn.matlab.arrays import Array


class Score(NamedTuple):
    """A class and how likely it is.

    Attributes
    ----------
    number : int
        Of the class, counted from 1 as in MATLAB.
    name : str
        '' where net.meta does not say.
    score : float
    """

    number: int
    name: str
    score: float


def ranking(scores: Array, names: Sequence[str] = (), most: int = 5) -> list[Score]:
    """The classes with the highest of the scores, an array with an element for each; the lower number first of equals.

    >>> import numpy as np
    >>> ranking(np.array([0.1, 0.7, 0.2]), ['ant', 'bee', 'cat'], 2)
    [Score(number=2, name='bee', score=0.7), Score(number=3, name='cat', score=0.2)]
    """
    flat = np.ravel(scores)
    best = np.argsort(-flat, kind="stable")[:most].tolist()
    return [Score(at + 1, names[at] if at < len(names) else "", float(flat[at])) for at in best]
