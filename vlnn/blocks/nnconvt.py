"""vl_nnconvt: transposed convolution."""

from __future__ import annotations

from typing import Any

from vlnn.blocks.convolution import SHARED_OPTIONS, Operands, derivatives, image_shape, report, report_workspaces
from vlnn.engines import engine_for
from vlnn.geometry import Sides, brackets, check_convt
from vlnn.matlab.arguments import (
    Option,
    OptionTable,
    four_sides,
    give,
    matlab_function,
    outputs_wanted,
    pair,
    scalar,
)

OPTIONS = OptionTable(
    "vl_nnconvt",
    3,
    Option("Upsample", pair("upsample"), (1, 1)),
    Option("Crop", four_sides("crop", "two"), (0, 0, 0, 0)),
    Option("NumGroups", scalar("NUMGROUPS"), 1),
    *SHARED_OPTIONS,
)


@matlab_function(3, "three")
def vl_nnconvt(x: Any, f: Any, b: Any, dzdy: Any = None, *args: Any, nargout: int | None = None, **opts: Any) -> Any:
    """CNN convolution transpose.

    ``y = vl_nnconvt(x, f, b)`` upsamples x and filters the result: the transpose of ``vl_nnconv`` with
    Stride = Upsample and Pad = Crop. ``dzdx, dzdf, dzdb = vl_nnconvt(x, f, b, dzdy)`` are the derivatives.

    Parameters
    ----------
    x : (H, W, D, N) array, single or double
        N images with D channels.
    f : (FH, FW, K, D) array
        The filters, class of x. With NumGroups = G they give K*G output channels: group g takes its D/G channels of x
        and ``f[:, :, :, g*D//G : (g+1)*D//G]``.
    b : array of K*G elements, or []
        One bias for each output channel, in any shape.
    dzdy : array of the size of y, optional
        The derivative of the network's loss in y. None or left out: forward. [] is an error, as in MatConvNet.
    nargout : int, optional
        How many outputs to return and compute. By default y, or all three derivatives.

    Options, as pairs ('Upsample', 2) or keywords (upsample=2), in any case
    ------------------------------------------------------------------------
    Upsample : 1
        A factor, or [UH UW].
    Crop : 0
        Rows and columns cut off the output: one number for all sides, or [TOP BOTTOM LEFT RIGHT].
    NumGroups : 1
        The number of groups.
    NoDerData, NoDerFilters, NoDerBiases : flags
        Do not compute that derivative; it comes back as [].
    CuDNN, NoCuDNN : flags, CudnnWorkspaceLimit : bytes
        See ``vlnn.settings``. They stay in force for later calls.
    Verbose : flag
        Print what is done.

    Returns
    -------
    y : (YH, YW, K*G, N) array, Fortran-ordered
        YH = UH (H - 1) + FH - TOP - BOTTOM, YW = UW (W - 1) + FW - LEFT - RIGHT.
    dzdx, dzdf, dzdb : arrays of the shapes of x, f, b

    Raises
    ------
    MatConvNetError
        The sentence is MatConvNet's, the rest says what was received.

    Differs from MatConvNet: option values may be of any numeric class; a crop that takes away more than there is gives
    the error of one that takes away all; one sticky cuDNN choice serves all functions.

    Source: MatConvNet manual, "Convolution transpose (deconvolution)"; vl_nnconvt.cu of 1.0-beta25.

    >>> import numpy as np, vlnn
    >>> x, f = np.ones((2, 2)), np.ones((2, 2))
    >>> vlnn.vl_nnconvt(x, f, [], 'Upsample', 2).shape
    (4, 4, 1, 1)
    """
    call = OPTIONS.parse(dzdy, args, opts)
    options = call.options
    operands = Operands.check(x, f, b, call)
    data, filters, biases, der_output = operands
    upsample, crop = options["Upsample"], Sides(*options["Crop"])
    geometry = check_convt(
        data.shape, filters.shape, operands.bias_count, operands.der_shape, upsample, crop, options["NumGroups"]
    )
    wanted = outputs_wanted("vl_nnconvt", nargout, 3 if call.backward else 1)
    engine = engine_for(data.array)
    if options["Verbose"]:
        sampling = f"upsample: {brackets(upsample)}, crop: {brackets(crop)}"
        traits = f"num filter groups: {geometry.groups}, has bias: {not biases.empty:d}, is fully connected: 0"
        report("vl_nnconvt", engine, operands, options, sampling, traits, image_shape(geometry))

    if wanted == 0:
        return None
    if der_output is None:
        outputs = [engine.conv_backward_data(geometry, data.planes(), filters.planes(), operands.bias_vector).T]
    else:
        der = der_output.planes()
        outputs = derivatives(
            operands,
            options,
            wanted,
            of_data=lambda: engine.conv_forward(geometry, der, filters.planes(), None),
            of_filters=lambda: engine.conv_backward_filter(geometry, der, data.planes()),
            of_biases=lambda: engine.sum_per_channel(der),
        )
    if options["Verbose"]:
        report_workspaces("vl_nnconvt", engine)
    return give(outputs, nargout)
