"""How much memory a process has held."""

from __future__ import annotations

import re
import resource
from pathlib import Path

STATUS = Path("/proc/self/status")


def peak_kilobytes() -> int:
    """The most that this process has held. Linux's ru_maxrss also counts the process that started it."""
    if STATUS.exists():
        found = re.search(r"VmHWM:\s+(\d+) kB", STATUS.read_text())
        assert found is not None
        return int(found[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
