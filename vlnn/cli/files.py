"""Files that a command writes: whole or not at all, and never over another without --force."""

import errno
import os
import shutil
import sys
import tempfile
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


@contextmanager
def new_path(path: Path, force: bool) -> Iterator[Path]:
    """As :func:`new_file`, for what is written by its path; for - a file that goes to stdout in the end."""
    if str(path) != "-":
        with new_file(path, force) as stream:
            yield Path(stream.name)
        return
    with tempfile.TemporaryDirectory(prefix="vlnn-") as folder:
        spooled = Path(folder) / "stdout"
        yield spooled
        with spooled.open("rb") as stream:
            shutil.copyfileobj(stream, sys.stdout.buffer)


@contextmanager
def given_file(name: str) -> Iterator[Path]:
    """The path of a file to read; for - that of a copy of what stdin gives."""
    if name != "-":
        yield Path(name)
        return
    content = sys.stdin.buffer.read()
    with tempfile.TemporaryDirectory(prefix="vlnn-") as folder:
        path = Path(folder) / f"stdin{suffix_of(content)}"
        path.write_bytes(content)
        yield path


def suffix_of(content: bytes) -> str:
    """The end of the name of a file that begins so."""
    if content.startswith(b"PK"):
        return ".npz" if b".npy" in content[:512] else ".pt"
    if content[8:9] == b"{":
        return ".safetensors"
    return ".onnx" if content.startswith(b"\x08") and b"MATLAB" not in content[:16] else ".mat"


def write_text(name: str, text: str, force: bool) -> None:
    """Write a file; for - to stdout."""
    if name == "-":
        click.echo(text, nl=False)
        return
    with new_file(Path(name), force) as stream:
        stream.write(text.encode())
