"""Whether two values, or two networks, are the same in MATLAB: classes, shapes, fields and bits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vlnn.dagnn import DagNN
from vlnn.matlab.matfile.nodes import Node, as_node
from vlnn.simplenn import SimpleNN
from vlnn.simplenn.saving import struct_of


def assert_same_network(got: SimpleNN | DagNN, want: SimpleNN | DagNN) -> None:
    assert type(got) is type(want)
    assert_same(*(net.saveobj() if isinstance(net, DagNN) else struct_of(net) for net in (got, want)))


def assert_same_arrays(got: Mapping[str, Any], want: Mapping[str, Any]) -> None:
    """Bit by bit, under the same names, in any order."""
    assert set(got) == set(want)
    for name, array in want.items():
        assert (got[name].dtype, got[name].shape) == (array.dtype, array.shape), name
        assert got[name].tobytes(order="F") == array.tobytes(order="F"), name


def assert_same(got: Any, want: Any) -> None:
    _compare(as_node(got, "value"), as_node(want, "value"), "value")


def _compare(got: Node, want: Node, place: str) -> None:
    assert (got.class_name, got.shape) == (want.class_name, want.shape), place
    if want.class_name == "cell":
        for at, (one, other) in enumerate(zip(got.data, want.data, strict=True)):
            _compare(one, other, f"{place}.{at}")
    elif want.class_name == "struct":
        assert list(got.data) == list(want.data), place
        for name in want.data:
            for at, (one, other) in enumerate(zip(got.data[name], want.data[name], strict=True)):
                _compare(one, other, f"{place}.{at}.{name}")
    elif want.class_name == "sparse":
        assert (got.data != want.data).nnz == 0, place
        assert got.data.dtype == want.data.dtype, place
    else:
        assert got.data.dtype == want.data.dtype, place
        assert got.data.tobytes(order="F") == want.data.tobytes(order="F"), place
