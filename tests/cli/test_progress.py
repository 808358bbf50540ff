"""The bar of what takes long."""

from __future__ import annotations

import io

import pytest

from vlnn.cli import progress
from vlnn.cli.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("patience", "terminal", "bar"), [(0.0, True, True), (60.0, True, False), (0.0, False, False)])
def test_comes_up_on_a_terminal_when_it_takes_long(
    patience: float, terminal: bool, bar: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "PATIENCE", patience)
    stderr = Terminal() if terminal else io.StringIO()
    monkeypatch.setattr("sys.stderr", stderr)
    with Progress(3, "Running") as shown:
        for number in range(3):
            shown.echo(f"line {number}")
            shown.step()
    assert ("Running" in stderr.getvalue()) == bar
    assert capsys.readouterr().out == "line 0\nline 1\nline 2\n"


def test_an_error_passes_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    monkeypatch.setattr("sys.stderr", Terminal())

    def fail() -> None:
        with Progress(5, "Running") as shown:
            shown.step()
            shown.step()
            raise ValueError("half-way")

    with pytest.raises(ValueError, match="half-way"):
        fail()
