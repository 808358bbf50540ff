"""load_network: networks wherever they are in a file, and published ones against what MatConvNet computes with them."""

from __future__ import annotations

import shutil
import subprocess
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import vlnn
from tests.conformance.vectors import FOLDER, cells, load, text
from tests.simplenn.nets import array, bnorm, conv
from vlnn import dagnn
from vlnn.matlab.matfile import loadmat, savemat
from vlnn.matlab.values import Cell, Opaque, Struct, StructArray
from vlnn.simplenn import SimpleNN

NETWORKS = Path(__file__).parents[2] / "shared" / "networks"
PUBLISHED = {
    "DCFNet": ("SimpleNN", "conv relu conv lrn"),
    "DCNT_toplevel_dagnn": ("DagNN", 19),
    "DnCNN_dagnn_epoch50": ("DagNN", 50),
    "DnCNN_sigma25": ("SimpleNN", "conv relu " * 16 + "conv"),
    "DnCNN_sigma25_bnorm": ("SimpleNN", "conv relu " + "conv bnorm relu " * 15 + "conv loss"),
    "LapSRN_x2": ("DagNN", 28),
    "LapSRN_x4": ("DagNN", 54),
    "cells_snapshot": ("SimpleNN", "conv pool relu conv pool relu conv sigmoid conv sigmoid softmaxloss"),
    "face12_old_format": ("SimpleNN", "conv bnorm pool relu conv bnorm relu conv bnorm relu"),
    "plate_snapshot": ("SimpleNN", "conv pool relu conv pool relu conv softmaxloss"),
}


def published(name: str) -> Path:
    path = NETWORKS / f"{name}.mat"
    if not path.exists():
        pytest.skip(f"{path} is not there: networks of other people's are no part of the project")
    return path


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_networks_load(name: str) -> None:
    kind, layers = PUBLISHED[name]
    net = vlnn.load_network(published(name))
    assert type(net).__name__ == kind
    found = [layer.type for layer in net.layers] if kind == "SimpleNN" else len(net.layers)
    assert found == (layers.split() if isinstance(layers, str) else layers)


class Recorded(NamedTuple):
    """What MatConvNet computed with a published network."""

    name: str
    network: str
    kind: str
    mode: str
    inputs: dict[str, Any]
    outputs: list[tuple[str, int, Any]]  # name, layer counted from 1, value
    der_output: Any
    derivatives: dict[str, Any]

    @property
    def tolerance(self) -> float:
        """Of the largest magnitude: rough where MatConvNet is (its powers, its variance of few numbers)."""
        return {"dcfnet": 1e-2, "face12": 1e-4, "face12_dense": 1e-4}.get(self.name, 1e-5)


def recorded() -> list[Recorded]:
    cases = load(FOLDER / "networks.mat", mat_dtype=True)
    return [
        Recorded(
            name=text(case["name"]),
            network=text(case["network"]).removesuffix(".mat"),
            kind=text(case["kind"]),
            mode=text(case["mode"]),
            inputs={
                text(name): value for name, value in zip(cells(case["inputNames"]), cells(case["inputs"]), strict=True)
            },
            outputs=[(text(each["name"]), int(each["layer"].item()), each["value"]) for each in cells(case["outputs"])],
            der_output=cells(case["derOutputs"])[1] if case["derOutputs"].size else None,
            derivatives={text(each["name"]): each["value"] for each in cells(case["ders"])}
            if case["ders"].size
            else {},
        )
        for case in cases
    ]


RECORDED = [pytest.param(each, id=each.name) for each in recorded()]
SIMPLE = [pytest.param(each, id=each.name) for each in recorded() if each.kind == "simplenn"]


def close(got: Any, want: Any, tolerance: float) -> None:
    want = want.reshape(got.shape, order="F")
    np.testing.assert_allclose(got, want, rtol=0, atol=tolerance * np.abs(want).max())


@pytest.mark.parametrize("case", SIMPLE)
def test_recorded_layers(case: Recorded) -> None:
    net = vlnn.load_network(published(case.network))
    labels = {"plate_loss": [3, 17, 40, 65], "cells_loss": [1, 2, 2]}.get(case.name)
    if labels:
        net.layers[-1]["class"] = labels
    elif case.name.endswith("_softmax"):
        net.layers[-1].type = "softmax"
    elif net.layers[-1].type == "loss":
        net.layers.pop()
    (x,) = case.inputs.values()
    res = vlnn.vl_simplenn(net, x, case.der_output, [], "mode", case.mode)
    for _, layer, value in case.outputs:
        close(res[layer].x, value, case.tolerance)
    for name, value in case.derivatives.items():
        if name == "dzdx1":
            got = res[0].dzdx
        else:
            layer, weight = (int(number) for number in name.removeprefix("layer").split("_w"))
            got = res[layer - 1].dzdw[weight - 1]
        close(got, value, case.tolerance)


@pytest.mark.parametrize("case", [each for each in RECORDED if not each.id.endswith("_loss")])
def test_predict_gives_what_was_recorded(case: Recorded) -> None:
    net = vlnn.load_network(published(case.network))
    name, _, value = case.outputs[-1]
    inputs: Any = case.inputs
    if case.kind == "simplenn":
        (inputs,) = inputs.values()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of layers without moments, and of unknown losses
        if case.name.endswith("_softmax"):
            got = net.predict(inputs, "prob")["prob"]
        elif case.kind == "dagnn":
            got = net.predict(inputs, [name])[name]
        else:
            got = net.predict(inputs)
    close(got, value, case.tolerance)


def test_batch_norm_folded_or_not() -> None:
    x = array(40, 30, seed=3, dtype=np.float32) / 10
    folded = vlnn.load_network(published("DnCNN_sigma25")).predict(x)
    whole = vlnn.load_network(published("DnCNN_sigma25_bnorm")).predict(x)
    np.testing.assert_allclose(folded, whole, rtol=0, atol=1e-6)


def test_what_old_files_keep_beside_the_layers_goes_to_meta() -> None:
    net = vlnn.load_network(published("face12_old_format"))
    assert net.meta.imageMean.dtype == np.float32
    assert not [name for name in net if name not in ("layers", "meta")]


# Files of our own


def simple(**fields: Any) -> Struct:
    return Struct(layers=[Struct(conv(2, 2, 1, 3)), Struct(type="relu"), Struct(bnorm(3))], **fields)


def graph() -> dagnn.DagNN:
    net = dagnn.DagNN()
    net.addLayer("conv", dagnn.Conv(size=[2, 2, 1, 3]), "input", "y", ["f", "b"])
    net.addLayer("relu", dagnn.ReLU(), "y", "z")
    net.initParams()
    return net


def loaded(path: Path, variables: dict[str, Any], variable: str | None = None) -> Any:
    savemat(path / "net.mat", variables)
    return vlnn.load_network(path / "net.mat", variable)


X = array(5, 4)


@pytest.mark.parametrize(
    "variables",
    [
        {"net": simple()},
        {"net_mat": simple(meta=[])},
        {"cnn": simple(meta={"a": 1}), "stats": Struct(train=[]), "state": 3.0},
        dict(simple()),
        {**simple(), "imageMean": np.ones((1, 3)), "opts": Struct(type="none")},
        {"net": simple().layers},
        {"layers": simple().layers, "meta": {}},
        {
            "net": StructArray(
                [Struct(type="conv", weights=Cell(simple().layers[0].weights)), Struct(type="relu", weights=[])]
            )
        },
        {"model": Struct(net=simple(), epoch=3.0)},
        {"snapshot": Struct(best=Struct(net=simple()), list=[1.0, "a"])},
        {"nets": [simple()]},
        {"net": simple(), "net_mat": simple(), "previous": Struct(net=simple())},
        {"info": "text", "net": simple(), "old": simple()},
    ],
    ids=str,
)
def test_where_a_network_may_be(variables: dict[str, Any], tmp_path: Path) -> None:
    net = loaded(tmp_path, variables)
    assert isinstance(net, SimpleNN)
    assert [layer.type for layer in net.layers][:2] == ["conv", "relu"]
    expected = vlnn.vl_nnconv(X, *simple().layers[0].weights)
    np.testing.assert_array_equal(net.predict(X, "layer1")["layer1"], expected)


@pytest.mark.parametrize("where", [None, "net", "model"])
def test_where_a_graph_may_be(where: str | None, tmp_path: Path) -> None:
    saved = graph().saveobj()
    variables = saved if where is None else {where: saved, "stats": 1.0}
    net = loaded(tmp_path, variables)
    assert isinstance(net, dagnn.DagNN)
    np.testing.assert_array_equal(net.predict(X.astype(np.float32)), graph_output(saved))


def graph_output(saved: Any) -> Any:
    return dagnn.DagNN.loadobj(saved).predict(X.astype(np.float32))


def nets(count: int) -> list[Struct]:
    """Networks that differ in the bias of their first layer."""
    return [Struct(simple(), meta={"number": float(k)}) for k in range(count)]


@pytest.mark.parametrize(
    ("variable", "number"),
    [("CNNdenoiser{3}", 2), ("CNNdenoiser(3)", 2), ("CNNdenoiser[3]", 3), ("two.b", 1), ("two", None), ("one", 0)],
)
def test_one_of_several(variable: str, number: int | None, tmp_path: Path) -> None:
    many, (a, b) = nets(5), nets(2)
    variables = {"CNNdenoiser": many, "two": Struct(a=a, b=b), "one": Struct(x=Struct(y=a))}
    if number is None:
        with pytest.raises(
            vlnn.MatConvNetError, match=r"There are 2 networks in .*net\.mat: two\.a, two\.b\. Say which"
        ):
            loaded(tmp_path, variables, variable)
        return
    assert loaded(tmp_path, variables, variable).meta.number == number


def test_which_there_are(tmp_path: Path) -> None:
    sentence = (
        r"There are 25 networks in .*net\.mat: CNNdenoiser\{1\}, CNNdenoiser\{2\}, CNNdenoiser\{3\}, \.\.\., "
        r"CNNdenoiser\{25\}\. Say which: load_network\(path, 'CNNdenoiser\{1\}'\)\."
    )
    with pytest.raises(vlnn.MatConvNetError, match=sentence):
        loaded(tmp_path, {"CNNdenoiser": nets(25)})


@pytest.mark.parametrize(
    ("variable", "words"),
    [
        ("nett", "There is no nett in"),
        ("net.best", "net has layers, meta"),
        ("nets{4}", "nets has 3 elements"),
        ("nets{0}", "nets has 3 elements"),
        ("nets.{", "a place is a name"),
        ("x", "There is no network in"),
    ],
)
def test_places_that_are_not_there(variable: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(vlnn.MatConvNetError) as caught:
        loaded(tmp_path, {"net": simple(meta={}), "nets": nets(3), "x": 1.0}, variable)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"images": np.zeros((2, 3), np.float32)}, "images (a 2x3 array of class float32)"),
        ({"imdb": Struct(images=1.0, meta={})}, "imdb (a struct with images, meta)"),
        ({"name": "vgg", "list": ["a", 1.0]}, "name (a string), list (2 elements)"),
        ({"animals": [Struct(type="dog"), Struct(type="cat")]}, "animals (2 elements)"),
        ({}, "it holds nothing"),
    ],
)
def test_files_without_a_network(variables: dict[str, Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(vlnn.MatConvNetError) as caught:
        loaded(tmp_path, variables)
    assert str(caught.value).startswith("There is no network in")
    assert words in str(caught.value)


def test_layers_that_are_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    """NetVLAD's files have some."""
    layer = Opaque("layerVLAD", Struct(type="custom", name="vlad", K=64.0))
    variables = Struct(net=Struct(layers=[Struct(type="relu"), layer], meta=Struct()))
    monkeypatch.setattr("vlnn.networks.loadmat", lambda path: variables)
    with pytest.warns(UserWarning, match=r"objects of MATLAB classes: 2 \(layerVLAD\)"):
        net = vlnn.load_network("vlad.mat")
    assert net.layers[1].K == 64
    with pytest.raises(vlnn.MatConvNetError, match="Unknown layer type 'layerVLAD'"):
        net.predict(X)


def test_a_network_that_is_an_object(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = Struct(net=Opaque("dagnn.DagNN", graph().saveobj()), other=Opaque("table"))
    monkeypatch.setattr("vlnn.networks.loadmat", lambda path: variables)
    assert isinstance(vlnn.load_network("dag.mat"), dagnn.DagNN)
    monkeypatch.setattr("vlnn.networks.loadmat", lambda path: Struct(net=Opaque("dagnn.DagNN")))
    with pytest.raises(vlnn.MatConvNetError, match=r"net \(an object of class dagnn.DagNN\)"):
        vlnn.load_network("dag.mat")


# Saving


@pytest.fixture
def net() -> SimpleNN:
    layers = [
        conv(3, 3, 1, 4, np.float32, pad=[1, 1, 1, 1], opts=["cuDNN"]),
        bnorm(4, np.float32, momentum=[0, 0], learningRate=[1, 1, 0.1]),
        {"type": "relu", "leak": 0.25, "precious": True},
        {"type": "softmaxloss", "class": [1, 2, 3]},
    ]
    meta = {"normalization": {"imageSize": [5, 4, 1], "keepAspect": True}, "classes": {"name": ["a", "b"]}}
    tidy: SimpleNN = vlnn.vl_simplenn_tidy({"layers": layers, "meta": meta})
    return tidy


@pytest.mark.parametrize("format_", ["5", "7.3"])
@pytest.mark.parametrize("variable", [None, "net", "net_mat"])
def test_saved_and_loaded(net: SimpleNN, variable: str | None, format_: str, tmp_path: Path) -> None:
    net.save(tmp_path / "a.mat", variable, format=format_)
    variables = loadmat(tmp_path / "a.mat")
    assert list(variables) == (["layers", "meta"] if variable is None else [variable])
    again = vlnn.load_network(tmp_path / "a.mat")
    assert isinstance(again.layers, list)
    first = again.layers[0]
    np.testing.assert_array_equal(first.pad, [[1, 1, 1, 1]])
    assert first.opts == ["cuDNN"]
    assert [weight.dtype for weight in again.layers[1].weights] == [np.float32] * 3
    assert again.meta.classes.name == ["a", "b"]
    np.testing.assert_array_equal(again.predict(X), net.predict(X))
    again.save(tmp_path / "b.mat", variable, format=format_)
    np.testing.assert_equal(loadmat(tmp_path / "b.mat"), variables)


def test_functions_of_python_cannot_be_saved(net: SimpleNN, tmp_path: Path) -> None:
    net.layers.append(Struct(type="custom", forward=print, name="mine"))
    with pytest.raises(vlnn.MatConvNetError, match="function forward of layer 5, custom 'mine'"):
        net.save(tmp_path / "a.mat")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(shutil.which("octave") is None, reason="Octave is not installed")
def test_octave_reads_what_is_saved(net: SimpleNN, tmp_path: Path) -> None:
    net.save(tmp_path / "a.mat")
    program = "net = load('a.mat'); assert(iscell(net.layers)); layers = net.layers; meta = net.meta;"
    program += " assert(iscell(net.layers{1}.weights)); save('-v7', 'b.mat', 'layers', 'meta');"
    subprocess.run(["octave", "--no-gui", "--quiet", "--eval", program], cwd=tmp_path, check=True, timeout=60)
    saved, seen = vlnn.load_network(tmp_path / "a.mat"), vlnn.load_network(tmp_path / "b.mat")
    np.testing.assert_array_equal(seen.predict(X), saved.predict(X))
    np.testing.assert_equal(plain(seen), plain(saved))


def plain(value: Any) -> Any:
    """Without the ones at the end of sizes, which MATLAB does not keep."""
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    while isinstance(value, np.ndarray) and value.ndim > 2 and value.shape[-1] == 1:
        value = value[..., 0]
    return value
