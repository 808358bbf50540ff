"""vl_argparse: names, structures inside structures, what is left over, and its flags."""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import vlnn
from vlnn import vl_argparse

FLAT = {"pad": 0, "stride": 1, "name": "abc"}
NESTED = {"pad": 0, "train": {"lr": 0.1, "mom": 0.9, "sub": {"a": 1, "b": 2}}, "empty": {}}


def test_pairs_and_structures() -> None:
    assert vl_argparse(FLAT, ["PAD", 2, {"Stride": 7}, "name", "z"]) == {"pad": 2, "stride": 7, "name": "z"}
    assert vl_argparse(FLAT, {"pad": 5}) == {**FLAT, "pad": 5}
    assert vl_argparse(FLAT, []) == FLAT


@pytest.mark.parametrize(
    ("args", "train"),
    [
        (["train.lr", 0.5], {"lr": 0.5, "mom": 0.9, "sub": {"a": 1, "b": 2}}),
        (["TRAIN.SUB.A", 7, "train.mom", 0], {"lr": 0.1, "mom": 0, "sub": {"a": 7, "b": 2}}),
        ([{"train": {"sub": {"b": 9}}}], {"lr": 0.1, "mom": 0.9, "sub": {"a": 1, "b": 9}}),
    ],
)
def test_structures_are_updated(args: Any, train: Any) -> None:
    assert vl_argparse(NESTED, args) == {**NESTED, "train": train}


def test_empty_structures_take_anything() -> None:
    assert vl_argparse(NESTED, ["empty.a", 1, "empty.b", 2])["empty"] == {"a": 1, "b": 2}
    assert vl_argparse(NESTED, ["empty", 3])["empty"] == 3


def test_nonrecursive_replaces() -> None:
    assert vl_argparse(NESTED, ["train", {"lr": 1}], "nonrecursive")["train"] == {"lr": 1}


def test_left_over() -> None:
    args = ["foo", 1, "pad", 3, {"bar": 2, "stride": 4}, {"name": "n"}]
    opts, rest = vl_argparse(FLAT, args, nargout=2)
    assert opts == {"pad": 3, "stride": 4, "name": "n"}
    assert rest == ["foo", 1, {"bar": 2}, {}]


def test_merge() -> None:
    assert vl_argparse(FLAT, {"foo": 1, "pad": 4}, "MERGE") == {**FLAT, "foo": 1, "pad": 4}
    merged = vl_argparse(NESTED, ["train", {"new": 1}, "empty.x", 1], "merge")
    assert merged["train"] == {**NESTED["train"], "new": 1}  # type: ignore[dict-item]
    assert merged["empty"] == {"x": 1}
    assert vl_argparse(FLAT, ["foo", {"a": 1}], "nonrecursive", "merge", nargout=2) == ({**FLAT, "foo": {"a": 1}}, [])


def test_objects() -> None:
    opts = SimpleNamespace(pad=0, stride=1)
    updated = vl_argparse(opts, ["Pad", 3])
    assert (updated.pad, updated.stride, opts.pad) == (3, 1, 0)


@given(
    st.recursive(
        st.dictionaries(st.sampled_from("abc"), st.integers(), min_size=1),
        lambda inner: st.dictionaries(st.sampled_from("abc"), st.integers() | inner, min_size=1),
    )
)
def test_arguments_are_left_alone(opts: dict[str, Any]) -> None:
    before = copy.deepcopy(opts)
    changed = {name: value if isinstance(value, dict) else 7 for name, value in opts.items()}
    assert set(vl_argparse(opts, changed)) == set(opts)
    vl_argparse(opts, {"new": 1}, "merge")
    assert opts == before


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        ((FLAT, ["foo", 1]), "Unknown parameter 'foo'"),
        ((FLAT, [{"foo": 1}]), "Unknown parameter 'foo'"),
        ((NESTED, ["train", {"foo": 1}]), "Unknown parameter 'foo'"),
        (({"a": 1, "A": 2}, ["a", 3]), "Unknown parameter 'a'"),
        ((NESTED, ["train", 5]), "Cannot assign a non-struct value to the struct parameter 'train'."),
        ((FLAT, ["pad.x", 4]), "OPTS must be a structure"),
        ((5, []), "OPTS must be a structure"),
        ((FLAT, [{"pad": 1}], "nonrecursive"), "Expected either a param-value pair or a structure."),
        ((FLAT, [3, 4]), "Expected either a param-value pair or a structure."),
        ((FLAT, [], "foo"), "Unknown option specified."),
        ((FLAT, [], "merge", "merge", "merge"), "There can be at most two options."),
        ((FLAT, ["foo.bar", 1], "merge"), "OPTS has no structure 'foo' with which to merge one."),
        ((FLAT, ["pad"]), "Parameter 'pad' has no value."),
    ],
)
def test_errors(args: Any, sentence: str) -> None:
    with pytest.raises(vlnn.MatConvNetError) as caught:
        vl_argparse(*args)
    assert str(caught.value).startswith(sentence)
