"""vlnn run, through the command line."""

from __future__ import annotations

import importlib.util
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

import vlnn
from tests.cli.networks import CLASSES, blur, classifier, layer, saved
from tests.test_networks import published
from vlnn.cli import main
from vlnn.matlab import imresize, psnr, rgb2ycbcr

IMAGES = Path(__file__).parents[3] / "shared" / "images"


def run(*arguments: object, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(main, ["run", *map(str, arguments)], input=stdin)


def good(*arguments: object, stdin: bytes | None = None) -> Result:
    result = run(*arguments, stdin=stdin)
    assert result.exit_code == 0, result.output
    return result


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    Image.fromarray(imresize(coarse, (90, 120))).save(path)
    return path


def pixels(path: Path) -> Any:
    with Image.open(path) as image:
        return np.asarray(image)


def test_classes_with_names(photo: Path, tmp_path: Path) -> None:
    net = classifier()
    path = saved(net, tmp_path / "net.mat")
    probabilities = net.predict(vlnn.preprocess(net, photo), "prob")["prob"].ravel()
    best = int(probabilities.argmax())
    lines = good(path, photo, "--top", 3).stdout.splitlines()
    assert lines[0] == str(photo)
    assert len(lines) == 4
    assert lines[1] == f"{probabilities[best]:9.4f}  {CLASSES[best]} ({best + 1})"
    (described,) = json.loads(good(path, photo, "--json").stdout)
    assert described["classes"][0]["name"] == CLASSES[best]
    assert described["classes"][0]["score"] == pytest.approx(probabilities[best], rel=1e-6)
    assert len(described["classes"]) == 5


def test_a_softmax_at_the_end_is_not_taken_twice(photo: Path, tmp_path: Path) -> None:
    net = classifier()
    whole = saved(net, tmp_path / "loss.mat")
    net.layers[-1].type = "softmax"
    deployed = saved(net, tmp_path / "softmax.mat")
    assert good(whole, photo).stdout == good(deployed, photo).stdout


def test_several_pictures_at_once_or_not(photo: Path, tmp_path: Path) -> None:
    path = saved(classifier(), tmp_path / "net.mat")
    other = tmp_path / "other.png"
    Image.fromarray(pixels(photo)[::-1, :70]).save(other)
    together = json.loads(good(path, photo, other, photo, "--json").stdout)
    singly = json.loads(good(path, photo, other, photo, "--json", "--batch", 1).stdout)
    assert [each["image"] for each in together] == [str(photo), str(other), str(photo)]
    for one, another in zip(together, singly, strict=True):
        for left, right in zip(one["classes"], another["classes"], strict=True):
            assert left["number"] == right["number"]
            assert left["score"] == pytest.approx(right["score"], abs=1e-5)


def test_how_pictures_are_prepared_can_be_said(photo: Path, tmp_path: Path) -> None:
    net = classifier()
    path, out = saved(net, tmp_path / "net.mat"), tmp_path / "out.npz"

    def output(*options: object) -> Any:
        good(path, photo, "--save", out, "--force", *options)
        with np.load(out) as arrays:
            assert list(arrays["names"]) == [str(photo)]
            return arrays["output"]

    close = {"rtol": 1e-5, "atol": 1e-5}
    np.testing.assert_allclose(output()[..., 0], net.predict(vlnn.preprocess(net, photo))[..., 0], **close)
    whole = net.predict(vlnn.preprocess(net, photo, crop=False))
    np.testing.assert_allclose(output("--no-crop")[..., 0], whole[..., 0], **close)
    norm = vlnn.preprocessing.Normalization(
        size=(64, 64),
        average=[123, 117, 104],
        scale=0.5,
        crop=(8 / 9, 8 / 9),
        keep_aspect=True,
        interpolation="bilinear",
    )
    np.testing.assert_allclose(output("--scale", "1/2")[..., 0], net.predict(norm.apply(photo))[..., 0], **close)
    flipped = net.predict(vlnn.preprocess(net, pixels(photo)[..., ::-1]))
    np.testing.assert_allclose(output("--bgr")[..., 0], flipped[..., 0], **close)
    assert output("--resize", "80x96").shape == (3, 5, 7, 1)
    assert output("--output", "pool1").shape == (7, 7, 8, 1)


def test_outputs_of_different_sizes_are_saved_apart(photo: Path, tmp_path: Path) -> None:
    small = tmp_path / "small.png"
    Image.fromarray(pixels(photo)[:50, :40]).save(small)
    good(saved(blur(), tmp_path / "net.mat"), photo, small, "--save", tmp_path / "o.npz", "--to", tmp_path / "out")
    with np.load(tmp_path / "o.npz") as arrays:
        assert {name: arrays[name].shape for name in arrays} == {
            "names": (2,), "output0": (90, 120, 1), "output1": (50, 40, 1)
        }  # fmt: skip


def test_values_that_are_no_picture(photo: Path, tmp_path: Path) -> None:
    result = good(saved(classifier(), tmp_path / "net.mat"), photo, "--output", "conv2")
    assert result.stdout.startswith(f"{photo}: 7x7x16, from ")
    assert "--save keeps it" in result.stdout


def test_grey_pictures_through_a_network_that_makes_pictures(photo: Path, tmp_path: Path) -> None:
    grey = tmp_path / "grey.png"
    Image.fromarray(pixels(photo)[..., 0]).save(grey)
    result = good(saved(blur(), tmp_path / "net.mat"), grey, "--to", tmp_path / "blurred.png")
    assert "net.meta says nothing about pictures: they go in from 0 to 1" in result.stderr
    got = pixels(tmp_path / "blurred.png").astype(float)
    given = pixels(grey).astype(float)
    want = sum(given[dy : dy + 88, dx : dx + 118] for dy in range(3) for dx in range(3)) / 9
    assert np.abs(got[1:-1, 1:-1] - want).max() <= 0.51


@pytest.mark.parametrize("colour", ["luma", "each", "grey"])
def test_colour_pictures_through_a_network_of_one_channel(colour: str, photo: Path, tmp_path: Path) -> None:
    """The network does nothing, so that the picture comes back."""
    net = blur()
    net.layers[0].weights[0] = np.zeros((3, 3), np.float32)
    net.layers[0].weights[0][1, 1] = 1
    good(saved(net, tmp_path / "net.mat"), photo, "--to", tmp_path / "out", "--colour", colour)
    got = pixels(tmp_path / "out" / "photo.png").astype(int)
    if colour == "grey":
        np.testing.assert_array_equal(got, vlnn.matlab.rgb2gray(pixels(photo)))
    else:
        assert np.abs(got - pixels(photo)).max() <= 1


def test_residual_is_the_input_minus_the_output(photo: Path, tmp_path: Path) -> None:
    good(
        saved(blur(3), tmp_path / "net.mat"), photo, "--residual", "--save", tmp_path / "o.npz", "--to", tmp_path / "o"
    )
    net = blur(3)
    x = (pixels(photo) / 255).astype(np.float32)
    with np.load(tmp_path / "o.npz") as arrays:
        np.testing.assert_allclose(arrays["output"], x[..., None] - net.predict(x), atol=1e-6)


def test_residual_of_another_size(photo: Path, tmp_path: Path) -> None:
    result = run(saved(blur(3, pad=0), tmp_path / "net.mat"), photo, "--residual")
    assert result.exit_code == 1
    assert "the residual is the input minus the output, which have different sizes" in result.stderr


def test_stdin_and_stdout(photo: Path, tmp_path: Path) -> None:
    path = saved(blur(3), tmp_path / "net.mat")
    good(path, photo, "--to", tmp_path / "direct.png")
    result = good(path, "-", "--to", "-", stdin=photo.read_bytes())
    assert result.stdout_bytes[-8:-4] == b"IEND"  # nothing else is on stdout
    assert "stdin: 90x120x3" in result.stderr
    with Image.open(io.BytesIO(result.stdout_bytes)) as image:
        np.testing.assert_array_equal(np.asarray(image), pixels(tmp_path / "direct.png"))
    again = good("-", photo, "--to", tmp_path / "again.png", stdin=path.read_bytes())
    assert str(photo) in again.stdout
    assert run("-", "-").exit_code == 2


def test_pictures_of_one_name(photo: Path, tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    twin = tmp_path / "b" / "photo.png"
    twin.write_bytes(photo.read_bytes())
    good(saved(blur(3), tmp_path / "net.mat"), photo, twin, "--to", tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["photo-2.png", "photo.png"]


def test_overwrites_only_by_force(photo: Path, tmp_path: Path) -> None:
    path, target = saved(blur(3), tmp_path / "net.mat"), tmp_path / "mine.png"
    target.write_text("mine")
    result = run(path, photo, "--to", target)
    assert (result.exit_code, target.read_text()) == (1, "mine")
    assert f"{target} exists; --force overwrites it." in result.stderr
    good(path, photo, "--to", target, "--force")
    assert pixels(target).shape == (90, 120, 3)
    (tmp_path / "o.npz").write_text("mine")
    assert run(path, photo, "--to", tmp_path / "out", "--save", tmp_path / "o.npz").exit_code == 1
    assert (tmp_path / "o.npz").read_text() == "mine"


def test_one_file_for_several_pictures(photo: Path, tmp_path: Path) -> None:
    result = run(saved(blur(3), tmp_path / "net.mat"), photo, photo, "--to", tmp_path / "out.png")
    assert result.exit_code == 2
    assert "is one file, and there are 2 images" in result.stderr


@pytest.mark.parametrize(
    "options",
    [["--resize", "big"], ["--resize", "0x5"], ["--resize", "-1"], ["--scale", "0"], ["--scale", "1/0"], ["--top", "0"],
     ["--scale", "x"], ["--batch", "0"], ["--save", "o.mat"], ["--colour", "red"]],
)  # fmt: skip
def test_wrong_usage(options: list[str], photo: Path, tmp_path: Path) -> None:
    result = run(saved(blur(3), tmp_path / "net.mat"), photo, *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert options[0] in result.stderr


def test_bad_pictures(photo: Path, tmp_path: Path) -> None:
    path = saved(classifier(), tmp_path / "net.mat")
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "cut.png").write_bytes(photo.read_bytes()[:200])
    for image, words in (
        ("none.png", "No such file"),
        ("text.jpg", "cannot identify"),
        ("cut.png", ""),
        (".", "directory"),
    ):
        result = run(path, tmp_path / image)
        assert result.exit_code == 1
        assert result.stderr.startswith("Error: ")
        assert result.stderr.count("\n") == 1
        assert words in result.stderr


def test_networks_without_one_picture_as_input(photo: Path, tmp_path: Path) -> None:
    graph = vlnn.dagnn.DagNN()
    graph.addLayer("sum", vlnn.dagnn.Sum(), ["x", "y"], "z")
    result = run(saved(graph, tmp_path / "net.mat"), photo)
    assert result.exit_code == 1
    assert "The network does not have one input, which could be a picture; it has x, y." in result.stderr


def test_outputs_that_are_not_there(photo: Path, tmp_path: Path) -> None:
    result = run(saved(classifier(), tmp_path / "net.mat"), photo, "--output", "fc8")
    assert result.exit_code == 1
    assert "There is no output 'fc8'" in result.stderr


def test_networks_that_are_told_the_noise(photo: Path, tmp_path: Path) -> None:
    """As FFDNet: half the picture's size, the level of noise as one more channel, and back."""
    layers = [{"type": "SubP", "scale": 0.5}, {"type": "concat"}, layer(1, 1, 5, 4, 0), {"type": "SubP", "scale": 2}]
    weights = layers[2]["weights"][0]
    weights[...] = 0
    weights[0, 0, :4] = np.eye(4)
    weights[0, 0, 4] = 1  # the level is added
    grey = tmp_path / "grey.png"
    Image.fromarray(pixels(photo)[..., 0] // 2).save(grey)
    path = saved(vlnn.vl_simplenn_tidy({"layers": layers}), tmp_path / "net.mat")
    good(path, grey, "--noise", 25, "--to", tmp_path / "out.png")
    np.testing.assert_array_equal(pixels(tmp_path / "out.png"), pixels(grey) + 25)
    assert run(path, grey, "--to", tmp_path / "none.png").exit_code == 1


def test_an_average_that_rises_is_a_sign_of_bgr(photo: Path, tmp_path: Path) -> None:
    net = classifier()
    net.meta.normalization.averageImage = np.array([[104.0, 117, 123]])
    path = saved(net, tmp_path / "net.mat")
    assert "as in networks that take BGR (--bgr)" in good(path, photo).stderr
    assert good(path, photo, "--bgr").stderr == ""


@pytest.mark.skipif(importlib.util.find_spec("cupy") is not None, reason="CuPy is installed")
def test_without_cupy(photo: Path, tmp_path: Path) -> None:
    for net in (classifier(), vlnn.dagnn.DagNN.fromSimpleNN(blur(3))):
        result = run(saved(net, tmp_path / "net.mat"), photo, "--gpu")
        assert (result.exit_code, result.stdout) == (1, "")
        assert "CuPy" in result.stderr


def set5(name: str) -> Path:
    path = IMAGES / name
    if not path.exists():
        pytest.skip(f"{path} is not there")
    return path


def test_super_resolution_of_a_real_network(tmp_path: Path) -> None:
    """LapSRN on the butterfly of Set5: what its authors' code gives, by way of picture files."""
    truth = pixels(set5("butterfly_GT.bmp"))
    luma = rgb2ycbcr(truth / 255)[..., 0]
    small = imresize(luma, 0.5)
    Image.fromarray((255 * small).round().astype(np.uint8)).save(tmp_path / "small.png")
    good(published("LapSRN_x2"), tmp_path / "small.png", "--to", tmp_path / "large.png")
    large = pixels(tmp_path / "large.png")
    assert large.shape == truth.shape[:2]
    shaved = slice(2, -2)
    score = psnr(large[shaved, shaved] / 255, luma[shaved, shaved])
    bicubic = psnr(imresize(small, 2)[shaved, shaved], luma[shaved, shaved])
    assert score > 32.5
    assert score > bicubic + 4


def test_super_resolution_in_colour(tmp_path: Path) -> None:
    truth = pixels(set5("butterfly_GT.bmp"))
    Image.fromarray(imresize(truth, 0.5)).save(tmp_path / "small.png")
    good(published("LapSRN_x2"), tmp_path / "small.png", "--to", tmp_path / "large.png")
    large = pixels(tmp_path / "large.png")
    bicubic = imresize(imresize(truth, 0.5), 2)
    assert psnr(large, truth) > psnr(bicubic, truth) + 2.5


def test_denoising_with_a_real_network(tmp_path: Path) -> None:
    clean = pixels(set5("01.png"))
    noise = 25 * np.random.default_rng(0).standard_normal(clean.shape)
    noisy = np.clip(clean + noise, 0, 255).round().astype(np.uint8)
    Image.fromarray(noisy).save(tmp_path / "noisy.png")
    good(published("DnCNN_sigma25"), tmp_path / "noisy.png", "--residual", "--to", tmp_path / "clean.png")
    assert psnr(pixels(tmp_path / "clean.png"), clean) > 29.5  # dB; the noisy one has 20.5
