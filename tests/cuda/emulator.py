"""vlnn's kernels on the CPU: the very same sources, compiled by g++ with a header that plays CUDA's part.

What this shows: indices, arithmetic, barriers that all threads of a block reach, types and number of the arguments.
What it cannot show: races between threads, limits of a GPU, and speed.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

HEADER = Path(__file__).with_name("cuda_on_cpu.h")
COMPILER = shutil.which("g++")
FLAGS = ("-std=c++17", "-O1", "-fPIC", "-shared", "-w", "-fno-strict-aliasing")

KERNEL = re.compile(r'extern "C" __global__ void (\w+)\(([^)]*)\)')
SCALARS = {"Index": ctypes.c_longlong, "double": ctypes.c_double}
POINTERS = {"float": np.float32, "double": np.float64, "int": np.int32, "Index": np.int64, "bool": np.bool_}
MOST_THREADS, MOST_BLOCKS, DEEPEST = 1024, (2**31 - 1, 65535, 65535), 64


class Kernel:
    """A kernel that a call runs over a grid, as CuPy's RawKernel does, with its limits and stricter."""

    def __init__(self, launcher: Any, name: str, parameters: Sequence[str]) -> None:
        self.launcher, self.name, self.parameters = launcher, name, parameters

    def __call__(self, grid: Sequence[int], block: Sequence[int], arguments: Sequence[Any]) -> None:
        assert all(1 <= count <= most for count, most in zip(grid, MOST_BLOCKS, strict=True)), grid
        assert 1 <= np.prod(block) <= MOST_THREADS, block
        assert block[2] <= DEEPEST, block
        assert len(arguments) == len(self.parameters), (self.name, self.parameters)
        passed = [_passed(*pair, self.name) for pair in zip(self.parameters, arguments, strict=True)]
        self.launcher((ctypes.c_uint * 3)(*grid), (ctypes.c_uint * 3)(*block), *passed)


def _passed(parameter: str, argument: Any, kernel: str) -> Any:
    """An argument as the compiled function takes it; a type that CuPy would pass otherwise is an error."""
    words = parameter.replace("*", " * ").split()
    where = f"{kernel}({parameter}) got {argument!r}"
    if "*" in words:
        (base,) = [word for word in words[:-1] if word not in ("const", "*", "__restrict__")]
        assert argument.dtype == POINTERS[base], where
        assert argument.flags.c_contiguous, where
        return ctypes.c_void_p(argument.data.ptr)
    kind = SCALARS[words[0] if words[0] != "const" else words[1]]
    assert type(argument) is (int if kind is ctypes.c_longlong else float), where
    return kind(argument)


@functools.cache
def compiled(code: str, definitions: tuple[str, ...], folder: Path, extra: tuple[str, ...] = ()) -> dict[str, Kernel]:
    """The kernels of a source, by name; the folder keeps what has been compiled."""
    assert COMPILER is not None
    plain = subprocess.run(
        [COMPILER, "-E", "-P", *definitions, "-x", "c++", "-"], input=code, capture_output=True, text=True, check=True
    ).stdout
    found = {name: [part.strip() for part in parameters.split(",")] for name, parameters in KERNEL.findall(plain)}
    text = HEADER.read_text() + plain + "".join(_launcher(name, parameters) for name, parameters in found.items())
    digest = hashlib.sha256("\0".join([text, *FLAGS, *extra]).encode()).hexdigest()[:24]
    library = folder / f"{digest}.so"
    if not library.exists():
        made = library.with_suffix(".partial")
        command = [COMPILER, *FLAGS, *extra, "-x", "c++", "-", "-o", str(made)]
        subprocess.run(command, input=text, text=True, check=True)
        made.rename(library)
    functions = ctypes.CDLL(str(library))
    return {name: Kernel(functions[f"launch_{name}"], name, parameters) for name, parameters in found.items()}


def _launcher(name: str, parameters: Sequence[str]) -> str:
    names = [re.split(r"[\s*]+", parameter)[-1] for parameter in parameters]
    return (
        f'\nextern "C" void launch_{name}(const unsigned* all_blocks, const unsigned* all_threads, '
        f"{', '.join(parameters)}) {{\n"
        f"  emulation::launch([&] {{ {name}({', '.join(names)}); }}, all_blocks, all_threads);\n}}\n"
    )
