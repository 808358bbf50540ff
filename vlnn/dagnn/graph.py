"""The graph of a DagNN: its layers, variables and parameters, their names, and the order in which layers run."""

from __future__ import annotations

import difflib
import math
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any, TypeVar

from vlnn.dagnn.layer import Layer
from vlnn.dagnn.reading import strings
from vlnn.errors import MatConvNetError
from vlnn.matlab.argparse import vl_argparse
from vlnn.matlab.values import Struct


@dataclass(eq=False)
class LayerRecord:
    """An element of ``net.layers``. Its indexes are positions in ``net.vars`` and ``net.params``."""

    name: str
    inputs: list[str]
    outputs: list[str]
    params: list[str]
    block: Layer
    inputIndexes: list[int] = field(default_factory=list)
    outputIndexes: list[int] = field(default_factory=list)
    paramIndexes: list[int] = field(default_factory=list)
    forwardTime: float | None = None
    backwardTime: float | None = None


@dataclass(eq=False)
class Var:
    """An element of ``net.vars``; None is MATLAB's []."""

    name: str
    value: Any = None
    der: Any = None
    fanin: int = 0
    fanout: int = 0
    precious: bool = False


@dataclass(eq=False)
class Param:
    """An element of ``net.params``; None is MATLAB's []."""

    name: str
    value: Any = None
    der: Any = None
    fanout: int = 0
    trainMethod: str = "gradient"
    learningRate: Any = 1
    weightDecay: Any = 1


Record = TypeVar("Record", LayerRecord, Var, Param)


class Graph:
    """What a DagNN is made of; :class:`~vlnn.dagnn.network.DagNN` describes it."""

    def __init__(self) -> None:
        self.layers: list[LayerRecord] = []
        self.vars: list[Var] = []
        self.params: list[Param] = []
        self.meta: Any = Struct()
        self.executionOrder: list[int] = []
        self.positions: dict[str, dict[str, int]] = {"layers": {}, "vars": {}, "params": {}}

    def addLayer(self, name: str, block: Layer, inputs: Any, outputs: Any, params: Any = (), *args: Any, **opts: Any) -> None:
        """Add a layer at the end, with the variables and parameters that it names.

        Inputs, outputs and params are names, one or a list. Option: skipRebuild (False); then call ``rebuild`` yourself.
        """
        options = _options({"skipRebuild": False}, args, opts)
        if name in self.positions["layers"]:
            raise MatConvNetError(f"There is already a layer with name '{name}'.")
        if not isinstance(block, Layer):
            raise MatConvNetError(f"The block of layer '{name}' is not a vlnn.dagnn.Layer. Received {block!r}.")
        lists = [strings(names, f"The {what} of layer '{name}'") for names, what in zip(
            (inputs, outputs, params), ("inputs", "outputs", "params"), strict=True
        )]  # fmt: skip
        index = len(self.layers)
        self.layers.append(LayerRecord(name, *lists, block))
        self.positions["layers"][name] = index
        block.attach(self, index)
        if not options["skipRebuild"]:
            self.rebuild()

    def removeLayer(self, name: str | Sequence[str]) -> None:
        """Remove a layer, or several, and the variables and parameters that nobody else uses."""
        gone = set(self._found("layers", name, "layer"))
        self.layers = [layer for index, layer in enumerate(self.layers) if index not in gone]
        self.rebuild()

    def setLayerInputs(self, layer: str, inputs: Any) -> None:
        """Let a layer read other variables."""
        (index,) = self._found("layers", layer, "layer")
        self.layers[index].inputs = strings(inputs, f"The inputs of layer '{layer}'")
        for name in self.layers[index].inputs:
            self.addVar(name)
        self.rebuild()

    def setLayerOutputs(self, layer: str, outputs: Any) -> None:
        """Let a layer write other variables."""
        (index,) = self._found("layers", layer, "layer")
        self.layers[index].outputs = strings(outputs, f"The outputs of layer '{layer}'")
        for name in self.layers[index].outputs:
            self.addVar(name)
        self.rebuild()

    def setLayerParams(self, layer: str, params: Any) -> None:
        """Let a layer use other parameters."""
        (index,) = self._found("layers", layer, "layer")
        self.layers[index].params = strings(params, f"The params of layer '{layer}'")
        for name in self.layers[index].params:
            self.addParam(name)
        self.rebuild()

    def renameLayer(self, oldName: str, newName: str, *args: Any, **opts: Any) -> None:
        """Rename a layer. Option: quiet (False), no warning if there is none of the old name."""
        if not self._can_rename("layers", "layer", oldName, newName, args, opts):
            return
        self.layers[self.positions["layers"][oldName]].name = newName
        self.rebuild()

    def renameVar(self, oldName: str, newName: str, *args: Any, **opts: Any) -> None:
        """Rename a variable; one that has the new name already takes its place. Option: quiet (False)."""
        if not self._can_rename("vars", "variable", oldName, newName, args, opts):
            return
        for layer in self.layers:
            layer.inputs = _renamed(layer.inputs, oldName, newName)
            layer.outputs = _renamed(layer.outputs, oldName, newName)
        self._move_name("vars", oldName, newName)

    def renameParam(self, oldName: str, newName: str, *args: Any, **opts: Any) -> None:
        """Rename a parameter. Option: quiet (False), no warning if there is none of the old name."""
        if not self._can_rename("params", "parameter", oldName, newName, args, opts):
            return
        for layer in self.layers:
            layer.params = _renamed(layer.params, oldName, newName)
        self._move_name("params", oldName, newName)

    def rebuild(self) -> None:
        """Work out indexes, fans and the order of layers again; drop variables and parameters that nobody uses."""
        for record in (*self.vars, *self.params):
            record.fanout = 0
        for var in self.vars:
            var.fanin = 0
        at = self.positions
        for layer in self.layers:
            for name in layer.inputs:
                self.vars[at["vars"][name]].fanout += 1
            for name in layer.outputs:
                self.vars[at["vars"][name]].fanin += 1
            for name in layer.params:
                self.params[at["params"][name]].fanout += 1
        self.vars = [var for var in self.vars if var.fanin or var.fanout]
        self.params = [param for param in self.params if param.fanout]
        self.positions = at = {
            "layers": _positions(self.layers),
            "vars": _positions(self.vars),
            "params": _positions(self.params),
        }
        for index, layer in enumerate(self.layers):
            layer.inputIndexes = [at["vars"][name] for name in layer.inputs]
            layer.outputIndexes = [at["vars"][name] for name in layer.outputs]
            layer.paramIndexes = [at["params"][name] for name in layer.params]
            layer.block.net, layer.block.layerIndex = self, index
        self.executionOrder = self._order()

    def addVar(self, name: str) -> int:
        """The position of a variable, which is added if there is none of that name."""
        if name not in self.positions["vars"]:
            self.positions["vars"][name] = len(self.vars)
            self.vars.append(Var(name))
        return self.positions["vars"][name]

    def addParam(self, name: str) -> int:
        """The position of a parameter, which is added if there is none of that name."""
        if name not in self.positions["params"]:
            self.positions["params"][name] = len(self.params)
            self.params.append(Param(name))
        return self.positions["params"][name]

    def getInputs(self) -> list[str]:
        """The names of the variables that no layer writes."""
        return [var.name for var in self.vars if not var.fanin]

    def getOutputs(self) -> list[str]:
        """The names of the variables that no layer reads."""
        return [var.name for var in self.vars if not var.fanout]

    def getLayerIndex(self, name: Any) -> Any:
        """The position of a layer in ``net.layers``, from 0; NaN if there is none. For a list of names a list."""
        return self._index("layers", name)

    def getVarIndex(self, name: Any) -> Any:
        """The position of a variable in ``net.vars``, from 0; NaN if there is none. For a list of names a list."""
        return self._index("vars", name)

    def getParamIndex(self, name: Any) -> Any:
        """The position of a parameter in ``net.params``, from 0; NaN if there is none. For a list of names a list."""
        return self._index("params", name)

    def getLayer(self, name: Any) -> Any:
        """The layer of a name, or at a position; for a list a list."""
        return _one_or_all(name, [self.layers[at] for at in self._found("layers", name, "layer")])

    def getVar(self, name: Any) -> Any:
        """The variable of a name, or at a position; for a list a list."""
        return _one_or_all(name, [self.vars[at] for at in self._found("vars", name, "variable")])

    def getParam(self, name: Any) -> Any:
        """The parameter of a name, or at a position; for a list a list."""
        return _one_or_all(name, [self.params[at] for at in self._found("params", name, "param")])

    def getLayerExecutionOrder(self) -> list[int]:
        """The positions of the layers in the order in which they run."""
        return list(self.executionOrder)

    def near(self, kind: str, name: str) -> str:
        """A hint at the name that was perhaps meant, for the end of a message."""
        known = list(self.positions[kind])
        close = difflib.get_close_matches(name, known, 1, 0.6)
        if close:
            return f"Did you mean '{close[0]}'?"
        shown = ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")
        return f"There are {shown}." if known else "There are none."

    def _index(self, kind: str, name: Any) -> Any:
        if isinstance(name, str):
            return self.positions[kind].get(name, math.nan)
        return [self.positions[kind].get(one, math.nan) for one in strings(name, "NAME")]

    def _found(self, kind: str, name: Any, word: str) -> list[int]:
        """The positions for a name, a position, or a list of them."""
        given = [name] if isinstance(name, (str, Integral)) else list(name)
        count = len(getattr(self, kind))
        if any(isinstance(one, Integral) and not 0 <= one < count for one in given):
            raise MatConvNetError(f"Invalid {word} indexes. Received {given}; there are {count}, counted from 0.")
        missing = [one for one in given if isinstance(one, str) and one not in self.positions[kind]]
        if missing:
            raise MatConvNetError(f"Invalid {word} name `{', '.join(missing)}`. {self.near(kind, missing[0])}")
        return [self.positions[kind][one] if isinstance(one, str) else int(one) for one in given]

    def _can_rename(
        self, kind: str, word: str, old: str, new: str, args: Sequence[Any], opts: dict[str, Any]
    ) -> bool:
        options = _options({"quiet": False}, args, opts)
        if old not in self.positions[kind]:
            if not options["quiet"]:
                warnings.warn(f"There is no {word} '{old}'. {self.near(kind, old)}", stacklevel=3)
            return False
        if new in self.positions[kind] and kind != "vars":
            raise MatConvNetError(f"There is already a {word} '{new}'.")
        return True

    def _move_name(self, kind: str, old: str, new: str) -> None:
        positions = self.positions[kind]
        if new not in positions:
            getattr(self, kind)[positions[old]].name = new
            positions[new] = positions[old]
        self.rebuild()

    def _order(self) -> list[int]:
        """Layers by the longest way from them to an output, those with equal ways as they stand."""
        readers: list[list[int]] = [[] for _ in self.vars]
        for index, layer in enumerate(self.layers):
            for v in layer.inputIndexes:
                readers[v].append(index)
        after = [[reader for v in layer.outputIndexes for reader in readers[v]] for layer in self.layers]
        steps = [0] * len(self.layers)  # to an output, 0 where not yet known
        for start in range(len(self.layers)):
            path, entered = [start], {start}
            while path:
                layer_index = path[-1]
                if steps[layer_index]:
                    path.pop()
                    continue
                open_ = [reader for reader in after[layer_index] if not steps[reader]]
                if any(reader in entered for reader in open_):
                    warnings.warn(
                        f"The network graph contains a cycle: through layer '{self.layers[layer_index].name}'.", stacklevel=4
                    )
                    open_ = [reader for reader in open_ if reader not in entered]
                if open_:
                    path.append(open_[0])
                    entered.add(open_[0])
                    continue
                steps[layer_index] = 1 + max((steps[reader] for reader in after[layer_index]), default=0)
                entered.discard(layer_index)
                path.pop()
        return sorted(range(len(self.layers)), key=lambda index: -steps[index])


def _positions(records: Iterable[Record]) -> dict[str, int]:
    return {record.name: index for index, record in enumerate(records)}


def _renamed(names: list[str], old: str, new: str) -> list[str]:
    return [new if name == old else name for name in names]


def _one_or_all(name: Any, found: list[Any]) -> Any:
    return found[0] if isinstance(name, (str, Integral)) else found


def _options(defaults: dict[str, Any], args: Sequence[Any], opts: dict[str, Any]) -> dict[str, Any]:
    """Options given as pairs or as keywords."""
    keywords = [item for pair in opts.items() for item in pair]
    result: dict[str, Any] = vl_argparse(defaults, [*args, *keywords])
    return result
