"""What a property or an option may be: readers that return its value in one form, or say which rule is broken.

A reader takes the name, for its message, and the value as the caller gave it: numbers of any class, in any container.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Sequence
from typing import Any, Literal, NoReturn, TypeAlias

import numpy as np

from vlnn.errors import MatConvNetError
from vlnn.geometry import sizes
from vlnn.matlab.arguments import plain, received
from vlnn.matlab.arrays import CLASSES, Array, is_array

Pairs: TypeAlias = tuple[tuple[int, int], ...]  # (begin, end) of every dimension
Crop: TypeAlias = Pairs | Literal["same"]
Initializer: TypeAlias = str | Callable[[tuple[int, ...]], Any]

CROPPING_FORMS = {1: ["[l r]"], 2: ["[a b]", "[t b l r]"], 3: ["[a b c]", "[t l f; b r k]"]}


def refuse(name: str, rule: str, value: Any) -> NoReturn:
    """Say which property or option breaks which rule, and with what."""
    elements = plain(value) if is_array(value) or isinstance(value, np.generic) else None
    if elements is None or len(elements) > 6:
        raise MatConvNetError(f"{name} is not {rule}. Received {received(value)}.")
    listed = " ".join(f"{element:g}" for element in elements)
    raise MatConvNetError(f"{name} is not {rule}. Received {f'[{listed}]' if value.ndim else listed}.")


def text(name: str, value: object) -> str:
    """A string or a character vector; also an array of one string, as files give it."""
    found = as_text(value)
    return refuse(name, "a string", value) if found is None else found


def as_text(value: object) -> str | None:
    if isinstance(value, np.ndarray) and value.dtype.kind == "U" and value.size == 1:
        value = value.item()
    return str(value) if isinstance(value, str) else None


def positive_integer(name: str, value: object) -> int:
    numbers = _integers(value, least=1)
    return numbers[0] if numbers and len(numbers) == 1 else refuse(name, "a positive integer", value)


def positive_integers(name: str, value: object, count: int) -> tuple[int, ...]:
    """One positive integer for every dimension; one alone stands for all."""
    numbers = _integers(value, least=1)
    if numbers and len(numbers) in (1, count):
        return tuple(numbers) if len(numbers) == count else tuple(numbers) * count
    if count == 1:
        return refuse(name, "a positive integer", value)
    return refuse(name, f"a positive integer or a vector of {count} positive integers", value)


def channels(name: str, value: object) -> int | None:
    """A positive integer, or 'auto', which is None here."""
    if (as_text(value) or "").lower() == "auto":
        return None
    numbers = _integers(value, least=1)
    return numbers[0] if numbers and len(numbers) == 1 else refuse(name, "'auto' or a positive integer", value)


def nonnegative_number(name: str, value: object) -> float:
    numbers = plain(value)
    if not numbers or len(numbers) != 1 or not 0 <= numbers[0] < math.inf:
        return refuse(name, "a nonnegative number", value)
    return numbers[0]


def cropping(name: str, value: Any, dims: int, matrix: bool) -> Crop:
    """'same', or what to cut off each dimension; with `matrix` also begins in one row and ends in another."""
    word, numbers = as_text(value), _integers(value, least=0)
    if word is not None and word.lower() == "same":
        return "same"
    shape = value.shape if is_array(value) else np.shape(value) if numbers else ()
    if numbers and len(numbers) == 1:
        return ((numbers[0],) * 2,) * dims
    if numbers and matrix and dims > 1 and shape == (2, dims):
        return _in_pairs(numbers)  # in column-major order
    if numbers and len(numbers) in shape:  # a row or a column
        if len(numbers) == dims:
            return tuple((both, both) for both in numbers)
        if len(numbers) == 2 * dims and dims < 3:
            return _in_pairs(numbers)
    forms = ["'same'", "a nonnegative integer", *CROPPING_FORMS[dims], *["[t l; b r]"] * (matrix and dims == 2)]
    return refuse(name, f"{', '.join(forms[:-1])} or {forms[-1]}", value)


def initializer(name: str, value: object, known: Sequence[str]) -> Initializer:
    """One of some names, or a function of the size."""
    if callable(value):
        return value
    word = as_text(value)
    if word is not None:
        found = "narrow-normal" if word.lower() == "narrownormal" else word.lower()
        if found in known:
            return found
    near = difflib.get_close_matches(word.lower(), known, 1) if word else []
    hint = f" (did you mean '{near[0]}'?)" if near else ""
    return refuse(name, f"{', '.join(map(repr, known))} or a function{hint}", value)


def numeric(name: str, value: object) -> Array:
    """A real array in single or double; None, [] and empty arrays of any class are empty. Integers become double."""
    try:
        array: Array = value if is_array(value) else np.asarray(() if value is None else value)
    except (TypeError, ValueError):  # a ragged list, or a list of arrays on a GPU
        refuse(name, "a real numeric array", value)
    if array.dtype.kind not in "iufb":
        refuse(name, "a real numeric array", value)
    dtype = array.dtype.newbyteorder("=")
    if dtype not in CLASSES:
        dtype = np.dtype(np.float32 if dtype == np.float16 else np.float64)
    return array.astype(dtype, copy=False)


def sized(name: str, value: object, want: tuple[int | None, ...], rule: str) -> Array:
    """A numeric array of a size, whatever ones it lacks at its end; None in `want` is any length."""
    array = numeric(name, value)
    size = array.shape + (1,) * (len(want) - array.ndim)
    fits = array.size and len(size) == len(want)
    if not fits or any(length not in (None, its) for length, its in zip(want, size, strict=True)):
        needed = "x".join("C" if length is None else str(length) for length in want)
        raise MatConvNetError(
            f"{name} is not {rule}, {needed} here. Received {sizes(array.shape) or '1x1'} {array.dtype.name}."
        )
    return array.reshape(size)


def _integers(value: object, least: int) -> list[int] | None:
    """The elements of a matrix of integers, in column-major order; None for anything else."""
    numbers = plain(value)
    if numbers is None or not all(least <= number < math.inf and number.is_integer() for number in numbers):
        return None
    return [int(number) for number in numbers]


def _in_pairs(numbers: list[int]) -> Pairs:
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))
