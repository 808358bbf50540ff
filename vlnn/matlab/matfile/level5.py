"""Reading MAT-files of level 5 (versions 5 to 7 of MATLAB), checked while they are read.

SciPy's reader trusts the sizes in a file, and damaged ones crash it. This one follows the tags itself: an element has
to lie inside the one that holds it, and an array to have the bytes that its size asks for, before it is allocated.

Source: MathWorks, "MAT-File Format", chapter 1.
"""

from __future__ import annotations

import struct
from io import FileIO
from typing import Any

import numpy as np

from vlnn.matlab.matfile.assembly import Reference, arranged, joined, nothing, sparse, structs, text, units_of
from vlnn.matlab.matfile.level5_elements import INT8, INT32, UINT32, Elements
from vlnn.matlab.matfile.limits import MAX_DEPTH, NUMBERS, Budget, MatFileError, by, number_of
from vlnn.matlab.matfile.stream import PIECE, Inflated, Stream
from vlnn.matlab.values import Opaque, Struct

MATRIX, COMPRESSED = 14, 15
TEXTS = {1: "latin-1", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
CELL, STRUCT, OBJECT, CHAR, SPARSE = 1, 2, 3, 4, 5
NUMERIC = dict(enumerate(NUMBERS, 6))  # double is 6, uint64 is 15
FUNCTION, OPAQUE = 16, 17
LOGICAL_FLAG, COMPLEX_FLAG = 0x200, 0x800
HEADER = 128
USUAL = 40  # bytes of class, size and name of a matrix that has none


def read(file: FileIO, size: int, budget: Budget) -> tuple[dict[str, Any], Any]:
    """The variables of a file, and its objects' cells if it has any objects."""
    header = file.read(HEADER)
    order = ">" if header[126:128] == b"MI" else "<"
    offset = struct.unpack(order + "Q", header[116:124])[0]
    variables: dict[str, Any] = {}
    objects = None
    stream = Stream(file)
    while not stream.at_end():
        place = HEADER + stream.offset
        name, value = Reader(stream, order, budget).variable(size - place)
        if name:
            variables[name] = value
        elif place == offset:
            objects = value
    return variables, None if objects is None else _wrapped_cells(objects, budget)


def _wrapped_cells(stored: Any, budget: Budget) -> Any:
    """The cells of MATLAB's FileWrapper__, from the small file that is kept in a file's last variable."""
    content = stored.tobytes() if isinstance(stored, np.ndarray) else b""
    if len(content) < 8:
        return None
    stream = Stream(_Bytes(content[8:]))
    _, kept = Reader(stream, ">" if content[2:4] == b"MI" else "<", budget).variable(len(content) - 8)
    return kept.get("MCOS") if isinstance(kept, Struct) else None


class _Bytes:
    """A source of bytes that are there already."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def read(self, size: int, /) -> bytes:
        piece, self._content = self._content, b""
        return piece

    def readinto(self, target: memoryview, /) -> int:
        return 0


class Reader:
    """Reads one variable: arrays that lie in each other."""

    def __init__(self, stream: Stream, order: str, budget: Budget) -> None:
        self._in = Elements(stream, order, budget)
        self._two = struct.Struct(order + "II").unpack
        self._four = struct.Struct(order + "IIII").unpack
        self._six = struct.Struct(order + "IIiiII").unpack
        self._name = ""

    def variable(self, room: int) -> tuple[str, Any]:
        """The next variable and its name."""
        self._in.budget.count(1)
        try:
            kind, size = self._two(self._in.stream.take(8))
            if kind not in (MATRIX, COMPRESSED):
                raise MatFileError(f"a variable begins with the data type {kind}")
            if size > room - 8:
                raise MatFileError(f"a variable of {size} bytes has {room - 8}")
            value = self._body(size, 0) if kind == MATRIX else self._inflated(size)
        except MatFileError as error:
            raise MatFileError(f"{self._name or 'a variable'}: {error}") from None
        return self._name, value

    def _inflated(self, size: int) -> Any:
        """A compressed array, of `size` bytes before it is inflated."""
        outside = self._in.stream
        inflated = Inflated(outside, size)
        self._in.stream = Stream(inflated)
        kind, size = self._two(self._in.stream.take(8))
        if kind != MATRIX:
            raise MatFileError(f"a compressed variable begins with the data type {kind}")
        value = self._body(size, 0)
        if not self._in.stream.at_end():
            raise MatFileError("compressed data go on behind their end")
        inflated.skip_rest()
        return value

    def _matrix(self, room: int, depth: int) -> tuple[Any, int]:
        """The next array, and how many bytes it took."""
        if room < 8:
            raise MatFileError("an array is missing")
        kind, size = self._two(self._in.stream.take(8))
        if kind != MATRIX:
            raise MatFileError(f"an array begins with the data type {kind}")
        if size > room - 8:
            raise MatFileError(f"an array of {size} bytes has {room - 8}")
        if size == 0:  # never assigned
            return nothing(), 8
        return self._body(size, depth), 8 + size

    def _body(self, size: int, depth: int) -> Any:
        """An array of `size` bytes behind its tag."""
        if depth > MAX_DEPTH:
            raise MatFileError(f"arrays lie more than {MAX_DEPTH} deep in each other")
        stream = self._in.stream
        end = stream.offset + size
        if size < 16:
            raise MatFileError(f"an array of {size} bytes has no class")
        head = stream.take(min(size, USUAL))
        kind, length, flags, _ = self._four(head[:16])
        if (kind, length) != (UINT32, 8):
            raise MatFileError("an array has no class")
        array_class = flags & 0xFF
        usual = len(head) == USUAL and self._six(head[16:])
        if usual and usual[:2] == (INT32, 8) and usual[4:] == (INT8, 0) and array_class != OPAQUE:
            shape = usual[2:4]
            number_of(shape)
            value = self._value(array_class, flags, shape, end, depth)
        else:
            stream.back(len(head) - 16)
            value = self._named(array_class, flags, end, depth)
        rest = self._in.left(end)
        if rest > PIECE:
            self._in.budget.spend(rest)
        # Octave gives a character matrix of four letters four bytes too many.
        if depth or not self._in.stream.at_end():
            self._in.stream.skip(rest)
        return value

    def _named(self, array_class: int, flags: int, end: int, depth: int) -> Any:
        """An array behind its class, which has a name or another number of dimensions than two."""
        if array_class == OPAQUE:
            return self._opaque(end, depth)
        shape = self._in.shape(end)
        name = self._in.text(end)
        if not depth:
            self._name = name
        return self._value(array_class, flags, shape, end, depth)

    def _value(self, array_class: int, flags: int, shape: tuple[int, ...], end: int, depth: int) -> Any:
        if array_class in NUMERIC:
            if flags & LOGICAL_FLAG:
                return self._in.numbers(shape, np.dtype(np.bool_), end)
            return self._in.real_or_complex(shape, NUMBERS[NUMERIC[array_class]], bool(flags & COMPLEX_FLAG), end)
        if array_class == CHAR:
            return self._char(shape, end)
        if array_class == CELL:
            return arranged(self._several(number_of(shape), end, depth), shape)
        if array_class == STRUCT:
            return self._struct(shape, end, depth)
        if array_class == SPARSE:
            return self._sparse(shape, flags, end)
        if array_class == OBJECT:
            class_name = self._in.text(end)
            fields = self._struct(shape, end, depth)
            return Opaque(class_name, fields if isinstance(fields, Struct) else Struct(elements=fields))
        if array_class == FUNCTION:
            return Opaque("function_handle", Struct(value=self._several(1, end, depth)[0]))
        raise MatFileError(f"the array class {array_class} is unknown")

    def _several(self, number: int, end: int, depth: int) -> list[Any]:
        """The arrays that follow each other in a cell or struct."""
        room = self._in.left(end)
        if number > room // 8:
            raise MatFileError(f"{number} elements have {room} bytes")
        self._in.budget.count(number)
        self._in.budget.spend(number * 144)
        values = []
        for _ in range(number):
            value, taken = self._matrix(room, depth + 1)
            room -= taken
            values.append(value)
        return values

    def _struct(self, shape: tuple[int, ...], end: int, depth: int) -> Any:
        length_kind, length = self._in.data(end)
        kind, names = self._in.data(end)
        if length_kind != INT32 or len(length) != 4 or kind != INT8:
            raise MatFileError("a struct has no field names")
        width = int.from_bytes(length, "big" if self._in.order == ">" else "little", signed=True)
        if width < 1 or len(names) % width:
            raise MatFileError(f"field names of {width} bytes each have {len(names)} bytes")
        fields = [names[at : at + width].split(b"\0", 1)[0].decode("latin-1") for at in range(0, len(names), width)]
        number = number_of(shape)
        self._in.budget.count(number)
        self._in.budget.spend(number * (96 + 32 * len(fields)))
        values = self._several(number * len(fields), end, depth)
        return structs(fields, [values[at :: len(fields)] for at in range(len(fields))], shape)

    def _char(self, shape: tuple[int, ...], end: int) -> Any:
        number = number_of(shape)
        if number == 0 and self._in.left(end) < 8:
            return text("", shape)
        kind, stored = self._in.data(end, weight=6)
        if kind not in TEXTS:
            raise MatFileError(f"text has the data type {kind}")
        encoding = TEXTS[kind]
        if encoding in ("utf-16", "utf-32"):
            encoding += "-be" if self._in.order == ">" else "-le"
        try:
            letters = stored.decode(encoding, "surrogatepass")
        except UnicodeDecodeError:
            letters = stored.decode("latin-1")
        if units_of(letters) != number:
            # Octave counts the bytes of UTF-8 where MATLAB counts units of UTF-16.
            if encoding != "utf-8" or len(stored) != number:
                raise MatFileError(f"text of size {by(shape)} has {units_of(letters)} characters")
            if shape[0] > 1:
                letters = stored.decode("latin-1")
        self._in.budget.count(shape[0])
        return text(letters, shape)

    def _sparse(self, shape: tuple[int, ...], flags: int, end: int) -> Any:
        if len(shape) != 2:
            raise MatFileError(f"a sparse matrix has the size {by(shape)}")
        rows = self._in.numbers(None, np.dtype(np.int32), end)
        starts = self._in.numbers(None, np.dtype(np.int32), end)
        values = self._in.numbers(None, np.dtype(np.float64), end)
        if flags & COMPLEX_FLAG:
            values = joined(values, self._in.numbers(values.shape, values.dtype, end))
        if flags & LOGICAL_FLAG:
            values = values != 0
        return sparse(values, rows, starts, shape)

    def _opaque(self, end: int, depth: int) -> Any:
        name, _system, class_name = self._in.text(end), self._in.text(end), self._in.text(end)
        if not depth:
            self._name = name
        content, _ = self._matrix(self._in.left(end), depth + 1)
        return content if class_name == "FileWrapper__" else Reference(class_name, content)
