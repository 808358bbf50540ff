"""Calls recorded from MatConvNet: reading them, making them again, and judging what comes back.

compat/vectors/README.md describes the files. A recorded call passes when its outputs have the recorded class, shape and
numbers, or its error begins with the recorded sentence, and it prints what was printed. The few calls in which vlnn
differs on purpose stand in DIFFERENCES, each with what has to happen instead.
"""

from __future__ import annotations

import contextlib
import functools
import io
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import scipy.io

import vlnn
from tests.conformance.dagnn_calls import DAGNN_CALLS

FOLDER = Path(__file__).parents[2] / "compat" / "vectors"
FIELDS = {"name", "fn", "args", "nargout", "out", "err", "errkind", "text"}
TIMES = ("time", "backwardTime")  # set to 0 where the calls were recorded

SINGLE, DOUBLE = 1e-5, 1e-11  # of the largest magnitude


class Case(NamedTuple):
    """One recorded call."""

    file: str
    name: str
    function: str
    args: list[Any]
    nargout: int
    outputs: list[Any]  # as scipy.io.loadmat gives them
    error: str
    interpreted: bool  # the error is Octave's own, not MatConvNet's
    printed: str

    @property
    def label(self) -> str:
        return f"{self.file}/{self.name}"

    @property
    def tolerance(self) -> float:
        """What outputs may be off in any case, of the largest magnitude."""
        return max((rough.limit for rough in ROUGH if re.search(rough.cases, self.label)), default=0.0)

    def function_of_vlnn(self) -> Callable[..., Any] | None:
        if self.function in DAGNN_CALLS:
            return DAGNN_CALLS[self.function] if hasattr(vlnn, "dagnn") else None
        return getattr(vlnn, self.function, None)

    def on(self, library: Any) -> Case:
        """The same call with arrays of another library."""
        return self._replace(args=[_moved(arg, library) for arg in self.args])

    def call(self, args: Sequence[Any]) -> list[Any]:
        """Make the call with these arguments: its outputs."""
        function = self.function_of_vlnn()
        assert function is not None
        options = {} if self.function in DAGNN_CALLS else {"nargout": self.nargout}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # MatConvNet's own were off while the calls were recorded
            result = function(*args, **options)
        return list(result) if self.nargout > 1 else [result]


def _moved(value: Any, library: Any) -> Any:
    if isinstance(value, list):
        return [_moved(element, library) for element in value]
    if isinstance(value, dict):
        return {name: _moved(element, library) for name, element in value.items()}
    return library.asfortranarray(library.asarray(value)) if isinstance(value, np.ndarray) else value


class Difference(NamedTuple):
    """Calls in which vlnn differs on purpose: where they are, the heading that says why, what happens instead."""

    cases: str  # a pattern of file/name
    heading: str  # in compat/differences.md
    judge: Callable[[Case], None]


class Rough(NamedTuple):
    """Calls in which MatConvNet's own numbers are rough, so that better ones differ."""

    cases: str
    heading: str
    limit: float


def judge(case: Case, *, prints: bool = True) -> None:
    """Fail unless vlnn does what MatConvNet did, or what a difference promises; what it prints may be left out."""
    difference = difference_of(case)
    if difference is not None:
        difference.judge(case)
        return
    if "_random_" in case.name:
        judge_mask(case)
        return
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        if case.error:
            judge_error(case, "" if case.interpreted else case.error)
        else:
            judge_outputs(case, case.call(case.args))
    if prints:
        assert printed.getvalue().split() == case.printed.split()


def difference_of(case: Case) -> Difference | None:
    return next((each for each in DIFFERENCES if re.search(each.cases, case.label)), None)


def judge_error(case: Case, sentence: str) -> None:
    with pytest.raises(vlnn.MatConvNetError) as caught:
        case.call(case.args)
    assert str(caught.value).startswith(sentence)


def judge_outputs(case: Case, outputs: Sequence[Any]) -> None:
    assert len(outputs) == case.nargout
    for position, (output, recorded) in enumerate(zip(outputs, case.outputs, strict=True), 1):
        assert_same(output, recorded, case.tolerance, f"output {position}")


def judge_mask(case: Case) -> None:
    """vl_nndropout draws numbers of its own: y = mask .* x, and the mask has two values."""
    y, mask, x = (on_host(array, np.float64) for array in (*case.call(case.args), case.args[0]))
    np.testing.assert_array_equal(y, mask * x)
    np.testing.assert_array_equal(np.unique(mask), np.unique(case.outputs[1]))


def fails_with(sentence: str) -> Callable[[Case], None]:
    return lambda case: judge_error(case, sentence)


def all_sizes_are_one(case: Case) -> None:
    """MatConvNet ends in an error of the interpreter; the variables of this network are all 1x1."""
    (found,) = case.call(case.args)
    assert [np.ravel(size).tolist() for size in found] == [[1, 1, 1, 1]] * 3


def accepts_any_class(case: Case) -> None:
    """Option values that MatConvNet refuses for their class give what the same values in double give."""
    first = next(i for i, arg in enumerate(case.args) if isinstance(arg, str))
    options = [arg if isinstance(arg, str) else arg.astype(np.float64) for arg in case.args[first:]]
    assert any(arg.dtype != np.float64 for arg in case.args[first:] if not isinstance(arg, str))
    outputs = zip(case.call(case.args), case.call([*case.args[:first], *options]), strict=True)
    for output, expected in outputs:
        np.testing.assert_array_equal(on_host(output, np.float64), on_host(expected, np.float64))


DIFFERENCES = [
    Difference(
        r"/(single|double)_(err_(upsample|crop|stride|pad|dilate|eps|dims|sub|tr)|groups)_(int|single|logical)$",
        "Option values of any numeric class are accepted",
        accepts_any_class,
    ),
    Difference(
        r"vl_nnconv(t)?/.*(cudnnws_negative|cudnnws_string|opt_ws_bad)$",
        "CudnnWorkspaceLimit is checked on every machine",
        fails_with("CudnnWorkSpaceLimit is not a non-negative scalar."),
    ),
    Difference(
        r"vl_nnconvt/.*_oom_crop_too_large_[hw]$",
        "A crop larger than the output is an error",
        fails_with("The output array is empty due to CROP being too large."),
    ),
    Difference(r"dagnn/.*_scale_in_sizes$", "Sizes are known for Scale with two inputs", all_sizes_are_one),
]


ROUGH = [
    Rough(
        r"vl_nnnormalize/|/.*(normalize|lrn)|vl_simplenn.*_bnet3?_|dagnn/.*_bnorm_",
        "vl_nnnormalize computes the power exactly",
        1e-2,
    ),
    Rough(r"vl_nnbnorm/.*_offset_input", "vl_nnbnorm sums the variance about the mean", 1.0),
]


def files() -> list[Path]:
    """The files of recorded calls; networks and training runs have another form, and tests of their own."""
    return [path for path in sorted(FOLDER.glob("*.mat")) if fields(path) >= FIELDS]


@functools.cache
def every_case() -> list[Case]:
    return [case for path in files() for case in read(path)]


def fields(path: Path) -> set[str]:
    cases = load(path, mat_dtype=False)
    return set() if cases is None else set(cases.dtype.names or ())


def load(path: Path, *, mat_dtype: bool) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", np.exceptions.ComplexWarning)
        loaded = scipy.io.loadmat(path, mat_dtype=mat_dtype)
    return loaded["cases"].ravel() if "cases" in loaded else None


def read(path: Path) -> Iterator[Case]:
    # MATLAB's classes come with mat_dtype, which however drops imaginary parts.
    for typed, stored in zip(load(path, mat_dtype=True), load(path, mat_dtype=False), strict=True):
        arguments = zip(cells(typed["args"]), cells(stored["args"]), strict=True)
        yield Case(
            file=path.stem,
            name=text(typed["name"]),
            function=text(typed["fn"]),
            args=[argument(raw if raw.dtype.kind == "c" else value) for value, raw in arguments],
            nargout=int(typed["nargout"].item()),
            outputs=cells(typed["out"]),
            error=text(typed["err"]),
            interpreted=text(typed["errkind"]) == "octave",
            printed=text(typed["text"]),
        )


def text(value: Any) -> str:
    return str(value.ravel()[0]) if value.size else ""


def cells(value: Any) -> list[Any]:
    return list(value.ravel(order="F"))


def argument(value: Any) -> Any:
    """A loaded MATLAB value as a Python caller would write it."""
    if value.dtype.kind in "US":
        return text(value) if value.size <= 1 else [str(row) for row in value.ravel()]
    if value.dtype.names is not None:
        records = [{name: argument(record[name]) for name in value.dtype.names} for record in cells(value)]
        return records[0] if len(records) == 1 else records
    if value.dtype == object:
        return {} if no_fields(value) else [argument(cell) for cell in cells(value)]
    return np.asfortranarray(value)


def no_fields(value: Any) -> bool:
    """SciPy loads a struct without fields as a cell that holds None."""
    return bool(value.size == 1 and value.item() is None)


def assert_same(got: Any, want: Any, tolerance: float = 0.0, where: str = "output") -> None:
    """Fail unless `got` is what SciPy loaded as `want`."""
    if want.dtype.kind in "US":
        assert str("" if got is None or np.size(got) == 0 else got) == text(want), where
    elif want.dtype.names is not None:
        elements = [got] if want.size == 1 and not isinstance(got, (list, tuple)) else list(got or [])
        assert len(elements) == want.size, where
        for position, (element, record) in enumerate(zip(elements, cells(want), strict=True)):
            for name in want.dtype.names:
                if name not in TIMES:
                    assert_same(member(element, name), record[name], tolerance, f"{where}[{position}].{name}")
    elif want.dtype == object:
        if no_fields(want):
            return
        elements = cells(got) if isinstance(got, np.ndarray) else list(got or [])
        assert len(elements) == want.size, where
        for position, (element, cell) in enumerate(zip(elements, cells(want), strict=True)):
            assert_same(element, cell, tolerance, f"{where}{{{position}}}")
    else:
        assert_same_array(got, want, tolerance, where)


def member(element: Any, name: str) -> Any:
    return element.get(name) if isinstance(element, dict) else getattr(element, name, None)


def assert_same_array(got: Any, want: Any, tolerance: float, where: str) -> None:
    got = on_host(got, want.dtype)
    if want.dtype.kind == "f" and got.size:
        assert got.dtype == want.dtype, where
    if want.size == 0 and got.size == 0 and want.ndim == 2:
        return  # [] in one of its many shapes
    assert shape(got) == shape(want), where
    numbers, expected = got.astype(np.float64), want.reshape(got.shape, order="F").astype(np.float64)
    np.testing.assert_array_equal(np.isnan(numbers), np.isnan(expected), f"{where}: where NaN is")
    infinite = np.isinf(expected)
    np.testing.assert_array_equal(np.where(np.isinf(numbers), numbers, 0), np.where(infinite, expected, 0), where)
    finite = np.isfinite(expected)
    limit = max(SINGLE if want.dtype == np.float32 else DOUBLE, tolerance)
    scale = max(1.0, float(np.abs(expected[finite]).max(initial=0.0)))
    np.testing.assert_allclose(numbers[finite] / scale, expected[finite] / scale, rtol=0, atol=limit, err_msg=where)


def on_host(value: Any, dtype: Any) -> Any:
    """A number, a list or an array of any library as a NumPy array."""
    if hasattr(value, "get") and not isinstance(value, dict):
        value = value.get()
    if isinstance(value, (bool, int, float)):
        return np.asarray(value, dtype)
    if value is None or (isinstance(value, (list, tuple)) and not value):
        return np.zeros((0, 0))
    return np.asarray(value)


def shape(array: Any) -> tuple[int, ...]:
    """A size as MATLAB has it: two dimensions or more, and no ones after the second."""
    dims = [*array.shape, *(1,) * (2 - array.ndim)]
    while len(dims) > 2 and dims[-1] == 1:
        dims.pop()
    return tuple(dims)
