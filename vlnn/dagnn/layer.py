"""What the blocks of a DagNN have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from vlnn.dagnn import properties
from vlnn.dagnn.extents import SAME_PIXEL, UNKNOWN_FIELD, ReceptiveField, Size
from vlnn.dagnn.properties import Property
from vlnn.dagnn.reading import empty
from vlnn.errors import MatConvNetError
from vlnn.matlab.arrays import Array
from vlnn.matlab.values import Struct
from vlnn.settings import settings

Derivatives = tuple[Sequence[Any], Sequence[Any]]  # in the inputs, in the parameters; None where there is none
Classes = dict[str, "type[Layer]"]


class Layer:
    """The base of all blocks.

    A subclass computes in ``forward`` and ``backward``. What stands in its body is a property: it can be given to the
    constructor, is read from a file and written to one. What it sets on itself, best in ``reset``, is transient. With
    ``@vlnn.dagnn.register`` before it, the class is found when a network is loaded.

    Attributes
    ----------
    net : DagNN or None
        The network to which the block belongs.
    layerIndex : int
        Where in ``net.layers`` it stands.
    type : str
        The name of its class in MATLAB, such as 'dagnn.Conv'.
    kept : tuple of str
        Names of attributes that a file had and the class does not declare; they are saved with its properties.

    >>> import numpy as np
    >>> from vlnn import dagnn
    >>> class Times(dagnn.ElementWise):
    ...     factor = 1.0
    ...     def forward(self, inputs, params):
    ...         return [self.factor * inputs[0]]
    ...     def backward(self, inputs, params, derOutputs):
    ...         return [self.factor * derOutputs[0]], []
    >>> net = dagnn.DagNN()
    >>> net.addLayer('twice', Times(factor=2), 'x', 'y')
    >>> net.eval({'x': np.ones((1, 2))})
    >>> net.getVar('y').value
    array([[2., 2.]])
    """

    net: Any = None
    layerIndex: int = -1
    type: str = ""
    kept: tuple[str, ...] = ()

    _classes: ClassVar[Classes] = {}  # those registered, by their names
    _not_kept: ClassVar[frozenset[str]] = frozenset()  # fields of files that are transient, or other versions' own

    def __init__(self, *args: Any, **options: Any) -> None:
        self.type = f"dagnn.{self.__class__.__name__}"
        self.reset()
        self.load(*args, **options)

    def forward(self, inputs: list[Any], params: list[Any]) -> Sequence[Any]:
        """The values of the outputs, from those of the inputs and the parameters."""
        raise NotImplementedError(f"The block class {self.__class__.__name__} has no forward(self, inputs, params).")

    def backward(self, inputs: list[Any], params: list[Any], derOutputs: list[Any]) -> Derivatives:
        """(derInputs, derParams): the derivatives in the inputs and in the parameters, None where there is none."""
        raise NotImplementedError(
            f"The block class {self.__class__.__name__} has no backward(self, inputs, params, derOutputs)."
        )

    def reset(self) -> None:
        """Forget what an evaluation has left."""

    def initParams(self) -> Sequence[Array]:
        """First values of the parameters."""
        return []

    def move(self, device: str) -> None:
        """Move what the block itself keeps to the 'cpu' or the 'gpu'."""

    def has_modes(self) -> bool:
        """Whether the block computes something else in mode 'test' than in mode 'normal'."""
        return False

    def attach(self, net: Any, index: int) -> None:
        """Become the block of ``net.layers[index]``, and add the variables and parameters that it names."""
        self.net, self.layerIndex = net, index
        layer = net.layers[index]
        for name in (*layer.inputs, *layer.outputs):
            net.addVar(name)
        for name in layer.params:
            net.addParam(name)

    def getOutputSizes(self, inputSizes: list[Size]) -> Sequence[Size]:
        """The sizes of the outputs from those of the inputs, NaN where they are not known."""
        return []

    def getReceptiveFields(self) -> Sequence[Sequence[ReceptiveField]]:
        """The receptive field of each output in each input: a row for each input."""
        return self._fields(UNKNOWN_FIELD)

    def forwardAdvanced(self, layer: Any) -> None:
        """Evaluate: take the inputs from the network, let go of those no longer needed, put the outputs in."""
        net = self.net
        inputs = [net.vars[v].value for v in layer.inputIndexes]
        if any(empty(value) for value in inputs):
            return
        for v in layer.inputIndexes:
            net.release(v)
        with settings.scoped():  # 'cuDNN' or 'NoCuDNN' in a block's opts are for that block
            outputs = self.forward(inputs, [net.params[p].value for p in layer.paramIndexes])
        if not isinstance(outputs, (list, tuple)) or len(outputs) < len(layer.outputIndexes):
            raise MatConvNetError(
                f"Invalid outputs returned by layer '{layer.name}'. A list of {len(layer.outputIndexes)} is needed."
            )
        for v, output in zip(layer.outputIndexes, outputs, strict=False):
            net.vars[v].value = output

    def backwardAdvanced(self, layer: Any) -> None:
        """Differentiate: take derivatives in the outputs from the network, add those in inputs and parameters to it."""
        net = self.net
        inputs = [net.vars[v].value for v in layer.inputIndexes]
        der_outputs = [net.vars[v].der for v in layer.outputIndexes]
        if any(empty(der) for der in der_outputs):
            return
        if net.conserveMemory:
            net.forget(layer.outputIndexes)
        with settings.scoped():
            result = self.backward(inputs, [net.params[p].value for p in layer.paramIndexes], der_outputs)
        der_inputs, der_params = result if isinstance(result, tuple) and len(result) == 2 else ((), ())
        if len(der_inputs) != len(inputs):
            raise MatConvNetError(
                f'Invalid derivatives returned by layer "{layer.name}". A pair of lists is needed: derivatives in '
                f"{len(inputs)} inputs and {len(layer.paramIndexes)} parameters."
            )
        for v, der in zip(layer.inputIndexes, der_inputs, strict=True):
            net.addVarDer(v, der)
        for at, p in enumerate(layer.paramIndexes):
            net.addParamDer(p, der_params[at] if at < len(der_params) else None)

    def load(self, *args: Any, **options: Any) -> None:
        """Set properties from a struct, from pairs ('pad', 1), from a list of pairs or from keywords."""
        for name, value in [*_pairs(args), *options.items()]:
            if name not in self._not_kept:
                self._set(name, value)

    def save(self) -> Struct:
        """The properties as a struct of MATLAB's values."""
        return Struct({name: properties.saved(getattr(self, name)) for name in (*self.properties(), *self.kept)})

    @classmethod
    def properties(cls) -> dict[str, Any]:
        """The properties and what stands for them in the body of the class: its own first, then those of its bases."""
        found: dict[str, Any] = {}
        for base in cls.__mro__[: cls.__mro__.index(Layer)]:
            for name, value in vars(base).items():
                method = callable(value) or isinstance(value, (property, classmethod, staticmethod))
                if not method and not name.startswith("_"):
                    found.setdefault(name, value)
        return found

    def _set(self, name: str, value: Any) -> None:
        declared = self.properties()
        if name not in declared:
            known = ", ".join(declared) or "none"
            raise MatConvNetError(
                f"No property `{name}` for a layer of type `{self.type}`. Its properties: {known}. "
                "vlnn.load_network also loads networks of changed versions of MatConvNet."
            )
        default = declared[name]
        setattr(self, name, value if isinstance(default, Property) else properties.like(default, value))

    def _fields(self, field: ReceptiveField) -> list[list[ReceptiveField]]:
        """One receptive field for every pair of an input and an output."""
        layer = self.net.layers[self.layerIndex]
        return [[field] * len(layer.outputs) for _ in layer.inputs]


class ElementWise(Layer):
    """The base of blocks that work at each pixel by itself: outputs have the sizes of the inputs."""

    def getOutputSizes(self, inputSizes: list[Size]) -> Sequence[Size]:
        return inputSizes

    def getReceptiveFields(self) -> Sequence[Sequence[ReceptiveField]]:
        return self._fields(SAME_PIXEL)


class Filter(Layer):
    """The base of blocks that slide a window over the image.

    Attributes
    ----------
    pad : 0
        [TOP BOTTOM LEFT RIGHT], one number for all, or [VERTICAL HORIZONTAL].
    stride, dilate : 1
        [Y X] or one number for both.
    """

    pad = Property(0, properties.four_sides)
    stride = Property(1, properties.pair)
    dilate = Property(1, properties.pair)

    def getKernelSize(self) -> tuple[float, ...]:
        """The height and the width of the window, not dilated."""
        return 1, 1

    def getOutputSizes(self, inputSizes: list[Size]) -> Sequence[Size]:
        height, width, _, images = inputSizes[0]
        (reach_y, reach_x), (top, bottom, left, right) = self._reach(), self.pad
        stride_y, stride_x = self.stride
        rows, columns = (height + top + bottom - reach_y) / stride_y, (width + left + right - reach_x) / stride_x
        return [(float(np.fix(rows)) + 1, float(np.fix(columns)) + 1, 1, images)]

    def getReceptiveFields(self) -> Sequence[Sequence[ReceptiveField]]:
        (reach_y, reach_x), (top, _, left, _) = self._reach(), self.pad
        offset = (1 - top + (reach_y - 1) / 2, 1 - left + (reach_x - 1) / 2)
        return self._fields(ReceptiveField((reach_y, reach_x), self.stride, offset))

    def _reach(self) -> tuple[float, float]:
        """The height and the width of the window, dilated."""
        (height, width), (dilate_y, dilate_x) = self.getKernelSize()[:2], self.dilate
        return (height - 1) * dilate_y + 1, (width - 1) * dilate_x + 1


def _pairs(args: tuple[Any, ...]) -> Iterator[tuple[str, Any]]:
    """What ``load`` is given, as names and values."""
    if len(args) == 1 and isinstance(args[0], (list, tuple)):
        args = tuple(args[0])
    if len(args) == 1 and isinstance(args[0], Mapping):
        yield from args[0].items()
        return
    if len(args) % 2 or not all(isinstance(name, str) for name in args[::2]):
        raise MatConvNetError(
            f"The properties of a layer are pairs of a name and a value, or a struct. Received {args!r}."
        )
    yield from zip(args[::2], args[1::2], strict=True)
