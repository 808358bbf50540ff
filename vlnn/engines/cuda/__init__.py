"""The engine for CuPy's arrays without cuDNN: cuBLAS, and kernels of our own."""

from vlnn.engines.cuda.batches import Batches
from vlnn.engines.cuda.channels import Channels
from vlnn.engines.cuda.convolution import Convolution
from vlnn.engines.cuda.elementwise import Elementwise
from vlnn.engines.cuda.losses import Losses
from vlnn.engines.cuda.normalisation import Normalisation
from vlnn.engines.cuda.pooling import Pooling
from vlnn.engines.cuda.sampling import Sampling


class CudaEngine(Batches, Channels, Convolution, Elementwise, Losses, Normalisation, Pooling, Sampling):
    """All that blocks ask of an engine, one base for each family of operations."""


CUDA = CudaEngine()
