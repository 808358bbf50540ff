"""One transposed convolution of an array: from its format and class to planes, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from vlnn.errors import MatConvNetError
from vlnn.geometry import sizes
from vlnn.matlab.arrays import Array, library
from vlnn.toolbox.formats import Format
from vlnn.toolbox.rules import Crop, numeric
from vlnn.toolbox.transposition import Side, Transposition, margins


class Evaluation(NamedTuple):
    """The arguments of one evaluation as planes, in one class and library, and what it computes."""

    form: Format
    size: tuple[int, ...]  # of x
    transposition: Transposition
    data: Array
    weights: Array
    biases: Array | None

    @classmethod
    def of(
        cls,
        x: Array,
        form: Format,
        weights: Array,
        biases: Array | None,
        stride: Sequence[int],
        dilation: Sequence[int],
        crop: Crop,
        groups: int = 1,
    ) -> Evaluation:
        """Of x and weights that have passed their checks: spatial dimensions x K/G x C, and K biases or none.

        The result is single if one of the arrays is, as in MATLAB's arithmetic, and lies where x lies.
        """
        single = any(array is not None and array.dtype == np.float32 for array in (x, weights, biases))
        dtype = np.dtype(np.float32 if single else np.float64)
        size = form.size_of("X", x)
        *taps, filters, channels = weights.shape
        pairs = margins(crop, taps, stride, dilation)
        along = zip(form.spatial_size(size), taps, stride, dilation, pairs, strict=True)
        sides = [Side(length, count, step, apart, *cut) for length, count, step, apart, cut in along]
        return cls(
            form,
            size,
            Transposition.over(sides, form.batch(size), groups, channels, filters * groups),
            form.planes(x.astype(dtype, copy=False), size),
            _bank(beside(x, weights, dtype)),
            None if biases is None else beside(x, biases, dtype),
        )

    @property
    def output_size(self) -> tuple[int, ...]:
        spatial = self.transposition.output[: len(self.form.spatial)]
        return self.form.output_size(self.size, spatial, self.transposition.filters)

    def forward(self) -> Array:
        return self.form.array(self.transposition.forward(self.data, self.weights, self.biases), self.output_size)

    def backward(self, dzdy: object) -> tuple[Array, Array, Array]:
        """The derivatives in x, in weights (spatial dimensions x K/G x C) and in K biases."""
        der = numeric("dzdy", dzdy)
        size = self.output_size
        if self.form.size_of("dzdy", der) != size:
            raise MatConvNetError(
                f"dzdy does not have the size of the output, {sizes(size)}. Received {sizes(der.shape)}."
            )
        ders = self.form.planes(beside(self.data, der, self.data.dtype), size)
        dzdx = self.form.array(self.transposition.backward_data(ders, self.weights), self.size)
        dzdw = self.transposition.backward_weights(self.data, ders)
        spatial = dzdw.shape[5 - len(self.form.spatial) :]
        return dzdx, dzdw.reshape(*dzdw.shape[:2], *spatial).T, self.transposition.backward_biases(ders)


def beside(like: Array, array: Array, dtype: np.dtype[Any]) -> Array:
    """An array in the library of another one, so on its device, and in a class."""
    if library(array) is not library(like):
        array = array.get() if library(like) is np else library(like).asarray(array)
    return array.astype(dtype, copy=False)


def _bank(weights: Array) -> Array:
    """Weights as the planes that a transposition takes: C x K/G x reversed spatial dimensions, three of them."""
    turned = library(weights).ascontiguousarray(weights.T)
    return turned.reshape(*turned.shape[:2], *(1,) * (5 - turned.ndim), *turned.shape[2:])
