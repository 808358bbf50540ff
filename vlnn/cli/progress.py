"""A bar for what takes longer than two seconds."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any

import click

PATIENCE = 2.0  # seconds without a bar


class Progress:
    """A bar on a terminal's stderr that comes up once it has taken PATIENCE seconds; elsewhere nothing.

    Used in a ``with`` block: ``progress.step()`` after each of `length` pieces of work.
    """

    def __init__(self, length: int, label: str) -> None:
        self._bar: Any = None
        self._length, self._label = length, label
        self._done = 0
        self._start = time.monotonic()

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.__exit__(kind, error, trace)

    def step(self) -> None:
        """One piece more is done."""
        self._done += 1
        if self._bar is not None:
            self._bar.update(1)
        elif time.monotonic() - self._start > PATIENCE and self._done < self._length and sys.stderr.isatty():
            self._bar = click.progressbar(length=self._length, label=self._label, file=sys.stderr)
            self._bar.__enter__()
            self._bar.update(self._done)

    def echo(self, text: str, err: bool = False) -> None:
        """Print a line, the bar out of its way."""
        if self._bar is not None:
            click.echo("\r\033[K", nl=False, err=True)
        click.echo(text, err=err)
