"""vl_nnnormalizelp: normalisation by Lp norms."""

from __future__ import annotations

from typing import Any

from vlnn.blocks.verbose import Line, print_report
from vlnn.engines import engine_for
from vlnn.errors import MatConvNetError
from vlnn.geometry import Shape, brackets, sizes
from vlnn.matlab.arguments import (
    CUDNN_FLAGS,
    Option,
    OptionTable,
    give,
    matlab_function,
    outputs_wanted,
    real,
    received,
    vector,
)
from vlnn.matlab.arrays import Tensor, device_of, same_format, tensor


def _read_dimensions(value: object) -> tuple[int, ...]:
    dimensions = tuple(vector("DIMENSIONS")(value))
    if min(dimensions) < 1:
        raise MatConvNetError(f"DIMENSIONS contains an index less than 1. Received {received(value)}.")
    return dimensions


OPTIONS = OptionTable(
    "vl_nnnormalizelp",
    1,
    Option("Exponent", real("EXPONENT"), 2.0),
    Option("P", real("EXPONENT"), sets="Exponent"),
    Option("Epsilon", real("EPSILON"), 1e-2),
    Option("Dimensions", _read_dimensions, (3,)),
    Option("Spatial", sets="Dimensions", value=(1, 2)),
    Option("Norms", lambda value: (value,), None),  # checked after the other arguments, as in MatConvNet
    Option("Verbose"),
    *CUDNN_FLAGS,
)


@matlab_function(1, "one", "There is less than {} argument.")
def vl_nnnormalizelp(x: Any, dzdy: Any = None, *args: Any, nargout: int | None = None, **opts: Any) -> Any:
    """CNN Lp normalisation.

    ``y = vl_nnnormalizelp(x)`` divides x by its Lp norms over some dimensions, by default over the channels:
    y = x / (sum(x^P) + Epsilon)^(1/P). ``dzdx = vl_nnnormalizelp(x, dzdy)`` is the derivative.
    ``y, norms = vl_nnnormalizelp(x, nargout=2)``, and likewise with dzdy, also returns the norms.

    Parameters
    ----------
    x : (H, W, C, N) array, single or double
        N images with C channels.
    dzdy : array of the size of y, optional
        The derivative of the network's loss in y. None or left out: forward. [] is an error, as in MatConvNet.
    nargout : int, optional
        How many outputs to return, 1 by default.

    Options, as pairs ('Exponent', 4) or keywords (exponent=4), in any case
    ------------------------------------------------------------------------
    Exponent, or P : 2
        The exponent. Signs are not taken off: an odd one gives a sum with signs, a fraction NaN where x is negative.
    Epsilon : 1e-2
        Added to the sum before its root is taken.
    Dimensions : 3
        Over which dimensions to sum, such as [1 2]; those past the fourth do not count.
    Spatial : flag
        Dimensions [1 2].
    Norms : array
        Use these norms, as many as there would be, instead of those of x; Epsilon is then not used.
    CuDNN, NoCuDNN : flags
        See ``vlnn.settings``. They stay in force for later calls.
    Verbose : flag
        Print what is done.

    Returns
    -------
    y : (H, W, C, N) array, Fortran-ordered
    dzdx : array of the shape of x
        With 'Norms' too as if they had been those of x, and depended on it.
    norms : (H, W, 1, N) array, one along each of Dimensions; what 'Norms' gave, in its shape

    Raises
    ------
    MatConvNetError
        The sentence is MatConvNet's, the rest says what was received.

    Differs from MatConvNet: option values may be of any numeric class.

    Source: vl_nnnormalizelp.cu of MatConvNet 1.0-beta25.

    >>> import numpy as np, vlnn
    >>> vlnn.vl_nnnormalizelp(np.array([[[3.0, 4.0]]]), 'Epsilon', 0).ravel()
    array([0.6, 0.8])
    """
    call = OPTIONS.parse(dzdy, args, opts)
    options = call.options
    given, dimensions, exponent = options["Norms"], options["Dimensions"], options["Exponent"]
    data = tensor("DATA", x)
    der_output = tensor("DEROUTPUT", call.dzdy) if call.backward else None
    norms = tensor("norms", given[0]) if given else None
    norms_shape = _check(data, der_output, norms, dimensions)
    wanted = outputs_wanted("vl_nnnormalizelp", 1 if nargout is None else nargout, 2)
    if options["Verbose"]:
        _report(data, der_output, norms, norms_shape if wanted > 1 else None, options)

    engine = engine_for(data.array)
    image = data.planes()
    axes = tuple(axis for axis in range(4) if 4 - axis in dimensions)  # of planes, whose order is turned round
    if norms:
        used = norms.vector().reshape(norms_shape[::-1])
    else:
        used = engine.lp_norms(image, axes, exponent, options["Epsilon"])
    if der_output is None:
        results = [engine.lp_forward(image, used, axes).T]
    else:
        results = [data.like(engine.lp_backward(image, used, der_output.planes(), axes, exponent))]
    results.append(norms.like(used.copy()) if norms else used.T)
    return give(results[:wanted], nargout)


def _check(data: Tensor, der_output: Tensor | None, norms: Tensor | None, dimensions: tuple[int, ...]) -> Shape:
    """MatConvNet's checks of the arguments against each other, in its order, and the size of the norms."""
    if der_output:
        same_format(data, der_output)
        if data.shape != der_output.shape:
            raise MatConvNetError(
                f"DATA and DEROUTPUT do not have the same size. Received DATA {sizes(data.shape)}, "
                f"DEROUTPUT {sizes(der_output.shape)}."
            )
    height, width, depth, batch = (
        1 if number in dimensions else size for number, size in enumerate(data.shape, start=1)
    )
    if norms:
        same_format(data, norms)
        if norms.array.size != height * width * depth * batch:
            raise MatConvNetError(
                f"NORMS does not have a shape compatible with DATA. Received NORMS {sizes(norms.array.shape)}, "
                f"DATA {sizes(data.shape)}, Dimensions {brackets(dimensions)}."
            )
    return height, width, depth, batch


def _report(
    data: Tensor, der_output: Tensor | None, norms: Tensor | None, returned: Shape | None, options: dict[str, Any]
) -> None:
    """Print what the call does, line for line as MatConvNet's 'Verbose' does, its spelling included."""
    like = data.array
    mode = device_of(like).lower()
    fate = f"{'given' if norms else 'computed'}/{'returned' if returned else 'discared'}"
    lines: list[Line] = [
        f"mode {mode}; {'backward' if der_output else 'forward'}; norms {fate}",
        f"epsilon: {options['Epsilon']:g}, exponent: {options['Exponent']:g}",
        f"dimensions: {brackets(options['Dimensions'])}",
        ("data", data.shape),
    ]
    if der_output is None:
        lines.append(("output", data.shape))
    else:
        lines.append(("derOutput", data.shape))
        lines.append(("derData", data.shape))
    if norms:
        lines.append(("norms", norms.matrix_shape))
    elif returned:
        lines.append(("norms", returned))
    print_report("vl_nnnormalizelp", like, lines)
