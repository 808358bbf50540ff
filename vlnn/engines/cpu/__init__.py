"""The engine for NumPy arrays: NumPy alone, on all cores."""

from vlnn.engines.cpu.convolution import Convolution


class CpuEngine(Convolution):
    """All that blocks ask of an engine, one base for each family of operations."""


CPU = CpuEngine()
