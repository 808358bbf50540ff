"""The labels of vl_nnloss and vl_nnsoftmaxloss, read on the CPU as in MatConvNet.

Labels count classes from 1; 0 stands for nothing and is skipped.
"""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from vlnn.errors import MatConvNetError
from vlnn.geometry import sizes
from vlnn.matlab.arguments import received
from vlnn.matlab.arrays import is_array

Labels = npt.NDArray[Any]


def read_labels(c: object) -> Labels:
    """The labels as a NumPy array of at least two dimensions."""
    if is_array(c) and not isinstance(c, np.ndarray):
        c = c.get()  # type: ignore[attr-defined]
    try:
        labels = np.asarray(c)
    except ValueError:  # a ragged list
        labels = np.empty(0, object)
    if isinstance(c, str) or labels.dtype.kind not in "iufb":
        raise MatConvNetError(f"C is not an array of labels. Received {received(c)}.")
    if labels.dtype.kind == "b":
        labels = labels.astype(np.float64)
    return labels if labels.ndim >= 2 else labels.reshape(labels.shape + (1,) * (2 - labels.ndim))


def spread_labels(labels: Labels, x: tuple[int, ...], depths: tuple[int, ...], everywhere: bool = False) -> Labels:
    """The labels for scores of size `x`, (H, W, D, N), as planes.

    As many labels as images are one for each image; with `everywhere` so is a 1x1xCxN array. They come as (N, C, 1, 1),
    others as (N, C, W, H). C has to be one of `depths`.
    """
    height, width, _, images = x

    def fail() -> NoReturn:
        forms = " or ".join(f"{height}x{width}x{depth}x{images}" for depth in depths)
        plain = f"{images} of them, or " if 1 in depths else ""
        raise MatConvNetError(
            f"The labels C do not have the size of X. Received X {sizes(x)}, C {sizes(labels.shape)}; "
            f"{plain}{forms} are needed."
        )

    if labels.size == images:
        given: tuple[int, ...] = (1, 1, 1, images)
        one_each = True
    else:
        given = (*labels.shape, *(1,) * (4 - labels.ndim))
        one_each = everywhere and given[:2] == (1, 1)
    if len(given) > 4 or given[2] not in depths or given[3] != images:
        fail()
    if not one_each and given[:2] != (height, width):
        fail()
    return labels.T.reshape(given[::-1])


def class_index(labels: Labels, classes: int) -> npt.NDArray[np.intp]:
    """The indexes of classes from 0, as MatConvNet finds them: rounded, and 0 for what is below."""
    values = labels.astype(np.float64)
    largest = values.max(initial=0)  # NaN if there is one
    if not largest < classes + 0.5 or values.min(initial=0) == -np.inf:
        raise MatConvNetError(f"A label in C is not one of the {classes} classes. Received {largest:g}.")
    return np.maximum(np.floor(values - 0.5), 0).astype(np.intp)  # floor(c - 1 + 0.5)


def exact_index(labels: Labels) -> npt.NDArray[np.intp]:
    """The indexes of classes from 0, and -1 for a label that no class can have."""
    values = labels.astype(np.float64)
    proper = np.isfinite(values) & (values >= 1) & (values == np.floor(values)) & (values < 2**31)
    return np.where(proper, values - 1, -1).astype(np.intp)
