"""tools/train_demo_network.py, with a picture and a few batches of its own."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

import vlnn
from vlnn.demo.upsample import load_upsampler, upsample

TOOL = Path(__file__).parents[2] / "tools" / "train_demo_network.py"


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("train_demo_network", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    colours = np.random.default_rng(0).integers(0, 256, (50, 20, 3), dtype=np.uint8)
    Image.fromarray(colours).resize((160, 400), Image.Resampling.BICUBIC).save(tmp_path / "picture.png")
    for name, value in {"PICTURES": ("picture.png",), "SCALES": (1.0,), "EPOCH": 3, "BATCH": 2}.items():
        monkeypatch.setattr(module, name, value)
    return module


def test_the_demos_network_is_trained_by_one_command(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path, work = tmp_path / "network.mat", tmp_path / "work"
    command = ["train", str(tmp_path), "--work", str(work), "--epochs", "2", "--output", str(path)]
    monkeypatch.setattr(sys, "argv", command)
    tool.main()
    assert capsys.readouterr().out.splitlines()[-1].startswith("Held-out parts: ")
    assert sorted(file.name for file in work.iterdir()) == ["net-epoch-1.mat", "net-epoch-2.mat"]
    net, ours = vlnn.load_network(path), load_upsampler()
    assert [layer.name for layer in net.layers] == [layer.name for layer in ours.layers]
    assert [param.value.shape for param in net.params] == [param.value.shape for param in ours.params]
    assert upsample(np.zeros((4, 5, 3), np.uint8), net).shape == (8, 10, 3)


def test_patches_fit_what_should_come_out(tool: ModuleType, tmp_path: Path) -> None:
    """Where the picture is enlarged by repeating pixels, so is every patch, however it is turned."""
    low = np.random.default_rng(1).random((60, 70)).astype(np.float32)
    imdb = tool.database([(low, low.repeat(2, axis=0).repeat(2, axis=1))], 40, np.random.default_rng(2))
    _, x, _, target = tool.getBatch(imdb, np.arange(40))
    inner = x[tool.MARGIN : -tool.MARGIN, tool.MARGIN : -tool.MARGIN]
    np.testing.assert_array_equal(target, inner.repeat(2, axis=0).repeat(2, axis=1))
    assert len(np.unique(imdb.images.turn)) == 8


def test_the_part_that_is_held_out_is_not_trained_with(tool: ModuleType) -> None:
    low = np.arange(23.0)[:, None] * np.ones((1, 3))
    (low_above, high_above), (low_below, high_below) = tool.parts_of((low, low.repeat(2, axis=0)))
    assert len(low_above) + len(low_below) == 23
    assert low_above.max() < low_below.min()
    np.testing.assert_array_equal(high_above, low_above.repeat(2, axis=0))
    np.testing.assert_array_equal(high_below, low_below.repeat(2, axis=0))


def test_the_first_network_enlarges_bilinearly(tool: ModuleType) -> None:
    net = tool.first_network(np.random.default_rng(0))
    net.removeLayer("loss")
    net.getParam("detailf").value = np.zeros_like(net.getParam("detailf").value)
    low = np.arange(40.0)[:, None] / 100 + np.arange(40.0) / 50
    y = net.predict(low)[:, :, 0, 0]
    places = (np.arange(2 * (40 - 2 * tool.MARGIN)) + 0.5) / 2 - 0.5 + tool.MARGIN
    np.testing.assert_allclose(y, places[:, None] / 100 + places / 50, rtol=1e-5)
