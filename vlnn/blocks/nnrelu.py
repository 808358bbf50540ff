"""vl_nnrelu: rectified linear unit."""

from __future__ import annotations

from typing import Any

from vlnn.blocks.operands import derivative_of, operand, output
from vlnn.engines import engine_for
from vlnn.matlab.argparse import absent, block_options, scalar_option
from vlnn.matlab.arguments import give, matlab_function, outputs_wanted

OPTIONS = {"leak": 0.0}


@matlab_function(1, "one")
def vl_nnrelu(x: Any, dzdy: Any = None, *args: Any, nargout: int | None = None, **opts: Any) -> Any:
    """CNN rectified linear unit.

    ``y = vl_nnrelu(x)`` is max(x, 0), element by element. ``dzdx = vl_nnrelu(x, dzdy)`` is the derivative; instead of
    x it can be given y, which with a leak that is not negative has the same signs.

    Parameters
    ----------
    x : array of any size, single or double
    dzdy : array of the size of x, or a scalar, optional
        The derivative of the network's loss in y. None, [] or left out: forward.
    nargout : int, optional
        How many outputs to return: 0 or 1.

    Options, as pairs ('leak', 0.1) or keywords (leak=0.1), in any case
    --------------------------------------------------------------------
    leak : 0
        The slope for negative x: y = x where x > 0, leak x elsewhere.

    Returns
    -------
    y : array of the size of x, Fortran-ordered
        Without a leak NaN gives 0, as MATLAB's max does; with one it stays NaN.
    dzdx : array of the shape of x, in the class of dzdy
        dzdy where x > 0, leak dzdy elsewhere, also at 0.

    Raises
    ------
    MatConvNetError
        "Unknown parameter 'x'" for an option that is not known; else with a sentence of its own.

    Differs from MatConvNet: integers and logicals are computed in double.

    Source: MatConvNet manual, "Activation functions"; vl_nnrelu.m of 1.0-beta25.

    >>> import numpy as np, vlnn
    >>> vlnn.vl_nnrelu(np.array([[-2.0, 3.0]]), 'leak', 0.5).ravel()
    array([-1.,  3.])
    """
    dzdy, options = block_options(OPTIONS, dzdy, args, opts)
    leak = scalar_option("LEAK", options["leak"])
    data = operand("X", x)
    outputs_wanted("vl_nnrelu", nargout, 1)
    engine = engine_for(data.array)
    if absent(dzdy):
        return give([output(data, engine.relu_forward(data.planes(), leak))], nargout)
    der = derivative_of(data, dzdy)
    return give([data.like(engine.relu_backward(data.planes(), der.planes(), leak))], nargout)
