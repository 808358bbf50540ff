"""The README's lines do what it says, typed in as they stand."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import vlnn

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
TEN_LINES = TEXT.partition("## Ten lines that work")[2].partition("\n## ")[0]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, from which the package's files are seen as from a checkout."""
    (tmp_path / "vlnn").symlink_to(ROOT / "vlnn")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_ten_lines_that_work(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {}
    exec(re.findall(r"```python\n(.*?)```", TEN_LINES, re.DOTALL)[0], names)
    assert capsys.readouterr().out.strip() in TEN_LINES
    assert vlnn.load_network(checkout / "copy.mat").getOutputs() == ["prediction"]


def test_two_commands(checkout: Path) -> None:
    pytest.importorskip("onnx", reason="onnx is not installed")
    pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
    commands = re.findall(r"^vlnn (.*?)(?:  +#.*)?$", TEN_LINES, re.MULTILINE)
    assert len(commands) == 2
    for command in commands:
        run = subprocess.run([sys.executable, "-m", "vlnn", *shlex.split(command)], capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
    assert "Proof" in run.stdout
    assert (checkout / "net.onnx").exists()


def test_files_that_it_names_are_there() -> None:
    for name in re.findall(r"\]\(([^)#]+)\)|(?<=python )(tools/\w+\.py|compat/\w+/\w+\.py)", TEXT):
        assert (ROOT / (name[0] or name[1])).exists(), name
