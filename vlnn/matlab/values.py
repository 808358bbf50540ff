"""MATLAB's values that are no arrays: structs."""

from __future__ import annotations

from typing import Any


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
