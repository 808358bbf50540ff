"""The text with which a MAT-file begins."""

from __future__ import annotations

import platform
import time

SIZE = 128
MACHINES = {"Windows": "PCWIN64", "Darwin": "MACI64"}


def header(version: float) -> bytes:
    """The first 128 bytes of a file of version 5 or 7.3."""
    machine = MACHINES.get(platform.system(), "GLNXA64")
    kind = "7.3" if version == 7.3 else "5.0"
    text = f"MATLAB {kind} MAT-file, Platform: {machine}, Created on: {time.asctime()}"
    if version == 7.3:
        text += " HDF5 schema 1.00 ."
    number = b"\x00\x02" if version == 7.3 else b"\x00\x01"
    # Eight bytes say where objects are; there are none.
    return text.encode("ascii").ljust(116) + bytes(8) + number + b"IM"
