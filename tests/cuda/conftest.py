"""The CUDA engine without a GPU: CuPy's part is played by a stand-in, the kernels run on the CPU."""

from __future__ import annotations

import os
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cuda import standin
from tests.cuda.emulator import COMPILER

SANITIZER = "VLNN_TEST_SANITIZER"  # options of g++ for the kernels


@pytest.fixture(scope="session")
def kernel_folder(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where compiled kernels are kept from run to run, if pytest keeps anything."""
    cache = getattr(pytestconfig, "cache", None)
    return tmp_path_factory.mktemp("kernels") if cache is None else Path(cache.mkdir("cuda-kernels-on-cpu"))


@pytest.fixture(scope="module")
def cupy(kernel_folder: Path) -> Iterator[types.ModuleType]:
    """The stand-in, in the place of CuPy while the tests of a module run."""
    if COMPILER is None:
        pytest.skip("there is no g++ to compile the kernels for the CPU")
    before = _taken_out()
    module = standin.module(kernel_folder, tuple(os.environ.get(SANITIZER, "").split()))
    sys.modules["cupy"] = module
    yield module
    _taken_out()
    sys.modules.update(before)


def _taken_out() -> dict[str, types.ModuleType]:
    """CuPy, and the modules of vlnn that have imported it, taken out of the modules that Python knows."""
    names = [name for name in sys.modules if name.partition(".")[0] == "cupy" or name.startswith("vlnn.engines.cuda")]
    return {name: sys.modules.pop(name) for name in names}
