"""A network written in another format, and proven to be the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vlnn.convert.changes import Changed
from vlnn.convert.checkpoint import Checkpoint
from vlnn.convert.comparison import TOLERANCE
from vlnn.convert.formats import Format
from vlnn.convert.half import halved
from vlnn.convert.proof import Proof, prove
from vlnn.convert.weights import Network
from vlnn.matlab.arrays import Array

HALF_TOLERANCE = 1e-2


@dataclass(frozen=True)
class Check:
    """How a file is proven.

    Attributes
    ----------
    given : dict, optional
        Inputs by their names; the name of the only one does not matter.
    size : height, width and, optionally, channels
        Of random inputs.
    tolerance : float
        What a variable may differ by, in relation to its largest element.
    """

    given: Mapping[str, Array] | None = None
    size: Sequence[int] | None = None
    tolerance: float | None = None


def write(
    source: Network, changed: Changed, path: Path, form: Format, check: Check | None, half: bool, **options: Any
) -> Proof | None:
    """Write what was made of a network into a file, and prove it unless there is no `check`."""
    checkpoint = Checkpoint.of(changed.net)
    form.write(halved(checkpoint) if half else checkpoint, path, **options)
    if check is None:
        return None
    tolerance = check.tolerance or (HALF_TOLERANCE if half else TOLERANCE)
    return prove(source, changed, path, form, tolerance, half, check.given, check.size)
