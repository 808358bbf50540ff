"""net-train.pdf: the statistics over the epochs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from vlnn.matlab.matfile.saving import new_file
from vlnn.training.progress import BESIDE

Statistics = Mapping[str, Sequence[Mapping[str, Any]]]


@contextmanager
def panels(path: Path, count: int) -> Iterator[list[Any]]:
    """So many axes of matplotlib side by side, which become a file when the ``with`` block ends well."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4 * count, 4), layout="constrained")
    yield list(np.ravel(figure.subplots(1, count)))
    with new_file(path) as beside:
        figure.savefig(beside, format="pdf")


def has_matplotlib() -> bool:
    return find_spec("matplotlib") is not None


def plot_statistics(path: Path, stats: Statistics) -> None:
    """Draw each statistic of both sets over the epochs, if matplotlib is installed."""
    names = sorted({name for epochs in stats.values() for epoch in epochs for name in epoch} - set(BESIDE))
    if not names or not has_matplotlib():
        return
    with panels(path, len(names)) as all_axes:
        for axes, name in zip(all_axes, names, strict=True):
            for set_name, epochs in stats.items():
                drawn = [(number, np.ravel(epoch[name])[0]) for number, epoch in enumerate(epochs, 1) if name in epoch]
                if drawn:
                    axes.plot(*zip(*drawn, strict=True), "o-", label=set_name)
            axes.set_title(name)
            axes.set_xlabel("epoch")
            axes.grid(visible=True)
            axes.legend()
