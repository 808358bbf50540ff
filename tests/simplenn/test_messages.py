"""What the messages say to those who stumble: which layer it is, and what to do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import vlnn
from tests.simplenn.nets import array, bnorm, conv
from vlnn.simplenn import SimpleNN


def fails(net: Any, x: Any, *words: str, **options: Any) -> None:
    with pytest.raises(vlnn.MatConvNetError) as caught:
        vlnn.vl_simplenn(net, x, **{"mode": "test", **options})
    for word in words:
        assert word in str(caught.value)


def tidy(*layers: dict[str, Any], **meta: Any) -> SimpleNN:
    net: SimpleNN = vlnn.vl_simplenn_tidy({"layers": list(layers), "meta": meta})
    return net


def test_a_loss_without_labels() -> None:
    net = tidy({"type": "softmax"}, {"type": "softmaxloss", "name": "loss"})
    fails(
        net, array(1, 1, 3, 2), "Reference to non-existent field 'class'. This is layer 2, softmaxloss 'loss'",
        "net.layers.pop()", "net.predict(x)",
    )  # fmt: skip


def test_a_loss_with_stale_labels() -> None:
    net = tidy({"type": "softmaxloss", "class": np.ones((1, 28))})
    fails(net, array(1, 1, 3, 2), "The labels C", "This is layer 1, softmaxloss 'layer1'", "those of the last one")


def test_a_grey_image_for_a_network_of_colours() -> None:
    net = tidy(conv(3, 3, 3, 4, name="conv1_1"))
    fails(
        net, array(9, 8), "The FILTERS depth does not divide the DATA depth. Received X 9x8x1x1, F 3x3x3x4",
        "This is layer 1, conv 'conv1_1' (net.layers[0]). The layer takes 3 channels and receives 1",
        "numpy.repeat(x, 3, axis=2)",
    )  # fmt: skip


def test_a_colour_image_for_a_network_of_grey_ones() -> None:
    fails(tidy(conv(3, 3, 1, 20)), array(9, 8, 3), "The layer takes 1 channels and receives 3", "rgb2ycbcr")
    convt = {"type": "convt", "weights": [array(2, 2, 4, 1), []]}
    fails(tidy(convt), array(9, 8, 3), "The layer takes 1 channels and receives 3", "rgb2ycbcr")


def test_channels_that_do_not_fit_further_on() -> None:
    fails(
        tidy(conv(1, 1, 2, 4), conv(1, 1, 3, 2)), array(5, 5, 2), "(net.layers[1])", "receives 4 from the layer before"
    )
    fails(
        tidy(conv(1, 1, 2, 4), bnorm(3)), array(5, 5, 2), "layer 2, bnorm 'layer2'", "takes 3 channels and receives 4"
    )


def test_classes_that_do_not_fit() -> None:
    fails(tidy(conv(1, 1, 2, 4, np.float32)), array(5, 5, 2), "do not have compatible formats", "x.astype('float32')")


def test_single_moments_of_a_double_network() -> None:
    two = bnorm(3)
    two["weights"] = two["weights"][:2]
    with pytest.warns(UserWarning, match="moments are all zero in layer 1, bnorm"):
        fails(
            tidy(two), array(5, 5, 3), "DATA and MOMENTS do not have compatible formats.",
            "net.layers[0].weights[2] = net.layers[0].weights[2].astype(float64)",
        )  # fmt: skip


@pytest.mark.parametrize(
    "meta", [{"inputSize": [224, 224, 3]}, {"normalization": {"imageSize": np.array([[224.0, 224.0, 3.0]])}}]
)
def test_images_that_are_too_small(meta: dict[str, Any]) -> None:
    pool = {"type": "pool", "pool": [3, 3], "method": "max"}
    fails(tidy(conv(3, 3, 1, 2), pool, **meta), array(4, 4), "pooling window is larger", "layer 2, pool", "224x224x3")
    fails(tidy(conv(3, 3, 1, 2), conv(3, 3, 2, 1)), array(4, 4), "FILTERS are larger", "larger images.")


def test_fields_that_tidy_fills_in() -> None:
    fails(
        SimpleNN([conv(1, 1, 1, 1)]), array(3, 3), "Reference to non-existent field 'pad'", "vl_simplenn_tidy fills in"
    )


def test_a_pooling_layer_without_a_method_takes_the_maximum() -> None:
    x = array(6, 6)
    res = vlnn.vl_simplenn(tidy({"type": "pool", "pool": 2}), x)
    np.testing.assert_array_equal(res[1].x, vlnn.vl_nnpool(x, 2))


def test_a_loss_whose_name_has_no_effect() -> None:
    net = tidy({"type": "loss", "loss": "hinge", "class": 1})
    with pytest.warns(UserWarning, match="field loss has no effect in layer 1, loss"):
        vlnn.vl_simplenn(net, array(1, 1, 3))


@pytest.mark.parametrize(
    ("net", "words"),
    [
        ({}, "Reference to non-existent field 'layers'. Received a struct with the fields"),
        (None, "Reference to non-existent field 'layers'"),
        (
            {"layers": [{"name": "a"}]},
            "Reference to non-existent field 'type'. Layer 1 (net.layers[0]) has the fields name",
        ),
        ({"layers": ["conv"]}, "Layer 1 (net.layers[0]) is not a struct. Received 'conv'"),
    ],
)
def test_what_is_no_network(net: Any, words: str) -> None:
    fails(net, array(2, 2), words)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"mode": "training"}, "Unknown mode 'training'. vl_simplenn knows 'normal' and 'test'."),
        ({"mode": 3}, "Unknown mode 3."),
        ({"backPropDepth": 0}, "Invalid `backPropDepth` value (!>0)"),
        ({"backPropDepth": np.nan}, "Invalid `backPropDepth` value (!>0)"),
        ({"skipForward": True}, "`skipForward` valid only when backward pass is computed."),
        ({"skipForward": True, "dzdy": 1}, "RES structure must be provided for `skipForward`."),
        ({"conserveMemry": True}, "Unknown parameter 'conserveMemry'. Did you mean 'conserveMemory'?"),
        ({"res": [3]}, "RES is not a list of structs."),
        ({"nargout": 2}, "Too many output arguments."),
    ],
)
def test_options(options: dict[str, Any], sentence: str) -> None:
    fails(tidy({"type": "relu"}), array(2, 2), sentence, **options)


def test_too_few_arguments() -> None:
    with pytest.raises(vlnn.MatConvNetError, match="Not enough input arguments"):
        vlnn.vl_simplenn(tidy())


def test_fields_of_old_networks_are_pointed_to() -> None:
    with pytest.raises(AttributeError, match=r"it is net\.meta\.normalization"):
        tidy().normalization  # noqa: B018
    with pytest.raises(AttributeError, match="no field 'layer'"):
        tidy().layer  # noqa: B018


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((2, 3, 9, 8), "as in PyTorch: give x.transpose(2, 3, 1, 0)"),
        ((2, 9, 8, 3), "as in TensorFlow: give x.transpose(1, 2, 3, 0)"),
        ((3, 9, 8), "channels x height x width: give x.transpose(1, 2, 0)"),
    ],
)
def test_data_in_another_layout(shape: tuple[int, ...], words: str) -> None:
    net = tidy(conv(3, 3, 3, 4, name="conv1"))
    fails(net, array(*shape), words)
    graph = vlnn.dagnn.DagNN.fromSimpleNN(net, "canonicalNames", True)
    with pytest.raises(vlnn.MatConvNetError) as caught:
        graph.predict(array(*shape))
    assert words in str(caught.value)
    assert "'input' looks like" in str(caught.value)


@pytest.mark.parametrize(
    ("net", "words"),
    [
        ({"net": {"layers": []}}, "`net` in it looks like a network: pass that."),
        ([{"type": "relu"}], "Layers become one by vlnn.simplenn.SimpleNN(layers)."),
        (vlnn.dagnn.DagNN(), "This is a DagNN: net.eval(['input', x]) and net.predict(x) evaluate it."),
        ("net.mat", "vlnn.load_network finds the network in a file."),
        ({"layers": [{"type": "dagnn.ReLU", "block": {}, "inputs": ["x"], "outputs": ["y"]}]}, "DagNN.loadobj(net)"),
    ],
    ids=["nested", "layers", "DagNN", "name", "struct of a DagNN"],
)
def test_what_is_no_simplenn_network(net: Any, words: str) -> None:
    fails(net, array(3, 3), words)


@pytest.mark.parametrize(
    ("name", "words"),
    [("normalization", "net.meta.normalization"), ("classes", "net.meta.classes"), ("eval", "net.predict(x)"),
     ("vars", "DagNN.fromSimpleNN"), ("move", "vl_simplenn_move")],
)  # fmt: skip
def test_where_old_scripts_look(name: str, words: str) -> None:
    net = tidy({"type": "relu"})
    with pytest.raises(AttributeError, match=words.replace("(", r"\(").replace(")", r"\)")):
        getattr(net, name)
    with pytest.raises(KeyError, match=words.replace("(", r"\(").replace(")", r"\)")):
        net[name]
