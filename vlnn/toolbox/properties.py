"""Properties that check what is assigned to them, and objects that have no others."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

from vlnn.matlab.arguments import received
from vlnn.matlab.arrays import is_array, library

T = TypeVar("T")


class Checked(Generic[T]):
    """A property that is what its reader makes of the value assigned to it."""

    def __init__(self, read: Callable[[str, object], T]) -> None:
        self.read = read

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, owner: None, cls: type) -> Checked[T]: ...
    @overload
    def __get__(self, owner: object, cls: type) -> T: ...
    def __get__(self, owner: object | None, cls: type) -> Checked[T] | T:
        if owner is None:
            return self
        value: T = owner.__dict__[self.name]
        return value

    def __set__(self, owner: object, value: object) -> None:
        owner.__dict__[self.name] = self.read(self.name, value)


def check_assignable(owner: object, name: str, value: object) -> None:
    """Fail if an object has no property of that name, or one that can only be read."""
    cls = type(owner)
    declared = getattr(cls, name, None)
    if isinstance(declared, property) and declared.fset is None:
        raise AttributeError(f"{name} of a {cls.__name__} is read-only. Received {received(value)}.")
    if name.startswith("_") or hasattr(declared, "__set__"):
        return
    known = [each for each in dir(cls) if each[0].isupper() and hasattr(getattr(cls, each), "__set__")]
    near = difflib.get_close_matches(name, known, 1)
    hint = f"Did you mean {near[0]}?" if near else f"It has {', '.join(known)}."
    raise AttributeError(f"A {cls.__name__} has no property {name}. {hint}")


def copied(value: Any) -> Any:
    """An array of one's own; anything else as it is."""
    return value.copy(order="F") if is_array(value) else value


def equal(one: Any, other: Any) -> bool:
    """Whether two values of a property are the same, as isequal has it: of arrays the sizes and the numbers."""
    if not is_array(one) or not is_array(other):
        return not is_array(one) and not is_array(other) and bool(one == other)
    return library(one) is library(other) and bool(library(one).array_equal(one, other))
