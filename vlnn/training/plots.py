"""net-train.pdf: the statistics over the epochs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from vlnn.matlab.matfile.saving import new_file
from vlnn.training.progress import BESIDE


def plot_statistics(path: Path, stats: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Draw each statistic of both sets over the epochs, if matplotlib is installed."""
    names = sorted({name for epochs in stats.values() for epoch in epochs for name in epoch} - set(BESIDE))
    if not names or find_spec("matplotlib") is None:
        return
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4 * len(names), 4), layout="constrained")
    for axes, name in zip(np.ravel(figure.subplots(1, len(names))), names, strict=True):
        for set_name, epochs in stats.items():
            drawn = [(number, np.ravel(epoch[name])[0]) for number, epoch in enumerate(epochs, 1) if name in epoch]
            if drawn:
                axes.plot(*zip(*drawn, strict=True), "o-", label=set_name)
        axes.set_title(name)
        axes.set_xlabel("epoch")
        axes.grid(visible=True)
        axes.legend()
    with new_file(path) as beside:
        figure.savefig(beside, format="pdf")
