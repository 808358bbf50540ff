"""The ported scripts of compat/ports, run as they stand."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

import vlnn
from vlnn.matlab import Struct

PORTS = Path(__file__).parents[2] / "compat" / "ports"
COLOURS = ["red", "green", "blue"]


def port(name: str) -> ModuleType:
    """A script as a module; they are in no package."""
    spec = importlib.util.spec_from_file_location(name, PORTS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_script_stands_beside_matlabs() -> None:
    names = sorted(path.stem for path in PORTS.glob("*.py"))
    assert (
        names == sorted(path.stem for path in PORTS.glob("*.m")) == ["classify_image", "enlarge_folder", "train_digits"]
    )
    for name in names:
        assert re.match(rf"function .*= {name}\(", (PORTS / f"{name}.m").read_text(encoding="utf-8"))
        assert callable(getattr(port(name), name))


@pytest.mark.skipif(shutil.which("octave") is None, reason="GNU Octave is not installed")
def test_matlabs_scripts_can_be_read() -> None:
    calls = ", ".join(f"nargin('{path.stem}')" for path in sorted(PORTS.glob("*.m")))
    octave = ["octave", "--no-gui", "--quiet", "--norc", "--eval", f"printf('%d ', {calls})"]
    done = subprocess.run(octave, cwd=PORTS, capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout.split() == ["2", "3", "-1"], done.stderr


@pytest.fixture
def colour_network(tmp_path: Path) -> Path:
    """A network whose scores are the means of the colours, less an average; trained with softmaxloss."""
    filters = np.zeros((4, 6, 3, 3), np.float32)
    filters[:, :, [0, 1, 2], [0, 1, 2]] = 1 / 24
    net = vlnn.vl_simplenn_tidy(
        {
            "layers": [
                {"type": "conv", "weights": [filters, np.zeros((3, 1), np.float32)]},
                {"type": "softmaxloss"},
            ],
            "meta": {
                "normalization": {"imageSize": [4, 6, 3], "averageImage": np.array([[100.0], [100], [101]])},
                "classes": {"name": ["r", "g", "b"], "description": COLOURS},
            },
        }
    )
    path = tmp_path / "colours.mat"
    net.save(path)
    return path


@pytest.mark.parametrize(("colour", "best"), [((120, 110, 100), 0), ((3, 5, 4), 1), ((0, 0, 9), 2), (7, 0)])
def test_classify_image(colour_network: Path, colour: Any, best: int, capsys: pytest.CaptureFixture[str]) -> None:
    picture = colour_network.with_name("picture.png")
    Image.new("L" if isinstance(colour, int) else "RGB", (30, 20), colour).save(picture)
    found, score = port("classify_image").classify_image(colour_network, picture)
    scores = np.exp(np.broadcast_to(np.float64(colour), 3) - [100, 100, 101])
    assert found == best
    assert score == pytest.approx(scores[best] / scores.sum(), rel=1e-4)
    assert capsys.readouterr().out == f"{COLOURS[best]} ({best + 1}), score {score:.3f}\n"


def test_enlarge_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    demo = files("vlnn.demo")
    with demo.joinpath("photo.png").open("rb") as stream, Image.open(stream) as photo:
        photo.crop((143, 80, 244, 171)).save(tmp_path / "b.png")  # sides that are odd
        photo.crop((97, 341, 185, 429)).convert("L").save(tmp_path / "a.png")
    (tmp_path / "notes.txt").write_text("no picture")
    out = tmp_path / "new" / "enlarged"
    scores = port("enlarge_folder").enlarge_folder(str(demo.joinpath("network.mat")), str(tmp_path), str(out))
    assert (scores[:, 1] > scores[:, 0] + 1).all()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["a.png", "b.png", "mean"]
    assert lines[1].endswith(f"bicubic {scores[1, 0]:5.2f} dB, network {scores[1, 1]:5.2f} dB")
    with Image.open(out / "b.png") as picture:
        assert (picture.mode, picture.size) == ("L", (100, 90))


@pytest.mark.parametrize("network_type", ["simplenn", "dagnn"])
def test_train_digits(network_type: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("sklearn")
    options = Struct(batchSize=50, numEpochs=3, learningRate=[0.05, 0.05, 0.01], randomSeed=1)
    net, info = port("train_digits").train_digits(
        *("networkType", network_type, "expDir", str(tmp_path / "exp"), "train", options)
    )
    err = info.val[-1].top1err if network_type == "simplenn" else info.val[-1].error
    assert err < 0.15
    assert len(info.train) == len(info.val) == 3
    assert info.train[-1].objective < 0.6 * info.train[0].objective
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == f"{network_type}: {100 * (1 - err):.2f} % of the held-out digits are right"
    assert (tmp_path / "exp" / "net-epoch-3.mat").exists()
    digits = port("train_digits").getDigitsImdb()
    held_out = np.flatnonzero(digits.images.set == 2)
    scores = net.predict(digits.images.data[:, :, :, held_out]).squeeze()
    wrong = scores.argmax(axis=0) + 1 != digits.images.labels[0, held_out]
    assert wrong.mean() == pytest.approx(err, abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("network_type", ["simplenn", "dagnn"])
def test_train_digits_to_the_end(network_type: str, tmp_path: Path) -> None:
    """97 % of the held-out fifth within two minutes on two cores, by one command."""
    pytest.importorskip("sklearn")
    command = [sys.executable, str(PORTS / "train_digits.py"), "networkType", network_type, "expDir", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    right = float(done.stdout.splitlines()[-1].split()[1])
    assert right >= 97
