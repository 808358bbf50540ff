"""What cannot be saved or loaded, and files that are whole or not there at all."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vlnn
from tests.matlab.matfiles import HEADER, WAYS, every_way
from vlnn.matlab import CharMatrix, MatFileError, Opaque, Struct, StructArray

# Errors


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        (
            {"net": {"layers": [{}, {"forward": len}]}},
            r"net\.layers\[1\]\.forward is builtin_function_or_method, which",
        ),
        ({"a": Opaque("containers.Map")}, "a is an object of MATLAB's class containers.Map, which cannot be saved"),
        ({"a": np.array(["2020-01-01"], "M8[D]")}, r"a is an array of datetime64\[D\], which MATLAB does not have"),
        ([1], "the variables of a file are a dict, not list"),
        ({"1a": 1}, "'1a' is no name for a variable"),
        ({"a" * 64: 1}, "is no name for a variable"),
        ({"_a": 1}, "is no name for a variable"),
        ({"a": {"b" * 64: 1}}, "a has the field 'bbb"),
        ({"a": {3: 1}}, "a has the field 3"),
        ({"a": 10**400}, "a is an integer beyond"),
        ({"a": CharMatrix(["ab", "c"])}, r"a: the rows of a character matrix have \[1, 2\] letters"),
        ({"a": StructArray([1])}, r"a\[0\] is int, but an element of a struct array is a dict"),  # type: ignore[list-item]
    ],
)
def test_what_cannot_be_saved(tmp_path: Path, variables: dict[str, Any], sentence: str) -> None:
    with pytest.raises(MatFileError, match=sentence):
        vlnn.savemat(tmp_path / "x.mat", variables)
    assert not list(tmp_path.iterdir())


def test_a_list_in_itself_cannot_be_saved(tmp_path: Path) -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(MatFileError, match="or in itself"):
        vlnn.savemat(tmp_path / "x.mat", {"loop": loop})


def test_a_format_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(MatFileError, match=r"no format '6'; there are '5' and '7\.3'"):
        vlnn.savemat(tmp_path / "x.mat", {}, "6")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "it is no MAT-file"),
        (b"\x89PNG\r\n\x1a\n" + bytes(200), "it is no MAT-file: it begins with"),
        (HEADER[:124] + b"\0\7IM" + bytes(8), "it is of version 7, which is unknown"),
        (HEADER[:124] + b"\0\2IM" + bytes(600), "its HDF5 part is missing"),
    ],
)
def test_what_is_no_mat_file(tmp_path: Path, content: bytes, sentence: str) -> None:
    (tmp_path / "x.mat").write_bytes(content)
    with pytest.raises(MatFileError, match=sentence) as caught:
        vlnn.loadmat(tmp_path / "x.mat")
    assert isinstance(caught.value, ValueError)
    assert str(tmp_path / "x.mat") in str(caught.value)


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        vlnn.loadmat(tmp_path / "x.mat")
    with pytest.raises(FileNotFoundError):
        vlnn.savemat(tmp_path / "folder" / "x.mat", {})


def test_a_file_without_variables(tmp_path: Path) -> None:
    for way in WAYS:
        vlnn.savemat(tmp_path / "x.mat", {}, **way)
        assert vlnn.loadmat(tmp_path / "x.mat") == {}


# Whole or not at all


@every_way
@pytest.mark.parametrize("bad", [{"x": 1, "y": len}, {"x": 1, "y": [object()]}])
def test_an_old_file_stays_when_the_new_one_cannot_be_completed(tmp_path: Path, way: dict[str, Any], bad: Any) -> None:
    vlnn.savemat(tmp_path / "x.mat", {"old": 1}, **way)
    before = (tmp_path / "x.mat").read_bytes()
    with pytest.raises(MatFileError):
        vlnn.savemat(tmp_path / "x.mat", bad, **way)
    assert (tmp_path / "x.mat").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["x.mat"]


@every_way
def test_a_full_disk_leaves_the_old_file(tmp_path: Path, way: dict[str, Any]) -> None:
    resource = pytest.importorskip("resource")
    vlnn.savemat(tmp_path / "x.mat", {"old": 1}, **way)
    before = (tmp_path / "x.mat").read_bytes()
    program = (
        "import resource, signal, sys, numpy, vlnn\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, {resource.RLIM_INFINITY}))\n"
        "values = numpy.random.default_rng(0).standard_normal((300, 300))\n"
        "try:\n"
        f"    vlnn.savemat(sys.argv[1], dict(a=1, b=values), **{way!r})\n"
        "except OSError:\n"
        "    print('no room')\n"
    )
    process = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "x.mat")], capture_output=True, text=True, timeout=60
    )
    assert (process.stdout.strip(), process.stderr, process.returncode) == ("no room", "", 0)
    assert (tmp_path / "x.mat").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["x.mat"]


@pytest.mark.skipif(os.name == "nt", reason="permissions and links are those of POSIX")
def test_permissions_and_links_stay(tmp_path: Path) -> None:
    target, link = tmp_path / "x.mat", tmp_path / "link.mat"
    vlnn.savemat(target, {"a": 1})
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(target.stat().st_mode) == 0o666 & ~mask
    target.chmod(0o640)
    link.symlink_to(target)
    vlnn.savemat(link, {"a": 2})
    assert link.is_symlink()
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert vlnn.loadmat(target).a.item() == 2


def test_saving_changes_nothing(tmp_path: Path) -> None:
    value = {"a": [np.arange(3), None], "b": StructArray([Struct(c=1)])}
    before = repr(value)
    for way in WAYS:
        vlnn.savemat(tmp_path / "x.mat", value, **way)
    assert repr(value) == before
