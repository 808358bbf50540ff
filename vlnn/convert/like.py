"""Weights alone, put into a network that is there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from vlnn.convert.checkpoint import Checkpoint
from vlnn.convert.weights import Network, layer_names, weights_of
from vlnn.dagnn import BatchNorm, DagNN
from vlnn.dagnn.arithmetic import size_of
from vlnn.errors import ConversionError
from vlnn.matlab.arrays import Array
from vlnn.matlab.matfile.limits import by

# Which of a file's dimensions are MATLAB's FH, FW, C and K.
LAYOUTS = {"matlab": (0, 1, 2, 3), "torch": (2, 3, 1, 0), "reversed": (3, 2, 1, 0)}
MOST_NAMES = 8  # in a message


class Slot(NamedTuple):
    """A place for a weight.

    Attributes
    ----------
    name : str
        That of :class:`Checkpoint`.
    others : tuple of str
        Those that other programs may have for it.
    value : array
        What is there.
    epsilon : float or None
        For moments, that of the layer.
    """

    name: str
    others: tuple[str, ...]
    value: Array
    epsilon: float | None


def filled(net: Network, source: Checkpoint, layout: str) -> Network:
    """A network like another, with the weights in a file.

    Each weight takes the array of its name: that of :class:`Checkpoint`, or '<layer>.weight' and '<layer>.bias', as
    PyTorch calls filters, multipliers and biases. Moments are also made of '<layer>.running_mean' and
    '<layer>.running_var', where sigma is the square root of the variance and epsilon together; or of '<layer>.mean' and
    '<layer>.sigma', as the modules of :func:`vlnn.convert.torch.to_module` have them.

    Parameters
    ----------
    net : SimpleNN or DagNN
        It stays as it is.
    source : Checkpoint
        The file.
    layout : 'matlab', 'torch' or 'reversed'
        Filters in the file are (FH, FW, C, K), (K, C, FH, FW) or (K, C, FW, FH), those of a transposed convolution with
        C and K exchanged; filters of two dimensions, as those of PyTorch's Linear, are (K, C FH FW). What vlnn has
        described is as MATLAB has it, whatever is said here.

    Raises
    ------
    ConversionError
        A weight has no array, or one of another size.
    """
    base, layout = Checkpoint.of(net), "matlab" if source.description else layout
    found, missing, left = {}, [], dict.fromkeys(source.arrays)
    for slot in _slots(net):
        name = next((name for name in (slot.name, *slot.others) if name in source.arrays), None)
        statistics = [] if slot.epsilon is None else _statistics(slot, source)
        if name is not None:
            left.pop(name, None)
            found[slot.name] = _arranged(name, source.arrays[name], slot.value, layout)
        elif statistics:
            mean, sigma = (np.asarray(source.arrays[each], np.float64).ravel() for each in statistics)
            if statistics[1].endswith("var"):
                sigma = np.sqrt(sigma + (slot.epsilon or 0))
            moments = np.stack([mean, sigma], axis=1)
            found[slot.name] = _arranged(statistics[0], moments, slot.value, "matlab")
            left = {each: None for each in left if each not in statistics}
        else:
            missing.append(slot.name)
    if missing:
        raise ConversionError(f"The file has no array for {_some(missing)}; others in it are {_some(list(left))}.")
    return Checkpoint(base.description, {**base.arrays, **found}).network()


def _statistics(slot: Slot, source: Checkpoint) -> list[str]:
    """The names of the arrays of which moments can be made; none if they are not there."""
    running = slot.others[-1]
    layer = running.removesuffix("running")
    pairs = [[f"{running}_mean", f"{running}_var"], [f"{layer}mean", f"{layer}sigma"]]
    return next((pair for pair in pairs if set(pair) <= source.arrays.keys()), [])


def _slots(net: Network) -> list[Slot]:
    slots = []
    for (layer, at), value in weights_of(net).items():
        name, epsilon = f"{layer}.weights.{at}", None
        if isinstance(net, DagNN):
            record = net.getLayer(layer)
            name = record.params[at]
            epsilon = float(record.block.epsilon) if isinstance(record.block, BatchNorm) and at == 2 else None
        elif at == 2:
            epsilon = float(np.ravel(net.layers[layer_names(net).index(layer)].get("epsilon", 1e-5))[0])
        others = (f"{layer}.{('weight', 'bias', 'running')[at]}",) if at < 3 else (name,)
        slots.append(Slot(name, others, value, epsilon))
    return slots


def _arranged(name: str, array: Array, old: Array, layout: str) -> Array:
    """The array of a file as MATLAB has it, of the class and size of another."""
    size = size_of(old)
    if old.size in (max(size), 0) and array.size == old.size:
        return _as(old, array.ravel())
    if old.ndim == 2 and size[1] == 2:  # moments
        if array.shape in (old.shape, old.shape[::-1]):
            return _as(old, array if array.shape == old.shape else array.T)
    else:
        if array.ndim == 2 and layout == "torch" and array.size == old.size:
            array = array.reshape(size[3], size[2], *size[:2])
        four = array.reshape(size_of(array))
        if four.ndim == 4 and four.transpose(LAYOUTS[layout]).shape == size:
            return _as(old, four.transpose(LAYOUTS[layout]))
    raise ConversionError(f"The array '{name}' is {by(array.shape)}, which is not {by(size)} in the layout {layout}.")


def _as(old: Array, array: Array) -> Array:
    return np.asfortranarray(array, old.dtype).reshape(old.shape, order="F")


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:MOST_NAMES]) or "none"
    return f"{shown} and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else shown
