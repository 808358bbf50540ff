"""The engine for NumPy arrays: NumPy alone, on all cores."""

from vlnn.engines.cpu.convolution import Convolution
from vlnn.engines.cpu.sampling import Sampling


class CpuEngine(Convolution, Sampling):
    """All that blocks ask of an engine, one base for each family of operations."""


CPU = CpuEngine()
