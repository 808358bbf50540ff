"""Octave reads what is written, and what Octave writes is read."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csc_array

import vlnn
from tests.matlab.matfiles import SHARED, same
from vlnn.matlab import Cell, CharMatrix, Struct, StructArray

pytestmark = pytest.mark.skipif(shutil.which("octave") is None, reason="GNU Octave is not installed")

# The same values twice: as Octave writes them down, and as loadmat gives them.
VALUES: dict[str, tuple[str, Any]] = {
    "numbers": ("reshape(1:24, [2 3 4])", np.arange(1.0, 25).reshape((2, 3, 4), order="F")),
    "one": ("3", np.array([[3.0]])),
    "single_": ("single([1.5 -2])", np.array([[1.5, -2]], np.float32)),
    "bytes_": ("uint8([1 2; 3 255])", np.array([[1, 2], [3, 255]], np.uint8)),
    "longs": ("int64([-5 7])", np.array([[-5, 7]], np.int64)),
    "logical_": ("[true false]", np.array([[True, False]])),
    "truth": ("true", np.array([[True]])),
    "complex_": ("[1+2i 3]", np.array([[1 + 2j, 3]])),
    "special": ("[NaN Inf -Inf]", np.array([[np.nan, np.inf, -np.inf]])),
    "nothing": ("[]", np.zeros((0, 0))),
    "flat": ("zeros(0, 3)", np.zeros((0, 3))),
    "text": ("'conv'", "conv"),
    "empty_text": ("''", ""),
    "lines": ("['abc'; 'def']", CharMatrix(["abc", "def"], (2, 3))),
    "row": ("{1, 'a', []}", Cell([np.array([[1.0]]), "a", np.zeros((0, 0))])),
    "column": ("{'a'; 'b'}", Cell(["a", "b"], (2, 1))),
    "in_a_cell": ("{{}}", Cell([Cell([], (0, 0))])),
    "no_cells": ("cell(0, 2)", Cell([], (0, 2))),
    "struct_": ("struct('a', 1, 'b', 'c')", Struct(a=np.array([[1.0]]), b="c")),
    "fieldless": ("struct()", Struct()),
    "array": ("struct('a', {'x', 'y'})", StructArray([Struct(a="x"), Struct(a="y")])),
    "no_structs": ("struct('a', {})", StructArray([], (0, 0), ["a"])),
    "sparse_": ("sparse([0 2.5; 1 0])", csc_array([[0, 2.5], [1, 0]])),
    "long_name_" + "n" * 50: ("struct('" + "f" * 63 + "', 1)", Struct({"f" * 63: np.array([[1.0]])})),
}
# Of HDF5 Octave reads no references, of which cells and struct arrays consist; text comes as numbers, single as double.
IN_HDF5 = ("numbers", "one", "single_", "bytes_", "longs", "complex_", "special")


def octave(program: str, folder: Path) -> str:
    command = ["octave", "--no-gui", "--quiet", "--no-init-file", "--eval", program]
    process = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    assert process.returncode == 0, process.stderr
    return process.stdout


def cells_of(values: dict[str, tuple[str, Any]]) -> dict[str, Any]:
    cells = np.empty((2, 2), object)
    cells[:] = [["a", np.array([[2.0]])], [np.zeros((0, 0)), Cell(["b"])]]
    return {name: value for name, (_, value) in values.items()} | {"matrix_of_cells": cells}


@pytest.mark.parametrize("way", [{}, {"compress": True}, {"format": "7.3"}], ids=["v5", "v7", "v7.3"])
def test_octave_reads_what_is_written(tmp_path: Path, way: dict[str, Any]) -> None:
    vlnn.savemat(tmp_path / "x.mat", cells_of(VALUES), **way)
    values = {name: wanted for name, (wanted, _) in VALUES.items()} | {"matrix_of_cells": "{'a', 2; [], {'b'}}"}
    checked, its_class = (IN_HDF5, "class(a)") if way.get("format") == "7.3" else (tuple(values), "class(b)")
    checks = [
        f"a = s.{name}; b = {values[name]}; "
        f"assert (isequaln(a, b) && strcmp(class(a), {its_class}) && isequal(size(a), size(b)), '{name}')\n"
        for name in checked
    ]
    program = "warning off; s = load('x.mat');\n" + "".join(checks) + "printf('%d checked', " + str(len(checks)) + ");"
    assert octave(program, tmp_path) == f"{len(checked)} checked"


def test_what_octave_writes_is_read(tmp_path: Path) -> None:
    wanted = cells_of(VALUES)
    assignments = "".join(f"{name} = {text};\n" for name, (text, _) in VALUES.items())
    assignments += "matrix_of_cells = {'a', 2; [], {'b'}};\n"
    octave(assignments + "save -v7 v7.mat\nsave -v6 v6.mat\n", tmp_path)
    for name in ("v7.mat", "v6.mat"):
        read = vlnn.loadmat(tmp_path / name)
        assert read.keys() == wanted.keys()
        for variable, value in wanted.items():
            same(read[variable], value, f"{name}: {variable}")


def test_level_4_from_octave(tmp_path: Path) -> None:
    names = ("one", "special", "complex_", "flat", "text", "lines", "sparse_")
    assignments = "".join(f"{name} = {VALUES[name][0]};\n" for name in names)
    octave(assignments + "save -v4 v4.mat\n", tmp_path)
    read = vlnn.loadmat(tmp_path / "v4.mat")
    for name in names:
        same(read[name], VALUES[name][1], name)


@pytest.mark.skipif(not SHARED.is_dir(), reason="files of others are in ../shared, which is absent")
def test_octave_finds_no_difference_in_files_that_are_saved_again(tmp_path: Path) -> None:
    program, number = "warning off;\n", 0
    for path in sorted(SHARED.glob("*/*.mat")):
        if path.read_bytes().startswith(b"MATLAB 7.3"):
            continue
        vlnn.savemat(tmp_path / f"{number}.mat", vlnn.loadmat(path))
        program += f"assert (isequaln(load('{path}'), load('{number}.mat')), '{path.name}')\n"
        number += 1
    assert number > 0
    octave(program, tmp_path)
