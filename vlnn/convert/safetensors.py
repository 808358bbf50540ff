"""Networks as safetensors files.

Each array of the checkpoint is a tensor with its name. Its dimensions are reversed: filters of MATLAB's size
(FH, FW, C, K) are the tensor (K, C, FW, FH), which has the same bytes in the same order. The metadata has the
description under 'vlnn'.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from vlnn.convert.checkpoint import Checkpoint
from vlnn.errors import ConversionError

DESCRIPTION = "vlnn"


def write(checkpoint: Checkpoint, path: Path) -> None:
    """Write a checkpoint."""
    from safetensors.numpy import save_file

    # The library writes several entries of metadata in any order, which would make files differ.
    tensors = {name: np.asfortranarray(array).T for name, array in checkpoint.arrays.items()}
    save_file(tensors, path, metadata={DESCRIPTION: checkpoint.description})


def read(path: Path) -> Checkpoint:
    """Read a checkpoint. What other programs have written has no description, and its dimensions stay as they are.

    Raises
    ------
    ConversionError
        The file is damaged, or no safetensors file.
    OSError
        The file cannot be opened.
    """
    from safetensors import SafetensorError, safe_open

    path.open("rb").close()  # the library names no file that cannot be opened
    try:
        with safe_open(path, framework="np", backend="pread") as file:
            description = (file.metadata() or {}).get(DESCRIPTION, "")
            tensors: dict[str, Any] = file.get_tensors()
    except (SafetensorError, ValueError, TypeError, AttributeError, KeyError) as error:
        raise ConversionError(f"{path}: it is no safetensors file, or damaged: {error}.") from None
    return Checkpoint(description, {name: array.T for name, array in tensors.items()} if description else tensors)
