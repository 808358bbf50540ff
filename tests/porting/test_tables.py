"""The tables of compat/porting.md: Octave computes the left sides of the first, Python runs the right sides of both."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import vlnn
from vlnn import dagnn
from vlnn.matlab import Struct

TEXT = (Path(__file__).parents[2] / "compat" / "porting.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(.+?)` \| `(.+?)` \|(?: (.*?) ?\|)?$", re.MULTILINE)


class Row(NamedTuple):
    matlab: str
    python: str
    remark: str


def section(title: str) -> str:
    return TEXT.split(f"\n## {title}\n")[1].split("\n## ")[0]


def rows(title: str) -> list[Row]:
    return [Row(*(cell or "" for cell in match.groups())) for match in ROW.finditer(section(title))]


def code(title: str, language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", section(title), re.DOTALL)
    assert found is not None
    return found[1]


VALUES, LINES = "Lines that give the same value", "Lines of MatConvNet"


def test_every_row_is_read() -> None:
    for title in (VALUES, LINES):
        table = [line for line in section(title).splitlines() if line.startswith("| `")]
        assert len(rows(title)) == len(table) > 30


def plain(value: Any) -> Any:
    """A value without what MATLAB and Python tell apart: sizes of 1, classes of numbers, strings and lists."""
    return value if isinstance(value, str) else np.squeeze(np.asarray(value, np.float64))


@pytest.mark.skipif(shutil.which("octave") is None, reason="GNU Octave is not installed")
def test_octave_and_python_agree(tmp_path: Path) -> None:
    program = [code(VALUES, "matlab")]
    for number, row in enumerate(rows(VALUES)):
        statement = row.matlab if row.matlab.startswith("[~, r] =") else f"r = {row.matlab}"
        program.append(f"{statement} ; r{number} = r ;")
    saved = ", ".join(f"'r{number}'" for number in range(len(rows(VALUES))))
    program.append(f"save('-v7', 'values.mat', {saved}) ;")
    (tmp_path / "porting_rows.m").write_text("\n".join(program))
    octave = ["octave", "--no-gui", "--quiet", "--norc", "--eval", "porting_rows"]
    done = subprocess.run(octave, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert (tmp_path / "values.mat").exists(), done.stderr
    values = vlnn.loadmat(tmp_path / "values.mat")
    names: dict[str, Any] = {"np": np, "os": os, "Struct": Struct, "im2double": vlnn.matlab.im2double}
    exec(code(VALUES, "python"), names)
    for number, row in enumerate(rows(VALUES)):
        found, expected = eval(row.python, names), values[f"r{number}"]
        shift = 1 if row.remark.startswith("from 0") else 0
        if isinstance(found, str) or isinstance(expected, str):
            assert found == expected, row
        else:
            np.testing.assert_allclose(plain(found) + shift, plain(expected), rtol=1e-7, err_msg=str(row))
            assert plain(found).shape == plain(expected).shape, row


def test_lines_of_matconvnet_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    x, f, dzdy = (rng.standard_normal(size).astype(np.float32) for size in ((8, 8, 2, 6), (3, 3, 2, 2), (8, 8, 2, 6)))
    b, f2, b2 = np.zeros((2, 1), np.float32), np.ones((1, 1, 2, 2), np.float32), np.ones((2, 1), np.float32)
    conv = {"type": "conv", "weights": [f, b], "pad": 1}
    net = vlnn.vl_simplenn_tidy({"layers": [conv, {"type": "relu"}, {"type": "relu"}, {"type": "softmaxloss"}]})
    net.save("net.mat")
    dag = dagnn.DagNN()
    dag.addLayer("conv", dagnn.Conv(size=[3, 3, 2, 2], pad=1), "x", "prediction", ["f", "b"])
    dag.initParams()
    dag.save("dag.mat")

    def getBatch(opts: Struct, imdb: Struct, batch: Any) -> list[Any]:
        return ["x", imdb.images.data[:, :, :, batch], "label", np.ones((8, 8, 1, len(batch)))]

    names: dict[str, Any] = {name: getattr(vlnn, name) for name in vlnn.__all__}
    names |= {"np": np, "Struct": Struct, "imresize": vlnn.matlab.imresize, "getBatch": getBatch}
    names |= {"x": x, "f": f, "b": b, "f2": f2, "b2": b2, "dzdy": dzdy, "varargin": ["rate", 5]}
    names |= {"im": np.zeros((20, 30, 3), np.uint8), "set": np.array([1, 1, 1, 1, 3, 3])}
    for row in rows(LINES):
        if row.python.startswith("dag, info = "):
            names["dag"].addLayer("loss", dagnn.Loss(), ["prediction", "label"], "objective")
        exec(row.python, names)
    assert names["opts"].rate == 5
    assert names["best"].shape == (8, 8)
    assert names["im_"].shape == (8, 8, 3)
    np.testing.assert_array_equal(names["val"], [4, 5])
    assert (tmp_path / "exp" / "net-epoch-1.mat").exists()
