"""The formats of networks: one table from a file's suffix to what reads and writes it."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from vlnn.convert import mat, npz, safetensors
from vlnn.convert.checkpoint import Checkpoint
from vlnn.errors import ConversionError
from vlnn.matlab.arrays import Array


class Format(NamedTuple):
    """A format.

    Attributes
    ----------
    name : str
    packages : tuple of str
        What has to be installed; the extra of vlnn that does it is called like the last one.
    read, write : functions
        ``read(path) -> Checkpoint`` and ``write(checkpoint, path, **options)``.
    options : tuple of str
        What else `write` takes.
    run : function or None
        ``run(path, inputs) -> variables`` by their names, where something else than vlnn runs such files.
    half : bool
        Whether the format has half precision.
    """

    name: str
    packages: tuple[str, ...]
    read: Callable[..., Checkpoint]
    write: Callable[..., object]
    options: tuple[str, ...] = ()
    run: Callable[[Path, dict[str, Array]], dict[str, Array]] | None = None
    half: bool = True


def _later(module: str, function: str) -> Callable[..., Any]:
    """A function of a module that is imported only when it is called, because it needs packages."""
    return lambda *args, **options: getattr(import_module(module), function)(*args, **options)


FORMATS = {
    ".mat": Format("MATLAB", (), mat.read, mat.write, ("version",), half=False),
    ".npz": Format("NumPy", (), npz.read, npz.write),
    ".safetensors": Format("safetensors", ("safetensors",), safetensors.read, safetensors.write),
}


def format_of(path: str | os.PathLike[str], suffix: str | None = None) -> Format:
    """The format of a file by its name, or by a suffix given instead, once its packages are there.

    Raises
    ------
    ConversionError
        There is no such format.
    ModuleNotFoundError
        A package is missing; the message says how to install it.
    """
    wanted = (suffix or Path(path).suffix).lower()
    wanted = wanted if wanted.startswith(".") or not wanted else f".{wanted}"
    if wanted not in FORMATS:
        known = ", ".join(FORMATS)
        raise ConversionError(
            f"{os.fspath(path)}: networks are in files of the formats {known}, not {wanted or 'none'}."
        )
    found = FORMATS[wanted]
    for package in found.packages:
        if find_spec(package) is None:
            extra = found.packages[0]
            raise ModuleNotFoundError(f"{wanted} files need {package}: pip install 'vlnn[{extra}]'", name=package)
    return found


def read(path: str | os.PathLike[str], suffix: str | None = None, variable: str | None = None) -> Checkpoint:
    """Read a network, or weights alone, from a file of any format.

    Parameters
    ----------
    path : str or path
    suffix : str, optional
        The format, whatever the file's name.
    variable : str, optional
        Which network, where a .mat file has several; see ``vlnn.load_network``.
    """
    form = format_of(path, suffix)
    if variable is None:
        return form.read(Path(path))
    if form is not FORMATS[".mat"]:
        raise ConversionError(f"{os.fspath(path)}: only .mat files have variables. Received the variable {variable!r}.")
    return mat.read(Path(path), variable)
