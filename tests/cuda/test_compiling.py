"""The kernels go through NVIDIA's own compilers, where there are any: nvcc, and NVRTC, which CuPy calls.

That shows that they compile, without a warning, and nothing more.
"""

from __future__ import annotations

import ctypes
import importlib.util
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

SOURCES = Path(__file__).parents[2] / "vlnn" / "engines" / "cuda" / "kernels"
FILES = [path for path in sorted(SOURCES.glob("*.cu")) if "__global__" in path.read_text(encoding="utf-8")]
REALS = ("float", "double")
OLDEST, NEWEST = "75", "90"


@pytest.mark.slow
@pytest.mark.parametrize("real", REALS)
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_nvcc(cupy: Any, path: Path, real: str, tmp_path: Path) -> None:
    from vlnn.engines.cuda.launching import source

    nvcc = shutil.which("nvcc")
    if nvcc is None:
        pytest.skip("there is no nvcc")
    kernels = tmp_path / path.name
    kernels.write_text(source(path.stem))
    for version in (OLDEST, NEWEST):
        options = ["-std=c++17", f"-DREAL={real}", f"-arch=sm_{version}", "-Werror=all-warnings", "-cubin"]
        made = subprocess.run(
            [nvcc, *options, str(kernels), "-o", str(tmp_path / "kernels.cubin")], capture_output=True, text=True
        )
        assert made.returncode == 0, made.stderr
        assert not made.stderr


@pytest.fixture(scope="module")
def nvrtc() -> ctypes.CDLL:
    spec = importlib.util.find_spec("nvidia")
    folders = list(spec.submodule_search_locations or []) if spec else []
    found = [path for folder in folders for path in sorted(Path(folder).glob("*/lib/libnvrtc.so.*"))]
    if not found:
        pytest.skip("NVRTC is not installed (pip install nvidia-cuda-nvrtc)")
    return ctypes.CDLL(str(found[0]))


@pytest.mark.parametrize("real", REALS)
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_nvrtc(cupy: Any, path: Path, real: str, nvrtc: ctypes.CDLL) -> None:
    from vlnn.engines.cuda.launching import source

    program = ctypes.c_void_p()
    assert (
        nvrtc.nvrtcCreateProgram(ctypes.byref(program), source(path.stem).encode(), b"kernels.cu", 0, None, None) == 0
    )
    options = [b"-std=c++17", f"-DREAL={real}".encode(), f"-arch=sm_{OLDEST}".encode()]
    failed = nvrtc.nvrtcCompileProgram(program, len(options), (ctypes.c_char_p * len(options))(*options))
    size = ctypes.c_size_t()
    nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    log = ctypes.create_string_buffer(size.value)
    nvrtc.nvrtcGetProgramLog(program, log)
    assert nvrtc.nvrtcDestroyProgram(ctypes.byref(program)) == 0
    assert not failed, log.value.decode()
    assert not log.value.strip(), log.value.decode()
