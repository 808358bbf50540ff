"""The engine for CuPy's arrays: cuBLAS and vlnn's own kernels."""

from vlnn.engines.cpu import CpuEngine


class CudaEngine(CpuEngine):
    """Stands where the CUDA engine will."""


CUDA = CudaEngine()
