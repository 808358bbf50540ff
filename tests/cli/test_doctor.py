"""vlnn doctor, on this machine and on installations that are damaged."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from vlnn.cli import main
from vlnn.doctor import OPTIONAL, Finding

ROOT = Path(__file__).parents[2]


def doctor(*options: str, packages: Path | None = None) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(map(str, [packages, ROOT] if packages else [ROOT]))
    command = [sys.executable, "-m", "vlnn", "doctor", *options]
    return subprocess.run(
        command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, timeout=300, check=False
    )


def found(process: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in json.loads(process.stdout)}


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """On a machine where packages are there and do not work."""
    packages = tmp_path_factory.mktemp("packages")
    for name, content in {
        "torch": "raise OSError('libtorch.so: cannot open shared object file')",
        "onnx": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
        "onnxruntime": "import sys\nsys.exit(3)",
        "safetensors": "import a_module_that_it_needs",
        "matplotlib": "import sys\nprint('noise'); __version__ = '1.2.3'",
        "cupy": "__version__ = '99'\nraise ImportError('CuPy is not correctly installed')",
    }.items():
        (packages / f"{name}.py").write_text(content)
    return doctor("--json", packages=packages)


@pytest.fixture(scope="module")
def here() -> subprocess.CompletedProcess[str]:
    """On this machine."""
    return doctor("--json")


def test_what_is_there(here: subprocess.CompletedProcess[str]) -> None:
    findings = found(here)
    assert findings["numpy"]["text"].startswith(np.__version__)
    assert findings["test"]["state"] == "ok"
    assert {each["state"] for each in findings.values() if each["group"] == "needed"} == {"ok"}
    assert {"BLAS", "cores", "driver", "cupy"} <= set(findings)
    assert here.returncode == any(each["state"] == "broken" for each in findings.values())
    assert here.stderr == ""


def test_what_is_missing_says_how_to_get_it(here: subprocess.CompletedProcess[str]) -> None:
    for each in found(here).values():
        assert each["state"] in ("ok", "missing", "broken")
        assert each["remedy"] or each["state"] != "missing"


def test_extras_are_those_of_the_project() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for package in OPTIONAL:
        assert not package.extra or re.search(rf"^{package.extra} = .*{package.distribution}", text, re.MULTILINE)


def test_people_read_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    findings = [
        Finding("machine", "vlnn", "ok", "1"),
        Finding("needed", "numpy", "ok", "2"),
        Finding("needed", "h5py", "missing", "for files", "pip install h5py"),
    ]
    monkeypatch.setattr("vlnn.doctor.examine", lambda: findings)
    result = CliRunner().invoke(main, ["doctor"])
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert [line.split() for line in lines[:2]] == [["machine", "vlnn", "ok", "1"], ["needed", "numpy", "ok", "2"]]
    assert lines[2].split() == ["h5py", "missing", "for", "files", "pip", "install", "h5py"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("torch", "OSError: libtorch.so: cannot open shared object file"),
        ("onnx", "died of SIGKILL"),
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
