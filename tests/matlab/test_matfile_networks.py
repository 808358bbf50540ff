"""Files of others: networks as people published them, and calls as MatConvNet's own code recorded them."""

from __future__ import annotations

import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io

import vlnn
from tests.matlab.matfiles import SHARED, same
from vlnn.matlab import Struct

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="files of others are in ../shared, which is absent")

ROOT = Path(__file__).parents[2]
FILES = sorted([*SHARED.glob("networks/*.mat"), *SHARED.glob("vectors/*.mat")])
OLD = [path for path in FILES if not path.read_bytes().startswith(b"MATLAB 7.3")]
# HDF5 takes long to write the thousands of small values of recorded calls.
AGAIN = [(path, "5") for path in FILES] + [(path, "7.3") for path in FILES if path.parent.name == "networks"]


def as_scipy_has_it(got: Any, want: Any, place: str) -> None:
    """Assert that a value of ``loadmat`` is the one that SciPy reads."""
    if isinstance(want, np.ndarray) and want.dtype.names:
        elements = [got] if isinstance(got, dict) else got
        assert getattr(got, "shape", (1, 1)) == want.shape, place
        for at, element in enumerate(want.ravel(order="F")):
            assert list(elements[at]) == list(want.dtype.names), place
            for name in want.dtype.names:
                as_scipy_has_it(elements[at][name], element[name], f"{place}[{at}].{name}")
    elif want.dtype == object and want.size == 1 and want.item() is None:
        assert got == {}, place
    elif want.dtype == object:
        assert got.shape == want.shape, place
        elements = got.ravel(order="F") if isinstance(got, np.ndarray) else got
        for at, element in enumerate(want.ravel(order="F")):
            as_scipy_has_it(elements[at], element, f"{place}[{at}]")
    elif want.dtype.kind == "U":
        assert got == ("" if want.size == 0 else want.item() if want.size == 1 else want.tolist()), place
    elif got.dtype.kind != "c":  # SciPy drops imaginary parts when it restores classes
        same(got, np.asfortranarray(want), place)


@pytest.mark.parametrize("path", OLD, ids=[path.name for path in OLD])
def test_scipy_reads_the_same(path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        want = scipy.io.loadmat(path, mat_dtype=True)
    got = vlnn.loadmat(path)
    assert list(got) == [name for name in want if not name.startswith("__")]
    for name, value in got.items():
        as_scipy_has_it(value, want[name], name)


@pytest.mark.parametrize(("path", "version"), AGAIN, ids=[f"{path.name} {version}" for path, version in AGAIN])
def test_what_is_saved_again_is_the_same(tmp_path: Path, path: Path, version: str) -> None:
    once = vlnn.loadmat(path)
    vlnn.savemat(tmp_path / "x.mat", once, version)
    again = vlnn.loadmat(tmp_path / "x.mat")
    assert again.keys() == once.keys()
    same(again, Struct({name: once[name] for name in again}))  # HDF5 sorts variables by their names


def test_version_73_has_the_layers() -> None:
    net = vlnn.loadmat(SHARED / "networks" / "DnCNN_sigma25.mat").net
    assert [layer.type for layer in net.layers[:3]] == ["conv", "relu", "conv"]
    weights, bias = net.layers[2].weights
    assert (weights.shape, weights.dtype, bias.shape) == ((3, 3, 64, 64), np.float32, (64, 1))
    dag = vlnn.loadmat(SHARED / "networks" / "DnCNN_dagnn_epoch50.mat").net
    assert {"vars", "params", "layers", "meta"} <= set(dag)
    assert dag.layers[0].type == "dagnn.Conv"
    assert dag.layers[0].inputs == ["input"]


def test_a_network_of_version_73_loads_at_once() -> None:
    path = SHARED / "networks" / "DnCNN_dagnn_epoch50.mat"
    times = []
    for _ in range(5):
        start = time.perf_counter()
        vlnn.loadmat(path)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.150


# A large file

LARGE = """
import sys, time
from tests.memory import peak_kilobytes
which, path = sys.argv[1:]
if which == "scipy":
    from scipy.io import loadmat
else:
    from vlnn import loadmat
before = peak_kilobytes()
times = []
for _ in range(3):
    start = time.perf_counter()
    values = loadmat(path)
    times.append(time.perf_counter() - start)
    if len(times) == 1:
        grown = peak_kilobytes() - before
    del values
print(min(times), grown / 1024)
"""


def test_a_large_file_takes_no_longer_than_with_scipy_and_its_size_in_memory(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    sizes = [(3, 3, 512, 512)] * 13 + [(7, 7, 512, 1250)]
    layers = [{"type": "conv", "weights": [rng.random(size, np.float32).T, np.zeros((9, 1))]} for size in sizes]
    path = tmp_path / "large.mat"
    vlnn.savemat(path, {"net": {"layers": layers}})
    megabytes = path.stat().st_size / 2**20
    assert megabytes > 235

    def measured(which: str) -> tuple[float, float]:
        run = subprocess.run(
            [sys.executable, "-c", LARGE, which, str(path)], cwd=ROOT, capture_output=True, text=True, check=True
        )
        seconds, grown = map(float, run.stdout.split())
        return seconds, grown

    seconds, grown = min(measured("vlnn") for _ in range(2))
    assert seconds <= 1.5 * min(measured("scipy")[0] for _ in range(2))
    assert grown < 1.15 * megabytes
