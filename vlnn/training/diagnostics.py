"""net-diagnostics.pdf: how far the last step went, and how large the outputs are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vlnn.matlab.argparse import absent
from vlnn.matlab.arrays import is_array
from vlnn.matlab.values import Struct
from vlnn.training.error_functions import host
from vlnn.training.plots import has_matplotlib, panels
from vlnn.training.update import Learned


class Diagnosis(NamedTuple):
    """What is known after a step of the layers of types conv and convt."""

    variations: dict[str, float]  # of each weight: the step, beside the weight's or the output's size
    powers: dict[str, float]  # of each layer: the mean square of its output; NaN where that was not kept
    predictions: Any  # (values, images)


def diagnose(layers: Sequence[Struct], learned: Sequence[Learned], res: Sequence[Any], rate: float) -> Diagnosis:
    """Measure a step of gradient descent with momentum, as MatConvNet does."""
    found = Diagnosis({}, {}, host(res[-2].x).reshape(-1, host(res[-2].x).shape[3], order="F"))
    following = iter(learned)
    for number, layer in enumerate(layers, 1):
        weights = [next(following) for _ in layer.weights]
        if layer.type not in ("conv", "convt"):
            continue
        output = res[number].x
        power = float("nan") if absent(output) else float(np.mean(np.square(host(output), dtype=np.float64)))
        found.powers[layer.name] = power
        for weight, what in zip(weights, ("filters", "biases"), strict=False):
            if is_array(weight.state) and weight.value.size:
                base = float(np.mean(np.square(host(weight.value)))) if what == "filters" else power**0.5
                step = rate * weight.rate * float(np.mean(np.abs(host(weight.state))))
                found.variations[f"{layer.name}_{what}"] = step / base if base else float("nan")
    return found


def plot_diagnostics(path: Path, found: Diagnosis) -> None:
    """Draw them, if matplotlib is installed."""
    if not has_matplotlib():
        return
    with panels(path, 3) as (variation, power, predictions):
        for axes, values, title, limits in (
            (variation, found.variations, "Variation", (1e-5, 1)),
            (power, {name: value**0.5 for name, value in found.powers.items()}, "Power", (1e-5, 1e5)),
        ):
            axes.barh(list(values), [0 if value != value else value for value in values.values()])
            axes.set(title=title, xscale="log", xlim=limits)
            axes.invert_yaxis()
            axes.grid(visible=True)
        predictions.plot(found.predictions)
        predictions.set_title("Predictions")
