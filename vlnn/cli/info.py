"""vlnn info: what a network is."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from typing import Any

import click

from vlnn.cli.files import write_text
from vlnn.cli.networks import Given, read_network
from vlnn.cli.tables import Column, facts, table, terminal_width
from vlnn.matlab.arrays import memory
from vlnn.preprocessing import Normalization
from vlnn.summary import BYTES, LayerSummary, NetworkSummary, Statistics, statistics, summarise
from vlnn.summary.description import as_json, colour_order
from vlnn.summary.drawing import svg
from vlnn.summary.graph import as_graph

LAYERS = (
    Column("", right=True),
    Column("layer", cut=True),
    Column("type", cut=True),
    Column("reads", cut=True, drop=1),
    Column("filters", drop=2),
    Column("stride", drop=3),
    Column("pad", drop=3),
    Column("field", right=True, drop=4),
    Column("output", right=True),
    Column("memory", right=True, drop=5),
    Column("parameters", right=True, drop=2),
)
WEIGHTS = (
    Column("parameter", cut=True),
    Column("size"),
    Column("class", drop=2),
    Column("min", right=True),
    Column("mean", right=True),
    Column("max", right=True),
    Column("std", right=True),
    Column("zeros", right=True, drop=1),
    Column("not finite", right=True),
)


@click.command("info")
@click.argument("net", type=click.Path(allow_dash=True), metavar="NET")
@click.option("--variable", metavar="NAME", help="Which network, where the file has several: 'best.net', 'nets{3}'.")
@click.option(
    "--input-size",
    "input_sizes",
    multiple=True,
    metavar="[NAME=]HxW[xC[xN]]",
    help="The size of the input, by default what net.meta says. Once for each input, where there are several.",
)
@click.option("--weights", is_flag=True, help="Show the parameters in figures, too.")
@click.option("--json", "as_json_", is_flag=True, help="Print everything as JSON.")
@click.option("--dot", metavar="FILE", help="Write the graph for Graphviz; - is stdout.")
@click.option("--svg", "svg_", metavar="FILE", help="Draw the graph; - is stdout.")
@click.option("--force", is_flag=True, help="Overwrite FILE.")
def info_command(
    net: str,
    variable: str | None,
    input_sizes: tuple[str, ...],
    weights: bool,
    as_json_: bool,
    dot: str | None,
    svg_: str | None,
    force: bool,
) -> None:
    """Show what a network is.

    What kind it is and where in the file it was found; its layers with filters, strides, pads, receptive fields and
    sizes; parameters, memory, and multiplications with additions (MAC); what is done to pictures before they go in;
    classes. Where nothing says how large the input is, sizes are in terms of its height H and its width W.

    NET is a file with a network, or - for stdin.

    \b
    Examples:
      vlnn info net.mat
      vlnn info net.mat --input-size 224x224 --weights
      vlnn info net.mat --svg net.svg
      vlnn info net.mat --json | jq .parameters
    """
    given = read_network(net, variable)
    summary = summarise(given.net, parsed_sizes(input_sizes))
    graph = as_graph(given.net)
    if dot is not None:
        known: Any = {name: size for name, size in summary.inputs.items() if not math.isnan(math.prod(size))}
        write_text(dot, graph.print(known, "format", "dot", nargout=1) or "", force)
    if svg_ is not None:
        below = {layer.name: f"{layer.type} {output_of(layer)}".strip() for layer in summary.layers}
        write_text(svg_, svg(graph, below.__getitem__), force)
    if "-" in (dot, svg_):
        return
    figures = statistics(given.net) if weights else []
    if as_json_:
        where = {"file": given.file, "place": given.place}
        listed = {"weights": [_plain(each) for each in figures]} if weights else {}
        click.echo(json.dumps(where | as_json(summary) | listed, indent=2, allow_nan=False))
        return
    click.echo("\n\n".join([story(given, summary), layer_table(summary, terminal_width())]))
    if weights:
        click.echo("\n" + weight_table(figures, terminal_width()))


def parsed_sizes(texts: Sequence[str]) -> Any:
    """What --input-size says: a size, or sizes by the names of inputs."""
    named = {}
    for text in texts:
        name, _, size = text.rpartition("=")
        try:
            named[name] = tuple(int(number) for number in size.lower().split("x"))
        except ValueError:
            raise click.BadParameter(
                f"{text!r} is no size such as 224x224 or 224x224x3.", param_hint="--input-size"
            ) from None
    if "" in named and len(named) > 1:
        raise click.BadParameter("name the inputs, as in LR=64x64.", param_hint="--input-size")
    return named.get("", named or None)


def story(given: Given, summary: NetworkSummary) -> str:
    """The network in a few lines."""
    inputs = ", ".join(f"{name} {size_text(size)}" for name, size in summary.inputs.items())
    average = summary.parameter_bytes / max(summary.parameters, 1)
    class_ = {4.0: "single", 8.0: "double", 2.0: "half"}.get(average, "several classes")
    at_once = "" if math.isnan(summary.peak_bytes) else f", {memory(summary.peak_bytes)} of them at once"
    unknown = ", ".join(summary.unknown)
    return facts(
        [
            ("Network", f"{given.file}: {summary.kind} in {given.place}"),
            ("Layers", str(len(summary.layers))),
            ("Input", inputs),
            ("Outputs", ", ".join(summary.outputs)),
            ("Parameters", f"{summary.parameters:,} in {class_}, {memory(summary.parameter_bytes)}"),
            ("Variables", "" if math.isnan(summary.variable_bytes) else f"{memory(summary.variable_bytes)}{at_once}"),
            ("Work", "" if math.isnan(summary.operations) else f"{count(summary.operations)}MAC"),
            ("Pictures", pictures(summary.normalization)),
            ("Classes", classes(summary.classes)),
            ("Unknown", f"{unknown}: register them to run the network" if unknown else ""),
            ("Problems", " ".join(summary.problems)),
        ]
    )


def pictures(normalization: Normalization | None) -> str:
    """What is done to pictures, in words."""
    if normalization is None:
        return "net.meta says nothing about them"
    kind = {1: "grey", 3: colour_order(normalization) or ""}.get(normalization.channels or 0, "")
    parts = []
    if normalization.size:
        part = " and ".join(f"{100 * side:.4g} %" for side in dict.fromkeys(normalization.crop))
        cut = f"the middle {part} of the picture" if normalization.crop != (1, 1) else "the picture"
        kept = ", its aspect kept," if normalization.keep_aspect else ""
        size = "x".join(map(str, normalization.size))
        parts.append(f"{cut}{kept} to {size} ({normalization.interpolation})")
    parts.append(f"{kind} from 0 to {255 * normalization.scale:.4g}".strip())
    if normalization.average.any():
        means = " ".join(f"{mean:.4g}" for mean in normalization.average.mean(axis=(0, 1)))
        image = "an image with the mean " if normalization.average.shape[:2] != (1, 1) else ""
        parts.append(f"minus {image}{means}")
    if normalization.deviation is not None:
        parts.append("over " + " ".join(f"{deviation:.4g}" for deviation in normalization.deviation.ravel()))
    if colour_order(normalization) == "BGR":
        parts.append("BGR because the mean rises from channel to channel; MatConvNet's own networks take RGB")
    return ", ".join(parts)


def classes(names: Sequence[str]) -> str:
    shown = [name if len(name) <= 24 else f"{name[:21]}..." for name in names[:4]]
    return f"{len(names)}: {', '.join([*shown, '...'] if len(names) > 4 else shown)}" if names else ""


def layer_table(summary: NetworkSummary, width: int | None) -> str:
    rows = []
    before: tuple[str, ...] = tuple(summary.inputs)[:1]
    for number, layer in enumerate(summary.layers):
        row = [str(number + 1), layer.name, layer.type, "" if layer.inputs == before else " ".join(layer.inputs)]
        row += [filters(layer), stride(layer), pad(layer), numbers(layer.field), output_of(layer)]
        room = BYTES * math.prod(layer.size)
        rows.append(
            [*row, "" if math.isnan(room) else memory(room), f"{layer.parameters:,}" if layer.parameters else ""]
        )
        before = layer.outputs
    return table(LAYERS, rows, width)


def filters(layer: LayerSummary) -> str:
    size = "x".join(map(str, layer.filters or ()))
    groups = f" in {layer.groups} groups" if (layer.groups or 1) > 1 else ""
    dilate = f" dilated {numbers(layer.dilate)}" if layer.dilate and set(layer.dilate) != {1} else ""
    return " ".join(part for part in (size + groups + dilate, layer.detail) if part)


def stride(layer: LayerSummary) -> str:
    return f"up {numbers(layer.upsample)}" if layer.upsample else numbers(layer.stride)


def pad(layer: LayerSummary) -> str:
    return f"crop {numbers(layer.crop)}" if layer.upsample else numbers(layer.pad)


def output_of(layer: LayerSummary) -> str:
    return layer.formula or size_text(layer.size)


def size_text(size: Sequence[float]) -> str:
    """A size, without the number of images where it is 1."""
    if all(math.isnan(side) for side in size):
        return "?"
    shown = [name if math.isnan(side) else f"{side:g}" for name, side in zip("HWDN", size, strict=True)]
    return "x".join(shown if size[3] != 1 and not math.isnan(size[3]) else shown[:3])


def numbers(values: Sequence[float] | None) -> str:
    """3 for (3, 3), 0x1x0x1 for (0, 1, 0, 1)."""
    shown = [f"{value:.4g}" for value in values or ()]
    return shown[0] if shown and len(set(shown)) == 1 else "x".join(shown)


def count(number: float) -> str:
    for power, unit in ((12, "T"), (9, "G"), (6, "M"), (3, "k")):
        if number >= 10**power:
            return f"{number / float(10**power):.3g} {unit}"
    return f"{number:.0f} "


def weight_table(figures: Sequence[Statistics], width: int | None) -> str:
    rows = []
    for each in figures:
        shown = [f"{value:.4g}" for value in (each.least, each.mean, each.most, each.deviation)]
        share = 100 * each.zeros / math.prod(each.size)
        zeros = f"{share:.1f} %" if each.zeros else ""
        broken = str(each.not_finite) if each.not_finite else ""
        rows.append([each.name, "x".join(map(str, each.size)), each.dtype, *shown, zeros, broken])
    return table(WEIGHTS, rows, width)


def _plain(figures: Statistics) -> dict[str, Any]:
    described = dataclasses.asdict(figures)
    return {
        name: None if isinstance(value, float) and math.isnan(value) else value for name, value in described.items()
    }
