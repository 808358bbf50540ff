"""ONNX's files, which are Protocol Buffers, written and read array by array.

The library for Protocol Buffers holds a whole file in memory, twice while it writes or reads it. What it makes of nodes
and of the heads of arrays is written here as it is, and the numbers of the arrays go between them. A field starts with
its number and its kind; a message is a field that starts with its length::

    model  { 1: version  ...  14: metadata {1: key  2: value}  7: graph }
    graph  { 1: node  ...  5: array }
    array  { 1: size  2: type  8: name  9: numbers  13: {1: key  2: value}  14: where }
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from vlnn.errors import ConversionError

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # kinds of fields
GRAPH, METADATA = 7, 14  # of a model
ARRAY = 5  # of a graph
SIZE, TYPE, FLOATS, INTEGERS, NAME, NUMBERS, DOUBLES, EXTERNAL, WHERE = 1, 2, 4, 5, 8, 9, 10, 13, 14  # of an array
MOST_TEXT = 2**28  # bytes of a text that is read


def start_of(number: int, length: int) -> bytes:
    """The start of a field of bytes."""
    return varint(number << 3 | BYTES) + varint(length)


def varint(value: int) -> bytes:
    """A number in groups of seven bits, the lowest first."""
    groups = bytearray()
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    groups.append(value)
    return bytes(groups)


@dataclass
class Span:
    """Where the bytes of a field lie in a file."""

    start: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.start


@dataclass
class StoredArray:
    """An array of a model, but for its numbers: `numbers` is where these lie, of the field `kind`."""

    name: str = ""
    type: int = 0
    size: list[int] = field(default_factory=list)
    kind: int = NUMBERS
    numbers: Span | None = None
    external: dict[str, str] = field(default_factory=dict)


class Messages:
    """A file that is read field by field.

    Raises
    ------
    ConversionError
        Where the file does not hold what it should.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream
        self.end = stream.seek(0, io.SEEK_END)

    def fields(self, span: Span) -> Iterator[tuple[int, int | Span]]:
        """The number and the value of each field of a message."""
        at = span.start
        while at < span.end:
            tag, at = self._varint(at, span.end)
            number, kind = tag >> 3, tag & 7
            if kind == VARINT:
                value, at = self._varint(at, span.end)
                yield number, value
                continue
            length = {FIXED64: 8, FIXED32: 4}.get(kind)
            if kind == BYTES:
                length, at = self._varint(at, span.end)
            if not number or length is None or length > span.end - at:
                raise self.damaged(at)
            yield number, Span(at, at + length)
            at += length

    def bytes(self, span: Span) -> bytes:
        self.stream.seek(span.start)
        found = self.stream.read(span.length)
        if len(found) != span.length:
            raise self.damaged(span.start)
        return found

    def text(self, span: Span) -> str:
        if span.length > MOST_TEXT:
            raise self.damaged(span.start)
        try:
            return self.bytes(span).decode()
        except UnicodeDecodeError:
            raise self.damaged(span.start) from None

    def entry(self, span: Span) -> tuple[str, str]:
        """A key and its value."""
        texts = {number: self.text(value) for number, value in self.fields(span) if isinstance(value, Span)}
        return texts.get(1, ""), texts.get(2, "")

    def array(self, span: Span) -> StoredArray:
        """What the message of an array says of it."""
        found = StoredArray()
        for number, value in self.fields(span):
            match number, value:
                case (1, int()):
                    found.size.append(value)
                case (1, Span()):
                    found.size += self.varints(value)
                case (2, int()):
                    found.type = value
                case (8, Span()):
                    found.name = self.text(value)
                case ((4 | 5 | 9 | 10), Span()) if value.length:
                    found.kind, found.numbers = number, value
                case (13, Span()):
                    key, text = self.entry(value)
                    found.external[key] = text
        return found

    def varints(self, span: Span) -> list[int]:
        at, found = span.start, []
        while at < span.end:
            value, at = self._varint(at, span.end)
            found.append(value)
        return found

    def damaged(self, at: int) -> ConversionError:
        return ConversionError(f"The file is no ONNX model, or damaged: what stands at byte {at} of {self.end} is wrong.")

    def _varint(self, at: int, end: int) -> tuple[int, int]:
        """A number, and where it ends."""
        self.stream.seek(at)
        value = 0
        for shift, byte in enumerate(self.stream.read(min(10, end - at))):
            value |= (byte & 0x7F) << 7 * shift
            if byte < 0x80:
                return value, at + shift + 1
        raise self.damaged(at)
