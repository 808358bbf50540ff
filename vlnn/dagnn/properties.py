"""The properties of blocks: what a file or a caller gives, read once, in the form that the block works with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

import numpy as np

from vlnn.dagnn.reading import empty, scalar_of, value_of
from vlnn.errors import MatConvNetError
from vlnn.matlab.arguments import received
from vlnn.matlab.arrays import is_array
from vlnn.matlab.values import Cell

T = TypeVar("T")
Number = int | float


class Property(Generic[T]):
    """A property in the body of a block class: its default, and how to read what it is set to."""

    def __init__(self, default: Any, read: Callable[[Any], T]) -> None:
        self.default = default
        self.read = read

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, block: None, owner: type) -> Property[T]: ...
    @overload
    def __get__(self, block: object, owner: type) -> T: ...
    def __get__(self, block: object | None, owner: type) -> Property[T] | T:
        if block is None:
            return self
        if self.name not in block.__dict__:  # a list of one's own, which may be added to
            block.__dict__[self.name] = self.read(self.default)
        value: T = block.__dict__[self.name]
        return value

    def __set__(self, block: object, value: Any) -> None:
        try:
            block.__dict__[self.name] = self.read(value)
        except (TypeError, ValueError):
            raise MatConvNetError(
                f"The property `{self.name}` of a layer of type `{type(block).__name__}` cannot be "
                f"{received(value_of(value))}."
            ) from None


def vector(value: Any) -> tuple[Number, ...]:
    """The numbers in a matrix of any class, in MATLAB's order."""
    value = value_of(value)
    if is_array(value) and not isinstance(value, np.ndarray):
        value = value.get()
    array = np.asarray(() if value is None else value)
    if array.size and array.dtype.kind not in "iufb":
        raise TypeError
    return tuple(_number(element) for element in array.ravel(order="F").tolist())


def pair(value: Any) -> tuple[Number, ...]:
    """[y x], or one number for both."""
    numbers = vector(value)
    return numbers * 2 if len(numbers) == 1 else numbers


def four_sides(value: Any) -> tuple[Number, ...]:
    """[top bottom left right], one number for all, or [vertical horizontal]."""
    numbers = vector(value)
    if len(numbers) == 1:
        return numbers * 4
    return (numbers[0], numbers[0], numbers[1], numbers[1]) if len(numbers) == 2 else numbers


def four_sizes(value: Any) -> tuple[Number, ...]:
    """[FH FW C K], ones added at the end, which MATLAB drops."""
    return (*vector(value), 1, 1, 1, 1)[:4]


def number(value: Any) -> Number:
    """One number."""
    numbers = vector(value)
    if len(numbers) != 1:
        raise ValueError
    return numbers[0]


def flag(value: Any) -> bool:
    """A truth value."""
    return bool(number(value))


def text(value: Any) -> str:
    """A string."""
    value = value_of(value)
    if not isinstance(value, str):
        raise TypeError
    return value


def options(value: Any) -> list[Any]:
    """A cell of options to hand on to a vl_* function: names and their values."""
    value = value_of(value)
    if empty(value):
        return []
    if isinstance(value, dict):
        return [item for pair_ in value.items() for item in pair_]
    elements = value if isinstance(value, (list, tuple)) else [value]
    return [value_of(element) for element in elements]


def like(default: Any, value: Any) -> Any:
    """A value in the form of a default that is no :class:`Property`: that of a user's own class."""
    value = scalar_of(value)
    if isinstance(default, bool):
        return bool(value)
    if isinstance(default, (tuple, list)) and is_array(value):
        return type(default)(vector(value))
    return "" if isinstance(default, str) and empty(value) else value


def saved(value: Any) -> Any:
    """A property as MATLAB has it: numbers are doubles, tuples of numbers rows, lists cells."""
    if isinstance(value, bool):
        return np.array([[value]])
    if isinstance(value, (int, float)):
        return np.array([[float(value)]])
    if isinstance(value, tuple) and not any(isinstance(element, str) for element in value):
        return np.array([value] if value else [], np.float64).reshape(min(1, len(value)), len(value))
    return Cell(saved(element) for element in value) if isinstance(value, (list, tuple)) else value


def _number(element: Any) -> Number:
    return int(element) if isinstance(element, bool) or float(element).is_integer() else float(element)
