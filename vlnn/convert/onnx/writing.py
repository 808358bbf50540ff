"""Writing ONNX models."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from vlnn.convert.checkpoint import Checkpoint
from vlnn.convert.lowering import lower
from vlnn.convert.onnx import wire
from vlnn.convert.onnx.wire import Initialiser
from vlnn.errors import ConversionError
from vlnn.matlab.arrays import Array

if TYPE_CHECKING:
    from vlnn.convert.onnx.graph import Graph

OPSET, IR_VERSION = 17, 8  # IR 8 is the first that has opset 17
MOST = 2**31 - 1  # bytes in a message of Protocol Buffers


def write(checkpoint: Checkpoint, path: Path, *, drop_loss: bool = False) -> None:
    """Write a network as an ONNX model.

    Parameters
    ----------
    checkpoint : Checkpoint
        Arrays may be in half or double: the model holds them so, and computes in single all the same.
    path : path
    drop_loss : False
        Leave out all of a softmax loss at the end. By default its softmax is the output, named 'prob'.

    Raises
    ------
    ConversionError
        For a layer that ONNX cannot express, before anything is written; for more than 2 GB.
    """
    import onnx

    from vlnn import __version__
    from vlnn.convert.onnx import nodes
    from vlnn.convert.onnx.graph import Graph

    program = lower(checkpoint, drop_loss)
    graph = Graph(program, checkpoint.arrays)
    for operation in program.operations:
        nodes.add(graph, operation)
    texts = {wire.DESCRIPTION: checkpoint.description, wire.LAYOUT: _layout(graph, checkpoint)}
    model: bytes = onnx.ModelProto(
        ir_version=IR_VERSION,
        producer_name="vlnn",
        producer_version=__version__,
        opset_import=[onnx.helper.make_opsetid("", OPSET)],
        metadata_props=[onnx.StringStringEntryProto(key=key, value=text) for key, text in texts.items()],
    ).SerializeToString()
    body: bytes = onnx.GraphProto(
        name="network",
        node=graph.nodes,
        input=[graph.information(name) for name in program.inputs],
        output=[graph.information(name) for name in program.outputs],
    ).SerializeToString()
    heads = [_head(one) for one in graph.initialisers]
    size = len(body) + sum(map(len, heads)) + sum(one.nbytes for one in graph.initialisers)
    start = model + wire.start_of(wire.GRAPH, size) + body
    if len(start) + size > MOST:
        raise ConversionError(
            f"The network has {size / 2**30:.1f} GB, and an ONNX file holds no more than 2. Convert it in half "
            "(--half), or to .safetensors or .pt."
        )
    with path.open("wb") as stream:
        stream.write(start)
        for head, one in zip(heads, graph.initialisers, strict=True):
            stream.write(head)
            _write_array(stream, one.make())


def _layout(graph: Graph, checkpoint: Checkpoint) -> str:
    """How the arrays of the checkpoint lie in the model, and what variables are called in it."""
    arrays = {
        name: {**(graph.layouts.get(name) or _as_text(array)), "size": list(array.shape)}
        for name, array in checkpoint.arrays.items()
    }
    return json.dumps({"arrays": arrays, "variables": {name: graph.value(name) for name in graph.program.channels}})


def _as_text(array: Array) -> dict[str, Any]:
    """An array that no node reads; as an initialiser it would make runtimes complain."""
    data = base64.b64encode(array.tobytes(order="F")).decode()
    return {"as": "text", "class": array.dtype.name, "data": data}


def _head(one: Initialiser) -> bytes:
    """The message of an array up to its numbers."""
    import onnx

    kind = onnx.helper.np_dtype_to_tensor_dtype(one.dtype)
    described: bytes = onnx.TensorProto(name=one.name, data_type=kind, dims=one.size).SerializeToString()
    message = described + wire.start_of(wire.NUMBERS, one.nbytes)
    return wire.start_of(wire.ARRAY, len(message) + one.nbytes) + message


def _write_array(stream: BinaryIO, array: Array) -> None:
    """Write an array in C's order, a part at a time."""
    array = array.reshape(1) if not array.ndim else array
    for rows in wire.parts_of(array.shape, array.itemsize):
        part = array[rows].astype(array.dtype.newbyteorder("<"), order="C", copy=False)
        stream.write(memoryview(part.reshape(-1).view(np.uint8)))
