"""MatConvNet's calling convention: name/value options in any case, flags, and how many outputs are asked for.

A function declares its options in an :class:`OptionTable`; ``parse`` reads one call. Everything that MatConvNet checks
while it reads options is checked here, in the order in which they stand, so that a sticky choice made before a bad
option has already taken effect.
"""

from __future__ import annotations

import difflib
import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, ParamSpec, TypeVar

import numpy as np

from vlnn.errors import MatConvNetError
from vlnn.matlab.arrays import is_array
from vlnn.settings import settings

P = ParamSpec("P")
R = TypeVar("R")

INT_MIN = -(2**31)
DOUBLE = (np.dtype(np.float64), np.dtype(np.int64))  # what NumPy makes of Python's numbers


class Option(NamedTuple):
    """One option: its name as MatConvNet spells it, how to read its value (None for a flag), its default."""

    name: str
    read: Callable[[object], Any] | None = None
    default: Any = False
    sticky: Callable[[Any], None] | None = None  # called while options are read
    sets: str = ""  # the option of which this is another name
    value: Any = True  # what a flag stands for


class Call(NamedTuple):
    """What a call asked for: backward or forward, the derivative given, and every option's value by its name."""

    backward: bool
    dzdy: Any
    options: dict[str, Any]


def _choose_cudnn(_: object) -> None:
    settings.cudnn = True


def _choose_no_cudnn(_: object) -> None:
    settings.cudnn = False


def _limit_workspace(value: object) -> None:
    settings.cudnn_workspace_limit = value  # type: ignore[assignment]


def _read_limit(value: object) -> object:
    """The number in a scalar; anything else as it is, for the setting to refuse."""
    elements = plain(value)
    return elements[0] if elements and len(elements) == 1 else value


CUDNN_FLAGS = (Option("CuDNN", sticky=_choose_cudnn), Option("NoCuDNN", sticky=_choose_no_cudnn))
WORKSPACE_LIMIT = Option("CudnnWorkSpaceLimit", _read_limit, None, _limit_workspace)


class OptionTable:
    """The options of one function, and the rule by which its backward argument is told from an option.

    Parameters
    ----------
    function : str
        The function's name, for messages.
    inputs : int
        How many arguments stand before the backward one, or before the options where there is none.
    options : Option
        What the function understands.
    """

    def __init__(self, function: str, inputs: int, *options: Option) -> None:
        self.function = function
        self.inputs = inputs
        self._by_name = {option.name.lower(): option for option in options}
        self._defaults = {option.name: option.default for option in options if not option.sets}

    def parse(self, dzdy: object, pairs: Sequence[object], keywords: dict[str, object]) -> Call:
        """Read what follows the first arguments: the derivative (or the first option), pairs and flags, keywords."""
        first = self.inputs + 2  # the MATLAB position of the first of `pairs`
        backward = dzdy is not None
        if isinstance(dzdy, str):
            pairs, dzdy, backward, first = (dzdy, *pairs), None, False, first - 1
        return Call(backward, dzdy, self._read(pairs, keywords, first))

    def options(self, pairs: Sequence[object], keywords: dict[str, object]) -> dict[str, Any]:
        """Read what follows the first arguments of a function that has no backward one."""
        return self._read(pairs, keywords, self.inputs + 1)

    def _read(self, pairs: Sequence[object], keywords: dict[str, object], first: int) -> dict[str, Any]:
        values = self._defaults.copy()
        position = 0
        while position < len(pairs):
            option = self._find(pairs[position], first + position)
            position += 1
            value = option.value
            if option.read is not None:
                if position == len(pairs):
                    raise MatConvNetError(f"Option '{option.name}' requires an argument.")
                value = pairs[position]
                position += 1
            self._take(option, value, values)
        for name, value in keywords.items():
            option = self._find(name, 0)
            if option.read is not None:
                self._take(option, value, values)
            elif value:  # a flag set to False leaves things as they are
                self._take(option, option.value, values)
        return values

    def _take(self, option: Option, value: object, values: dict[str, Any]) -> None:
        if option.read is not None:
            value = option.read(value)
        if option.sticky is not None:
            option.sticky(value)
        values[option.sets or option.name] = value

    def _find(self, name: object, position: int) -> Option:
        if not isinstance(name, str):
            raise MatConvNetError(
                f"The option name is not a string (argument number {position}). Received {received(name)}."
            )
        option = self._by_name.get(name.lower())
        if option is None:
            known = [option.name for option in self._by_name.values()]
            near = difflib.get_close_matches(name.lower(), self._by_name, 1, 0.5)
            hint = f" Did you mean '{self._by_name[near[0]].name}'?" if near else ""
            raise MatConvNetError(f"Unknown option '{name}'.{hint} {self.function} knows {', '.join(known)}.")
        return option


def received(value: object) -> str:
    """A value in a few words, for the end of a message."""
    if is_array(value):
        array: Any = value
        size = "x".join(map(str, array.shape)) or "1x1"
        return f"a {size} array of class {array.dtype}"
    text = repr(value)
    return text if len(text) <= 60 else f"{type(value).__name__} {text[:50]}..."


def plain(value: object, double_only: bool = False) -> list[float] | None:
    """The elements, in MATLAB's order, of a real matrix of any numeric class; None for anything else.

    Options may be of any class. For arguments in front of them `double_only` keeps MatConvNet's rule; NumPy's default
    integers count as double.
    """
    if isinstance(value, (int, float)):
        return [float(value)]
    if isinstance(value, (list, tuple)) and all(isinstance(element, (int, float)) for element in value):
        return [float(element) for element in value]
    if double_only and is_array(value) and value.dtype.newbyteorder("=") not in DOUBLE:  # type: ignore[attr-defined]
        return None
    if is_array(value) and not isinstance(value, np.ndarray):
        value = value.get()  # type: ignore[attr-defined]
    if value is None:
        return []
    if isinstance(value, (str, bytes, dict)):
        return None
    try:
        matrix = np.asarray(value)
    except (TypeError, ValueError):  # a ragged list, or a list of arrays on a GPU
        return None
    if matrix.ndim > 2 or (matrix.size and matrix.dtype.kind not in "iufb"):
        return None
    return [float(element) for element in matrix.ravel(order="F")]


def truncate(value: float) -> int:
    """C's cast from double to int, which MatConvNet applies to its options: towards zero; NaN and Inf to INT_MIN."""
    return int(value) if math.isfinite(value) and abs(value) < -INT_MIN else INT_MIN


def pair(label: str, double_only: bool = False) -> Callable[[object], tuple[int, int]]:
    """A reader of one or two integers, [y x]."""

    def read(value: object) -> tuple[int, int]:
        elements = _matrix(label, value, double_only)
        if len(elements) not in (1, 2):
            raise MatConvNetError(f"{label} has neither one nor two elements. Received {received(value)}.")
        return elements[0], elements[-1]

    return read


def four_sides(label: str, count: str = "four") -> Callable[[object], tuple[int, int, int, int]]:
    """A reader of one or four integers, [top bottom left right]; `count` as MatConvNet's message says it."""

    def read(value: object) -> tuple[int, int, int, int]:
        elements = _matrix(label, value)
        if len(elements) not in (1, 4):
            raise MatConvNetError(
                f"{label} has neither one nor {count} elements. Received {received(value)}; one or four are needed."
            )
        top, bottom, left, right = elements * 4 if len(elements) == 1 else elements
        return top, bottom, left, right

    return read


def scalar(label: str) -> Callable[[object], int]:
    """A reader of one integer."""

    def read(value: object) -> int:
        elements = plain(value)
        if elements is None or len(elements) != 1:
            raise MatConvNetError(f"{label} is not a plain scalar. Received {received(value)}.")
        return truncate(elements[0])

    return read


def real(label: str) -> Callable[[object], float]:
    """A reader of one number."""

    def read(value: object) -> float:
        elements = plain(value)
        if elements is None or len(elements) != 1:
            raise MatConvNetError(f"{label} is not a plain scalar. Received {received(value)}.")
        return elements[0]

    return read


def vector(label: str) -> Callable[[object], list[int]]:
    """A reader of one or more integers in a row or a column."""

    def read(value: object) -> list[int]:
        elements = plain(value)
        if not elements or (len(elements) > 1 and len(elements) not in np.shape(value)):  # type: ignore[call-overload]
            raise MatConvNetError(f"{label} is not a plain vector. Received {received(value)}.")
        return [truncate(element) for element in elements]

    return read


def as_given(value: object) -> object:
    """The reader of an option that is checked where it is used."""
    return value


def choice(label: str, *names: str) -> Callable[[object], str]:
    """A reader of one of some names, in any case."""

    def read(value: object) -> str:
        if not isinstance(value, str):
            raise MatConvNetError(f"{label} is not a string. Received {received(value)}.")
        if value.lower() not in names:
            raise MatConvNetError(
                f"{label} is not a supported {label.lower()}. Received {value!r}; {' and '.join(names)} are known."
            )
        return value.lower()

    return read


def _matrix(label: str, value: object, double_only: bool = False) -> list[int]:
    elements = plain(value, double_only)
    if elements is None:
        raise MatConvNetError(f"{label} is not a plain matrix. Received {received(value)}.")
    return [truncate(element) for element in elements]


def matlab_function(
    inputs: int, words: str, sentence: str = "There are less than {} arguments."
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a call with too few arguments fail with MatConvNet's sentence instead of Python's."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        name = getattr(function, "__name__", "")

        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            if len(args) < inputs:
                names = function.__code__.co_varnames[len(args) : inputs]
                if any(missing not in kwargs for missing in names):
                    raise MatConvNetError(f"{sentence.format(words)} Received {len(args)}; {name} needs {inputs}.")
            return function(*args, **kwargs)

        return call

    return decorate


def outputs_wanted(function: str, nargout: int | None, most: int) -> int:
    """How many outputs to compute: `nargout`, or all `most` of them when it was left out."""
    if nargout is None:
        return most
    if isinstance(nargout, bool) or not isinstance(nargout, (int, np.integer)) or nargout < 0:
        raise MatConvNetError(f"nargout is not a non-negative integer. Received {nargout!r}.")
    if nargout > most:
        raise MatConvNetError(f"Too many output arguments. Received nargout={nargout}; {function} has {most} here.")
    return int(nargout)


def give(outputs: Sequence[Any], nargout: int | None) -> Any:
    """Outputs as MATLAB's Python engine returns them: nothing, one value, or a tuple."""
    if nargout is None:
        return outputs[0] if len(outputs) == 1 else tuple(outputs)
    if nargout <= 1:
        return outputs[0] if nargout else None
    return tuple(outputs[:nargout])
