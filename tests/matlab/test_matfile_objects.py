"""MATLAB's objects in files: gpuArrays and strings by their values, others by their properties or at least by name."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import vlnn
from tests.matlab.matfiles import (
    CELL,
    HEADER,
    NOTHING,
    OPAQUE,
    SHARED,
    STRUCT,
    UINT8,
    UINT32,
    compressed,
    doubles,
    element,
    fields,
    matrix,
    same,
)
from vlnn.matlab import Cell, Opaque, Struct

MAGIC = 0xDD000000
SAVED, NORMAL = 3, 4  # where an object's row has the number of its properties


def words(*numbers: int) -> bytes:
    return struct.pack(f"<{len(numbers)}I", *numbers)


def blocks(properties: Sequence[Sequence[int]]) -> bytes:
    """Triplets behind their number, padded to eight bytes; the first block is empty."""
    packed = words(0, 0)
    for triplets in properties:
        block = words(len(triplets) // 3, *triplets)
        packed += block + bytes(-len(block) % 8)
    return packed


def tables(names: Sequence[str], classes: Sequence[int], objects: Sequence[Sequence[int]], **properties: Any) -> bytes:
    """The first cell of a FileWrapper__."""
    text = b"".join(name.encode() + b"\0" for name in names)
    text += bytes(-len(text) % 8)
    regions = [
        words(0, 0, 0, 0) + b"".join(words(0, name, 0, 0) for name in classes),
        blocks(properties.get("saved", [])),
        words(*[0] * 6) + b"".join(words(*row) for row in objects),
        blocks(properties.get("normal", [])),
        words(0, 0),
    ]
    bounds = np.cumsum([40 + len(text), *map(len, regions)]).tolist()
    return words(4, len(names), *bounds, 0, 0) + text + b"".join(regions)


def reference(objects: Sequence[int], class_number: int, shape: Sequence[int] = (1, 1)) -> bytes:
    content = words(MAGIC, len(shape), *shape, *objects, class_number)
    return matrix(UINT32, (len(content) // 4, 1), element(6, content))


def opaque(class_name: str, content: bytes, name: str = "") -> bytes:
    system = element(1, b"MCOS") + element(1, class_name.encode())
    return matrix(OPAQUE, None, system + content, name.encode())


def file_of(variables: bytes, first: bytes, values: Sequence[bytes], defaults: bytes = NOTHING) -> bytes:
    """A file of level 5 with objects."""
    table = matrix(UINT8, (len(first), 1), element(2, first))
    cells = [table, NOTHING, *values, NOTHING, NOTHING, defaults]
    wrapper = opaque("FileWrapper__", matrix(CELL, (len(cells), 1), b"".join(cells)))
    kept = b"\0\1IM" + bytes(4) + matrix(STRUCT, (1, 1), fields(["MCOS"]) + wrapper)
    at = struct.pack("<Q", len(HEADER) + len(variables))
    subsystem = matrix(UINT8, (1, len(kept)), element(2, kept))
    return HEADER[:116] + at + HEADER[124:] + variables + subsystem


def read(path: Path, content: bytes) -> Struct:
    path.write_bytes(content)
    return vlnn.loadmat(path)


GPU = tables(["any", "gpuArray"], [2], [(1, 0, 0, 1, 0, 1)], saved=[(1, 1, 0)])


@pytest.mark.parametrize(
    "value",
    [matrix(CELL, (1, 2), doubles([1], (1, 1)) + doubles([1, 2, 3], (1, 3))), doubles([1, 2, 3], (1, 3))],
    ids=["behind its version", "alone"],
)
def test_a_gpu_array_is_its_numbers(tmp_path: Path, value: bytes) -> None:
    variable = opaque("gpuArray", reference([1], 1), "x")
    nested = matrix(CELL, (1, 1), opaque("gpuArray", reference([1], 1)), b"y")
    loaded = read(tmp_path / "x.mat", file_of(variable + nested, GPU, [value]))
    same(loaded, Struct(x=np.array([[1.0, 2, 3]]), y=Cell([np.array([[1.0, 2, 3]])])))
    loaded = read(tmp_path / "x.mat", file_of(compressed(variable), GPU, [value]))
    same(loaded.x, np.array([[1.0, 2, 3]]))


@pytest.mark.parametrize(
    ("texts", "shape", "want"),
    [
        (["hello"], (1, 1), "hello"),
        ([""], (1, 1), ""),
        (["héllo", None, "😀"], (1, 3), Cell(["héllo", "", "😀"])),
    ],
)
def test_strings(tmp_path: Path, texts: list[str | None], shape: tuple[int, ...], want: Any) -> None:
    units = [("" if text is None else text).encode("utf-16-le") for text in texts]
    lengths = [2**64 - 1 if text is None else len(unit) // 2 for text, unit in zip(texts, units, strict=True)]
    letters = b"".join(units)
    saved = struct.pack(f"<{2 + len(shape) + len(texts)}Q", 1, len(shape), *shape, *lengths)
    saved += letters + bytes(-len(letters) % 8)
    value = matrix(15, (1, len(saved) // 8), element(13, saved))
    first = tables(["any", "string"], [2], [(1, 0, 0, 1, 0, 1)], saved=[(1, 1, 0)])
    same(read(tmp_path / "x.mat", file_of(opaque("string", reference([1], 1), "x"), first, [value])).x, want)


def test_other_objects_have_their_properties(tmp_path: Path) -> None:
    names = ["size", "inner", "Layer", "pad", "off"]
    layer, inside = (1, 0, 0, 0, 1, 1), (1, 0, 0, 0, 2, 2)
    first = tables(names, [3], [layer, inside], normal=[(1, 1, 0, 2, 1, 1), (1, 1, 2, 4, 0, 5)])
    values = [doubles([3], (1, 1)), reference([2], 1), doubles([4], (1, 1))]
    default = matrix(STRUCT, (1, 1), fields(["pad"]) + doubles([0], (1, 1)))
    defaults = matrix(CELL, (2, 1), NOTHING + default)
    loaded = read(tmp_path / "x.mat", file_of(opaque("Layer", reference([1], 1), "x"), first, values, defaults))
    assert isinstance(loaded.x, Opaque)
    assert isinstance(loaded.x.fields.inner, Opaque)
    assert (loaded.x.class_name, loaded.x.fields.inner.class_name) == ("Layer", "Layer")
    same(loaded.x.fields.size, np.array([[3.0]]))
    same(loaded.x.fields.pad, np.array([[0.0]]))
    same(loaded.x.fields.inner.fields, Struct(pad="off", size=np.array([[4.0]])))


def test_an_object_may_hold_itself(tmp_path: Path) -> None:
    first = tables(["self", "Handle"], [2], [(1, 0, 0, 0, 1, 1)], normal=[(1, 1, 0)])
    content = file_of(opaque("Handle", reference([1], 1), "x"), first, [reference([1], 1)])
    loaded = read(tmp_path / "x.mat", content)
    assert loaded.x.fields.self is loaded.x


def test_arrays_of_objects_are_lists(tmp_path: Path) -> None:
    first = tables(["size", "Layer"], [2], [(1, 0, 0, 0, 1, 1), (1, 0, 0, 0, 2, 2)], normal=[(1, 1, 0), (1, 1, 1)])
    values = [doubles([3], (1, 1)), doubles([4], (1, 1))]
    loaded = read(tmp_path / "x.mat", file_of(opaque("Layer", reference([1, 2], 1, (1, 2)), "x"), first, values))
    assert [layer.fields.size.item() for layer in loaded.x] == [3, 4]


@pytest.mark.parametrize(
    "first",
    [
        b"",
        GPU[:30],
        words(9) + GPU[4:],
        GPU[:8] + words(2**31) + GPU[12:],
        tables(["any", "gpuArray"], [2], [(1, 0, 0, 7, 0, 1)], saved=[(1, 1, 0)]),
        tables(["any", "gpuArray"], [2], [(1, 0, 0, 1, 0, 1)], saved=[(1, 1, 99)]),
        tables(["any", "gpuArray"], [9], [(1, 0, 0, 1, 0, 1)], saved=[(1, 1, 0)]),
        tables(["any", "gpuArray"], [2], [], saved=[(1, 1, 0)]),
    ],
)
def test_an_object_whose_values_cannot_be_had_is_a_placeholder(tmp_path: Path, first: bytes) -> None:
    variable = opaque("gpuArray", reference([1], 1), "x") + doubles([5], (1, 1), b"y")
    loaded = read(tmp_path / "x.mat", file_of(variable, first, [doubles([1], (1, 1))]))
    assert isinstance(loaded.x, Opaque)
    assert loaded.x.class_name == "gpuArray"
    assert loaded.y.item() == 5


def test_an_object_without_a_subsystem_is_a_placeholder(tmp_path: Path) -> None:
    loaded = read(tmp_path / "x.mat", HEADER + opaque("containers.Map", reference([1], 1), "x"))
    assert isinstance(loaded.x, Opaque)
    assert loaded.x.class_name == "containers.Map"


def test_a_gpu_array_in_version_73(tmp_path: Path) -> None:
    def described(stored: Any, class_name: str) -> Any:
        stored.attrs["MATLAB_class"] = np.bytes_(class_name)
        return stored

    with h5py.File(tmp_path / "x.mat", "w", userblock_size=512) as file:
        kept = file.create_group("#refs#")
        parts = [
            described(kept.create_dataset("a", data=np.frombuffer(GPU, np.uint8)[None]), "uint8"),
            described(kept.create_dataset("b", data=np.zeros((1, 1))), "double"),
            described(kept.create_dataset("c", data=np.array([[1.0], [2.0]])), "double"),
            described(kept.create_dataset("d", data=np.zeros((1, 1))), "double"),
        ]
        references = np.array([[part.ref for part in parts]], h5py.ref_dtype)
        wrapper = file.create_dataset("#subsystem#/MCOS", data=references, dtype=h5py.ref_dtype)
        described(wrapper, "FileWrapper__").attrs["MATLAB_object_decode"] = np.int32(3)
        for name, class_name, number in (("x", "gpuArray", 1), ("y", "gpuArray", 5)):
            stored = file.create_dataset(name, data=np.array([[MAGIC, 2, 1, 1, number, 1]], np.uint32))
            described(stored, class_name).attrs["MATLAB_object_decode"] = np.int32(3)
    loaded = vlnn.loadmat(tmp_path / "x.mat")
    same(loaded.x, np.array([[1.0, 2.0]]))
    assert isinstance(loaded.y, Opaque)


@pytest.mark.skipif(not SHARED.is_dir(), reason="networks that others published are in ../shared, which is absent")
def test_a_gpu_array_that_matlab_wrote() -> None:
    net = vlnn.loadmat(SHARED / "networks" / "DnCNN_sigma25_bnorm.mat").net
    loss = net.layers[-1]
    assert loss.type == "loss"
    assert (loss["class"].shape, loss["class"].dtype) == ((40, 40), np.float32)
    assert not any(isinstance(field, Opaque) for layer in net.layers for field in layer.values())
