"""vlnn info, through the command line."""

from __future__ import annotations

import json
import os
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import vlnn
from tests.cli.networks import blur, classifier, saved
from tests.dagnn.nets import residual
from tests.test_networks import PUBLISHED, published
from vlnn.cli import main
from vlnn.cli.tables import Column, table


def info(*arguments: object, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(main, ["info", *map(str, arguments)], input=stdin)


def good(*arguments: object, stdin: bytes | None = None) -> str:
    result = info(*arguments, stdin=stdin)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def net(tmp_path: Path) -> Path:
    return saved(classifier(), tmp_path / "net.mat")


def test_the_network_in_a_few_lines(net: Path) -> None:
    lines = good(net).splitlines()
    story = {line[:13].strip(): line[13:] for line in lines[: lines.index("")]}
    assert story["Network"] == f"{net}: SimpleNN in the top of the file"
    assert story["Input"] == "input 64x64x3"
    assert story["Outputs"] == "fc7"
    assert story["Parameters"].startswith("12,311 in single, 48.1KB")
    assert story["Classes"] == "7: tench, goldfish, shark, hammerhead, ..."
    assert story["Pictures"] == (
        "the middle 88.89 % of the picture, its aspect kept, to 64x64 (bilinear), RGB from 0 to 255, minus 123 117 104"
    )


def test_the_table_of_layers(net: Path) -> None:
    lines = good(net).splitlines()
    rows = {line.split()[1]: line.split() for line in lines[lines.index("") + 2 :]}
    assert rows["conv1"] == ["1", "conv1", "conv", "7x7x3x8", "4", "0", "7", "15x15x8", "7.0KB", "1,184"]
    assert rows["pool1"] == ["4", "pool1", "pool", "3x3", "max", "2", "0x1x0x1", "15", "7x7x8", "1.5KB"]
    assert rows["conv2"] == [
        "5",
        "conv2",
        "conv",
        "5x5x4x16",
        "in",
        "2",
        "groups",
        "1",
        "2",
        "47",
        "7x7x16",
        "3.1KB",
        "1,616",
    ]
    assert rows["loss"][:4] == ["11", "loss", "softmaxloss", "fc7"]


def test_json_has_everything(net: Path) -> None:
    found = json.loads(good(net, "--json", "--weights"))
    assert found["kind"] == "SimpleNN"
    assert found["inputs"] == {"input": [64, 64, 3, 1]}
    assert found["layers"][4]["groups"] == 2
    assert found["normalization"]["average"] == [123, 117, 104]
    assert found["normalization"]["colour_order"] == "RGB"
    assert [each["name"] for each in found["weights"]][:2] == ["conv1.weights.0", "conv1.weights.1"]


def test_input_sizes(net: Path, tmp_path: Path) -> None:
    assert json.loads(good(net, "--json", "--input-size", "100x80x3x5"))["inputs"] == {"input": [100, 80, 3, 5]}
    graph = saved(residual(), tmp_path / "dag.mat")
    assert json.loads(good(graph, "--json", "--input-size", "x=9x8x2"))["layers"][0]["size"] == [9, 8, 2, 1]
    for wrong in (["big"], ["3x"], ["x=3x3", "3x3"]):
        result = info(graph, *(word for size in wrong for word in ("--input-size", size)))
        assert result.exit_code == 2
    result = info(graph, "--input-size", "y=3x3")
    assert result.exit_code == 1
    assert "The network has no input 'y'; it has x, label." in result.stderr


def test_weights(net: Path) -> None:
    lines = good(net, "--weights").splitlines()
    assert lines[-1].split()[:3] == ["fc7.weights.1", "7x1", "float32"]
    assert "100.0 %" in lines[-1]  # of zeros


def test_graphs_are_drawn(net: Path, tmp_path: Path) -> None:
    assert good(net, "--dot", "-").startswith("digraph")
    assert ElementTree.fromstring(good(net, "--svg", "-")).tag.endswith("svg")
    good(net, "--svg", tmp_path / "new" / "net.svg", "--dot", tmp_path / "net.dot")
    assert (tmp_path / "new" / "net.svg").read_text().startswith("<svg")
    (tmp_path / "net.dot").write_text("mine")
    result = info(net, "--dot", tmp_path / "net.dot")
    assert (result.exit_code, (tmp_path / "net.dot").read_text()) == (1, "mine")
    good(net, "--dot", tmp_path / "net.dot", "--force")


def test_stdin(net: Path) -> None:
    assert good("-", stdin=net.read_bytes()).startswith("Network      stdin: SimpleNN")


@pytest.mark.parametrize("suffix", [".npz", ".safetensors", ".pt", ".onnx"])
def test_other_formats(suffix: str, net: Path, tmp_path: Path) -> None:
    for package in {".safetensors": ["safetensors"], ".pt": ["torch"], ".onnx": ["onnx"]}.get(suffix, []):
        pytest.importorskip(package)
    path = tmp_path / f"net{suffix}"
    result = CliRunner().invoke(main, ["convert", str(net), str(path), "--no-check"])
    assert result.exit_code == 0, result.output
    assert good(path).splitlines()[1:] == good(net).splitlines()[1:]
    assert good("-", stdin=path.read_bytes()).splitlines()[1:] == good(net).splitlines()[1:]
    result = info(path, "--variable", "net")
    assert result.exit_code == 1
    assert "only .mat files have variables" in result.stderr


def test_weights_alone(tmp_path: Path) -> None:
    np.savez(tmp_path / "net.npz", filters=np.zeros((3, 3)))
    result = info(tmp_path / "net.npz")
    assert result.exit_code == 1
    assert result.stderr == f"Error: {tmp_path / 'net.npz'} has weights alone and no description of a network.\n"


def test_one_of_several(tmp_path: Path) -> None:
    path = tmp_path / "nets.mat"
    vlnn.savemat(path, {"nets": [dict(blur(1)), dict(blur(3))]})
    result = info(path)
    assert result.exit_code == 1
    assert "There are 2 networks" in result.stderr
    assert "Say which: --variable 'nets{1}'." in result.stderr
    assert json.loads(good(path, "--variable", "nets{2}", "--json"))["place"] == "nets{2}"


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_networks(name: str) -> None:
    path = published(name)
    assert f"{path}: {PUBLISHED[name][0]} in " in good(path)


def test_stdin_without_a_network(tmp_path: Path) -> None:
    vlnn.savemat(tmp_path / "net.mat", {"x": 1.0})
    result = info("-", stdin=(tmp_path / "net.mat").read_bytes())
    assert result.stderr.startswith("Error: There is no network in stdin: it holds x")


def test_meta_that_makes_no_sense(tmp_path: Path) -> None:
    net = blur()
    net.meta.normalization = {"imageSize": [-1.0, 3.0]}
    assert "Problems     net.meta.normalization.imageSize is not" in good(saved(net, tmp_path / "net.mat"))


def test_networks_of_which_nothing_is_known(tmp_path: Path) -> None:
    net = vlnn.simplenn.SimpleNN([{"type": "upconv", "name": "a"}])
    text = good(saved(net, tmp_path / "net.mat"))
    assert "Unknown      upconv: register them to run the network" in text
    assert "net.meta says nothing about them" in text


@pytest.mark.parametrize("width", [40, 60, 80, 100])
def test_tables_fit_the_terminal(width: int) -> None:
    columns = [Column("#", right=True), Column("layer", cut=True), Column("size", drop=2), Column("field", drop=1)]
    rows = [["1", "a_layer_with_a_long_name_in_it", "100x100x64", "35x35"], ["2", "b", "1x1x1000", ""]]
    lines = table(columns, rows, width).splitlines()
    assert max(map(len, lines)) <= width
    assert lines[0].split()[:2] == ["#", "layer"]
    whole = table(columns, rows)
    assert rows[0][1] in whole


def test_a_table_goes_elsewhere_whole(net: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "COLUMNS", "40")
    assert "5x5x4x16 in 2 groups" in good(net)
