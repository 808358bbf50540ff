"""Reading MAT-files of version 7.3, which are HDF5 files.

A variable is an array, or a group for a struct; its MATLAB class is an attribute. Cells and struct arrays are arrays of
references to objects that stand elsewhere in the file. Arrays without elements hold their size instead.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from vlnn.matlab.arrays import Array
from vlnn.matlab.matfile.assembly import Reference, arranged, joined, nothing, sparse, structs, text
from vlnn.matlab.matfile.hdf5 import Hdf5, Object
from vlnn.matlab.matfile.hdf5_bytes import Bytes
from vlnn.matlab.matfile.hdf5_types import REFERENCE
from vlnn.matlab.matfile.limits import MAX_DEPTH, NUMBERS, Budget, MatFileError, by, number_of
from vlnn.matlab.values import Opaque, Struct, StructArray

OBJECT_DECODE = 3  # the reference of an object of a class written in MATLAB
COMPLEX = (("real", "imag"), ("r", "i"))  # MATLAB's names, h5py's names
TRUE_CLASSES = {"logical", "char", "cell", "struct", *NUMBERS}


def read(content: Bytes, budget: Budget) -> tuple[dict[str, Any], Any]:
    """The variables of a file, and its objects' cells if it has any objects."""
    file = Hdf5(content, budget)
    values = _Values(file, budget)
    members = file.links(file.object(file.root))
    variables = {}
    for name, address in members.items():
        if not name.startswith("#"):
            try:
                variables[name] = values.value(address, 0)
            except MatFileError as error:
                raise MatFileError(f"{name}: {error}") from None
    objects = None
    if values.referred and "#subsystem#" in members:
        kept = file.links(file.object(members["#subsystem#"]))
        objects = values.value(kept["MCOS"], 0) if "MCOS" in kept else None
    return variables, objects


class _Values:
    """The values of a file, by the addresses of their objects.

    Attributes
    ----------
    referred : bool
        Whether one of them is an object, which stands elsewhere.
    """

    def __init__(self, file: Hdf5, budget: Budget) -> None:
        self._file = file
        self._budget = budget
        self._made: dict[int, Any] = {}
        self._open: set[int] = set()
        self.referred = False

    def value(self, address: int, depth: int, stored: Object | None = None) -> Any:
        """The value of an object, which may have been read. Those that are referred to again and again are one."""
        if address in self._made:
            return self._made[address]
        if address in self._open:
            raise MatFileError(f"the object at {address} contains itself")
        if depth > MAX_DEPTH:
            raise MatFileError(f"arrays lie more than {MAX_DEPTH} deep in each other")
        self._open.add(address)
        stored = stored or self._file.object(address)
        attributes = self._file.attributes(stored)
        made = self._group(stored, attributes, depth) if stored.is_group else self._array(stored, attributes)
        if isinstance(made, _Cells):
            made = arranged(self._several(made.addresses, depth), made.shape)
        self._open.discard(address)
        self._made[address] = made
        return made

    def _several(self, addresses: Array, depth: int) -> list[Any]:
        listed = addresses.ravel(order="F").tolist()
        self._budget.count(len(listed))
        self._budget.spend(16 * len(listed))
        return [self.value(address, depth + 1) if address else nothing() for address in listed]

    # Groups

    def _group(self, stored: Object, attributes: dict[str, Any], depth: int) -> Any:
        class_name = _class_of(attributes) or "struct"
        members = self._file.links(stored)
        if "MATLAB_sparse" in attributes:
            return self._sparse(members, attributes, class_name)
        fields = _field_names(attributes)
        fields += [name for name in members if name not in set(fields)]
        self._budget.count(len(fields))
        columns, shape = [], None
        for field in fields:
            if field not in members:
                raise MatFileError(f"a struct lacks its field {field}")
            column, size = self._field(members[field], depth)
            if shape not in (None, size):
                raise MatFileError("the fields of a struct array have several sizes")
            columns.append(column)
            shape = size
        made = structs(fields, columns, shape or (1, 1))
        if class_name == "struct":
            return made
        return Opaque(class_name, made if isinstance(made, Struct) else Struct(elements=made))

    def _field(self, address: int, depth: int) -> tuple[list[Any], tuple[int, ...]]:
        """The values of a field, and the size of the struct array to which it belongs."""
        stored = self._file.object(address)
        if not stored.is_group:
            attributes = self._file.attributes(stored)
            if not _class_of(attributes) and self._file.shape_and_type(stored)[1].what == REFERENCE:
                addresses = _turned(self._file.array(stored))
                return self._several(addresses, depth), addresses.shape
        return [self.value(address, depth + 1, stored)], (1, 1)

    def _sparse(self, members: dict[str, int], attributes: dict[str, Any], class_name: str) -> Any:
        rows = int(np.ravel(attributes["MATLAB_sparse"])[0])
        parts = {name: self._file.array(self._file.object(address)) for name, address in members.items()}
        if "jc" not in parts or parts["jc"].size < 1:
            raise MatFileError("a sparse matrix lacks its columns")
        starts = parts["jc"].ravel()
        dtype = np.dtype(np.bool_) if class_name == "logical" else np.dtype(np.float64)
        values = _numbers(parts["data"].ravel(), dtype) if "data" in parts else np.empty(0, dtype)
        indices = parts["ir"].ravel() if "ir" in parts else np.empty(0, np.int64)
        return sparse(values, indices, starts, (rows, starts.size - 1))

    # Arrays

    def _array(self, stored: Object, attributes: dict[str, Any]) -> Any:
        class_name = _class_of(attributes)
        kind = self._file.shape_and_type(stored)[1]
        if "MATLAB_empty" in attributes and np.any(attributes["MATLAB_empty"]):
            return self._without_elements(class_name, self._file.array(stored), attributes)
        if kind.what == REFERENCE:
            return _Cells(_turned(self._file.array(stored)))
        decode = attributes.get("MATLAB_object_decode")
        if decode is not None and np.any(decode):
            self.referred = True
            return Reference(class_name, _turned(self._file.array(stored)))
        if class_name and class_name not in TRUE_CLASSES:
            return Opaque(class_name)
        array = _turned(self._file.array(stored))
        if class_name == "char":
            self._budget.spend(8 * array.size)
            self._budget.count(array.shape[0])
            return text(_letters(array), array.shape)
        if array.dtype.kind == "S":  # no MATLAB class: other writers
            self._budget.spend(64 * array.size)
            strings = [item.decode("utf-8", "replace") for item in array.ravel(order="F").tolist()]
            return strings[0] if len(strings) == 1 else arranged(strings, array.shape)
        if class_name == "logical":
            return _numbers(array, np.dtype(np.bool_))
        return _numbers(array, NUMBERS.get(class_name))

    def _without_elements(self, class_name: str, size: Array, attributes: dict[str, Any]) -> Any:
        """An array without elements, or a struct without fields, from its size."""
        if size.dtype.kind not in "iu" or size.size > 32:
            raise MatFileError("an empty array has no size")
        shape = tuple(size.ravel().tolist())
        number = number_of(shape)
        if len(shape) < 2 or (number and class_name != "struct"):
            raise MatFileError(f"an empty array has the size {by(shape)}")
        if class_name == "struct":
            self._budget.count(number)
            self._budget.spend(80 * number)
            if number:
                return structs((), (), shape)
            return StructArray([], shape, _field_names(attributes))
        if class_name == "cell":
            return arranged([], shape)
        if class_name == "char":
            return text("", shape)
        if class_name == "logical":
            return np.zeros(shape, np.bool_, order="F")
        return np.zeros(shape, NUMBERS.get(class_name, np.dtype(np.float64)), order="F")


class _Cells:
    """The addresses of a cell array's elements."""

    def __init__(self, addresses: Array) -> None:
        self.addresses = addresses
        self.shape = addresses.shape


def _class_of(attributes: dict[str, Any]) -> str:
    name = attributes.get("MATLAB_class", b"")
    return name.decode("latin-1") if isinstance(name, bytes) else ""


def _field_names(attributes: dict[str, Any]) -> list[str]:
    listed = attributes.get("MATLAB_fields")
    return [name.decode("latin-1") for name in listed] if isinstance(listed, list) else []


def _turned(array: Array) -> Array:
    """An array with MATLAB's order of dimensions, of which there are two at least."""
    turned = array.T
    return turned.reshape(turned.shape + (1,) * (2 - turned.ndim), order="F") if turned.ndim < 2 else turned


def _letters(array: Array) -> str:
    if array.dtype.kind not in "iu" or (array.size and int(array.max()) > 0xFFFF):
        raise MatFileError("text is damaged")
    letters: bytes = array.astype("<u2").tobytes(order="F")
    return letters.decode("utf-16-le", "surrogatepass")


def _numbers(array: Array, dtype: np.dtype[Any] | None) -> Array:
    """Numbers in MATLAB's class; in their own if it is not known."""
    if array.dtype.names:
        if array.dtype.names not in COMPLEX:
            raise MatFileError(f"an array has the members {', '.join(array.dtype.names)}")
        real, imaginary = (array[name] for name in array.dtype.names)
        dtype = dtype or real.dtype
        return joined(_numbers(real, dtype), _numbers(imaginary, dtype))
    if array.dtype.kind not in "iuf":
        raise MatFileError("numbers are none")
    return array.astype(dtype or array.dtype.newbyteorder("="), order="F", copy=False)
