"""Every command that reads a network, as it is installed, on what is none: one line on stderr, and nothing written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import vlnn
from tests.cli.networks import blur, saved

EXECUTABLE = Path(sys.executable).with_name("vlnn")
COMMAND = [str(EXECUTABLE)] if EXECUTABLE.exists() else [sys.executable, "-m", "vlnn"]
COMMANDS = ["info", "run", "convert"]


def call(*arguments: object, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, timeout=60, check=False)


def arguments(command: str, net: Path, folder: Path) -> list[object]:
    """The call of a command that should write nothing."""
    if command == "info":
        return ["info", net, "--svg", folder / "out.svg"]
    if command == "convert":
        return ["convert", net, folder / "out.npz"]
    if command == "compare":
        return ["compare", net, net]
    picture = folder.parent / "picture.png"
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(picture)
    return ["run", net, picture, "--to", folder / "out.png", "--save", folder / "out.npz"]


def bad_file(kind: str, path: Path) -> str:
    """Make a file that holds no network; words of the message about it."""
    saved(blur(), path)
    content = path.read_bytes()
    match kind:
        case "missing":
            path.unlink()
            return "No such file or directory"
        case "empty":
            path.write_bytes(b"")
        case "text":
            path.write_text("this is no network\n" * 50)
        case "truncated":
            path.write_bytes(content[: len(content) // 2])
        case "no network":
            vlnn.savemat(path, {"images": np.zeros((2, 3))})
            return "There is no network in"
        case "folder":
            path.unlink()
            path.mkdir()
            return "Is a directory"
    return ""


@pytest.mark.parametrize("command", [*COMMANDS, "compare"])
@pytest.mark.parametrize("kind", ["missing", "empty", "text", "truncated", "no network", "folder"])
def test_what_is_no_network(command: str, kind: str, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    words = bad_file(kind, tmp_path / "net.mat")
    process = call(*arguments(command, tmp_path / "net.mat", folder))
    error = process.stderr.decode()
    assert process.returncode == 1, error
    assert process.stdout == b""
    assert error.startswith("Error: ")
    assert error.count("\n") == 1
    assert "net.mat" in error
    assert words in error
    assert not list(folder.iterdir())


@pytest.mark.parametrize("command", COMMANDS)
def test_a_target_that_cannot_be_written(command: str, tmp_path: Path) -> None:
    net = saved(blur(), tmp_path / "net.mat")
    (tmp_path / "out").write_text("a file where a folder should be")
    process = call(*arguments(command, net, tmp_path / "out"))
    assert process.returncode == 1
    assert process.stderr.decode().splitlines()[-1].startswith(f"Error: {tmp_path / 'out'}")
    assert (tmp_path / "out").read_text() == "a file where a folder should be"


@pytest.mark.parametrize("command", COMMANDS)
def test_stdin_that_is_no_network(command: str, tmp_path: Path) -> None:
    tail = {"info": [], "run": [tmp_path / "picture.png"], "convert": [tmp_path / "out.npz"]}[command]
    process = call(command, "-", *tail, stdin=b"no network")
    assert process.returncode == 1
    assert not list(tmp_path.iterdir())
    assert process.stderr.startswith(b"Error: ")


def test_debug_shows_where_an_error_arose(tmp_path: Path) -> None:
    process = call("--debug", "info", tmp_path / "net.mat")
    assert process.returncode == 1
    assert b"Traceback" in process.stderr


def test_warnings_are_one_line_each(tmp_path: Path) -> None:
    """bnorm without moments, as in networks of 2014."""
    net = blur()
    ones = np.ones((1, 1), np.float32)
    net.layers.append(vlnn.matlab.Struct(type="bnorm", name="norm", weights=[ones, ones]))
    picture = tmp_path / "picture.png"
    Image.fromarray(np.arange(81, dtype=np.uint8).reshape(9, 9)).save(picture)
    vlnn.savemat(tmp_path / "net.mat", {"net": dict(net)})
    process = call("run", tmp_path / "net.mat", picture, "--to", tmp_path / "out.png")
    note, warning = process.stderr.decode().splitlines()
    assert process.returncode == 0
    assert note.startswith("Note: ")
    assert warning.startswith("Warning: The network has no moments in layer 2, bnorm 'norm'")


@pytest.mark.parametrize("command", ["info", "run", "convert", "compare", "doctor", "completion", "demo"])
def test_help_is_complete(command: str) -> None:
    process = call(command, "--help")
    assert process.returncode == 0
    assert b"Usage: " in process.stdout
    assert b"vlnn " + command.encode() in process.stdout.partition(b"Usage: ")[2].partition(b"\n")[2]
