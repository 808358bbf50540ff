"""vl_nncrop: crop rows and columns."""

from __future__ import annotations

from typing import Any

from vlnn.blocks.operands import matlab_size, operand, same_library, size_of, whole_numbers
from vlnn.engines import engine_for
from vlnn.errors import MatConvNetError
from vlnn.geometry import Sides, brackets, sizes
from vlnn.matlab.argparse import absent
from vlnn.matlab.arguments import give, matlab_function, outputs_wanted

WORDS = "a vector [TOP BOTTOM LEFT RIGHT] of non-negative integers"


@matlab_function(2, "two")
def vl_nncrop(x: Any, crop: Any, dzdy: Any = None, inputSize: Any = None, *, nargout: int | None = None) -> Any:
    """CNN crop.

    ``y = vl_nncrop(x, crop)`` takes rows and columns away at the borders. ``dzdx = vl_nncrop(x, crop, dzdy)`` or
    ``vl_nncrop([], crop, dzdy, inputSize)`` is the derivative, dzdy with zeros around it.

    Parameters
    ----------
    x : (H, W, D, N) array, single or double
        Backward its size alone matters.
    crop : [TOP BOTTOM LEFT RIGHT]
    dzdy : array of the size of y, or a scalar, optional
        The derivative of the network's loss in y. None, [] or left out: forward.
    inputSize : [H W D N], optional
        The size of x, in the place of x.
    nargout : int, optional
        How many outputs to return: 0 or 1.

    Returns
    -------
    y : (H - TOP - BOTTOM, W - LEFT - RIGHT, D, N) array, Fortran-ordered
        Without elements where the crop takes away all there is, or more.
    dzdx : array of the shape of x, or of four dimensions for an inputSize, in the class of dzdy

    Raises
    ------
    MatConvNetError
        For a crop that is not four non-negative integers, and for sizes that do not agree.

    Differs from MatConvNet: integers and logicals become double.

    Source: MatConvNet manual, "Crop"; vl_nncrop.m of 1.0-beta25.

    >>> import numpy as np, vlnn
    >>> vlnn.vl_nncrop(np.ones((5, 6)), [1, 0, 2, 1]).shape
    (4, 3, 1, 1)
    """
    sides = Sides(*whole_numbers("CROP", crop, 4, WORDS))
    if min(sides) < 0:
        raise MatConvNetError(f"CROP is not {WORDS}. Received {brackets(sides)}.")
    data = operand("X", x)
    outputs_wanted("vl_nncrop", nargout, 1)
    size = size_of(data) if inputSize is None else _size(inputSize)
    height, width, *rest = size
    rows = slice(sides.top, max(sides.top, height - sides.bottom))
    columns = slice(sides.left, max(sides.left, width - sides.right))
    window = (..., columns, rows)
    if absent(dzdy):
        if inputSize is not None and size != size_of(data):
            raise MatConvNetError(f"X does not have the size INPUTSIZE. Received {matlab_size(data)}, {sizes(size)}.")
        planes = data.planes().reshape(size[::-1])
        return give([engine_for(data.array).crop(planes, window).T], nargout)

    der = operand("DZDY", dzdy)
    same_library(der, data)
    cropped = (len(range(height)[rows]), len(range(width)[columns]), *rest)
    if size_of(der) != cropped and der.array.size != 1:
        raise MatConvNetError(
            f"DZDY does not have the size of Y. Received DZDY {matlab_size(der)}, X {sizes(size)}, "
            f"Crop {brackets(sides)}."
        )
    planes = der.planes().reshape(cropped[::-1] if der.array.size != 1 else (1,) * len(size))
    dzdx = engine_for(der.array).uncrop(planes, size[::-1], window)
    return give([data.like(dzdx) if inputSize is None else dzdx.T], nargout)


def _size(value: Any) -> tuple[int, ...]:
    numbers = whole_numbers("INPUTSIZE", value, 4, "a size [H W D N]")
    if min(numbers) < 0:
        raise MatConvNetError(f"INPUTSIZE is not a size [H W D N]. Received {brackets(tuple(numbers))}.")
    return tuple(numbers)
