"""What the real cuDNN plans for a card that is not there: every kind of convolution, within every limit.

This needs the frontend, libcudnn and a C compiler, and no GPU. It shows that cuDNN accepts the graphs and has plans for
them. It does not show that they compute what they should.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
# What libcudnn wants of libcuda before it plans; CUDA's answer is always that there is no device.
LIBCUDA = ["cuInit", "cuGetErrorString", "cuModuleGetFunction", "cuModuleLoadData", "cuModuleUnload"]
LIBCUDA += ["cuTensorMapEncodeIm2col", "cuTensorMapEncodeTiled"]


def obstacle() -> str:
    """Why nothing can be planned here."""
    if importlib.util.find_spec("cudnn") is None:
        return "nvidia-cudnn-frontend is not installed"
    libraries = Path(sysconfig.get_path("purelib"), "nvidia", "cudnn", "lib")
    if not list(libraries.glob("libcudnn.so.9*")):
        return "nvidia-cudnn-cu13 is not installed"
    return "" if shutil.which("cc") else "there is no C compiler"


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Any:
    if obstacle():
        pytest.skip(obstacle())
    folder = tmp_path_factory.mktemp("libcuda")
    source = folder / "cuda.c"
    source.write_text("".join(f"int {name}(void) {{ return 100; }}\n" for name in LIBCUDA))
    library = str(folder / "libcuda.so.1")
    subprocess.run(["cc", "-shared", "-fPIC", "-Wl,-soname,libcuda.so.1", "-o", library, str(source)], check=True)
    paths = os.pathsep.join(filter(None, (str(folder), os.environ.get("LD_LIBRARY_PATH"))))
    process = subprocess.run(
        [sys.executable, "-m", "tests.cudnn.planning"],
        cwd=ROOT,
        env={**os.environ, "LD_LIBRARY_PATH": paths},
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr[-2000:]
    return json.loads(process.stdout)


def test_there_is_a_plan_for_everything(planned: Any) -> None:
    assert [plan for plan in planned["plans"] if plan["workspace"] is None] == []


@pytest.mark.parametrize(("choice", "limit"), [("default", 2**29), ("no workspace", 0), ("tf32", 2**29)])
def test_limits(planned: Any, choice: str, limit: int) -> None:
    workspaces = [plan["workspace"] for plan in planned["plans"] if plan["choice"] == choice]
    assert workspaces
    assert max(workspaces) <= limit


def test_tf32_is_another_plan(planned: Any) -> None:
    workspaces = {
        choice: [
            plan["workspace"] for plan in planned["plans"] if plan["choice"] == choice and plan["call"] == "much work"
        ]
        for choice in ("default", "tf32")
    }
    assert workspaces["default"][:3] != workspaces["tf32"]


def test_there_is_something_to_tune(planned: Any) -> None:
    assert planned["candidates"] > 1
