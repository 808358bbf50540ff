"""svg: the graph of a network, drawn from top to bottom.

Layers stand in ranks, each below all that it reads (the longest way from the inputs). An edge that crosses ranks goes
through a place of its own in each of them, so that it does not run through other layers. Within a rank places are
sorted by the middle of their neighbours, first downwards, then upwards, a few times over.

Source: Sugiyama, Tagawa, Toda, "Methods for visual understanding of hierarchical system structures", 1981.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from itertools import pairwise
from typing import NamedTuple

from vlnn.dagnn import DagNN

SWEEPS = 8
LETTER, HEIGHT = 7.0, 34.0  # of a box, in pixels
GAP, STEP = 24.0, 64.0  # between boxes of a rank, and from rank to rank
THIN = 12.0  # the place of an edge in a rank that it crosses
COLOURS = {
    "Conv": "#f4a582",
    "ConvTranspose": "#f4a582",
    "Pooling": "#92c5de",
    "BatchNorm": "#d9d9d9",
    "Loss": "#fddbc7",
}
OTHER, VARIABLE = "#f7f7f7", "#fff7bc"

Node = int


class _Box(NamedTuple):
    """What stands in one place: a layer, an input or output, or nothing but an edge (no lines of text)."""

    lines: tuple[str, ...]
    fill: str

    @property
    def width(self) -> float:
        return LETTER * max(map(len, self.lines)) + 16 if self.lines else THIN


def svg(graph: DagNN, label: Callable[[str], str]) -> str:
    """The graph as an SVG picture; `label` says more about a layer, given its name: what stands below it."""
    boxes, edges = _boxes(graph, label)
    ranks, edges = _ranked(boxes, edges)
    places = _placed(boxes, ranks, edges)
    width = max((x + boxes[node].width / 2 for node, (x, _) in places.items()), default=0) + GAP
    height = len(ranks) * STEP + GAP
    size = f'width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="monospace" font-size="11">',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for source, target in edges:
        (x0, y0), (x1, y1) = places[source], places[target]
        y0 += HEIGHT / 2 if boxes[source].lines else 0
        y1 -= HEIGHT / 2 if boxes[target].lines else 0
        bend = (y1 - y0) / 2
        parts.append(
            f'<path d="M{x0:.1f} {y0:.1f}C{x0:.1f} {y0 + bend:.1f} {x1:.1f} {y1 - bend:.1f} {x1:.1f} {y1:.1f}" '
            'fill="none" stroke="#555"/>'
        )
    for node, (x, y) in places.items():
        box = boxes[node]
        if not box.lines:
            continue
        parts.append(
            f'<rect x="{x - box.width / 2:.1f}" y="{y - HEIGHT / 2:.1f}" width="{box.width:.1f}" height="{HEIGHT}" '
            f'rx="4" fill="{box.fill}" stroke="#555"/>'
        )
        for at, line in enumerate(box.lines):
            baseline = y + 4 + 13 * (at - (len(box.lines) - 1) / 2)
            parts.append(f'<text x="{x:.1f}" y="{baseline:.1f}" text-anchor="middle">{escape(line)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _boxes(graph: DagNN, label: Callable[[str], str]) -> tuple[list[_Box], list[tuple[Node, Node]]]:
    """A box for each layer, and for each variable that no layer writes; edges from writers to readers."""
    boxes = [
        _Box((layer.name, label(layer.name)), COLOURS.get(layer.block.type.removeprefix("dagnn."), OTHER))
        for layer in graph.layers
    ]
    writers: dict[str, Node] = {name: node for node, layer in enumerate(graph.layers) for name in layer.outputs}
    for name in graph.getInputs():
        writers[name] = len(boxes)
        boxes.append(_Box((name,), VARIABLE))
    edges = [(writers[name], node) for node, layer in enumerate(graph.layers) for name in layer.inputs]
    return boxes, [(source, target) for source, target in dict.fromkeys(edges) if source != target]


def _ranked(boxes: list[_Box], edges: list[tuple[Node, Node]]) -> tuple[list[list[Node]], list[tuple[Node, Node]]]:
    """The nodes of each rank, with places for edges that cross it added to `boxes`, and edges cut at them."""
    rank = _ranks(len(boxes), edges)
    ranks: list[list[Node]] = [[] for _ in range(max(rank, default=-1) + 1)]
    for node, at in enumerate(rank):
        ranks[at].append(node)
    cut = []
    for source, target in edges:
        last = source
        for at in range(rank[source] + 1, rank[target]):
            boxes.append(_Box((), ""))
            ranks[at].append(len(boxes) - 1)
            cut.append((last, len(boxes) - 1))
            last = len(boxes) - 1
        cut.append((last, target))
    return ranks, cut


def _ranks(count: int, edges: list[tuple[Node, Node]]) -> list[int]:
    """The longest way to each node, with inputs just above what reads them first. A cycle stays where it is."""
    after: list[list[Node]] = [[] for _ in range(count)]
    missing = [0] * count
    for source, target in edges:
        after[source].append(target)
        missing[target] += 1
    inputs = [not number for number in missing]
    rank = [0] * count
    ready = [node for node in range(count) if not missing[node]]
    while ready:
        node = ready.pop()
        for target in after[node]:
            rank[target] = max(rank[target], rank[node] + 1)
            missing[target] -= 1
            if not missing[target]:
                ready.append(target)
    for node in range(count):
        if inputs[node] and after[node]:
            rank[node] = max(0, min(rank[target] for target in after[node]) - 1)
    return rank


def _placed(
    boxes: list[_Box], ranks: list[list[Node]], edges: list[tuple[Node, Node]]
) -> dict[Node, tuple[float, float]]:
    """The middle of each box."""
    above: list[list[Node]] = [[] for _ in boxes]
    below: list[list[Node]] = [[] for _ in boxes]
    for source, target in edges:
        above[target].append(source)
        below[source].append(target)
    x = [0.0] * len(boxes)
    for nodes in ranks:
        _spread(nodes, x, boxes)
    for sweep in range(SWEEPS):
        neighbours = below if sweep % 2 else above
        for nodes in reversed(ranks) if sweep % 2 else ranks:
            for node in nodes:
                if neighbours[node]:
                    x[node] = sum(x[other] for other in neighbours[node]) / len(neighbours[node])
            nodes.sort(key=x.__getitem__)
            _spread(nodes, x, boxes)
    left = min((x[node] - boxes[node].width / 2 for nodes in ranks for node in nodes), default=0)
    return {
        node: (x[node] - left + GAP, GAP + at * STEP + HEIGHT / 2) for at, nodes in enumerate(ranks) for node in nodes
    }


def _spread(nodes: list[Node], x: list[float], boxes: list[_Box]) -> None:
    """Move the boxes of a rank apart where they overlap, and keep their common middle."""
    if not nodes:
        return
    before = sum(x[node] for node in nodes)
    for left, right in pairwise(nodes):
        x[right] = max(x[right], x[left] + (boxes[left].width + boxes[right].width) / 2 + GAP)
    shift = (before - sum(x[node] for node in nodes)) / len(nodes)
    for node in nodes:
        x[node] += shift
