"""What vl_nnconv and vl_nnconvt have in common: how they are called, and what they give back."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import vlnn
from tests.geometries import Call, Conv, conv, convt
from vlnn.engines import engine_for

CONV = conv((6, 7, 4, 2), (3, 2, 2, 6), (2, 1), (1, 0, 1, 2), (1, 2))
CONVT = convt((4, 5, 6, 2), (3, 2, 2, 6), (2, 1), (1, 0, 0, 2), 2)

both = pytest.mark.parametrize("call", [pytest.param(CONV, id="vl_nnconv"), pytest.param(CONVT, id="vl_nnconvt")])


def pairs(call: Call) -> list[Any]:
    return [part for option in call.options.items() for part in option]


def same(one: Any, other: Any) -> None:
    one, other = (value if isinstance(value, tuple) else (value,) for value in (one, other))
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)
        assert a.shape == b.shape
        assert a.dtype == b.dtype


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each primitive of the engine was called."""
    counts: Counter[str] = Counter()
    engine = type(engine_for(np.zeros(1)))

    def spy_on(name: str) -> None:
        primitive = getattr(engine, name)

        def spy(self: Any, *args: Any) -> Any:
            counts[name] += 1
            return primitive(self, *args)

        monkeypatch.setattr(engine, name, spy)

    for name in (
        "conv_forward",
        "conv_backward_data",
        "conv_backward_filter",
        "subsample_forward",
        "subsample_backward",
        "sum_per_channel",
    ):
        spy_on(name)
    return counts


# nargout


@both
def test_outputs(call: Call) -> None:
    function, (x, f, b, dzdy) = call.function, call.arrays()
    y = function(x, f, b, **call.options)
    assert isinstance(y, np.ndarray)
    same(function(x, f, b, **call.options, nargout=1), y)
    assert function(x, f, b, **call.options, nargout=0) is None

    derivatives = function(x, f, b, dzdy, **call.options)
    assert isinstance(derivatives, tuple)
    assert len(derivatives) == 3
    same(function(x, f, b, dzdy, **call.options, nargout=3), derivatives)
    same(function(x, f, b, dzdy, **call.options, nargout=2), derivatives[:2])
    same(function(x, f, b, dzdy, **call.options, nargout=1), derivatives[0])
    same(function(x, f, b, dzdy, **call.options, nargout=np.int64(1)), derivatives[0])
    assert function(x, f, b, dzdy, **call.options, nargout=0) is None


@both
@pytest.mark.parametrize(("backward", "nargout"), [(False, 2), (False, 7), (True, 4)])
def test_too_many_outputs(call: Call, backward: bool, nargout: int, computed: Counter[str]) -> None:
    function, (x, f, b, dzdy) = call.function, call.arrays()
    with pytest.raises(vlnn.MatConvNetError) as caught:
        function(x, f, b, *([dzdy] if backward else []), **call.options, nargout=nargout)
    most = 3 if backward else 1
    want = f"Too many output arguments. Received nargout={nargout}; {function.__name__} has {most} here."
    assert str(caught.value) == want
    assert not computed


@both
@pytest.mark.parametrize("nargout", [-1, 1.0, True, "1"])
def test_nargout_of_the_wrong_kind(call: Call, nargout: Any) -> None:
    x, f, b, _ = call.arrays()
    with pytest.raises(vlnn.MatConvNetError, match=r"^nargout is not a non-negative integer\. Received "):
        call.function(x, f, b, **call.options, nargout=nargout)


# What is computed


def primitives(call: Call) -> tuple[str, str, str, str]:
    """The primitives for y, dzdx, dzdf and dzdb."""
    if isinstance(call, Conv):
        return "conv_forward", "conv_backward_data", "conv_backward_filter", "sum_per_channel"
    return "conv_backward_data", "conv_forward", "conv_backward_filter", "sum_per_channel"


@both
def test_forward_computes_nothing_else(call: Call, computed: Counter[str]) -> None:
    x, f, b, _ = call.arrays()
    call.forward(x, f, b)
    assert computed == {primitives(call)[0]: 1}


@both
def test_forward_without_outputs_computes_nothing(call: Call, computed: Counter[str]) -> None:
    x, f, b, _ = call.arrays()
    call.function(x, f, b, **call.options, nargout=0)
    assert not computed


@both
@pytest.mark.parametrize("nargout", [0, 1, 2, 3])
def test_derivatives_not_asked_for_are_not_computed(call: Call, nargout: int, computed: Counter[str]) -> None:
    x, f, b, dzdy = call.arrays()
    call.function(x, f, b, dzdy, **call.options, nargout=nargout)
    assert computed == dict.fromkeys(primitives(call)[1 : 1 + nargout], 1)


FLAGS = ("NoDerData", "NoDerFilters", "NoDerBiases")


@both
@pytest.mark.parametrize("off", range(8))
def test_derivatives_switched_off(call: Call, off: int, computed: Counter[str]) -> None:
    function, (x, f, b, dzdy) = call.function, call.arrays()
    whole = function(x, f, b, dzdy, **call.options)
    computed.clear()
    flags = [flag for i, flag in enumerate(FLAGS) if off >> i & 1]
    got = function(x, f, b, dzdy, *flags, **call.options)
    for flag, derivative, want, primitive in zip(FLAGS, got, whole, primitives(call)[1:], strict=True):
        if flag in flags:
            assert derivative.shape == (0, 0)
            assert derivative.dtype == x.dtype
            assert not computed[primitive]
        else:
            same(derivative, want)
            assert computed[primitive] == 1
    same(function(x, f, b, dzdy, **call.options, **dict.fromkeys(flags, True)), got)
    same(function(x, f, b, dzdy, **call.options, **{flag: flag in flags for flag in FLAGS}), got)


@both
def test_derivatives_switched_off_are_ignored_forward(call: Call) -> None:
    x, f, b, _ = call.arrays()
    same(call.function(x, f, b, *FLAGS, **call.options), call.forward(x, f, b))


@both
def test_without_biases_there_is_no_derivative_of_them(call: Call, computed: Counter[str]) -> None:
    x, f, _, dzdy = call.arrays()
    nothing: list[Any] = [[], None, (), np.zeros((0, 0)), np.zeros((1, 0), np.float32), np.zeros(0, np.int8)]
    for empty in nothing:
        dzdb = call.backward(x, f, empty, dzdy)[2]
        assert dzdb.shape == (0, 0)
        assert dzdb.dtype == x.dtype
    assert not computed["sum_per_channel"]


# The backward argument


@both
def test_none_is_forward(call: Call) -> None:
    function, (x, f, b, _) = call.function, call.arrays()
    y = call.forward(x, f, b)
    same(function(x, f, b, None, **call.options), y)
    same(function(x, f, b, dzdy=None, **call.options), y)
    same(function(x, f, b, None, *pairs(call)), y)


@both
def test_the_derivative_as_a_keyword(call: Call) -> None:
    function, (x, f, b, dzdy) = call.function, call.arrays()
    same(function(x, f, b, dzdy=dzdy, **call.options), function(x, f, b, dzdy, **call.options))
    same(function(x=x, f=f, b=b, dzdy=dzdy, **call.options), function(x, f, b, dzdy, **call.options))


@both
@pytest.mark.parametrize("dzdy", [[], (), np.zeros((0, 0)), np.zeros((0, 0), np.float32)])
def test_an_empty_derivative_is_an_error(call: Call, dzdy: Any) -> None:
    x, f, b, _ = call.arrays()
    with pytest.raises(vlnn.MatConvNetError) as caught:
        call.function(x, f, b, dzdy, **call.options)
    assert str(caught.value).startswith("DEROUTPUT dimensions are incompatible with X and FILTERS. Received X ")
    assert "DZDY 0x0x1x0" in str(caught.value)


# Options


@both
def test_pairs_and_keywords(call: Call) -> None:
    function, (x, f, b, dzdy) = call.function, call.arrays()
    y = call.forward(x, f, b)
    opts = pairs(call)
    same(function(x, f, b, *opts), y)
    same(function(x, f, b, *[part.upper() if isinstance(part, str) else part for part in opts]), y)
    same(function(x, f, b, **{name.upper(): value for name, value in call.options.items()}), y)
    same(function(x, f, b, **{name.title(): value for name, value in call.options.items()}), y)
    same(function(x, f, b, dzdy, *opts), call.backward(x, f, b, dzdy))
    first, *others = call.options.items()
    same(function(x, f, b, *first, **dict(others)), y)


@both
@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "uint64", "float16", "float32", "float64"])
def test_options_of_any_class(call: Call, dtype: str) -> None:
    function, (x, f, b, _) = call.function, call.arrays()
    y = call.forward(x, f, b)
    same(function(x, f, b, **{name: np.array(value, dtype) for name, value in call.options.items()}), y)
    same(function(x, f, b, **{name: list(np.ravel(value)) for name, value in call.options.items()}), y)
    same(function(x, f, b, **{name: np.array(value, dtype, ndmin=2).T for name, value in call.options.items()}), y)


@both
@pytest.mark.parametrize(("name", "nearest"), [("verbos", "Verbose"), ("NoDerBias", "NoDerBiases"), ("xyz", None)])
def test_unknown_options(call: Call, name: str, nearest: str | None) -> None:
    x, f, b, dzdy = call.arrays()
    function = call.function
    for args, keywords in (((name,), {}), ((None, name), {}), ((dzdy, name), {}), ((), {name: True})):
        with pytest.raises(vlnn.MatConvNetError) as caught:
            function(x, f, b, *args, **keywords)
        hint = f" Did you mean '{nearest}'?" if nearest else ""
        assert str(caught.value).startswith(f"Unknown option '{name}'.{hint} {function.__name__} knows ")


@both
def test_too_few_arguments(call: Call) -> None:
    function, (x, f, b, _) = call.function, call.arrays()
    for args in ((), (x,), (x, f)):
        with pytest.raises(vlnn.MatConvNetError) as caught:
            function(*args)
        want = f"There are less than three arguments. Received {len(args)}; {function.__name__} needs 3."
        assert str(caught.value) == want
    with pytest.raises(vlnn.MatConvNetError, match=r"^There are less than three arguments\."):
        function(x, f, dzdy=b)


@both
def test_errors_are_value_errors(call: Call) -> None:
    x, f, b, _ = call.arrays()
    with pytest.raises(ValueError, match=r"^DATA and FILTERS do not have compatible formats\. Received DATA as "):
        call.function(x.astype(np.float32), f, b)


@both
def test_arrays_of_the_wrong_class(call: Call) -> None:
    function, arrays = call.function, call.arrays()
    names = ("DATA", "FILTERS", "BIASES", "DEROUTPUT")
    for position, name in enumerate(names):
        args = list(arrays)
        args[position] = args[position].astype(np.int32)
        with pytest.raises(vlnn.MatConvNetError) as caught:
            function(*args, **call.options)
        want = f"An input is neither SINGLE or DOUBLE nor it is empty. Received {name} of class int32."
        assert str(caught.value) == want
        args[position] = arrays[position].astype(np.float32)
        with pytest.raises(vlnn.MatConvNetError) as caught:
            function(*args, **call.options)
        other = name if position else "FILTERS"
        assert str(caught.value).startswith(f"DATA and {other} do not have compatible formats.")


@both
def test_complex_arrays_are_refused(call: Call) -> None:
    x, f, b, _ = call.arrays()
    with pytest.raises(vlnn.MatConvNetError, match=r"^An input is neither SINGLE or DOUBLE .* class complex128\.$"):
        call.function(x + 1j, f, b, **call.options)


# Arrays


@both
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_single_in_single_out(call: Call, dtype: type) -> None:
    x, f, b, dzdy = replace(call, dtype=dtype).arrays()
    for output in (call.forward(x, f, b), *call.backward(x, f, b, dzdy)):
        assert output.dtype == dtype
        assert output.flags.f_contiguous
        assert output.flags.writeable


SHAPES = [
    ((7,), (3,)),
    ((7, 6), (3, 2)),
    ((7, 6, 4), (3, 2, 4)),
    ((7, 6, 4, 2), (3, 2, 4, 5)),
    ((7, 6, 4, 2, 3), (3, 2, 4, 5)),
    ((7, 6, 4, 1, 2, 1), (3, 2, 4, 5, 1)),
    ((7, 6, 4, 1, 2, 1, 3), (3, 2, 4, 5, 1, 1, 1)),
]


def four_dimensions(shape: tuple[int, ...]) -> tuple[int, ...]:
    shape = (*shape, 1, 1, 1)
    return (*shape[:3], int(np.prod(shape[3:])))


@pytest.mark.parametrize(("x_shape", "f_shape"), SHAPES)
@pytest.mark.parametrize("name", ["vl_nnconv", "vl_nnconvt"])
def test_one_to_seven_dimensions(name: str, x_shape: tuple[int, ...], f_shape: tuple[int, ...]) -> None:
    """The numbers are those of the same arrays with four dimensions; derivatives have the shapes of the arguments."""
    random = np.random.default_rng(0)
    function = getattr(vlnn, name)
    if name == "vl_nnconvt":
        f_shape = (*f_shape[:2], *four_dimensions(f_shape)[:1:-1])  # K x D, not C x K
    x, f = random.standard_normal(x_shape), random.standard_normal(f_shape)
    x4, f4 = (array.reshape(four_dimensions(array.shape), order="F") for array in (x, f))
    b = random.standard_normal((1, f4.shape[3 if name == "vl_nnconv" else 2]))
    y = function(x, f, b)
    assert y.ndim == 4
    same(y, function(x4, f4, b))

    dzdy = random.standard_normal(y.shape)
    want = function(x4, f4, b, dzdy)
    ones_dropped = dzdy.reshape(dzdy.shape if dzdy.shape[3] > 1 else dzdy.shape[:3], order="F")
    for der_output in (dzdy, dzdy.reshape(*y.shape[:3], 1, -1, order="F"), ones_dropped):
        got = function(x, f, b, der_output)
        for derivative, argument, expected in zip(got, (x, f, b), want, strict=True):
            assert derivative.shape == argument.shape
            np.testing.assert_array_equal(derivative.ravel(order="F"), expected.ravel(order="F"))


@both
def test_too_many_dimensions(call: Call) -> None:
    x, f, b, _ = call.arrays()
    with pytest.raises(vlnn.MatConvNetError, match=r"allowed dimensions\. Received DATA with 8; at most 7 are"):
        call.function(x.reshape(*x.shape, 1, 1, 1, 1), f, b, **call.options)


@both
@pytest.mark.parametrize("shape", [(-1, 1), (1, -1), (-1,), (1, 1, -1), (1, 1, 1, -1), (2, -1)])
def test_biases_of_any_shape(call: Call, shape: tuple[int, ...]) -> None:
    x, f, b, dzdy = call.arrays()
    reshaped = b.reshape(shape, order="F")
    same(call.forward(x, f, reshaped), call.forward(x, f, b))
    dzdb = call.backward(x, f, reshaped, dzdy)[2]
    assert dzdb.shape == reshaped.shape
    np.testing.assert_array_equal(dzdb.ravel(order="F"), call.backward(x, f, b, dzdy)[2].ravel(order="F"))


def test_plain_numbers() -> None:
    assert vlnn.vl_nnconv(3.0, 2.0, 1.0).item() == 7
    assert vlnn.vl_nnconvt(3, 2, 1).item() == 7
    assert [d.item() for d in vlnn.vl_nnconv(3.0, 2.0, 1.0, 5.0)] == [10, 15, 5]
    assert vlnn.vl_nnconv(np.float32(3), np.float32(2), []).dtype == np.float32


@both
def test_arguments_are_not_changed(call: Call) -> None:
    arrays = call.arrays()
    before = [array.copy() for array in arrays]
    options = {name: np.array(value, float) for name, value in call.options.items()}
    call.choose(**options).forward(*arrays[:3])
    call.choose(**options).backward(*arrays)
    for array, copy in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, copy)
    for name, value in call.options.items():
        np.testing.assert_array_equal(options[name], value)


@both
def test_results_are_arrays_of_their_own(call: Call) -> None:
    one = call.choose(
        **{name: 1 if name in ("stride", "upsample", "dilate", "numgroups") else 0 for name in call.options}
    )
    x, f = np.ones((3, 4, 1, 1), order="F"), np.ones((1, 1, 1, 1), order="F")
    dzdy = np.ones((3, 4, 1, 1), order="F")
    for output in (one.forward(x, f, []), *one.backward(x, f, np.ones(1), dzdy)):
        assert not any(np.shares_memory(output, array) for array in (x, f, dzdy))
        assert output.flags.writeable


@both
def test_no_images(call: Call) -> None:
    x, f, b, _ = call.arrays()
    y = call.forward(x[..., :0], f, b)
    assert y.shape == (*call.y[:3], 0)
    dzdx, dzdf, dzdb = call.backward(x[..., :0], f, b, y)
    assert dzdx.shape == (*x.shape[:3], 0)
    np.testing.assert_array_equal(dzdf, np.zeros(f.shape))
    np.testing.assert_array_equal(dzdb, np.zeros(b.shape))


# What 'Verbose' prints


@both
def test_verbose_is_quiet_unless_asked_for(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    x, f, b, _ = call.arrays()
    call.function(x, f, b, **call.options, verbose=False)
    assert capsys.readouterr().out == ""
    call.function(x, f, b, **call.options, VERBOSE=True)
    assert capsys.readouterr().out.startswith(f"{call.function.__name__}: forward; CPU; BLAS\n")


@both
def test_verbose_prints_nothing_when_the_sizes_are_wrong(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    x, f, b, _ = call.arrays()
    with pytest.raises(vlnn.MatConvNetError):
        call.function(x, f, b[:, 1:], "Verbose", **call.options)
    assert capsys.readouterr().out == ""


def test_numpy_is_enough() -> None:
    program = (
        "import sys, numpy, vlnn; x = numpy.ones((4, 4)); f = x[:2, :2]; vlnn.vl_nnconv(x, f, []);"
        "vlnn.vl_nnconvt(x, f, [], numpy.ones((5, 5))); sys.exit(bool({'cupy', 'torch'} & sys.modules.keys()))"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
