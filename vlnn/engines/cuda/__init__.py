"""The engine for CuPy's arrays without cuDNN: cuBLAS, and kernels of our own."""

from vlnn.engines.cuda.batches import Batches
from vlnn.engines.cuda.convolution import Convolution
from vlnn.engines.cuda.elementwise import Elementwise
from vlnn.engines.cuda.pooling import Pooling


class CudaEngine(Batches, Convolution, Elementwise, Pooling):
    """All that blocks ask of an engine, one base for each family of operations."""


CUDA = CudaEngine()
