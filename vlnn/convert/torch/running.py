"""Running .pt files, to see that they are what they should be."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from vlnn.convert.torch.files import load
from vlnn.dagnn.arithmetic import size_of
from vlnn.errors import ConversionError
from vlnn.matlab.arrays import Array


def run(path: Path, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """Run a network that :func:`vlnn.convert.torch.write` has written, in PyTorch.

    Parameters
    ----------
    path : path
    inputs : dict of str: (H, W, C, N) array

    Returns
    -------
    values : dict of str: (H, W, C, N) array
        Every variable of the network.

    Raises
    ------
    ConversionError
        What PyTorch objects to.
    """
    module = load(path)
    dtype = next((weight.dtype for weight in module.state_dict().values()), torch.float32)
    given = [torch.tensor(inputs[name].reshape(size_of(inputs[name])).transpose(3, 2, 0, 1)) for name in module.inputs]
    try:
        with torch.no_grad():
            values = module(*(tensor.to(dtype) for tensor in given), outputs=module.variables)
    except RuntimeError as error:
        raise ConversionError(f"{path}: PyTorch: {str(error).splitlines()[0]}") from None
    return {name: value.numpy().transpose(2, 3, 1, 0) for name, value in values.items()}
