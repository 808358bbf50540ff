"""vl_nndropout: dropout."""

from __future__ import annotations

import warnings
from typing import Any

from vlnn.blocks.operands import (
    common_class,
    derivative_of,
    in_class,
    matlab_size,
    operand,
    output,
    same_library,
    size_of,
)
from vlnn.engines import engine_for
from vlnn.errors import MatConvNetError
from vlnn.matlab.argparse import absent, block_options, scalar_option
from vlnn.matlab.arguments import give, matlab_function, outputs_wanted

OPTIONS = {"rate": 0.5, "mask": None, "rng": None}


@matlab_function(1, "one")
def vl_nndropout(x: Any, dzdy: Any = None, *args: Any, nargout: int | None = None, **opts: Any) -> Any:
    """CNN dropout.

    ``y, mask = vl_nndropout(x, nargout=2)`` sets elements of x to zero at random and multiplies the others by
    1 / (1 - rate), so that nothing needs to be done at test time: y = mask x.
    ``dzdx = vl_nndropout(x, dzdy, 'mask', mask)`` is the derivative, mask dzdy.

    Parameters
    ----------
    x : array of any size, single or double
    dzdy : array of the size of x, or a scalar, optional
        The derivative of the network's loss in y. None or left out: forward. [] is an error, as in MatConvNet.
    nargout : int, optional
        2 for (y, mask) or (dzdx, mask); by default y or dzdx alone.

    Options, as pairs ('rate', 0.3) or keywords (rate=0.3), in any case
    --------------------------------------------------------------------
    rate : 0.5
        The probability of an element to become zero.
    mask : []
        The mask of an earlier call, used instead of a new one. The backward call needs it to agree with the forward
        call; without it there is a warning, and a new mask.
    rng : None
        What to draw the mask from: a ``numpy.random.Generator``, or a seed for one. By default every call differs.

    Returns
    -------
    y : array of the size of x, Fortran-ordered
    dzdx : array of the shape of x
    mask : array of the size of x
        Zeros and 1 / (1 - rate). With rate 1 it is NaN throughout, as in MatConvNet.

    Raises
    ------
    MatConvNetError
        "Unknown parameter 'x'" for an option that is not known; "RATE is not between 0 and 1."; for sizes that do not
        agree.

    Differs from MatConvNet: the numbers are NumPy's, not MATLAB's; `rng` is our own; a rate outside 0 to 1 is an error.

    Source: MatConvNet manual, "Dropout"; vl_nndropout.m of 1.0-beta25.

    >>> import numpy as np, vlnn
    >>> y, mask = vlnn.vl_nndropout(np.ones((2, 3)), 'rate', 0.75, rng=0, nargout=2)
    >>> sorted(set(mask.ravel()))
    [np.float64(0.0), np.float64(4.0)]
    """
    dzdy, options = block_options(OPTIONS, dzdy, args, opts)
    rate = scalar_option("RATE", options["rate"])
    if not 0 <= rate <= 1:
        raise MatConvNetError(f"RATE is not between 0 and 1. Received {rate:g}.")
    data = operand("X", x)
    wanted = outputs_wanted("vl_nndropout", nargout, 2)
    engine = engine_for(data.array)
    der = None if dzdy is None else derivative_of(data, dzdy)
    given = options["mask"]
    if absent(given):
        if der is not None:
            warnings.warn("vl_nndropout: when using in backward mode, the mask should be specified", stacklevel=3)
        given = engine.dropout_mask(size_of(data)[::-1], data.array.dtype, rate, options["rng"]).T
    mask = operand("MASK", given)
    same_library(data, mask)
    if size_of(mask) != size_of(data):
        raise MatConvNetError(
            f"MASK does not have the size of X. Received X {matlab_size(data)}, MASK {matlab_size(mask)}."
        )
    source = data if der is None else der
    dtype = common_class(source, mask)
    result = engine.multiply(in_class(source, dtype), in_class(mask, dtype))
    first = output(data, result) if der is None else data.like(result)
    return give([first, given], 1 if nargout is None else wanted)
