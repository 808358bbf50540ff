"""The three primitives of convolution by cuDNN. What it has no plan for, and all else, the CUDA engine does."""

from __future__ import annotations

from vlnn.engines.cuda import CudaEngine
from vlnn.engines.cudnn.plans import FIRST, OUT, SECOND
from vlnn.engines.cudnn.sessions import THREAD, session
from vlnn.engines.protocols import Workspaces
from vlnn.geometry import ConvGeometry
from vlnn.matlab.arrays import Array

ALIGNMENT = 16  # bytes: what the frontend tells cuDNN of every array
FIELDS = {"conv_fprop": "forward", "conv_dgrad": "backward_data", "conv_wgrad": "backward_filter"}


class CudnnEngine(CudaEngine):
    """The CUDA engine with cuDNN's convolutions."""

    backend = "cuDNN"

    def conv_forward(self, geometry: ConvGeometry, image: Array, filters: Array, biases: Array | None) -> Array:
        out = _convolve("conv_fprop", geometry, image, filters)
        if out is None:
            return super().conv_forward(geometry, image, filters, biases)
        return _with_biases(out, biases)

    def conv_backward_data(self, geometry: ConvGeometry, output: Array, filters: Array, biases: Array | None) -> Array:
        out = _convolve("conv_dgrad", geometry, output, filters)
        if out is None:
            return super().conv_backward_data(geometry, output, filters, biases)
        return _with_biases(out, biases)

    def conv_backward_filter(self, geometry: ConvGeometry, image: Array, output: Array) -> Array:
        out = _convolve("conv_wgrad", geometry, image, output)
        return super().conv_backward_filter(geometry, image, output) if out is None else out

    def take_workspaces(self) -> Workspaces:
        used, THREAD.workspaces = THREAD.workspaces, Workspaces()
        return used


CUDNN = CudnnEngine()


def _convolve(operation: str, geometry: ConvGeometry, first: Array, second: Array) -> Array | None:
    """One of the three primitives; None where cuDNN has no plan for it."""
    if geometry.multiplications == 0:
        return None
    import cupy

    own = session()
    plan = own.plan(operation, geometry, first.dtype)
    if plan is None:
        return None
    first, second = _acceptable(first, own.device), _acceptable(second, own.device)
    out = cupy.empty(plan.shape, first.dtype)
    own.run(plan, {FIRST: first.data.ptr, SECOND: second.data.ptr, OUT: out.data.ptr})
    THREAD.workspaces = THREAD.workspaces._replace(**{FIELDS[operation]: plan.workspace})
    return out


def _acceptable(array: Array, device: int) -> Array:
    """An array that cuDNN may read: the one given, or a copy."""
    if array.data.device_id != device:  # cuDNN would read whatever has that address here
        raise ValueError(f"The array is on GPU {array.data.device_id}, the current one is GPU {device}.")
    aligned = array.flags.c_contiguous and array.data.ptr % ALIGNMENT == 0
    return array if aligned else array.copy(order="C")


def _with_biases(out: Array, biases: Array | None) -> Array:
    if biases is not None:
        out += biases[:, None, None]
    return out
