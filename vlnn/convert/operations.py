"""What a network computes when it is applied, as a plain list of operations: what formats of graphs are made of.

Variables are MATLAB's arrays, H x W x C x N. Weights are the names of arrays of the checkpoint.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from vlnn.geometry import Sides
from vlnn.matlab.arrays import Array

Pair = tuple[int, int]  # vertical, horizontal
AXES = (2, 3, 1, 0)  # where H, W, C and N stand in N x C x H x W


class Weight(NamedTuple):
    """An array of the checkpoint: its name and its size, of four numbers."""

    name: str
    size: tuple[int, int, int, int]

    @property
    def elements(self) -> int:
        return math.prod(self.size)


@dataclass(frozen=True, eq=False)
class Operation:
    """A step: the layer that it belongs to, the variables that it reads, and the one that it writes."""

    layer: str
    inputs: tuple[str, ...]
    output: str

    def weights(self) -> list[Weight]:
        """The weights that it uses."""
        return [value for value in vars(self).values() if isinstance(value, Weight)]


@dataclass(frozen=True, eq=False)
class Convolution(Operation):
    """``vl_nnconv``. Without filters it takes every so many pixels of the padded image."""

    filters: Weight | None
    biases: Weight | None
    stride: Pair
    pad: Sides
    dilate: Pair
    groups: int


@dataclass(frozen=True, eq=False)
class TransposedConvolution(Operation):
    """``vl_nnconvt``."""

    filters: Weight
    biases: Weight | None
    upsample: Pair
    crop: Sides
    groups: int


@dataclass(frozen=True, eq=False)
class Pooling(Operation):
    """``vl_nnpool``; an average is over the pixels of the window that lie in the image."""

    maximum: bool
    window: Pair
    stride: Pair
    pad: Sides


@dataclass(frozen=True, eq=False)
class GlobalPooling(Operation):
    """The maximum or the average of each channel."""

    maximum: bool


@dataclass(frozen=True, eq=False)
class Rectifier(Operation):
    """``vl_nnrelu``."""

    leak: float


@dataclass(frozen=True, eq=False)
class Sigmoid(Operation):
    """``vl_nnsigmoid``."""


@dataclass(frozen=True, eq=False)
class Tanh(Operation):
    """The hyperbolic tangent."""


@dataclass(frozen=True, eq=False)
class Softmax(Operation):
    """``vl_nnsoftmax``, over the channels."""


@dataclass(frozen=True, eq=False)
class Dropout(Operation):
    """``vl_nndropout``: nothing, when a network is applied."""

    rate: float


@dataclass(frozen=True, eq=False)
class BatchNormalisation(Operation):
    """``vl_nnbnorm`` with [mu sigma]; without moments by those of the input."""

    multipliers: Weight
    biases: Weight
    moments: Weight | None
    epsilon: float


@dataclass(frozen=True, eq=False)
class ChannelNormalisation(Operation):
    """``vl_nnnormalize``: x / (kappa + alpha s)^beta, s over channels k - before to k + after."""

    before: int
    after: int
    kappa: float
    alpha: float
    beta: float


@dataclass(frozen=True, eq=False)
class NormOffset(Operation):
    """``vl_nnnoffset``: x - alpha max(s, 1e-8)^beta, s the sum of squares over the channels."""

    alpha: float
    beta: float


@dataclass(frozen=True, eq=False)
class SpatialNormalisation(Operation):
    """``vl_nnspnorm``: x (1 + alpha e)^-beta, e the average of squares in the window."""

    window: Pair
    pad: Sides
    alpha: float
    beta: float


@dataclass(frozen=True, eq=False)
class Sum(Operation):
    """The sum of all inputs; sides of one expand."""


@dataclass(frozen=True, eq=False)
class Concatenation(Operation):
    """``vl_nnconcat`` along one of H, W, C and N: 0 to 3."""

    dimension: int


@dataclass(frozen=True, eq=False)
class Scaling(Operation):
    """x .* g + b. What is None is the next of the inputs; there is no b unless `biased`."""

    multipliers: Weight | None
    biases: Weight | None
    biased: bool


@dataclass(frozen=True, eq=False)
class WeightedSum(Operation):
    """a .* x + y, of the inputs a, x and y."""


@dataclass(frozen=True, eq=False)
class Appending(Operation):
    """The second input as more channels of the first, its sides of one expanded."""


@dataclass(frozen=True, eq=False)
class Reshaping(Operation):
    """An image's elements, in MATLAB's order, as another H x W x C; 0 keeps a side, -1 follows from the others."""

    size: tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class Permutation(Operation):
    """Which of H, W, C and N, 0 to 3, becomes the first, the second and so on."""

    order: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class PixelShuffle(Operation):
    """``vl_nnSubP``: channel a + S b to rows a, a + S, ... and columns b, b + S, ...; or back. S is `factor`."""

    factor: int
    enlarge: bool


@dataclass(frozen=True, eq=False)
class Cropping(Operation):
    """The first input cropped to height and width of the second: at top and left at most `most`, then elsewhere."""

    most: Pair


@dataclass(frozen=True, eq=False)
class Grid(Operation):
    """A sampling grid that is linear in the transformations (1, 1, count, N).

    Attributes
    ----------
    basis : array (count, 2, Ho, Wo), double
        What each of the numbers of a transformation adds to the grid.
    """

    basis: Array


@dataclass(frozen=True, eq=False)
class BilinearSampling(Operation):
    """``vl_nnbilinearsampler``."""


@dataclass(frozen=True, eq=False)
class RegionPooling(Operation):
    """``vl_nnroipool``; `transform` is the matrix, column by column."""

    maximum: bool
    subdivisions: Pair
    transform: tuple[float, ...]
    flatten: bool


@dataclass(frozen=True, eq=False)
class Distance(Operation):
    """``vl_nnpdist`` between the first two inputs, times the third if there is one."""

    power: float
    root: bool
    aggregate: bool


@dataclass(frozen=True)
class Program:
    """A network applied: its operations in the order in which they run.

    Attributes
    ----------
    channels : dict
        The number of channels of each variable, None where it cannot be told.
    """

    operations: tuple[Operation, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    channels: dict[str, int | None]
