"""A network that has been changed, and what its variables were before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from vlnn.convert.weights import Network
from vlnn.matlab.arrays import Array


def unchanged(x: Array) -> Array:
    """The input as it is."""
    return x


@dataclass(frozen=True)
class Changed:
    """A network made from another.

    Attributes
    ----------
    net : SimpleNN or DagNN
    renamed : dict
        For variables that have the value that another variable had: the name of that one. None: no variable had it.
    before : function
        The input of the original that belongs to an input of `net`.
    notes : list of str
        What there is to say about it, in sentences.
    """

    net: Network
    renamed: Mapping[str, str | None] = field(default_factory=dict)
    before: Callable[[Array], Array] = unchanged
    notes: tuple[str, ...] = ()

    def then(self, change: Callable[[Network], Changed]) -> Changed:
        """The same network with one more change."""
        after = change(self.net)
        renamed = {name: source and self.renamed.get(source, source) for name, source in after.renamed.items()}
        return Changed(
            after.net,
            {**self.renamed, **renamed},
            lambda x: self.before(after.before(x)),
            (*self.notes, *after.notes),
        )
