"""MAT-files: what is saved comes back, whatever the version, and SciPy reads the same."""

from __future__ import annotations

import os
import stat
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
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
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
    compressed,
    doubles,
    element,
    fields,
    matrix,
    same,
)
from vlnn.matlab import Cell, CharMatrix, MatFileError, Opaque, Struct, StructArray

WAYS: tuple[dict[str, Any], ...] = ({}, {"compress": True}, {"format": "7.3"}, {"format": "7.3", "compress": True})
every_way = pytest.mark.parametrize("way", WAYS, ids=["v5", "v7", "v7.3", "v7.3 compressed"])


def through(path: Path, value: Any, way: dict[str, Any]) -> Any:
    vlnn.savemat(path, {"x": value}, **way)
    return vlnn.loadmat(path).x


def array(values: Any, dtype: Any = np.float64) -> Any:
    return np.asfortranarray(np.array(values, dtype))


# What becomes of Python's values


@every_way
@pytest.mark.parametrize(
    ("value", "want"),
    [
        (3, array([[3]])),
        (2.5, array([[2.5]])),
        (1 + 2j, array([[1 + 2j]], np.complex128)),
        (True, array([[True]], bool)),
        (None, np.zeros((0, 0))),
        ("", ""),
        ("a", "a"),
        ("héllo 😀", "héllo 😀"),
        (np.float32(1), array([[1]], np.float32)),
        (np.int64(-5), array([[-5]], np.int64)),
        (np.bool_(False), array([[False]], bool)),
        (np.arange(3.0), array([[0, 1, 2]])),
        (np.array(7, np.uint8), array([[7]], np.uint8)),
        (np.array([[1, 2]], np.float16), array([[1, 2]], np.float32)),
        (np.array([[1, 2]], np.longdouble), array([[1, 2]])),
        (np.array([[1, 2]], np.clongdouble), array([[1, 2]], np.complex128)),
        (np.array([[1, 2]], ">f4"), array([[1, 2]], np.float32)),
        (np.zeros((0, 3), np.int8), np.zeros((0, 3), np.int8)),
        (np.zeros((3, 0), bool), np.zeros((3, 0), bool)),
        (np.zeros((2, 0), np.complex64), np.zeros((2, 0), np.float32)),
        (np.arange(24.0).reshape(2, 3, 4), array(np.arange(24.0).reshape(2, 3, 4))),
        (np.ones((3, 3, 2, 1), np.float32), array(np.ones((3, 3, 2, 1)), np.float32)),
        ([], Cell([], (0, 0))),
        ([1, "a"], Cell([array([[1]]), "a"])),
        (("conv",), Cell(["conv"])),
        (Cell([1, 2], (2, 1)), Cell([array([[1]]), array([[2]])], (2, 1))),
        (Cell([], (0, 3)), Cell([], (0, 3))),
        ([[], [None]], Cell([Cell([], (0, 0)), Cell([np.zeros((0, 0))])])),
        (np.array(["ab", "c"]), Cell(["ab", "c"])),
        (np.array([b"ab", b"c"]), Cell(["ab", "c"])),
        (CharMatrix(["abc", "def"]), CharMatrix(["abc", "def"], (2, 3))),
        (CharMatrix(["", ""]), CharMatrix(["", ""], (2, 0))),
        (CharMatrix([], (0, 5)), CharMatrix([], (0, 5))),
        (CharMatrix(["ab", "cd", "ef", "gh"], (2, 2, 2)), CharMatrix(["ab", "cd", "ef", "gh"], (2, 2, 2))),
        ({}, Struct()),
        ({"a": 1, "b": {"c": "d"}}, Struct(a=array([[1]]), b=Struct(c="d"))),
        (StructArray([Struct(a="x"), Struct(a="y")]), StructArray([Struct(a="x"), Struct(a="y")])),
        (StructArray([Struct(a="x")]), Struct(a="x")),
        (StructArray([Struct(a="x"), Struct(b="y")]), StructArray([Struct(a="x", b=None), Struct(a=None, b="y")])),
        (StructArray([], (1, 0), ["a", "b"]), StructArray([], (1, 0), ["a", "b"])),
        (StructArray(), StructArray()),
        (StructArray([Struct(), Struct()]), StructArray([Struct(), Struct()])),
        (StructArray([Struct(a="x")] * 4, (2, 2)), StructArray([Struct(a="x")] * 4, (2, 2))),
        ([Struct(a="x"), Struct(a="y")], Cell([Struct(a="x"), Struct(a="y")])),
        (np.array([(1.0, 2)], [("a", "f8"), ("b", "u1")])[0], Struct(a=array([[1]]), b=array([[2]], np.uint8))),
        (csc_array([[0, 2.5], [0, 0]]), csc_array([[0, 2.5], [0, 0]])),
        (csc_array([[0, 1j], [1, 0]]), csc_array([[0, 1j], [1, 0]])),
        (csc_array(np.eye(2, dtype=bool)), csc_array(np.eye(2, dtype=bool))),
        (csc_array((3, 2)), csc_array((3, 2))),
    ],
    ids=lambda value: type(value).__name__,
)
def test_python_values(tmp_path: Path, value: Any, want: Any, way: dict[str, Any]) -> None:
    if isinstance(want, StructArray):  # what an element lacks is []
        for one in want:
            one.update({name: np.zeros((0, 0)) for name, field in one.items() if field is None})
    same(through(tmp_path / "x.mat", value, way), want)


@every_way
def test_a_cell_matrix_keeps_its_shape(tmp_path: Path, way: dict[str, Any]) -> None:
    cells = np.empty((2, 3), object)
    for at in np.ndindex(2, 3):
        cells[at] = f"{at}"
    cells[1, 1] = np.ones((2, 2))
    cells[0, 2] = Cell(["a", Struct(b="c")])
    same(through(tmp_path / "x.mat", cells, way), cells)


@every_way
def test_order_of_elements_does_not_matter(tmp_path: Path, way: dict[str, Any]) -> None:
    numbers = np.random.default_rng(0).standard_normal((70, 50, 40)).astype(np.float32)
    for given_array in (
        numbers,
        np.asfortranarray(numbers),
        numbers[::-1],
        numbers.transpose(1, 2, 0),
        numbers[:, ::2],
    ):
        same(through(tmp_path / "x.mat", given_array, way), np.asfortranarray(given_array))


@every_way
def test_long_names(tmp_path: Path, way: dict[str, Any]) -> None:
    name = "a" * 63
    vlnn.savemat(tmp_path / "x.mat", {name: {name: {"b" * 31: 1, "c" * 32: 2}}}, **way)
    inside = vlnn.loadmat(tmp_path / "x.mat")[name][name]
    assert list(inside) == ["b" * 31, "c" * 32]


# Round trips

NUMBERS = [np.float64, np.float32, np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64]
names = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,40}", fullmatch=True)
shapes = arrays.array_shapes(min_dims=2, max_dims=4, min_side=0, max_side=3)
filled = arrays.array_shapes(min_dims=2, max_dims=3, max_side=3)  # an empty complex array becomes real
real = arrays.arrays(st.sampled_from([*NUMBERS, np.bool_]), shapes)
numeric = (real | arrays.arrays(st.sampled_from([np.complex64, np.complex128]), filled)).map(np.asfortranarray)
letters = st.text(st.characters(exclude_categories=()), max_size=5)
leaves = numeric | letters


def several(values: Any) -> Any:
    columns = st.lists(values, max_size=3).map(lambda found: Cell(found, (len(found), 1)))
    rows = st.lists(values, min_size=1, max_size=3).map(Cell)
    structs = st.dictionaries(names, values, max_size=3).map(Struct)
    fields_of_arrays = st.lists(names, unique=True, min_size=1, max_size=2)
    arrays_of_structs = fields_of_arrays.flatmap(
        lambda found: st.lists(st.tuples(*[values] * len(found)), min_size=2, max_size=3).map(
            lambda rows: StructArray([Struct(zip(found, row, strict=True)) for row in rows])
        )
    )
    return columns | rows | structs | arrays_of_structs


values_of_matlab = st.recursive(leaves, several, max_leaves=8)


@given(st.dictionaries(names, values_of_matlab, max_size=3), st.sampled_from(WAYS))
def test_what_loadmat_gives_comes_back(tmp_path_factory: Any, variables: dict[str, Any], way: dict[str, Any]) -> None:
    path = tmp_path_factory.getbasetemp() / "round.mat"
    vlnn.savemat(path, variables, **way)
    once = vlnn.loadmat(path)
    for name, value in variables.items():
        same(once[name], value, name)
    vlnn.savemat(path, once, **way)
    same(vlnn.loadmat(path), once)


def test_every_version_gives_one_result(tmp_path: Path) -> None:
    layer = {"type": "conv", "weights": [np.ones((3, 3, 1, 4), np.float32), []], "pad": np.array([[0, 1, 0, 1]])}
    net = {"layers": [layer, {"type": "relu"}], "meta": {}, "params": StructArray([Struct(name="f"), Struct(name="b")])}
    loaded = [through(tmp_path / "x.mat", net, way) for way in WAYS]
    for other in loaded[1:]:
        same(other, loaded[0])


@every_way
def test_scipy_reads_what_is_written(tmp_path: Path, way: dict[str, Any]) -> None:
    if way.get("format") == "7.3":
        with h5py.File(tmp_path / "x.mat", "w"):
            pass
        vlnn.savemat(tmp_path / "x.mat", {"x": np.arange(6.0).reshape(2, 3), "s": "abc"}, **way)
        with h5py.File(tmp_path / "x.mat") as file:
            assert file.userblock_size == 512
            assert file["x"].attrs["MATLAB_class"] == b"double"
            np.testing.assert_array_equal(file["x"][()].T, np.arange(6.0).reshape(2, 3))
            assert file["s"].attrs["MATLAB_int_decode"] == 2
        return
    vlnn.savemat(tmp_path / "x.mat", {"x": {"a": np.arange(6.0).reshape(2, 3), "b": ["c", None], "d": True}}, **way)
    read = scipy.io.loadmat(tmp_path / "x.mat", mat_dtype=True)["x"]
    np.testing.assert_array_equal(read["a"][0, 0], np.arange(6.0).reshape(2, 3))
    assert read["b"][0, 0][0, 0].tolist() == ["c"]
    assert read["b"][0, 0][0, 1].shape == (0, 0)
    assert read["d"][0, 0].dtype == bool


def test_what_scipy_writes_is_read(tmp_path: Path) -> None:
    wanted = {
        "numbers": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
        "small": np.array([[200.0]]),
        "logical": np.array([[True, False]]),
        "complex": np.array([[1 + 2j]]),
        "empty": np.zeros((0, 4)),
    }
    texts = {"text": "abc", "structure": {"a": 1.0, "b": "c"}, "cell": np.array([["a", 1.0]], object)}
    for compress in (False, True):
        scipy.io.savemat(tmp_path / "x.mat", wanted | texts, do_compression=compress)
        read = vlnn.loadmat(tmp_path / "x.mat")
        for name, value in wanted.items():
            same(read[name], np.asfortranarray(value), name)
        same(read.text, "abc")
        same(read.structure, Struct(a=array([[1]]), b="c"))
        same(read.cell, Cell(["a", array([[1]])]))


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
    assert process.stdout.strip() == "no room", process.stderr
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
