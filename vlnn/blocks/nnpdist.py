"""vl_nnpdist: distance from a target."""

from __future__ import annotations

import math
from typing import Any

from vlnn.blocks.operands import check_expands, common_class, in_class, matlab_size, operand, same_library, size_of
from vlnn.engines import engine_for
from vlnn.errors import MatConvNetError
from vlnn.matlab.argparse import absent, block_options, scalar_option
from vlnn.matlab.arguments import give, matlab_function, outputs_wanted
from vlnn.matlab.arrays import Tensor

OPTIONS = {"noRoot": False, "epsilon": 1e-6, "aggregate": False, "instanceWeights": None}


@matlab_function(3, "three")
def vl_nnpdist(x: Any, x0: Any, p: Any, dzdy: Any = None, *args: Any, nargout: int | None = None, **opts: Any) -> Any:
    """CNN p-distance from a target.

    ``y = vl_nnpdist(x, x0, p)`` is (sum |x - x0|^p)^(1/p), the sum over the channels.
    ``dzdx, dzdx0 = vl_nnpdist(x, x0, p, dzdy)`` are the derivatives.

    Parameters
    ----------
    x : (H, W, D, N) array, single or double
    x0 : array of the size of x, or with ones in the place of some of its sizes
        The target; a (1, 1, D, N) one serves all pixels, a scalar all elements.
    p : positive number
    dzdy : array of the size of y, or a scalar, optional
        The derivative of the network's loss in y. None, [] or left out: forward.
    nargout : int, optional
        How many outputs to return. By default y, or both derivatives.

    Options, as pairs ('noRoot', True) or keywords (noRoot=True), in any case
    --------------------------------------------------------------------------
    noRoot : False
        Leave out the power 1/p.
    epsilon : 1e-6
        The least that derivatives divide by: sum |x - x0|^p for p > 1, |x - x0| for p < 1.
    aggregate : False
        Add up the distances of all pixels and images.
    instanceWeights : []
        Weights of the distances, a scalar or an (H, W, 1, N) array, or one that MATLAB expands to it.

    Returns
    -------
    y : (H, W, 1, N) array, Fortran-ordered; a scalar with `aggregate`
    dzdx : array of the shape of x
    dzdx0 : array of the shape of x
        -dzdx: where x0 serves several pixels, the caller adds up, as in MatConvNet.

    Raises
    ------
    MatConvNetError
        "Unknown parameter 'x'" for an option that is not known; else with a sentence of its own.

    Differs from MatConvNet: x0 may not be larger than x, and p has to be positive.

    Source: MatConvNet manual, "p-distance"; vl_nnpdist.m of 1.0-beta25.

    >>> import numpy as np, vlnn
    >>> vlnn.vl_nnpdist(np.array([[[3.0, 4.0]]]), 0, 2)[0, 0, 0, 0]
    np.float64(5.0)
    """
    dzdy, options = block_options(OPTIONS, dzdy, args, opts)
    power = scalar_option("P", p)
    if not 0 < power < math.inf:
        raise MatConvNetError(f"P is not a positive number. Received {power:g}.")
    root = not scalar_option("NOROOT", options["noRoot"])
    aggregate = bool(scalar_option("AGGREGATE", options["aggregate"]))
    epsilon = scalar_option("EPSILON", options["epsilon"])
    data, target = operand("X", x), operand("X0", x0)
    weights = []
    if not absent(options["instanceWeights"]):
        weights = [operand("INSTANCEWEIGHTS", options["instanceWeights"])]
    same_library(data, target, *weights)
    size = size_of(data)
    if len(size) > 4:
        raise MatConvNetError(f"X has more than four dimensions. Received {matlab_size(data)}.")
    height, width, _, images = size
    check_expands(target, size)
    for one in weights:
        check_expands(one, (height, width, 1, images))
    engine = engine_for(data.array)

    if absent(dzdy):
        outputs_wanted("vl_nnpdist", nargout, 1)
        dtype = common_class(data, target)
        planes, target_planes = in_class(data, dtype).reshape(size[::-1]), _planes(target, dtype)
        y = engine.pdist_forward(planes, target_planes, power, root)
        for one in weights:
            y = engine.product(common_class(data, target, one), y, _planes(one, one.array.dtype))
        return give([engine.total(y) if aggregate else y.T], nargout)
    der = operand("DZDY", dzdy)
    same_library(data, der)
    check_expands(der, (1, 1, 1, 1) if aggregate else (height, width, 1, images))
    wanted = outputs_wanted("vl_nnpdist", nargout, 2)
    dtype = common_class(data, target, der, *weights)
    factors = [_planes(one, one.array.dtype) for one in (der, *weights)]
    planes, target_planes = in_class(data, dtype).reshape(size[::-1]), _planes(target, dtype)
    slope = engine.product(dtype, *factors)
    dzdx = engine.pdist_backward(planes, target_planes, power, root, epsilon, slope)
    results = [data.like(dzdx)]
    if wanted > 1:
        results.append(data.like(engine.scale(-1, dzdx)))
    return give(results, nargout)


def _planes(one: Tensor, dtype: Any) -> Any:
    return in_class(one, dtype).reshape(size_of(one)[::-1])
