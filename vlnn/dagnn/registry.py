"""Block classes by their names, and the block of a saved network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from vlnn.dagnn.extents import UNKNOWN_SIZE, Size
from vlnn.dagnn.layer import Derivatives, Layer
from vlnn.dagnn.reading import scalar_of
from vlnn.errors import MatConvNetError
from vlnn.matlab.values import Struct

Class = TypeVar("Class", bound=type[Layer])


def register(cls: Class) -> Class:
    """Make a block class known to ``DagNN.loadobj`` and ``load_network``, by its name with or without 'dagnn.'.

    A class with the name of one of MatConvNet's blocks takes its place. Fields of a file that the class does not
    declare are set on the block all the same.

    >>> from vlnn import dagnn
    >>> @dagnn.register
    ... class HalfSquaredLoss(dagnn.Loss):
    ...     def forward(self, inputs, params):
    ...         return [((inputs[0] - inputs[1]) ** 2).sum() / 2]
    ...     def backward(self, inputs, params, derOutputs):
    ...         return [(inputs[0] - inputs[1]) * derOutputs[0], None], []
    """
    if not (isinstance(cls, type) and issubclass(cls, Layer)):
        raise TypeError(f"register takes a subclass of vlnn.dagnn.Layer. Received {cls!r}.")
    Layer._classes[cls.__name__] = cls
    return cls


class Unknown(Layer):
    """A block of a class that nobody has registered: loaded with all its fields, and saved with them.

    Attributes
    ----------
    fields : Struct
        What the file holds of it.
    """

    def __init__(self, type: str = "dagnn.Unknown", fields: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self.type, self.fields = type, Struct(fields or {})

    def save(self) -> Struct:
        return self.fields.copy()

    def forward(self, inputs: list[Any], params: list[Any]) -> Sequence[Any]:
        raise self._cannot("forward(self, inputs, params) -> outputs")

    def backward(self, inputs: list[Any], params: list[Any], derOutputs: list[Any]) -> Derivatives:
        raise self._cannot("backward(self, inputs, params, derOutputs) -> (derInputs, derParams)")

    def getOutputSizes(self, inputSizes: list[Size]) -> Sequence[Size]:
        return [UNKNOWN_SIZE]

    def _cannot(self, method: str) -> MatConvNetError:
        name, fields = self.type.rpartition(".")[2], ", ".join(self.fields) or "none"
        return MatConvNetError(
            f"No class is registered for the block type `{self.type}` (its fields: {fields}). Write a class {name} "
            f"that derives from vlnn.dagnn.Layer, ElementWise or Loss and has {method}, put @vlnn.dagnn.register "
            "before it, and load the network again."
        )


def is_ours(cls: type[Layer]) -> bool:
    """Whether a class is one of MatConvNet's, as against one of the user's."""
    return cls.__module__.startswith("vlnn.")


def load_block(type_: str, fields: Mapping[str, Any], tolerant: bool) -> Layer:
    """The block of a saved network: of the class with that name, or :class:`Unknown`.

    MatConvNet's classes refuse fields that no version of it has, unless they are `tolerant`.
    """
    block: Layer
    cls = _find(type_)
    if cls is None:
        return Unknown(type_, fields)
    block = cls()
    block.type = type_
    declared = block.properties()
    for name, value in fields.items():
        if name in block._not_kept:
            continue
        if name in declared or (is_ours(cls) and not tolerant):
            block.load({name: value})
            continue
        setattr(block, name, scalar_of(value))
        block.kept = (*block.kept, name)
    return block


def _find(type_: str) -> type[Layer] | None:
    name = type_.removeprefix("dagnn.")
    cls = Layer._classes.get(name)
    if cls is None and "." in name:  # a class in a package of the user's
        cls = Layer._classes.get(name.rpartition(".")[2])
        return None if cls is None or is_ours(cls) else cls
    return cls
