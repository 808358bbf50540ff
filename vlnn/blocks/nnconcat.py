"""vl_nnconcat: concatenation of several inputs."""

from __future__ import annotations

from typing import Any

from vlnn.blocks.operands import common_class, in_class, matlab_size, operand, same_library, size_of, whole_numbers
from vlnn.engines import engine_for
from vlnn.errors import MatConvNetError
from vlnn.geometry import Shape, sizes
from vlnn.matlab.argparse import absent, block_options
from vlnn.matlab.arguments import give, matlab_function, outputs_wanted, received
from vlnn.matlab.arrays import Tensor

OPTIONS = {"inputSizes": None}


@matlab_function(1, "one")
def vl_nnconcat(
    inputs: Any, dim: Any = 3, dzdy: Any = None, *args: Any, nargout: int | None = None, **opts: Any
) -> Any:
    """CNN concatenation of multiple inputs.

    ``y = vl_nnconcat(inputs, dim)`` puts the inputs one after the other along a dimension.
    ``dzdinputs = vl_nnconcat(inputs, dim, dzdy)`` are the derivatives, the parts of dzdy.

    Parameters
    ----------
    inputs : list or tuple of (H, W, D, N) arrays, single or double
        Of one size but for the dimension `dim`. [] is left out. Backward it may be [] if inputSizes is given.
    dim : 1, 2, 3 or 4, default 3
        The dimension, counted from 1 as in MATLAB: height, width, channels, images.
    dzdy : array of the size of y, optional
        The derivative of the network's loss in y. None, [] or left out: forward.
    nargout : int, optional
        How many outputs to return: 0 or 1.

    Options, as pairs or keywords, in any case
    -------------------------------------------
    inputSizes : []
        The sizes of the inputs, a list of [H W D N], instead of the inputs in a backward call.

    Returns
    -------
    y : (H, W, D, N) array, Fortran-ordered
        Single if any of the inputs is.
    dzdinputs : list of arrays of the shapes of the inputs, in the class of dzdy

    Raises
    ------
    MatConvNetError
        "Unknown parameter 'x'" for an option that is not known; else with a sentence of its own.

    Differs from MatConvNet: the size of dzdy is checked, and the derivative of [] is [] (there it takes a channel from
    the inputs after it).

    Source: MatConvNet manual, "Concatenation"; vl_nnconcat.m of 1.0-beta25.

    >>> import numpy as np, vlnn
    >>> vlnn.vl_nnconcat([np.ones((2, 2, 3)), np.ones((2, 2, 4))]).shape
    (2, 2, 7, 1)
    """
    dzdy, options = block_options(OPTIONS, dzdy, args, opts)
    dimension = whole_numbers("DIM", dim, 1, "one of 1, 2, 3, 4")[0]
    if not 1 <= dimension <= 4:
        raise MatConvNetError(f"DIM is not one of 1, 2, 3, 4. Received {dimension}.")
    axis = 4 - dimension  # in planes
    arrays = [operand(f"INPUTS({i + 1})", value) for i, value in enumerate(_cell("INPUTS", inputs))]
    outputs_wanted("vl_nnconcat", nargout, 1)
    if absent(dzdy):
        present = [one for one in arrays if one.array.shape != (0, 0)]
        _joined([size_of(one) for one in present], dimension)
        if not present:
            return give([operand("INPUTS", None).array], nargout)
        same_library(present[0], *present[1:])
        dtype = common_class(*present)
        planes = [_four_planes(one, dtype) for one in present]
        return give([engine_for(present[0].array).concatenate(planes, axis).T], nargout)

    der = operand("DZDY", dzdy)
    same_library(der, *arrays)
    if absent(options["inputSizes"]):
        parts = [size_of(one) for one in arrays]
    else:
        parts = [_size(value) for value in _cell("INPUTSIZES", options["inputSizes"])]
    shape = _joined([part for part in parts if part[:2] != (0, 0)], dimension)
    if size_of(der) != shape:
        raise MatConvNetError(
            f"DZDY does not have the size of Y. Received DZDY {matlab_size(der)}, INPUTS which give {sizes(shape)}."
        )
    engine = engine_for(der.array)
    planes = _four_planes(der, der.array.dtype)
    results = []
    start = 0
    for i, part in enumerate(parts):
        count = part[dimension - 1] if part[:2] != (0, 0) else 0
        window = [slice(None)] * 4
        window[axis] = slice(start, start := start + count)
        if part[:2] == (0, 0):
            results.append(der.nothing())
        else:
            piece = engine.crop(planes, tuple(window))
            results.append(arrays[i].like(piece) if i < len(arrays) else piece.T)
    return give([results], nargout)


def _cell(name: str, value: Any) -> list[Any]:
    if not isinstance(value, (list, tuple)):
        raise MatConvNetError(f"{name} is not a cell array (a list or tuple). Received {received(value)}.")
    return list(value)


def _size(value: Any) -> tuple[int, ...]:
    """A size given in numbers, with four of them."""
    count = len(value) if isinstance(value, (list, tuple)) else getattr(value, "size", 0)
    numbers = whole_numbers("INPUTSIZES", value, max(2, min(count, 4)), "a cell array of sizes [H W D N]")
    return (*numbers, *(1,) * (4 - len(numbers)))


def _four_planes(one: Tensor, dtype: Any) -> Any:
    """Planes with the true number of images, also of an empty array."""
    return in_class(one, dtype).reshape(size_of(one)[::-1])


def _joined(parts: list[tuple[int, ...]], dimension: int) -> Shape:
    """The size of parts put together along a dimension that counts from 1."""
    if not parts:
        return 0, 0, 1, 1
    rest = {part[: dimension - 1] + part[dimension:] for part in parts}
    if len(rest) > 1 or any(len(part) > 4 for part in parts):
        raise MatConvNetError(
            f"INPUTS do not have one size but for dimension {dimension}. Received {', '.join(map(sizes, parts))}."
        )
    joined = list(parts[0])
    joined[dimension - 1] = sum(part[dimension - 1] for part in parts)
    height, width, depth, images = joined
    return height, width, depth, images
