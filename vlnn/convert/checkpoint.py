"""The one neutral form of a network, which every format writes and reads."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from vlnn.convert.description import DTYPES, Describer
from vlnn.convert.description_reading import Reader
from vlnn.dagnn import DagNN
from vlnn.errors import ConversionError
from vlnn.matlab.arrays import Array
from vlnn.matlab.matfile.limits import MatFileError
from vlnn.matlab.matfile.nodes import as_node
from vlnn.matlab.values import Struct
from vlnn.simplenn import SimpleNN
from vlnn.simplenn.saving import struct_of

VERSION = 1
KINDS = ("simplenn", "dagnn")


@dataclass(frozen=True)
class Checkpoint:
    """A network as a text that describes it, and arrays by their names.

    Attributes
    ----------
    description : str
        JSON in ASCII: {"vlnn": 1, "kind": "simplenn" or "dagnn", "network": ...}. The network is the struct that
        MatConvNet saves, with everything in it: layers, meta and, for a DagNN, vars and params. Large arrays and all
        weights stand in it as the names of arrays; vlnn.convert.description says how MATLAB's values are written. ''
        for weights alone, of other programs.
    arrays : dict of str: array
        Fortran-ordered, or as the network has them, and not copied; in MATLAB's class, shape and order of dimensions:
        filters are (FH, FW, C, K). The values of a DagNN's parameters have the parameters' names; the weights of a
        SimpleNN's layers are '<name of the layer>.weights.0' and so on; other arrays are named by where they are, such
        as 'meta.normalization.averageImage'. A name that is taken gets '_2' or a higher number at its end; control
        characters and backslashes in names become '_'.

    >>> import numpy as np, vlnn
    >>> from vlnn.convert import Checkpoint
    >>> filters = np.ones((3, 3, 1, 8), np.float32)
    >>> net = vlnn.simplenn.SimpleNN([{'type': 'conv', 'name': 'conv1', 'weights': [filters, []]}])
    >>> checkpoint = Checkpoint.of(net)
    >>> list(checkpoint.arrays)
    ['conv1.weights.0']
    >>> checkpoint.network()
    SimpleNN(1 layer: conv)
    """

    description: str
    arrays: dict[str, Array] = field(repr=False)

    @classmethod
    def of(cls, net: SimpleNN | DagNN) -> Checkpoint:
        """The checkpoint of a network. Its arrays are the network's own.

        Raises
        ------
        ConversionError
            For a value that MATLAB does not have, such as a function of Python: the message says where it is.
        """
        describer = Describer(_names(net))
        try:
            node = as_node(net.saveobj() if isinstance(net, DagNN) else struct_of(net), "")
        except MatFileError as error:
            raise ConversionError(_refusal(net, str(error).lstrip("."))) from None
        kind = "dagnn" if isinstance(net, DagNN) else "simplenn"
        content = {"vlnn": VERSION, "kind": kind, "network": describer.value(node)}
        return cls(json.dumps(content, allow_nan=False), describer.arrays)

    def network(self) -> SimpleNN | DagNN:
        """The network, its arrays those of the checkpoint where these are of MATLAB's class and Fortran-ordered.

        Raises
        ------
        ConversionError
            For a description that is damaged, of a later version of vlnn, or does not fit the arrays.
        """
        kind, described = _parsed(self.description)
        try:
            saved = Reader(self.arrays).value(described, "")
        except MatFileError as error:
            raise ConversionError(f"The description of the network is damaged: {error}.") from None
        if not isinstance(saved, Struct) or "layers" not in saved:
            raise ConversionError("The description of the network is damaged: it has no layers.")
        if kind == "dagnn":
            return DagNN.loadobj(saved, tolerant=True)
        layers = saved.layers
        if not isinstance(layers, list) or not all(isinstance(layer, Struct) for layer in layers):
            raise ConversionError("The description of the network is damaged: layers is no cell array of structs.")
        return SimpleNN(layers, saved.get("meta"))

    def classes(self) -> dict[str, np.dtype[Any]]:
        """The class in which the network has each of its arrays, whatever they are stored in."""
        found: dict[str, np.dtype[Any]] = {}

        def note(described: dict[str, Any]) -> None:
            for part in ("array", "imaginary"):
                name, class_name = described.get(part), described.get("class")
                if isinstance(name, str) and isinstance(class_name, str) and class_name in DTYPES:
                    found[name] = DTYPES[class_name]

        _parsed(self.description)  # which raises what is to be raised
        json.loads(self.description, object_hook=note)
        return found


def _names(net: SimpleNN | DagNN) -> dict[str, str]:
    """What names of arrays begin with, by the places that they stand for."""
    if isinstance(net, SimpleNN):
        names = [layer.get("name") for layer in net.layers]
        return {f"layers.{at}": name for at, name in enumerate(names) if isinstance(name, str) and name}
    alone = {"params.value": net.params[0].name} if len(net.params) == 1 else {}
    params = {f"params.{at}.value": param.name for at, param in enumerate(net.params)}
    return params | alone | {f"layers.{at}": layer.name for at, layer in enumerate(net.layers)}


def _refusal(net: SimpleNN | DagNN, reason: str) -> str:
    """Why a network cannot be described: with the layer, if it is one's fault."""
    found = re.match(r"layers\[(\d+)\]\.(\w+)", reason)
    if found is None:
        return f"The network cannot be converted: {reason}."
    at = int(found[1])
    if isinstance(net, DagNN):
        name, type_ = net.layers[at].name, net.layers[at].block.type
    else:
        name, type_ = net.layers[at].get("name", ""), net.layers[at].type
    return f"Layer '{name}' of type {type_} cannot be converted: {reason}. Set or remove its field {found[2]}."


def _parsed(description: str) -> tuple[str, Any]:
    """The kind of the network and its description."""
    if not description:
        raise ConversionError("The file has weights alone and no description of a network, which vlnn's files have.")
    try:
        content = json.loads(description)
    except (ValueError, TypeError, RecursionError):
        raise ConversionError("The description of the network is damaged: it is no JSON.") from None
    if not isinstance(content, dict) or not isinstance(content.get("vlnn"), int):
        raise ConversionError("The description of the network is damaged: it is not one of vlnn's.")
    if content["vlnn"] > VERSION:
        raise ConversionError(
            f"The network is described in form {content['vlnn']}, of a later version of vlnn; this one reads {VERSION}."
        )
    if content.get("kind") not in KINDS or "network" not in content:
        raise ConversionError(f"The description of the network is damaged: its kind is not {' or '.join(KINDS)}.")
    return content["kind"], content["network"]
