"""Networks written and proven: what others have trained in every format, and proofs that fail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.convert import networks
from tests.convert.structure import assert_same_network
from tests.dagnn.nets import random, residual
from tests.simplenn.nets import conv
from vlnn import dagnn
from vlnn.convert import Changes, Check, Checkpoint, formats, load, npz, save
from vlnn.convert.probing import probe, read_inputs
from vlnn.convert.proof import Proof
from vlnn.errors import ConversionError
from vlnn.simplenn import SimpleNN

NEEDED = {".pt": ["torch"], ".onnx": ["onnx", "onnxruntime"], ".safetensors": ["safetensors"]}


def proven(net: Any, path: Path, half: bool = False, check: Check | None = None, **changes: Any) -> Proof:
    for package in NEEDED.get(path.suffix, []):
        pytest.importorskip(package, reason=f"{package} is not installed")
    proof = save(net, path, changes=Changes(**changes), half=half, check=check or Check()).proof
    assert proof is not None
    return proof


@pytest.mark.filterwarnings("ignore:The network is of a changed version")
@pytest.mark.parametrize("suffix", formats.FORMATS)
@pytest.mark.parametrize("path", networks.files())
def test_trained_networks_go_to_each_format_and_back(path: Path, suffix: str, tmp_path: Path) -> None:
    net = networks.load(path)
    proof = proven(net, tmp_path / f"net{suffix}")
    assert not proof.failure
    assert proof.tolerance == 1e-5
    assert proof.variables.differences
    assert not proof.left_out
    back = load(tmp_path / f"net{suffix}")
    assert not proven(back, tmp_path / "back.mat").failure
    assert_same_network(load(tmp_path / "back.mat"), net)


@pytest.mark.parametrize("suffix", [suffix for suffix, form in formats.FORMATS.items() if form.half])
@pytest.mark.parametrize("net", networks.small().values(), ids=networks.small())
def test_half_precision(net: Any, suffix: str, tmp_path: Path) -> None:
    proof = proven(net, tmp_path / f"half{suffix}", half=True)
    assert not proof.failure
    assert "rounded to half precision" in str(proof)
    worst = proof.weights.worst
    assert worst is not None
    assert 0 < worst.relative <= 2**-11


CHANGES: list[dict[str, Any]] = [
    {"kind": "dagnn"},
    {"drop_loss": True},
    {"fold_bnorm": True},
    {"colours": "bgr"},
    {"preprocessing": True},
]
EVERYTHING = {name: value for change in CHANGES for name, value in change.items()}


@pytest.mark.parametrize("suffix", formats.FORMATS)
@pytest.mark.parametrize("changes", [*CHANGES, EVERYTHING], ids="-".join)
def test_changes(changes: dict[str, Any], suffix: str, tmp_path: Path) -> None:
    bnorm = {"type": "bnorm", "weights": [random(4, 1), random(4, 1), np.abs(random(4, 2)) + 0.5]}
    layers = [conv(3, 3, 3, 4, pad=1), bnorm, {"type": "relu"}, conv(1, 1, 4, 2), {"type": "softmaxloss"}]
    meta = {"normalization": {"averageImage": np.array([[12.0, 11.0, 10.0]]), "imageSize": np.array([[9, 8, 3]])}}
    proof = proven(SimpleNN(layers, meta), tmp_path / f"net{suffix}", **changes)
    assert not proof.failure
    assert len(proof.variables.differences) >= 3


class Spoilt:
    """A format whose files come back changed."""

    def __init__(self, position: int, value: float) -> None:
        self.position, self.value = position, value

    def read(self, path: Path) -> Checkpoint:
        checkpoint = npz.read(path)
        arrays = {name: array.copy(order="F") for name, array in checkpoint.arrays.items()}
        list(arrays.values())[self.position].ravel(order="K")[1] = self.value
        return Checkpoint(checkpoint.description, arrays)


def test_a_weight_that_comes_back_changed_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    form = formats.FORMATS[".npz"]._replace(read=Spoilt(2, 7.0).read)
    monkeypatch.setitem(formats.FORMATS, ".npz", form)
    with pytest.raises(ConversionError, match=r"^What was written is not the network: weights differ, .*'layer2\.0'"):
        save(networks.small()["simplenn"], tmp_path / "net.npz")
    assert not list(tmp_path.iterdir())


def test_a_runtime_that_computes_something_else_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net = residual()

    def run(path: Path, inputs: dict[str, Any]) -> dict[str, Any]:
        values = probe(net, inputs).evaluation.values
        values["d"] = values["d"] * 1.01
        return values

    monkeypatch.setitem(formats.FORMATS, ".npz", formats.FORMATS[".npz"]._replace(run=run))
    with pytest.raises(ConversionError, match=r"variables differ, first by 1\.0e-02 of the largest element, in 'd' at"):
        save(net, tmp_path / "net.npz")
    assert not list(tmp_path.iterdir())
    assert save(net, tmp_path / "net.npz", check=Check(tolerance=0.1)).proof
    assert save(net, tmp_path / "net.npz", check=None).proof is None


def test_a_file_that_was_there_stays_when_a_layer_cannot_be_converted(tmp_path: Path) -> None:
    (tmp_path / "net.npz").write_bytes(b"before")
    with pytest.raises(ConversionError, match="mine is unsupported"):
        save(SimpleNN([{"type": "mine", "name": "m"}]), tmp_path / "net.npz", changes=Changes(kind="dagnn"))
    assert (tmp_path / "net.npz").read_bytes() == b"before"


def test_mat_files_have_no_half_precision(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match="MATLAB has no half precision"):
        save(residual(), tmp_path / "net.mat", half=True)


def test_networks_that_cannot_be_run_are_compared_by_their_weights(tmp_path: Path) -> None:
    net = SimpleNN([{"type": "mine", "name": "m", "weights": [random(2, 2)]}])
    proof = proven(net, tmp_path / "net.npz")
    assert not proof.failure
    assert "was not run" in str(proof)


def test_layers_that_nobody_knows_are_left_out(tmp_path: Path) -> None:
    net = SimpleNN([conv(1, 1, 3, 3), {"type": "mine", "name": "m"}, {"type": "relu", "name": "r"}])
    proof = proven(net, tmp_path / "net.npz")
    assert proof.left_out == ["m", "r"]
    assert str(proof).endswith("Not run: m, r.")


@pytest.mark.parametrize("suffix", [".pt", ".onnx"])
@pytest.mark.parametrize(
    ("net", "says"),
    [
        (SimpleNN([conv(1, 1, 3, 3), {"type": "mine", "name": "m"}]), "Layer 'm' of type mine cannot be converted: "),
    ],
)
def test_what_graphs_cannot_hold_is_named_before_anything_is_written(
    net: Any, says: str, suffix: str, tmp_path: Path
) -> None:
    with pytest.raises(ConversionError, match=says):
        proven(net, tmp_path / f"net{suffix}")
    assert not list(tmp_path.iterdir())


def test_the_input_given_is_used(tmp_path: Path) -> None:
    net = SimpleNN([conv(1, 1, 3, 3)])
    x = random(7, 5, 3, 1)
    np.save(tmp_path / "x.npy", x)
    tried = probe(net, read_inputs(tmp_path / "x.npy"))
    np.testing.assert_array_equal(tried.inputs["input"], x)
    with pytest.raises(ConversionError, match="does not run on the input given"):
        probe(net, {"x": random(7, 5, 2, 1)})


def test_inputs_of_a_graph_are_given_by_name(tmp_path: Path) -> None:
    net = dagnn.DagNN()
    net.addLayer("sum", dagnn.Sum(), ["a", "b"], "c")
    inputs = {"a": random(3, 3, 1, 1), "b": random(3, 3, 1, 1)}
    np.savez(tmp_path / "x.npz", **inputs)
    assert set(probe(net, read_inputs(tmp_path / "x.npz")).inputs) == {"a", "b"}
    with pytest.raises(ConversionError, match=r"inputs are a, b\. Received a\."):
        probe(net, {"a": inputs["a"]})


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("x.npy", b"nonsense", "no array, or damaged"),
        ("x.png", b"", r"inputs are in \.npy, \.npz and \.mat files"),
        ("x.npz", b"nonsense", "no archive"),
    ],
)
def test_inputs_that_are_none(name: str, content: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConversionError, match=says):
        read_inputs(tmp_path / name)


def test_inputs_are_numbers(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array(["a"]))
    with pytest.raises(ConversionError, match="no real array"):
        read_inputs(tmp_path / "x.npy")


def test_random_inputs_have_the_size_that_is_asked_for() -> None:
    net = SimpleNN([conv(5, 5, 3, 2)], {"normalization": {"imageSize": np.array([[17, 19, 3]])}})
    assert probe(net).inputs["input"].shape == (17, 19, 3, 2)
    assert probe(net, size=(8, 9)).inputs["input"].shape == (8, 9, 3, 2)
    assert probe(SimpleNN(net.layers)).inputs["input"].shape == (32, 32, 3, 2)
    assert probe(SimpleNN([conv(40, 40, 3, 2)])).inputs["input"].shape == (64, 64, 3, 2)
    with pytest.raises(ConversionError, match="does not run on any random input; give it one with --input"):
        probe(net, size=(3, 3))
