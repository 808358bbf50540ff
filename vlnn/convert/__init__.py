"""Networks in other formats than MATLAB's."""

from vlnn.convert.checkpoint import Checkpoint

__all__ = ["Checkpoint"]
