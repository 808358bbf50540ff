"""load_network: find the network in a file, whichever kind it is and wherever it is."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, NoReturn

import numpy as np

from vlnn.dagnn import DagNN
from vlnn.errors import MatConvNetError
from vlnn.matlab.arguments import received
from vlnn.matlab.matfile import loadmat
from vlnn.matlab.values import Opaque, Struct
from vlnn.simplenn import SimpleNN
from vlnn.simplenn.formats import cells
from vlnn.simplenn.layers import TYPES
from vlnn.simplenn.tidy import vl_simplenn_tidy

DEPTH = 4  # how far inside variables to look: deeper than snapshot.net.layers
MOST_CELLS = 1000  # of a cell array to look into
FIELDS = ("layers", "meta", "vars", "params", "classes", "normalization")  # of a network, the last two of old ones
STEP = re.compile(r"\.?([A-Za-z]\w*)|\{(\d+)\}|\((\d+)\)|\[(\d+)\]")


class Located(NamedTuple):
    """A network, and where in its file it is, as MATLAB would write it; '' for the variables of the file themselves."""

    place: str
    net: SimpleNN | DagNN


class Found(NamedTuple):
    """A network in a file, and where it is, as MATLAB would write it; '' for the variables of the file themselves."""

    place: str
    net: Mapping[str, Any]


def load_network(path: str | os.PathLike[str], variable: str | None = None) -> SimpleNN | DagNN:
    """Load the network in a MATLAB file.

    Parameters
    ----------
    path : str or path
        A file that MATLAB, Octave or vlnn has saved.
    variable : str, optional
        Which network, where the file has several: a variable, or a place in one, as in 'nets{3}' or 'best.net'; braces
        and parentheses count from 1, as in MATLAB, and brackets from 0. By default the one network that is there, or,
        of several, the one in a variable net.

    Returns
    -------
    net : vlnn.simplenn.SimpleNN or vlnn.dagnn.DagNN
        As the layers are a chain or a graph. A network is a struct with the field layers; the variables layers and meta
        at the top of a file; or the bare cell array of its layers. It is brought up to date as vl_simplenn_tidy and
        DagNN.loadobj do. What old files keep beside their layers, such as imageMean, is in ``net.meta``.

    Raises
    ------
    MatConvNetError
        Where there is no network, or where there are several: the message says what there is.
    MatFileError
        For a file that cannot be read.

    Layers of types, and blocks of classes, that are not known are loaded all the same; only evaluating them is an
    error, which says how to make them known.
    """
    return locate_network(path, variable).net


def locate_network(path: str | os.PathLike[str], variable: str | None = None) -> Located:
    """``load_network``, and where in the file the network is."""
    variables = loadmat(path)
    found = _find(variables, variable, path)
    return Located(found.place, _loaded(found))


def _find(variables: Mapping[str, Any], variable: str | None, path: object) -> Found:
    if variable is None:
        return _only(_networks("", variables), path, variables)
    value = _at(variables, variable, path)
    net = _as_network(value)
    if net is not None:
        return Found(variable, net)
    return _only(_networks(variable, value), path, {variable: value})


def _loaded(found: Found) -> SimpleNN | DagNN:
    layers = found.net["layers"]
    layers = [layers] if isinstance(layers, Mapping) else cells(layers)
    if any(isinstance(layer, Mapping) and {"block", "inputs", "outputs"} & set(layer) for layer in layers):
        saved = Struct({name: value for name, value in found.net.items() if name in FIELDS})
        return DagNN.loadobj(saved, tolerant=True)
    objects = [i for i, layer in enumerate(layers) if isinstance(layer, Opaque)]
    if objects:
        classes = ", ".join(f"{i + 1} ({layers[i].class_name})" for i in objects)
        warnings.warn(
            f"Layers are objects of MATLAB classes: {classes}. They are loaded as far as they can be read, each with "
            "its class as its type; vlnn.simplenn.register makes a type known.",
            stacklevel=4,
        )
    net: SimpleNN = vl_simplenn_tidy(Struct(found.net, layers=[_of_object(layer) for layer in layers]))
    if not found.place:
        for name, value in found.net.items():
            if name not in FIELDS:
                net.meta.setdefault(name, value)
    return net


def _of_object(layer: Any) -> Any:
    return Struct(layer.fields, type=layer.class_name) if isinstance(layer, Opaque) else layer


def _as_network(value: Any) -> Mapping[str, Any] | None:
    """The struct of a network, if a value is one."""
    if isinstance(value, Opaque):
        value = value.fields
    if isinstance(value, Mapping):
        layers = value.get("layers")
        single = isinstance(layers, Mapping) and isinstance(layers.get("type"), str)
        return value if single or (_holds_cells(layers) and all(map(_is_layer, cells(layers)))) else None
    elements = cells(value) if _holds_cells(value) else []
    if not elements or len(elements) > MOST_CELLS or not all(map(_is_layer, elements)):
        return None
    # Other structs have a type, too: at least one has to be that of a layer.
    known = any(isinstance(layer, Mapping) and (layer["type"] in TYPES or "block" in layer) for layer in elements)
    return Struct(layers=elements) if known else None


def _holds_cells(value: Any) -> bool:
    return isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.dtype == object)


def _is_layer(value: Any) -> bool:
    return isinstance(value, Opaque) or (isinstance(value, Mapping) and isinstance(value.get("type"), str))


def _networks(place: str, value: Any) -> list[Found]:
    """The networks in a value: those that are least deep inside it."""
    inside = [(place, value)]
    for _ in range(DEPTH):
        found = [Found(where, net) for where, each in inside if (net := _as_network(each)) is not None]
        if found:
            return found
        inside = [part for where, each in inside for part in _parts(where, each)]
    return []


def _parts(place: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The fields of a struct, or the elements of a cell or struct array, each with its place."""
    if isinstance(value, Opaque):
        value = value.fields
    if isinstance(value, Mapping):
        for name, field in value.items():
            yield f"{place}.{name}" if place else name, field
    elif _holds_cells(value):
        for i, element in enumerate(cells(value)[:MOST_CELLS]):
            yield f"{place}{{{i + 1}}}", element


def _only(found: list[Found], path: object, variables: Mapping[str, Any]) -> Found:
    """The network that is meant."""
    if len(found) == 1:
        return found[0]
    called_net = [each for each in found if each.place.rpartition(".")[2].lower() == "net"]
    if len(called_net) == 1:
        return called_net[0]
    name = os.fspath(path) if isinstance(path, (str, os.PathLike)) else path
    if not found:
        there = ", ".join(f"{each} ({_described(value)})" for each, value in variables.items()) or "nothing"
        raise MatConvNetError(
            f"There is no network in {name}: it holds {there}. A network is a struct with the field layers, or a cell "
            "array of structs that each have a type."
        )
    places = [each.place for each in found]
    shown = ", ".join(places if len(places) <= 6 else [*places[:3], "...", places[-1]])
    raise MatConvNetError(
        f"There are {len(places)} networks in {name}: {shown}. Say which: load_network(path, {places[0]!r})."
    )


def _described(value: Any) -> str:
    if isinstance(value, Opaque):
        return f"an object of class {value.class_name}"
    if isinstance(value, Mapping):
        return f"a struct with {', '.join(list(value)[:6]) or 'no fields'}{', ...' if len(value) > 6 else ''}"
    if isinstance(value, str):
        return "a string"
    if isinstance(value, list):
        return f"{len(value)} elements"
    return received(value)


def _at(variables: Mapping[str, Any], place: str, path: object) -> Any:
    """The value at a place such as nets{3}.net."""

    def fail(why: str) -> NoReturn:
        raise MatConvNetError(f"There is no {place} in {path}: {why}.") from None

    value: Any = variables
    done = 0
    while done < len(place):
        step = STEP.match(place, done)
        if step is None:
            fail("a place is a name, then .field, {k} or [k]")
        name, *numbers = step.groups()
        before, done = place[:done] or "the file", step.end()
        if isinstance(value, Opaque):
            value = value.fields
        if name:
            if not isinstance(value, Mapping) or name not in value:
                known = ", ".join(value) if isinstance(value, Mapping) else "no fields"
                fail(f"{before} has {known or 'nothing'}")
            value = value[name]
            continue
        index = int(numbers[2]) if numbers[2] else int(numbers[0] or numbers[1]) - 1
        elements = cells(value) if _holds_cells(value) else [value]
        if not 0 <= index < len(elements):
            fail(f"{before} has {len(elements)} elements")
        value = elements[index]
    return value
