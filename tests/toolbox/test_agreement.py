"""Random configurations against PyTorch's ConvTranspose and ONNX Runtime's."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.toolbox.reference import MAKERS, close, cut, numbers
from vlnn import dltranspconv, transposedConv2dLayer
from vlnn.toolbox import to_onnx

EXAMPLES = settings(max_examples=60)


class Configuration(NamedTuple):
    size: tuple[int, ...]
    taps: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    crop: tuple[tuple[int, int], ...]
    channels: int
    filters: int
    groups: int
    batch: int

    def arrays(self) -> tuple[Any, Any, Any]:
        """x, weights (with a dimension for groups) and biases."""
        x = numbers(*self.size, self.channels * self.groups, self.batch)
        w = numbers(*self.taps, self.filters, self.channels, self.groups, seed=1)
        return x, w, numbers(self.filters * self.groups, seed=2)


@st.composite
def configurations(draw: Any, dims: int) -> Configuration:
    def each(low: int, high: int) -> tuple[int, ...]:
        return tuple(draw(st.lists(st.integers(low, high), min_size=dims, max_size=dims)))

    size, taps, stride, dilation = each(1, 4), each(1, 4), each(1, 4), each(1, 3)
    crop = []
    for n, k, s, d in zip(size, taps, stride, dilation, strict=True):
        rest = s * (n - 1) + d * (k - 1)  # one has to be left
        begin = draw(st.integers(0, min(rest, 3)))
        crop.append((begin, draw(st.integers(0, min(rest - begin, 3)))))
    channels, filters, groups, batch = (draw(st.integers(1, 3)) for _ in range(4))
    return Configuration(size, taps, stride, dilation, tuple(crop), channels, filters, groups, batch)


def planes(array: Any, dims: int) -> Any:
    """(spatial..., C, N) as (N, C, spatial...)."""
    return np.ascontiguousarray(array.transpose(dims + 1, dims, *range(dims)))


def native(array: Any, dims: int) -> Any:
    return array.transpose(*range(2, dims + 2), 1, 0)


@pytest.mark.parametrize("dims", [1, 2, 3])
@EXAMPLES
@given(data=st.data())
def test_torch(dims: int, data: Any) -> None:
    """dltranspconv with everything, and the derivatives of the layer, are PyTorch's."""
    torch = pytest.importorskip("torch")
    case = data.draw(configurations(dims))
    x, w, b = case.arrays()
    deep = np.concatenate([planes(w[..., g], dims) for g in range(case.groups)])  # groups one after the other
    tensors = [torch.from_numpy(array).requires_grad_() for array in (planes(x, dims), deep, b)]
    function = getattr(torch.nn.functional, f"conv_transpose{dims}d")

    def theirs(dilation: tuple[int, ...]) -> Any:
        return function(*tensors, stride=case.stride, groups=case.groups, dilation=dilation)

    matrix = list(zip(*case.crop, strict=True))
    letters = "S" * dims + "CB"
    y = dltranspconv(x, w, b, Stride=case.stride, DilationFactor=case.dilation, Cropping=matrix, DataFormat=letters)
    close(y, cut(native(theirs(case.dilation).detach().numpy(), dims), case.crop))
    if case.groups > 1:
        return
    layer = MAKERS[dims](case.taps, case.filters, "Stride", case.stride, "Weights", w[..., 0], "Bias", b)
    whole = theirs((1,) * dims)
    if all(side - begin - end > 0 for side, (begin, end) in zip(whole.shape[2:], case.crop, strict=True)):
        layer.Cropping = matrix if dims == 3 else np.ravel(case.crop)
        whole = whole[
            (..., *(slice(begin, side - end) for side, (begin, end) in zip(whole.shape[2:], case.crop, strict=True)))
        ]
    close(layer.predict(x), native(whole.detach().numpy(), dims))
    dzdy = numbers(*layer.predict(x).shape, seed=3)
    whole.backward(torch.from_numpy(planes(dzdy, dims)))
    dzdx, dzdw, dzdb = layer.backward(x, dzdy)
    close(dzdx, native(tensors[0].grad.numpy(), dims))
    close(dzdw, native(tensors[1].grad.numpy(), dims))
    close(dzdb.ravel(), tensors[2].grad.numpy())


def run_onnx(x: Any, weights: dict[str, Any], attributes: dict[str, Any]) -> Any:
    onnx, runtime = pytest.importorskip("onnx"), pytest.importorskip("onnxruntime")
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        [helper.make_node("ConvTranspose", ["x", "W", "B"], ["y"], **attributes)],
        "one",
        [helper.make_tensor_value_info("x", kind, x.shape)],
        [helper.make_tensor_value_info("y", kind, None)],
        [onnx.numpy_helper.from_array(values, name) for name, values in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    session = runtime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0]


def single_layer(case: Configuration, **options: Any) -> tuple[Any, Any]:
    """A layer in single over as many dimensions, and its input."""
    x, w, b = (array.astype(np.float32) for array in case.arrays())
    layer = MAKERS[len(case.taps)](case.taps, case.filters, "Stride", case.stride, **options)
    layer.Weights, layer.Bias = w[..., 0], b[: case.filters]
    return layer, x[..., : case.channels, :]


@pytest.mark.parametrize("dims", [1, 2, 3])
@EXAMPLES
@given(data=st.data())
def test_onnxruntime(dims: int, data: Any) -> None:
    """What to_onnx exports computes the same, 'same' with filters shorter than the stride included."""
    case = data.draw(configurations(dims))
    layer, x = single_layer(case)
    lengths = [s * (n - 1) + k for s, n, k in zip(case.stride, case.size, case.taps, strict=True)]
    if data.draw(st.booleans()):
        layer.Cropping = "same"
    elif all(length > begin + end for length, (begin, end) in zip(lengths, case.crop, strict=True)):
        layer.Cropping = list(zip(*case.crop, strict=True)) if dims == 3 else np.ravel(case.crop)
    weights, attributes, rest = to_onnx(layer)
    close(layer.predict(x), cut(native(run_onnx(planes(x, dims), weights, attributes), dims), rest), 1e-5)


@EXAMPLES
@given(case=configurations(2))
def test_onnxruntime_same_upper(case: Configuration) -> None:
    """'same' is auto_pad SAME_UPPER where filters are not shorter than the stride.

    There ONNX Runtime appends nothing, so that its output is smaller than ONNX's specification says.
    """
    case = case._replace(taps=tuple(max(k, s) for k, s in zip(case.taps, case.stride, strict=True)))
    layer, x = single_layer(case, Cropping="same")
    attributes = {"strides": list(case.stride), "auto_pad": "SAME_UPPER"}
    y = native(run_onnx(planes(x, 2), to_onnx(layer).weights, attributes), 2)
    close(layer.predict(x), y, 1e-5)


def test_a_layer_of_a_network() -> None:
    """A size of U-Net's decoder, in single."""
    torch = pytest.importorskip("torch")
    layer = transposedConv2dLayer(2, 64, "Stride", 2).initialize([28, 28, 128], rng=0)
    x = numbers(28, 28, 128, 2).astype(np.float32)
    weight = torch.from_numpy(planes(layer.Weights, 2))
    y = torch.nn.functional.conv_transpose2d(torch.from_numpy(planes(x, 2)), weight, stride=2).numpy()
    close(layer.predict(x), native(y, 2), 1e-5)
