"""The bytes of an HDF5 file, by their addresses."""

from __future__ import annotations

import struct
from io import FileIO

from vlnn.matlab.matfile.limits import Budget, MatFileError

SIGNATURE = b"\x89HDF\r\n\x1a\n"
UNDEFINED = 2**64 - 1  # the address of what has not been written


class Bytes:
    """A file whose addresses count from `base` on."""

    def __init__(self, file: FileIO, size: int, base: int, budget: Budget) -> None:
        self._file = file
        self._size = size - base
        self._base = base
        self._budget = budget

    def _go(self, address: int, size: int) -> None:
        if address > self._size - size:
            raise MatFileError(f"it refers to {size} bytes at {address}, but has {self._size}")
        self._file.seek(self._base + address)

    def at(self, address: int, size: int) -> bytes:
        """Bytes that describe the values; each is read a few times at most."""
        self._budget.reread(64 + size)
        return self.stored(address, size)

    def stored(self, address: int, size: int) -> bytes:
        """Bytes that are values."""
        self._go(address, size)
        content = self._file.read(size)
        if len(content) < size:
            raise MatFileError(f"it ends {size - len(content)} bytes too early")
        return content

    def fill(self, address: int, target: memoryview) -> None:
        """Write bytes that are values over `target`."""
        self._go(address, len(target))
        done = 0
        while done < len(target):
            more = self._file.readinto(target[done:])
            if not more:
                raise MatFileError(f"it ends {len(target) - done} bytes too early")
            done += more

    def words(self, address: int, number: int) -> tuple[int, ...]:
        return struct.unpack(f"<{number}Q", self.at(address, 8 * number))
