"""Writing MAT-files of version 7.3: HDF5 files with MATLAB's attributes and first 512 bytes."""

from __future__ import annotations

from collections.abc import Mapping
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np

from vlnn.matlab.matfile.header import header
from vlnn.matlab.matfile.nodes import Node

USER_BLOCK = 512
REFERENCES = "#refs#"
CHAR_DECODE, LOGICAL_DECODE = 2, 1
CHUNK = 1 << 20  # bytes of a compressed piece
MAX_ATTRIBUTE = 60_000  # bytes that HDF5's older format has for one


def write(path: Path, variables: Mapping[str, Node], compress: bool) -> None:
    """Write the variables into a file."""
    import h5py

    with path.open("w+b", buffering=0) as stream:
        disk = _Disk(stream)
        # The oldest format: every MATLAB that has version 7.3 reads it.
        with h5py.File(disk, "w", userblock_size=USER_BLOCK, libver=("earliest", "v110")) as file:
            writer = _Writer(file, compress)
            for name, node in variables.items():
                writer.put(file, name, node)
        disk.check()
        stream.seek(0)
        stream.write(header(7.3).ljust(USER_BLOCK, b"\0"))


class _Disk:
    """A file that never fails while the HDF5 library uses it.

    The library does not get over a full disk: it cannot close the file any more, and crashes when Python ends.
    """

    def __init__(self, stream: FileIO) -> None:
        self._stream = stream
        self._error: OSError | None = None

    def check(self) -> None:
        """Raise the error that a write met."""
        if self._error is not None:
            raise self._error

    def write(self, content: Any) -> int:
        view = memoryview(content).cast("B")
        done = 0
        try:
            while self._error is None and done < len(view):
                done += self._stream.write(view[done:])
        except OSError as error:
            self._error = error
        return len(view)

    def read(self, size: int = -1) -> bytes:
        return self._stream.read(size)

    def readinto(self, target: Any) -> int:
        return self._stream.readinto(target)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def truncate(self, size: int | None = None) -> int:
        if self._error is None:
            try:
                return self._stream.truncate(size)
            except OSError as error:
                self._error = error
        return size or 0

    def flush(self) -> None:
        """Nothing is held back."""


class _Writer:
    """Puts MATLAB's arrays into a file."""

    def __init__(self, file: Any, compress: bool) -> None:
        import h5py

        self._h5py = h5py
        self._file = file
        self._compress = compress
        self._references: Any = None
        self._number = 0

    def put(self, group: Any, name: str, node: Node) -> Any:
        """Write an array as a member of a group."""
        if node.class_name == "struct":
            return self._struct(group, name, node)
        if node.class_name == "sparse":
            return self._sparse(group, name, node)
        if 0 in node.shape:
            return self._empty(group, name, node)
        if node.class_name == "cell":
            return self._described(self._refer(group, name, node.data, node.shape), "cell")
        values = node.data
        if node.class_name == "logical":
            values = values.view(np.uint8)
        elif values.dtype.kind == "c":
            values = values.view(np.dtype([("real", values.real.dtype), ("imag", values.real.dtype)]))
        stored = self._described(self._array(group, name, values), node.class_name)
        if node.class_name in ("char", "logical"):
            decode = CHAR_DECODE if node.class_name == "char" else LOGICAL_DECODE
            stored.attrs.create("MATLAB_int_decode", np.int32(decode))
        return stored

    def _array(self, group: Any, name: str, values: Any) -> Any:
        turned = values.T  # HDF5 has the dimensions in the other order
        if not self._compress or values.nbytes < 1024:
            return group.create_dataset(name, data=turned)
        chunk, left = list(turned.shape), CHUNK // values.itemsize
        for axis in reversed(range(len(chunk))):
            chunk[axis] = max(1, min(chunk[axis], left))
            left //= chunk[axis]
        return group.create_dataset(name, data=turned, chunks=tuple(chunk), compression="gzip", compression_opts=3)

    def _empty(self, group: Any, name: str, node: Node) -> Any:
        """An array without elements, or a struct without fields: its size."""
        stored = self._described(group.create_dataset(name, data=np.array(node.shape, np.uint64)), node.class_name)
        stored.attrs.create("MATLAB_empty", np.uint8(1))
        if node.class_name in ("char", "logical"):
            decode = CHAR_DECODE if node.class_name == "char" else LOGICAL_DECODE
            stored.attrs.create("MATLAB_int_decode", np.int32(decode))
        return stored

    def _struct(self, group: Any, name: str, node: Node) -> Any:
        if 0 in node.shape or not node.data:
            stored = self._empty(group, name, node)
        else:
            stored = self._described(group.create_group(name), "struct")
            for field, values in node.data.items():
                if node.shape == (1, 1):
                    self.put(stored, field, values[0])
                else:
                    self._refer(stored, field, values, node.shape)
        self._list_fields(stored, list(node.data))
        return stored

    def _list_fields(self, stored: Any, fields: list[str]) -> None:
        if not 0 < 16 * len(fields) < MAX_ATTRIBUTE:
            return
        letters = np.empty(len(fields), dtype=object)
        for at, field in enumerate(fields):
            letters[at] = np.array(list(field), "S1")
        stored.attrs.create("MATLAB_fields", letters, dtype=self._h5py.vlen_dtype(np.dtype("S1")))

    def _sparse(self, group: Any, name: str, node: Node) -> Any:
        matrix = node.data
        class_name = "logical" if matrix.dtype.kind == "b" else "double"
        stored = self._described(group.create_group(name), class_name)
        stored.attrs.create("MATLAB_sparse", np.uint64(node.shape[0]))
        if class_name == "logical":
            stored.attrs.create("MATLAB_int_decode", np.int32(LOGICAL_DECODE))
        stored.create_dataset("jc", data=matrix.indptr.astype(np.uint64))
        if matrix.nnz:
            values = matrix.data
            if values.dtype.kind == "c":
                values = values.view(np.dtype([("real", np.float64), ("imag", np.float64)]))
            stored.create_dataset("data", data=values.view(np.uint8) if class_name == "logical" else values)
            stored.create_dataset("ir", data=matrix.indices.astype(np.uint64))
        return stored

    def _refer(self, group: Any, name: str, nodes: list[Node], shape: tuple[int, ...]) -> Any:
        """References to arrays, which stand in a group of their own."""
        if self._references is None:
            self._references = self._file.create_group(REFERENCES)
            # MATLAB's own files begin it with what cells hold that were never assigned.
            empty = self._described(
                self._references.create_dataset("a", data=np.zeros(2, np.uint64)), "canonical empty"
            )
            empty.attrs.create("MATLAB_empty", np.uint8(1))
        references = np.empty(len(nodes), dtype=self._h5py.ref_dtype)
        for at, node in enumerate(nodes):
            self._number += 1
            stored = self.put(self._references, f"r{self._number}", node)
            self._attach(stored, b"H5PATH", stored.name)
            references[at] = stored.ref
        return group.create_dataset(name, data=references.reshape(shape, order="F").T, dtype=self._h5py.ref_dtype)

    def _described(self, stored: Any, class_name: str) -> Any:
        """An object that has been given its MATLAB class."""
        self._attach(stored, b"MATLAB_class", class_name)
        return stored

    def _attach(self, stored: Any, name: bytes, text: str) -> None:
        """Give an object an attribute as MATLAB writes text: of its length, without an end."""
        h5py = self._h5py
        kind = h5py.h5t.C_S1.copy()
        kind.set_size(len(text))
        attribute = h5py.h5a.create(stored.id, name, kind, h5py.h5s.create(h5py.h5s.SCALAR))
        attribute.write(np.array(text.encode("ascii"), f"S{len(text)}"), mtype=kind)
