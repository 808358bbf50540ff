"""MATLAB's objects: what they hold, as far as it is known how files keep it.

A file keeps objects apart from its variables, in the cells of a FileWrapper__: the first holds tables of classes,
objects and properties as 32-bit words, those from the third on the values of properties, the last each class's
defaults. A variable holds a reference: 0xDD000000, the number of dimensions, the size, the objects' numbers, the
class's number.
MathWorks does not document this.

Source: https://github.com/foreverallama/matio, docs/subsystem_data_format.md; files that MATLAB wrote.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from vlnn.matlab.arrays import Array
from vlnn.matlab.matfile.assembly import Reference
from vlnn.matlab.matfile.limits import MatFileError
from vlnn.matlab.values import Cell, Elements, Opaque, Struct

MAGIC = 0xDD000000
VERSIONS = (2, 3, 4)
NAMES_AT = 40
BY_NAME, BY_VALUE = 0, 1
MISSING = 2**64 - 1  # the length of a missing string


def found(value: Any, cells: Any) -> Any:
    """`value`, its references to objects replaced by the objects."""
    return _Finder(_tables(cells)).within(value)


class _Tables:
    """The tables of a FileWrapper__."""

    def __init__(self, cells: list[Any]) -> None:
        first = cells[0] if cells else None
        if not isinstance(first, np.ndarray) or first.dtype != np.uint8 or first.size < NAMES_AT:
            raise MatFileError("the table of its objects is damaged")
        content = first.tobytes(order="F")
        words = np.frombuffer(content[: len(content) // 4 * 4], "<u4")
        bounds = words[2:8].tolist()
        if words[0] not in VERSIONS or bounds != sorted(bounds) or not NAMES_AT <= bounds[0] <= bounds[5] <= first.size:
            raise MatFileError("the table of its objects is damaged")
        names = content[NAMES_AT : bounds[0]].split(b"\0")[: int(words[1])]
        self.names = ["", *(name.decode("utf-8", "replace") for name in names)]
        parts = [words[begin // 4 : end // 4] for begin, end in itertools.pairwise(bounds)]
        self._classes, self._objects = parts[0], parts[2]
        self._saved, self._properties = _blocks(parts[1]), _blocks(parts[3])
        self._values = cells[2:]
        self._defaults = cells[-1] if isinstance(cells[-1], list) else []

    def class_name(self, number: int) -> str:
        namespace, name = self._row(self._classes, number, 4)[:2]
        return ".".join(part for part in (self._name(namespace), self._name(name)) if part)

    def fields(self, number: int) -> Struct:
        """The properties of an object."""
        class_number, _, _, saved, normal, _ = self._row(self._objects, number, 6)
        fields = Struct()
        if class_number < len(self._defaults) and isinstance(self._defaults[class_number], Struct):
            fields.update(self._defaults[class_number])
        blocks, at = (self._saved, saved) if saved else (self._properties, normal)
        if at >= len(blocks):
            raise MatFileError("the table of its objects has gaps")
        for name, kind, value in blocks[at]:
            if kind == BY_VALUE:
                if value >= len(self._values):
                    raise MatFileError("a property of an object has no value")
                fields[self._name(name)] = self._values[value]
            else:
                fields[self._name(name)] = self._name(value) if kind == BY_NAME else np.array([[float(value)]])
        return fields

    def _name(self, number: int) -> str:
        if number >= len(self.names):
            raise MatFileError("a property or class of an object has no name")
        return self.names[number]

    @staticmethod
    def _row(table: Array, number: int, width: int) -> list[int]:
        row: list[int] = table[number * width : (number + 1) * width].tolist()
        if len(row) < width:
            raise MatFileError("the table of its objects has gaps")
        return row


def _blocks(table: Array) -> list[list[list[int]]]:
    """The properties of each object: triplets behind their number, padded to pairs of words."""
    blocks, at = [], 0
    while at < table.size:
        begin, end = at + 1, at + 1 + 3 * int(table[at])
        if end > table.size:
            break
        blocks.append(table[begin:end].reshape(-1, 3).tolist())
        at = end + end % 2
    return blocks


def _tables(cells: Any) -> _Tables | None:
    """The tables, if they are those of a known version."""
    if isinstance(cells, np.ndarray):
        cells = list(cells.ravel(order="F"))
    try:
        return _Tables(cells) if isinstance(cells, list) else None
    except MatFileError:
        return None  # the rest of the file is sound: a placeholder for each object will do


class _Finder:
    """Objects by their numbers, each made once."""

    def __init__(self, tables: _Tables | None) -> None:
        self._tables = tables
        self._made: dict[int, Any] = {}
        self._seen: dict[int, Any] = {}

    def within(self, value: Any) -> Any:
        """A value with its references replaced, in its lists and structs too."""
        if isinstance(value, Reference):
            return self._referred(value)
        if id(value) in self._seen:
            return value
        if isinstance(value, dict):
            self._seen[id(value)] = value  # kept, so that its id stays its own
            for name, field in value.items():
                value[name] = self.within(field)
        elif isinstance(value, Elements):
            self._seen[id(value)] = value
            value[:] = [self.within(element) for element in value]
        elif isinstance(value, np.ndarray) and value.dtype == object:
            self._seen[id(value)] = value
            for at in np.ndindex(value.shape):
                value[at] = self.within(value[at])
        elif isinstance(value, np.ndarray) and _refers(value):
            return self._referred(Reference("object", value))  # a property that is an object again
        elif isinstance(value, Opaque):
            value.fields = self.within(value.fields)
        return value

    def _referred(self, reference: Reference) -> Any:
        unknown = Opaque(reference.class_name)
        content = reference.content
        if self._tables is None or not isinstance(content, np.ndarray) or not _refers(content):
            return unknown
        words = content.ravel(order="F").tolist()
        shape = words[2 : 2 + words[1]]
        numbers = words[2 + words[1] : -1]
        if not shape or math.prod(shape) != len(numbers):
            return unknown
        try:
            class_name = self._tables.class_name(words[-1])
            objects = [self._object(number, class_name) for number in numbers]
        except MatFileError:
            return unknown
        return objects[0] if len(objects) == 1 else Cell(objects, shape)

    def _object(self, number: int, class_name: str) -> Any:
        if number not in self._made:
            assert self._tables is not None
            # An object may hold itself: who meets it while it is made gets it unfinished.
            self._made[number] = made = Opaque(class_name)
            made.fields = self.within(self._tables.fields(number))
            self._made[number] = _plain(made)
        return self._made[number]


def _refers(value: Array) -> bool:
    return value.dtype == np.uint32 and value.size >= 4 and int(value.ravel(order="F")[0]) == MAGIC


def _plain(made: Opaque) -> Any:
    """A gpuArray's numbers and a string's text; any other object as it is."""
    saved = made.fields.get("any")
    if made.class_name == "gpuArray":
        numbers = saved[1] if isinstance(saved, list) and len(saved) == 2 else saved
        return numbers if isinstance(numbers, np.ndarray) else made
    if made.class_name == "string" and isinstance(saved, np.ndarray) and saved.dtype == np.uint64:
        return _strings(saved.ravel(order="F"), made)
    return made


def _strings(saved: Array, made: Opaque) -> Any:
    """Strings from words: a version, the number of dimensions, the size, the lengths, then four letters in each."""
    words = saved.tolist()
    shape = words[2 : 2 + words[1]] if len(words) > 1 and words[1] < len(words) else []
    number = math.prod(shape)
    if not shape or number > len(words):
        return made
    lengths = words[2 + len(shape) : 2 + len(shape) + number]
    letters = saved[2 + len(shape) + number :].tobytes()
    texts, at = [], 0
    for length in lengths:
        size = 0 if length == MISSING else 2 * length
        if at + size > len(letters):
            return made
        texts.append(letters[at : at + size].decode("utf-16-le", "surrogatepass"))
        at += size
    return texts[0] if number == 1 else Cell(texts, shape)
