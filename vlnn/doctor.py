"""examine: what of vlnn works on this machine, and how to get the rest.

Packages of others are tried in processes of their own: one that is damaged may end the process that imports it.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import platform
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from typing import Any, NamedTuple

from vlnn import __version__
from vlnn.errors import INSTALL_GPU

PATIENCE = 120  # seconds for a package to be imported
DEVICES = """
from cupy.cuda import runtime
for at in range(runtime.getDeviceCount()):
    each = runtime.getDeviceProperties(at)
    capability = f"{each['major']}.{each['minor']}"
    print(f"{each['name'].decode()}, {each['totalGlobalMem'] / 2**30:.0f} GB, capability {capability}", end="; ")
"""
CUDNN = """
import cupy
from vlnn.engines.cudnn.frontend import load
from vlnn.engines.cudnn.sessions import obstacle
frontend, problem = load(), obstacle(cupy.cuda.runtime.getDevice())
if problem:
    sys.exit(problem)
print(f"{frontend.backend_version_string()}, through nvidia-cudnn-frontend {frontend.__version__}", end="")
"""


class Finding(NamedTuple):
    """What was found out about one thing.

    Attributes
    ----------
    group : str
    name : str
    state : 'ok', 'missing' or 'broken'
        Missing things are optional; broken ones are there and do not work.
    text : str
        A version or a figure, or what is wrong.
    remedy : str
        What to do, where there is something.
    """

    group: str
    name: str
    state: str
    text: str
    remedy: str = ""


class Package(NamedTuple):
    """A package of others: what imports it, what it is called where packages are, what it is for."""

    module: str
    distribution: str
    extra: str
    purpose: str


NEEDED = (
    Package("numpy", "numpy", "", "arrays"),
    Package("scipy", "scipy", "", "sparse matrices"),
    Package("h5py", "h5py", "", "MAT-files of version 7.3"),
    Package("click", "click", "", "the command line"),
)
OPTIONAL = (
    Package("PIL", "pillow", "images", "pictures"),
    Package("onnx", "onnx", "onnx", ".onnx files"),
    Package("onnxruntime", "onnxruntime", "onnx", "the proof of .onnx files"),
    Package("torch", "torch", "torch", ".pt files"),
    Package("safetensors", "safetensors", "safetensors", ".safetensors files"),
    Package("matplotlib", "matplotlib", "", "plots of training"),
    Package("mpi4py", "mpi4py", "", "training in several processes"),
    Package("threadpoolctl", "threadpoolctl", "", "the name of the BLAS"),
)


def examine() -> list[Finding]:
    """Look at everything once, which takes some seconds. What is missing or broken is a finding, never an error."""
    findings = [
        Finding("machine", "vlnn", "ok", __version__),
        Finding("machine", "Python", "ok", f"{platform.python_version()}, {sys.executable}"),
        Finding("machine", "system", "ok", platform.platform()),
    ]
    for group, name, look in (
        ("machine", "cores", _cores),
        ("machine", "memory", _memory),
        ("machine", "BLAS", _blas),
        ("machine", "test", _test),
    ):
        findings.append(_guarded(group, name, look))
    with ThreadPoolExecutor(os.cpu_count()) as tasks:  # each waits for a process
        needed = tasks.map(lambda package: _package("needed", package), NEEDED)
        optional = tasks.map(lambda package: _package("optional", package), OPTIONAL)
        findings += [*needed, *optional]
    findings.append(_program("dot", "graphs drawn by DagNN.print"))
    return [*findings, _driver(), *_gpu()]


def _guarded(group: str, name: str, look: Callable[[], str]) -> Finding:
    """A finding that nothing can keep from being one."""
    try:
        return Finding(group, name, "ok", look())
    except Exception as error:
        return Finding(group, name, "broken", _said(error))


def _said(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if isinstance(error, RuntimeError) else f"{type(error).__name__}: {text}"


def _package(group: str, package: Package) -> Finding:
    """Whether a package can be imported: one that is there may be broken."""
    remedy = f"pip install 'vlnn[{package.extra}]'" if package.extra else f"pip install {package.distribution}"
    return _tried(group, package.distribution, package.module, f"for {package.purpose}", remedy)


def _tried(group: str, name: str, module: str, purpose: str, remedy: str) -> Finding:
    try:
        text = _output(f"import {module}; print(getattr({module}, '__version__', ''), end='')")
    except ModuleNotFoundError as error:
        if error.name == module:
            return Finding(group, name, "missing", purpose, remedy)
        return Finding(group, name, "broken", str(error), remedy)
    except Exception as error:
        return Finding(group, name, "broken", _said(error), remedy)
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        version = text
    return Finding(group, name, "ok", f"{version}, {purpose}".lstrip(", "))


def _output(program: str) -> str:
    """What a program prints in a process of its own, which sees the same packages.

    Raises ModuleNotFoundError, with the module's name, where one is not there, RuntimeError where something fails.
    """
    told = f"import sys; sys.path[:] = {sys.path!r}\n{program}"
    command = [sys.executable, "-W", "ignore", "-c", told]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL, timeout=PATIENCE
        )
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"not done after {PATIENCE} seconds") from None
    if done.returncode < 0:
        raise RuntimeError(f"the process that tried it died of {signal.Signals(-done.returncode).name}")
    if done.returncode:
        last = (done.stderr.strip() or f"exit status {done.returncode}").splitlines()[-1]
        kind, _, message = last.partition(": ")
        if kind == "ModuleNotFoundError":
            raise ModuleNotFoundError(message, name=message.rpartition("named ")[2].strip("'"))
        raise RuntimeError(last)
    return done.stdout.strip().rstrip(";")


def _program(name: str, purpose: str) -> Finding:
    path = shutil.which(name)
    if path is None:
        return Finding("optional", name, "missing", f"for {purpose}", "https://graphviz.org has it")
    return Finding("optional", name, "ok", f"{path}, for {purpose}")


def _cores() -> str:
    from vlnn.engines.cpu import threads
    from vlnn.engines.cpu.blas import processors

    of_all = os.cpu_count() or 1
    usable = processors()
    shown = f"{usable} of {of_all}" if usable != of_all else str(usable)
    return f"{shown}, {threads.count()} used"


def _memory() -> str:
    if not hasattr(os, "sysconf"):
        return "not known"
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return f"{total / 2**30:.1f} GB"


def _blas() -> str:
    try:
        threadpool_info = importlib.import_module("threadpoolctl").threadpool_info
    except ImportError:
        import numpy as np

        config = np.show_config(mode="dicts")
        found: Any = config.get("Build Dependencies", {}).get("blas", {}) if isinstance(config, dict) else {}
        return f"{found.get('name', 'not known')} {found.get('version', '')}".strip()
    used = [each for each in threadpool_info() if each.get("user_api") == "blas"]
    return "; ".join(
        f"{each['internal_api']} {each.get('version') or ''}, {each['num_threads']} threads" for each in used
    ) or "none that threadpoolctl knows"  # fmt: skip


def _test() -> str:
    """A convolution, against the same sums in NumPy."""
    import numpy as np

    from vlnn.blocks.nnconv import vl_nnconv

    rng = np.random.default_rng(0)
    x, f = (rng.standard_normal(size).astype(np.float32) for size in ((8, 8, 3, 2), (3, 3, 3, 4)))
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(0, 1))
    want = np.einsum("yxcnij,ijck->yxkn", windows, f)
    difference = float(np.abs(vl_nnconv(x, f, []) - want).max() / np.abs(want).max())
    if not difference < 1e-5:
        raise ArithmeticError(f"vl_nnconv is {difference:.1e} off")
    return f"vl_nnconv is right to {difference:.0e}"


def _gpu() -> list[Finding]:
    """CuPy, the GPUs that it sees, and cuDNN."""
    found = _tried("gpu", "cupy", "cupy", "for arrays on a GPU", INSTALL_GPU)
    if found.state != "ok":
        return [found]
    cudnn = _guarded("gpu", "cuDNN", lambda: _output(CUDNN))
    if cudnn.state == "broken" and cudnn.text.startswith(("ImportError", "ModuleNotFoundError")):
        cudnn = Finding("gpu", "cuDNN", "missing", cudnn.text, INSTALL_GPU)
    return [found, _guarded("gpu", "GPU", lambda: _output(DEVICES)), cudnn]


def _driver() -> Finding:
    names = {"win32": "nvcuda.dll", "darwin": ""}
    name = names.get(sys.platform, "libcuda.so.1")
    try:
        library = ctypes.CDLL(name) if name else None
    except OSError:
        library = None
    if library is None:
        return Finding("gpu", "driver", "missing", "no NVIDIA driver", "vlnn runs on the CPU without one")
    try:
        version = ctypes.c_int()
        library.cuDriverGetVersion(ctypes.byref(version))
        return Finding("gpu", "driver", "ok", f"for CUDA {version.value // 1000}.{version.value % 1000 // 10}")
    except Exception as error:
        return Finding("gpu", "driver", "broken", _said(error))
