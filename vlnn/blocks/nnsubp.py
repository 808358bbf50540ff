"""vl_nnSubP: pixels into channels, and channels into pixels."""

from __future__ import annotations

import math
from typing import Any

from vlnn.blocks.operands import derivative_of, matlab_size, operand
from vlnn.errors import MatConvNetError
from vlnn.matlab.argparse import absent, block_options, scalar_option
from vlnn.matlab.arguments import give, matlab_function, outputs_wanted
from vlnn.matlab.arrays import Array, Tensor

OPTIONS = {"scale": 2}


@matlab_function(1, "one")
def vl_nnSubP(x: Any, dzdy: Any = None, *args: Any, nargout: int | None = None, **opts: Any) -> Any:
    """Rearrange channels into pixels (sub-pixel convolution, pixel shuffle), or pixels into channels.

    ``y = vl_nnSubP(x, [], 'scale', 2)`` makes of every four channels one of twice the height and the width;
    ``y = vl_nnSubP(x, [], 'scale', 1/2)`` undoes that. ``dzdx = vl_nnSubP(x, dzdy, 'scale', 2)`` is the derivative.

    Of S x S channels, channel a + S b, counted from 0, holds rows a, a + S, ... and columns b, b + S, ...: it goes
    down the columns first, as MATLAB does. PyTorch's PixelShuffle goes along the rows.

    Parameters
    ----------
    x : (H, W, D, N) array, single or double
    dzdy : array of the size of y, or a scalar, optional
        The derivative of the network's loss in y. None or []: forward.
    nargout : int, optional
        How many outputs to return: 0 or 1.

    Options, as pairs ('scale', 3) or keywords (scale=3), in any case
    -----------------------------------------------------------------
    scale : 2
        S, or 1 / S to undo it.

    Returns
    -------
    y : (S H, S W, D / S^2, N) or (H / S, W / S, S^2 D, N) array, Fortran-ordered
    dzdx : array of the shape of x

    Raises
    ------
    MatConvNetError
        For a scale that is neither a positive integer nor 1 by one, and for sizes that it does not divide.

    Differs from the original: sizes that the scale does not divide are an error; there they lose pixels or fail.

    Source: not of MatConvNet: the function of that name in the published code of FFDNet and SRMD (K. Zhang et al.),
    layer type 'SubP'.

    >>> import numpy as np, vlnn
    >>> vlnn.vl_nnSubP(np.arange(4.0).reshape(1, 1, 4))[:, :, 0, 0]
    array([[0., 2.],
           [1., 3.]])
    """
    dzdy, options = block_options(OPTIONS, dzdy, args, opts)
    factor, enlarge = factor_of(options["scale"])
    data = operand("X", x)
    outputs_wanted("vl_nnSubP", nargout, 1)
    rearrange, back = (_enlarged, _reduced) if enlarge else (_reduced, _enlarged)
    y = rearrange(data, data.planes(), factor)
    if absent(dzdy):
        return give([y.T], nargout)
    der = derivative_of(operand("Y", y.T), dzdy)
    return give([data.like(back(der, der.planes(), factor))], nargout)


def factor_of(scale: object) -> tuple[int, bool]:
    """S, and whether the picture becomes larger."""
    value = scalar_option("SCALE", scale)
    factor = value if value > 1 else 1 / value if value > 0 else math.nan
    if not math.isfinite(factor) or abs(factor - round(factor)) > 1e-6 * factor:
        raise MatConvNetError(f"SCALE is neither a positive integer nor 1 by one. Received {value:g}.")
    return round(factor), value > 1


def _enlarged(given: Tensor, planes: Array, s: int) -> Array:
    n, depth, w, h = planes.shape
    if depth % s**2:
        raise MatConvNetError(
            f"SCALE squared does not divide the depth of {given.name}. Received SCALE {s}, {given.name} "
            f"{matlab_size(given)}."
        )
    # (N, C, b, a, W, H) -> (N, C, W, b, H, a)
    pixels = planes.reshape(n, depth // s**2, s, s, w, h).transpose(0, 1, 4, 2, 5, 3)
    return pixels.reshape(n, depth // s**2, s * w, s * h)


def _reduced(given: Tensor, planes: Array, s: int) -> Array:
    n, depth, w, h = planes.shape
    if w % s or h % s:
        raise MatConvNetError(
            f"1 / SCALE does not divide the height and the width of {given.name}. Received SCALE 1/{s}, {given.name} "
            f"{matlab_size(given)}."
        )
    # (N, C, W, b, H, a) -> (N, C, b, a, W, H)
    channels = planes.reshape(n, depth, w // s, s, h // s, s).transpose(0, 1, 3, 5, 2, 4)
    return channels.reshape(n, s**2 * depth, w // s, h // s)
