"""Damaged and hostile files: an answer or one clear exception, at once and in little memory, never a crash."""

from __future__ import annotations

import contextlib
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import scipy.io
from scipy.sparse import csc_array

import vlnn
from tests.matlab.matfiles import (
    CELL,
    CHAR,
    DOUBLE,
    HEADER,
    NOTHING,
    SHARED,
    SPARSE,
    STRUCT,
    compressed,
    doubles,
    element,
    fields,
    matrix,
    zeros_compressed,
)
from vlnn.matlab import Cell, CharMatrix, MatFileError, Struct, StructArray

ROOT = Path(__file__).parents[2]
pytest.importorskip("resource", reason="memory is limited by POSIX's means")

VALUES = {
    "numbers": np.arange(60.0).reshape(3, 4, 5),
    "complex": np.array([[1 + 2j]], np.complex64),
    "empty": np.zeros((0, 3), np.int8),
    "logical": np.array([[True, False]]),
    "texts": ["", "héllo", CharMatrix(["ab", "cd"])],
    "sparse": csc_array(np.eye(4)),
    "net": {"layers": [{"type": "conv", "weights": [np.ones((3, 3, 2, 2), np.float32), []]}, {"type": "relu"}]},
    "array": StructArray([Struct(name="a", value=1), Struct(name="b", value=None)]),
    "column": Cell([1, 2], (2, 1)),
    "none": {},
}


def new_groups(path: Path) -> None:
    """A file with links in heaps, as h5py writes them unless it is told to use the older format."""
    with h5py.File(path, "w", userblock_size=512, libver="v108") as file:
        for number in range(60):
            file.create_dataset(f"net/field{number}", data=np.full((2, 2), float(number)))
        filters = {"compression": "gzip", "shuffle": True, "fletcher32": True}
        file.create_dataset("chunks", data=np.arange(900.0).reshape(30, 30), chunks=(7, 8), **filters)


WRITERS: dict[str, Callable[[Path], None]] = {
    "v4": lambda path: scipy.io.savemat(
        path, {"a": np.arange(6.0), "t": "text", "s": csc_array(np.eye(3)), "c": np.ones((2, 2)) * 1j}, format="4"
    ),
    "v5": lambda path: vlnn.savemat(path, VALUES),
    "v7": lambda path: vlnn.savemat(path, {"all": VALUES}, compress=True),
    "v7.3": lambda path: vlnn.savemat(path, VALUES, "7.3"),
    "v7.3 compressed": lambda path: vlnn.savemat(path, VALUES | {"many": np.eye(300)}, "7.3", compress=True),
    "v7.3 with heaps": new_groups,
}


def damage(path: Path, number: int, seed: int = 0) -> None:
    command = [sys.executable, "-m", "tests.matlab.damage", str(path), str(number), str(seed)]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert process.returncode == 0, process.stderr[-800:]
    answers, errors, seconds, memory = process.stdout.split()
    assert int(answers) + int(errors) == number
    assert float(seconds) < 10
    assert int(memory) < 1024


@pytest.mark.parametrize("kind", WRITERS)
def test_damaged_files(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x.mat"
    WRITERS[kind](path)
    damage(path, 400)


@pytest.mark.skipif(not SHARED.is_dir(), reason="networks that others published are in ../shared, which is absent")
@pytest.mark.parametrize("name", ["DCFNet.mat", "DCNT_toplevel_dagnn.mat", "DnCNN_sigma25_bnorm.mat"])
def test_damaged_networks(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes((SHARED / "networks" / name).read_bytes())
    damage(tmp_path / name, 60)


@pytest.mark.parametrize("kind", WRITERS)
def test_every_truncation(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x.mat"
    WRITERS[kind](path)
    content = path.read_bytes()
    whole = len(vlnn.loadmat(path))
    for end in range(0, len(content), max(1, len(content) // 150)):
        path.write_bytes(content[:end])
        with contextlib.suppress(MatFileError):
            assert len(vlnn.loadmat(path)) <= whole


# Files made to do harm, of level 5


def nested(depth: int) -> bytes:
    inside = doubles([1], (1, 1))
    for level in range(depth):
        inside = matrix(CELL, (1, 1), inside, b"x" if level == depth - 1 else b"")
    return inside


SCALAR = doubles([1], (1, 1))
SIZE_OF_NOTHING = element(5, struct.pack("<i", 0))
HOSTILE = {
    "deep": (nested(5000), "more than 64 deep"),
    "deep, compressed": (compressed(nested(5000)), "more than 64 deep"),
    "numbers that are not there": (
        matrix(DOUBLE, (1 << 20, 1 << 20), element(9, bytes(8)), b"x"),
        "has 8 bytes of class",
    ),
    "a size beyond 64 bits": (matrix(DOUBLE, (2**31 - 1,) * 3, b"", b"x"), "has the size 2147483647x2147483647"),
    "an empty size beyond 64 bits": (matrix(DOUBLE, (0, *(2**31 - 1,) * 3), b"", b"x"), "has the size 0x2147483647"),
    "a negative size": (matrix(DOUBLE, (-1, 1), element(9, b""), b"x"), "has the size -1x1"),
    "too many dimensions": (matrix(DOUBLE, (1,) * 40, element(9, bytes(8)), b"x"), "40 dimensions"),
    "2 GB of zeros": (zeros_compressed(2047 << 20, 9, DOUBLE, 8), "take more than"),
    "bytes for doubles": (zeros_compressed(200 << 20, 2, DOUBLE, 1), "take more than"),
    "text of 400 MB": (zeros_compressed(400 << 20, 2, CHAR, 1), "take more than"),
    "ten million cells": (compressed(matrix(CELL, (1, 10**7), NOTHING * 10**7, b"x")), "more elements of cells"),
    "a million scalars": (compressed(matrix(CELL, (1, 10**6), SCALAR * 10**6, b"x")), "more elements of cells"),
    "structs of nothing": (matrix(STRUCT, (1, 10**9), fields([]), b"x"), "more elements of cells"),
    "lines of nothing": (matrix(CHAR, (10**9, 0), element(4, b""), b"x"), "more elements of cells"),
    "cells that are not there": (matrix(CELL, (1, 10**9), SCALAR, b"x"), "1000000000 elements have 64 bytes"),
    "a wide sparse matrix": (
        matrix(SPARSE, (1, 2**31 - 1), element(5, b"") + SIZE_OF_NOTHING + element(9, b""), b"x"),
        "the columns of a sparse matrix",
    ),
    "columns beyond their values": (
        matrix(
            SPARSE, (1, 1), element(5, bytes(4)) + element(5, struct.pack("<ii", 0, 9)) + element(9, bytes(8)), b"x"
        ),
        "the columns of a sparse matrix",
    ),
    "rows beyond a sparse matrix": (
        matrix(
            SPARSE, (1, 1), element(5, b"\t\0\0\0") + element(5, struct.pack("<ii", 0, 1)) + element(9, bytes(8)), b"x"
        ),
        "has values outside it",
    ),
    "much behind the value": (
        compressed(struct.pack("<II", 14, 1 << 30) + doubles([1], (1, 1), b"x")[8:] + bytes(1 << 29)),
        "take more than",
    ),
    "an unknown class": (matrix(77, (1, 1), b"", b"x"), "the array class 77 is unknown"),
    "an unknown type": (matrix(DOUBLE, (1, 1), element(77, bytes(8)), b"x"), "numbers have the data type 77"),
    "an unknown variable": (element(77, bytes(8)), "a variable begins with the data type 77"),
    "a length beyond the file": (struct.pack("<II", 14, 4096) + bytes(64), "a variable of 4096 bytes has 64"),
    "a length beyond the parent": (
        matrix(CELL, (1, 1), struct.pack("<II", 14, 4096) + bytes(64), b"x") + bytes(8192),
        "an array of 4096 bytes has 64",
    ),
    "field names of no length": (
        matrix(STRUCT, (1, 1), fields(["a"], 0)[:8] + element(1, b"abc"), b"x"),
        "0 bytes each",
    ),
    "a field twice": (matrix(STRUCT, (1, 1), fields(["a", "a"]) + SCALAR * 2, b"x"), "two fields of the same name"),
    "more behind the end": (compressed(doubles([1], (1, 1), b"x") + bytes(64)), "go on behind their end"),
    "no end": (compressed(doubles([1], (1, 1), b"x"))[:-6] + bytes(6), "are damaged|end too early"),
}


@pytest.mark.parametrize(("variable", "sentence"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_files(tmp_path: Path, variable: bytes, sentence: str) -> None:
    loaded_in_a_process(tmp_path / "x.mat", HEADER + variable, sentence)


def loaded_in_a_process(path: Path, content: bytes | None, sentence: str) -> None:
    """Load a file where time and memory are limited; `sentence` is what the exception says, or the answer."""
    if content is not None:
        path.write_bytes(content)
    program = (
        "import resource, signal, sys, vlnn\n"
        "from tests.memory import peak_kilobytes\n"
        "resource.setrlimit(resource.RLIMIT_AS, (3 << 29, 3 << 29))\n"
        "signal.alarm(10)\n"
        "try:\n"
        "    print('answer', *vlnn.loadmat(sys.argv[1]))\n"
        "except vlnn.matlab.MatFileError as error:\n"
        "    print(error)\n"
        "print(peak_kilobytes() // 1024)\n"
    )
    command = [sys.executable, "-c", program, str(path)]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert process.returncode == 0, process.stderr[-2000:]
    said, memory = process.stdout.strip().splitlines()
    assert any(part in said for part in sentence.split("|")), said
    assert int(memory) < 1024


def test_zeros_are_no_variables_of_level_4(tmp_path: Path) -> None:
    loaded_in_a_process(tmp_path / "x.mat", bytes(50 << 20), "a name of 0 letters")


def test_memory_may_be_given(tmp_path: Path) -> None:
    path = tmp_path / "x.mat"
    path.write_bytes(HEADER + zeros_compressed(1 << 20, 9, DOUBLE, 8))
    assert vlnn.loadmat(path).x.size == 1 << 17
    with pytest.raises(MatFileError, match=r"take more than 1 MB, .*loadmat\(path, memory=\.\.\.\) allows them"):
        vlnn.loadmat(path, memory=1 << 20)


# Files made to do harm, of version 7.3


def described(stored: Any, class_name: str) -> Any:
    stored.attrs["MATLAB_class"] = np.bytes_(class_name)
    return stored


def cell_in_itself(file: Any) -> None:
    cell = described(file.create_dataset("x", (1, 2), dtype=h5py.ref_dtype), "cell")
    cell[...] = cell.ref


def struct_in_itself(file: Any) -> None:
    group = described(file.create_group("x"), "struct")
    group["self"] = group


def cells_on_cells(file: Any, levels: int, each: int) -> None:
    inside = described(file.create_dataset("#refs#/0", data=np.ones((1, 1))), "double")
    for level in range(1, levels):
        cell = described(file.create_dataset(f"#refs#/{level}", (1, each), dtype=h5py.ref_dtype), "cell")
        cell[...] = inside.ref
        inside = cell
    file["x"] = inside


def many_references(file: Any) -> None:
    one = described(file.create_dataset("#refs#/0", data=np.ones((1, 1))), "double")
    chunks = {"chunks": (1, 10**5), "compression": "gzip"}
    cell = described(file.create_dataset("x", (1, 2 * 10**6), dtype=h5py.ref_dtype, **chunks), "cell")
    row = np.full((1, 10**5), one.ref, h5py.ref_dtype)
    for at in range(0, cell.shape[1], 10**5):
        cell[:, at : at + 10**5] = row


def zeros_of_1_gb(file: Any) -> None:
    stored = described(file.create_dataset("x", (1000, 10**6), "u1", chunks=(1, 10**6), compression="gzip"), "double")
    for row in range(1000):
        stored[row] = 0


def chunk_of_70_mb(file: Any) -> None:
    grown = {"maxshape": (None, None), "chunks": (3000, 3000), "compression": "gzip"}
    described(file.create_dataset("x", (10, 1), "f8", **grown), "double")[0, 0] = 1


def empty_of_many(file: Any) -> None:
    stored = described(file.create_dataset("x", data=np.array([10**5, 10**5], np.uint64)), "struct")
    stored.attrs["MATLAB_empty"] = np.uint8(1)


HOSTILE_HDF5: dict[str, tuple[Callable[[Any], None], str]] = {
    "a cell in itself": (cell_in_itself, "contains itself"),
    "a struct in itself": (struct_in_itself, "contains itself"),
    "a billion laughs": (lambda file: cells_on_cells(file, 60, 10), "answer x"),
    "deep": (lambda file: cells_on_cells(file, 500, 1), "more than 64 deep"),
    "many references": (many_references, "more elements of cells"),
    "8 TB that nobody wrote": (lambda file: file.create_dataset("x", (10**6, 10**6), "f8"), "take more than"),
    "8 TB in chunks": (lambda file: file.create_dataset("x", (10**6, 10**6), "f8", chunks=(99, 99)), "take more than"),
    "1 GB of zeros": (zeros_of_1_gb, "take more than"),
    "a chunk of 70 MB": (chunk_of_70_mb, "has chunks of size 3000x3000"),
    "structs of nothing": (empty_of_many, "more elements of cells"),
}


@pytest.mark.parametrize("libver", ["earliest", "v108"])
@pytest.mark.parametrize(("fill", "sentence"), HOSTILE_HDF5.values(), ids=HOSTILE_HDF5)
def test_hostile_hdf5_files(tmp_path: Path, fill: Callable[[Any], None], sentence: str, libver: str) -> None:
    path = tmp_path / "x.mat"
    with h5py.File(path, "w", userblock_size=512, libver=(libver, "v110")) as file:
        fill(file)
    loaded_in_a_process(path, None, sentence)
