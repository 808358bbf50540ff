"""MATLAB's structs and lists."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from vlnn.matlab import Cell, CharMatrix, Opaque, Struct, StructArray


def test_fields_are_attributes_and_items() -> None:
    struct = Struct(name="conv1")
    struct.pad = 1
    del struct.name
    assert struct == {"pad": 1}
    assert struct["pad"] == struct.pad == 1
    with pytest.raises(AttributeError, match=r"no field 'stride'; its fields: pad\."):
        struct.stride  # noqa: B018 - the access is the test
    with pytest.raises(AttributeError, match="no field 'name'"):
        del struct.name


@pytest.mark.parametrize(
    ("cell", "want"),
    [
        (Cell(), (0, 0)),
        (Cell([1, 2]), (1, 2)),
        (Cell([1, 2], (2, 1)), (2, 1)),
        (Cell([], (0, 3)), (0, 3)),
        (Cell([1, 2], (2, 1)) + Cell([3]), (3, 1)),
        (Cell([1, 2]) + Cell([3]), (1, 3)),
        (Cell([1], (1, 1)) + Cell([3]), (1, 2)),
        (Cell([1, 2, 3], (3, 1))[1:], (2, 1)),
        (Cell([1, 2, 3], (1, 1, 3)), (1, 1, 3)),
        (Cell([1, 2, 3], (1, 1, 3))[:2], (1, 2)),
        (Cell([1, 2], (2, 1)).copy(), (2, 1)),
        (copy.deepcopy(Cell([1, 2], (2, 1))), (2, 1)),
        (pickle.loads(pickle.dumps(Cell([1, 2], (2, 1)))), (2, 1)),
        (CharMatrix(["abc", "def"]), (2, 3)),
        (CharMatrix(["abc"]), (1, 3)),
        (CharMatrix([], (0, 5)), (0, 5)),
        (CharMatrix(["ab"] * 6, (2, 2, 3)), (2, 2, 3)),
        (CharMatrix(["ab"] * 6, (2, 2, 3))[:4], (4, 2)),
    ],
)
def test_a_size_follows_its_list(cell: Any, want: tuple[int, ...]) -> None:
    assert cell.shape == want


def test_appending_lengthens_a_column_and_a_row() -> None:
    column, row = Cell([1, 2], (2, 1)), Cell([1, 2])
    column.append(3)
    row.append(3)
    assert (column.shape, row.shape) == ((3, 1), (1, 3))
    column.clear()
    assert column.shape == (0, 1)


def test_a_struct_array_keeps_its_fields() -> None:
    layers = StructArray([Struct(name="a"), Struct(name="b", type="conv")])
    assert layers.fields == ("name", "type")
    assert type(layers[:1]) is StructArray
    assert type(layers + layers[:1]) is StructArray
    assert StructArray([], (1, 0), ["name"]).fields == ("name",)
    assert StructArray([], (1, 0), ["name"]).copy().fields == ("name",)


def test_an_object_says_what_it_is() -> None:
    assert repr(Opaque("containers.Map")) == "<MATLAB containers.Map with nothing that could be read>"
    assert repr(Opaque("Layer", Struct(size=1, pad=0))) == "<MATLAB Layer with size, pad>"
