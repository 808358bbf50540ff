"""Networks to convert to formats that hold graphs, with inputs, and what vlnn computes from them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests import geometries
from tests.convert import networks
from tests.dagnn.nets import random
from vlnn import dagnn
from vlnn.convert import Checkpoint
from vlnn.convert.lowering import lower
from vlnn.dagnn import DagNN
from vlnn.simplenn import SimpleNN

Array = Any
Values = Mapping[str, Array]
Run = Callable[[Checkpoint, Values, list[str]], Values]  # of a format: the values of variables

TOLERANCE = 1e-5  # of the largest magnitude in an array


def single(*size: int, seed: int = 0) -> Array:
    return random(*size, seed=seed, dtype=np.float32)


def trained(path: Path) -> Case:
    """A network that others have trained, on random images of a size that it takes."""
    net = networks.load(path)
    height, width = (45, 48) if isinstance(net, SimpleNN) else (16, 19)
    program = lower(Checkpoint.of(net))
    sizes = {name: (height, width, program.channels[name] or 1, 2) for name in program.inputs}
    return Case(net, {name: single(*size, seed=at) for at, (name, size) in enumerate(sizes.items())})


@dataclass(frozen=True)
class Case:
    """A network and its inputs."""

    net: Any
    inputs: dict[str, Array] = field(default_factory=lambda: {"x": single(9, 8, 6, 2, seed=1)})

    def agrees(self, run: Run) -> None:
        """Fail unless a format computes what vlnn does, in every variable."""
        checkpoint = Checkpoint.of(self.net)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*(moments|for a loss)")
            names = [operation.output for operation in lower(checkpoint).operations]
            wanted = self.net.predict(self.inputs, names)
        got = run(checkpoint, self.inputs, names)
        assert set(got) == set(names)
        for name in names:
            want = wanted[name].reshape((*wanted[name].shape, 1, 1, 1, 1)[:4])
            assert got[name].shape == want.shape, name
            assert got[name].dtype == np.float32, name
            scale = float(np.abs(want).max(initial=0)) or 1.0
            np.testing.assert_allclose(got[name] / scale, want / scale, rtol=0, atol=TOLERANCE, err_msg=name)


def chain(*layers: dict[str, Any], size: tuple[int, ...] = (9, 8, 6, 2), **meta: Any) -> Case:
    """Layers one after the other."""
    return Case(SimpleNN(layers, {"inputSize": [*size[:3]], **meta}), {"input": single(*size, seed=1)})


def graph(block: Any, inputs: Mapping[str, Array] | None = None, params: Mapping[str, Array] | None = None) -> Case:
    """One block."""
    given = dict(inputs or {"x": single(9, 8, 6, 2, seed=1)})
    net = DagNN()
    net.addLayer("layer", block, list(given), "y", list(params or {}))
    for name, value in (params or {}).items():
        net.getParam(name).value = value
    return Case(net, given)


def moments(channels: int) -> Array:
    return np.abs(single(channels, 2, seed=5)) + np.float32(0.1)


def conv(size: tuple[int, int, int, int], **options: Any) -> dict[str, Any]:
    filters, biases = single(*size, seed=2), single(1, size[3], seed=3)
    return {"type": "conv", "name": "conv", "weights": [filters, biases], **options}


REGIONS = np.array(
    [[1, 1, 1, 4, 5], [2, 3, 2, 8, 9], [9, -2, -3, 2, 2], [1, 20, 20, 30, 30], [2, 1, 1, 8, 9], [1, 5, 5, 4, 4]],
    np.float32,
).T

CASES = {
    "conv": chain(conv((3, 2, 6, 4))),
    "conv without filters": chain(
        {"type": "conv", "weights": [[], single(6, 1)], "pad": [1, 0, 2, 1], "stride": [2, 3]}
    ),
    "conv that does nothing": chain({"type": "conv", "weights": [[], []]}),
    "conv without biases": chain({"type": "conv", "weights": [single(2, 2, 6, 3), []]}),
    "fully connected": chain(conv((9, 8, 6, 5))),
    "grouped": chain(conv((3, 3, 2, 9), pad=1)),
    "convt cropped to nothing of its filters": chain(
        {"type": "convt", "weights": [single(2, 2, 4, 6), []], "crop": [3, 2, 0, 5], "upsample": 2}
    ),
    "pool": chain({"type": "pool", "pool": [3, 2], "method": "avg", "pad": [2, 1, 0, 1], "stride": [2, 1]}),
    "relu": chain({"type": "relu"}),
    "leaky relu": chain({"type": "relu", "leak": 0.2}),
    "sigmoid": chain({"type": "sigmoid"}),
    "softmax": chain({"type": "softmax"}),
    "dropout": chain({"type": "dropout", "rate": 0.3}),
    "lrn": chain({"type": "lrn", "param": [5, 1, 0.2, 0.75]}),
    "lrn, even": chain({"type": "normalize", "param": [4, 2, 0.1, 0.5]}),
    "lrn, even, of all channels": chain({"type": "normalize", "param": [40, 2, 0.1, 0.5]}),
    "lrn of all channels": chain({"type": "normalize", "param": [np.inf, 2, 0.1, 0.5]}),
    "noffset": chain({"type": "noffset", "param": [0.7, 0.5]}),
    "spnorm": chain({"type": "spnorm", "param": [3, 2, 0.5, 0.75]}),
    "bnorm": chain({"type": "bnorm", "weights": [single(6, 1), single(6, 1, seed=2), moments(6)]}),
    "bnorm without moments": chain({"type": "bnorm", "weights": [single(6, 1), single(6, 1, seed=2)]}),
    "bnorm of tiny numbers": chain(
        {"type": "bnorm", "weights": [single(6, 1) * np.float32(1e-25), single(6, 1), moments(6) * np.float32(1e-25)]}
    ),
    "softmax loss": chain(conv((1, 1, 6, 3)), {"type": "softmaxloss", "class": []}),
    "layers of one name": chain({"type": "relu", "name": "a"}, {"type": "sigmoid", "name": "b"}),
    "odd names": chain({"type": "relu", "name": "type"}, {"type": "sigmoid", "name": "a.b/c \u00fc"}),
    "pixel shuffle": chain(conv((3, 3, 6, 8), pad=1), {"type": "SubP", "scale": 2}),
    "pixel unshuffle": chain({"type": "SubP", "scale": 1 / 3}, size=(9, 6, 2, 2)),
    "tanh": graph(dagnn.Tanh()),
    "axpy": graph(dagnn.Axpy(), {"a": single(1, 1, 2, 2), "x": single(3, 4, 2, 2), "z": single(3, 4, 2, 2, seed=1)}),
    "global average": graph(dagnn.GlobalPooling()),
    "global maximum": graph(dagnn.GlobalPooling(method="max")),
    **{f"flatten, {axis}": graph(dagnn.Flatten(axis=axis)) for axis in (1, 2, 3)},
    "reshape": graph(dagnn.Reshape(shape=[4, -1, 9])),
    "reshape, keeping": graph(dagnn.Reshape(shape=[0, 16, 3])),
    "reshape by two numbers": graph(dagnn.Reshape(shape=[3, 2])),
    "permute": graph(dagnn.Permute(order=[2, 3, 1, 4])),
    "permute images": graph(dagnn.Permute(order=[4, 1, 2, 3])),
    "noise appended": Case(
        SimpleNN([{"type": "SubP", "scale": 0.5}, {"type": "concat"}, conv((3, 3, 5, 4))], {"inputSize": [8, 6, 1]}),
        {"input": single(8, 6, 1, 2), "sigmas": np.array([[0.3]], np.float32)},
    ),
    "sum": graph(dagnn.Sum(), {"a": single(3, 4, 2, 2), "b": single(3, 4, 2, 2, seed=1), "c": single(1, 1, 2, 2)}),
    **{
        f"concat, {dim}": graph(dagnn.Concat(dim=dim), {"a": single(3, 4, 2, 2), "b": single(3, 4, 2, 2, seed=1)})
        for dim in (1, 2, 3, 4)
    },
    "scale by parameters": graph(dagnn.Scale(), params={"g": single(1, 1, 6), "b": single(1, 8, 1)}),
    "scale by an input": graph(
        dagnn.Scale(hasBias=False), {"x": single(9, 8, 6, 2, seed=1), "g": single(1, 1, 6, 2, seed=3)}
    ),
    "scale by an input and a parameter": graph(
        dagnn.Scale(), {"x": single(9, 8, 6, 2, seed=1), "g": single(1, 1, 6, 2, seed=3)}, {"b": single(1, 1, 6)}
    ),
    "crop": graph(dagnn.Crop(crop=[2, 1]), {"x": single(9, 8, 6, 2, seed=1), "like": single(4, 5, 1, 1)}),
    "crop of less": graph(dagnn.Crop(crop=[3, 9]), {"x": single(9, 8, 6, 2, seed=1), "like": single(8, 5, 1, 1)}),
    "affine grid": graph(dagnn.AffineGridGenerator(Ho=5, Wo=4), {"t": single(1, 1, 6, 3)}),
    "affine grid of one pixel": graph(dagnn.AffineGridGenerator(Ho=1, Wo=1), {"t": single(1, 1, 6, 3)}),
    "scaling grid": graph(dagnn.UniformScalingGridGenerator(Ho=3, Wo=6), {"t": single(1, 1, 3, 2)}),
    "sampler": graph(
        dagnn.BilinearSampler(), {"x": single(9, 8, 3, 2, seed=1), "grid": 0.8 * single(2, 5, 6, 2, seed=2)}
    ),
    "sampler with several grids": graph(
        dagnn.BilinearSampler(), {"x": single(9, 8, 3, 2, seed=1), "grid": 0.8 * single(2, 5, 6, 6, seed=2)}
    ),
    "sampler of one row": graph(
        dagnn.BilinearSampler(), {"x": single(1, 8, 3, 2, seed=1), "grid": 0.8 * single(2, 5, 6, 2, seed=2)}
    ),
    "regions": graph(dagnn.ROIPooling(subdivisions=[3, 2]), {"x": single(9, 8, 4, 2, seed=1), "rois": REGIONS}),
    "regions in a row": graph(
        dagnn.ROIPooling(subdivisions=[3, 2], flatten=True, transform=0.5),
        {"x": single(9, 8, 4, 2, seed=1), "rois": REGIONS.reshape(1, 1, 5, 6)},
    ),
    "regions moved": graph(
        dagnn.ROIPooling(subdivisions=[2, 2], transform=[0.5, 0.1, 0.2, 0.7, 0.3, -1]),
        {"x": single(9, 8, 4, 2, seed=1), "rois": REGIONS},
    ),
}


def distance(inputs: int, **options: Any) -> Case:
    """A distance that other layers read, so that it is no loss."""
    sizes = [(4, 5, 3, 2), (4, 5, 3, 2), (4, 5, 1, 2)][:inputs]
    given = {name: single(*size, seed=at) for at, (name, size) in enumerate(zip("abw", sizes, strict=False))}
    case = graph(dagnn.PDist(**options), given)
    case.net.addLayer("relu", dagnn.ReLU(), "y", "z")
    return case


CASES |= {
    "distance": distance(2, aggregate=False),
    "distance, aggregated and weighted": distance(3, p=3, aggregate=True),
    "distance, absolute": distance(2, p=1, aggregate=False),
    "distance without a root": distance(2, noRoot=True, aggregate=False),
}

FLOAT32 = st.just(np.float32)


@st.composite
def convolutions(draw: st.DrawFn) -> Case:
    """A convolution with any options."""
    call = draw(geometries.small_convs(FLOAT32))
    x, f, b, _ = call.arrays()
    return _of_call(call, {"type": "conv", "weights": [f, draw(st.sampled_from([b, []]))], **call.options}, x)


@st.composite
def transposed_convolutions(draw: st.DrawFn) -> Case:
    """A transposed convolution with any options."""
    call = draw(geometries.small_convts(FLOAT32))
    x, f, b, _ = call.arrays()
    options = {"numGroups": call.groups, **{name: call.options[name] for name in ("upsample", "crop")}}
    return _of_call(call, {"type": "convt", "weights": [f, draw(st.sampled_from([b, []]))], **options}, x)


@st.composite
def poolings(draw: st.DrawFn) -> Case:
    """Pooling with any options."""
    window = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    pad = [draw(st.integers(0, window[side // 2] - 1)) for side in range(4)]
    stride = [draw(st.integers(1, 4)), draw(st.integers(1, 4))]
    size = [draw(st.integers(max(1, window[side] - pad[2 * side] - pad[2 * side + 1]), 9)) for side in range(2)]
    method = draw(st.sampled_from(["max", "avg"]))
    layer = {"type": "pool", "pool": list(window), "pad": pad, "stride": stride, "method": method}
    return chain(layer, size=(*size, draw(st.integers(1, 3)), draw(st.integers(1, 2))))


@st.composite
def channel_normalisations(draw: st.DrawFn) -> Case:
    """Normalisation across channels with any window."""
    param = [draw(st.integers(1, 9)), 1.5, draw(st.floats(0.01, 2)), draw(st.floats(0.25, 2))]
    return chain({"type": "lrn", "param": param}, size=(3, 2, draw(st.integers(1, 7)), 2))


def _of_call(call: Any, layer: dict[str, Any], x: Array) -> Case:
    return Case(SimpleNN([layer], {"inputSize": np.array([call.x[:3]])}), {"input": x})
