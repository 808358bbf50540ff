"""Running .pt files, to see that they are what they should be."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch

from vlnn.convert.torch.files import load
from vlnn.dagnn.arithmetic import size_of
from vlnn.errors import ConversionError
from vlnn.matlab.arrays import Array

LARGE = 2**26  # bytes


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
    weights = list(module.state_dict().values())
    dtype = weights[0].dtype if weights else torch.float32
    given = [torch.tensor(inputs[name].reshape(size_of(inputs[name])).transpose(3, 2, 0, 1)) for name in module.inputs]
    try:
        with torch.no_grad(), _sparing(sum(weight.nbytes for weight in weights)):
            values = module(*(tensor.to(dtype) for tensor in given), outputs=module.variables)
    except RuntimeError as error:
        raise ConversionError(f"{path}: PyTorch: {str(error).splitlines()[0]}") from None
    return {name: value.numpy().transpose(2, 3, 1, 0) for name, value in values.items()}


@contextmanager
def _sparing(weights: int) -> Iterator[None]:
    """Without oneDNN, which is faster but works on copies of the weights, where these have many bytes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it speaks of GPUs that are not there
        with torch.backends.mkldnn.flags(enabled=weights < LARGE):
            yield
