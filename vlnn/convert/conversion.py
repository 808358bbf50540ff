"""A network written in another format, and proven to be the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vlnn.convert.changes import Changed
from vlnn.convert.checkpoint import Checkpoint
from vlnn.convert.comparison import TOLERANCE
from vlnn.convert.folding import fold_bnorm
from vlnn.convert.formats import Format
from vlnn.convert.half import halved
from vlnn.convert.inputs import flip_colours, with_preprocessing
from vlnn.convert.kinds import to_dagnn, to_simplenn
from vlnn.convert.losses import drop_losses
from vlnn.convert.proof import Proof, prove
from vlnn.convert.weights import Network
from vlnn.matlab.arrays import Array

HALF_TOLERANCE = 1e-2


@dataclass(frozen=True)
class Changes:
    """What is to be different in the network that is written.

    Attributes
    ----------
    kind : 'simplenn', 'dagnn' or None
        None: as it is.
    drop_loss, fold_bnorm, preprocessing : bool
        See ``drop_losses``, ``fold_bnorm`` and ``with_preprocessing``.
    colours : 'rgb', 'bgr' or None
        See ``flip_colours``.
    """

    kind: str | None = None
    drop_loss: bool = False
    fold_bnorm: bool = False
    preprocessing: bool = False
    colours: str | None = None

    def of(self, net: Network) -> Changed:
        """The network changed so."""
        steps: list[tuple[bool, Callable[[Network], Changed]]] = [
            (self.drop_loss, drop_losses),
            (self.kind == "dagnn", to_dagnn),
            (self.kind == "simplenn", to_simplenn),
            (self.colours is not None, lambda net: flip_colours(net, self.colours or "")),
            (self.preprocessing, with_preprocessing),
            (self.fold_bnorm, fold_bnorm),
        ]
        changed = Changed(net)
        for wanted, change in steps:
            if wanted:
                changed = changed.then(change)
        return changed


@dataclass(frozen=True)
class Check:
    """How a file is proven.

    Attributes
    ----------
    given : dict, optional
        Inputs by their names; the name of the only one does not matter.
    size : height, width and, optionally, channels
        Of random inputs.
    tolerance : float, optional
        What a variable may differ by, in relation to its largest element. By default 1e-5, and 1e-2 with weights in
        half precision.
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
