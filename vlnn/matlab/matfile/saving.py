"""Writing MAT-files, whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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

    >>> import os, tempfile, vlnn
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "net.mat")
    ...     vlnn.savemat(path, {"net": {"layers": [{"type": "relu", "leak": 0.1}], "meta": {}}})
    ...     vlnn.loadmat(path)
    Struct(net=Struct(layers=[Struct(type='relu', leak=array([[0.1]]))], meta=Struct()))
    """
    format = str(format)
    if format not in FORMATS:
        raise MatFileError(f"{path}: there is no format {format!r}; there are {' and '.join(map(repr, FORMATS))}.")
    # A link stays a link.
    target = Path(os.path.realpath(path))
    try:
        nodes = variables_as_nodes(variables)
        with new_file(target) as beside:
            if format == "5":
                write5.write(beside, nodes, compress)
            else:
                write73.write(beside, nodes, compress)
    except MatFileError as error:
        raise MatFileError(f"{path}: {error}.") from None


@contextmanager
def new_file(target: Path) -> Iterator[Path]:
    """A file beside `target` that takes its name and its permissions when the ``with`` block ends well."""
    beside = target.with_name(f".{target.name}.{os.urandom(8).hex()}")
    try:
        beside.open("xb").close()
        yield beside
        if target.exists():
            shutil.copymode(target, beside)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
