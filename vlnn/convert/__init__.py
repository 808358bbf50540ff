"""Networks in other formats than MATLAB's: ``load`` and ``save`` take all of them.

::

    conversion.py                        load, save
    checkpoint.py, description*.py       the one form that every format writes and reads
    formats.py                           the formats: mat.py, npz.py, safetensors.py, torch, onnx
    lowering.py, operations.py, ...      what graphs are made of, for torch and onnx
    kinds.py, losses.py, folding.py,     networks changed on the way
    inputs.py, half.py, like.py
    proof.py, comparison.py,             networks compared
    evaluation.py, probing.py, subjects.py
"""

from vlnn.convert.checkpoint import Checkpoint
from vlnn.convert.conversion import Changes, Check, load, save

__all__ = ["Changes", "Check", "Checkpoint", "load", "save"]
