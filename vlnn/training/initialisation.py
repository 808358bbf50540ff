"""First values of filters: at random, and those of bilinear interpolation."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from vlnn.errors import MatConvNetError
from vlnn.matlab.arrays import Array

Size = tuple[int, int, int, int]  # FH FW C K
Draw = Callable[[Size], Array]  # filters of a size
METHODS = "'gaussian', 'xavier' and 'xavierimproved'"


def gaussian(size: Size, deviation: float, rng: np.random.Generator) -> Array:
    """Filters from a normal distribution: (FH, FW, C, K) single, Fortran-ordered."""
    return (rng.standard_normal(size[::-1], np.float32) * np.float32(deviation)).T


def drawing(method: str, scale: float, rng: np.random.Generator) -> Draw:
    """How cnn_imagenet_init draws filters, by the name of the method.

    The variance is (0.01 / scale)^2 for 'gaussian', 1 / (FH FW C) for 'xavier', which is uniform, and 2 / (FH FW K) for
    'xavierimproved'.

    Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010; He et
    al., "Delving deep into rectifiers", 2015, its variant that keeps the variance of the derivatives.
    """
    match method.lower() if isinstance(method, str) else method:
        case "gaussian":
            return lambda size: gaussian(size, 0.01 / scale, rng)
        case "xavier":
            return lambda size: _uniform(size, math.sqrt(3 / math.prod(size[:3])), rng)
        case "xavierimproved":
            return lambda size: gaussian(size, math.sqrt(2 / (size[0] * size[1] * size[3])), rng)
    raise MatConvNetError(f"Unknown weight initialization method '{method}'. There are {METHODS}.")


def _uniform(size: Size, limit: float, rng: np.random.Generator) -> Array:
    return (np.float32(limit) * (2 * rng.random(size[::-1], np.float32) - 1)).T


def bilinear_u(k: int, numGroups: int, numClasses: int) -> Array:
    """Filters with which vl_nnconvt enlarges each channel by bilinear interpolation.

    ``f = bilinear_u(2 * s, 21, 21)`` with 'Upsample' s, 'Crop' s/2 and 'NumGroups' 21 enlarges 21 channels s times (s
    even). ``bilinear_u(2 * s, 1, 21)`` does the same in one group, for a network that goes on to learn the filters.

    Parameters
    ----------
    k : int
        The side of a filter in pixels.
    numGroups : int
        The groups of channels, 'NumGroups' of vl_nnconvt: a divisor of numClasses.
    numClasses : int
        The channels, as many in as out.

    Returns
    -------
    f : (k, k, numClasses / numGroups, numClasses) single array, Fortran-ordered
        Each channel is enlarged by itself: the filters between different channels are zero.

    Raises
    ------
    MatConvNetError
        For numbers that are not positive integers, and for groups that do not divide the channels.

    Differs from MatConvNet's FCN, where the result is double and only one group, or as many as channels, work.

    Source: bilinear_u.m of matconvnet-fcn; Long, Shelhamer and Darrell, "Fully convolutional networks for semantic
    segmentation", 2015.

    >>> from vlnn.training import bilinear_u
    >>> bilinear_u(4, 1, 1)[:, :, 0, 0]
    array([[0.0625, 0.1875, 0.1875, 0.0625],
           [0.1875, 0.5625, 0.5625, 0.1875],
           [0.1875, 0.5625, 0.5625, 0.1875],
           [0.0625, 0.1875, 0.1875, 0.0625]], dtype=float32)
    """
    for name, value in (("K", k), ("NUMGROUPS", numGroups), ("NUMCLASSES", numClasses)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
            raise MatConvNetError(f"{name} is not a positive integer. Received {value!r}.")
    if numClasses % numGroups:
        raise MatConvNetError(f"NUMGROUPS does not divide NUMCLASSES. Received {numGroups} and {numClasses}.")
    factor = (k + 1) // 2
    ramp = 1 - np.abs(np.arange(k) - (k - 1) / 2) / factor
    per_group = numClasses // numGroups
    filters = np.zeros((k, k, per_group, numClasses), np.float32, order="F")
    channels = np.arange(numClasses)
    filters[:, :, channels % per_group, channels] = np.outer(ramp, ramp)[:, :, None]
    return filters
