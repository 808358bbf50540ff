"""Writing MAT-files, whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vlnn.matlab.matfile import write5, write73
from vlnn.matlab.matfile.limits import MatFileError
from vlnn.matlab.matfile.nodes import variables_as_nodes

FORMATS = ("5", "7.3")


def savemat(
    path: str | os.PathLike[str], variables: Mapping[str, Any], format: str = "5", *, compress: bool = False
) -> None:
    """Write variables into a MAT-file.

    The file takes its name when it is complete: if it cannot be completed, a file that was there stays as it was.

    Parameters
    ----------
    path : str or path
        The file. No '.mat' is appended.
    variables : dict or Struct
        Values by their names:

        ================================ ===================================================================
        Python                           MATLAB
        ================================ ===================================================================
        numeric array, number of NumPy   the same class and size; a 1-D array is a row
        int, float, complex              1x1 double
        bool, array of bool              logical
        float16; longer than double      single; double
        str                              char, a row
        None                             []
        dict, Struct                     1x1 struct
        StructArray                      struct array; a field that an element lacks is []
        any other list, or tuple         cell, a row
        Cell, array of objects           cell of its size; so do arrays of strings, with strings in them
        CharMatrix                       char of several rows
        structured array                 struct array
        SciPy's sparse arrays            sparse double or logical
        CuPy's arrays                    as NumPy's
        ================================ ===================================================================

        What :func:`loadmat` gives becomes what it was, apart from ``Opaque``, which cannot be written, and complex
        integers, which have become double. A list of dicts is a cell: wrap it in ``StructArray`` for a struct array.
    format : '5'
        '5' (every MATLAB since 1996, Octave, SciPy; 2 GB in a variable), or '7.3' (MATLAB since 2006; HDF5).
    compress : bool, default False
        Deflate the values, as MATLAB does. Trained weights shrink by a tenth at best.

    Raises
    ------
    MatFileError
        A value has no equal in MATLAB, or a name is none. The message says which. A ValueError.
    OSError
        The file cannot be written.

    Differs from MATLAB: arrays keep trailing dimensions of size 1 in the file, which MATLAB drops when it loads them.

    Source: MathWorks, "MAT-File Format"; files that MATLAB wrote.
    """
    format = str(format)
    if format not in FORMATS:
        raise MatFileError(f"{path}: there is no format {format!r}; there are {' and '.join(map(repr, FORMATS))}.")
    # A link stays a link.
    target = Path(os.path.realpath(path))
    try:
        nodes = variables_as_nodes(variables)
        # It has the permissions that a new file gets, or those of the file that it replaces.
        descriptor, beside = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        try:
            os.chmod(beside, _mode(target))
            with os.fdopen(descriptor, "wb") as file:
                if format == "5":
                    write5.write(file, nodes, compress)
            if format == "7.3":
                write73.write(beside, nodes, compress)
            os.replace(beside, target)
        except BaseException:
            os.unlink(beside)
            raise
    except MatFileError as error:
        raise MatFileError(f"{path}: {error}.") from None


def _mode(target: Path) -> int:
    try:
        return target.stat().st_mode & 0o777
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask
