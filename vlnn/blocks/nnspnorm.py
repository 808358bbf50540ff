"""vl_nnspnorm: spatial normalisation."""

from __future__ import annotations

from typing import Any

from vlnn.blocks.nnpool import vl_nnpool
from vlnn.blocks.operands import common_class, derivative_of, in_class, operand, output, parameters
from vlnn.engines import engine_for
from vlnn.matlab.argparse import absent
from vlnn.matlab.arguments import give, matlab_function, outputs_wanted


@matlab_function(2, "two")
def vl_nnspnorm(x: Any, param: Any, dzdy: Any = None, *, nargout: int | None = None) -> Any:
    """CNN spatial normalisation.

    ``y = vl_nnspnorm(x, param)`` with param = [PH PW ALPHA BETA] is x / (1 + ALPHA M)^BETA, where M is the mean of x^2
    over the PH x PW pixels around, in the same channel. Pixels outside the image are not counted.
    ``dzdx = vl_nnspnorm(x, param, dzdy)`` is the derivative.

    Parameters
    ----------
    x : (H, W, D, N) array, single or double
    param : four numbers
        The window has floor((PH-1)/2) rows above its pixel and the rest below, and columns likewise.
    dzdy : array of the size of x, or a scalar, optional
        The derivative of the network's loss in y. None, [] or left out: forward.
    nargout : int, optional
        How many outputs to return: 0 or 1.

    Returns
    -------
    y : (H, W, D, N) array, Fortran-ordered
    dzdx : array of the shape of x

    Raises
    ------
    MatConvNetError
        With the sentences of vl_nnpool, which takes the means; "PARAM is not a vector [PH PW ALPHA BETA]."

    Differs from MatConvNet: PARAM may be a column also when PH and PW differ (there the pads are then mixed up).

    Source: MatConvNet manual, "Spatial normalization"; vl_nnspnorm.m of 1.0-beta25.

    >>> import numpy as np, vlnn
    >>> vlnn.vl_nnspnorm(2 * np.ones((3, 3)), [3, 3, 2, 0.5])[0, 0, 0, 0].round(6)
    np.float64(0.666667)
    """
    data = operand("X", x)
    height, width, alpha, beta = parameters("PARAM", param, 4, "a vector [PH PW ALPHA BETA]")
    outputs_wanted("vl_nnspnorm", nargout, 1)
    engine = engine_for(data.array)
    above, left = (height - 1) // 2, (width - 1) // 2
    window = [height, width]
    pooling: dict[str, Any] = {"method": "avg", "pad": [above, height - 1 - above, left, width - 1 - left]}

    if absent(dzdy):
        planes = data.planes()
        energy = vl_nnpool(engine.multiply(planes, planes).T, window, **pooling)
        return give([output(data, engine.spnorm_forward(planes, energy.T, alpha, beta))], nargout)
    der = derivative_of(data, dzdy)
    dtype = common_class(data, der)
    planes, slope = in_class(data, dtype), in_class(der, dtype)
    squares = engine.multiply(planes, planes)
    energy = vl_nnpool(squares.T, window, **pooling).T
    # what each window passes on to the squares in it
    passed = engine.spnorm_forward(engine.multiply(planes, slope), energy, alpha, beta + 1)
    spill = vl_nnpool(squares.T, window, passed.T, **pooling).T
    return give([data.like(engine.spnorm_backward(planes, energy, slope, spill, alpha, beta))], nargout)
