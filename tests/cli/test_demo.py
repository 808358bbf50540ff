"""vlnn demo, through the command line, and the files it reads."""

import json
import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from vlnn.cli import main
from vlnn.dagnn import Conv, ConvTranspose
from vlnn.demo.comparison import BORDER, inside
from vlnn.demo.upsample import CONTEXT, FACTOR, MARGIN, load_upsampler, upsample
from vlnn.matlab import psnr

DATA = files("vlnn.demo")
GAIN = 2.3  # dB over bicubic interpolation, at least


def demo(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["demo", *map(str, arguments)])


def picture(name: str) -> np.ndarray:
    with DATA.joinpath(name).open("rb") as stream, Image.open(stream) as image:
        return np.asarray(image)


def test_tells_what_it_did_and_writes_the_picture(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "demo.png"
    result = demo("--output", path.parent)
    assert result.exit_code == 0, result.output
    for fact in ("448x448x3", "224x224x3", "bicubic", "ConvTranspose", "megapixels/s", str(path)):
        assert fact in result.stdout
    with Image.open(path) as image:
        image.load()
        assert image.width > 1200
    assert os.listdir(path.parent) == ["demo.png"]


def test_better_than_every_interpolation(tmp_path: Path) -> None:
    result = demo("--output", tmp_path, "--json")
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    scores = figures["psnr_db"]
    assert scores["nearest"] < scores["bilinear"] < scores["bicubic"] < scores["Lanczos"] < scores["network"] - 1.5
    assert scores["network"] > scores["bicubic"] + GAIN
    assert figures["gain_over_bicubic_db"] == pytest.approx(scores["network"] - scores["bicubic"], abs=2e-3)
    assert 0 < figures["network_ms"] < figures["total_ms"] * 2
    assert figures["picture"] == str(tmp_path / "demo.png")


def test_runs_as_a_module(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "vlnn", "demo", "--output", str(tmp_path), "--json"]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    assert json.loads(process.stdout)["photograph"] == [448, 448, 3]
    assert process.stderr == ""


def test_overwrites_only_by_force(tmp_path: Path) -> None:
    path = tmp_path / "demo.png"
    path.write_text("mine")
    result = demo("--output", tmp_path)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"Error: {path} exists; --force overwrites it.\n"
    assert path.read_text() == "mine"
    assert demo("--output", tmp_path, "--force").exit_code == 0
    with Image.open(path) as image:
        assert image.format == "PNG"


def test_a_failure_leaves_the_old_picture_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ValueError("half-way")

    (tmp_path / "demo.png").write_text("mine")
    monkeypatch.setattr("vlnn.demo.comparison.compare", fail)
    result = demo("--output", tmp_path, "--force")
    assert (result.exit_code, result.stderr) == (1, "Error: half-way\n")
    assert os.listdir(tmp_path) == ["demo.png"]
    assert (tmp_path / "demo.png").read_text() == "mine"


def test_a_file_in_place_of_the_folder(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    for output in (path, path / "below"):
        result = demo("--output", output)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.startswith(f"Error: {path}")
        assert result.stderr.count("\n") == 1


def test_a_folder_in_place_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "demo.png"
    path.mkdir()
    result = demo("--output", tmp_path, "--force")
    assert (result.exit_code, result.stderr) == (1, f"Error: {path}: Is a directory\n")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_an_unwritable_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    result = demo("--output", tmp_path)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.endswith("Permission denied\n")


def test_without_pillow_says_what_to_install(tmp_path: Path) -> None:
    code = "import sys; sys.modules['PIL'] = None; from vlnn.cli import main; main()"
    command = [sys.executable, "-c", code, "demo", "--output", str(tmp_path)]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (process.returncode, process.stdout) == (1, "")
    assert process.stderr == "Error: The demo needs Pillow: pip install 'vlnn[images]'\n"
    assert os.listdir(tmp_path) == []


def test_the_network_is_a_small_plain_file() -> None:
    content = DATA.joinpath("network.mat").read_bytes()
    assert content.startswith(b"MATLAB 5.0 MAT-file")
    assert len(content) < 300_000
    net = load_upsampler()
    assert (net.getInputs(), net.getOutputs()) == (["input"], ["prediction"])
    assert {param.value.dtype.name for param in net.params} == {"float32"}
    assert sum(isinstance(layer.block, ConvTranspose) for layer in net.layers) == 2
    assert net.meta.margin.item() == MARGIN


def test_the_margin_is_what_the_network_sees() -> None:
    net = load_upsampler()
    reach = sum((layer.block.size[0] - 1) // 2 for layer in net.layers if isinstance(layer.block, Conv))
    assert reach == CONTEXT
    assert net.predict(np.zeros((1 + 2 * MARGIN, 4 + 2 * MARGIN), np.float32)).shape == (FACTOR, 4 * FACTOR, 1, 1)


def test_the_low_resolution_is_the_photograph_at_half_its_size() -> None:
    photo, half = picture("photo.png"), picture("photo-half.png")
    reduced = np.asarray(Image.fromarray(photo).resize((224, 224), Image.Resampling.BICUBIC))
    assert np.abs(reduced.astype(int) - half).max() <= 1  # Pillow's rounding may change


@pytest.mark.parametrize("level", [0, 1, 128, 255])
def test_a_flat_picture_stays_flat(level: int) -> None:
    enlarged = upsample(np.full((5, 7, 3), level, np.uint8), load_upsampler())
    assert enlarged.shape == (10, 14, 3)
    assert np.abs(enlarged.astype(int) - level).max() <= 1


def test_pixels_land_where_they_belong() -> None:
    """With filters that repeat a pixel twice and no detail, the result is the picture with every pixel doubled."""
    net = load_upsampler()
    for name in ("detailf", "plainf"):
        net.getParam(name).value = np.zeros_like(net.getParam(name).value)
    net.getParam("plainf").value[3:5, 3:5] = 1
    dots = np.random.default_rng(0).integers(0, 256, (6, 9, 3), dtype=np.uint8)
    np.testing.assert_array_equal(upsample(dots, net), dots.repeat(2, axis=0).repeat(2, axis=1))


def test_what_lies_far_away_does_not_matter() -> None:
    dots = np.random.default_rng(0).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    other = dots.copy()
    other[0] = 255 - other[0]
    net = load_upsampler()
    one, two = upsample(dots, net), upsample(other, net)
    far = FACTOR * (MARGIN + 1)
    np.testing.assert_array_equal(one[far:], two[far:])
    assert (one[: FACTOR * 2] != two[: FACTOR * 2]).any()


def test_scores_leave_the_border_out() -> None:
    reference = np.zeros((16, 16, 3), np.uint8)
    noisy = reference.copy()
    noisy[0] = 255
    noisy[BORDER:-BORDER, BORDER:-BORDER] = 51
    assert psnr(inside(noisy), inside(reference)) == pytest.approx(20 * np.log10(5))
