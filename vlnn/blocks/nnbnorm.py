"""vl_nnbnorm: batch normalisation."""

from __future__ import annotations

from typing import Any

from vlnn.blocks.verbose import Line, print_report
from vlnn.engines import engine_for
from vlnn.errors import MatConvNetError
from vlnn.geometry import sizes
from vlnn.matlab.arguments import CUDNN_FLAGS, Option, OptionTable, give, matlab_function, outputs_wanted, real
from vlnn.matlab.arrays import Tensor, device_of, same_format, tensor

OPTIONS = OptionTable(
    "vl_nnbnorm",
    3,
    Option("Epsilon", real("EPSILON"), 1e-4),
    Option("Moments", lambda value: (value,), None),  # checked after the other arguments, as in MatConvNet
    Option("Verbose"),
    *CUDNN_FLAGS,
)


@matlab_function(3, "three", "The arguments are less than {}.")
def vl_nnbnorm(x: Any, g: Any, b: Any, dzdy: Any = None, *args: Any, nargout: int | None = None, **opts: Any) -> Any:
    """CNN batch normalisation.

    ``y = vl_nnbnorm(x, g, b)`` brings each channel of x to mean zero and deviation one over all pixels of all images,
    multiplies it by g and adds b: y = g (x - mu) / sigma + b with sigma = sqrt(variance + Epsilon).
    ``dzdx, dzdg, dzdb = vl_nnbnorm(x, g, b, dzdy)`` are the derivatives.
    ``y, moments = vl_nnbnorm(x, g, b, nargout=2)`` also returns mu and sigma, and so does
    ``dzdx, dzdg, dzdb, moments = vl_nnbnorm(x, g, b, dzdy, nargout=4)``.

    Parameters
    ----------
    x : (H, W, C, N) array, single or double
        N images with C channels.
    g, b : arrays of C elements
        One multiplier and one bias for each channel, in any shape, class of x.
    dzdy : array of the size of y, optional
        The derivative of the network's loss in y. None or left out: forward. [] is an error, as in MatConvNet.
    nargout : int, optional
        How many outputs to return. By default y, or the three derivatives.

    Options, as pairs ('Epsilon', 1e-5) or keywords (epsilon=1e-5), in any case
    ----------------------------------------------------------------------------
    Epsilon : 1e-4
        Added to the variance before its root is taken.
    Moments : (C, 2) array
        Use these [mu sigma] instead of those of x; Epsilon is then not used. Any shape of 2 C elements.
    CuDNN, NoCuDNN : flags
        See ``vlnn.settings``. They stay in force for later calls.
    Verbose : flag
        Print what is done.

    Returns
    -------
    y : (H, W, C, N) array, Fortran-ordered
    dzdx : array of the shape of x
        With 'Moments' too as if mu and sigma had been those of x, and depended on it.
    dzdg, dzdb : (C, 1) arrays
    moments : (C, 2) array
        [mu sigma]; what 'Moments' gave, in its shape.

    Raises
    ------
    MatConvNetError
        The sentence is MatConvNet's, the rest says what was received.

    Differs from MatConvNet: Epsilon may be of any numeric class; the variance is summed about the mean, and so does not
    lose its digits to a large one.

    Source: MatConvNet manual, "Batch normalization"; vl_nnbnorm.cu of 1.0-beta25. Ioffe and Szegedy, "Batch
    normalization", 2015.

    >>> import numpy as np, vlnn
    >>> x = np.array([0.0, 2.0, 4.0, 6.0]).reshape(2, 2)
    >>> y, moments = vlnn.vl_nnbnorm(x, 1.0, 0.0, 'Epsilon', 0, nargout=2)
    >>> moments
    array([[3.        , 2.23606798]])
    """
    call = OPTIONS.parse(dzdy, args, opts)
    options = call.options
    given = options["Moments"]
    data, multipliers, biases = tensor("DATA", x), tensor("MULTIPLIERS", g), tensor("BIASES", b)
    der_output = tensor("DEROUTPUT", call.dzdy) if call.backward else None
    moments = tensor("MOMENTS", given[0]) if given else None
    _check(data, multipliers, biases, der_output, moments)
    if call.backward:
        wanted = outputs_wanted("vl_nnbnorm", 3 if nargout is None else nargout, 4)
    else:
        wanted = outputs_wanted("vl_nnbnorm", 1 if nargout is None else nargout, 2)
    if options["Verbose"]:
        returned = wanted > (3 if call.backward else 1)
        _report(data, der_output, moments, returned, options["Epsilon"])

    engine = engine_for(data.array)
    factors, epsilon = multipliers.vector(), options["Epsilon"]
    used = moments.vector().reshape(2, -1) if moments else None
    if der_output is None:
        y, used = engine.bnorm_forward(data.planes(), factors, biases.vector(), used, epsilon)
        results = [y.T]
    else:
        der_data, der_factors, der_biases, used = engine.bnorm_backward(
            data.planes(), der_output.planes(), factors, used, epsilon
        )
        results = [data.like(der_data), der_factors.reshape(-1, 1), der_biases.reshape(-1, 1)]
    results.append(moments.like(used.copy()) if moments else used.T)
    return give(results[:wanted], nargout)


def _check(
    data: Tensor, multipliers: Tensor, biases: Tensor, der_output: Tensor | None, moments: Tensor | None
) -> None:
    """MatConvNet's checks of the arguments against each other, in its order."""
    if der_output is None:
        same_format(data, multipliers, biases)
    else:
        same_format(data, multipliers, biases, der_output)
        if data.shape != der_output.shape:
            raise MatConvNetError(
                f"DATA and DEROUTPUT do not have the same size. Received DATA {sizes(data.shape)}, "
                f"DEROUTPUT {sizes(der_output.shape)}."
            )
    if moments:
        same_format(data, moments)
    depth = data.shape[2]
    for given, count in ((multipliers, depth), (biases, depth), (moments, 2 * depth)):
        if given and given.array.size != count:
            raise MatConvNetError(
                f"The {given.name} size does not match the DATA depth. Received {given.name} "
                f"{sizes(given.array.shape)}, DATA {sizes(data.shape)}; {count} elements are needed."
            )


def _report(data: Tensor, der_output: Tensor | None, moments: Tensor | None, returned: bool, epsilon: float) -> None:
    """Print what the call does, line for line as MatConvNet's 'Verbose' does, its spelling included."""
    like, depth = data.array, data.shape[2]
    mode = device_of(like).lower()
    fate = f"{'given' if moments else 'computed'}/{'returned' if returned else 'discared'}"
    lines: list[Line] = [
        f"mode {mode}; {'backward' if der_output else 'forward'}; moments {fate}",
        ("data", data.shape),
        ("multipliers", (depth,)),
        ("biases", (depth,)),
    ]
    if der_output is None:
        lines.append(("output", data.shape))
    else:
        lines.append(("derOutput", data.shape))
        lines.append(("derData", data.shape))
        lines.append(("derMultipliers", (depth,)))
        lines.append(("derBiases", (depth,)))
    if moments:
        lines.append(("moments", moments.matrix_shape))
    elif returned:
        lines.append(("moments", (depth, 2, 1, 1)))
    lines.append(f"epsilon: {epsilon:f}")
    print_report("vl_nnbnorm", like, lines)
