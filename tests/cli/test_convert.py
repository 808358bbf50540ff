"""vlnn convert and vlnn compare, on good and bad input."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

import vlnn
from tests.cli import installed
from tests.convert import networks
from tests.convert.structure import assert_same_network
from tests.simplenn.nets import conv
from vlnn.cli import main
from vlnn.convert import formats
from vlnn.simplenn import SimpleNN

SUFFIXES = list(formats.FORMATS)


def run(*arguments: object, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(main, [*map(str, arguments)], input=stdin)


def failed(result: Result, line: str) -> None:
    """The command failed, and said why on one line of stderr."""
    assert (result.exit_code, result.stdout) == (1, ""), result.output
    assert line in result.stderr
    assert result.stderr.count("\n") == 1


def needs(suffix: str) -> None:
    for package in {".pt": ["torch"], ".onnx": ["onnx", "onnxruntime"], ".safetensors": ["safetensors"]}.get(
        suffix, []
    ):
        pytest.importorskip(package, reason=f"{package} is not installed")


@pytest.fixture
def net(tmp_path: Path) -> Path:
    """A network of two layers in a folder of its own."""
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / "net.mat"
    SimpleNN([conv(3, 3, 2, 4, np.float32, name="c"), {"type": "relu", "name": "r"}]).save(path)
    return path


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_there_and_back(net: Path, suffix: str, tmp_path: Path) -> None:
    needs(suffix)
    there = run("convert", net, tmp_path / f"net{suffix}")
    assert (there.exit_code, there.stderr) == (0, "")
    lines = there.stdout.splitlines()
    assert lines[0].startswith(f"{tmp_path / f'net{suffix}'}: ")
    assert lines[1].startswith("Proof: 2 weights read back, 2 variables computed again; ")
    back = run("convert", tmp_path / f"net{suffix}", tmp_path / "back.mat")
    assert back.exit_code == 0, back.output
    assert_same_network(vlnn.load_network(tmp_path / "back.mat"), vlnn.load_network(net))
    same = run("compare", net, tmp_path / f"net{suffix}")
    assert same.exit_code == 0, same.output
    assert "The same, with a tolerance of 1e-05." in same.stdout
    assert sorted(os.listdir(tmp_path)) == sorted({"in", f"net{suffix}", "back.mat"})


def test_the_installed_command(net: Path, tmp_path: Path) -> None:
    good = installed.vlnn("convert", net, tmp_path / "net.npz")
    assert (good.returncode, good.stderr) == (0, b"")
    bad = installed.vlnn("convert", tmp_path / "none.mat", tmp_path / "net2.npz")
    assert (bad.returncode, bad.stdout) == (1, b"")
    assert bad.stderr.decode() == f"Error: {tmp_path / 'none.mat'}: No such file or directory\n"
    same = installed.vlnn("compare", net, tmp_path / "net.npz")
    assert (same.returncode, same.stderr) == (0, b"")


def test_json(net: Path, tmp_path: Path) -> None:
    result = run("convert", net, tmp_path / "net.npz", "--json", "--kind", "dagnn")
    found = json.loads(result.stdout)
    assert found == {
        "file": str(tmp_path / "net.npz"),
        "format": "NumPy",
        "bytes": (tmp_path / "net.npz").stat().st_size,
        "notes": ["The SimpleNN has become a DagNN."],
        "checked": True,
        "failure": None,
        "weights": 2,
        "variables": 2,
        "tolerance": 1e-5,
        "largest_difference": 0,
        "in": "c",
        "left_out": [],
        "not_run": None,
    }


def test_through_pipes(net: Path, tmp_path: Path) -> None:
    there = installed.vlnn("convert", "-", "-", "--to", "npz", stdin=net.read_bytes())
    assert there.returncode == 0, there.stderr
    assert there.stderr.startswith(b"-: NumPy")
    back = installed.vlnn("convert", "-", tmp_path / "back.mat", stdin=there.stdout)
    assert back.returncode == 0, back.stderr
    assert_same_network(vlnn.load_network(tmp_path / "back.mat"), vlnn.load_network(net))
    same = installed.vlnn("compare", "-", net, stdin=there.stdout)
    assert same.returncode == 0, same.stderr


def test_formats_by_option(net: Path, tmp_path: Path) -> None:
    assert run("convert", net, tmp_path / "network", "--to", "npz").exit_code == 0
    assert run("convert", tmp_path / "network", tmp_path / "net.mat", "--from", "npz").exit_code == 0
    failed(run("convert", net, tmp_path / "other"), "formats .mat, .npz, .safetensors, .pt, .onnx")


def test_a_mat_file_of_version_7_3(net: Path, tmp_path: Path) -> None:
    assert run("convert", net, tmp_path / "net.mat", "--mat-version", "7.3").exit_code == 0
    assert (tmp_path / "net.mat").read_bytes().startswith(b"MATLAB 7.3")


def test_unchecked(net: Path, tmp_path: Path) -> None:
    result = run("convert", net, tmp_path / "net.npz", "--no-check")
    assert result.stdout.splitlines()[-1] == "Not checked: --no-check."


def test_everything_at_once(tmp_path: Path) -> None:
    net = networks.small()["simplenn"]
    net.save(tmp_path / "net.mat")
    options = ["--kind", "dagnn", "--fold-bnorm", "--drop-loss", "--half"]
    result = run("convert", tmp_path / "net.mat", tmp_path / "net.npz", *options)
    assert result.exit_code == 0, result.output
    said = result.stdout.splitlines()
    assert said[1:5] == [
        "Losses left out: layer6.",
        "The SimpleNN has become a DagNN.",
        "Batch normalisations folded into the convolutions before them: 1.",
        "Weights are stored in half precision, moments excepted; vlnn reads them as single.",
    ]
    assert len(formats.read(tmp_path / "net.npz").network().layers) == 4


def test_the_input_given(net: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.ones((9, 9, 2)))
    good = run("convert", net, tmp_path / "net.npz", "--input", tmp_path / "x.npy")
    assert good.exit_code == 0, good.output
    np.save(tmp_path / "x.npy", np.ones((9, 9, 3)))
    failed(run("convert", net, tmp_path / "b.npz", "--input", tmp_path / "x.npy"), "does not run on the input given")
    assert not (tmp_path / "b.npz").exists()
    assert run("convert", net, tmp_path / "c.npz", "--input-size", "8x9").exit_code == 0


def test_weights_alone(net: Path, tmp_path: Path) -> None:
    filters = np.ones((4, 2, 3, 3), np.float32)
    np.savez(tmp_path / "weights.npz", **{"c.weight": filters, "c.bias": np.ones(4, np.float32)})
    failed(run("convert", tmp_path / "weights.npz", tmp_path / "a.mat"), "weights alone")
    failed(run("convert", tmp_path / "weights.npz", tmp_path / "a.mat", "--like", net), "in the layout matlab")
    result = run("convert", tmp_path / "weights.npz", tmp_path / "a.mat", "--like", net, "--layout", "torch")
    assert result.exit_code == 0, result.output
    assert vlnn.load_network(tmp_path / "a.mat").layers[0].weights[0].shape == (3, 3, 2, 4)
    different = run("compare", tmp_path / "weights.npz", net)
    assert different.exit_code == 1
    assert "not computed: a file has weights alone" in different.stdout


def test_existing_targets(net: Path, tmp_path: Path) -> None:
    target = tmp_path / "net.npz"
    target.write_bytes(b"precious")
    failed(run("convert", net, target), "exists; --force overwrites it")
    assert target.read_bytes() == b"precious"
    assert run("convert", net, target, "--force").exit_code == 0
    assert target.read_bytes() != b"precious"


def test_targets_that_cannot_be_written(net: Path, tmp_path: Path) -> None:
    (tmp_path / "folder.npz").mkdir()
    failed(run("convert", net, tmp_path / "folder.npz", "--force"), "Is a directory")
    failed(run("convert", net, net / "net.npz"), "File exists")


def test_a_proof_that_fails_leaves_nothing(net: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(path: Path) -> Any:
        checkpoint = formats.npz.read(path)
        for array in checkpoint.arrays.values():
            array += 1
        return checkpoint

    monkeypatch.setitem(formats.FORMATS, ".npz", formats.FORMATS[".npz"]._replace(read=read))
    (tmp_path / "net.npz").write_bytes(b"before")
    failed(run("convert", net, tmp_path / "net.npz", "--force"), "What was written is not the network: weights differ")
    assert (tmp_path / "net.npz").read_bytes() == b"before"
    assert sorted(os.listdir(tmp_path)) == ["in", "net.npz"]


BAD: dict[str, tuple[str, bytes, str]] = {
    "not a .mat": ("net.mat", b"nonsense" * 40, "no MAT-file"),
    "empty": ("net.mat", b"", "no MAT-file"),
    "empty .npz": ("net.npz", b"", "no archive of arrays"),
    "no suffix": ("net", b"", "not without a suffix"),
    "unknown": ("net.h5", b"", "not .h5"),
    "empty .safetensors": ("net.safetensors", b"", "no safetensors file"),
    "empty .pt": ("net.pt", b"", "no tensors that can be read safely"),
    "empty .onnx": ("net.onnx", b"", "no ONNX model"),
}


@pytest.mark.parametrize(("name", "content", "says"), BAD.values(), ids=BAD)
def test_bad_sources(name: str, content: bytes, says: str, tmp_path: Path) -> None:
    needs(Path(name).suffix)
    (tmp_path / name).write_bytes(content)
    for command in (["convert", tmp_path / name, tmp_path / "out.npz"], ["compare", tmp_path / name, tmp_path / name]):
        failed(run(*command), says)
    assert os.listdir(tmp_path) == [name]


def test_truncated_sources(net: Path, tmp_path: Path) -> None:
    for suffix in (".mat", ".npz"):
        whole = tmp_path / f"whole{suffix}"
        assert run("convert", net, whole).exit_code == 0
        (tmp_path / f"cut{suffix}").write_bytes(whole.read_bytes()[:-200])
        result = run("convert", tmp_path / f"cut{suffix}", tmp_path / "out.npz")
        assert result.exit_code == 1
        assert result.stderr.count("\n") == 1
        assert not (tmp_path / "out.npz").exists()


def test_a_file_without_a_network(tmp_path: Path) -> None:
    vlnn.savemat(tmp_path / "x.mat", {"x": 1})
    failed(run("convert", tmp_path / "x.mat", tmp_path / "out.npz"), "There is no network in")


def test_several_networks(net: Path, tmp_path: Path) -> None:
    one = vlnn.load_network(net)
    vlnn.savemat(tmp_path / "two.mat", {"a": one, "b": one})
    failed(run("convert", tmp_path / "two.mat", tmp_path / "out.npz"), "There are 2 networks")
    assert run("convert", tmp_path / "two.mat", tmp_path / "out.npz", "--variable", "b").exit_code == 0


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["net.mat", "--half"], "MATLAB has no half precision"),
        (["net.npz", "--mat-version", "5"], "--mat-version is for .mat files"),
        (["net.npz", "--layout", "torch"], "--layout is for weights alone"),
        (["net.npz", "--input-size", "3by3"], "no size such as 224x224"),
        (["net.npz", "--kind", "keras"], "Invalid value for '--kind'"),
        (["net.npz", "--tolerance", "-1"], "Invalid value for '--tolerance'"),
    ],
)
def test_wrong_usage(net: Path, options: list[str], says: str, tmp_path: Path) -> None:
    result = run("convert", net, tmp_path / options[0], *options[1:])
    assert result.exit_code == 2
    assert says in result.stderr
    assert os.listdir(tmp_path) == ["in"]


@pytest.mark.parametrize("suffix", [".pt", ".onnx"])
def test_a_layer_that_cannot_be_converted_is_named(suffix: str, tmp_path: Path) -> None:
    needs(suffix)
    SimpleNN([conv(1, 1, 3, 3), {"type": "mine", "name": "m"}]).save(tmp_path / "net.mat")
    failed(
        run("convert", tmp_path / "net.mat", tmp_path / f"net{suffix}"), "Layer 'm' of type mine cannot be converted"
    )
    assert os.listdir(tmp_path) == ["net.mat"]


def test_networks_that_differ(net: Path, tmp_path: Path) -> None:
    other = vlnn.load_network(net)
    other.layers[0].weights[0][2, 1, 0, 3] += 1
    other.save(tmp_path / "other.mat")
    result = run("compare", net, tmp_path / "other.mat")
    assert (result.exit_code, result.stderr) == (1, "")
    weights, variables, end = result.stdout.splitlines()
    assert weights.startswith("Weights     2 compared; the first that departs is 'c.0', ")
    assert weights.endswith("of the largest element at (3,2,1,4)")
    assert variables.startswith("Variables   2 compared; the first that departs is 'c', ")
    assert end == "Different, with a tolerance of 1e-05."
    found = json.loads(run("compare", net, tmp_path / "other.mat", "--json").stdout)
    assert (found["same"], found["weights"]["first_departing"], found["tolerance"]) == (False, "c.0", 1e-5)
    assert [each["name"] for each in found["variables"]["differences"]] == ["c", "r"]
    assert run("compare", net, tmp_path / "other.mat", "--tolerance", "100").exit_code == 0


def test_networks_of_two_kinds(net: Path, tmp_path: Path) -> None:
    assert run("convert", net, tmp_path / "dag.npz", "--kind", "dagnn").exit_code == 0
    result = run("compare", net, tmp_path / "dag.npz")
    assert result.exit_code == 0, result.output
    assert "Variables   2 compared; equal" in result.stdout


def test_networks_of_other_sizes(net: Path, tmp_path: Path) -> None:
    SimpleNN([conv(3, 3, 3, 4, np.float32, name="c"), conv(1, 1, 4, 1, name="more")]).save(tmp_path / "b.mat")
    result = run("compare", net, tmp_path / "b.mat")
    assert result.exit_code == 1
    assert "the first that departs is 'c.0', 3x3x2x4 against 3x3x3x4" in result.stdout
    assert "only in B: more.0, more.1" in result.stdout
    assert "not computed" in result.stdout


def test_stdin_only_once() -> None:
    assert run("compare", "-", "-").exit_code == 2
