"""Networks as NumPy's archives of arrays, .npz.

Each array of the checkpoint is a member with its name, of MATLAB's shape; the description is the member '__vlnn__', a
string of bytes. ``numpy.load(path)`` reads them all without vlnn.
"""

from __future__ import annotations

import os
import zipfile
import zlib
from pathlib import Path

import numpy as np

from vlnn.convert.checkpoint import Checkpoint
from vlnn.errors import ConversionError
from vlnn.matlab.arrays import Array
from vlnn.matlab.matfile.limits import Budget, MatFileError

DESCRIPTION = "__vlnn__"


def write(checkpoint: Checkpoint, path: Path) -> None:
    """Write a checkpoint, uncompressed."""
    # numpy.savez takes names as keywords, of which some mean something else to it.
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in {DESCRIPTION: np.array(checkpoint.description.encode()), **checkpoint.arrays}.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def read(path: Path) -> Checkpoint:
    """Read a checkpoint; what other programs have written has no description.

    Raises
    ------
    ConversionError
        The file is damaged, no archive, or its values are out of proportion to it.
    OSError
        The file cannot be opened.
    """
    with path.open("rb") as file:
        budget = Budget(os.fstat(file.fileno()).st_size)
        try:
            with zipfile.ZipFile(file) as archive:
                arrays = {
                    info.filename.removesuffix(".npy"): _member(archive, info, budget) for info in archive.infolist()
                }
        except MatFileError as error:
            raise ConversionError(f"{path}: {error}.") from None
        except (ValueError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
            raise ConversionError(f"{path}: it is no archive of arrays, or damaged: {error}.") from None
    description = arrays.pop(DESCRIPTION, np.array(b""))
    if description.dtype.kind != "S" or description.ndim:
        raise ConversionError(f"{path}: its description is no string of bytes.")
    return Checkpoint(description.item().decode("latin-1"), arrays)


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, budget: Budget) -> Array:
    budget.spend(info.file_size)
    with archive.open(info) as member:
        version = np.lib.format.read_magic(member)
        header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = header(member)
        # What the header asks for is allocated before anything is read.
        if int(np.prod(shape, dtype=object)) * dtype.itemsize > info.file_size:
            raise ConversionError(f"{info.filename} ends too early")
    with archive.open(info) as member:
        array: Array = np.lib.format.read_array(member, allow_pickle=False)
        return array
