"""Running ONNX models, to see that they are what they should be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from vlnn.convert.onnx import wire
from vlnn.convert.onnx.messages import Model, Span
from vlnn.convert.onnx.reading import layout_of
from vlnn.dagnn.arithmetic import size_of
from vlnn.errors import ConversionError
from vlnn.matlab.arrays import Array

QUIET = 4  # what is wrong is raised, too
MOST_INSIDE = 1024  # bytes of an array that ONNX Runtime is given; larger ones it reads in the file


def run(path: Path, inputs: Mapping[str, Array], outputs: Sequence[str] | None = None) -> dict[str, Array]:
    """Run a model that :func:`write` has written, in ONNX Runtime.

    Parameters
    ----------
    path : path
    inputs : dict of str: (H, W, C, N) array
    outputs : names, optional
        Any of the network's variables; by default all.

    Returns
    -------
    values : dict of str: (H, W, C, N) array in single

    Raises
    ------
    ConversionError
        What ONNX Runtime objects to.
    """
    import onnxruntime

    with path.open("rb") as stream:
        model = Model(stream)
        names = layout_of(model, "variables")
        given = list(names if outputs is None else outputs)
        wanted = {name: names.get(name, name) for name in given if name not in inputs}
        shell = _shell(model, path, [value for value in wanted.values() if value not in model.outputs])
    options = onnxruntime.SessionOptions()
    options.log_severity_level = QUIET
    # The weights stay in the file, as far as they can: no copies of them in other layouts.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.add_session_config_entry("session.disable_prepacking", "1")
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(path.resolve().parent))
    feed = {names.get(name, name): _planes(value) for name, value in inputs.items()}
    try:
        session = onnxruntime.InferenceSession(shell, options, providers=["CPUExecutionProvider"])
        found = session.run(list(wanted.values()), feed)
    except Exception as error:  # its classes have no base of their own
        raise ConversionError(f"{path}: ONNX Runtime: {' '.join(str(error).split())}") from None
    results = dict(zip(wanted, found, strict=True))
    return {name: results[name].transpose(2, 3, 1, 0) if name in results else inputs[name] for name in given}


def _planes(value: Array) -> Array:
    """An array as ONNX has it."""
    four = np.asarray(value, np.float32).reshape(size_of(value))
    return np.ascontiguousarray(four.transpose(3, 2, 0, 1))


def _shell(model: Model, path: Path, outputs: Sequence[str]) -> bytes:
    """The model with more outputs, and with references into its file in the place of large arrays."""
    from onnx import TensorProto, helper

    declared = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None).SerializeToString() for name in outputs]
    parts = []
    for number, value in model.messages.fields(model.messages.all):
        if isinstance(value, int):
            parts.append(wire.number_of(number, value))
        elif number != wire.GRAPH:
            parts.append(wire.field_of(number, model.messages.bytes(value)))
        else:
            inside = [*_fields(model, path, value), *(wire.field_of(wire.OUTPUT, one) for one in declared)]
            parts.append(wire.field_of(wire.GRAPH, b"".join(inside)))
    return b"".join(parts)


def _fields(model: Model, path: Path, graph: Span) -> Iterator[bytes]:
    """The fields of a graph, its large arrays left where they are."""
    from onnx import TensorProto

    for number, value in model.messages.fields(graph):
        if isinstance(value, int):
            yield wire.number_of(number, value)
        elif number == wire.ARRAY and value.length > MOST_INSIDE:
            array = model.messages.array(value)
            span = array.numbers or value
            reference = TensorProto(name=array.name, data_type=array.type, dims=array.size)
            reference.data_location = TensorProto.EXTERNAL
            for key, text in (("location", path.name), ("offset", span.start), ("length", span.length)):
                reference.external_data.add(key=key, value=str(text))
            yield wire.field_of(number, reference.SerializeToString())
        else:
            yield wire.field_of(number, model.messages.bytes(value))
