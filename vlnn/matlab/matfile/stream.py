"""Bytes one after the other, from a file or inflated on the way, never many more than are asked for."""

from __future__ import annotations

import zlib
from typing import Protocol

from vlnn.matlab.matfile.limits import MatFileError

PIECE = 1 << 18


class Source(Protocol):
    def read(self, size: int, /) -> bytes: ...

    def readinto(self, target: memoryview, /) -> int: ...


class Stream:
    """Buffered reading from a source.

    Attributes
    ----------
    offset : int
        How many bytes have been taken.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._buffer = b""
        self._at = 0
        self._before = 0  # bytes ahead of the buffer

    @property
    def offset(self) -> int:
        return self._before + self._at

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        at, end = self._at, self._at + size
        if end > len(self._buffer):
            self._more(size)
            at, end = 0, size
        self._at = end
        return self._buffer[at:end]

    def back(self, size: int) -> None:
        """Give back the last `size` bytes of what was just taken."""
        self._at -= size

    def _more(self, size: int) -> None:
        """Bring at least `size` bytes into the buffer."""
        pieces = [self._buffer[self._at :]]
        self._before += self._at
        self._at = 0
        missing = size - len(pieces[0])
        while missing > 0:
            piece = self._source.read(max(PIECE, min(missing, 16 * PIECE)))
            if not piece:
                self._buffer = b"".join(pieces)
                raise MatFileError(f"it ends {missing} bytes too early")
            pieces.append(piece)
            missing -= len(piece)
        self._buffer = b"".join(pieces)

    def fill(self, target: memoryview) -> None:
        """Write the next bytes over `target`."""
        size = len(target)
        here = self._buffer[self._at : self._at + size]
        done = len(here)
        target[:done] = here
        self._at += done
        if done == size:
            return
        self._before += self._at
        self._buffer, self._at = b"", 0
        while done < size and (more := self._source.readinto(target[done:])):
            done += more
            self._before += more
        if done < size:
            raise MatFileError(f"it ends {size - done} bytes too early")

    def skip(self, size: int) -> None:
        """Take `size` bytes and forget them."""
        while size > 0:
            size -= len(self.take(min(size, PIECE)))

    def at_end(self) -> bool:
        """Whether no bytes are left."""
        if self._at == len(self._buffer):
            self._before += self._at
            self._buffer, self._at = self._source.read(1), 0
        return not self._buffer


class Inflated:
    """What the next `size` bytes of a stream inflate to."""

    def __init__(self, stream: Stream, size: int) -> None:
        self._stream = stream
        self._left = size
        self._inflate = zlib.decompressobj()

    def read(self, size: int, /) -> bytes:
        while not self._inflate.eof:
            rest = self._inflate.unconsumed_tail
            if not rest and self._left:
                rest = self._stream.take(min(self._left, PIECE >> 2))
                self._left -= len(rest)
            try:
                inflated = self._inflate.decompress(rest, size)
            except zlib.error as error:
                raise MatFileError(f"compressed data are damaged ({error})") from None
            if inflated:
                return inflated
            if not rest:
                break
        if not self._inflate.eof:
            raise MatFileError("compressed data end too early")
        return b""

    def readinto(self, target: memoryview, /) -> int:
        piece = self.read(min(PIECE, len(target)))
        target[: len(piece)] = piece
        return len(piece)

    def skip_rest(self) -> None:
        """Leave the stream behind the compressed bytes."""
        self._stream.skip(self._left)
