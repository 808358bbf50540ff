"""The figures in which a network is summarised."""

from __future__ import annotations

from dataclasses import dataclass

from vlnn.dagnn.extents import Pair, Size
from vlnn.preprocessing import Normalization


@dataclass(frozen=True)
class LayerSummary:
    """A layer in figures; None is for what it does not have or what is not known.

    Attributes
    ----------
    name, type : str
    detail : str
        What there is to say besides, such as 'max' of pooling or 'leak 0.2'.
    inputs, outputs : tuple of str
        Variables; in a SimpleNN network they have the names of the layers that write them.
    filters : tuple of int
        (FH, FW, C, K) of filters, (H, W) of a pooling window.
    groups : int
    stride, pad, dilate, upsample, crop : tuple of int
        (y, x), or (top, bottom, left, right).
    field, field_stride, field_offset : (y, x)
        The receptive field of a pixel of the output in the first input: its size, how far neighbours are apart, and
        where the centre of the first one is, counted from 1.
    size : (H, W, D, N)
        Of the output; NaN in it is not known.
    formula : str
        The size of the output in terms of that of the input, such as 'H/2 x W/2 x 64', for sides that all strides
        divide; '' where `size` is known.
    parameters, parameter_bytes : int
    operations : float
        Multiplications and additions of filters, counted as one each pair; NaN where a size is not known.
    """

    name: str
    type: str
    detail: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    filters: tuple[int, ...] | None
    groups: int | None
    stride: Pair | None
    pad: Pair | None
    dilate: Pair | None
    upsample: Pair | None
    crop: Pair | None
    field: Pair | None
    field_stride: Pair | None
    field_offset: Pair | None
    size: Size
    formula: str
    parameters: int
    parameter_bytes: int
    operations: float


@dataclass(frozen=True)
class NetworkSummary:
    """A network in figures.

    Attributes
    ----------
    kind : 'SimpleNN' or 'DagNN'
    inputs : dict
        The size (H, W, D, N) of each input; NaN in it is not known.
    outputs : tuple of str
        What no layer but losses reads.
    layers : tuple of LayerSummary
    parameters, parameter_bytes : int
        Shared parameters are counted once.
    variable_bytes : float
        Of all variables whose size is known, in single; NaN where that of the input is not.
    peak_bytes : float
        Of those that are needed at the same time.
    operations : float
    normalization : Normalization or None
        What is done to pictures, where net.meta says something.
    classes : tuple of str
        The names of classes.
    unknown : tuple of str
        Types of layers that are not known, so that the network cannot be run.
    problems : tuple of str
        What net.meta says and cannot mean.
    """

    kind: str
    inputs: dict[str, Size]
    outputs: tuple[str, ...]
    layers: tuple[LayerSummary, ...]
    parameters: int
    parameter_bytes: int
    variable_bytes: float
    peak_bytes: float
    operations: float
    normalization: Normalization | None
    classes: tuple[str, ...]
    unknown: tuple[str, ...]
    problems: tuple[str, ...]
