"""vl_nnnormalize: local response normalisation across channels."""

from __future__ import annotations

from typing import Any

from vlnn.blocks.verbose import Line, print_report
from vlnn.engines import engine_for
from vlnn.errors import MatConvNetError
from vlnn.geometry import sizes
from vlnn.matlab.arguments import (
    Option,
    OptionTable,
    give,
    matlab_function,
    outputs_wanted,
    plain,
    received,
)
from vlnn.matlab.arrays import Tensor, device_of, same_format, tensor

OPTIONS = OptionTable("vl_nnnormalize", 2, Option("Verbose"))

MOST_CHANNELS = 2**31  # a window of more, or of Inf, is one of all channels


@matlab_function(2, "two", "The arguments are less than {}.")
def vl_nnnormalize(x: Any, param: Any, dzdy: Any = None, *args: Any, nargout: int | None = None, **opts: Any) -> Any:
    """CNN local response normalisation (LRN).

    ``y = vl_nnnormalize(x, [N, KAPPA, ALPHA, BETA])`` divides each element of x by (KAPPA + ALPHA s)^BETA, where s is
    the sum of the squares of the N channels around it, at the same pixel. ``dzdx = vl_nnnormalize(x, param, dzdy)`` is
    the derivative.

    Parameters
    ----------
    x : (H, W, C, M) array, single or double
        M images with C channels.
    param : 4 numbers, [N KAPPA ALPHA BETA]
        The window of channel k goes from k - floor((N - 1) / 2) to k + ceil((N - 1) / 2), as far as there are channels.
        ALPHA is not divided by N; Caffe's alpha is N * ALPHA. An array has to be double.
    dzdy : array of the size of y, optional
        The derivative of the network's loss in y. None or left out: forward. [] is an error, as in MatConvNet.
    nargout : int, optional
        How many outputs to return, 0 or 1.

    Options
    -------
    Verbose : flag
        Print what is done.

    Returns
    -------
    y : (H, W, C, M) array, Fortran-ordered
    dzdx : array of the shape of x

    Raises
    ------
    MatConvNetError
        The sentence is MatConvNet's, the rest says what was received.

    Differs from MatConvNet: the power is exact. MatConvNet's code for the CPU takes cubic polynomials for the logarithm
    and the exponential, in double too, and is off by up to 0.33 % for BETA = 0.75, and 0.74 % for 2; its code for GPUs
    is exact. Each window is summed anew, where MatConvNet carries a sum, and its rounding, from one to the next.

    Source: MatConvNet manual, "Local response normalization (LRN)"; vl_nnnormalize.cu of 1.0-beta25. Krizhevsky,
    Sutskever and Hinton, "ImageNet classification with deep convolutional neural networks", 2012.

    >>> import numpy as np, vlnn
    >>> vlnn.vl_nnnormalize(np.full((1, 1, 3), 2.0), [3, 1, 0.25, 1]).ravel()
    array([0.66666667, 0.5       , 0.66666667])
    """
    call = OPTIONS.parse(dzdy, args, opts)
    data = tensor("DATA", x)
    der_output = tensor("DEROUTPUT", call.dzdy) if call.backward else None
    if der_output:
        same_format(data, der_output)
        if data.shape != der_output.shape:
            raise MatConvNetError(
                f"DATA and DEROUTPUT do not have the same size. Received DATA {sizes(data.shape)}, "
                f"DEROUTPUT {sizes(der_output.shape)}."
            )
    depth, kappa, alpha, beta = _read_param(param)
    outputs_wanted("vl_nnnormalize", nargout, 1)
    if call.options["Verbose"]:
        _report(data, der_output, f"({depth},{kappa:g},{alpha:g},{beta:g})")

    engine = engine_for(data.array)
    if der_output is None:
        return give([engine.lrn_forward(data.planes(), depth, kappa, alpha, beta).T], nargout)
    der_data = engine.lrn_backward(data.planes(), der_output.planes(), depth, kappa, alpha, beta)
    return give([data.like(der_data)], nargout)


def _read_param(value: object) -> tuple[int, float, float, float]:
    elements = plain(value, double_only=True)
    if elements is None or len(elements) != 4:
        raise MatConvNetError(f"PARAM is not a plain 4 vector. Received {received(value)}.")
    depth, kappa, alpha, beta = elements
    if not depth >= 1:
        raise MatConvNetError(f"The normalization depth is smaller than 1. Received PARAM {received(value)}.")
    return int(min(depth, MOST_CHANNELS)), kappa, alpha, beta


def _report(data: Tensor, der_output: Tensor | None, param: str) -> None:
    """Print what the call does, line for line as MatConvNet's 'Verbose' does."""
    like = data.array
    mode = device_of(like).lower()
    lines: list[Line] = [
        f"mode {mode}; {'backward' if der_output else 'forward'}",
        f"(depth,kappa,alpha,beta): {param}",
        ("data", data.shape),
    ]
    if der_output is None:
        lines.append(("output", data.shape))
    else:
        lines.append(("derOutput", data.shape))
        lines.append(("derData", data.shape))
    print_report("vl_nnnormalize", like, lines)
