"""Two networks compared: the weights, and what they compute."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from vlnn.matlab.arrays import Array
from vlnn.matlab.matfile.limits import by

TOLERANCE = 1e-5


class Difference(NamedTuple):
    """How far apart two arrays of the same name are.

    Attributes
    ----------
    name : str
    largest : float
        The largest difference between two elements; inf where only one is a number, or the sizes differ.
    relative : float
        That, divided by the largest magnitude in the first array.
    where : str
        The place of the largest difference, as MATLAB counts it, such as '(3,1,64)'; or what is wrong.
    """

    name: str
    largest: float
    relative: float
    where: str


def difference(name: str, want: Array, got: Array) -> Difference:
    """How far an array is from another."""
    shape, other = _without_ones(want.shape), _without_ones(got.shape)
    if max(want.size, 1) == max(shape, default=1) and max(other, default=1) == want.size == got.size:
        want, got, shape = want.ravel(), got.ravel(), (want.size,)  # of vectors the orientation does not matter
    elif shape != other:
        return Difference(name, np.inf, np.inf, f"{by(want.shape)} against {by(got.shape)}")
    want, got = want.reshape(shape, order="F"), got.reshape(shape, order="F")
    if want.dtype == got.dtype and np.array_equal(want, got):
        return Difference(name, 0.0, 0.0, "")
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.abs(np.subtract(want, got, dtype=np.result_type(want, got, np.float64)))
        apart[(want == got) | (np.isnan(want) & np.isnan(got))] = 0
        apart[np.isnan(apart)] = np.inf
        largest = float(apart.max(initial=0))
        magnitude = float(np.nanmax(np.abs(want), initial=0, where=np.isfinite(want)))
    place = np.unravel_index(int(apart.argmax()), apart.shape) if apart.size else ()
    relative = largest / magnitude if magnitude else largest
    return Difference(name, largest, relative, f"({','.join(str(int(at) + 1) for at in place)})" if largest else "")


def _without_ones(shape: Iterable[int]) -> tuple[int, ...]:
    """A size without ones at its end."""
    sides = list(shape)
    while sides and sides[-1] == 1:
        sides.pop()
    return tuple(sides)


class Comparison(NamedTuple):
    """The differences between the arrays that two networks share, and the names of those that only one has."""

    differences: list[Difference]
    first_only: list[str]
    second_only: list[str]

    @property
    def worst(self) -> Difference | None:
        """The largest difference, in relation to the array."""
        return max(self.differences, key=lambda each: each.relative, default=None)

    def departing(self, tolerance: float) -> Difference | None:
        """The first array that differs by more than a tolerance."""
        return next((each for each in self.differences if not each.relative <= tolerance), None)


def compare(want: Mapping[str, Array], got: Mapping[str, Array]) -> Comparison:
    """Compare arrays of the same names, in the order of the first."""
    return Comparison(
        [difference(name, array, got[name]) for name, array in want.items() if name in got],
        [name for name in want if name not in got],
        [name for name in got if name not in want],
    )
