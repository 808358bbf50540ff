"""The messages of an ONNX file, read where they lie."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from vlnn.convert.onnx import wire
from vlnn.convert.onnx.wire import BYTES, FIXED32, FIXED64, MOST_TEXT, VARINT
from vlnn.errors import ConversionError
from vlnn.matlab.arrays import Array

MOST_SIDES = 32  # of an array


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
    kind: int = wire.NUMBERS
    numbers: Span | None = None
    external: bool = False


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
        self.all = Span(0, self.end)

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

    def read_into(self, span: Span, array: Array) -> None:
        """Read numbers into an array in C's order."""
        self.stream.seek(span.start)
        if self.stream.readinto(memoryview(array.reshape(-1).view("u1"))) != span.length:  # type: ignore[attr-defined]
            raise self.damaged(span.start)

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

    def name(self, span: Span) -> str:
        """The name of an input or output."""
        names = (value for number, value in self.fields(span) if number == 1)
        return next((self.text(value) for value in names if isinstance(value, Span)), "")

    def array(self, span: Span) -> StoredArray:
        """What the message of an array says of it."""
        found = StoredArray()
        for number, value in self.fields(span):
            match number, value:
                case (wire.SIZE, int()):
                    found.size.append(value)
                case (wire.SIZE, Span()):
                    found.size += self._varints(value)
                case (wire.TYPE, int()):
                    found.type = value
                case (wire.NAME, Span()):
                    found.name = self.text(value)
                case ((wire.FLOATS | wire.NUMBERS | wire.DOUBLES), Span()):
                    found.kind, found.numbers = number, value
                case (wire.EXTERNAL, Span()):
                    found.external = True
            if len(found.size) > MOST_SIDES:
                raise self.damaged(span.start)
        return found

    def _varints(self, span: Span) -> list[int]:
        at = span.start
        found: list[int] = []
        while at < span.end and len(found) <= MOST_SIDES:
            value, at = self._varint(at, span.end)
            found.append(value)
        return found

    def damaged(self, at: int) -> ConversionError:
        return ConversionError(
            f"The file is no ONNX model, or damaged: what stands at byte {at} of {self.end} is wrong."
        )

    def _varint(self, at: int, end: int) -> tuple[int, int]:
        """A number, and where it ends."""
        self.stream.seek(at)
        value = 0
        for shift, byte in enumerate(self.stream.read(min(10, end - at))):
            value |= (byte & 0x7F) << 7 * shift
            if byte < 0x80:
                return value, at + shift + 1
        raise self.damaged(at)


class Model:
    """What there is in an ONNX file.

    Attributes
    ----------
    texts : dict
        The metadata.
    arrays : dict of str: StoredArray
    outputs : list of str
    """

    def __init__(self, stream: BinaryIO) -> None:
        self.messages = messages = Messages(stream)
        self.texts: dict[str, str] = {}
        self.arrays: dict[str, StoredArray] = {}
        self.outputs: list[str] = []
        for number, value in messages.fields(messages.all):
            if number == wire.METADATA and isinstance(value, Span):
                key, text = messages.entry(value)
                self.texts[key] = text
            elif number == wire.GRAPH and isinstance(value, Span):
                self._look_into(value)

    def _look_into(self, graph: Span) -> None:
        for number, value in self.messages.fields(graph):
            if number == wire.ARRAY and isinstance(value, Span):
                array = self.messages.array(value)
                self.arrays[array.name] = array
            elif number == wire.OUTPUT and isinstance(value, Span):
                self.outputs.append(self.messages.name(value))
