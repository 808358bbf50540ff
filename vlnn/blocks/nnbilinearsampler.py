"""vl_nnbilinearsampler: bilinear sampling of images on grids."""

from __future__ import annotations

from typing import Any, NoReturn

from vlnn.blocks.verbose import Line, print_report
from vlnn.engines import engine_for
from vlnn.errors import MatConvNetError
from vlnn.geometry import Shape, sizes
from vlnn.matlab.arguments import CUDNN_FLAGS, Option, OptionTable, give, matlab_function, outputs_wanted
from vlnn.matlab.arrays import Tensor, device_of, same_format, tensor

OPTIONS = OptionTable("vl_nnbilinearsampler", 2, Option("Verbose"), *CUDNN_FLAGS)


@matlab_function(2, "two", "The arguments are less than {}.")
def vl_nnbilinearsampler(
    x: Any, grid: Any, dzdy: Any = None, *args: Any, nargout: int | None = None, **opts: Any
) -> Any:
    """CNN spatial bilinear resampling.

    ``y = vl_nnbilinearsampler(x, grid)`` reads x at the places that grid names, between its pixels.
    ``dzdx, dzdgrid = vl_nnbilinearsampler(x, grid, dzdy)`` are the derivatives.

    Parameters
    ----------
    x : (H, W, C, N) array, single or double
        N images with C channels.
    grid : (2, YH, YW, M) array, class of x
        Where to read: ``grid[0]`` is the vertical place, ``grid[1]`` the horizontal one. -1 is the centre of the first
        row or column, 1 that of the last one. M is a multiple of N; each image has M/N grids, one after the other.
    dzdy : array of the size of y, optional
        The derivative of the network's loss in y. None or left out: forward. [] is an error, as in MatConvNet.
    nargout : int, optional
        How many outputs to return and compute. By default y, or both derivatives.

    Options, as pairs or keywords, in any case
    ------------------------------------------
    CuDNN, NoCuDNN : flags
        See ``vlnn.settings``. They stay in force for later calls.
    Verbose : flag
        Print what is done.

    Returns
    -------
    y : (YH, YW, C, M) array, Fortran-ordered
        With v = (grid[0] + 1) (H - 1) / 2 and u likewise, y = sum over i, j in {0, 1} of
        a b x[floor(v) + i, floor(u) + j], where a = 1 - |v - floor(v) - i| and b likewise. Pixels outside x are 0, and
        so is y where v or u is negative or NaN.
    dzdx, dzdgrid : arrays of the shapes of x and grid

    Raises
    ------
    MatConvNetError
        The sentence is MatConvNet's, the rest says what was received.

    Differs from MatConvNet: x without images is an error unless the grid is empty too (MatConvNet divides by zero).
    Kept as it is: y fades out after the last pixel, but is 0 as soon as a place lies before the first one.

    Source: MatConvNet manual, "Bilinear sampler"; vl_nnbilinearsampler.cu of 1.0-beta25. Jaderberg et al., "Spatial
    Transformer Networks", 2015.

    >>> import numpy as np, vlnn
    >>> x = np.array([[0.0, 1.0], [2.0, 3.0]])
    >>> centre = np.zeros((2, 1, 1))
    >>> vlnn.vl_nnbilinearsampler(x, centre).item()
    1.5
    """
    call = OPTIONS.parse(dzdy, args, opts)
    data, places = tensor("DATA", x), tensor("GRID", grid)
    der_output = tensor("DEROUTPUT", call.dzdy) if call.backward else None
    same_format(data, places)
    if der_output is not None:
        same_format(data, der_output)
    output = _output_shape(data, places, der_output)
    wanted = outputs_wanted("vl_nnbilinearsampler", nargout, 2 if call.backward else 1)
    if call.options["Verbose"]:
        _report(data, places, der_output, output)

    engine = engine_for(data.array)
    if der_output is None:
        return give([engine.sampler_forward(data.planes(), places.planes()).T], nargout)
    if wanted == 0:
        return None
    der_data, der_grid = engine.sampler_backward(data.planes(), places.planes(), der_output.planes(), wanted > 1)
    results = [data.like(der_data)]
    if der_grid is not None:
        results.append(places.like(der_grid))
    return give(results, nargout)


def _output_shape(data: Tensor, grid: Tensor, der_output: Tensor | None) -> Shape:
    def fail(sentence: str) -> NoReturn:
        facts = f"DATA {sizes(data.shape)}, GRID {sizes(grid.shape)}"
        if der_output is not None:
            facts += f", DEROUTPUT {sizes(der_output.shape)}"
        raise MatConvNetError(f"{sentence} Received {facts}.")

    axes, height, width, batch = grid.shape
    if axes != 2:
        fail(f"GRID has {axes} channels; expected 2.")
    images = data.shape[3]
    if batch % images if images else batch:
        fail("GRID batch-size is not a multiple of DATA batch-size.")
    output = (height, width, data.shape[2], batch)
    if der_output is not None and der_output.shape != output:
        fail("DEROUTPUT dimensions are incompatible with DATA and GRID.")
    return output


def _report(data: Tensor, grid: Tensor, der_output: Tensor | None, output: Shape) -> None:
    """Print what the call does, line for line as MatConvNet's 'Verbose' does."""
    like = data.array
    device = device_of(like)
    lines: list[Line] = [
        f"{'backward' if der_output else 'forward'}; {device}; MatConvNet",
        ("data", data.shape),
        ("grid", grid.shape),
    ]
    if der_output is None:
        lines.append(("output", output))
    else:
        lines.append(("derOutput", der_output.shape))
        lines.append(("derData", data.shape))
        lines.append(("derGrid", grid.shape))
    print_report("vl_nnbilinearsampler", like, lines)
