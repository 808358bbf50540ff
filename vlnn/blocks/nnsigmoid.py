"""vl_nnsigmoid: the logistic function."""

from __future__ import annotations

from typing import Any

from vlnn.blocks.operands import common_class, derivative_of, in_class, operand, output
from vlnn.engines import engine_for
from vlnn.matlab.argparse import absent
from vlnn.matlab.arguments import give, matlab_function, outputs_wanted


@matlab_function(1, "one")
def vl_nnsigmoid(x: Any, dzdy: Any = None, *, nargout: int | None = None) -> Any:
    """CNN sigmoid nonlinear unit.

    ``y = vl_nnsigmoid(x)`` is 1 / (1 + exp(-x)), element by element. ``dzdx = vl_nnsigmoid(x, dzdy)`` is the
    derivative, dzdy y (1 - y).

    Parameters
    ----------
    x : array of any size, single or double
    dzdy : array of the size of x, or a scalar, optional
        The derivative of the network's loss in y. None, [] or left out: forward.
    nargout : int, optional
        How many outputs to return: 0 or 1.

    Returns
    -------
    y : array of the size of x, Fortran-ordered
    dzdx : array of the shape of x

    Raises
    ------
    MatConvNetError
        For arguments that are no numeric arrays, and for sizes that do not agree.

    Differs from MatConvNet: not at all.

    Source: MatConvNet manual, "Activation functions"; vl_nnsigmoid.m of 1.0-beta25.

    >>> import vlnn
    >>> vlnn.vl_nnsigmoid(0.0)[0, 0, 0, 0]
    np.float64(0.5)
    """
    data = operand("X", x)
    outputs_wanted("vl_nnsigmoid", nargout, 1)
    engine = engine_for(data.array)
    if absent(dzdy):
        return give([output(data, engine.sigmoid_forward(data.planes()))], nargout)
    der = derivative_of(data, dzdy)
    dtype = common_class(data, der)
    return give([data.like(engine.sigmoid_backward(in_class(data, dtype), in_class(der, dtype)))], nargout)
