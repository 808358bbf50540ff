"""The blocks: properties, derivatives, and what the functions behind them do not do themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import vlnn
from tests.dagnn.nets import random
from tests.derivatives import away_from, numerical
from vlnn import MatConvNetError, dagnn
from vlnn.dagnn import DagNN

Array = Any


def single(block: Any, inputs: list[Array], params: list[Array] = []) -> DagNN:  # noqa: B006
    """A network of one block, with its values in it."""
    net = DagNN()
    net.conserveMemory = False
    net.addLayer("it", block, [f"x{i}" for i in range(len(inputs))], "y", [f"p{i}" for i in range(len(params))])
    for i, value in enumerate(params):
        net.getParam(f"p{i}").value = value
    return net


def output(net: DagNN, inputs: list[Array]) -> Array:
    net.mode = "test"  # no warning of the mode
    net.eval({f"x{i}": value for i, value in enumerate(inputs)})
    return net.getVar("y").value


IMAGE = away_from(random(5, 6, 3, 2), 0)
GRID = random(2, 4, 3, 2, seed=1) / 2
AFFINE = 0.3 * random(1, 1, 6, 2, seed=2)
LABELS = np.array([[1.0, 3.0]])
SIGNS = np.sign(random(5, 6, 3, 2, seed=9))
WEIGHTS = np.abs(random(5, 6, 3, 2, seed=3))
ROIS = np.array([[1.0, 2], [1, 2], [1, 1], [5, 6], [4, 5]])

BLOCKS: dict[str, tuple[Any, list[Array], list[Array]]] = {
    "conv": (dagnn.Conv(size=[3, 2, 3, 4], pad=[1, 0, 0, 1], stride=2), [IMAGE], [random(3, 2, 3, 4), random(4, 1)]),
    "conv, no bias, dilated": (dagnn.Conv(size=[2, 2, 3, 4], dilate=2, hasBias=False), [IMAGE], [random(2, 2, 3, 4)]),
    "conv, groups": (dagnn.Conv(size=[1, 1, 1, 3]), [IMAGE], [random(1, 1, 1, 3), random(1, 3)]),
    "convt": (
        dagnn.ConvTranspose(size=[3, 3, 2, 3], upsample=2, crop=[1, 0]),
        [IMAGE],
        [random(3, 3, 2, 3), random(2, 1)],
    ),
    "convt, groups": (
        dagnn.ConvTranspose(size=[2, 2, 2, 3], numGroups=3, hasBias=False),
        [IMAGE],
        [random(2, 2, 2, 3)],
    ),
    "max pooling": (dagnn.Pooling(poolSize=2, stride=[2, 1], pad=[0, 1, 0, 1]), [IMAGE], []),
    "average pooling": (dagnn.Pooling(method="avg", poolSize=[3, 2], pad=1), [IMAGE], []),
    "relu": (dagnn.ReLU(leak=0.2), [IMAGE], []),
    "sigmoid": (dagnn.Sigmoid(), [IMAGE], []),
    "tanh": (dagnn.Tanh(), [IMAGE], []),
    "axpy": (dagnn.Axpy(), [random(1, 1, 3, 2, seed=7), IMAGE, random(5, 6, 3, 2, seed=8)], []),
    "global average": (dagnn.GlobalPooling(), [IMAGE], []),
    "global maximum": (dagnn.GlobalPooling(method="max"), [IMAGE], []),
    "flatten": (dagnn.Flatten(), [IMAGE], []),
    "reshape": (dagnn.Reshape(shape=[15, 0, -1]), [IMAGE], []),
    "permute": (dagnn.Permute(order=[3, 1, 2, 4]), [IMAGE], []),
    "softmax": (dagnn.SoftMax(), [IMAGE], []),
    "lrn": (dagnn.LRN(param=[3, 1, 0.5, 0.75]), [IMAGE], []),
    "norm offset": (dagnn.NormOffset(), [IMAGE], []),
    "spatial norm": (dagnn.SpatialNorm(), [IMAGE], []),
    "sum": (dagnn.Sum(), [IMAGE, random(5, 6, 3, 2, seed=1), IMAGE], []),
    "concat": (dagnn.Concat(), [IMAGE, random(5, 6, 1, 2, seed=1)], []),
    "concat, images": (dagnn.Concat(dim=4), [IMAGE, random(5, 6, 3, 1, seed=1)], []),
    "scale": (dagnn.Scale(), [IMAGE], [random(1, 1, 3), random(1, 1, 3, seed=1)]),
    "scale, by an input": (dagnn.Scale(hasBias=False), [IMAGE, random(1, 1, 3, 2)], []),
    "scale, everywhere": (dagnn.Scale(), [IMAGE], [random(5, 6, 3), random(1, 6, 3)]),
    "crop": (dagnn.Crop(crop=[1, 0]), [IMAGE, random(3, 5, 7)], []),
    "roi": (dagnn.ROIPooling(subdivisions=[2, 3], method="avg"), [IMAGE, ROIS], []),
    "roi, flat": (dagnn.ROIPooling(subdivisions=2, flatten=True), [IMAGE, ROIS], []),
    "sampler": (dagnn.BilinearSampler(), [IMAGE, GRID], []),
    "affine grid": (dagnn.AffineGridGenerator(Ho=4, Wo=5), [AFFINE], []),
    "uniform grid": (dagnn.UniformScalingGridGenerator(Ho=4, Wo=5), [AFFINE[:, :, :3]], []),
    "loss": (dagnn.Loss(), [IMAGE, LABELS], []),
    "weighted loss": (dagnn.Loss(loss="logistic"), [IMAGE, SIGNS, WEIGHTS], []),
    "distance": (dagnn.PDist(aggregate=False), [IMAGE, random(5, 6, 3, 2, seed=1)], []),
    "weighted distance": (dagnn.PDist(p=3), [IMAGE, random(5, 6, 3, 2, seed=1), WEIGHTS[:, :, :1]], []),
    "smooth L1": (dagnn.LossSmoothL1(sigma=1.5), [IMAGE, random(5, 6, 3, 2, seed=1), WEIGHTS], []),
    "smooth L1, no weights": (dagnn.LossSmoothL1(), [IMAGE, random(5, 6, 3, 2, seed=1)], []),
}
NOT_DIFFERENTIATED = {"crop": 1, "roi": 1, "roi, flat": 1, "loss": 1, "smooth L1": 1, "smooth L1, no weights": 1}


@pytest.mark.parametrize("name", BLOCKS)
def test_derivatives(name: str) -> None:
    block, inputs, params = BLOCKS[name]
    net = single(block, inputs, params)
    y = output(net, inputs)
    dzdy = random(*np.shape(y), seed=7) if np.size(y) > 1 else 1.5
    net.eval({f"x{i}": value for i, value in enumerate(inputs)}, {"y": dzdy})
    ders = [net.getVar(f"x{i}").der for i in range(len(inputs))]
    class_ = 1e-5 if "grid" in name else 1e-7  # derivatives in transformations are single
    for i, x in enumerate(inputs):
        if (
            i >= NOT_DIFFERENTIATED.get(name, 9)
            or (i == 2 and "weighted" in name)
            or (i == 1 and name == "weighted loss")
        ):
            assert ders[i] is None or name.startswith("weighted"), i
            continue
        expected = numerical(lambda x, i=i: output(net, [*inputs[:i], x, *inputs[i + 1 :]]), x, dzdy)
        assert ders[i].shape == x.shape
        np.testing.assert_allclose(ders[i], expected, rtol=0, atol=class_, err_msg=f"input {i}")
    analytic = [net.getParam(f"p{i}").der for i in range(len(params))]
    for i, value in enumerate(params):

        def at(changed: Array, i: int = i) -> Array:
            net.getParam(f"p{i}").value = changed
            return output(net, inputs)

        expected = numerical(at, value, dzdy)
        net.getParam(f"p{i}").value = value
        assert analytic[i].shape == value.shape
        np.testing.assert_allclose(analytic[i], expected, rtol=0, atol=1e-7, err_msg=f"parameter {i}")


@pytest.mark.parametrize("name", BLOCKS)
def test_single_stays_single(name: str) -> None:
    block, inputs, params = BLOCKS[name]
    inputs = [value.astype(np.float32) for value in inputs]
    net = single(block, inputs, [value.astype(np.float32) for value in params])
    y = output(net, inputs)
    assert y.dtype == np.float32
    assert np.ndim(y) in (0, 2, 4)
    dzdy = np.ones(np.shape(y), np.float32)
    net.eval({f"x{i}": value for i, value in enumerate(inputs)}, {"y": dzdy})
    ders = [record.der for record in (*net.vars[: len(inputs)], *net.params) if record.der is not None]
    assert {der.dtype for der in ders} == {np.dtype(np.float32)}


@pytest.mark.parametrize("name", BLOCKS)
def test_sizes_are_those_of_an_evaluation(name: str) -> None:
    block, inputs, params = BLOCKS[name]
    net = single(block, inputs, params)
    y = output(net, inputs)
    found = net.getVarSizes({f"x{i}": value.shape for i, value in enumerate(inputs)})
    size = (*np.shape(y), 1, 1, 1, 1)[:4]
    if name == "convt, groups":  # MatConvNet forgets the groups
        size = (*size[:2], 2, size[3])
    if "loss" in name or name == "weighted distance" or "smooth" in name:
        size = (1, 1, 1, 2)  # of a loss MatConvNet says one value for each image
    assert found[net.getVarIndex("y")] == size


def test_setters_expand() -> None:
    conv = dagnn.Conv("size", [3, 3, 2], "pad", 1, "stride", np.array([[2, 1]], np.uint8))
    assert (conv.size, conv.pad, conv.stride, conv.dilate) == ((3, 3, 2, 1), (1,) * 4, (2, 1), (1, 1))
    conv.pad = [1, 2]
    assert conv.pad == (1, 1, 2, 2)
    conv.pad = np.array([[4.0, 3, 2, 1]])
    assert conv.pad == (4, 3, 2, 1)
    conv.hasBias = np.array([[0]], np.uint8)
    assert conv.hasBias is False
    convt = dagnn.ConvTranspose({"upsample": 3, "crop": [0, 1]})
    assert (convt.upsample, convt.crop) == ((3, 3), (0, 0, 1, 1))
    assert dagnn.Conv(["pad", 2]).pad == (2,) * 4
    assert dagnn.Pooling(opts="cuDNN").opts == ["cuDNN"]
    assert dagnn.Pooling(opts={}).opts == []
    assert dagnn.Pooling().opts == ["cuDNN"]
    dagnn.Pooling().opts.append("Verbose")
    assert dagnn.Pooling().opts == ["cuDNN"]


def test_defaults_are_matconvnets() -> None:
    assert (dagnn.BatchNorm().epsilon, dagnn.BatchNorm().opts) == (1e-5, ["NoCuDNN"])
    assert (dagnn.ReLU().leak, dagnn.ReLU().useShortCircuit, dagnn.ReLU().opts) == (0, True, [])
    assert dagnn.LRN().param == (5, 1, 0.0001 / 5, 0.75)
    assert (dagnn.DropOut().rate, dagnn.DropOut().frozen) == (0.5, False)
    assert (dagnn.ROIPooling().subdivisions, dagnn.ROIPooling().transform) == ((6, 6), (1,))
    loss = dagnn.Loss()
    assert (loss.loss, loss.ignoreAverage, loss.normalise, loss.opts) == ("softmaxlog", False, True, [])
    pdist = dagnn.PDist()
    assert (pdist.p, pdist.aggregate, pdist.noRoot, pdist.epsilon) == (2, True, False, 1e-6)
    assert (dagnn.NormOffset().param, dagnn.SpatialNorm().param) == ((1, 0.5), (2, 2, 10, 2))
    assert (dagnn.Concat().dim, dagnn.Crop().crop, dagnn.Scale().hasBias) == (3, (0, 0), True)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: dagnn.ReLU("foo", 1), "No property `foo` for a layer of type `dagnn.ReLU`. Its properties: "),
        (lambda: dagnn.ReLU(foo=1), "No property `foo` for a layer of type `dagnn.ReLU`."),
        (lambda: dagnn.ReLU("leak"), "The properties of a layer are pairs of a name and a value"),
        (lambda: dagnn.ReLU(leak="much"), "The property `leak` of a layer of type `ReLU` cannot be 'much'."),
        (lambda: dagnn.ReLU(leak=[1, 2]), "The property `leak` of a layer of type `ReLU` cannot be [1, 2]."),
        (lambda: dagnn.Pooling(method=3), "The property `method` of a layer of type `Pooling` cannot be 3."),
        (lambda: dagnn.Conv(pad={}), "The property `pad` of a layer of type `Conv` cannot be {}."),
    ],
)
def test_refusals(make: Any, sentence: str) -> None:
    with pytest.raises(MatConvNetError) as caught:
        make()
    assert str(caught.value).startswith(sentence)


def test_sum_and_scale_expand_as_matlab_does() -> None:
    x, row = random(4, 1, 3, 2), random(1, 5)
    np.testing.assert_allclose(output(single(dagnn.Sum(), [x, row]), [x, row]), x + row.reshape(1, 5, 1, 1))
    flat = random(4, 3)
    np.testing.assert_allclose(output(single(dagnn.Sum(), [flat, flat]), [flat, flat]).reshape(4, 3), 2 * flat)
    mixed = output(single(dagnn.Sum(), [x, row]), [x, row.astype(np.float32)])
    assert mixed.dtype == np.float32
    assert mixed.flags.f_contiguous


def test_crop_takes_what_it_can_from_the_top() -> None:
    x = np.arange(30.0).reshape(5, 6)
    for crop, (rows, columns) in {(0, 0): (0, 0), (1, 2): (1, 2), (9, 9): (2, 3)}.items():
        y = output(single(dagnn.Crop(crop=crop), [x, np.ones((3, 3))]), [x, np.ones((3, 3))])
        np.testing.assert_array_equal(y[:, :, 0, 0], x[rows : rows + 3, columns : columns + 3])


def test_grids() -> None:
    """The transformation that changes nothing gives the image back."""
    x = random(4, 5, 2, 3)
    for block, values in (
        (dagnn.AffineGridGenerator(Ho=4, Wo=5), [1, 0, 0, 1, 0, 0]),
        (dagnn.UniformScalingGridGenerator(Ho=4, Wo=5), [1, 0, 0]),
    ):
        transformations = np.tile(np.reshape(values, (1, 1, -1, 1)).astype(float), (1, 1, 1, 3))
        grid = output(single(block, [transformations]), [transformations])
        assert grid.shape == (2, 4, 5, 3)
        assert grid.flags.f_contiguous
        np.testing.assert_allclose(vlnn.vl_nnbilinearsampler(x, grid), x)
        with pytest.raises(MatConvNetError, match="transforms have incorrect shape"):
            output(single(block, [x]), [x])
    one = dagnn.UniformScalingGridGenerator(Ho=1, Wo=1)
    assert output(single(one, [x]), [np.ones((1, 1, 3))]).ravel().tolist() == [2, 2]  # linspace(-1, 1, 1) is 1


def test_smooth_l1_has_an_average_by_weight() -> None:
    block = dagnn.LossSmoothL1(sigma=2)
    x, x0, w = np.array([[0.1], [-3.0]]), np.zeros((2, 1)), np.array([[1.0], [3.0]])
    y = output(single(block, [x, x0, w]), [x, x0, w])
    assert y.item() == pytest.approx(0.5 * 4 * 0.01 + 3 * (3 - 0.125))
    assert block.average == pytest.approx(y.item() / 4)
    assert (block.loss, dagnn.PDist().loss) == ("smoothl1", "pdist")
    with pytest.raises(MatConvNetError, match="Invalid number of inputs"):
        output(single(dagnn.LossSmoothL1(), [x]), [x])


def test_published_blocks() -> None:
    x = random(2, 3, 4, 2)
    assert output(single(dagnn.Flatten(axis=1), [x]), [x]).shape == (24, 1, 1, 2)
    np.testing.assert_array_equal(output(single(dagnn.Flatten(), [x]), [x])[0, 0, :, 1], x[..., 1].ravel(order="F"))
    for shape in ([4, 3], [4, 3, -1], [4, 0, 2], [4.0, 3.0, np.zeros((0, 0))]):
        block = dagnn.Reshape(shape=shape)
        y = output(single(block, [x]), [x])
        assert y.shape == (4, 3, 2, 2)
        np.testing.assert_array_equal(y.ravel(order="F"), x.ravel(order="F"))
        assert dagnn.Reshape(block.save()).shape == block.shape
        assert block.getOutputSizes([(2, 3, 4, 7)]) == [(4, 3, 2, 7)]
    np.testing.assert_array_equal(output(single(dagnn.Permute(order=[2, 1]), [x]), [x]), x.transpose(1, 0, 2, 3))
    pooled = output(single(dagnn.GlobalPooling(), [x]), [x])
    np.testing.assert_allclose(pooled, x.mean(axis=(0, 1), keepdims=True), rtol=1e-12)


@pytest.mark.parametrize(
    ("block", "words"),
    [
        (
            dagnn.Reshape(shape=[5, 3]),
            "To RESHAPE the number of elements must not change. Received [5, 3] for an image of",
        ),
        (dagnn.Reshape(), "The property `shape` does not have two or three elements. Received []"),
        (dagnn.Reshape(shape=[1, -1, -1]), "To RESHAPE the number of elements must not change. Received [1, -1, -1]"),
        (dagnn.Reshape(shape=[1, 1, 1]), "To RESHAPE the number of elements must not change. Received [1, 1, 1]"),
        (dagnn.Flatten(axis=4), "flatten axis must be 1, 2 or 3. Received 4."),
        (dagnn.Permute(order=[1, 1]), "ORDER is not a permutation of 1 to 4."),
    ],
)
def test_published_blocks_refuse(block: Any, words: str) -> None:
    with pytest.raises(MatConvNetError) as caught:
        output(single(block, [IMAGE]), [random(2, 3, 4)])
    assert str(caught.value).startswith(words)
