"""MAT-files of version 7.3 made by h5py."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import vlnn
from tests.matlab.matfiles import array, same
from vlnn.matlab import Cell, MatFileError, Struct, StructArray

# Version 7.3, made by h5py


def write_hdf5(path: Path, fill: Callable[[Any], None], **options: Any) -> Struct:
    with h5py.File(path, "w", userblock_size=512, **options) as file:
        fill(file)
    return vlnn.loadmat(path)


@pytest.mark.parametrize("libver", ["earliest", "v108"])
@pytest.mark.parametrize("members", [0, 1, 8, 9, 200, 1500])
def test_groups_of_every_size(tmp_path: Path, libver: str, members: int) -> None:
    def fill(file: Any) -> None:
        group = file.create_group("x")
        group.attrs["MATLAB_class"] = np.bytes_("struct")
        for number in range(members):
            group.create_dataset(f"f{number}", data=np.full((1, 1), float(number)))

    read = write_hdf5(tmp_path / "x.mat", fill, libver=(libver, "latest"))
    assert {name: field.item() for name, field in read.x.items()} == {f"f{n}": float(n) for n in range(members)}


@pytest.mark.parametrize(
    "options", [{}, {"shuffle": True}, {"fletcher32": True}, {"shuffle": True, "fletcher32": True}]
)
@pytest.mark.parametrize("gzip", [None, 3])
def test_chunks_and_filters(tmp_path: Path, options: dict[str, bool], gzip: int | None) -> None:
    numbers = np.random.default_rng(0).standard_normal((30, 41, 3))

    def fill(file: Any) -> None:
        compression = {"compression": "gzip", "compression_opts": gzip} if gzip else {}
        file.create_dataset("x", data=numbers, chunks=(7, 8, 2), **compression, **options)
        file.create_dataset("partly", (30, 4), chunks=(10, 4), dtype="f4")[:5] = 1

    read = write_hdf5(tmp_path / "x.mat", fill)
    same(read.x, numbers.T)
    assert (read.partly[:, :5] == 1).all()
    assert read.partly.sum() == 20


def test_canonical_empties_and_struct_arrays_of_hdf5(tmp_path: Path) -> None:
    def fill(file: Any) -> None:
        references = file.create_group("#refs#")
        empty = references.create_dataset("a", data=np.zeros(2, "u8"))
        empty.attrs["MATLAB_class"] = np.bytes_("canonical empty")
        empty.attrs["MATLAB_empty"] = np.uint8(1)
        text = references.create_dataset("b", data=np.array([[104], [105]], "u2"))
        text.attrs["MATLAB_class"] = np.bytes_("char")
        both = np.array([[empty.ref], [text.ref]], h5py.ref_dtype)
        cell = file.create_dataset("cell", data=both, dtype=h5py.ref_dtype)
        cell.attrs["MATLAB_class"] = np.bytes_("cell")
        group = file.create_group("array")
        group.attrs["MATLAB_class"] = np.bytes_("struct")
        group.create_dataset("field", data=both, dtype=h5py.ref_dtype)
        single = file.create_dataset("fieldless", data=np.array([1, 1], "u8"))
        single.attrs["MATLAB_class"] = np.bytes_("struct")
        single.attrs["MATLAB_empty"] = np.uint8(1)

    read = write_hdf5(tmp_path / "x.mat", fill)
    same(read.cell, Cell([np.zeros((0, 0)), "hi"]))
    same(read.array, StructArray([Struct(field=np.zeros((0, 0))), Struct(field="hi")]))
    same(read.fieldless, Struct())


def test_arrays_without_a_matlab_class(tmp_path: Path) -> None:
    def fill(file: Any) -> None:
        file["vector"] = np.arange(3)
        file["scalar"] = 2.5
        file["text"] = np.bytes_("hello")
        file["complex"] = np.array([[1 + 2j]])
        file.create_group("group")["inside"] = np.float32(1)

    read = write_hdf5(tmp_path / "x.mat", fill)
    same(read.vector, array([[0], [1], [2]], np.int64))
    same(read.scalar, array([[2.5]]))
    same(read.text, "hello")
    assert read.group.inside.item() == 1


@pytest.mark.parametrize(
    ("fill", "sentence"),
    [
        (
            lambda file: file.create_dataset("x", data=np.zeros((99, 9)), chunks=(9, 9), compression="lzf"),
            "the filter 32000",
        ),
        (lambda file: file.create_dataset("x", data=np.array(["a"], h5py.string_dtype())), "which is not supported"),
        (lambda file: file.create_dataset("x", data=np.array([(1, 2)], "i4,i4")), "the members f0, f1"),
    ],
)
def test_what_matlab_does_not_write(tmp_path: Path, fill: Any, sentence: str) -> None:
    with pytest.raises(MatFileError, match=sentence):
        write_hdf5(tmp_path / "x.mat", fill)
