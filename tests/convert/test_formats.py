"""Networks written in each format and read again; files that are damaged."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vlnn
from tests.convert import networks
from tests.convert.structure import assert_same_network
from vlnn.convert import Checkpoint, formats, npz, safetensors
from vlnn.errors import ConversionError
from vlnn.simplenn import SimpleNN

OURS = (".mat", ".npz", ".safetensors")
NETWORKS = networks.small()


def written(net: Any, path: Path, **options: Any) -> Any:
    """The network that comes back from a file."""
    formats.format_of(path).write(Checkpoint.of(net), path, **options)
    return formats.read(path).network()


@pytest.mark.parametrize("suffix", OURS)
@pytest.mark.parametrize("net", NETWORKS.values(), ids=NETWORKS)
def test_networks_come_back(net: Any, suffix: str, tmp_path: Path) -> None:
    assert_same_network(written(net, tmp_path / f"net{suffix}"), net)


@pytest.mark.filterwarnings("ignore:The network is of a changed version")
@pytest.mark.parametrize("suffix", OURS)
@pytest.mark.parametrize("path", networks.files())
def test_trained_networks_come_back_through_mat(path: Path, suffix: str, tmp_path: Path) -> None:
    net = networks.load(path)
    there = written(net, tmp_path / f"net{suffix}")
    assert_same_network(written(there, tmp_path / "back.mat"), net)


def test_mat_files_of_version_7_3(tmp_path: Path) -> None:
    path = tmp_path / "net.mat"
    assert_same_network(written(NETWORKS["dagnn"], path, version="7.3"), NETWORKS["dagnn"])
    assert b"MATLAB 7.3" in path.read_bytes()[:64]


def test_numpy_reads_npz(tmp_path: Path) -> None:
    written(NETWORKS["dagnn"], tmp_path / "net.npz")
    with np.load(tmp_path / "net.npz") as archive:
        assert set(archive) == {"__vlnn__", "f", "b", "g", "o", "m"}
        np.testing.assert_array_equal(archive["f"], NETWORKS["dagnn"].params[0].value)


def test_safetensors_have_reversed_dimensions(tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    written(NETWORKS["dagnn"], tmp_path / "net.safetensors")
    tensors = load_file(tmp_path / "net.safetensors")
    np.testing.assert_array_equal(tensors["f"].T, NETWORKS["dagnn"].params[0].value)


def test_names_that_mean_something_to_numpy(tmp_path: Path) -> None:
    ones = np.ones((1, 2), np.float32)
    net = SimpleNN([{"type": "conv", "name": name, "weights": [ones]} for name in ("file", "args", "a/b", "../c")])
    assert_same_network(written(net, tmp_path / "net.npz"), net)
    assert list(tmp_path.iterdir()) == [tmp_path / "net.npz"]


def test_writing_is_deterministic(tmp_path: Path) -> None:
    for suffix in (".npz", ".safetensors"):
        for name in ("a", "b"):
            written(NETWORKS["simplenn"], tmp_path / f"{name}{suffix}")
        assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


def test_weights_alone_make_no_network(tmp_path: Path) -> None:
    np.savez(tmp_path / "weights.npz", w=np.ones(3))
    checkpoint = formats.read(tmp_path / "weights.npz")
    np.testing.assert_array_equal(checkpoint.arrays["w"], np.ones(3))
    with pytest.raises(ConversionError, match="weights alone"):
        checkpoint.network()


@pytest.mark.parametrize("name", ["net.h5", "net", ".npz"])
def test_unknown_formats(name: str) -> None:
    with pytest.raises(ConversionError, match=r"formats \.mat, \.npz, \.safetensors"):
        formats.format_of(name)


def test_the_suffix_given_counts() -> None:
    assert formats.format_of("net.bin", "npz") is formats.FORMATS[".npz"]
    assert formats.format_of("NET.MAT") is formats.FORMATS[".mat"]


def test_a_missing_package_has_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "find_spec", lambda name: None if name in ("safetensors", "onnxruntime") else name)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'vlnn\[safetensors\]'"):
        formats.format_of("net.safetensors").require("reads")
    with pytest.raises(ModuleNotFoundError, match=r"ONNX needs onnxruntime: pip install 'vlnn\[onnx\]'"):
        formats.format_of("net.onnx").require("reads", "runs")


def test_only_mat_files_have_variables(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match=r"only \.mat files have variables"):
        formats.read(tmp_path / "net.npz", variable="net")
    vlnn.savemat(tmp_path / "two.mat", {"a": NETWORKS["simplenn"], "b": SimpleNN([{"type": "relu"}])})
    assert len(formats.read(tmp_path / "two.mat", variable="b").network().layers) == 1


def archive(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        for name, content in members.items():
            file.writestr(f"{name}.npy", content)
    return stream.getvalue()


def array(dtype: str = "<f4", shape: str = "(2, 2)", content: bytes = bytes(16)) -> bytes:
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}}}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + content


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no archive of arrays"),
        (b"PK", "no archive of arrays"),
        (archive(w=b"nonsense"), "no archive of arrays"),
        (archive(w=array())[:-60], "no archive of arrays"),
        (archive(w=array(content=bytes(15))), "expected 16 bytes got 15"),
        (archive(w=array(shape="(1000000, 1000000, 1000)")), "ends too early"),
        (archive(w=array(shape="(-1, 2)")), "no archive of arrays"),
        (archive(w=array(dtype="|O", content=b"cos\nsystem\n")), "no archive of arrays"),
        (archive(__vlnn__=array()), "no string of bytes"),
    ],
)
def test_damaged_npz_files(content: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "net.npz").write_bytes(content)
    with pytest.raises(ConversionError, match=says):
        npz.read(tmp_path / "net.npz")


def test_an_npz_file_out_of_proportion(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "net.npz", "w", zipfile.ZIP_DEFLATED) as file, file.open("w.npy", "w") as member:
        member.write(array(shape="(200, 1048576)", content=b""))
        for _ in range(800):
            member.write(bytes(1 << 20))
    with pytest.raises(ConversionError, match="out of proportion"):
        npz.read(tmp_path / "net.npz")


@pytest.mark.parametrize(
    "content",
    [b"", b"nonsense", b"\xff" * 100, (2).to_bytes(8, "little") + b"{}x", (9).to_bytes(8, "little") + b'{"a": {}}'],
)
def test_damaged_safetensors_files(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "net.safetensors").write_bytes(content)
    with pytest.raises(ConversionError, match="no safetensors file, or damaged"):
        safetensors.read(tmp_path / "net.safetensors")


@pytest.mark.parametrize("suffix", OURS)
def test_files_that_are_not_there(suffix: str, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        formats.read(tmp_path / f"none{suffix}")
    assert caught.value.filename is not None


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_truncated_files_are_refused(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"net{suffix}"
    written(NETWORKS["simplenn"], path)
    content = path.read_bytes()
    for length in range(0, len(content), max(1, len(content) // 40)):
        path.write_bytes(content[:length])
        with pytest.raises(ConversionError):
            formats.read(path).network()
