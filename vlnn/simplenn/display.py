"""vl_simplenn_display: a network's layers in a table."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from vlnn.errors import MatConvNetError
from vlnn.matlab.argparse import absent, vl_argparse
from vlnn.matlab.arguments import give, matlab_function, outputs_wanted, plain, received
from vlnn.matlab.arrays import is_array
from vlnn.matlab.values import Struct
from vlnn.simplenn.formats import cells, current_layers, current_meta, place

OPTIONS = {"inputSize": None, "batchSize": None, "maxNumColumns": 18, "format": "ascii"}
SHORT_TYPES = {"normalize": "norm", "softmax": "softmx", "softmaxloss": "softmxl"}
BYTES = 4  # of a number: networks are counted as single, whatever their class
RULE = "-"

Numbers: TypeAlias = npt.NDArray[np.float64]
Table: TypeAlias = list[list[str]]  # rows of cells, the first of each its title


@matlab_function(1, "one", "Not enough input arguments.")
def vl_simplenn_display(net: Any, *args: Any, nargout: int | None = None, **opts: Any) -> Any:
    """Display the structure of a SimpleNN network.

    ``vl_simplenn_display(net)`` prints a table with a column for each layer, and returns info.
    ``info, text = vl_simplenn_display(net, nargout=2)`` returns what it would print as well.

    Parameters
    ----------
    net : struct with the field layers
    nargout : int, optional
        0 to print; 1 for info alone and 2 for (info, text), without printing. By default it prints and returns info.

    Options, as pairs ('batchSize', 10) or keywords (batchSize=10), in any case
    ---------------------------------------------------------------------------
    inputSize : []
        The size of the input, [H W D N], of which the last may be left out. By default what the network's meta says in
        inputSize or in normalization.imageSize, else unknown.
    batchSize : []
        N instead of that of inputSize, which is 1 where nothing is said.
    maxNumColumns : 18
        Layers in a table; more make several tables.
    format : 'ascii'
        'ascii', 'latex' or 'csv'.

    Returns
    -------
    info : struct
        A column for each of n layers: support (2, n), stride (2, n), pad (4, n), receptiveFieldSize, Offset and Stride
        (2, n); and one for the input and each layer: dataSize (4, n + 1). NaN is unknown.
    text : str

    Raises
    ------
    MatConvNetError
        "Reference to non-existent field 'x'." for layers that lack what their type needs.

    Differs from MatConvNet: what vl_simplenn_tidy would fill in need not be there; a pooling layer without a method is
    shown as mpool; a dilation of two numbers as 1x2, not 12. Kept as it is: convt and other layers count as windows of
    one pixel, so that the sizes after a convt are those before it; a custom layer may say its size by a function
    getForwardSize(layer, size).

    Source: vl_simplenn_display.m of 1.0-beta25.

    >>> import vlnn
    >>> net = {'layers': [{'type': 'pool', 'pool': 3, 'stride': 2}, {'type': 'softmax'}]}
    >>> vlnn.vl_simplenn_display(net, 'inputSize', [9, 9, 8], nargout=1).dataSize[:, 1]
    array([4., 4., 8., 1.])
    """
    options = vl_argparse(OPTIONS, [*args, *(item for pair in opts.items() for item in pair)])
    wanted = outputs_wanted("vl_simplenn_display", nargout, 2)
    layers = current_layers(net)
    info = _info(layers, _input_size(current_meta(net), options))
    if nargout == 1:
        return info
    write = _format(options["format"])
    columns = plain(options["maxNumColumns"])
    if not columns or len(columns) != 1 or not columns[0] >= 1:
        raise MatConvNetError(f"MAXNUMCOLUMNS is not a positive number. Received {received(options['maxNumColumns'])}.")
    text = _text(layers, info, int(min(columns[0], len(layers) + 1)), write)
    if not nargout:
        print(text, end="")
    return give([info, text][: 1 if nargout is None else wanted], nargout)


def _input_size(meta: Struct, options: dict[str, Any]) -> Numbers:
    """H, W, D, N of the input, with NaN for what nobody says."""
    size = np.array([math.nan, math.nan, math.nan, 1.0])
    normalization = meta.get("normalization")
    given = options["inputSize"]
    if absent(given):
        given = meta.get("inputSize")
    if absent(given) and isinstance(normalization, dict):
        given = normalization.get("imageSize")
    numbers = plain(given)
    if numbers is None or len(numbers) > 4:
        raise MatConvNetError(f"INPUTSIZE is not a size of up to four numbers. Received {received(given)}.")
    size[: len(numbers)] = numbers
    if not absent(options["batchSize"]):
        size[3] = _expanded(options["batchSize"], 1, "BATCHSIZE")[0]
    return size


def _info(layers: list[Struct], input_size: Numbers) -> Struct:
    """What can be told of each layer from its fields alone."""
    count = len(layers)
    support, stride = np.ones((2, count)), np.ones((2, count))
    pad, data = np.zeros((4, count)), np.empty((4, count + 1))
    for i, layer in enumerate(layers):
        if layer.type == "conv":
            taps = np.maximum(_filter_shape(layers, i)[:2], 1)
            support[:, i] = (taps - 1) * _expanded(layer.dilate, 2, "DILATE") + 1
        elif layer.type == "pool":
            if "pool" not in layer:
                raise MatConvNetError(f"Reference to non-existent field 'pool'. This is {place(layers, i)}.")
            support[:, i] = _expanded(layer.pool, 2, "POOL")
        if "stride" in layer:
            stride[:, i] = _expanded(layer.stride, 2, "STRIDE")
        if "pad" in layer:
            pad[:, i] = _expanded(layer.pad, 4, "PAD")
    # How far apart the pixels of each layer's input are in the image.
    spacing = np.cumprod(np.column_stack([np.ones(2), stride]), axis=1)
    reach = np.cumsum(spacing[:, :-1] * (support - 1), axis=1)
    shift = np.cumsum(spacing[:, :-1] * ((support - 1) / 2 - pad[[0, 2]]), axis=1)

    data[:, 0] = input_size
    for i, layer in enumerate(layers):
        if layer.type == "custom" and callable(layer.get("getForwardSize")):
            data[:, i + 1] = np.ravel(layer.getForwardSize(layer, data[:, i].copy()))
            continue
        pads = np.array([pad[:2, i].sum(), pad[2:, i].sum()])
        data[:2, i + 1] = np.floor((data[:2, i] + pads - support[:, i]) / stride[:, i]) + 1
        data[2:, i + 1] = data[2:, i]
        if layer.type == "conv" and not absent(cells(layer.weights)[0]):
            data[2, i + 1] = _filter_shape(layers, i)[3]
        elif layer.type in ("loss", "softmaxloss"):
            data[2:, i + 1] = 1
        elif layer.type == "custom":
            data[2, i + 1] = math.nan
    return Struct(
        support=support,
        stride=stride,
        pad=pad,
        receptiveFieldSize=1 + reach,
        receptiveFieldOffset=1 + shift,
        receptiveFieldStride=spacing[:, 1:],
        dataSize=data,
    )


def _filter_shape(layers: list[Struct], i: int) -> tuple[int, int, int, int]:
    """FH, FW, depth and number of the filters of a conv layer."""
    weights = cells(layers[i].weights)
    if not weights:
        raise MatConvNetError(f"Reference to non-existent field 'weights'. This is {place(layers, i)}.")
    height, width, depth, number = (*_shape(weights[0]), 1, 1, 1, 1)[:4]
    return height, width, depth, number


def _shape(array: Any) -> tuple[int, ...]:
    return (0, 0) if absent(array) and not is_array(array) else np.shape(array)


def _expanded(value: object, count: int, label: str) -> Numbers:
    """One number for all, or `count` of them."""
    numbers = plain(value)
    if not numbers or len(numbers) not in (1, count):
        words = "one" if count == 1 else f"one or {count}"
        raise MatConvNetError(f"{label} does not have {words} elements. Received {received(value)}.")
    return np.array(numbers * (count // len(numbers)))


def _text(layers: list[Struct], info: Struct, columns: int, write: Callable[[Table], str]) -> str:
    """The tables of the layers, and one of sums."""
    data_bytes = [float(column.prod()) * BYTES for column in info.dataSize.T]
    weights = [[each for each in cells(layer.get("weights")) if each is not None] for layer in layers]
    weight_bytes = [float(sum(map(np.size, each))) * BYTES for each in weights]
    table = _table(layers, info, data_bytes, weight_bytes)
    parts = [
        write([row[:1] + row[first : first + columns] for row in table]) for first in range(1, len(layers) + 2, columns)
    ]
    parameters, data = sum(weight_bytes), sum(data_bytes)
    sums = [
        ["parameter memory", f"{_memory(parameters)} ({parameters / BYTES:.2g} parameters)"],
        ["data memory", f"{_memory(data)} (for batch size {_whole(info.dataSize[3, 0])})"],
    ]
    return "".join(f"{part}\n" for part in [*parts, write(sums)])


def _table(layers: list[Struct], info: Struct, data_bytes: list[float], weight_bytes: list[float]) -> Table:
    """The rows of the table: a title, the input, the layers."""
    filters = [_filter_shape(layers, i) if layer.type == "conv" else None for i, layer in enumerate(layers)]
    dilations = [_dims(_expanded(layer.dilate, 2, "DILATE")) if layer.type == "conv" else "n/a" for layer in layers]
    rule = [RULE] * (len(layers) + 2)

    def row(title: str, of_input: str, of_layers: Sequence[str]) -> list[str]:
        return [title, of_input, *of_layers]

    def measures(title: str, field: str) -> list[str]:
        return row(title, "n/a", [_dims(column) for column in info[field].T])

    return [
        row("layer", "0", [str(i + 1) for i in range(len(layers))]),
        row("type", "input", [_short_type(layer) for layer in layers]),
        row("name", "n/a", [str(layer.get("name", "")) for layer in layers]),
        rule,
        measures("support", "support"),
        row("filt dim", "n/a", ["n/a" if shape is None else str(shape[2]) for shape in filters]),
        row("filt dilat", "n/a", dilations),
        row("num filts", "n/a", ["n/a" if shape is None else str(shape[3]) for shape in filters]),
        measures("stride", "stride"),
        measures("pad", "pad"),
        rule,
        measures("rf size", "receptiveFieldSize"),
        measures("rf offset", "receptiveFieldOffset"),
        measures("rf stride", "receptiveFieldStride"),
        rule,
        ["data size", *(_dims(column[:2]) for column in info.dataSize.T)],
        ["data depth", *(_whole(depth) for depth in info.dataSize[2])],
        ["data num", *(_whole(number) for number in info.dataSize[3])],
        rule,
        ["data mem", *(_memory(size) for size in data_bytes)],
        row("param mem", "n/a", [_memory(size) for size in weight_bytes]),
    ]


def _short_type(layer: Struct) -> str:
    if layer.type == "pool":
        return "apool" if str(layer.get("method", "max")).lower() == "avg" else "mpool"
    return SHORT_TYPES.get(layer.type, str(layer.type))


def _dims(values: Numbers) -> str:
    """3 for [3 3], 0x1x0x1 for [0 1 0 1]."""
    shown = [_number(value, ".4g") for value in values]
    return shown[0] if (values == values[0]).all() else "x".join(shown)


def _whole(value: float) -> str:
    return _number(value, ".0f" if value == math.floor(value) else "e") if math.isfinite(value) else _number(value, "f")


def _number(value: float, form: str) -> str:
    return "NaN" if math.isnan(value) else "Inf" if value == math.inf else f"{value:{form}}"


def _memory(size: float) -> str:
    if math.isnan(size):
        return "NaN"
    for power, unit in enumerate(("B", "KB", "MB")):
        if size < 1024 ** (power + 1):
            return f"{size / 1024**power:.0f}{unit}"
    return f"{size / 1024**3:.0f}GB"


def _format(name: object) -> Callable[[Table], str]:
    formats = {"ascii": _ascii, "latex": _latex, "csv": _csv}
    if not isinstance(name, str) or name not in formats:
        raise MatConvNetError(f"FORMAT is not one of {', '.join(formats)}. Received {received(name)}.")
    return formats[name]


def _widths(table: Table) -> list[int]:
    return [max(map(len, column)) for column in zip(*table, strict=True)]


def _ascii(table: Table) -> str:
    widths = _widths(table)
    lines = (
        "".join(f"{RULE * width if cell == RULE else cell:>{width}}|" for cell, width in zip(row, widths, strict=True))
        for row in table
    )
    return "".join(f"{line}\n" for line in lines)


def _csv(table: Table) -> str:
    return "".join("".join(f'"{cell}",' for cell in row) + "\n" for row in table if row[0] != RULE)


def _latex(table: Table) -> str:
    widths = _widths(table)
    lines = [rf"\begin{{tabular}}{{{'c' * len(widths)}}}"]
    for row in table:
        if row[0] == RULE:
            lines.append(r"\hline")
            continue
        escaped = (cell.replace("_", r"\char`_") for cell in row)
        lines.append("&".join(f"{cell:>{width}}" for cell, width in zip(escaped, widths, strict=True)) + r"\\")
    return "\n".join([*lines, r"\end{tabular}", ""])
