"""MATLAB's arrays: classes, sizes, [] and order."""

from __future__ import annotations

import sys
import types
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tests.layouts import LAYOUTS
from vlnn.errors import MatConvNetError
from vlnn.matlab.arrays import describe, format_of, is_array, library, same_format, tensor

NOT_FLOATING = "An input is neither SINGLE or DOUBLE nor it is empty."
NOT_NUMERIC = "An input is not a numeric array (or GPU support not compiled)."


def error_of(value: Any) -> str:
    with pytest.raises(MatConvNetError) as caught:
        tensor("DATA", value)
    return str(caught.value)


# Sizes


@pytest.mark.parametrize(
    ("given_shape", "want"),
    [
        ((3,), (3, 1, 1, 1)),
        ((3, 4), (3, 4, 1, 1)),
        ((3, 4, 5), (3, 4, 5, 1)),
        ((3, 4, 5, 6), (3, 4, 5, 6)),
        ((3, 4, 5, 6, 2), (3, 4, 5, 12)),
        ((3, 4, 5, 1, 2, 3), (3, 4, 5, 6)),
        ((3, 1, 1, 1, 1, 1, 2), (3, 1, 1, 2)),
        ((), (1, 1, 1, 1)),
        ((0, 0), (0, 0, 1, 0)),
        ((4, 5, 0, 2), (4, 5, 0, 0)),
        ((4, 5, 3, 0), (4, 5, 3, 0)),
        ((0,), (0, 1, 1, 0)),
        ((2, 3, 4, 0, 5), (2, 3, 4, 0)),
    ],
)
def test_four_dimensions(given_shape: tuple[int, ...], want: tuple[int, ...]) -> None:
    checked = tensor("DATA", np.ones(given_shape))
    assert checked.shape == want
    assert checked.planes().shape == want[::-1]
    assert checked.empty == (0 in given_shape)


@pytest.mark.parametrize("dimensions", [8, 12])
def test_too_many_dimensions(dimensions: int) -> None:
    assert error_of(np.ones((1,) * dimensions)) == (
        "An input has more than the maximum number of allowed dimensions. "
        f"Received DATA with {dimensions}; at most 7 are allowed."
    )


floats = arrays.arrays(
    st.sampled_from([np.float32, np.float64]),
    arrays.array_shapes(min_dims=1, max_dims=7, max_side=4),
    elements=st.integers(-99, 99),
)


@given(floats, st.sampled_from(sorted(LAYOUTS)))
def test_planes_are_the_elements_in_matlabs_order(array: Any, layout: str) -> None:
    given_array = LAYOUTS[layout](array)
    checked = tensor("DATA", given_array)
    planes = checked.planes()
    assert planes.flags.c_contiguous
    assert planes.dtype == array.dtype
    assert planes.dtype.isnative
    np.testing.assert_array_equal(planes.ravel(), array.ravel(order="F"))
    np.testing.assert_array_equal(checked.vector(), array.ravel(order="F"))
    back = checked.like(planes)
    assert back.shape == array.shape
    assert back.flags.f_contiguous
    np.testing.assert_array_equal(back, array)


def test_planes_of_a_fortran_array_are_a_view() -> None:
    for shape in ((4, 3), (4, 3, 2), (4, 3, 2, 5), (4, 3, 2, 5, 2)):
        array = np.zeros(shape, order="F")
        assert np.shares_memory(tensor("DATA", array).planes(), array)


# Classes


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_single_and_double(dtype: Any) -> None:
    array = np.ones((2, 2), dtype)
    assert tensor("DATA", array).array is array
    assert tensor("DATA", array.astype(np.dtype(dtype).newbyteorder())).array.dtype == dtype


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int64", "float16", "complex64", "complex128", np.longdouble])
def test_other_numbers(dtype: Any) -> None:
    name = np.dtype(dtype).name
    assert error_of(np.ones((2, 2), dtype)) == f"{NOT_FLOATING} Received DATA of class {name}."


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (np.ones((2, 2), bool), "an array of class bool"),
        (np.array(["a"]), "an array of class <U1"),
        (np.array([None]), "an array of class object"),
        ("data", "str"),
        (True, "bool"),
        ([1.0, 2.0], "list"),
        ({"x": 1}, "dict"),
        (1j, "complex"),
        (object(), "object"),
    ],
)
def test_no_numbers(value: Any, shown: str) -> None:
    assert error_of(value) == f"{NOT_NUMERIC} Received DATA: {shown}."


@pytest.mark.parametrize("value", [None, [], (), np.zeros((0, 0)), np.zeros(0, np.float32), np.zeros((3, 0), np.int8)])
def test_empty(value: Any) -> None:
    assert tensor("DATA", value).empty
    assert tensor("DATA", value).shape[3] == 0


@pytest.mark.parametrize(
    ("value", "dtype"), [(2, np.float64), (2.5, np.float64), (np.float32(2), np.float32), (np.float64(2), np.float64)]
)
def test_numbers(value: Any, dtype: Any) -> None:
    checked = tensor("DATA", value)
    assert checked.array.dtype == dtype
    assert checked.shape == (1, 1, 1, 1)
    assert checked.array.item() == value


def test_a_subclass_is_an_array(tmp_path: Any) -> None:
    mapped = np.memmap(tmp_path / "x", np.float32, "w+", shape=(3, 4), order="F")
    mapped[...] = np.arange(12).reshape(3, 4)
    checked = tensor("DATA", mapped)
    np.testing.assert_array_equal(checked.planes()[0, 0], np.arange(12).reshape(3, 4).T)
    same_format(checked, tensor("FILTERS", np.ones((2, 2), np.float32)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nothing_has_the_class_of_its_argument(dtype: Any) -> None:
    nothing = tensor("DATA", np.ones(3, dtype)).nothing()
    assert nothing.shape == (0, 0)
    assert nothing.dtype == dtype


# Formats


def test_one_class() -> None:
    single, double = tensor("DATA", np.ones(3, np.float32)), tensor("FILTERS", np.ones(3))
    same_format(single, tensor("FILTERS", np.ones(3, np.float32)))
    with pytest.raises(MatConvNetError) as caught:
        same_format(single, tensor("BIASES", []), double)
    assert str(caught.value) == (
        "DATA and FILTERS do not have compatible formats. Received DATA as numpy float32, FILTERS as numpy float64."
    )


def test_the_first_that_differs_is_named() -> None:
    data, filters, biases = (
        tensor(name, np.ones(3, dtype))
        for name, dtype in (("DATA", np.float64), ("FILTERS", np.float32), ("BIASES", np.float32))
    )
    with pytest.raises(MatConvNetError, match=r"^DATA and BIASES do not"):
        same_format(data, biases, filters)


@pytest.mark.parametrize("empty", [[], np.zeros((0, 3), np.float32), np.zeros((0, 0), np.int8)])
def test_an_empty_array_has_every_class(empty: Any) -> None:
    double = tensor("DATA", np.ones((2, 2)))
    same_format(double, tensor("BIASES", empty))
    same_format(tensor("DATA", empty), tensor("BIASES", np.ones(2, np.float32)), double)


@pytest.fixture
def foreign(monkeypatch: pytest.MonkeyPatch) -> Any:
    """An array of a module called cupy."""
    module = types.ModuleType("cupy")
    array_class = type("ndarray", (), {"__module__": "cupy", "dtype": np.dtype(np.float64), "shape": (2, 2), "size": 4})
    monkeypatch.setitem(sys.modules, "cupy", module)
    array = array_class()
    array.ndim = 2
    return array


def test_one_library(foreign: Any) -> None:
    assert is_array(foreign)
    assert library(foreign).__name__ == "cupy"
    theirs, ours = tensor("DATA", foreign), tensor("FILTERS", np.ones((2, 2)))
    assert theirs.shape == (2, 2, 1, 1)
    with pytest.raises(MatConvNetError) as caught:
        same_format(theirs, ours)
    assert str(caught.value).endswith("Received DATA as cupy float64, FILTERS as numpy float64.")


def test_is_array_does_not_import_cupy() -> None:
    loaded = "cupy" in sys.modules
    assert is_array(np.zeros(2))
    assert not any(is_array(value) for value in (1.0, np.float64(1), [1], "cupy", None))
    assert ("cupy" in sys.modules) == loaded
    assert library(np.zeros(2)) is np


# What 'Verbose' prints


@pytest.mark.parametrize(
    ("shape", "dtype", "want"),
    [
        ((4, 5, 3, 2), np.float32, "[4 5 3 2 | float 480.0B CPU]"),
        ((1, 2), np.float64, "[1 2 | double 16.0B CPU]"),
        ((16, 16, 1, 1), np.float32, "[16 16 1 1 | float 1.0KB CPU]"),
        ((17, 17, 8, 2), np.float64, "[17 17 8 2 | double 36.1KB CPU]"),
        ((512, 512, 1, 1), np.float32, "[512 512 1 1 | float 1.0MB CPU]"),
        ((1024, 1024, 64, 5), np.float32, "[1024 1024 64 5 | float 1.2GB CPU]"),
        ((2**20, 2**20, 1, 1), np.float64, "[1048576 1048576 1 1 | double 8192.0GB CPU]"),
        ((0, 0, 1, 0), np.float32, "[0 0 1 0 | float 0.0B CPU]"),
    ],
)
def test_describe(shape: tuple[int, ...], dtype: Any, want: str) -> None:
    assert describe(np.zeros(1, dtype), shape) == want


def test_format_of() -> None:
    assert format_of(np.zeros(1, np.float32)) == "numpy float32"
