"""DagNN.print: a network as tables or as a graph."""

from __future__ import annotations

import math
import re
import subprocess
import tempfile
from collections.abc import Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np

from vlnn.dagnn.extents import Size
from vlnn.dagnn.graph import Graph
from vlnn.dagnn.reading import empty, options_of
from vlnn.dagnn.sizes import memory_of, receptive_fields, var_sizes
from vlnn.errors import MatConvNetError
from vlnn.matlab.argparse import vl_argparse
from vlnn.matlab.arguments import give, outputs_wanted

Table = list[list[str]]  # of columns, the first of which are the headings
FORMATS = ("ascii", "latex", "csv", "dot")
UNITS = ("B", "KB", "MB", "GB")
FONT = 'fontsize=12 fontname="helvetica"'


def show(net: Graph, input_sizes: Any, args: Sequence[Any], opts: dict[str, Any], nargout: int | None) -> str | None:
    """What DagNN.print does."""
    with_sizes = bool(args or opts) or not empty(input_sizes)  # MatConvNet shows variables when there is any argument
    if isinstance(input_sizes, str):  # called with options alone
        args, input_sizes = (input_sizes, *args), ()
    options = _options(args, opts, with_sizes)
    outputs_wanted("print", nargout, 1)
    sizes = var_sizes(net, input_sizes)
    if options["format"] == "dot":
        text = _graph(net, sizes)
        if options["figurePath"]:
            _draw(text, Path(options["figurePath"]), options["dotArgs"])
    else:
        text = "".join(f"{_layout(table, options)}\n" for table in _tables(net, sizes, options))
    if nargout != 1:
        print(text, end="")
    result: str | None = give([text], nargout)
    return result


def _options(args: Sequence[Any], opts: dict[str, Any], with_sizes: bool) -> dict[str, Any]:
    first = {"all": False, "format": "ascii", "figurePath": "", "dotArgs": ""}
    keywords = [item for pair in opts.items() for item in pair]
    first, rest = vl_argparse(first, [*args, *keywords], nargout=2)
    everything = bool(first["all"])
    options = {
        "layers": "*",
        "parameters": "*" if everything else (),
        "variables": "*" if everything or with_sizes else (),
        "memory": True,
        "dependencies": everything,
        "maxNumColumns": 18,
    }
    options = {**first, **options_of(options, rest, {})}
    options["format"] = str(options["format"]).lower()
    if options["format"] not in FORMATS:
        raise MatConvNetError(f"Uknown format {options['format']}. print knows {', '.join(FORMATS)}.")
    return options


def _tables(net: Graph, sizes: list[Size], options: dict[str, Any]) -> list[Table]:
    tables = []
    params = [_size(param.value) for param in net.params]
    if not empty(options["layers"]):
        table = [["func", "-", "type", "inputs", "outputs", "params", "pad", "stride"]]
        for layer in (net.layers[at] for at in _selected(net, "layers", options["layers"])):
            names = [" ".join(names) for names in (layer.inputs, layer.outputs, layer.params)]
            geometry = [_dims(getattr(layer.block, name, ())) for name in ("pad", "stride")]
            table.append([layer.name, "-", layer.block.type.removeprefix("dagnn."), *names, *geometry])
        tables.append(table)
    if not empty(options["parameters"]):
        table = [["param", "-", "dims", "mem", "fanout"]]
        for at in _selected(net, "params", options["parameters"]):
            fan = str(net.params[at].fanout)
            table.append([net.params[at].name, "-", _dims(params[at]), _memory(4 * math.prod(params[at])), fan])
        tables.append(table)
    if not empty(options["variables"]):
        table = [["var", "-", "dims", "mem", "fanin", "fanout"]]
        for at in _selected(net, "vars", options["variables"]):
            fans = [str(net.vars[at].fanin), str(net.vars[at].fanout)]
            table.append([net.vars[at].name, "-", _dims(sizes[at]), _memory(4 * math.prod(sizes[at])), *fans])
        tables.append(table)
    if options["memory"]:
        kinds = [sum(memory_of(size) for size in kind) for kind in (params, sizes)]
        tables.append([["params", "vars", "total"], [_memory(value) for value in (*kinds, sum(kinds))]])
    if options["dependencies"]:
        for name in net.getInputs():
            table = [[f"rf in '{name}'", "-", "size", "stride", "offset"]]
            for var, field in zip(net.vars, receptive_fields(net, name), strict=True):
                table.append([var.name, "-", *(_dims(part) for part in field)])
            tables.append(table)
    return tables


def _selected(net: Graph, kind: str, wanted: Any) -> list[int]:
    """The positions of what is to be shown."""
    if isinstance(wanted, str) and wanted == "*":
        return list(range(len(getattr(net, kind))))
    given = [wanted] if isinstance(wanted, (str, Integral)) else list(wanted)
    positions = net.positions[kind]
    return [
        positions[one] if isinstance(one, str) else int(one)
        for one in given
        if one in positions or not isinstance(one, str)
    ]


def _layout(table: Table, options: dict[str, Any]) -> str:
    """A table, with so many columns at once."""
    headings, *columns = table
    most = int(options["maxNumColumns"])
    write = {"ascii": _ascii, "latex": _latex, "csv": _csv}[options["format"]]
    parts = [[headings, *columns[at : at + most]] for at in range(0, len(columns), most)]
    return "".join(f"{write(part)}\n" for part in parts)


def _ascii(table: Table) -> str:
    widths = [max(map(len, column)) for column in table]
    lines = []
    for row in zip(*table, strict=True):
        cells = ["-" * width if cell == "-" else cell.rjust(width) for cell, width in zip(row, widths, strict=True)]
        lines.append("".join(f"{cell}|" for cell in cells) + "\n")
    return "".join(lines)


def _latex(table: Table) -> str:
    widths = [max(map(len, column)) for column in table]
    lines = [f"\\begin{{tabular}}{{{'c' * len(table)}}}\n"]
    for row in zip(*table, strict=True):
        if row[0] == "-":
            lines.append("\\hline\n")
            continue
        cells = [cell.replace("\\", "\\\\").replace("_", "\\char`_") for cell in row]
        lines.append("&".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True)) + "\\\\\n")
    return "".join([*lines, "\\end{tabular}\n"])


def _csv(table: Table) -> str:
    widths = [max(map(len, column)) + 2 for column in table]
    rows = [row for row in zip(*table, strict=True) if row[0] != "-"]
    lines = [[f'"{cell}"'.rjust(width) for cell, width in zip(row, widths, strict=True)] for row in rows]
    return "".join("".join(f"{cell}," for cell in line) + "\n" for line in lines)


def _graph(net: Graph, sizes: list[Size]) -> str:
    """The network in Graphviz's language."""
    lines = ["digraph DagNN {", "\tfontsize=12"]
    boxes = [("var", var.name, size, "cornsilk4", "beige") for var, size in zip(net.vars, sizes, strict=True)]
    boxes += [("par", param.name, _size(param.value), "lightsteelblue4", "lightsteelblue") for param in net.params]
    for kind, name, size, color, fill in boxes:
        label = f"{{{{{_escaped(name)}}} | {{{_dims(size)} | {_memory(4 * math.prod(size))} }}}}"
        style = f'shape=record style="solid,rounded,filled" color={color} fillcolor={fill} {FONT}'
        lines.append(f'\t{_node(f"{kind}_{name}")} [label="{label}" {style} ]')
    for layer in net.layers:
        label = f"{{ {_escaped(layer.name)} | {layer.block.type} }}"
        style = f'shape=record style="bold,filled" color="tomato4" fillcolor="tomato" {FONT}'
        lines.append(f'\t{_node(layer.name)} [label="{label}" {style} ]')
        lines += [f"\t{_node(f'var_{name}')}->{_node(layer.name)} [weight=10]" for name in layer.inputs]
        lines += [f"\t{_node(layer.name)}->{_node(f'var_{name}')} [weight=10]" for name in layer.outputs]
        lines += [f"\t{_node(f'par_{name}')}->{_node(layer.name)} [weight=1]" for name in layer.params]
    return "\n".join([*lines, "}", ""])


def _node(name: str) -> str:
    """A name as Graphviz takes it, in quotes only where it needs them."""
    return name if re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) else '"' + name.replace('"', r"\"") + '"'


def _escaped(name: str) -> str:
    return re.sub(r'([{}|<>"\\])', r"\\\1", name)


def _draw(text: str, figure: Path, args: str) -> None:
    """Run Graphviz, with the graph in a file beside the figure."""
    if figure.stem == "tempname":  # MatConvNet's word for any file
        figure = Path(tempfile.mkdtemp()) / figure.name
    if not figure.suffix:
        figure = figure.with_suffix(".pdf")
    source = figure.with_suffix(".dot")
    source.write_text(text, encoding="utf-8")
    command = ["dot", f"-T{figure.suffix[1:]}", *args.split(), "-o", str(figure), str(source)]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except FileNotFoundError:
        raise MatConvNetError(
            f"Graphviz's program dot was not found; the graph is in {source}. https://graphviz.org has it."
        ) from None
    except subprocess.CalledProcessError as error:
        raise MatConvNetError(f"Unable to run {' '.join(command)}\n{error.stderr}") from None


def _size(value: Any) -> Size:
    """A size as MATLAB has it, without ones at the end."""
    dims = list(np.shape(value)) if hasattr(value, "shape") else [0, 0]
    dims += [1] * (2 - len(dims))
    while len(dims) > 2 and dims[-1] == 1:
        dims.pop()
    return tuple(dims)


def _dims(size: Sequence[float]) -> str:
    if all(math.isnan(side) for side in size):
        return "n/a"
    if len(set(size)) == 1:
        return f"{size[0]:.4g}"
    return "x".join("NaN" if math.isnan(side) else f"{side:.4g}" for side in size)


def _memory(count: float) -> str:
    if math.isnan(count):
        return "NaN"
    power = min(int(math.log(count, 1024)) if count >= 1 else 0, 3)
    return f"{count / 1024**power:.0f}{UNITS[power]}"
