"""The command line as such: version, usage, and errors on one line."""

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

import vlnn
from vlnn.cli import OneLineErrors, main


@click.group(cls=OneLineErrors)
@click.option("--debug", is_flag=True)
def failing(debug: bool) -> None:
    """Commands that fail as a library call would."""


@failing.command("call")
def call_command() -> None:
    vlnn.vl_nnconvt([], [], [], "Upsampel", 2)


@failing.command("read")
def read_command() -> None:
    open("no-such-file").close()


@failing.command("lines")
def lines_command() -> None:
    raise ValueError("one\n  two")


@failing.command("bug")
def bug_command() -> None:
    raise AssertionError("ours")


def test_version() -> None:
    result = CliRunner().invoke(main, ["--version"])
    assert (result.exit_code, result.stdout) == (0, f"vlnn, version {vlnn.__version__}\n")


def test_help_names_the_commands() -> None:
    result = CliRunner().invoke(main, ["--help"])
    assert result.exit_code == 0
    assert "demo" in result.stdout


@pytest.mark.parametrize("arguments", [["no-such-command"], ["--no-such-option"], ["demo", "argument"]])
def test_wrong_usage_is_2(arguments: list[str]) -> None:
    result = CliRunner().invoke(main, arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Error: " in result.stderr


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("call", "Error: Unknown option 'Upsampel'. Did you mean 'Upsample'?"),
        ("read", "Error: no-such-file: No such file or directory"),
        ("lines", "Error: one two"),
    ],
)
def test_error_is_one_line_and_1(command: str, line: str) -> None:
    result = CliRunner().invoke(failing, [command])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(line)
    assert result.stderr.count("\n") == 1


def test_debug_lets_the_error_through() -> None:
    result = CliRunner().invoke(failing, ["--debug", "read"])
    assert isinstance(result.exception, FileNotFoundError)


def test_a_bug_of_ours_keeps_its_traceback() -> None:
    assert isinstance(CliRunner().invoke(failing, ["bug"]).exception, AssertionError)


def test_importing_vlnn_leaves_pillow_alone() -> None:
    code = "import sys, vlnn, vlnn.cli; sys.exit('PIL' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
