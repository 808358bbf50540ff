"""vl_simplenn: outputs, derivatives, and what each of its options changes."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import numpy as np
import pytest

import vlnn
from tests.derivatives import numerical
from tests.simplenn.nets import LAYERS, Example, array, conv, deep, example
from vlnn.simplenn import SimpleNN

TEST = {"mode": "test"}
NORMAL = {"mode": "normal"}


def objective(net: Any, x: Any, dzdy: Any, **options: Any) -> Any:
    return np.sum(vlnn.vl_simplenn(net, x, **{**NORMAL, **options})[-1].x * dzdy)


@pytest.mark.parametrize("name", LAYERS)
def test_derivatives_in_the_input(name: str) -> None:
    net, x, dzdy = example(name)
    res = vlnn.vl_simplenn(net, x, dzdy)
    expected = numerical(lambda near: vlnn.vl_simplenn(net, near, **NORMAL)[-1].x, x, dzdy)
    np.testing.assert_allclose(res[0].dzdx, expected, rtol=1e-5, atol=1e-7)
    assert res[0].dzdx.shape == x.shape


@pytest.mark.parametrize("name", ["conv", "conv groups", "convt", "bnorm", "several"])
def test_derivatives_in_the_weights(name: str) -> None:
    net, x, dzdy = example(name)
    res = vlnn.vl_simplenn(net, x, dzdy)
    checked = 0
    for i, layer in enumerate(net.layers):
        for j, weight in enumerate(layer.weights[:2]):

            def of_weight(near: Any, i: int = i, j: int = j) -> Any:
                other = SimpleNN([each.copy() for each in net.layers])
                other.layers[i].weights = [near if k == j else w for k, w in enumerate(net.layers[i].weights)]
                return vlnn.vl_simplenn(other, x, **NORMAL)[-1].x

            expected = numerical(of_weight, weight, dzdy)
            np.testing.assert_allclose(res[i].dzdw[j], expected, rtol=1e-5, atol=1e-7)
            checked += 1
    assert checked


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_outputs_are_those_of_the_blocks(dtype: type) -> None:
    net, x, _ = deep(dtype)
    first, norm, leaky, pool, last, loss = net.layers
    res = vlnn.vl_simplenn(net, x, **TEST)
    y1 = vlnn.vl_nnconv(x, *first.weights, pad=1)
    y2 = vlnn.vl_nnbnorm(y1, *norm.weights[:2], moments=norm.weights[2])
    y3 = vlnn.vl_nnrelu(y2, leak=leaky.leak)
    y4 = vlnn.vl_nnpool(y3, pool.pool, stride=2, method="avg")
    y5 = vlnn.vl_nnconv(y4, *last.weights)
    y6 = vlnn.vl_nnsoftmaxloss(y5, loss["class"])
    assert len(res) == 7
    for result, expected in zip(res, (x, y1, y2, y3, y4, y5, y6), strict=True):
        np.testing.assert_array_equal(result.x, expected)
        assert result.x.dtype == dtype


def test_normal_mode_takes_the_moments_of_the_batch() -> None:
    net, x, dzdy = example("bnorm")
    y, moments = vlnn.vl_nnbnorm(x, *net.layers[0].weights[:2], epsilon=1e-5, nargout=2)
    res = vlnn.vl_simplenn(net, x, dzdy)
    np.testing.assert_array_equal(res[1].x, y)
    np.testing.assert_array_equal(res[0].dzdw[2], moments)


def test_results_have_all_fields() -> None:
    net, x, _ = example("relu")
    for result in vlnn.vl_simplenn(net, x):
        assert list(result) == ["x", "dzdx", "dzdw", "aux", "stats", "time", "backwardTime"]
        assert result.dzdx is None


def test_times_are_taken() -> None:
    net, x, dzdy = deep()
    res = vlnn.vl_simplenn(net, x, dzdy)
    assert all(result.time > 0 and result.backwardTime > 0 for result in res[:-1])


def test_arguments_stay_as_they_are() -> None:
    net, x, dzdy = deep()
    res = vlnn.vl_simplenn(net, x, dzdy)
    before = copy.deepcopy((dict(net), x, res))
    vlnn.vl_simplenn(net, x, dzdy, res, accumulate=True, conserveMemory=True)
    after = (dict(net), x, res)
    np.testing.assert_equal(after, before)


def test_layers_may_be_dicts() -> None:
    net, x, _ = deep()
    plain = {"layers": [dict(layer) for layer in net.layers]}
    np.testing.assert_array_equal(vlnn.vl_simplenn(plain, x, **TEST)[-1].x, vlnn.vl_simplenn(net, x, **TEST)[-1].x)


def test_dropout() -> None:
    net = {"layers": [{"type": "dropout", "rate": 0.3, "weights": []}]}
    x = np.ones((20, 20, 2, 2))
    res = vlnn.vl_simplenn(net, x, 2 * x, rng=5)
    assert sorted(set(res[1].x.ravel())) == pytest.approx([0, 1 / 0.7])
    np.testing.assert_array_equal(res[0].dzdx, 2 * res[1].aux)
    again = vlnn.vl_simplenn(net, x, mode="normal", rng=np.random.default_rng(5))
    np.testing.assert_array_equal(again[1].x, res[1].x)
    res = vlnn.vl_simplenn(net, x, 2 * x, **TEST)
    np.testing.assert_array_equal(res[1].x, x)
    np.testing.assert_array_equal(res[0].dzdx, 2 * x)


def test_two_dropouts_differ() -> None:
    layer = {"type": "dropout", "rate": 0.5}
    res = vlnn.vl_simplenn({"layers": [layer, layer]}, np.ones((9, 9)), mode="normal", rng=0)
    assert (res[1].aux != res[2].aux).any()


@pytest.mark.parametrize("mode", ["normal", "test"])
@pytest.mark.parametrize("depth", [1, 2.5, 4, 6, np.inf])
def test_back_propagation_goes_as_deep_as_asked(mode: str, depth: float) -> None:
    net, x, dzdy = deep()
    whole = vlnn.vl_simplenn(net, x, dzdy, mode=mode)
    res = vlnn.vl_simplenn(net, x, dzdy, [], "mode", mode, "backPropDepth", depth)
    first = max(6 - int(min(depth, 6)), 0)
    assert [i for i, result in enumerate(res) if result.dzdx is not None] == list(range(first, 7))
    np.testing.assert_array_equal(res[first].dzdx, whole[first].dzdx)


def present(res: list[Any], field: str) -> list[int]:
    return [i for i, result in enumerate(res) if result[field] is not None]


def test_memory_is_conserved_forward() -> None:
    net, x, _ = deep()
    net.layers[1].precious = True
    res = vlnn.vl_simplenn(net, x, conserveMemory=True, **TEST)
    assert present(res, "x") == [2, 6]
    np.testing.assert_array_equal(res[6].x, vlnn.vl_simplenn(net, x, **TEST)[6].x)


def test_outputs_of_losses_are_kept() -> None:
    net, x, _ = deep()
    net.layers += [{"type": "sigmoid"}, {"type": "sigmoid"}]
    assert present(vlnn.vl_simplenn(net, x, conserveMemory=True, **TEST), "x") == [6, 8]


def test_memory_is_conserved_backward() -> None:
    net, x, dzdy = deep()
    net.layers[2].precious = True
    res = vlnn.vl_simplenn(net, x, dzdy, conserveMemory=True)
    assert present(res, "x") == present(res, "dzdx") == [0, 3, 6]
    assert present(res, "dzdw") == [0, 1, 4]
    whole = vlnn.vl_simplenn(net, x, dzdy)
    np.testing.assert_array_equal(res[0].dzdx, whole[0].dzdx)
    res = vlnn.vl_simplenn(net, x, dzdy, conserveMemory=True, backPropDepth=3)
    assert present(res, "dzdx") == [6]
    np.testing.assert_equal(res[4].dzdw, whole[4].dzdw)


def test_accumulate_adds_to_earlier_derivatives() -> None:
    net, x, dzdy = deep()
    once = vlnn.vl_simplenn(net, x, dzdy)
    twice = vlnn.vl_simplenn(net, x, dzdy, once, accumulate=True)
    first = vlnn.vl_simplenn(net, x, dzdy, accumulate=True)
    for i in (0, 1, 4):
        for one, two, begun in zip(once[i].dzdw, twice[i].dzdw, first[i].dzdw, strict=True):
            np.testing.assert_allclose(two, 2 * one)
            np.testing.assert_array_equal(begun, one)
    replaced = vlnn.vl_simplenn(net, x, dzdy, once)
    np.testing.assert_equal(replaced[0].dzdw, once[0].dzdw)


def test_sub_batches_add_up() -> None:
    """Without bnorm two halves give the derivatives of the whole."""
    net = vlnn.vl_simplenn_tidy({"layers": [conv(3, 3, 2, 4), {"type": "relu"}]})
    x, dzdy = array(6, 5, 2, 4), array(4, 3, 4, 4, seed=1)
    whole = vlnn.vl_simplenn(net, x, dzdy)
    res = vlnn.vl_simplenn(net, x[..., :2], dzdy[..., :2])
    res = vlnn.vl_simplenn(net, x[..., 2:], dzdy[..., 2:], res, "accumulate", True, "conserveMemory", True)
    for half, full in zip(res[0].dzdw, whole[0].dzdw, strict=True):
        np.testing.assert_allclose(half, full)


def test_skip_forward_takes_given_outputs() -> None:
    net, x, dzdy = deep()
    res = vlnn.vl_simplenn(net, x, dzdy)
    forward = vlnn.vl_simplenn(net, x, **NORMAL)
    skipped = vlnn.vl_simplenn(net, None, dzdy, forward, skipForward=True)
    np.testing.assert_array_equal(skipped[0].dzdx, res[0].dzdx)


class Server:
    def __init__(self) -> None:
        self.registered: list[Any] = []
        self.pushed: dict[str, Any] = {}
        self.started = False

    def register(self, *derivative: Any) -> None:
        self.registered.append(derivative)

    def start(self) -> None:
        self.started = True

    def push(self, name: str, value: Any) -> None:
        self.pushed[name] = value


def test_derivatives_go_to_a_parameter_server() -> None:
    net, x, dzdy = deep(np.float32)
    server = Server()
    assert vlnn.vl_simplenn_start_parserv(net, server) is net
    assert server.started
    assert server.registered[0] == ("l1_1", (3, 3, 2, 4), "single", "cpu")
    plain = vlnn.vl_simplenn(net, x, dzdy)
    res = vlnn.vl_simplenn(net, x, dzdy, parameterServer=server)
    assert list(server.pushed) == ["l5_1", "l5_2", "l2_1", "l2_2", "l2_3", "l1_1", "l1_2"]
    assert {name for name, *_ in server.registered} == set(server.pushed)
    np.testing.assert_array_equal(server.pushed["l1_1"], plain[0].dzdw[0])
    assert res[0].dzdw == [None, None]
    server.pushed.clear()
    held = vlnn.vl_simplenn(net, x, dzdy, parameterServer=server, holdOn=True)
    assert not server.pushed
    np.testing.assert_equal(held[0].dzdw, plain[0].dzdw)


def test_forgotten_input_of_relu() -> None:
    """Its output has the same signs."""
    net, x, dzdy = example("relu leak")
    res = vlnn.vl_simplenn(net, x, dzdy)
    without = [result.copy() for result in res]
    without[0].x = None
    again = vlnn.vl_simplenn(net, None, dzdy, without, skipForward=True)
    np.testing.assert_array_equal(again[0].dzdx, res[0].dzdx)


def test_no_layers() -> None:
    x = array(2, 2)
    (only,) = vlnn.vl_simplenn({"layers": []}, x)
    assert only.x is x
    (only,) = vlnn.vl_simplenn({"layers": []}, x, x)
    assert only.dzdx is x


def test_sticky_choices_of_a_layer_end_with_it() -> None:
    net, x, dzdy = deep(np.float32)
    net.layers[0].opts = ["CudnnWorkspaceLimit", 1000, "NoCuDNN"]
    vlnn.settings.cudnn_workspace_limit = 77.0
    vlnn.vl_simplenn(net, x, dzdy, cudnn=False)
    assert vlnn.settings.cudnn
    assert vlnn.settings.cudnn_workspace_limit == 77


@pytest.mark.parametrize("opts", [["cuDNN"], "cuDNN", [], None, np.zeros((0, 0)), ("NoCuDNN",)])
def test_forms_of_opts(opts: Any) -> None:
    net, x, _ = example("conv")
    net.layers[0].opts = opts
    assert vlnn.vl_simplenn(net, x)[1].x.shape == (2, 5, 4, 2)


def test_calls_in_all_their_forms() -> None:
    net, x, _ = deep()
    expected = vlnn.vl_simplenn(net, x, None, None, "mode", "test")[-1].x
    for res in (
        vlnn.vl_simplenn(net, x, [], [], "MODE", "Test"),
        vlnn.vl_simplenn(net, x, [], [], {"mode": "test"}),
        vlnn.vl_simplenn(net, x, "mode", "test", "conserveMemory", True),
        vlnn.vl_simplenn(net, x, [], "mode", "test"),
        vlnn.vl_simplenn(net=net, x=x, Mode="test"),
        vlnn.vl_simplenn(net, x, mode="test", nargout=1),
    ):
        np.testing.assert_array_equal(res[-1].x, expected)
    assert vlnn.vl_simplenn(net, x, mode="test", nargout=0) is None


def test_results_of_one_layer_less_are_extended() -> None:
    net, x, _ = deep()
    given = vlnn.vl_simplenn(net, x, **TEST)[:3]
    assert len(vlnn.vl_simplenn(net, x, [], given, **TEST)) == 7


@pytest.mark.parametrize(("name", "words"), [("several", "moments of this batch"), ("dropout", "dropout is active")])
def test_inference_in_normal_mode_is_warned_of(name: str, words: str) -> None:
    dropout = Example(SimpleNN([{"type": "dropout", "rate": 0.5}]), np.ones((3, 3)), 1.0)
    net, x, dzdy = dropout if name == "dropout" else deep()
    with pytest.warns(UserWarning, match=words) as caught:
        vlnn.vl_simplenn(net, x)
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        vlnn.vl_simplenn(net, x, mode="normal")
        vlnn.vl_simplenn(net, x, mode="test")
        vlnn.vl_simplenn(net, x, np.ones_like(x) if name == "dropout" else dzdy)
