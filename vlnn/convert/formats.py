"""The formats of networks: one table from a file's suffix to what reads and writes it."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from vlnn.convert import mat, npz
from vlnn.convert.checkpoint import Checkpoint
from vlnn.errors import ConversionError
from vlnn.matlab.arrays import Array

Run = Callable[[Path, dict[str, Array]], dict[str, Array]]


class Format(NamedTuple):
    """A format.

    Attributes
    ----------
    name : str
    extra : str
        The extra of vlnn that installs what it needs.
    read, write : functions
        ``read(path) -> Checkpoint`` and ``write(checkpoint, path, **options)``.
    run : function or None
        ``run(path, inputs) -> variables`` by their names, where something else than vlnn runs such files.
    reads_with, writes_with, runs_with : tuples of str
        The packages that each of these needs.
    options : tuple of str
        What else `write` takes.
    half : bool
        Whether the format has half precision.
    """

    name: str
    extra: str
    read: Callable[..., Checkpoint]
    write: Callable[..., object]
    run: Run | None = None
    reads_with: tuple[str, ...] = ()
    writes_with: tuple[str, ...] = ()
    runs_with: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    half: bool = True

    def require(self, *uses: str) -> None:
        """Raise ModuleNotFoundError, with what to install, if a package for 'reads', 'writes' or 'runs' is missing."""
        for use in uses:
            for package in getattr(self, f"{use}_with"):
                if find_spec(package) is None:
                    raise ModuleNotFoundError(
                        f"{self.name} needs {package}: pip install 'vlnn[{self.extra}]'", name=package
                    )


def _later(module: str, function: str) -> Callable[..., Any]:
    """A function of a module that is imported only when it is called, because it needs packages."""
    return lambda *args, **options: getattr(import_module(f"vlnn.convert.{module}"), function)(*args, **options)


FORMATS = {
    ".mat": Format("MATLAB", "", mat.read, mat.write, options=("version",), half=False),
    ".npz": Format("NumPy", "", npz.read, npz.write),
    ".safetensors": Format(
        "safetensors",
        "safetensors",
        _later("safetensors", "read"),
        _later("safetensors", "write"),
        reads_with=("safetensors",),
        writes_with=("safetensors",),
    ),
    ".pt": Format(
        "PyTorch",
        "torch",
        _later("torch", "read"),
        _later("torch", "write"),
        _later("torch", "run"),
        reads_with=("torch",),
        writes_with=("torch",),
        runs_with=("torch",),
    ),
    ".onnx": Format(
        "ONNX",
        "onnx",
        _later("onnx", "read"),
        _later("onnx", "write"),
        _later("onnx", "run"),
        writes_with=("onnx",),
        runs_with=("onnx", "onnxruntime"),
    ),
}


def format_of(path: str | os.PathLike[str], suffix: str | None = None) -> Format:
    """The format of a file by its name, or by a suffix given instead.

    Raises
    ------
    ConversionError
        There is no such format.
    """
    wanted = (suffix or Path(path).suffix).lower()
    wanted = f".{wanted.removeprefix('.')}" if wanted else "without a suffix"
    if wanted not in FORMATS:
        known = ", ".join(FORMATS)
        raise ConversionError(f"{os.fspath(path)}: networks are in files of the formats {known}, not {wanted}.")
    return FORMATS[wanted]


def read(path: str | os.PathLike[str], suffix: str | None = None, variable: str | None = None) -> Checkpoint:
    """Read a network, or weights alone, from a file of any format.

    Parameters
    ----------
    path : str or path
    suffix : str, optional
        The format, whatever the file's name.
    variable : str, optional
        Which network, where a .mat file has several; see ``vlnn.load_network``.

    Raises
    ------
    ConversionError, MatFileError
        The file is damaged, or of another format.
    ModuleNotFoundError
        A package is missing; the message says how to install it.
    OSError
        The file cannot be opened.
    """
    form = format_of(path, suffix)
    form.require("reads")
    if variable is None:
        return form.read(Path(path))
    if form is not FORMATS[".mat"]:
        raise ConversionError(f"{os.fspath(path)}: only .mat files have variables. Received the variable {variable!r}.")
    return mat.read(Path(path), variable)
