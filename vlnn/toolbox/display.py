"""A layer as MATLAB shows it."""

from __future__ import annotations

from typing import Any

from vlnn.matlab.arrays import CLASSES, is_array

HYPERPARAMETERS = ("FilterSize", "NumChannels", "NumFilters", "Stride", "CroppingMode", "CroppingSize")
LEARNABLE = ("Weights", "Bias")


def listing(layer: Any) -> str:
    """The text that MATLAB prints for a layer: names right-aligned, in groups."""
    width = 4 + max(map(len, HYPERPARAMETERS))

    def lines(*names: str) -> list[str]:
        return [f"{name:>{width}}: {_shown(getattr(layer, name))}" for name in names]

    return "\n".join(
        (
            f"  {type(layer).__name__} with properties:",
            "",
            *lines("Name"),
            "",
            "   Hyperparameters",
            *lines(*HYPERPARAMETERS),
            "",
            "   Learnable Parameters",
            *lines(*LEARNABLE),
            "",
            "  Show all properties",
        )
    )


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return f"'{value}'"
    if isinstance(value, tuple):
        return (
            f"[{len(value)}×{len(value[0])} double]"
            if isinstance(value[0], tuple)
            else f"[{' '.join(map(str, value))}]"
        )
    if not is_array(value):
        return str(value)
    if value.size < 2:
        return f"{value.item():.4g}" if value.size else "[]"
    shape = value.shape
    while len(shape) > 2 and shape[-1] == 1:
        shape = shape[:-1]
    return f"[{'×'.join(map(str, shape))} {'single' if CLASSES[value.dtype] == 'float' else 'double'}]"
