"""Older MAT-files made by hand: levels 4 and 5."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from scipy.sparse import csc_array

import vlnn
from tests.matlab.matfiles import (
    CELL,
    CHAR,
    DOUBLE,
    FUNCTION,
    HEADER,
    NOTHING,
    OBJECT,
    SPARSE,
    STRUCT,
    UINT8,
    array,
    compressed,
    doubles,
    element,
    fields,
    matrix,
    same,
)
from vlnn.matlab import Cell, Opaque, Struct, StructArray

# Level 4


def test_level_4(tmp_path: Path) -> None:
    sparse = csc_array([[0, 1.5, 0], [2, 0, 0]])
    wanted = {"a": np.arange(6.0).reshape(2, 3), "c": np.array([[1 + 2j, 3]]), "s": sparse, "e": np.zeros((0, 2))}
    scipy.io.savemat(tmp_path / "x.mat", wanted | {"t": "abc"}, format="4")
    read = vlnn.loadmat(tmp_path / "x.mat")
    same(read.a, np.asfortranarray(wanted["a"]))
    same(read.c, wanted["c"])
    same(read.s, sparse)
    same(read.e, wanted["e"])
    same(read.t, "abc")


@pytest.mark.parametrize(("order", "machine"), [("<", 0), (">", 1)])
@pytest.mark.parametrize(("code", "stored"), list(enumerate(["f8", "f4", "i4", "i2", "u2", "u1"])))
def test_level_4_of_every_machine(tmp_path: Path, order: str, machine: int, code: int, stored: str) -> None:
    head = struct.pack(order + "5i", 1000 * machine + 10 * code, 2, 2, 0, 2)
    (tmp_path / "x.mat").write_bytes(head + b"x\0" + np.array([1, 2, 3, 4], order + stored).tobytes())
    same(vlnn.loadmat(tmp_path / "x.mat").x, array([[1, 3], [2, 4]]))


# Level 5, made by hand


def read_by_hand(path: Path, *variables: bytes) -> Struct:
    path.write_bytes(HEADER + b"".join(variables))
    read = vlnn.loadmat(path)
    path.write_bytes(HEADER + b"".join(compressed(variable) for variable in variables))
    same(vlnn.loadmat(path), read)
    return read


@pytest.mark.parametrize(
    ("kind", "stored"), [(1, "i1"), (2, "u1"), (3, "i2"), (4, "u2"), (5, "i4"), (7, "f4"), (12, "i8")]
)
def test_numbers_have_matlabs_class_however_they_are_stored(tmp_path: Path, kind: int, stored: str) -> None:
    content = element(kind, np.array([1, 2, 3, 4, 5, 6], "<" + stored).tobytes())
    read = read_by_hand(tmp_path / "x.mat", matrix(DOUBLE, (2, 3), content, b"x"))
    same(read.x, array([[1, 3, 5], [2, 4, 6]]))


def test_many_numbers_stored_as_bytes(tmp_path: Path) -> None:
    stored = np.random.default_rng(0).integers(0, 255, 900_001, np.uint8)
    read = read_by_hand(tmp_path / "x.mat", matrix(DOUBLE, (1, stored.size), element(2, stored.tobytes()), b"x"))
    same(read.x, array([stored]))


def test_logical_of_one_byte(tmp_path: Path) -> None:
    read = read_by_hand(tmp_path / "x.mat", matrix(UINT8, (1, 3), element(2, b"\0\1\2"), b"x", flags=0x200))
    same(read.x, array([[False, True, True]], bool))


@pytest.mark.parametrize("order", ["<", ">"])
def test_both_byte_orders(tmp_path: Path, order: str) -> None:
    inside = matrix(DOUBLE, (1, 2), element(9, np.array([1.5, 2], order + "f8").tobytes(), order), order=order)
    text = matrix(
        CHAR, (1, 2), element(4, "hi".encode("utf-16-be" if order == ">" else "utf-16-le"), order), order=order
    )
    large = np.arange(50_000, dtype=order + "f8")
    many = matrix(DOUBLE, (1, large.size), element(9, large.tobytes(), order), b"many", order=order)
    cell = matrix(CELL, (1, 2), inside + text, b"x", order=order)
    (tmp_path / "x.mat").write_bytes(HEADER[:124] + (b"\1\0MI" if order == ">" else b"\0\1IM") + cell + many)
    read = vlnn.loadmat(tmp_path / "x.mat")
    same(read.x, Cell([array([[1.5, 2]]), "hi"]))
    same(read.many, array([large], np.float64))


def test_small_elements_stand_in_their_tags(tmp_path: Path) -> None:
    name = struct.pack("<HH4s", 1, 1, b"x")
    number = struct.pack("<HH4s", 2, 1, b"\7")
    body = struct.pack("<IIII", 6, 8, DOUBLE, 0) + element(5, struct.pack("<ii", 1, 1)) + name + number
    read = read_by_hand(tmp_path / "x.mat", struct.pack("<II", 14, len(body)) + body)
    same(read.x, array([[7]]))


def test_cells_that_were_never_assigned(tmp_path: Path) -> None:
    read = read_by_hand(tmp_path / "x.mat", matrix(CELL, (1, 2), NOTHING + doubles([1], (1, 1)), b"x"))
    same(read.x, Cell([np.zeros((0, 0)), array([[1]])]))


@pytest.mark.parametrize(
    ("kind", "stored", "want"),
    [
        (1, b"ab", "ab"),
        (2, b"ab", "ab"),
        (4, "aé".encode("utf-16-le"), "aé"),
        (16, "aé".encode(), "aé"),
        (16, b"a\xe9", "aé"),
        (17, "aé".encode("utf-16-le"), "aé"),
        (18, "aé".encode("utf-32-le"), "aé"),
    ],
)
def test_text_in_every_encoding(tmp_path: Path, kind: int, stored: bytes, want: str) -> None:
    same(read_by_hand(tmp_path / "x.mat", matrix(CHAR, (1, 2), element(kind, stored), b"x")).x, want)


def test_octave_counts_the_bytes_of_its_text(tmp_path: Path) -> None:
    same(read_by_hand(tmp_path / "x.mat", matrix(CHAR, (1, 3), element(16, "aé".encode()), b"x")).x, "aé")


def test_structs_without_fields(tmp_path: Path) -> None:
    read = read_by_hand(
        tmp_path / "x.mat", matrix(STRUCT, (1, 1), fields([]), b"x"), matrix(STRUCT, (0, 0), fields([]), b"y")
    )
    same(read, Struct(x=Struct(), y=StructArray()))


def test_complex_numbers_of_integer_class_become_double(tmp_path: Path) -> None:
    content = element(2, b"\1\2") + element(2, b"\3\4")
    same(
        read_by_hand(tmp_path / "x.mat", matrix(UINT8, (1, 2), content, b"x", 0x800)).x,
        array([[1 + 3j, 2 + 4j]], complex),
    )


def test_sparse_logical(tmp_path: Path) -> None:
    content = element(5, struct.pack("<ii", 1, 0)) + element(5, struct.pack("<iii", 0, 1, 2)) + element(2, b"\1\1")
    read = read_by_hand(tmp_path / "x.mat", matrix(SPARSE, (2, 2), content, b"x", 0x200))
    same(read.x, csc_array([[False, True], [True, False]]))


def test_objects_and_handles_are_placeholders(tmp_path: Path) -> None:
    value = doubles([3], (1, 1))
    old = matrix(OBJECT, (1, 1), element(1, b"inline") + fields(["expr"]) + value, b"old")
    handle = matrix(FUNCTION, (1, 1), matrix(STRUCT, (1, 1), fields(["function"]) + value), b"handle")
    (tmp_path / "x.mat").write_bytes(HEADER + old + handle)
    read = vlnn.loadmat(tmp_path / "x.mat")
    assert isinstance(read.old, Opaque)
    assert isinstance(read.handle, Opaque)
    assert (read.old.class_name, read.handle.class_name) == ("inline", "function_handle")
    same(read.old.fields, Struct(expr=array([[3]])))
    same(read.handle.fields.value.function, array([[3]]))
