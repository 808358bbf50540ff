"""vl_nnnoffset: subtract a power of the norm of the channels."""

from __future__ import annotations

from typing import Any

from vlnn.blocks.operands import common_class, derivative_of, in_class, operand, output, parameters
from vlnn.engines import engine_for
from vlnn.matlab.arguments import give, matlab_function, outputs_wanted


@matlab_function(2, "two")
def vl_nnnoffset(x: Any, param: Any, dzdy: Any = None, *, nargout: int | None = None) -> Any:
    """CNN norm-dependent offset.

    ``y = vl_nnnoffset(x, param)`` with param = [ALPHA BETA] is x - ALPHA L^BETA, where L is the sum of x^2 over the
    channels, taken to be 1e-8 where it is less. ``dzdx = vl_nnnoffset(x, param, dzdy)`` is the derivative,
    dzdy - 2 ALPHA BETA L^(BETA-1) x sum(dzdy), the sum over the channels.

    Parameters
    ----------
    x : (H, W, D, N) array, single or double
    param : two numbers
    dzdy : array of the size of x, or a scalar, optional
        The derivative of the network's loss in y. None or left out: forward. [] is an error, as in MatConvNet.
    nargout : int, optional
        How many outputs to return: 0 or 1.

    Returns
    -------
    y : (H, W, D, N) array, Fortran-ordered
    dzdx : array of the shape of x

    Raises
    ------
    MatConvNetError
        For arguments that are no numeric arrays, and for sizes that do not agree.

    Differs from MatConvNet: integers and logicals are computed in double.

    Source: MatConvNet manual, "Norm-dependent offset"; vl_nnnoffset.m of 1.0-beta25.

    >>> import numpy as np, vlnn
    >>> vlnn.vl_nnnoffset(np.array([[[3.0, 4.0]]]), [1, 0.5]).ravel()
    array([-2., -1.])
    """
    data = operand("X", x)
    alpha, beta = parameters("PARAM", param, 2, "a vector [ALPHA BETA]")
    outputs_wanted("vl_nnnoffset", nargout, 1)
    engine = engine_for(data.array)
    if dzdy is None:
        return give([output(data, engine.noffset_forward(data.planes(), alpha, beta))], nargout)
    der = derivative_of(data, dzdy)
    dtype = common_class(data, der)
    dzdx = engine.noffset_backward(in_class(data, dtype), in_class(der, dtype), alpha, beta)
    return give([data.like(dzdx)], nargout)
