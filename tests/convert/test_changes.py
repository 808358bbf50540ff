"""Networks changed on the way: losses, folded batch normalisation, colours, preprocessing, half precision."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.convert import networks
from tests.dagnn.nets import X, random, residual
from tests.simplenn.nets import bnorm, conv
from vlnn import dagnn
from vlnn.convert import Checkpoint
from vlnn.convert.folding import fold_bnorm
from vlnn.convert.half import halved
from vlnn.convert.inputs import flip_colours, with_preprocessing
from vlnn.convert.losses import drop_losses
from vlnn.dagnn import DagNN
from vlnn.errors import ConversionError
from vlnn.simplenn import SimpleNN

COLOURS = random(6, 5, 3, 2, seed=8)


def small_chain(**meta: Any) -> SimpleNN:
    return SimpleNN([conv(3, 3, 3, 4, pad=1), bnorm(4), {"type": "relu"}, {"type": "softmaxloss"}], meta)


def small_graph(**meta: Any) -> DagNN:
    return DagNN.fromSimpleNN(small_chain(**meta))


BOTH = pytest.mark.parametrize("make", [small_chain, small_graph])


def test_losses_are_dropped() -> None:
    chain = networks.small()["simplenn"]
    changed = drop_losses(chain)
    assert [layer.type for layer in changed.net.layers] == [layer.type for layer in chain.layers[:-1]]
    net = residual()
    changed = drop_losses(net)
    assert changed.net.getOutputs() == ["prediction"]
    assert changed.net.getInputs() == ["x"]
    assert changed.notes == ("Losses left out: loss, error.",)
    assert len(net.layers) == 8
    np.testing.assert_array_equal(changed.net.predict(X), net.predict(X))
    assert drop_losses(changed.net).notes == ("There were no losses to leave out.",)


@BOTH
def test_bnorm_is_folded(make: Any) -> None:
    net = make()
    changed = fold_bnorm(net)
    assert len(changed.net.layers) == len(net.layers) - 1
    np.testing.assert_allclose(changed.net.predict(COLOURS), net.predict(COLOURS), rtol=0, atol=1e-12)
    assert changed.notes[0].endswith("them: 1.")


@given(
    groups=st.integers(1, 3),
    depth=st.integers(1, 3),
    inputs=st.integers(1, 2),
    biased=st.booleans(),
    graph=st.booleans(),
)
def test_bnorm_is_folded_into_transposed_convolutions(
    groups: int, depth: int, inputs: int, biased: bool, graph: bool
) -> None:
    weights = [random(3, 2, depth, inputs * groups, seed=1), random(depth * groups, 1) if biased else []]
    layer = {"type": "convt", "name": "t", "weights": weights, "upsample": 2, "crop": 1, "numGroups": groups}
    net: Any = SimpleNN([layer, bnorm(depth * groups)])
    net = DagNN.fromSimpleNN(net) if graph else net
    x = random(4, 5, inputs * groups, 2)
    folded = fold_bnorm(net).net
    assert len(folded.layers) == 1
    np.testing.assert_allclose(folded.predict(x), net.predict(x), rtol=0, atol=1e-12)


def test_grouped_convolutions_are_folded() -> None:
    net = SimpleNN([conv(3, 3, 1, 6), bnorm(6)])
    np.testing.assert_allclose(fold_bnorm(net).net.predict(COLOURS), net.predict(COLOURS), rtol=0, atol=1e-12)


def test_the_original_keeps_its_weights() -> None:
    for net in (small_chain(), small_graph()):
        before = {name: array.copy() for name, array in Checkpoint.of(net).arrays.items()}
        fold_bnorm(net)
        for name, array in Checkpoint.of(net).arrays.items():
            np.testing.assert_array_equal(array, before[name])


def graph_of(*layers: tuple[Any, ...]) -> DagNN:
    """Layers of a graph, their parameters drawn at random."""
    net = DagNN()
    for layer in layers:
        net.addLayer(*layer)
    for at, param in enumerate(net.params):
        size = (1, 1, 2, 2) if param.name.startswith("f") else (2, 2) if param.name.startswith("m") else (2, 1)
        param.value = np.abs(random(*size, seed=at)) + 0.5
    return net


BNORM = ("n", dagnn.BatchNorm(), "y", "z", ["g", "o", "m"])
UNFOLDABLE = {
    "another reader": graph_of(
        ("c", dagnn.Conv(size=[1, 1, 2, 2]), "x", "y", ["f", "b"]), BNORM, ("r", dagnn.ReLU(), "y", "w")
    ),
    "shared filters": graph_of(
        ("c", dagnn.Conv(size=[1, 1, 2, 2]), "x", "y", ["f", "b"]),
        BNORM,
        ("d", dagnn.Conv(size=[1, 1, 2, 2]), "z", "w", ["f", "b"]),
    ),
    "no convolution": graph_of(("r", dagnn.ReLU(), "x", "y"), BNORM),
    "no moments": graph_of(
        ("c", dagnn.Conv(size=[1, 1, 2, 2]), "x", "y", ["f", "b"]),
        ("n", dagnn.BatchNorm(), "y", "z", ["g", "o"]),
    ),
    "first": SimpleNN([bnorm(3)]),
    "sigma of zero": SimpleNN(
        [conv(1, 1, 3, 1), {"type": "bnorm", "weights": [np.ones(1), np.ones(1), np.ones((1, 2)) * [1, 0]]}]
    ),
}


@pytest.mark.parametrize("net", UNFOLDABLE.values(), ids=UNFOLDABLE)
def test_bnorm_that_cannot_be_folded_stays(net: Any) -> None:
    changed = fold_bnorm(net)
    assert len(changed.net.layers) == len(net.layers)
    assert changed.notes[1].startswith("Not folded")


@BOTH
def test_colours_are_exchanged(make: Any) -> None:
    net = make(normalization={"averageImage": np.array([[1.0, 2.0, 3.0]]), "imageSize": np.array([[6, 5, 3]])})
    changed = flip_colours(net, "bgr")
    np.testing.assert_allclose(changed.net.predict(COLOURS[:, :, ::-1]), net.predict(COLOURS), rtol=0, atol=1e-12)
    np.testing.assert_array_equal(changed.before(COLOURS), COLOURS[:, :, ::-1])
    normalization = changed.net.meta.normalization
    assert (normalization.averageImage.tolist(), normalization.colorOrder) == ([[3, 2, 1]], "bgr")
    assert net.meta.normalization["averageImage"].tolist() == [[1, 2, 3]]
    assert flip_colours(changed.net, "bgr").notes == ("The network takes BGR already.",)
    back = flip_colours(changed.net, "rgb").net
    np.testing.assert_allclose(back.predict(COLOURS), net.predict(COLOURS), rtol=0, atol=1e-12)
    assert back.meta.normalization.averageImage.tolist() == [[1, 2, 3]]


def test_an_average_image_is_exchanged_by_channels() -> None:
    image = random(6, 5, 3)
    changed = flip_colours(small_chain(normalization={"averageImage": image}), "bgr").net
    np.testing.assert_array_equal(changed.meta.normalization.averageImage, image[:, :, ::-1])


@pytest.mark.parametrize(
    "net",
    [SimpleNN([conv(3, 3, 1, 2)]), SimpleNN([bnorm(3)]), SimpleNN([]), residual()],
)
def test_colours_that_cannot_be_exchanged(net: Any) -> None:
    with pytest.raises(ConversionError, match="cannot be exchanged"):
        flip_colours(net, "rgb")


@BOTH
@pytest.mark.parametrize(
    ("normalization", "prepared"),
    [
        ({"averageImage": np.array([[100.0, 50.0, 25.0]])}, lambda x: x - np.array([100, 50, 25])[:, None]),
        ({"averageImage": np.full((6, 5, 3), 90.0)}, lambda x: x - 90),
        (
            {"averageImage": np.array([0.5, 0.4, 0.3]), "imageStd": np.array([0.2, 0.3, 0.4])},
            lambda x: (x / 255 - np.array([0.5, 0.4, 0.3])[:, None]) / np.array([0.2, 0.3, 0.4])[:, None],
        ),
    ],
)
def test_preprocessing_becomes_a_layer(make: Any, normalization: Any, prepared: Any) -> None:
    net = make(normalization=normalization, classes={"name": ["a"]})
    pictures = 255 * random(6, 5, 3, 2) ** 2
    changed = with_preprocessing(net)
    want = net.predict(prepared(pictures))
    np.testing.assert_allclose(changed.net.predict(pictures), want, rtol=0, atol=1e-5 * np.abs(want).max())
    np.testing.assert_allclose(changed.before(pictures), prepared(pictures), rtol=0, atol=1e-3)
    assert dict(changed.net.meta.normalization) == {}
    assert changed.net.meta.classes == {"name": ["a"]}
    assert [layer.name for layer in changed.net.layers if layer.name == "preprocessing"]
    with pytest.raises(ConversionError, match="no preprocessing"):
        with_preprocessing(changed.net)


def test_an_average_image_with_a_pattern() -> None:
    average = 100 * random(6, 5, 3).astype(np.float32) ** 2
    chain = small_chain(normalization={"averageImage": average})
    with pytest.raises(ConversionError, match=r"6x5x3 differs from pixel to pixel, .* \(--kind dagnn\)"):
        with_preprocessing(chain)
    net = DagNN.fromSimpleNN(chain)
    changed = with_preprocessing(net)
    pictures = 255 * random(6, 5, 3, 2) ** 2
    want = net.predict(pictures - average[..., None])
    np.testing.assert_allclose(changed.net.predict(pictures), want, rtol=0, atol=1e-5 * np.abs(want).max())
    np.testing.assert_allclose(changed.before(pictures), pictures - average[..., None])


def test_half_precision() -> None:
    for net in (small_chain(), small_graph()):
        checkpoint = Checkpoint.of(net)
        half = halved(checkpoint)
        classes = {name: array.dtype.name for name, array in half.arrays.items()}
        assert sorted(classes.values()) == ["float16"] * 4 + ["float64"]
        moments = next(name for name, class_ in classes.items() if class_ == "float64")
        np.testing.assert_array_equal(half.arrays[moments], checkpoint.arrays[moments])
        y = net.predict(COLOURS)
        np.testing.assert_allclose(half.network().predict(COLOURS), y, rtol=0, atol=1e-3 * np.abs(y).max())


def test_numbers_beyond_half_precision_are_refused() -> None:
    net = SimpleNN([{"type": "conv", "name": "c", "weights": [np.full((1, 1, 1, 2), 1e5, np.float32), []]}])
    with pytest.raises(ConversionError, match=r"'c\.weights\.0' has 100000, which is beyond half precision"):
        halved(Checkpoint.of(net))
