"""The losses of vl_nnloss on the GPU."""

from __future__ import annotations

import cupy
import numpy as np

from vlnn.engines.cuda.channels import sizes_of, spread
from vlnn.engines.cuda.launching import launch, over_channels
from vlnn.matlab.arrays import Array

# In the order of losses.cu.
CATEGORIES = ("classerror", "topkerror", "log", "softmaxlog", "mhinge", "mshinge")
ATTRIBUTES = ("binaryerror", "binarylog", "logistic", "hinge")
WITHOUT_DERIVATIVE = ("classerror", "topkerror", "binaryerror")
SKIPPED = -2


class Losses:
    """The losses of the CUDA engine."""

    def loss_forward(
        self, loss: str, x: Array, target: Array, keep: Array | None, weights: Array, setting: float, whole: bool
    ) -> Array:
        kind, number, labels = _labels(loss, target, keep, x)
        sizes = sizes_of(x)
        grid = over_channels(sizes[2], sizes[1], sizes[0])
        sums = cupy.zeros((grid.blocks[0] * grid.blocks[2],), np.float64)
        factors = spread(weights.astype(np.float64, copy=False), x.shape)
        arguments = number, float(setting), int(whole), *labels, *factors, *sizes
        launch("losses", f"{kind}_forward", x, grid, x, sums, *arguments)
        return sums.sum().astype(weights.dtype)

    def loss_backward(
        self, loss: str, x: Array, target: Array, keep: Array | None, weights: Array, setting: float
    ) -> Array:
        if loss in WITHOUT_DERIVATIVE:
            return cupy.zeros(x.shape, weights.dtype)
        if x.dtype != weights.dtype:
            x = x.astype(np.float64, copy=False)
        kind, number, labels = _labels(loss, target, keep, x)
        sizes = sizes_of(x)
        out = cupy.empty(x.shape, x.dtype)
        factors = spread(weights.astype(np.float64, copy=False), x.shape)
        grid = over_channels(sizes[2], sizes[1], sizes[0])
        launch("losses", f"{kind}_backward", x, grid, x, out, number, *labels, *factors, *sizes)
        return out.astype(weights.dtype, copy=False)


def _labels(loss: str, target: Array, keep: Array | None, x: Array) -> tuple[str, int, tuple[Array, int, int, int]]:
    """The kind of a loss, its number among them, and the labels on the GPU."""
    category = loss in CATEGORIES
    kind, number = ("category", CATEGORIES.index(loss)) if category else ("attribute", ATTRIBUTES.index(loss))
    if keep is not None:
        target = np.where(keep, target, SKIPPED if category else 0)
    labels = cupy.asarray(target, np.int64 if category else x.dtype, order="C")
    return kind, number, spread(labels, x.shape)
