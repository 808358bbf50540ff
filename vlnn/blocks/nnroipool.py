"""vl_nnroipool: pooling of regions of interest."""

from __future__ import annotations

from typing import Any

from vlnn.blocks.verbose import Line, print_report
from vlnn.engines import engine_for
from vlnn.errors import MatConvNetError
from vlnn.geometry import Shape, sizes
from vlnn.matlab.arguments import (
    Option,
    OptionTable,
    choice,
    give,
    matlab_function,
    outputs_wanted,
    plain,
    received,
    truncate,
)
from vlnn.matlab.arrays import Tensor, device_of, same_format, tensor


def _read_subdivisions(value: object) -> tuple[int, int]:
    elements = plain(value)
    if elements is None:
        raise MatConvNetError(f"SUBDIVISIONS is not a plain matrix. Received {received(value)}.")
    if len(elements) not in (1, 2):
        raise MatConvNetError(f"SUBDIVISIONS does not have one or two elements. Received {received(value)}.")
    high, wide = truncate(elements[0]), truncate(elements[-1])
    if min(high, wide) < 1:
        raise MatConvNetError(f"SUBDIVISIONS has an element smaller than 1. Received {received(value)}.")
    return high, wide


def _read_transform(value: object) -> tuple[float, ...]:
    """The 2 x 3 matrix that maps a corner (u, v), column by column."""
    elements = plain(value)
    if elements is None:
        raise MatConvNetError(f"TRANSFORM is not a plain matrix. Received {received(value)}.")
    if len(elements) in (1, 2):
        scale_u, scale_v = elements[0], elements[-1]
        return scale_u, 0.0, 0.0, scale_v, 1 - scale_u, 1 - scale_v
    if len(elements) != 6:
        raise MatConvNetError(f"TRANSFORM is neither a 1 x 1, 2 x 1, or 2 x 3 matrix. Received {received(value)}.")
    return tuple(elements)


OPTIONS = OptionTable(
    "vl_nnroipool",
    2,
    Option("Method", choice("METHOD", "max", "avg"), "max"),
    Option("Subdivisions", _read_subdivisions, (1, 1)),
    Option("Transform", _read_transform, (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)),
    Option("Verbose"),
)


@matlab_function(2, "two")
def vl_nnroipool(x: Any, rois: Any, dzdy: Any = None, *args: Any, nargout: int | None = None, **opts: Any) -> Any:
    """CNN region of interest pooling.

    ``y = vl_nnroipool(x, rois)`` divides each region of an image into bins and takes the maximum or the average of each
    bin. ``dzdx = vl_nnroipool(x, rois, dzdy)`` is the derivative.

    Parameters
    ----------
    x : (H, W, C, N) array, single or double
        N images with C channels.
    rois : array of 5 K elements, class of x
        K columns (t, u0, v0, u1, v1): the image, counted from 1, and the first and the last pixel of a region, both in
        it, as column and row counted from 1. The image is taken as near as there is one.
    dzdy : array of the size of y, optional
        The derivative of the network's loss in y. None or left out: forward. [] is an error, as in MatConvNet.
    nargout : int, optional
        How many outputs to return.

    Options, as pairs ('Method', 'avg') or keywords (method='avg'), in any case
    ---------------------------------------------------------------------------
    Method : 'max'
        'max' or 'avg'.
    Subdivisions : 1
        The number of bins: a number or [SH SW].
    Transform : 1
        From the coordinates of the regions to pixels: a factor s (u becomes s u + 1 - s), two of them [SU SV], or the
        2 x 3 matrix A of (u, v) -> A (u, v, 1). The results are rounded, halves away from zero.
    Verbose : flag
        Print what is done.

    Returns
    -------
    y : (SH, SW, C, K) array, Fortran-ordered
        Bin p of a region of h rows takes its rows floor(p h / SH) up to, but not, ceil((p + 1) h / SH), so that bins
        may share a row; columns likewise. A bin outside the image is 0. A region has at least one pixel.
    dzdx : array of the shape of x
        Where several pixels of a bin have its maximum, the first one in MATLAB's order gets the derivative.

    Raises
    ------
    MatConvNetError
        The sentence is MatConvNet's, the rest says what was received.

    Differs from MatConvNet: option values may be of any numeric class; one number for Subdivisions means [s s]
    (MatConvNet reads past it); x without elements is an error (MatConvNet reads past it too).

    Source: MatConvNet manual, "Region of interest pooling"; vl_nnroipool.cu of 1.0-beta25; Girshick, "Fast R-CNN",
    2015.

    >>> import numpy as np, vlnn
    >>> x = np.arange(16.0).reshape(4, 4)
    >>> vlnn.vl_nnroipool(x, np.array([1.0, 1.0, 1.0, 4.0, 4.0]), 'Subdivisions', 2)[..., 0, 0]
    array([[ 5.,  7.],
           [13., 15.]])
    """
    call = OPTIONS.parse(dzdy, args, opts)
    options = call.options
    regions, data = tensor("ROI", rois), tensor("DATA", x)
    der_output = tensor("DEROUTPUT", call.dzdy) if call.backward else None
    if der_output is not None:
        same_format(data, der_output)
    same_format(data, regions)
    output = _output_shape(data, regions, der_output, options["Subdivisions"])
    outputs_wanted("vl_nnroipool", nargout, 1)
    if options["Verbose"]:
        _report(data, regions, der_output, output, options)

    engine = engine_for(data.array)
    boxes = regions.vector().reshape(-1, 5)
    settings = options["Subdivisions"], options["Transform"], options["Method"] == "avg"
    if der_output is None:
        return give([engine.roi_forward(data.planes(), boxes, *settings).T], nargout)
    der_data = engine.roi_backward(data.planes(), boxes, der_output.planes(), *settings)
    return give([data.like(der_data)], nargout)


def _output_shape(data: Tensor, rois: Tensor, der_output: Tensor | None, subdivisions: tuple[int, int]) -> Shape:
    count, rest = divmod(int(rois.array.size), 5)
    if rest or not count:
        raise MatConvNetError(f"ROI is not a 5 x K array with K >= 1. Received ROI {sizes(rois.array.shape)}.")
    output = (*subdivisions, data.shape[2], count)
    if der_output is not None and der_output.shape != output:
        raise MatConvNetError(
            f"The shape of DEROUTPUT is incorrect. Received DEROUTPUT {sizes(der_output.shape)}; Y is {sizes(output)}."
        )
    if data.empty:
        raise MatConvNetError(f"DATA is empty. Received DATA {sizes(data.array.shape)}.")
    return output


def _report(data: Tensor, rois: Tensor, der_output: Tensor | None, output: Shape, options: dict[str, Any]) -> None:
    """Print what the call does, line for line as MatConvNet's 'Verbose' does."""
    like = data.array
    device = device_of(like)
    count = output[3]
    high, wide = options["Subdivisions"]
    a, b, c, d, e, f = options["Transform"]
    lines: list[Line] = [
        f"{'backward' if der_output else 'forward'}; {device}",
        f"method: {options['Method'] == 'avg':d}; num ROIs: {count}",
        f"subdivisions: [{high} x {wide}]",
        f"transform: [{a:g} {c:g} {e:g} ; {b:g} {d:g} {f:g}]",
        ("data", data.shape),
    ]
    if der_output is None:
        lines.append(("output", output))
        lines.append(("rois", (1, 1, 5, count)))
    else:
        lines.append(("derOutput", der_output.shape))
        lines.append(("derData", data.shape))
    print_report("vl_nnroipool", like, lines)
