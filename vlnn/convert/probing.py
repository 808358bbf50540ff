"""Inputs to try a network on: random ones, of a size that it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vlnn.convert import npz
from vlnn.convert.changes import unchanged
from vlnn.convert.evaluation import NOISE, Evaluation, evaluate, inputs_of
from vlnn.convert.weights import Network
from vlnn.dagnn import LRN, BatchNorm, Conv, ConvTranspose, DropOut, Pooling, ReLU, Sigmoid
from vlnn.errors import ConversionError, MatConvNetError
from vlnn.matlab.arguments import plain
from vlnn.matlab.arrays import Array, is_array
from vlnn.matlab.matfile import loadmat
from vlnn.simplenn import SimpleNN
from vlnn.simplenn.formats import cells

SIDES = (32, 64, 128, 224, 256)  # of images that are tried where the network says nothing
DEPTHS = (3, 1)
SEED = 0
IMAGES = 2
MOST = 4096  # pixels on a side that net.meta is believed
KINDS = {
    Conv: "conv",
    ConvTranspose: "convt",
    BatchNorm: "bnorm",
    ReLU: "relu",
    Sigmoid: "sigmoid",
    DropOut: "dropout",
    Pooling: "pool",
    LRN: "lrn",
}
PASSED = ("relu", "sigmoid", "dropout", "pool", "lrn", "normalize", "noffset", "spnorm")  # channels stay


class Probe(NamedTuple):
    """Inputs by their names, and what a network computes from them."""

    inputs: dict[str, Array]
    evaluation: Evaluation


def probe(
    net: Network,
    given: Mapping[str, Array] | None = None,
    size: Sequence[int] | None = None,
    before: Callable[[Array], Array] = unchanged,
) -> Probe:
    """Run a network on the inputs given, or on the first random ones of a size that it takes.

    Parameters
    ----------
    given : dict, optional
        The inputs by their names; the name of the only one does not matter.
    size : height, width and, optionally, channels, optional
        Of random inputs. By default the size is the one in net.meta, or the smallest that works.
    before : function, optional
        What is done to inputs before the network gets them.

    Raises
    ------
    ConversionError
        The network takes none of them.
    """
    names = inputs_of(net)
    refusal: Exception | None = None
    for inputs in _random(net, names, size) if given is None else [_named(given, names)]:
        found, refusal = _attempt(net, {name: x if name == NOISE else before(x) for name, x in inputs.items()})
        if found is not None:
            return Probe(inputs, found)
    what = "the input given" if given is not None else "any random input; give it one with --input"
    raise ConversionError(f"The network does not run on {what}: {refusal or 'it has none'}")


def _attempt(net: Network, inputs: Mapping[str, Array]) -> tuple[Evaluation | None, Exception | None]:
    """A network's variables, or why it refused."""
    try:
        return evaluate(net, inputs), None
    except (MatConvNetError, NotImplementedError) as error:
        return None, error


def _named(given: Mapping[str, Array], names: Sequence[str]) -> dict[str, Array]:
    if len(given) == len(names) == 1:
        return dict(zip(names, given.values(), strict=True))
    missing, unknown = [name for name in names if name not in given], [name for name in given if name not in names]
    if missing or unknown:
        raise ConversionError(
            f"The network's inputs are {', '.join(names) or 'none'}. Received {', '.join(given) or 'nothing'}."
        )
    return dict(given)


def _random(net: Network, names: Sequence[str], size: Sequence[int] | None) -> Iterator[dict[str, Array]]:
    """Inputs of more and more sizes; the same in every run."""
    images = [name for name in names if name != NOISE]
    declared = {name: tuple(size) if size else _declared(net, name, len(images) == 1) for name in images}
    declared |= {name: (1, 1) for name in names if name == NOISE}
    depths = {name: found[2:3] or _depths(net, name) for name, found in declared.items()}
    for side in SIDES[:1] if all(len(found) >= 2 for found in declared.values()) else SIDES:
        for choice in range(max(map(len, depths.values()), default=0)):
            generator = np.random.default_rng(SEED)
            inputs = {}
            for name in names:
                height, width = (*declared[name], side, side)[:2]
                depth = depths[name][min(choice, len(depths[name]) - 1)]
                inputs[name] = generator.standard_normal((IMAGES, depth, width, height), np.float32).T
            yield inputs


def _declared(net: Network, name: str, alone: bool) -> tuple[int, ...]:
    """The size of an input that net.meta states: height, width and, as the case may be, channels."""
    meta: Any = net.meta if isinstance(net.meta, Mapping) else {}
    listed = meta.get("inputs")
    entries = [listed] if isinstance(listed, Mapping) else cells(listed)
    sizes = [each.get("size") for each in entries if isinstance(each, Mapping) and each.get("name") == name]
    if alone:
        normalization = meta.get("normalization")
        sizes += [normalization.get("imageSize") if isinstance(normalization, Mapping) else None, meta.get("inputSize")]
    for size in sizes:
        numbers = [] if size is None else plain(size) or []
        if len(numbers) >= 2 and all(1 <= number <= MOST for number in numbers[:3]):
            return tuple(int(number) for number in numbers[:3])
    return ()


def _depths(net: Network, name: str) -> Sequence[int]:
    """How many channels an input may have, the likeliest first."""
    for kind, weights in _layers_after(net, name):
        if kind in ("conv", "convt") and weights:
            filters = (*weights[0].shape, 1, 1, 1)
            depth = filters[2] if kind == "conv" else filters[3]
            grouped = [count for count in DEPTHS if count > depth and count % depth == 0]
            return [depth, *grouped] if kind == "conv" else [depth]
        if kind == "bnorm" and weights:
            return [weights[0].size]
        if kind not in PASSED:
            break
    return DEPTHS


def _layers_after(net: Network, name: str) -> Iterator[tuple[str, list[Array]]]:
    """The type and the weights of each layer that an input goes through."""
    if isinstance(net, SimpleNN):
        for layer in net.layers:
            yield layer.type, [weight for weight in cells(layer.get("weights")) if is_array(weight) and weight.size]
        return
    position: float = net.getVarIndex(name)
    while True:
        readers = [layer for layer in net.layers if position in layer.inputIndexes]
        if not readers:
            return
        layer = next((each for each in readers if type(each.block) in KINDS), readers[0])
        values = [net.params[p].value for p in layer.paramIndexes]
        yield KINDS.get(type(layer.block), ""), [value for value in values if is_array(value) and value.size]
        position = layer.outputIndexes[0]


def read_inputs(path: Path) -> dict[str, Array]:
    """Inputs by their names from a .npz or .mat file, or one from a .npy file.

    Raises
    ------
    ConversionError
        The file is damaged, or has something else than real numbers.
    """
    match path.suffix.lower():
        case ".npy":
            try:
                found: Mapping[str, Any] = {"": np.load(path, allow_pickle=False)}
            except (ValueError, EOFError) as error:
                raise ConversionError(f"{path}: it is no array, or damaged: {error}.") from None
        case ".npz":
            found = npz.read(path).arrays
        case ".mat":
            found = loadmat(path)
        case _:
            raise ConversionError(f"{path}: inputs are in .npy, .npz and .mat files.")
    for name, value in found.items():
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "iufb" or not value.size or value.ndim > 4:
            raise ConversionError(f"{path}: {name or 'its array'} is no real array of up to four dimensions.")
    return {name: np.asfortranarray(value, np.result_type(value, np.float32)) for name, value in found.items()}
