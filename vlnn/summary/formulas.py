"""Sizes in terms of the height H and the width W of the input, where nothing says how large that is."""

from __future__ import annotations

import math
from fractions import Fraction

from vlnn.dagnn import DagNN
from vlnn.dagnn.extents import Size
from vlnn.summary.graph import sizes_of

LARGE = 2520  # a side from which sizes are worked out: most strides divide it


class Formulas:
    """Sizes in terms of the height H and the width W of the first input, where they are not known."""

    def __init__(self, graph: DagNN, inputs: dict[str, Size]) -> None:
        self._samples: list[dict[str, Size]] = []
        first = next(iter(inputs), None)
        if first is not None and math.isnan(inputs[first][0]):
            for side in (LARGE, 2 * LARGE):
                trial = {name: (side, side, size[2], 1) for name, size in inputs.items()}
                self._samples.append(sizes_of(graph, trial))

    def of(self, variable: str) -> str:
        if not self._samples or variable not in self._samples[0]:
            return ""
        small, large = (sample[variable] for sample in self._samples)
        sides = [_side(name, small[at], large[at]) for at, name in enumerate("HW")]
        depth = "?" if math.isnan(small[2]) else f"{small[2]:g}"
        return " x ".join([*sides, depth])


def _side(name: str, small: float, large: float) -> str:
    """A side that is small for LARGE and large for twice that."""
    if math.isnan(small) or math.isnan(large):
        return "?"
    if small == large:
        return f"{small:g}"
    slope = Fraction(large - small) / LARGE
    slope = slope.limit_denominator(1000)
    # side = (up * name + rest) / down
    rest = Fraction(small) * slope.denominator - slope.numerator * LARGE
    up = name if slope.numerator == 1 else f"{slope.numerator}{name}"
    if rest:
        up += f"{int(rest):+d}"
    if slope.denominator == 1:
        return up
    return f"({up})/{slope.denominator}" if rest else f"{up}/{slope.denominator}"
