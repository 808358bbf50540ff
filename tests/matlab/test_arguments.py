"""MATLAB's way of calling: options as pairs, flags and keywords; values of any class; outputs asked for."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import vlnn
from vlnn.errors import MatConvNetError
from vlnn.matlab.arguments import (
    CUDNN_FLAGS,
    WORKSPACE_LIMIT,
    Option,
    OptionTable,
    choice,
    four_sides,
    give,
    matlab_function,
    outputs_wanted,
    pair,
    plain,
    real,
    received,
    scalar,
    truncate,
)

TABLE = OptionTable(
    "vl_nnexample",
    3,
    Option("Stride", pair("STRIDE"), (1, 1)),
    Option("Pad", four_sides("PAD"), (0, 0, 0, 0)),
    Option("NumGroups", scalar("NUMGROUPS"), 1),
    Option("NoDerData"),
    *CUDNN_FLAGS,
    WORKSPACE_LIMIT,
)


def parse(*args: Any, **keywords: Any) -> Any:
    """What a function with a backward argument hands over."""
    return TABLE.parse(args[0] if args else None, args[1:], keywords)


def error_of(*args: Any, **keywords: Any) -> str:
    with pytest.raises(MatConvNetError) as caught:
        parse(*args, **keywords)
    return str(caught.value)


# The backward argument


def test_nothing_given() -> None:
    call = parse()
    assert call.backward is False
    assert call.dzdy is None
    assert call.options == {
        "Stride": (1, 1),
        "Pad": (0, 0, 0, 0),
        "NumGroups": 1,
        "NoDerData": False,
        "CuDNN": False,
        "NoCuDNN": False,
        "CudnnWorkSpaceLimit": None,
    }


@pytest.mark.parametrize("dzdy", [np.zeros((2, 2)), [], (), np.zeros((0, 0)), 3.0, {}])
def test_what_is_no_name_is_the_derivative(dzdy: Any) -> None:
    call = parse(dzdy, "Stride", 2)
    assert call.backward is True
    assert call.dzdy is dzdy
    assert call.options["Stride"] == (2, 2)


@pytest.mark.parametrize("args", [(None, "Stride", 2), ("Stride", 2)])
def test_none_or_a_name_is_forward(args: tuple[Any, ...]) -> None:
    call = parse(*args)
    assert call.backward is False
    assert call.dzdy is None
    assert call.options["Stride"] == (2, 2)


def test_defaults_are_not_shared_between_calls() -> None:
    parse("Stride", 5, "NoDerData")
    assert parse().options["Stride"] == (1, 1)
    assert parse().options["NoDerData"] is False


def test_functions_without_a_backward_argument() -> None:
    assert TABLE.options(("Stride", 2), {"pad": 1}) == parse("Stride", 2, pad=1).options
    with pytest.raises(MatConvNetError, match=r"The option name is not a string \(argument number 4\). Received 5."):
        TABLE.options((5,), {})


# Names


@pytest.mark.parametrize("name", ["Stride", "stride", "STRIDE", "sTrIdE", np.str_("stride")])
def test_names_in_any_case(name: str) -> None:
    assert parse(name, [2, 3]).options["Stride"] == (2, 3)
    assert parse(**{str(name): [2, 3]}).options["Stride"] == (2, 3)


def test_options_by_their_name_in_the_table() -> None:
    assert parse("numgroups", 4, "noderdata").options["NumGroups"] == 4
    assert parse("numgroups", 4, "noderdata").options["NoDerData"] is True


def test_lists_to_be_spread() -> None:
    opts = ["Stride", 2, "NoDerData", "Pad", [1, 2, 3, 4]]
    assert parse(*opts).options == parse(None, *opts).options
    assert parse(*opts).options["Pad"] == (1, 2, 3, 4)


def test_the_last_one_wins() -> None:
    assert parse("Stride", 2, "STRIDE", 3).options["Stride"] == (3, 3)
    assert parse("Stride", 2, stride=4).options["Stride"] == (4, 4)


@pytest.mark.parametrize("value", [True, 1, np.True_])
def test_flags_as_keywords(value: Any) -> None:
    assert parse(noderdata=value).options["NoDerData"] is True


@pytest.mark.parametrize("value", [False, 0, None])
def test_flags_that_are_not_set(value: Any) -> None:
    assert parse(noderdata=value).options["NoDerData"] is False
    assert parse("NoDerData", NoDerData=value).options["NoDerData"] is True  # leaves things as they are


def test_flags_take_no_value_in_pairs() -> None:
    assert error_of("NoDerData", True) == (
        "The option name is not a string (argument number 5). Received True."
    )  # the flag is argument 4 of the function


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("Strid", " Did you mean 'Stride'?"),
        ("stide", " Did you mean 'Stride'?"),
        ("Padding", " Did you mean 'Pad'?"),
        ("num_groups", " Did you mean 'NumGroups'?"),
        ("Pad ", " Did you mean 'Pad'?"),
        ("CudnnWorkspaceLimits", " Did you mean 'CudnnWorkSpaceLimit'?"),
        ("xyz", ""),
        ("", ""),
    ],
)
def test_unknown_names(name: str, hint: str) -> None:
    knows = "vl_nnexample knows Stride, Pad, NumGroups, NoDerData, CuDNN, NoCuDNN, CudnnWorkSpaceLimit."
    assert error_of(name, 1) == f"Unknown option '{name}'.{hint} {knows}"
    assert error_of(**{name: 1}) == f"Unknown option '{name}'.{hint} {knows}"


def test_a_missing_value() -> None:
    assert error_of("Stride").startswith("Option 'Stride' requires an argument.")
    assert error_of("Stride", 2, "pad").startswith("Option 'Pad' requires an argument.")  # the table's spelling


@pytest.mark.parametrize(
    ("args", "number", "shown"),
    [
        ((None, 5, 2), 5, "5"),
        (("Stride", 2, 7), 6, "7"),
        ((np.zeros(3), "NoDerData", ["Stride"], 1), 6, "['Stride']"),
        ((None, b"Stride", 2), 5, "b'Stride'"),
        ((None, np.zeros((2, 3)), 2), 5, "a 2x3 array of class float64"),
    ],
)
def test_names_that_are_no_strings(args: tuple[Any, ...], number: int, shown: str) -> None:
    want = f"The option name is not a string (argument number {number}). Received {shown}."
    assert error_of(*args) == want


def test_options_are_read_in_their_order() -> None:
    assert error_of("Stride", "a", "Foo", 1).startswith("STRIDE is not a plain matrix.")
    assert error_of("Foo", 1, "Stride", "a").startswith("Unknown option 'Foo'.")


def test_sticky_choices_take_effect_while_options_are_read() -> None:
    error_of("NoCuDNN", "Stride", "a", "CuDNN")
    assert vlnn.settings.cudnn is False


# Values

NUMBERS = [
    np.int8,
    np.uint8,
    np.int16,
    np.uint16,
    np.int32,
    np.uint32,
    np.int64,
    np.uint64,
    np.float16,
    np.float32,
    float,
]


@pytest.mark.parametrize("dtype", [*NUMBERS, np.longdouble, bool])
def test_values_of_every_class(dtype: Any) -> None:
    assert parse("Stride", np.ones(2, dtype)).options["Stride"] == (1, 1)
    assert parse("NumGroups", dtype(1)).options["NumGroups"] == 1
    assert all(type(value) is int for value in parse("Stride", np.ones(2, dtype)).options["Stride"])


@pytest.mark.parametrize(
    "value",
    [
        [1, 2, 3, 4],
        (1, 2, 3, 4),
        range(1, 5),
        [[1, 2, 3, 4]],
        [[1], [2], [3], [4]],
        [[1, 3], [2, 4]],  # a matrix, column by column
        np.array([1, 2, 3, 4]),
        np.array([[1.9, 2.9, 3.9, 4.9]]),
        np.array([[1, 3], [2, 4]], order="F"),
        [np.float32(1), 2, np.int8(3), 4.0],
    ],
)
def test_matrices_of_every_form(value: Any) -> None:
    assert parse("Pad", value).options["Pad"] == (1, 2, 3, 4)


@pytest.mark.parametrize("value", [3, 3.0, np.float32(3), [3], (3,), np.array(3), np.array([[3]])])
def test_one_number_for_all(value: Any) -> None:
    assert parse("Pad", value).options["Pad"] == (3, 3, 3, 3)
    assert parse("Stride", value).options["Stride"] == (3, 3)
    assert parse("NumGroups", value).options["NumGroups"] == 3


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("2", "'2'"),
        (b"2", "b'2'"),
        (2j, "2j"),
        (np.array([2j]), "a 1 array of class complex128"),
        (["2"], "['2']"),
        ([[1, 2], [3]], "[[1, 2], [3]]"),
        ({"y": 1}, "{'y': 1}"),
        (np.ones((1, 1, 2)), "a 1x1x2 array of class float64"),
        (np.array([object()]), "a 1 array of class object"),
    ],
)
def test_values_that_are_no_matrix(value: Any, shown: str) -> None:
    assert error_of("Stride", value) == f"STRIDE is not a plain matrix. Received {shown}."
    assert error_of("NumGroups", value) == f"NUMGROUPS is not a plain scalar. Received {shown}."


@pytest.mark.parametrize("value", [[], None, (), np.zeros((0, 3)), [1, 2, 3], np.ones(5)])
def test_values_of_the_wrong_number(value: Any) -> None:
    assert error_of("Stride", value).startswith("STRIDE has neither one nor two elements. Received ")
    assert error_of("Pad", value).startswith("PAD has neither one nor four elements. Received ")
    assert error_of("Pad", value).endswith("; one or four are needed.")
    assert error_of("NumGroups", value).startswith("NUMGROUPS is not a plain scalar. Received ")


def test_the_number_of_crops_as_matconvnet_says_it() -> None:
    with pytest.raises(MatConvNetError, match=r"^crop has neither one nor two elements\. .*one or four are needed\.$"):
        four_sides("crop", "two")([1, 2])


@pytest.mark.parametrize(
    ("value", "want"),
    [
        (2.9, 2),
        (-0.5, 0),
        (-2.9, -2),
        (0.0, 0),
        (2.0**31 - 1, 2**31 - 1),
        (2.0**31, -(2**31)),
        (-(2.0**31), -(2**31)),
        (1e300, -(2**31)),
        (math.inf, -(2**31)),
        (-math.inf, -(2**31)),
        (math.nan, -(2**31)),
    ],
)
def test_truncate_is_a_cast_in_c(value: float, want: int) -> None:
    assert truncate(value) == want


def test_plain() -> None:
    assert plain(2) == [2.0]
    assert plain(None) == plain([]) == plain(np.zeros((0, 2))) == []
    assert plain(np.array([[1, 2], [3, 4]])) == [1, 3, 2, 4]
    assert plain("1") is plain(np.ones((1, 1, 1))) is plain([[1], []]) is plain({}) is None


def test_real_and_choice() -> None:
    assert real("EPSILON")(np.float32(0.5)) == 0.5
    with pytest.raises(MatConvNetError, match=r"EPSILON is not a plain scalar\. Received \[1, 2\]\."):
        real("EPSILON")([1, 2])
    assert choice("METHOD", "max", "avg")("AVG") == "avg"
    with pytest.raises(MatConvNetError, match=r"METHOD is not a string\. Received 1\."):
        choice("METHOD", "max")(1)
    with pytest.raises(MatConvNetError, match=r"Received 'min'; max and avg are known\."):
        choice("METHOD", "max", "avg")("min")


def test_received_is_short() -> None:
    assert received(list(range(100))) == f"list {list(range(100))!r}"[:55] + "..."
    assert received(np.float64(2)) == "np.float64(2.0)"
    assert received(np.zeros(())) == "a 1x1 array of class float64"
    assert len(received("x" * 1000)) < 70


# Functions


@matlab_function(3, "three")
def example(x: Any, f: Any, b: Any, dzdy: Any = None, **options: Any) -> str:
    """A function of three arguments."""
    return "called"


@pytest.mark.parametrize(
    ("args", "keywords", "given"),
    [((), {}, 0), ((1,), {}, 1), ((1, 2), {}, 2), ((1, 2), {"dzdy": 3}, 2), ((1,), {"b": 3}, 1)],
)
def test_too_few_arguments(args: tuple[Any, ...], keywords: dict[str, Any], given: int) -> None:
    with pytest.raises(MatConvNetError) as caught:
        example(*args, **keywords)
    assert str(caught.value) == f"There are less than three arguments. Received {given}; example needs 3."


def test_enough_arguments() -> None:
    assert example(1, 2, 3) == example(1, 2, b=3) == example(x=1, f=2, b=3) == "called"
    assert example.__name__ == "example"
    assert example.__doc__ == "A function of three arguments."


def test_outputs_wanted() -> None:
    assert outputs_wanted("f", None, 3) == 3
    assert [outputs_wanted("f", k, 3) for k in (0, 1, 3)] == [0, 1, 3]
    assert type(outputs_wanted("f", np.int64(2), 3)) is int  # type: ignore[arg-type]


@pytest.mark.parametrize("nargout", [-1, 1.0, True, "1", [1]])
def test_nargout_of_the_wrong_kind(nargout: Any) -> None:
    with pytest.raises(MatConvNetError) as caught:
        outputs_wanted("f", nargout, 3)
    assert str(caught.value) == f"nargout is not a non-negative integer. Received {nargout!r}."


def test_too_many_outputs() -> None:
    with pytest.raises(MatConvNetError) as caught:
        outputs_wanted("vl_nnconv", 4, 3)
    assert str(caught.value) == "Too many output arguments. Received nargout=4; vl_nnconv has 3 here."


def test_give() -> None:
    assert give(["y"], None) == "y"
    assert give(["dzdx", "dzdf", "dzdb"], None) == ("dzdx", "dzdf", "dzdb")
    assert give([], 0) is None
    assert give(["y"], 0) is None
    assert give(["dzdx"], 1) == "dzdx"
    assert give(["dzdx", "dzdf"], 2) == ("dzdx", "dzdf")
