"""vl_nnconv: convolution."""

from __future__ import annotations

from typing import Any

from vlnn.blocks.convolution import SHARED_OPTIONS, Operands, derivatives, output_shape, report, report_workspaces
from vlnn.engines import engine_for
from vlnn.engines.protocols import Engine
from vlnn.geometry import ConvGeometry, Sides, brackets, check_conv
from vlnn.matlab.arguments import (
    Option,
    OptionTable,
    four_sides,
    give,
    matlab_function,
    outputs_wanted,
    pair,
)
from vlnn.matlab.arrays import Array

OPTIONS = OptionTable(
    "vl_nnconv",
    3,
    Option("Stride", pair("STRIDE"), (1, 1)),
    Option("Pad", four_sides("PAD"), (0, 0, 0, 0)),
    Option("Dilate", pair("DILATE"), (1, 1)),
    *SHARED_OPTIONS,
)


@matlab_function(3, "three")
def vl_nnconv(x: Any, f: Any, b: Any, dzdy: Any = None, *args: Any, nargout: int | None = None, **opts: Any) -> Any:
    """CNN convolution.

    ``y = vl_nnconv(x, f, b)`` correlates x with the filters (they are not flipped) and adds the biases.
    ``dzdx, dzdf, dzdb = vl_nnconv(x, f, b, dzdy)`` are the derivatives.

    Parameters
    ----------
    x : (H, W, C, N) array, single or double
        N images with C channels.
    f : (FH, FW, C/G, K) array, or []
        K filters, class of x. A depth that divides C makes G groups: group g takes the g-th C/G channels and gives the
        g-th K/G outputs. [] stands for the identity filter bank: pad, subsample, add the biases (G = 1, K = C).
    b : array of K elements, or []
        One bias for each filter, in any shape.
    dzdy : array of the size of y, optional
        The derivative of the network's loss in y. None or left out: forward. [] is an error, as in MatConvNet.
    nargout : int, optional
        How many outputs to return and compute. By default y, or all three derivatives.

    Options, as pairs ('Stride', 2) or keywords (stride=2), in any case
    --------------------------------------------------------------------
    Stride : 1
        Output every so many pixels: a number or [SY SX].
    Pad : 0
        Rows and columns of zeros around x: one number for all sides, or [TOP BOTTOM LEFT RIGHT].
    Dilate : 1
        The distance of the filter's taps: a number or [DY DX].
    NoDerData, NoDerFilters, NoDerBiases : flags
        Do not compute that derivative; it comes back as [].
    CuDNN, NoCuDNN : flags, CudnnWorkspaceLimit : bytes
        See ``vlnn.settings``. They stay in force for later calls.
    Verbose : flag
        Print what is done.

    Returns
    -------
    y : (YH, YW, K, N) array, Fortran-ordered
        YH = floor((H + TOP + BOTTOM - (DY (FH - 1) + 1)) / SY) + 1, and YW likewise.
    dzdx, dzdf, dzdb : arrays of the shapes of x, f, b

    Raises
    ------
    MatConvNetError
        The sentence is MatConvNet's, the rest says what was received.

    Differs from MatConvNet: option values may be of any numeric class; NoDerData with NoDerFilters works, and data
    without channels is an error (MatConvNet crashes on both); one sticky cuDNN choice serves all functions. Kept as it
    is: without filters and with NoDerData, dzdb is that of the first image alone.

    Source: MatConvNet manual, "Convolution"; vl_nnconv.cu of 1.0-beta25.

    >>> import numpy as np, vlnn
    >>> x, f = np.ones((4, 4, 2)), np.ones((3, 3, 2, 5))
    >>> vlnn.vl_nnconv(x, f, [], 'Pad', 1, 'Stride', 2).shape
    (2, 2, 5, 1)
    """
    call = OPTIONS.parse(dzdy, args, opts)
    options = call.options
    operands = Operands.check(x, f, b, call)
    data, filters, biases, der_output = operands
    stride, pad, dilate = options["Stride"], Sides(*options["Pad"]), options["Dilate"]
    bank = None if filters.empty else filters.shape
    geometry = check_conv(data.shape, bank, operands.bias_count, operands.der_shape, stride, pad, dilate)
    wanted = outputs_wanted("vl_nnconv", nargout, 3 if call.backward else 1)
    engine = engine_for(data.array)
    if options["Verbose"]:
        sampling = f"stride: {brackets(stride)}, pad: {brackets(pad)}, dilate: {brackets(dilate)}"
        traits = (
            f"num filter groups: {geometry.groups}, has bias: {not biases.empty:d}, "
            f"has filters: {not filters.empty:d}, is fully connected: {_fully_connected(geometry):d}"
        )
        report("vl_nnconv", engine, operands, options, sampling, traits, output_shape(geometry))

    if wanted == 0:
        return None
    if der_output is None:
        outputs = [_forward(engine, geometry, operands).T]
    else:
        outputs = _derivatives(engine, geometry, operands, options, wanted)
    if options["Verbose"]:
        report_workspaces("vl_nnconv", engine)
    return give(outputs, nargout)


def _forward(engine: Engine, geometry: ConvGeometry, operands: Operands) -> Array:
    image, biases = operands.data.planes(), operands.bias_vector
    if operands.filters.empty:
        return engine.subsample_forward(geometry, image, biases)
    return engine.conv_forward(geometry, image, operands.filters.planes(), biases)


def _derivatives(
    engine: Engine, geometry: ConvGeometry, operands: Operands, options: dict[str, Any], wanted: int
) -> list[Array]:
    data, filters, _, der_output = operands
    assert der_output is not None
    der = der_output.planes()
    # MatConvNet adds up the biases of all images only on the way to dzdx.
    first_image_alone = filters.empty and options["NoDerData"] and not _fully_connected(geometry)
    return derivatives(
        operands,
        options,
        wanted,
        of_data=lambda: (
            engine.subsample_backward(geometry, der)
            if filters.empty
            else engine.conv_backward_data(geometry, der, filters.planes(), None)
        ),
        of_filters=lambda: engine.conv_backward_filter(geometry, data.planes(), der),
        of_biases=lambda: engine.sum_per_channel(der[:1] if first_image_alone else der),
    )


def _fully_connected(g: ConvGeometry) -> bool:
    """Whether MatConvNet takes its fast path for fully connected layers; the numbers are the same."""
    return (g.output_height, g.output_width, g.stride_y, g.stride_x, g.dilate_y, g.dilate_x, g.groups) == (1,) * 7 and (
        not any(g.pad)
    )
