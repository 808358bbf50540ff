"""vl_nnpool: max and average pooling."""

from __future__ import annotations

from typing import Any

from vlnn.blocks.verbose import Line, print_report
from vlnn.engines import engine_for
from vlnn.geometry import PoolGeometry, Sides, brackets, check_pool
from vlnn.matlab.arguments import (
    CUDNN_FLAGS,
    Option,
    OptionTable,
    choice,
    four_sides,
    give,
    matlab_function,
    outputs_wanted,
    pair,
)
from vlnn.matlab.arrays import Tensor, device_of, same_format, tensor

OPTIONS = OptionTable(
    "vl_nnpool",
    2,
    Option("Stride", pair("STRIDE"), (1, 1)),
    Option("Pad", four_sides("PAD"), (0, 0, 0, 0)),
    Option("Method", choice("METHOD", "max", "avg"), "max"),
    Option("Verbose"),
    *CUDNN_FLAGS,
)


@matlab_function(2, "two", "The arguments are less than {}.")
def vl_nnpool(x: Any, pool: Any, dzdy: Any = None, *args: Any, nargout: int | None = None, **opts: Any) -> Any:
    """CNN pooling.

    ``y = vl_nnpool(x, pool)`` takes the maximum, or the average, of each window of x.
    ``dzdx = vl_nnpool(x, pool, dzdy)`` is the derivative.

    Parameters
    ----------
    x : (H, W, C, N) array, single or double
        N images with C channels.
    pool : number, or [PH PW]
        The size of the windows.
    dzdy : array of the size of y, optional
        The derivative of the network's loss in y. None or left out: forward. [] is an error, as in MatConvNet.
    nargout : int, optional
        How many outputs to return, 0 or 1.

    Options, as pairs ('Stride', 2) or keywords (stride=2), in any case
    --------------------------------------------------------------------
    Stride : 1
        A window every so many pixels: a number or [SY SX].
    Pad : 0
        Rows and columns around x over which windows may reach: one number for all sides, or [TOP BOTTOM LEFT RIGHT],
        each smaller than the window.
    Method : 'max'
        'max' or 'avg', over those pixels of the window that lie in x: the pad does not count.
    CuDNN, NoCuDNN : flags
        See ``vlnn.settings``. They stay in force for later calls.
    Verbose : flag
        Print what is done.

    Returns
    -------
    y : (YH, YW, C, N) array, Fortran-ordered
        YH = floor((H + TOP + BOTTOM - PH) / SY) + 1, and YW likewise.
    dzdx : array of the shape of x
        Of 'max', each window's derivative goes to its first maximum in column order; a window of -Inf alone has none.

    Raises
    ------
    MatConvNetError
        The sentence is MatConvNet's, the rest says what was received.

    Differs from MatConvNet: option values may be of any numeric class; NaN counts as the largest number, so that the
    maximum is NaN and the derivative goes there (MatConvNet leaves it out or not, by the order of comparisons);
    averages leave out the pad on a GPU too, wherever it lies.

    Source: MatConvNet manual, "Spatial pooling"; vl_nnpool.cu of 1.0-beta25.

    >>> import numpy as np, vlnn
    >>> x = np.arange(16.0).reshape(4, 4, order='F')
    >>> vlnn.vl_nnpool(x, 2, 'Stride', 2)[:, :, 0, 0]
    array([[ 5., 13.],
           [ 7., 15.]])
    """
    call = OPTIONS.parse(dzdy, args, opts)
    options = call.options
    data = tensor("DATA", x)
    der_output = tensor("DEROUTPUT", call.dzdy) if call.backward else None
    if der_output:
        same_format(data, der_output)
    size, stride, pad = pair("SIZE", double_only=True)(pool), options["Stride"], Sides(*options["Pad"])
    geometry = check_pool(data.shape, der_output.shape if der_output else None, size, stride, pad)
    outputs_wanted("vl_nnpool", nargout, 1)
    if options["Verbose"]:
        _report(geometry, data, der_output, options["Method"])

    engine = engine_for(data.array)
    maximum = options["Method"] == "max"
    if der_output is None:
        forward = engine.pool_max_forward if maximum else engine.pool_average_forward
        return give([forward(geometry, data.planes()).T], nargout)
    if maximum:
        der_data = engine.pool_max_backward(geometry, data.planes(), der_output.planes())
    else:
        der_data = engine.pool_average_backward(geometry, der_output.planes())
    return give([data.like(der_data)], nargout)


def _report(g: PoolGeometry, data: Tensor, der_output: Tensor | None, method: str) -> None:
    """Print what the call does, line for line as MatConvNet's 'Verbose' does."""
    like = data.array
    lines: list[Line] = [
        f"{'backward' if der_output else 'forward'}; {device_of(like)}; MatConvNet",
        f"stride: {brackets((g.stride_y, g.stride_x))}, pad: {brackets(g.pad)}",
        ("data", data.shape),
        f"pooling: {g.pool_height} x {g.pool_width}",
        f"method: {method}",
    ]
    if der_output is None:
        lines.append(("output", (g.output_height, g.output_width, g.channels, g.batch)))
    else:
        lines.append(("derOutput", der_output.shape))
        lines.append(("derData", data.shape))
    print_report("vl_nnpool", like, lines)
