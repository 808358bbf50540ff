"""vl_rootnn, vl_setupnn, vl_compilenn."""

from __future__ import annotations

from pathlib import Path

import pytest

import vlnn


def test_root() -> None:
    assert Path(vlnn.vl_rootnn()) == Path(vlnn.__file__).parent


def test_nothing_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert vlnn.vl_setupnn() is None
    assert vlnn.vl_compilenn("EnableGpu", True, verbose=1) is None
    lines = capsys.readouterr().out.splitlines()
    assert ["nothing to set up" in lines[0], "nothing to compile" in lines[1], len(lines)] == [True, True, 2]
