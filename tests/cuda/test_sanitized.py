"""No kernel reads or writes outside its arrays, as far as g++'s address sanitizer sees.

The tests run once more in a process of their own, which has the sanitizer loaded from its start.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cuda.conftest import SANITIZER
from tests.cuda.emulator import COMPILER

ROOT = Path(__file__).parents[2]
CHOSEN = "single and vl_nn and not err or layers and not shape0 and not shape2 or nowhere or nothing or no_place"

BEYOND = """
import pathlib, sys, numpy as np
from tests.cuda import standin
code = 'typedef long long Index; extern "C" __global__ void copy(const double* x, double* y, Index n) '
code += '{ y[threadIdx.x] = x[threadIdx.x + n]; }'
cupy = standin.module(pathlib.Path(sys.argv[1]), ("-fsanitize=address",))
x = cupy.asarray(np.ones(512))
copy = cupy.RawModule(code=code, options=("-std=c++17",)).get_function("copy")
copy((1, 1, 1), (256, 1, 1), (x, cupy.empty(256), int(sys.argv[2])))
"""


def sanitized(*command: str) -> subprocess.CompletedProcess[str]:
    if COMPILER is None:
        pytest.skip("there is no g++ to compile the kernels for the CPU")
    found = [
        subprocess.run([COMPILER, f"-print-file-name={name}"], capture_output=True, text=True).stdout.strip()
        for name in ("libasan.so", "libstdc++.so")
    ]
    if not all(os.path.isabs(path) for path in found):
        pytest.skip("g++ has no address sanitizer")
    settings = {
        "LD_PRELOAD": " ".join(found),
        "ASAN_OPTIONS": "detect_leaks=0",
        SANITIZER: "-fsanitize=address -g",
        "PYTHONPATH": str(ROOT),
    }
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env={**os.environ, **settings}, capture_output=True, text=True
    )


@pytest.mark.slow
def test_inside_the_arrays() -> None:
    run = sanitized("-m", "pytest", "-x", "-q", "tests/cuda", "-k", CHOSEN)
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-6000:]
    assert "failed" not in run.stdout


@pytest.mark.parametrize(("first", "inside"), [(256, True), (257, False), (-1, False)])
def test_the_sanitizer_sees_what_is_beyond(tmp_path: Path, first: int, inside: bool) -> None:
    run = sanitized("-c", BEYOND, str(tmp_path), str(first))
    assert (run.returncode == 0) == inside, run.stderr
    assert ("heap-buffer-overflow" in run.stderr) != inside
