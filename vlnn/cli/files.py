"""Files that a command writes: whole or not at all, and never over another without --force."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click


@contextmanager
def new_file(path: Path, force: bool) -> Iterator[BinaryIO]:
    """Open a file for writing that takes its name when the ``with`` block ends well, and vanishes otherwise."""
    if os.path.lexists(path) and not force:
        raise click.ClickException(f"{path} exists; --force overwrites it.")
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("xb") as stream:
            yield stream
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
