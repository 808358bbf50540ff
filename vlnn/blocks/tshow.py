"""vl_tshow and vl_imarraysc: a bank of filters, or a stack of images, as one picture."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from vlnn.errors import MatConvNetError
from vlnn.geometry import sizes
from vlnn.matlab.argparse import absent, block_options, scalar_option
from vlnn.matlab.arguments import give, matlab_function, outputs_wanted, plain, received
from vlnn.matlab.arrays import Array, is_array

TSHOW_OPTIONS = {"labels": True, "aspectRatio": 3 / 4, "optimizeAR": None, "axes": None}
IMARRAYSC_OPTIONS = {
    "spacing": 0,
    "fillValue": 0,
    "layout": None,
    "reverse": False,
    "cLim": None,
    "uniform": False,
    "cMap": 256,
    "axes": None,
}
LINES = (15 / 16,) * 3  # MatConvNet's light grey


@matlab_function(1, "one")
def vl_tshow(t: Any, *args: Any, nargout: int | None = None, **opts: Any) -> Any:
    """Show a 4-D array as one picture.

    ``picture = vl_tshow(t)`` lays the slices t[:, :, k, l] side by side, the third dimension downwards and the fourth
    one to the right, and draws the picture where matplotlib is installed.
    ``picture, t2i = vl_tshow(t, nargout=2)`` also returns where an element has gone.

    Parameters
    ----------
    t : (H, W, C, N) array of numbers or logicals
    nargout : int, optional
        2 for (picture, t2i); by default picture alone.

    Options, as pairs ('labels', False) or keywords (labels=False), in any case
    ---------------------------------------------------------------------------
    labels : True
        Name the sizes of the third and the fourth dimension beside the axes.
    aspectRatio : 3/4
        Height by width of the picture, where the slices are rearranged.
    optimizeAR : []
        Whether to rearrange the slices for the aspect ratio: True, False, or [] for only where C or N is 1. They then
        run down the columns.
    axes : None
        The matplotlib axes on which to draw. None: the current ones. False: do not draw.

    Returns
    -------
    picture : (H rows, W columns) array, class of t
        rows = C and columns = N unless rearranged.
    t2i : function
        ``picture[t2i(i, j, k, l)]`` is ``t[i, j, k, l]``; l may be left out.

    Raises
    ------
    MatConvNetError
        "T must be a 1D to 4D numeric or logical tensor."; "optimizeAR option must be either true, false or []."

    Differs from MatConvNet: the picture is returned, not the handle of what was drawn; places count from 0; `axes` is
    our own.

    Source: vl_tshow.m of 1.0-beta25.

    >>> import numpy as np, vlnn
    >>> vlnn.vl_tshow(np.ones((5, 5, 3, 8)), axes=False).shape
    (15, 40)
    """
    _, options = block_options(TSHOW_OPTIONS, None, args, opts)
    outputs_wanted("vl_tshow", nargout, 2)
    array = _gathered(t)
    if array.ndim > 4 or array.dtype.kind not in "iufb":
        raise MatConvNetError(f"T must be a 1D to 4D numeric or logical tensor. Received {received(array)}.")
    rearrange = options["optimizeAR"]
    if not absent(rearrange) and len(plain(rearrange) or ()) != 1:
        raise MatConvNetError(f"optimizeAR option must be either true, false or []. Received {received(rearrange)}.")
    shape = (*array.shape, *(1,) * (4 - array.ndim))
    height, width, rows, columns = shape
    labels = bool(options["labels"])
    if 1 in (rows, columns) if absent(rearrange) else bool(rearrange):
        rows, columns = _arrangement(shape, scalar_option("ASPECTRATIO", options["aspectRatio"]))
        labels = labels and not absent(rearrange)
    tiles = array.reshape((height, width, rows, columns), order="F")
    picture = tiles.transpose(2, 0, 3, 1).reshape(rows * height, columns * width)

    def t2i(i: Any, j: Any, k: Any, l: Any = 0) -> tuple[Any, Any]:  # noqa: E741
        """The row and the column of an element in the picture."""
        slice_ = k + l * shape[2]
        return i + slice_ % rows * height, j + slice_ // rows * width

    axes = _axes(options["axes"])
    if axes is not None:
        axes.imshow(picture, interpolation="nearest")
        axes.set_xticks([c * width - 0.5 for c in range(1, columns)], labels=[])
        axes.set_yticks([r * height - 0.5 for r in range(1, rows)], labels=[])
        axes.grid(visible=True, color=LINES)
        axes.tick_params(length=0)
        if labels:
            axes.set_xlabel(f"Fourth dimension (size {shape[3]})")
            axes.set_ylabel(f"Third dimension (size {shape[2]})")
    return give([picture] if nargout is None else [picture, t2i], nargout)


@matlab_function(1, "one")
def vl_imarraysc(a: Any, *args: Any, nargout: int | None = None, **opts: Any) -> Any:
    """Show a stack of images as one picture, each stretched to the full range of colours.

    ``picture = vl_imarraysc(a)`` lays the images side by side, row after row, and draws the picture where matplotlib is
    installed.

    Parameters
    ----------
    a : (H, W, K), (H, W, 1, K) or (H, W, 3, K) array of numbers or logicals
        K grey or colour images.
    nargout : int, optional
        How many outputs to return, 0 or 1.

    Options, as pairs ('Spacing', 2) or keywords (spacing=2), in any case
    ---------------------------------------------------------------------
    Spacing : 0
        Pixels between the images.
    FillValue : 0
        What stands there, and where images are missing: a number, or three for colour images.
    Layout : []
        [ROWS COLUMNS]; images that do not fit are left out. By default ceil(sqrt(K)) columns.
    Reverse : False
        Fill the rows from the bottom.
    CLim : []
        The range [LOW HIGH] to stretch, instead of that of each image.
    Uniform : False
        Stretch the range of all images together.
    CMap : 256
        The colours of grey images: an (L, 3) array, or their number L alone.
    axes : None
        The matplotlib axes on which to draw. None: the current ones. False: do not draw.

    Returns
    -------
    picture : (rows, columns) array of grey images, (rows, columns, 3) of colour images, class of a
        Grey images: floor(L (a - low) / (high - low)) + 1, from 1 to L: indices into the colours as MATLAB counts them.
        Colour images: (a - low) / (high - low). Integers and logicals give single.

    Raises
    ------
    MatConvNetError
        "A has more than three dimensions and the third one is not equal to three."; "UNIFORM cannot be used in
        combination with CLIM."

    Differs from VLFeat: the picture is returned and drawn; (H, W, 1, K) is a stack of grey images; Uniform holds for
    colour images too; no 'Movie'; `axes` is our own.

    Source: vl_imarraysc.m and vl_imarray.m of VLFeat, which MatConvNet's examples use.

    >>> import numpy as np, vlnn
    >>> vlnn.vl_imarraysc(np.random.rand(5, 5, 20), 'Spacing', 1, axes=False).shape
    (23, 29)
    """
    _, options = block_options(IMARRAYSC_OPTIONS, None, args, opts)
    outputs_wanted("vl_imarraysc", nargout, 1)
    images = _stack(_gathered(a))
    height, width, channels, count = images.shape
    colours = options["cMap"]
    levels = 1 if channels == 3 else len(colours) if np.ndim(colours) == 2 else int(scalar_option("CMAP", colours))
    scaled = _stretched(images, options, levels)
    rows, columns = _layout(options["layout"], count)
    gap = int(scalar_option("SPACING", options["spacing"]))
    fill = np.asarray(options["fillValue"], images.dtype).ravel()
    if fill.size not in (1, channels):
        raise MatConvNetError(f"Incorrect size of `fillValue`. Received {received(options['fillValue'])}.")
    shape = (rows * height + (rows - 1) * gap, columns * width + (columns - 1) * gap, channels)
    picture = np.broadcast_to(fill, shape).copy()
    for k in range(min(count, rows * columns)):
        row, column = divmod(k, columns)
        if options["reverse"]:
            row = rows - 1 - row
        top, left = row * (height + gap), column * (width + gap)
        picture[top : top + height, left : left + width] = scaled[..., k]
    if channels == 1:
        picture = picture[..., 0]
    axes = _axes(options["axes"])
    if axes is not None:
        _draw(axes, picture, colours, levels)
    return give([picture], nargout)


def _gathered(value: Any) -> Array:
    """An array in the memory of the CPU, at least 2-D."""
    array = value.get() if is_array(value) and not isinstance(value, np.ndarray) else np.asarray(value)
    return array.reshape(array.shape + (1,) * (2 - array.ndim)) if array.ndim < 2 else array


def _arrangement(shape: tuple[int, ...], aspect: float) -> tuple[int, int]:
    """How many slices below and beside each other come closest to an aspect ratio."""
    count = shape[2] * shape[3]

    def distance(columns: int) -> float:
        return abs(math.log(count // columns * shape[0] / (columns * shape[1])) - math.log(aspect))

    columns = min((c for c in range(1, count + 1) if count % c == 0), key=distance)
    return count // columns, columns


def _stack(array: Array) -> Array:
    """Images as an (H, W, C, K) array, single or double."""
    if array.ndim > 4 or array.dtype.kind not in "iufb":
        raise MatConvNetError(f"A has neither 2, 3 or 4 dimensions. Received {received(array)}.")
    if array.ndim < 4:
        array = array.reshape((*array.shape, 1)[:3])[:, :, None]
    if array.shape[2] not in (1, 3):
        raise MatConvNetError(
            "A has more than three dimensions and the third one is not equal to three. "
            f"Received A {sizes(array.shape)}."
        )
    return array.astype(np.float32) if array.dtype.kind in "iub" else array


def _stretched(images: Array, options: dict[str, Any], levels: int) -> Array:
    """Grey images as indices of colours, 1 to `levels`; colour images from 0 to 1."""
    limits = options["cLim"]
    if not absent(limits):
        if options["uniform"]:
            raise MatConvNetError("UNIFORM cannot be used in combination with CLIM.")
        low, high = plain(limits) or (0.0, 0.0)
    elif options["uniform"]:
        low, high = images.min(), images.max()
    else:
        low, high = images.min(axis=(0, 1, 2)), images.max(axis=(0, 1, 2))
    scale = np.asarray(levels / (high - low + np.finfo(np.float64).eps), images.dtype)
    scaled = scale * (images - np.asarray(low, images.dtype))
    return np.clip(scaled, 0, 1) if images.shape[2] == 3 else np.clip(np.floor(scaled + 1), 1, levels)


def _layout(layout: Any, count: int) -> tuple[int, int]:
    if absent(layout):
        columns = max(math.ceil(math.sqrt(count)), 1)
        return max(math.ceil(count / columns), 1), columns
    elements = plain(layout)
    if elements is None or len(elements) != 2 or min(elements) < 1:
        raise MatConvNetError(f"LAYOUT is not a number of rows and one of columns. Received {received(layout)}.")
    return int(elements[0]), int(elements[1])


def _axes(axes: Any) -> Any:
    """Where to draw; None for nowhere."""
    if axes is False:
        return None
    if axes is not None:
        return axes
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        return None
    return plt.gca()


def _draw(axes: Any, picture: Array, colours: Any, levels: int) -> None:
    if picture.ndim == 3:
        axes.imshow(picture, interpolation="nearest")
        return
    from matplotlib.colors import ListedColormap

    colours = ListedColormap(np.asarray(colours, float)) if np.ndim(colours) == 2 else None
    axes.imshow(picture - 1, cmap=colours, vmin=0, vmax=levels - 1, interpolation="nearest")
