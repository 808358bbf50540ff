"""vlnn completion: what a shell gets, and what it is told when it asks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from vlnn.cli import main

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_lines_ask_vlnn(shell: str) -> None:
    result = CliRunner().invoke(main, ["completion", shell])
    assert result.exit_code == 0
    assert f"_VLNN_COMPLETE={shell}_complete" in result.stdout


def test_other_shells() -> None:
    assert CliRunner().invoke(main, ["completion", "csh"]).exit_code == 2


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_bash_takes_the_lines() -> None:
    lines = CliRunner().invoke(main, ["completion", "bash"]).stdout
    shell = subprocess.run(["bash", "-c", f"{lines}\ncomplete -p vlnn"], capture_output=True, text=True, check=True)
    assert "_vlnn_completion vlnn" in shell.stdout


@pytest.mark.parametrize(
    ("words", "wanted"),
    [("vlnn ", "info"), ("vlnn info --", "--weights"), ("vlnn run --col", "--colour"), ("vlnn run --colour ", "luma")],
)
def test_what_is_completed(words: str, wanted: str) -> None:
    asked = {
        "PYTHONPATH": str(ROOT),
        "_VLNN_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
    }
    program = "from vlnn.cli import main; main(prog_name='vlnn')"
    process = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **asked}, capture_output=True, text=True, check=True
    )
    assert f"plain,{wanted}" in process.stdout.splitlines()
