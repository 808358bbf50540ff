"""Real networks, trained by others: what MatConvNet computed with them, and what their authors published."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io

from vlnn import dagnn
from vlnn.dagnn import DagNN
from vlnn.matlab import im2double, imread, imresize, psnr, rgb2ycbcr

SHARED = Path(__file__).parents[3] / "shared"
NETWORKS, VECTORS, IMAGES = SHARED / "networks", SHARED / "vectors" / "networks.mat", SHARED / "images"
TOLERANCE = 1e-5
Array = Any


def text(value: Any) -> str:
    return str(value.item())


def cases() -> list[Any]:
    if not VECTORS.exists() or not NETWORKS.exists():
        reason = f"{NETWORKS} and {VECTORS} are not there"
        return [pytest.param(None, id="none", marks=pytest.mark.skip(reason=reason))]
    loaded = scipy.io.loadmat(VECTORS)["cases"].ravel()
    return [pytest.param(case, id=text(case["name"])) for case in loaded if text(case["kind"]) == "dagnn"]


def assert_close(got: Array, want: Array, name: str) -> None:
    got = got.reshape(want.shape, order="F")
    assert got.dtype == want.dtype, name
    np.testing.assert_allclose(got, want, rtol=0, atol=TOLERANCE * np.abs(want).max(), err_msg=name)


@pytest.mark.parametrize("case", cases())
def test_recorded_evaluations(case: Any) -> None:
    net = DagNN.loadobj(NETWORKS / text(case["network"]))
    net.mode, net.conserveMemory = text(case["mode"]), False
    inputs = dict(zip(map(text, case["inputNames"].ravel()), case["inputs"].ravel(), strict=True))
    ders = {}
    if case["derOutputs"].size:
        name, der = case["derOutputs"].ravel()
        ders[text(name)] = der
    net.eval(inputs, ders)
    for output in case["outputs"].ravel():
        name = text(output["name"])
        assert_close(net.getVar(name).value, output["value"], name)
        assert net.getLayer(int(output["layer"].item()) - 1).block.type == text(output["type"])
    for recorded in case["ders"].ravel():
        name = text(recorded["name"])
        record = net.getVar(name) if name in net.positions["vars"] else net.getParam(name)
        assert_close(record.der, recorded["value"], name)
    names = [text(output["name"]) for output in case["outputs"].ravel()]
    for name, value in net.predict(inputs, names).items():
        np.testing.assert_array_equal(value, net.getVar(name).value, name)


def network(name: str) -> Path:
    path = NETWORKS / name
    if not path.exists():
        pytest.skip(f"{path} is not there")
    return path


@pytest.mark.parametrize(("scale", "published"), [(2, 37.52), (4, 31.54)])
def test_lapsrn_reaches_what_was_published(scale: int, published: float) -> None:
    """Set5, luma in floating point, a border of `scale` pixels left out."""
    net = DagNN.loadobj(network(f"LapSRN_x{scale}.mat"))
    pictures = sorted(IMAGES.glob("*_GT.bmp"))
    if len(pictures) != 5:
        pytest.skip(f"Set5 is not in {IMAGES}")
    scores = []
    for path in pictures:
        picture = imread(path)
        height, width = (side - side % scale for side in picture.shape[:2])
        luma = rgb2ycbcr(im2double(picture[:height, :width]))[:, :, 0]
        enlarged = net.predict(imresize(luma, 1 / scale))[:, :, 0, 0].astype(np.float64)
        inside = (slice(scale, -scale), slice(scale, -scale))
        scores.append(psnr(enlarged[inside], luma[inside]))
    assert np.mean(scores) == pytest.approx(published, abs=0.01)


@pytest.mark.parametrize(
    ("name", "types"),
    [
        ("LapSRN_x2.mat", {"Conv": 12, "ReLU": 12, "ConvTranspose": 2, "Sum": 1, "Unknown": 1}),
        ("DnCNN_dagnn_epoch50.mat", {"Conv": 17, "ReLU": 16, "BatchNorm": 15, "Sum": 1, "Loss": 1}),
        ("DCNT_toplevel_dagnn.mat", {"Conv": 11, "ReLU": 6, "Sum": 1, "Unknown": 1}),
    ],
)
def test_layers(name: str, types: dict[str, int]) -> None:
    net = DagNN.loadobj(network(name))
    found = [type(layer.block).__name__ for layer in net.layers]
    assert {each: found.count(each) for each in dict.fromkeys(found)} == types


def test_unknown_losses_keep_their_fields() -> None:
    block = DagNN.loadobj(network("LapSRN_x2.mat")).layers[-1].block
    assert isinstance(block, dagnn.Unknown)
    assert block.type == "dagnn.vllab_dag_loss"
    assert list(block.fields) == ["lambda", "loss_type", "loss", "ignoreAverage", "opts"]
    assert block.fields.loss_type == "L1"


def test_a_registered_loss_is_used() -> None:
    @dagnn.register
    class vllab_dag_loss(dagnn.Loss):  # noqa: N801
        loss_type = ""

        def forward(self, inputs: Any, params: Any) -> Any:
            assert self.loss_type == "L1"
            return [getattr(self, "lambda") * np.abs(inputs[0] - inputs[1]).sum().reshape(1, 1)]

    net = DagNN.loadobj(network("LapSRN_x2.mat"))
    x = np.zeros((4, 5), np.float32)
    net.eval({"LR": x, "level1_HR": np.zeros((8, 10, 1, 1), np.float32)})
    assert net.getVar("level1_L1_loss").value.item() == pytest.approx(np.abs(net.predict(x)).sum(), rel=1e-5)


def test_saved_again_they_are_the_same(tmp_path: Path) -> None:
    net = DagNN.loadobj(network("LapSRN_x2.mat"))
    x = np.random.default_rng(0).random((9, 8))
    for format in ("5", "7.3"):
        net.save(tmp_path / "again.mat", format=format)
        again = DagNN.loadobj(tmp_path / "again.mat")
        np.testing.assert_array_equal(again.predict(x), net.predict(x))
        assert again.layers[-1].block.type == "dagnn.vllab_dag_loss"
