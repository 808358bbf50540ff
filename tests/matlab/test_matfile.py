"""MAT-files: what is saved comes back, whatever the version, and SciPy reads the same."""

from __future__ import annotations

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
from tests.matlab.matfiles import WAYS, array, every_way, same
from vlnn.matlab import Cell, CharMatrix, Struct, StructArray


def through(path: Path, value: Any, way: dict[str, Any]) -> Any:
    vlnn.savemat(path, {"x": value}, **way)
    return vlnn.loadmat(path).x


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
