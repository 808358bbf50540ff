"""ONNX models as files: what is in them, for other programs and for the way back; damaged ones."""

from __future__ import annotations

import random
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.convert import networks
from tests.convert.cases import chain, conv, graph, moments, single
from tests.convert.structure import assert_same_arrays, assert_same_network
from tests.dagnn.nets import residual
from vlnn import dagnn
from vlnn.convert import Checkpoint, formats, half
from vlnn.convert import onnx as onnx_format
from vlnn.convert.onnx import writing
from vlnn.errors import ConversionError, MatConvNetError
from vlnn.simplenn import SimpleNN

onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install 'vlnn[onnx]'")
onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: pip install 'vlnn[onnx]'")


def write(net: Any, folder: Path) -> Path:
    path = folder / "net.onnx"
    onnx_format.write(net if isinstance(net, Checkpoint) else Checkpoint.of(net), path)
    return path


def session(path: Path) -> Any:
    """ONNX Runtime as anybody uses it, which would print what it does not like."""
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


NETWORKS = {
    **networks.small(),
    "double": residual(np.float64),
    "single": residual(np.float32),
    "images in meta": SimpleNN([conv((3, 3, 6, 4))], {"averageImage": single(9, 8, 6), "ids": np.arange(99)[None]}),
    "no weights": SimpleNN([{"type": "relu"}]),
    "row of biases": SimpleNN([{"type": "conv", "weights": [single(1, 1, 6, 3), single(3, 1)]}]),
    "bnorm out of range": SimpleNN([{"type": "bnorm", "weights": [single(6, 1), single(1, 6), -moments(6)]}]),
    "names": SimpleNN([conv((3, 3, 6, 4)), conv((3, 3, 4, 4)), {"type": "relu", "name": "conv.weights.0"}]),
}


@pytest.mark.parametrize("net", NETWORKS.values(), ids=NETWORKS)
def test_networks_come_back_bit_for_bit(net: Any, tmp_path: Path) -> None:
    assert_same_network(onnx_format.read(write(net, tmp_path)).network(), net)


@pytest.mark.parametrize("path", networks.files())
def test_trained_networks_come_back_bit_for_bit(path: Path, tmp_path: Path) -> None:
    net = networks.load(path)
    source, back = Checkpoint.of(net), onnx_format.read(write(net, tmp_path))
    assert back.description == source.description
    assert list(back.arrays) == list(source.arrays)
    assert_same_arrays(back.arrays, source.arrays)
    assert all(got.flags.f_contiguous for got in back.arrays.values())


def test_a_model_says_what_it_takes_and_gives(tmp_path: Path) -> None:
    net = SimpleNN([conv((3, 2, 6, 4)), {"type": "softmaxloss", "name": "loss"}])
    runtime = session(write(net, tmp_path))
    (given,), (result,) = runtime.get_inputs(), runtime.get_outputs()
    assert (given.name, given.shape, given.type) == ("input", ["N", 6, "input_H", "input_W"], "tensor(float)")
    assert (result.name, result.shape[:2]) == ("prob", ["N", 4])
    assert dict(runtime.get_modelmeta().custom_metadata_map)["vlnn"] == Checkpoint.of(net).description


def test_images_may_be_of_any_size_and_number(tmp_path: Path) -> None:
    layers = [conv((3, 3, 6, 4), pad=1), {"type": "pool", "pool": 3, "stride": 2, "pad": [0, 1, 0, 1], "method": "avg"}]
    net = chain(*layers).net
    runtime = session(write(net, tmp_path))
    for size in ((9, 8, 6, 2), (14, 31, 6, 1), (3, 3, 6, 5)):
        x = single(*size)
        (y,) = runtime.run(None, {"input": np.ascontiguousarray(x.transpose(3, 2, 0, 1))})
        np.testing.assert_allclose(y.transpose(2, 3, 1, 0), net.predict(x), rtol=0, atol=1e-5)


def test_inputs_have_numbers_of_images_of_their_own(tmp_path: Path) -> None:
    net = graph(dagnn.Sum(), {"a/b": single(3, 4, 2, 2), "c\n": single(1, 1, 2, 1)}).net
    given = {one.name: one.shape for one in session(write(net, tmp_path)).get_inputs()}
    assert given == {"a/b": ["a/b_N", "a/b_C", "a/b_H", "a/b_W"], "c_": ["c__N", "c__C", "c__H", "c__W"]}


def test_height_stays_height(tmp_path: Path) -> None:
    model = onnx.load(write(chain(conv((3, 2, 6, 4), pad=[1, 0, 2, 3], stride=[2, 1])).net, tmp_path))
    (node,) = model.graph.node
    attributes = {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}
    assert attributes["kernel_shape"] == [3, 2]
    assert attributes["pads"] == [1, 2, 0, 3]
    assert attributes["strides"] == [2, 1]
    filters = onnx.numpy_helper.to_array(model.graph.initializer[0])
    np.testing.assert_array_equal(filters, single(3, 2, 6, 4, seed=2).transpose(3, 2, 0, 1))
    assert model.opset_import[0].version == 17


def test_arrays_that_no_node_reads_are_no_initialisers(tmp_path: Path, capfd: Any) -> None:
    path = write(NETWORKS["images in meta"], tmp_path)
    session(path)
    assert not capfd.readouterr().err
    assert {one.name for one in onnx.load(path).graph.initializer} == {"conv.weights.0", "conv.weights.1"}


def test_half_is_stored_and_single_computed(tmp_path: Path) -> None:
    layers = [conv((3, 3, 6, 40)), {"type": "bnorm", "weights": [single(40, 1), single(40, 1), moments(40)]}]
    net = chain(*layers).net
    path = write(half.halved(Checkpoint.of(net)), tmp_path)
    assert {one.data_type for one in onnx.load(path).graph.initializer if len(one.dims) == 4} == {
        onnx.TensorProto.FLOAT16
    }
    rounded = onnx_format.read(path).network()
    x = single(9, 8, 6, 2)
    (y,) = onnx_format.run(path, {"input": x}, ["layer2"]).values()
    want = rounded.predict(x)
    np.testing.assert_allclose(y, want, rtol=0, atol=1e-5 * np.abs(want).max())
    np.testing.assert_allclose(y, net.predict(x), rtol=0, atol=1e-2 * np.abs(want).max())


def test_variables_and_parameters_may_share_names(tmp_path: Path) -> None:
    net = dagnn.DagNN()
    net.addLayer("conv", dagnn.Conv(size=[1, 1, 2, 2], hasBias=False), "x", "y", ["x"])
    net.getParam("x").value = single(1, 1, 2, 2)
    path = write(net, tmp_path)
    x = single(3, 4, 2, 1, seed=1)
    np.testing.assert_allclose(onnx_format.run(path, {"x": x})["y"], net.predict(x), rtol=0, atol=1e-6)
    assert_same_network(onnx_format.read(path).network(), net)


def test_averages_over_regions_are_refused(tmp_path: Path) -> None:
    net = graph(dagnn.ROIPooling(method="avg"), {"x": single(9, 8, 4, 2), "rois": single(5, 2)}).net
    with pytest.raises(ConversionError, match=r"Layer 'layer' of type dagnn\.ROIPooling cannot be converted"):
        write(net, tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_a_file_cannot_hold_is_refused_before_it_is_written(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(writing, "MOST", 1000)
    with pytest.raises(ConversionError, match=r"an ONNX file holds no more than 2\. Convert it in half"):
        write(SimpleNN([conv((3, 3, 6, 4))]), tmp_path)
    assert not list(tmp_path.iterdir())


def test_writing_and_reading_need_little_more_memory_than_the_weights(tmp_path: Path) -> None:
    net = SimpleNN([conv((7, 7, 256, 400))])
    size = net.layers[0].weights[0].nbytes  # 20 MB
    checkpoint = Checkpoint.of(net)
    tracemalloc.start()
    try:
        path = write(checkpoint, tmp_path)
        _, peak = tracemalloc.get_traced_memory()
        assert peak < 0.6 * size
        tracemalloc.reset_peak()
        onnx_format.read(path)
        _, peak = tracemalloc.get_traced_memory()
        assert peak < 1.6 * size
    finally:
        tracemalloc.stop()


def test_what_others_have_written_is_weights_alone(tmp_path: Path) -> None:
    planes = np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2)
    arrays = [
        onnx.numpy_helper.from_array(planes, "filters"),
        onnx.helper.make_tensor("bias", onnx.TensorProto.FLOAT, [2], [0.5, -1.0]),
        onnx.helper.make_tensor("wide", onnx.TensorProto.DOUBLE, [], [0.25]),
    ]
    output = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)
    model = onnx.helper.make_model(onnx.helper.make_graph([], "g", [], [output], arrays))
    onnx.save(model, tmp_path / "other.onnx")
    found = onnx_format.read(tmp_path / "other.onnx")
    assert found.description == ""
    assert set(found.arrays) == {"filters", "bias", "wide"}
    np.testing.assert_array_equal(found.arrays["filters"], planes)
    np.testing.assert_array_equal(found.arrays["bias"], np.array([0.5, -1.0], np.float32))
    np.testing.assert_array_equal(found.arrays["wide"], 0.25)


def test_weights_that_were_changed_come_back_changed(tmp_path: Path) -> None:
    path = write(SimpleNN([conv((3, 2, 6, 4))]), tmp_path)
    model = onnx.load(path)
    (filters,) = (one for one in model.graph.initializer if one.name == "conv.weights.0")
    filters.CopyFrom(onnx.numpy_helper.from_array(2 * onnx.numpy_helper.to_array(filters), filters.name))
    onnx.save(model, path)
    back = onnx_format.read(path).network()
    np.testing.assert_array_equal(back.layers[0].weights[0], 2 * single(3, 2, 6, 4, seed=2))


def test_models_without_some_of_their_arrays_are_refused(tmp_path: Path) -> None:
    path = write(SimpleNN([conv((3, 2, 6, 4))]), tmp_path)
    model = onnx.load(path)
    del model.graph.initializer[0]
    onnx.save(model, path)
    with pytest.raises(ConversionError, match=r"net\.onnx: the array 'conv\.weights\.0' is missing: another program"):
        onnx_format.read(path)


def test_arrays_in_other_files_are_not_read(tmp_path: Path) -> None:
    path = write(SimpleNN([conv((3, 2, 6, 4))]), tmp_path)
    onnx.save(onnx.load(path), path, save_as_external_data=True, location="weights", size_threshold=0)
    with pytest.raises(ConversionError, match="lies in another file"):
        onnx_format.read(path)


@pytest.mark.parametrize("content", [b"", b"\x00" * 100, b"nonsense, and more of it", b"\x89PNG\r\n\x1a\n" * 9])
def test_other_files_are_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.onnx").write_bytes(content)
    with pytest.raises(ConversionError, match=r"x\.onnx: .*no ONNX model"):
        onnx_format.read(tmp_path / "x.onnx")


def damaged(content: bytes) -> list[bytes]:
    """A file cut off, and with bytes and runs of bytes changed."""
    draw = random.Random(0)
    found = [content[: draw.randrange(len(content))] for _ in range(60)]
    for _ in range(240):
        changed = bytearray(content)
        for _ in range(draw.choice([1, 1, 3, 20])):
            changed[draw.randrange(len(changed))] = draw.randrange(256)
        found.append(bytes(changed))
    for _ in range(60):
        start = draw.randrange(len(content))
        found.append(content[:start] + draw.randbytes(draw.randrange(40)) + content[start + draw.randrange(40) :])
    return found


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_damaged_files_give_one_clear_error(tmp_path: Path) -> None:
    net = SimpleNN([conv((2, 2, 2, 3)), {"type": "bnorm", "weights": [single(3, 1), single(3, 1), moments(3)]}])
    path = write(net, tmp_path)
    refused = []
    for content in damaged(path.read_bytes()):
        path.write_bytes(content)
        try:
            onnx_format.read(path).network()
        except (ConversionError, MatConvNetError) as error:  # the latter for a layer that is made of odd things
            refused.append(str(error))
    assert len(refused) > 100
    assert all(0 < len(message) < 600 and "\n" not in message for message in refused)


def test_the_format_is_known_by_its_suffix(tmp_path: Path) -> None:
    path = write(residual(), tmp_path)
    assert_same_network(formats.read(path).network(), residual())


def test_runtime_errors_are_one_line(tmp_path: Path) -> None:
    path = write(SimpleNN([conv((3, 2, 6, 4))]), tmp_path)
    with pytest.raises(ConversionError, match="ONNX Runtime: ") as error:
        onnx_format.run(path, {"input": single(9, 8, 5, 1)})
    assert "\n" not in str(error.value)
