"""The graph drawn."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import pytest

import vlnn
from tests.dagnn.nets import chain, residual
from tests.test_networks import published
from vlnn import dagnn
from vlnn.simplenn import SimpleNN
from vlnn.summary.drawing import svg
from vlnn.summary.graph import as_graph

SPACE = "{http://www.w3.org/2000/svg}"


def boxes(picture: str) -> list[tuple[float, float, float, float]]:
    root = ElementTree.fromstring(picture)
    rects = root.findall(f"{SPACE}rect")[1:]
    return [tuple(float(rect.attrib[name]) for name in ("x", "y", "width", "height")) for rect in rects]  # type: ignore[misc]


def drawn(net: dagnn.DagNN) -> str:
    return svg(net, {layer.name: layer.block.type for layer in net.layers}.__getitem__)


@pytest.mark.parametrize("name", ["LapSRN_x4", "DCNT_toplevel_dagnn", "plate_snapshot"])
def test_no_box_lies_on_another(name: str) -> None:
    found = boxes(drawn(as_graph(vlnn.load_network(published(name)))))
    for at, (x, y, width, height) in enumerate(found):
        assert x >= 0
        for other_x, other_y, other_width, _ in found[at + 1 :]:
            assert y != other_y or x + width < other_x or other_x + other_width < x
            assert y == other_y or abs(y - other_y) > height


def test_every_layer_and_input_is_there() -> None:
    net = residual()
    picture = drawn(net)
    texts = re.findall("<text[^>]*>(.*?)</text>", picture)
    assert {layer.name for layer in net.layers} <= set(texts)
    assert {"x", "label", "dagnn.Conv"} <= set(texts)
    assert picture.count("<path") >= sum(len(layer.inputs) for layer in net.layers)


def test_layers_stand_below_what_they_read() -> None:
    picture = drawn(chain(dagnn.ReLU(), dagnn.Sigmoid(), dagnn.ReLU()))
    heights = [float(y) for y in re.findall(r'<rect x="\S+" y="(\S+)"', picture)]
    assert heights[:3] == sorted(heights[:3])


def test_names_are_escaped() -> None:
    net = dagnn.DagNN()
    net.addLayer("<a&b>", dagnn.ReLU(), "x", "y")
    assert "&lt;a&amp;b&gt;" in drawn(net)


def test_an_empty_network() -> None:
    assert boxes(drawn(as_graph(SimpleNN([])))) == []
