"""Evaluating networks: forms of a call, what is skipped and forgotten, derivatives, messages."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import vlnn
from tests.dagnn.nets import LABELS, X, chain, random, residual
from tests.derivatives import numerical
from vlnn import MatConvNetError, dagnn
from vlnn.dagnn import DagNN

Array = Any


def test_lists_and_dicts() -> None:
    x = random(2, 3)
    net = chain(dagnn.Sigmoid())
    for inputs in (["x", x], ("x", x), {"x": x}):
        net.reset()
        net.eval(inputs)
        np.testing.assert_allclose(net.getVar("y").value.reshape(2, 3), 1 / (1 + np.exp(-x)))
    for derivatives in (["y", np.ones((2, 3))], {"y": np.ones((2, 3))}):
        net.eval({"x": x}, derivatives)
        assert net.getVar("x").der.shape == (2, 3)


@pytest.mark.parametrize(
    ("inputs", "derivatives", "sentence"),
    [
        (5, None, "INPUTS is not a cell array."),
        (X, None, "INPUTS is not a cell array."),
        (None, None, "INPUTS is not a cell array."),
        (["x"], None, "INPUTS is not a list ['name', value, ...]."),
        ([X, "x"], None, "INPUTS is not a list ['name', value, ...]."),
        (
            ["X1", X],
            None,
            "No variable of name 'X1' could be found in the DAG. There are x, y. The network's inputs: x.",
        ),
        ({"x": X}, 1.0, "DEROUTPUTS is not a cell array."),
        ({"x": X}, {"z": 1, "w": 1}, "Invalid `derOutputs`, variables {z, w} do not exist in the network."),
    ],
)
def test_refusals(inputs: object, derivatives: object, sentence: str) -> None:
    with pytest.raises(MatConvNetError) as caught:
        chain(dagnn.Sigmoid()).eval(inputs, derivatives)
    assert str(caught.value).startswith(sentence)


def test_layers_without_an_input_are_skipped() -> None:
    net = residual()
    net.mode, net.conserveMemory = "test", False
    net.eval({"x": X})
    assert net.getVar("prediction").value is not None
    assert net.getVar("objective").value is None
    net.reset()
    net.eval({"r": random(3, 3, 2)})
    assert net.getVar("prediction").value.shape == (1, 1, 2, 1)
    assert net.getVar("a").value is None
    net.eval({"x": np.zeros((0, 0))})  # [] is nothing, too


def test_derivatives_agree_with_differences() -> None:
    net = residual()
    net.eval({"x": X, "label": LABELS}, {"objective": 2.0})
    analytic = {param.name: param.der for param in net.params}
    dzdx = net.getVar("x").der

    def loss(x: Array) -> Array:
        net.reset()
        net.eval({"x": x, "label": LABELS}, {"objective": 2.0})
        return net.getLayer("loss").block.average

    def loss_with(name: str) -> Any:
        def at(value: Array) -> Array:
            net.getParam(name).value = value
            return loss(X)

        return at

    np.testing.assert_allclose(dzdx, numerical(loss, X, 2.0), rtol=0, atol=1e-8)
    for name in ("f", "b", "g", "o"):
        value = net.getParam(name).value
        expected = numerical(loss_with(name), value, 2.0)
        np.testing.assert_allclose(analytic[name], expected, rtol=0, atol=1e-8, err_msg=name)
        net.getParam(name).value = value
    f, b, g, o, _ = (param.value for param in net.params)
    _, moments = vlnn.vl_nnbnorm(vlnn.vl_nnconv(X, f, b, pad=1), g, o, epsilon=1e-5, nargout=2)
    np.testing.assert_allclose(analytic["m"], moments)  # the derivative of which is an average over batches


def test_conserving_memory_changes_no_number() -> None:
    ders = []
    for conserve in (True, False):
        net = residual()
        net.conserveMemory = conserve
        net.eval({"x": X, "label": LABELS}, {"objective": 1.0})
        ders.append([net.getVar("x").der, *(param.der for param in net.params), net.getLayer("loss").block.average])
    for one, other in zip(*ders, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-13)


def kept(net: DagNN) -> list[str]:
    return [var.name for var in net.vars if var.value is not None]


def test_what_conserving_memory_keeps() -> None:
    net = residual()
    net.mode = "test"
    net.eval({"x": X, "label": LABELS})
    assert kept(net) == ["objective", "top1err"]
    net.getVar("d").precious = True
    net.eval({"x": X, "label": LABELS})
    assert kept(net) == ["d", "objective", "top1err"]
    net.mode = "normal"
    net.eval({"x": X, "label": LABELS}, {"objective": 1})
    assert kept(net) == ["x", "d", "label", "top1err"]  # the objective is gone, as in MatConvNet
    assert [var.name for var in net.vars if var.der is not None] == ["x", "d"]
    net.conserveMemory = False
    net.eval({"x": X, "label": LABELS}, {"objective": 1})
    assert len(kept(net)) == len(net.vars)


def test_a_relu_forgets_its_input_only_where_it_is_alone() -> None:
    short = chain(dagnn.Sigmoid(), dagnn.ReLU())
    seen = []

    class Look(dagnn.Sigmoid):
        def forward(self, inputs: Any, params: Any) -> Any:
            seen.append([var.name for var in self.net.vars if var.value is not None])
            return super().forward(inputs, params)

    for useShortCircuit, expected in ((True, ["x", "y"]), (False, ["x", "v1", "y"])):
        net = short.copy()
        net.getLayer("layer1").block.useShortCircuit = useShortCircuit
        net.addLayer("look", Look(), "y", "z")
        net.eval({"x": random(3, 4)}, {"z": np.ones((3, 4))})
        assert seen.pop() == expected
    both = chain(dagnn.Sigmoid(), dagnn.ReLU())
    both.addLayer("other", dagnn.Sigmoid(), "v1", "z")
    both.eval({"x": random(3, 4)}, {"y": np.ones((3, 4)), "z": np.ones((3, 4))})
    assert both.getVar("x").der.shape == (3, 4)


def test_only_two_neighbouring_variables_are_kept_at_a_time() -> None:
    alive: list[int] = []

    class Count(dagnn.ElementWise):
        def forward(self, inputs: Any, params: Any) -> Any:
            alive.append(sum(var.value is not None for var in self.net.vars))
            return [inputs[0] + 1]

    net = chain(*[Count() for _ in range(6)])
    net.eval({"x": X})
    assert alive == [0] * 6  # an input is let go before its layer runs
    np.testing.assert_allclose(net.getVar("y").value, X + 6)


def test_derivatives_of_parameters_accumulate_on_request() -> None:
    net = residual()
    net.eval({"x": X, "label": LABELS}, {"objective": 1})
    once = [param.der for param in net.params]
    net.eval({"x": X, "label": LABELS}, {"objective": 1})
    for param, der in zip(net.params, once, strict=True):
        np.testing.assert_array_equal(param.der, der)
    net.accumulateParamDers = True
    net.eval({"x": X, "label": LABELS}, {"objective": 1})
    for param, der in zip(net.params, once, strict=True):
        np.testing.assert_allclose(param.der, 2 * der)


def test_each_evaluation_starts_from_its_own_derivatives() -> None:
    net = chain(dagnn.Sigmoid())
    net.addLayer("other", dagnn.Sigmoid(), "x", "z")
    net.conserveMemory = False
    x = random(3, 2)

    def derivative(**outputs: float) -> Array:
        net.eval({"x": x}, {name: factor * np.ones((3, 2)) for name, factor in outputs.items()})
        return net.getVar("x").der

    both = derivative(y=2, z=3)
    np.testing.assert_allclose(derivative(y=2) + derivative(z=3), both)


def test_averages_of_losses() -> None:
    net = residual()
    net.mode = "test"
    loss, error = net.getLayer("loss").block, net.getLayer("error").block
    net.eval({"x": X, "label": LABELS})
    first = float(net.getVar("objective").value)
    assert (loss.average, loss.numAveraged) == (pytest.approx(first), 4)
    net.eval({"x": X[..., :1], "label": LABELS[:, :1]})
    second = float(net.getVar("objective").value)
    assert (loss.average, loss.numAveraged) == (pytest.approx((4 * first + second) / 5), 5)
    assert 0 <= error.average <= 1
    loss.ignoreAverage = True
    net.eval({"x": X, "label": LABELS})
    assert loss.numAveraged == 5


def test_batch_normalisation_has_two_modes() -> None:
    net = residual()
    net.conserveMemory = False
    with pytest.warns(UserWarning, match="Layer 'bnorm' .* ran in mode 'normal', which is for training"):
        net.eval({"x": X})
    normal = net.getVar("c").value
    net.mode = "test"
    net.eval({"x": X})
    a, moments = net.getVar("a").value, net.getParam("m").value
    shape = (1, 1, 2, 1)
    expected = (a - moments[:, 0].reshape(shape)) / moments[:, 1].reshape(shape)
    expected = expected * net.getParam("g").value.reshape(shape) + net.getParam("o").value.reshape(shape)
    np.testing.assert_allclose(net.getVar("c").value, expected)
    assert np.abs(normal - expected).max() > 0.1
    with pytest.raises(MatConvNetError) as caught:
        net.copy().eval({"x": X, "label": LABELS}, {"objective": 1})
    assert str(caught.value).startswith("The MOMENTS size does not match the DATA depth.")
    assert "mode 'normal'" in str(caught.value)


def test_networks_without_moments_normalise_by_the_batch() -> None:
    net = residual()
    net.setLayerParams("bnorm", ["g", "o"])
    net.mode = "test"
    with pytest.warns(UserWarning, match="Layer 'bnorm' has no moments"):
        net.eval({"x": X})


def test_dropout_has_two_modes_and_a_generator() -> None:
    net = chain(dagnn.DropOut(rate=0.25), dagnn.ReLU())
    x = np.ones((40, 50))
    net.rng, net.conserveMemory = 3, False
    net.eval({"x": x}, {"y": x})
    first = net.getVar("v1").value
    assert set(first.ravel()) == {0.0, 1 / 0.75}
    assert (first == 0).mean() == pytest.approx(0.25, abs=0.05)
    np.testing.assert_array_equal(net.getVar("x").der, first.reshape(x.shape))
    net.rng = 3
    net.eval({"x": x}, {"y": x})
    np.testing.assert_array_equal(net.getVar("v1").value, first)
    net.eval({"x": x}, {"y": x})
    assert (net.getVar("v1").value != first).any()
    net.getLayer("layer0").block.frozen = True
    mask = net.getLayer("layer0").block.mask
    net.eval({"x": x}, {"y": x})
    assert net.getLayer("layer0").block.mask is mask
    net.mode = "test"
    net.eval({"x": x})
    np.testing.assert_array_equal(net.getVar("y").value.reshape(x.shape), x)


def test_options_of_a_block_hold_for_that_block() -> None:
    net = chain(dagnn.Pooling(opts=["NoCuDNN"]))
    vlnn.settings.cudnn = True
    net.eval({"x": random(3, 3)})
    assert vlnn.settings.cudnn is True


def test_messages_say_where_and_what_to_do() -> None:
    net = residual(np.float32)
    net.mode = "test"
    net.meta.normalization = vlnn.matlab.Struct(imageSize=np.array([[3, 3, 2]]))
    with pytest.raises(MatConvNetError) as caught:
        net.eval({"x": X})
    assert str(caught.value).startswith("DATA and FILTERS do not have compatible formats.")
    assert "In layer 'conv1' (dagnn.Conv), which reads 'x' (3x3x2x4 float64)." in str(caught.value)
    assert "x.astype('float32')" in str(caught.value)
    with pytest.raises(MatConvNetError) as caught:
        net.eval({"x": np.ones((3, 3, 5), np.float32)})
    assert str(caught.value).startswith("The FILTERS depth does not divide the DATA depth.")
    assert str(caught.value).endswith("The network was made for images of 3x3x2.")
    empty = DagNN()
    empty.addLayer("conv", dagnn.Conv(size=[1, 1, 1, 1]), "x", "y", ["f", "b"])
    with pytest.raises(MatConvNetError, match=r"The parameter 'f' has no value.*net\.initParams\(\)"):
        empty.eval({"x": X})


def test_blocks_of_ones_own() -> None:
    class Halve(dagnn.ElementWise):
        def forward(self, inputs: Any, params: Any) -> Any:
            return [inputs[0] / 2]

    net = chain(Halve(), dagnn.Sigmoid())
    with pytest.raises(NotImplementedError, match=r"Halve has no backward.*layer 'layer0'"):
        net.eval({"x": X}, {"y": X})

    class Wrong(Halve):
        def forward(self, inputs: Any, params: Any) -> Any:
            return inputs[0]

        def backward(self, inputs: Any, params: Any, derOutputs: Any) -> Any:
            return derOutputs

    with pytest.raises(MatConvNetError, match="Invalid outputs returned by layer 'layer0'"):
        chain(Wrong()).eval({"x": X})
    Wrong.forward = Halve.forward  # type: ignore[method-assign]
    with pytest.raises(MatConvNetError, match='Invalid derivatives returned by layer "layer0"'):
        chain(Wrong()).eval({"x": X}, {"y": X})


class Server:
    """A parameter server that writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def register(self, *args: Any) -> None:
        self.told.append(args)

    def start(self) -> None:
        self.told.append("start")

    def stop(self) -> None:
        self.told.append("stop")

    def pushWithIndex(self, index: int, der: Array) -> None:
        self.told.append((index, der.shape))


def test_a_parameter_server_gets_the_derivatives() -> None:
    net = residual()
    server = Server()
    net.setParameterServer(server)
    assert server.told[0] == ("f", (3, 3, 2, 2), "double", "cpu")
    assert server.told.pop() == "start"
    server.told.clear()
    net.eval({"x": X, "label": LABELS}, {"objective": 1}, "holdOn", True)
    assert server.told == []
    assert net.getParam("f").der is not None
    net.eval({"x": X, "label": LABELS}, {"objective": 1})
    assert sorted(server.told) == [(0, (3, 3, 2, 2)), (1, (2, 1)), (2, (2, 1)), (3, (2, 1)), (4, (2, 2))]
    assert all(param.der is None for param in net.params)
    net.reset()
    assert server.told[-1] == "stop"
    assert net.parameterServer is None


def test_moving() -> None:
    net = residual()
    net.move("cpu")
    assert net.device == "cpu"
    with pytest.raises(ValueError, match="'cpu' or 'gpu'"):
        net.move("GPU")
    try:
        import cupy  # noqa: F401
    except ImportError:
        with pytest.raises(MatConvNetError, match="There is no GPU support"):
            net.move("gpu")
    assert math.isfinite(net.getParam("f").value.sum())
