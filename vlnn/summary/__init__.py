"""What a network is made of: its layers with sizes, receptive fields, parameters and memory, and its graph drawn."""

from vlnn.summary.figures import LayerSummary, NetworkSummary
from vlnn.summary.network import BYTES, summarise
from vlnn.summary.statistics import Statistics, statistics

__all__ = ["BYTES", "LayerSummary", "NetworkSummary", "Statistics", "statistics", "summarise"]
