"""A convolution and the batch normalisation after it as one convolution.

``vl_nnbnorm`` computes y = g (x - mu) / sigma + b with the moments [mu sigma], in which sigma is the square root of
the variance and epsilon together. After a convolution x = f * u + c it is a convolution with the filters f g / sigma
and the biases (c - mu) g / sigma + b.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from vlnn.dagnn.arithmetic import size_of
from vlnn.matlab.arrays import Array


class Folded(NamedTuple):
    """The filters and biases that do both."""

    filters: Array
    biases: Array


def folded(filters: Array, biases: Any, bnorm: list[Any], groups: int | None) -> Folded | None:
    """What a convolution and a batch normalisation are together, None if that cannot be.

    Parameters
    ----------
    filters : (FH, FW, C, K) array; with `groups`, of a transposed convolution, (FH, FW, K, C)
    biases : K numbers, or []
    bnorm : multipliers, biases, moments (K, 2)
    groups : int or None
        Of a transposed convolution, whose output has K groups channels.
    """
    if len(bnorm) < 3 or any(np.size(array) == 0 for array in bnorm):
        return None
    multipliers, offsets, moments = (np.asarray(array, np.float64) for array in bnorm)
    mean, sigma = moments.ravel(order="F").reshape(2, -1)
    size = size_of(filters)
    third, fourth = size[2:]
    channels = fourth if groups is None else third * groups
    if not sigma.all() or mean.size != channels or multipliers.size != channels:
        return None
    factors = multipliers.ravel() / sigma
    if groups is not None:  # (K, C): the channels of an input belong to one group
        scale = np.repeat(factors.reshape(groups, third), fourth // groups, axis=0).T
    else:
        scale = factors[None]
    scaled = np.multiply(filters.reshape(size, order="F"), scale, dtype=np.float64)
    before = np.zeros(channels) if np.size(biases) == 0 else np.asarray(biases, np.float64).ravel()
    after = (before - mean) * factors + offsets.ravel()
    shape = (channels, 1) if np.size(biases) == 0 else np.shape(biases)
    return Folded(scaled.astype(filters.dtype, order="F"), after.astype(filters.dtype).reshape(shape, order="F"))
