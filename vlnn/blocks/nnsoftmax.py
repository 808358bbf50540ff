"""vl_nnsoftmax: softmax over the channels."""

from __future__ import annotations

from typing import Any

from vlnn.blocks.operands import common_class, derivative_of, in_class, operand, output
from vlnn.engines import engine_for
from vlnn.matlab.arguments import give, matlab_function, outputs_wanted


@matlab_function(1, "one")
def vl_nnsoftmax(x: Any, dzdy: Any = None, *, nargout: int | None = None) -> Any:
    """CNN softmax.

    ``y = vl_nnsoftmax(x)`` is exp(x) divided by its sum over the channels, the third dimension, for each pixel of each
    image. ``dzdx = vl_nnsoftmax(x, dzdy)`` is the derivative, y (dzdy - sum(dzdy y)).

    Parameters
    ----------
    x : (H, W, D, N) array, single or double
        N images with a score for each of D classes.
    dzdy : array of the size of x, or a scalar, optional
        The derivative of the network's loss in y. None or left out: forward. [] is an error, as in MatConvNet.
    nargout : int, optional
        How many outputs to return: 0 or 1.

    Returns
    -------
    y : (H, W, D, N) array, Fortran-ordered
        The largest score is subtracted first, so that nothing overflows.
    dzdx : array of the shape of x

    Raises
    ------
    MatConvNetError
        For arguments that are no numeric arrays, and for sizes that do not agree.

    Differs from MatConvNet: integers and logicals are computed in double.

    Source: MatConvNet manual, "Softmax"; vl_nnsoftmax.m of 1.0-beta25.

    >>> import numpy as np, vlnn
    >>> vlnn.vl_nnsoftmax(np.log([[[1.0, 3.0]]])).ravel()
    array([0.25, 0.75])
    """
    data = operand("X", x)
    outputs_wanted("vl_nnsoftmax", nargout, 1)
    engine = engine_for(data.array)
    if dzdy is None:
        return give([output(data, engine.softmax_forward(data.planes()))], nargout)
    der = derivative_of(data, dzdy)
    dtype = common_class(data, der)
    return give([data.like(engine.softmax_backward(in_class(data, dtype), in_class(der, dtype)))], nargout)
