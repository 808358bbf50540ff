"""What a machine has for computing on a GPU."""

from __future__ import annotations

from typing import Any

from vlnn.errors import INSTALL_GPU


def state() -> dict[str, str]:
    """Say what there is of CuPy, of a GPU and of cuDNN, for ``vlnn doctor``. Nothing is raised.

    Returns
    -------
    found : dict of str
        'CuPy', 'GPU' and 'cuDNN', each with a version or a name, or with what is missing; 'on a GPU', what computes
        convolutions of CuPy's arrays.

    >>> from vlnn.engines.state import state
    >>> list(state())
    ['CuPy', 'GPU', 'cuDNN', 'on a GPU']
    """
    try:
        import cupy
    except ImportError as problem:
        missing = f"not installed ({problem}): {INSTALL_GPU}"
        return {"CuPy": missing, "GPU": "not looked for", "cuDNN": "not looked for", "on a GPU": "nothing"}
    found = {"CuPy": cupy.__version__, "GPU": _gpu(cupy), "cuDNN": _cudnn()}
    if not cupy.cuda.is_available():
        return {**found, "on a GPU": "nothing"}
    from vlnn.engines.cudnn.sessions import obstacle

    no_cudnn = obstacle(cupy.cuda.runtime.getDevice())
    engine = f"cuBLAS and vlnn's own kernels (no cuDNN: {no_cudnn})" if no_cudnn else "cuDNN"
    return {**found, "on a GPU": engine}


def _gpu(cupy: Any) -> str:
    if not cupy.cuda.is_available():
        return "none that CuPy finds"
    runtime = cupy.cuda.runtime
    name = runtime.getDeviceProperties(runtime.getDevice())["name"].decode()
    count = runtime.getDeviceCount()
    return f"{name}, the current one of {count}" if count > 1 else str(name)


def _cudnn() -> str:
    from vlnn.engines.cudnn.frontend import load

    try:
        frontend = load()
    except Exception as problem:
        return f"missing ({problem}): {INSTALL_GPU}"
    return f"{frontend.backend_version_string()}, through nvidia-cudnn-frontend {frontend.__version__}"
