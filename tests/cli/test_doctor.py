"""vlnn doctor, on this machine and on installations that are damaged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]


def doctor(*options: str, packages: Path | None = None) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(map(str, [packages, ROOT] if packages else [ROOT]))
    command = [sys.executable, "-m", "vlnn", "doctor", *options]
    return subprocess.run(
        command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, timeout=120, check=False
    )


def found(process: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in json.loads(process.stdout)}


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """On a machine where packages are there and do not work."""
    packages = tmp_path_factory.mktemp("packages")
    for name, content in {
        "torch": "raise OSError('libtorch.so: cannot open shared object file')",
        "onnx": "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)",
        "onnxruntime": "import sys\nsys.exit(3)",
        "safetensors": "import a_module_that_it_needs",
        "matplotlib": "import sys\nprint('noise'); __version__ = '1.2.3'",
        "cupy": "__version__ = '99'\nraise ImportError('CuPy is not correctly installed')",
    }.items():
        (packages / f"{name}.py").write_text(content)
    return doctor("--json", packages=packages)


def test_what_is_there() -> None:
    process = doctor("--json")
    findings = found(process)
    assert findings["numpy"]["text"].startswith(np.__version__)
    assert findings["test"]["state"] == "ok"
    assert {each["state"] for each in findings.values() if each["group"] == "needed"} == {"ok"}
    assert {"BLAS", "cores", "driver", "cupy"} <= set(findings)
    assert process.returncode == any(each["state"] == "broken" for each in findings.values())
    assert process.stderr == ""


def test_what_is_missing_says_how_to_get_it() -> None:
    for each in found(doctor("--json")).values():
        assert each["state"] in ("ok", "missing", "broken")
        assert each["remedy"] or each["state"] != "missing"


def test_people_read_a_table() -> None:
    lines = doctor().stdout.splitlines()
    assert lines[0].split()[:2] == ["machine", "vlnn"]
    assert any(line.split()[:2] == ["numpy", "ok"] for line in (line.removeprefix("needed") for line in lines))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("torch", "OSError: libtorch.so: cannot open shared object file"),
        ("onnx", "died of SIGSEGV"),
        ("onnxruntime", "exit status 3"),
        ("safetensors", "No module named 'a_module_that_it_needs'"),
        ("cupy", "ImportError: CuPy is not correctly installed"),
    ],
)
def test_damage(name: str, words: str, broken: subprocess.CompletedProcess[str]) -> None:
    finding = found(broken)[name]
    assert finding["state"] == "broken"
    assert words in finding["text"]
    assert broken.returncode == 1
    assert broken.stderr == ""


def test_packages_that_print(broken: subprocess.CompletedProcess[str]) -> None:
    assert found(broken)["matplotlib"]["state"] == "ok"
