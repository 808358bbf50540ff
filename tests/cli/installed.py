"""The installed command, run as a user runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

EXECUTABLE = Path(sys.executable).with_name("vlnn")
COMMAND = [str(EXECUTABLE)] if EXECUTABLE.exists() else [sys.executable, "-m", "vlnn"]


def vlnn(*arguments: object, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run ``vlnn ARGUMENTS``."""
    return subprocess.run([*COMMAND, *map(str, arguments)], input=stdin, capture_output=True, check=False)
