"""The graph of a DagNN: building and changing it, finding things in it, and what blocks ask of it."""

from __future__ import annotations

import difflib
import math
import warnings
from collections.abc import Callable, Sequence
from numbers import Integral
from typing import Any

import numpy as np

from vlnn.blocks.taccum import vl_taccum
from vlnn.dagnn.layer import Layer
from vlnn.dagnn.reading import empty, options_of, strings
from vlnn.dagnn.records import LayerRecord, Param, Var, order_of, positions_of
from vlnn.errors import MatConvNetError
from vlnn.matlab.arrays import Array
from vlnn.matlab.values import Struct


class Graph:
    """What a DagNN is made of; :class:`~vlnn.dagnn.network.DagNN` says what is what."""

    def __init__(self) -> None:
        self.layers: list[LayerRecord] = []
        self.vars: list[Var] = []
        self.params: list[Param] = []
        self.meta: Any = Struct()
        self.conserveMemory = True
        self.accumulateParamDers = False
        self.holdOn = False
        self.parameterServer: Any = None
        self.executionOrder: list[int] = []
        self.computingDerivative = False
        self.numPendingVarRefs: list[int] = []
        self.numPendingParamRefs: list[int] = []
        self.positions: dict[str, dict[str, int]] = {"layers": {}, "vars": {}, "params": {}}
        self._mode = "normal"
        self._device = "cpu"
        self._rng: np.random.Generator | None = None

    @property
    def mode(self) -> str:
        return self._mode

    @mode.setter
    def mode(self, value: str) -> None:
        if not isinstance(value, str) or value.lower() not in ("normal", "train", "test"):
            raise MatConvNetError(f"The mode of a network is 'normal' (or 'train') or 'test'. Received {value!r}.")
        self._mode = "test" if value.lower() == "test" else "normal"

    @property
    def device(self) -> str:
        return self._device

    @property
    def rng(self) -> np.random.Generator | None:
        return self._rng

    @rng.setter
    def rng(self, value: Any) -> None:
        self._rng = None if value is None else np.random.default_rng(value)

    def addLayer(
        self, name: str, block: Layer, inputs: Any, outputs: Any, params: Any = (), *args: Any, **opts: Any
    ) -> None:
        """Add a layer at the end, with the variables and parameters that it names.

        Inputs, outputs and params are names, one or a list. Option: skipRebuild (False); call ``rebuild`` afterwards.
        """
        options = options_of({"skipRebuild": False}, args, opts)
        if name in self.positions["layers"]:
            raise MatConvNetError(f"There is already a layer with name '{name}'.")
        if not isinstance(block, Layer):
            raise MatConvNetError(f"The block of layer '{name}' is no vlnn.dagnn.Layer. Received {block!r}.")
        record = LayerRecord(
            name,
            strings(inputs, f"The list of inputs of layer '{name}'"),
            strings(outputs, f"The list of outputs of layer '{name}'"),
            strings(params, f"The list of params of layer '{name}'"),
            block,
        )
        index = self.positions["layers"][name] = len(self.layers)
        self.layers.append(record)
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
        self._set_names(layer, "inputs", inputs, self.addVar)

    def setLayerOutputs(self, layer: str, outputs: Any) -> None:
        """Let a layer write other variables."""
        self._set_names(layer, "outputs", outputs, self.addVar)

    def setLayerParams(self, layer: str, params: Any) -> None:
        """Let a layer use other parameters."""
        self._set_names(layer, "params", params, self.addParam)

    def renameLayer(self, oldName: str, newName: str, *args: Any, **opts: Any) -> None:
        """Rename a layer. Option: quiet (False), no warning if there is none of the old name."""
        if self._can_rename("layers", "layer", oldName, newName, args, opts):
            self.layers[self.positions["layers"][oldName]].name = newName
            self.rebuild()

    def renameVar(self, oldName: str, newName: str, *args: Any, **opts: Any) -> None:
        """Rename a variable; one that already has the new name takes its place. Option: quiet (False)."""
        if self._can_rename("vars", "variable", oldName, newName, args, opts):
            self._rename("vars", ("inputs", "outputs"), oldName, newName)

    def renameParam(self, oldName: str, newName: str, *args: Any, **opts: Any) -> None:
        """Rename a parameter. Option: quiet (False), no warning if there is none of the old name."""
        if self._can_rename("params", "parameter", oldName, newName, args, opts):
            self._rename("params", ("params",), oldName, newName)

    def rebuild(self) -> None:
        """Work out indexes, fans and the order of layers again; drop variables and parameters that nobody uses."""
        for var in self.vars:
            var.fanin = var.fanout = 0
        for param in self.params:
            param.fanout = 0
        vars_ = {var.name: var for var in self.vars}
        params = {param.name: param for param in self.params}
        for layer in self.layers:
            for name in layer.inputs:
                vars_[name].fanout += 1
            for name in layer.outputs:
                vars_[name].fanin += 1
            for name in layer.params:
                params[name].fanout += 1
        self.vars = [var for var in self.vars if var.fanin or var.fanout]
        self.params = [param for param in self.params if param.fanout]
        for kind, records in (("layers", self.layers), ("vars", self.vars), ("params", self.params)):
            self.positions[kind] = positions_of(records)
        at = self.positions
        for index, layer in enumerate(self.layers):
            layer.inputIndexes = [at["vars"][name] for name in layer.inputs]
            layer.outputIndexes = [at["vars"][name] for name in layer.outputs]
            layer.paramIndexes = [at["params"][name] for name in layer.params]
            layer.block.net, layer.block.layerIndex = self, index
        self.executionOrder, cycle = order_of(self.layers, len(self.vars))
        if cycle:
            warnings.warn("The network graph contains a cycle", stacklevel=3)

    def addVar(self, name: str) -> int:
        """The position of a variable, which is added if there is none of that name."""
        position = self.positions["vars"].setdefault(name, len(self.vars))
        if position == len(self.vars):
            self.vars.append(Var(name))
        return position

    def addParam(self, name: str) -> int:
        """The position of a parameter, which is added if there is none of that name."""
        position = self.positions["params"].setdefault(name, len(self.params))
        if position == len(self.params):
            self.params.append(Param(name))
        return position

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

    def getLayer(self, layer: Any) -> Any:
        """The element of ``net.layers`` with a name, or at a position; for a list a list."""
        return _one_or_all(layer, [self.layers[at] for at in self._found("layers", layer, "layer")])

    def getVar(self, var: Any) -> Any:
        """The element of ``net.vars`` with a name, or at a position; for a list a list."""
        return _one_or_all(var, [self.vars[at] for at in self._found("vars", var, "variable")])

    def getParam(self, param: Any) -> Any:
        """The element of ``net.params`` with a name, or at a position; for a list a list."""
        return _one_or_all(param, [self.params[at] for at in self._found("params", param, "param")])

    def getLayerExecutionOrder(self) -> list[int]:
        """The positions of the layers in the order in which they run."""
        return list(self.executionOrder)

    def near(self, kind: str, name: str) -> str:
        """What may have been meant by a name, for the end of a message."""
        known = list(self.positions[kind])
        close = difflib.get_close_matches(name, known, 1, 0.6)
        if close:
            return f"Did you mean '{close[0]}'?"
        return f"There are {', '.join(known[:12])}{', ...' if len(known) > 12 else ''}." if known else "There are none."

    def generator(self) -> np.random.Generator:
        """For blocks: where to draw random numbers."""
        return np.random.default_rng() if self._rng is None else self._rng

    def release(self, v: int) -> None:
        """For blocks: a variable has a reader less to wait for."""
        self.numPendingVarRefs[v] -= 1
        if not self.computingDerivative:
            self.forget_value(v)

    def forget_value(self, v: int) -> None:
        """For blocks: forget the value of a variable if memory is to be conserved and no reader waits for it."""
        if self.conserveMemory and self.numPendingVarRefs[v] == 0 and not self.vars[v].precious:
            self.vars[v].value = None

    def forget(self, variables: Sequence[int]) -> None:
        """For blocks: forget variables and the derivatives in them, unless they are precious."""
        for var in (self.vars[v] for v in variables):
            if not var.precious:
                var.value = var.der = None

    def addVarDer(self, v: int, der: Array | None) -> None:
        """For blocks: a derivative in a variable. Those of several readers are added."""
        var = self.vars[v]
        if self.numPendingVarRefs[v] == 0 or empty(var.der):
            var.der = der
        elif not empty(der):
            var.der = vl_taccum(1, var.der, 1, der)
        self.numPendingVarRefs[v] += 1

    def addParamDer(self, p: int, der: Array | None) -> None:
        """For blocks: a derivative in a parameter. Those of several uses are added."""
        param = self.params[p]
        if (self.numPendingParamRefs[p] == 0 and not self.accumulateParamDers) or empty(param.der):
            param.der = der
        elif not empty(der):
            param.der = vl_taccum(1, param.der, 1, der)
        self.numPendingParamRefs[p] += 1
        if self.numPendingParamRefs[p] == param.fanout and self.parameterServer is not None and not self.holdOn:
            self.parameterServer.pushWithIndex(p, param.der)
            param.der = None

    def _set_names(self, layer: str, what: str, names: Any, add: Callable[[str], int]) -> None:
        (index,) = self._found("layers", layer, "layer")
        listed = strings(names, f"The list of {what} of layer '{layer}'")
        for name in listed:
            add(name)
        setattr(self.layers[index], what, listed)
        self.rebuild()

    def _can_rename(self, kind: str, word: str, old: str, new: str, args: Sequence[Any], opts: dict[str, Any]) -> bool:
        options = options_of({"quiet": False}, args, opts)
        if old not in self.positions[kind]:
            if not options["quiet"]:
                warnings.warn(f"There is no {word} '{old}'. {self.near(kind, old)}", stacklevel=3)
            return False
        if new in self.positions[kind] and kind != "vars":
            raise MatConvNetError(f"There is already a {word} '{new}'.")
        return True

    def _rename(self, kind: str, lists: Sequence[str], old: str, new: str) -> None:
        for layer in self.layers:
            for what in lists:
                setattr(layer, what, [new if name == old else name for name in getattr(layer, what)])
        if new not in self.positions[kind]:
            getattr(self, kind)[self.positions[kind][old]].name = new
        self.rebuild()

    def _index(self, kind: str, name: Any) -> Any:
        if isinstance(name, str):
            return self.positions[kind].get(name, math.nan)
        return [self.positions[kind].get(one, math.nan) for one in strings(name, "NAME")]

    def _found(self, kind: str, wanted: Any, word: str) -> list[int]:
        """The positions for a name, a position, or a list of them."""
        given = [wanted] if isinstance(wanted, (str, Integral)) else list(wanted)
        count = len(getattr(self, kind))
        if any(isinstance(one, Integral) and not 0 <= int(one) < count for one in given):
            raise MatConvNetError(f"Invalid {word} indexes. Received {given}; there are {count}, counted from 0.")
        missing = [one for one in given if isinstance(one, str) and one not in self.positions[kind]]
        if missing:
            raise MatConvNetError(f"Invalid {word} name `{', '.join(missing)}`. {self.near(kind, missing[0])}")
        return [self.positions[kind][one] if isinstance(one, str) else int(one) for one in given]


def _one_or_all(wanted: Any, found: list[Any]) -> Any:
    return found[0] if isinstance(wanted, (str, Integral)) else found
