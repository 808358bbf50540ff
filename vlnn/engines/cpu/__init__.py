"""The engine for NumPy arrays: NumPy alone, on all cores."""

from vlnn.engines.cpu.channels import Channels
from vlnn.engines.cpu.convolution import Convolution
from vlnn.engines.cpu.elementwise import Elementwise
from vlnn.engines.cpu.losses import Losses
from vlnn.engines.cpu.normalisation import Normalisation
from vlnn.engines.cpu.pooling import Pooling
from vlnn.engines.cpu.sampling import Sampling


class CpuEngine(Channels, Convolution, Elementwise, Losses, Normalisation, Pooling, Sampling):
    """All that blocks ask of an engine, one base for each family of operations."""


CPU = CpuEngine()
