"""SimpleNN: networks that are a chain of layers."""

from vlnn.simplenn.layers import register
from vlnn.simplenn.network import SimpleNN

__all__ = ["SimpleNN", "register"]
