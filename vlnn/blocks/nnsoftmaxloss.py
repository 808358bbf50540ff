"""vl_nnsoftmaxloss: softmax and logarithmic loss in one; deprecated in favour of vl_nnloss."""

from __future__ import annotations

from typing import Any

import numpy as np

from vlnn.blocks.labels import class_index, read_labels, spread_labels
from vlnn.blocks.operands import check_expands, in_class, matlab_size, operand, same_library, size_of
from vlnn.engines import engine_for
from vlnn.errors import MatConvNetError
from vlnn.matlab.arguments import give, matlab_function, outputs_wanted
from vlnn.matlab.arrays import library


@matlab_function(2, "two")
def vl_nnsoftmaxloss(x: Any, c: Any, dzdy: Any = None, *, nargout: int | None = None) -> Any:
    """CNN combined softmax and logistic loss, deprecated in favour of ``vl_nnloss(x, c, 'loss', 'softmaxlog')``.

    ``y = vl_nnsoftmaxloss(x, c)`` is the sum over all pixels of -log of the softmax of the right class's score, divided
    by the number of images. ``dzdx = vl_nnsoftmaxloss(x, c, dzdy)`` is the derivative.

    Parameters
    ----------
    x : (H, W, D, N) array, single or double
        Scores of D classes, at each pixel of N images.
    c : array of any numeric class
        The classes, from 1 to D: N of them, one for each image, or an (H, W, 1, N) array. In an (H, W, 2, N) or
        (1, 1, 2, N) array the second channel holds weights. Labels of 0 and below are skipped.
    dzdy : scalar, or (H, W, 1, N) array, optional
        The derivative of the network's loss in y. None or left out: forward. [] is an error, as in MatConvNet.
    nargout : int, optional
        How many outputs to return: 0 or 1.

    Returns
    -------
    y : scalar in the class of x
    dzdx : array of the shape of x

    Raises
    ------
    MatConvNetError
        For labels which are no classes, and for sizes that do not agree.

    Differs from MatConvNet: labels above D, infinite or NaN are errors (there some read the scores of the next image),
    and so are fractions; skipped labels are skipped even where their loss is not finite; scores have to be single or
    double.

    Source: vl_nnsoftmaxloss.m of 1.0-beta25.

    >>> import numpy as np, vlnn
    >>> round(float(vlnn.vl_nnsoftmaxloss(np.zeros((1, 1, 4, 2)), [1, 3])), 4)
    1.3863
    """
    data = operand("X", x)
    size = size_of(data)
    if len(size) != 4:
        raise MatConvNetError(f"X has more than four dimensions. Received {matlab_size(data)}.")
    if getattr(x, "dtype", data.array.dtype).kind in "iub":
        raise MatConvNetError(f"An input is neither SINGLE or DOUBLE nor it is empty. Received X of class {x.dtype}.")
    outputs_wanted("vl_nnsoftmaxloss", nargout, 1)
    given = spread_labels(read_labels(c), size, (1, 2), everywhere=True)
    labels = given[:, :1]
    if not np.array_equal(labels, np.floor(labels)):
        raise MatConvNetError(f"A label in C is not one of the {size[2]} classes. Received a fraction.")
    keep = labels > 0
    engine = engine_for(data.array)
    dtype = data.array.dtype
    factors: list[Any] = [1 / max(size[3], 1)]
    if given.shape[1] == 2:
        factors.append(library(data.array).asarray(given[:, 1:]))
    if dzdy is not None:
        der = operand("DZDY", dzdy)
        same_library(data, der)
        check_expands(der, (size[0], size[1], 1, size[3]))
        factors.append(in_class(der, dtype).reshape(size_of(der)[::-1]))
    index = class_index(labels, size[2])
    planes = data.planes().reshape(size[::-1])
    weights = engine.product(dtype, *factors)
    skip = None if keep.all() else keep
    if dzdy is None:
        return give([engine.loss_forward("softmaxlog", planes, index, skip, weights, 0.0, False)], nargout)
    return give([data.like(engine.loss_backward("softmaxlog", planes, index, skip, weights, 0.0))], nargout)
