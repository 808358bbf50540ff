"""vl_taccum and vl_taccummex: weighted sums of two arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from vlnn.blocks.operands import common_class, in_class, matlab_dims, operand, same_library
from vlnn.engines import engine_for
from vlnn.errors import MatConvNetError
from vlnn.matlab.argparse import scalar_option
from vlnn.matlab.arguments import Option, OptionTable, give, matlab_function, outputs_wanted, plain, received
from vlnn.matlab.arrays import Array, describe, device_of, is_array, same_format, tensor

OPTIONS = OptionTable("vl_taccummex", 4, Option("InPlace"), Option("Verbose"))


def vl_taccum(alpha: Any, a: Any, beta: Any, b: Any, *, nargout: int | None = None) -> Any:
    """Weighted sum of two arrays.

    ``a = vl_taccum(alpha, a, beta, b)`` is alpha a + beta b.

    Parameters
    ----------
    alpha, beta : scalars
    a, b : arrays with the same number of elements, single or double
        If one of them is a scalar, it is added to every element of the other.
    nargout : int, optional
        How many outputs to return: 0 or 1.

    Returns
    -------
    a : array, Fortran-ordered
        Of the shape of a, or of b if a is a scalar.

    Raises
    ------
    MatConvNetError
        With the sentences of vl_taccummex.

    Differs from MatConvNet: a on a GPU is not changed in place, a new array is returned.

    Source: vl_taccum.m of 1.0-beta25.

    >>> import numpy as np, vlnn
    >>> vlnn.vl_taccum(2, np.array([[1.0, 2.0]]), 3, 1.0)
    array([[5., 7.]])
    """
    factors = scalar_option("ALPHA", alpha), scalar_option("BETA", beta)
    first, second = operand("A", a), operand("B", b)
    if first.array.size != 1 and second.array.size != 1:
        return vl_taccummex(factors[0], a, factors[1], b, nargout=nargout)
    same_library(first, second)
    outputs_wanted("vl_taccum", nargout, 1)
    dtype = common_class(first, second)
    # the longer one, and the number to add to it
    long, short, factor, offset = first, second, *factors
    if first.array.size == 1:
        long, short, factor, offset = second, first, *factors[::-1]
    engine = engine_for(long.array)
    total = engine.accumulate(factor, in_class(long, dtype), offset, in_class(short, dtype))
    return give([long.like(total)], nargout)


@matlab_function(4, "four")
def vl_taccummex(alpha: Any, a: Any, beta: Any, b: Any, *args: Any, nargout: int | None = None, **opts: Any) -> Any:
    """Weighted sum of two arrays: what ``vl_taccum`` calls.

    ``c = vl_taccummex(alpha, a, beta, b)`` is alpha a + beta b.

    Parameters
    ----------
    alpha, beta : scalars, not of a class other than double
    a, b : arrays of one class, single or double, with the same number of elements
    nargout : int, optional
        How many outputs to return: 0 or 1.

    Options, as pairs or keywords, in any case
    -------------------------------------------
    InPlace : flag
        Write the result into a, which has to be a writeable array.
    Verbose : flag
        Print what is done.

    Returns
    -------
    c : array of the shape of a, Fortran-ordered; a itself with InPlace

    Raises
    ------
    MatConvNetError
        The sentence is MatConvNet's, the rest says what was received.

    Differs from MatConvNet: with InPlace a is also returned.

    Source: vl_taccummex.cu of 1.0-beta25.

    >>> import numpy as np, vlnn
    >>> vlnn.vl_taccummex(2, np.array([[1.0, 2.0]]), 3, np.array([[1.0], [0.0]]))
    array([[5., 4.]])
    """
    options = OPTIONS.options(args, opts)
    factor, offset = _plain_scalar("ALPHA", alpha), _plain_scalar("BETA", beta)
    first, second = tensor("A", a), tensor("B", b)
    same_format(first, second)
    if first.array.size != second.array.size:
        raise MatConvNetError(
            f"A and B do not have the same number of elements. "
            f"Received {first.array.size} and {second.array.size} elements."
        )
    outputs_wanted("vl_taccummex", nargout, 1)
    in_place = options["InPlace"]
    if options["Verbose"]:
        print(f"vl_taccum: {'inplace' if in_place else 'not inplace'} {device_of(first.array)}")
        for one in (first, second):
            print(f"vl_taccum: {one.name}: {describe(one.array, matlab_dims(one))}")
    planes = first.planes()
    other: Array = second.planes().astype(first.array.dtype, copy=False).reshape(planes.shape)
    result = first.like(engine_for(first.array).accumulate(factor, planes, offset, other))
    if not in_place:
        return give([result], nargout)
    if not is_array(a) or not a.flags.writeable:
        raise MatConvNetError(f"A cannot be changed in place. Received {received(a)}.")
    a[...] = result.reshape(a.shape, order="F")
    return give([a], nargout)


def _plain_scalar(name: str, value: object) -> float:
    """The number in a scalar of class double."""
    if getattr(value, "dtype", np.float64) != np.float64 or isinstance(value, (str, bool)):
        raise MatConvNetError(f"{name} is not a plain scalar. Received {received(value)}.")
    elements = plain(value)
    if elements is None or len(elements) != 1:
        raise MatConvNetError(f"{name} is not a plain scalar. Received {received(value)}.")
    return elements[0]
