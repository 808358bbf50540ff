"""Ctrl-C that waits for the end of the batch."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interruption:
    """Whether somebody has pressed Ctrl-C."""

    requested = False


@contextmanager
def interruptible() -> Iterator[Interruption]:
    """Let Ctrl-C be asked for, instead of ending what runs at once; the second time it ends it."""
    found = Interruption()
    if threading.current_thread() is not threading.main_thread():  # others get no signals
        yield found
        return

    def wait(number: int, frame: FrameType | None) -> None:
        found.requested = True
        signal.signal(signal.SIGINT, before)
        print("Stopping after this batch; Ctrl-C again stops at once.", file=sys.stderr, flush=True)

    before = signal.getsignal(signal.SIGINT)
    if before in (None, signal.SIG_IGN):  # not Python's to change, or Ctrl-C is not for this process
        yield found
        return
    signal.signal(signal.SIGINT, wait)
    try:
        yield found
    finally:
        signal.signal(signal.SIGINT, before)
