"""A summary as JSON has it."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from vlnn.preprocessing import Normalization
from vlnn.summary.figures import NetworkSummary


def as_json(summary: NetworkSummary) -> dict[str, Any]:
    """The summary as JSON has it: None for NaN."""
    described = {field.name: getattr(summary, field.name) for field in dataclasses.fields(summary)}
    described["layers"] = [dataclasses.asdict(layer) for layer in summary.layers]
    described["normalization"] = summary.normalization and _of_normalization(summary.normalization)
    plain: dict[str, Any] = _plain(described)
    return plain


def _of_normalization(normalization: Normalization) -> dict[str, Any]:
    average = normalization.average
    return {
        "size": normalization.size,
        "channels": normalization.channels,
        "average": average.mean(axis=(0, 1)).tolist(),
        "average_is_image": average.shape[:2] != (1, 1),
        "deviation": None if normalization.deviation is None else normalization.deviation.ravel().tolist(),
        "crop": normalization.crop,
        "keep_aspect": normalization.keep_aspect,
        "interpolation": normalization.interpolation,
        "scale": normalization.scale,
        "stated": normalization.stated,
        "colour_order": colour_order(normalization),
    }


def colour_order(normalization: Normalization) -> str | None:
    """RGB, as everywhere in MatConvNet, or BGR where the average rises from channel to channel as in Caffe's networks.

    The average of photographs of the world falls from red to blue.
    """
    if normalization.channels != 3:
        return None
    means = normalization.average.mean(axis=(0, 1)).ravel()
    return "BGR" if len(means) == 3 and means[2] > means[1] > means[0] > 0 else "RGB"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return None if not math.isfinite(value) else int(value) if value.is_integer() and value < 2**53 else value
    return value
