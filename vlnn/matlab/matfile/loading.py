"""Reading MAT-files of any version."""

from __future__ import annotations

import os
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np

from vlnn.matlab.matfile import level4, level5, level73
from vlnn.matlab.matfile.hdf5_bytes import SIGNATURE, Bytes
from vlnn.matlab.matfile.limits import Budget, MatFileError
from vlnn.matlab.matfile.objects import found
from vlnn.matlab.values import Struct

HEADER = 128
USER_BLOCKS = (0, *(512 << power for power in range(12)))  # where HDF5 may begin


def loadmat(path: str | os.PathLike[str], *, memory: int | None = None) -> Struct:
    """Read the variables of a MAT-file.

    Versions 4, 5, 6, 7 and 7.3 give the same values:

    ============================== =====================================================================
    MATLAB                         Python
    ============================== =====================================================================
    numbers                        array of MATLAB's class and size, at least 2-D, Fortran-ordered; also 1x1
    logical                        the same of dtype bool
    complex integers               complex double (NumPy has no others)
    sparse matrix                  ``scipy.sparse.csc_array``
    char, one row or none          str
    char, several rows             list of str (:class:`vlnn.matlab.CharMatrix`)
    struct, 1x1                    :class:`vlnn.matlab.Struct`; without fields too
    struct array                   list of them in MATLAB's order (:class:`vlnn.matlab.StructArray`)
    cell: row, column, 1x1, empty  list (:class:`vlnn.matlab.Cell`)
    cell, several rows and columns array of dtype object
    never assigned cell, []        array of size (0, 0)
    gpuArray                       its numbers
    string                         str, or list of str
    other objects, handles         :class:`vlnn.matlab.Opaque`, with the properties that could be read
    ============================== =====================================================================

    The lists have an attribute ``shape``, MATLAB's size. Arrays without elements keep their size.

    Parameters
    ----------
    path : str or path
        The file.
    memory : int, optional
        Bytes that the values may take; by default 512 MB and sixteen times the file's size, so that a small file
        cannot fill the memory.

    Returns
    -------
    variables : Struct

    Raises
    ------
    MatFileError
        The file is damaged, is none of MATLAB's, or asks for more memory. A ValueError.
    OSError
        The file cannot be opened.

    Source: MathWorks, "MAT-File Format"; The HDF Group, "HDF5 File Format Specification".
    """
    path = Path(path)
    with path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        budget = Budget(size, memory)
        try:
            # What damaged numbers are converted to is not worth a warning.
            with np.errstate(all="ignore"):
                variables, objects = _read(file, size, budget)
                return Struct(found(variables, objects))
        except MatFileError as error:
            raise MatFileError(f"{path}: {error}.") from None
        except MemoryError:
            raise MatFileError(f"{path}: its values do not fit into memory.") from None
        except RecursionError:
            raise MatFileError(f"{path}: its values lie too deep in each other.") from None


def _read(file: FileIO, size: int, budget: Budget) -> tuple[dict[str, Any], Any]:
    header = file.read(HEADER)
    for base in USER_BLOCKS:
        file.seek(base)
        if file.read(len(SIGNATURE)) == SIGNATURE:
            return level73.read(Bytes(file, size, base, budget), budget)
    file.seek(0)
    if len(header) == HEADER and header[126:128] in (b"IM", b"MI"):
        version = header[125 if header[126:128] == b"IM" else 124]
        if version == 1:
            return level5.read(file, size, budget)
        raise MatFileError(f"it is of version {version}, which is unknown, or its HDF5 part is missing")
    if level4.plausible(header):
        return level4.read(file, size, budget), None
    raise MatFileError(f"it is no MAT-file: it begins with {header[:16]!r}")
