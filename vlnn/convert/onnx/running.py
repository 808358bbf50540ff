"""Running ONNX models, to see that they are what they should be."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from vlnn.convert.onnx import wire
from vlnn.convert.onnx.messages import Model
from vlnn.convert.onnx.reading import layout_of
from vlnn.dagnn.arithmetic import size_of
from vlnn.errors import ConversionError
from vlnn.matlab.arrays import Array

QUIET = 3  # errors only


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

    options = onnxruntime.SessionOptions()
    options.log_severity_level = QUIET
    with path.open("rb") as stream:
        model = Model(stream)
        names = layout_of(model, "variables")
    feed = {names.get(name, name): _planes(value) for name, value in inputs.items()}
    given = list(names if outputs is None else outputs)
    wanted = {name: names.get(name, name) for name in given if name not in inputs}
    with tempfile.TemporaryDirectory() as folder:
        try:
            source = _with_outputs(path, [name for name in wanted.values() if name not in model.outputs], folder)
            session = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
            found = session.run(list(wanted.values()), feed)
        except Exception as error:  # its classes have no base of their own
            raise ConversionError(f"{path}: ONNX Runtime: {' '.join(str(error).split())}") from None
    results = dict(zip(wanted, found, strict=True))
    return {name: results[name].transpose(2, 3, 1, 0) if name in results else inputs[name] for name in given}


def _planes(value: Array) -> Array:
    """An array as ONNX has it."""
    four = np.asarray(value, np.float32).reshape(size_of(value))
    return np.ascontiguousarray(four.transpose(3, 2, 0, 1))


def _with_outputs(path: Path, values: Sequence[str], folder: str) -> Path:
    """A copy of a model that gives out more values; the model itself if there are none."""
    if not values:
        return path
    from onnx import GraphProto, TensorProto, helper

    declared = [helper.make_tensor_value_info(value, TensorProto.FLOAT, None) for value in values]
    more = GraphProto(output=declared).SerializeToString()
    copy = Path(folder, path.name)
    shutil.copyfile(path, copy)
    with copy.open("ab") as stream:  # of a message that is there twice, lists are joined
        stream.write(wire.start_of(wire.GRAPH, len(more)) + more)
    return copy
