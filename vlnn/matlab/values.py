"""MATLAB's values that are no arrays: structs, cells, character matrices, objects.

Where MATLAB has a 1x1 struct, vlnn has a :class:`Struct`; where it has a struct array, a cell array or a character
matrix, vlnn has a list. The lists that files give know which of the three they are, so that they are saved as that.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

T = TypeVar("T")
Self = TypeVar("Self", bound="Elements[Any]")


class Struct(dict[str, Any]):
    """A 1x1 MATLAB struct: ordered fields, read and written as attributes or as items.

    >>> s = Struct(name="conv1", pad=0)
    >>> s.pad = 1
    >>> s["pad"], list(s)
    (1, ['name', 'pad'])
    """

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            known = ", ".join(self) or "none"
            raise AttributeError(f"The struct has no field {name!r}; its fields: {known}.") from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __delattr__(self, name: str) -> None:
        try:
            del self[name]
        except KeyError:
            raise AttributeError(f"The struct has no field {name!r}.") from None

    def copy(self) -> Struct:
        """A struct of its own with the same values."""
        return Struct(self)

    def __repr__(self) -> str:
        return f"Struct({', '.join(f'{name}={value!r}' for name, value in self.items())})"


class Elements(list[T]):
    """A list that knows the size of the MATLAB array whose elements it holds, in MATLAB's (column-major) order.

    The size follows when elements are added or removed: a column stays a column, anything else becomes a row. Slices,
    sums and copies are of the same kind.
    """

    _shape: tuple[int, ...]

    def __init__(self, elements: Iterable[T] = (), shape: Sequence[int] | None = None) -> None:
        super().__init__(elements)
        self._shape = (min(1, len(self)), len(self)) if shape is None else tuple(shape)

    @property
    def shape(self) -> tuple[int, ...]:
        if math.prod(self._shape) == len(self):
            return self._shape
        return (len(self), 1) if self._shape[0] != 1 and self._shape[1:] == (1,) else (1, len(self))

    def _like(self: Self, elements: Iterable[Any]) -> Self:
        return type(self)(elements, self._shape)

    def copy(self: Self) -> Self:
        return self._like(self)

    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        return self._like(found) if isinstance(index, slice) else found

    def __add__(self: Self, others: Any) -> Self:  # type: ignore[override]
        return self._like([*self, *others]) if isinstance(others, list) else NotImplemented


class Cell(Elements[Any]):
    """A MATLAB cell array that is a row, a column or empty.

    One with more than one row and more than one column is a NumPy array of dtype object instead.
    """


class StructArray(Elements[Struct]):
    """A MATLAB struct array; one of size 1x1 is a :class:`Struct` instead.

    Attributes
    ----------
    fields : tuple of str
        The names of the fields, which an array without elements has too.
    """

    def __init__(
        self, elements: Iterable[Struct] = (), shape: Sequence[int] | None = None, fields: Iterable[str] = ()
    ) -> None:
        super().__init__(elements, shape)
        self._fields = tuple(fields)

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for element in self for name in element)) or self._fields

    def _like(self, elements: Iterable[Struct]) -> StructArray:
        return StructArray(elements, self._shape, self._fields)


class CharMatrix(Elements[str]):
    """A MATLAB character array with other than one row: its rows, which have as many letters each."""

    @property
    def shape(self) -> tuple[int, ...]:
        columns = len(self[0]) if self else self._shape[1]
        if (math.prod((self._shape[0], *self._shape[2:])), self._shape[1]) == (len(self), columns):
            return self._shape
        return (len(self), columns)


class Opaque:
    """A MATLAB object, a function handle or another value that Python has no equal for.

    Attributes
    ----------
    class_name : str
        Its MATLAB class.
    fields : Struct
        Its properties, as far as they could be read.
    """

    __slots__ = ("class_name", "fields")

    def __init__(self, class_name: str, fields: Struct | None = None) -> None:
        self.class_name = class_name
        self.fields = Struct() if fields is None else fields

    def __repr__(self) -> str:
        return f"<MATLAB {self.class_name} with {', '.join(self.fields) or 'nothing that could be read'}>"
