"""vl_rootnn, vl_setupnn, vl_compilenn: what a MATLAB installation needs and a Python package does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def vl_rootnn() -> str:
    """The folder of the package.

    ``root = vl_rootnn()``

    Returns
    -------
    root : str
        Where MatConvNet's own function gives the folder of its MATLAB toolbox.

    Source: vl_rootnn.m of 1.0-beta25.

    >>> import vlnn
    >>> vlnn.vl_rootnn().endswith('vlnn')
    True
    """
    return str(Path(__file__).resolve().parents[1])


def vl_setupnn() -> None:
    """Set up the toolbox: there is nothing to do, and one printed line says so.

    ``vl_setupnn()``

    Differs from MatConvNet: which here adds its folders to MATLAB's path.

    Source: vl_setupnn.m of 1.0-beta25.

    >>> import vlnn
    >>> vlnn.vl_setupnn()
    vl_setupnn: nothing to set up; import vlnn is enough.
    """
    print("vl_setupnn: nothing to set up; import vlnn is enough.")


def vl_compilenn(*args: Any, **opts: Any) -> None:
    """Compile the toolbox: there is nothing to compile, and one printed line says so.

    ``vl_compilenn('EnableGpu', True)``

    Parameters
    ----------
    args, opts
        MatConvNet's options, in any form. They have no effect: arrays of CuPy are computed on the GPU, others are not.

    Source: vl_compilenn.m of 1.0-beta25.

    >>> import vlnn
    >>> vlnn.vl_compilenn('EnableGpu', True)
    vl_compilenn: nothing to compile; vlnn is Python throughout.
    """
    print("vl_compilenn: nothing to compile; vlnn is Python throughout.")
