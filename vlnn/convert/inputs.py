"""What a network does with its input: the order of its colours, and preprocessing, changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from vlnn import dagnn
from vlnn.convert.changes import Changed
from vlnn.convert.evaluation import INPUT, inputs_of
from vlnn.convert.weights import Network, layer_names, sharing
from vlnn.dagnn import DagNN
from vlnn.dagnn.arithmetic import size_of
from vlnn.errors import ConversionError
from vlnn.matlab.arrays import Array
from vlnn.matlab.matfile.limits import by
from vlnn.matlab.values import Cell, Struct
from vlnn.preprocessing import Normalization
from vlnn.simplenn import SimpleNN
from vlnn.simplenn.formats import cells, current_layers

ORDERS = ("rgb", "bgr")
ORDER = "colorOrder"  # the field of meta.normalization in which vlnn notes it
COLOURS = ("averageImage", "imageStd", "imageMean")  # fields with a number for each colour
PREPROCESSING = "preprocessing"
PASSED = ("relu", "sigmoid", "dropout", "pool")


def flip_colours(net: Network, order: str) -> Changed:
    """Let a network take its pictures' colours in another order: 'rgb' or 'bgr'.

    The channels of the filters that see the pictures are reversed, and those of the average image. What order a network
    takes is in meta.normalization.colorOrder, where vlnn notes it; without that it is taken to be the other one.

    Raises
    ------
    ConversionError
        For a network whose input does not go into a convolution of three channels.
    """
    normalization = _normalization(net)
    if str(normalization.get(ORDER, "")).lower() == order:
        return Changed(net, notes=(f"The network takes {order.upper()} already.",))
    flipped = _flipped_chain(net) if isinstance(net, SimpleNN) else _flipped_graph(net)
    fields = {name: _reversed(normalization[name]) for name in COLOURS if _is_of_colours(normalization.get(name))}
    flipped.meta = Struct(flipped.meta, normalization=Struct(normalization, **fields, **{ORDER: order}))
    if _is_of_colours(flipped.meta.get("imageMean")):
        flipped.meta["imageMean"] = _reversed(flipped.meta["imageMean"])
    other = ORDERS[1 - ORDERS.index(order)].upper()
    return Changed(flipped, before=_channels_reversed, notes=(f"It took {other} and takes {order.upper()} now.",))


def with_preprocessing(net: Network) -> Changed:
    """Put what meta.normalization asks for in front of a network.

    The network then takes pictures from 0 to 255, of the size that it was made for; resizing and cropping them is not
    in it. A convolution of 1 x 1 named 'preprocessing' scales colours and subtracts their averages. An average image
    whose pixels differ is subtracted by layers of a DagNN: a convolution makes the number 1 of a picture, a transposed
    one the image of that, and a sum takes both.

    Raises
    ------
    ConversionError
        Where nothing is asked for, or a SimpleNN should subtract an image: it has no layer that does.
    """
    normalization = Normalization.of(net)
    average, deviation, scale = normalization.average, normalization.deviation, normalization.scale
    if not average.any() and deviation is None and scale == 1:
        raise ConversionError("net.meta asks for no preprocessing: there is no average image and no deviation.")
    differs = bool((average != average[:1, :1]).any())
    if differs and isinstance(net, SimpleNN):
        raise ConversionError(
            f"The average image of {by(average.shape)} differs from pixel to pixel, and a SimpleNN has no layer that "
            "subtracts it: make it a DagNN (--kind dagnn)."
        )
    channels = normalization.channels or average.shape[2]
    spread = np.ones(channels) if deviation is None else np.broadcast_to(deviation.ravel(), (channels,))
    factors = (scale / spread).astype(np.float32)
    offset = np.asfortranarray(np.broadcast_to(-average / spread, (*average.shape[:2], channels)), np.float32)
    biases = np.zeros(channels, np.float32) if differs else offset[0, 0]
    weights = [np.asfortranarray(np.diag(factors)[None, None]), biases.reshape(-1, 1)]
    if isinstance(net, SimpleNN):
        first = _before_chain(net, weights)
    else:
        first = _before_graph(net, weights, offset if differs else None)
    normalized = Struct({name: value for name, value in _normalization(net).items() if name not in COLOURS})
    first.net.meta = Struct({name: value for name, value in net.meta.items() if name not in COLOURS})
    first.net.meta.normalization = normalized
    return Changed(
        first.net,
        first.renamed,
        lambda x: x * factors.reshape(1, 1, -1, 1) + (offset if differs else offset[:1, :1])[..., None],
        ("It takes pictures from 0 to 255 now, and subtracts the average itself.",),
    )


def _normalization(net: Network) -> Mapping[str, Any]:
    found = net.meta.get("normalization")
    return found if isinstance(found, Mapping) else {}


def _is_of_colours(value: Any) -> bool:
    return isinstance(value, np.ndarray) and (value.size == 3 or (value.ndim == 3 and value.shape[2] == 3))


def _reversed(value: Array) -> Array:
    """An average of three colours, or an average image, with its colours the other way round."""
    if value.size == 3:
        return np.asfortranarray(value.ravel()[::-1].reshape(value.shape))
    return np.asfortranarray(value[:, :, ::-1])


def _channels_reversed(x: Array) -> Array:
    return np.asfortranarray(x[:, :, ::-1])


def _flipped_filters(filters: Any, layer: str) -> Array:
    if filters is None or size_of(filters)[2] != 3:
        raise ConversionError(
            f"The colours cannot be exchanged: layer '{layer}' is no convolution of three channels, into which the "
            "input goes."
        )
    return np.asfortranarray(filters[:, :, ::-1])


def _flipped_chain(net: SimpleNN) -> SimpleNN:
    layers, names = current_layers(net), layer_names(net)
    at = next((at for at, layer in enumerate(layers) if layer.type not in PASSED), 0)
    weights = cells(layers[at].get("weights")) if layers and layers[at].type == "conv" else []
    filters = _flipped_filters(weights[0] if weights else None, names[at] if names else "")
    layers[at] = Struct(layers[at], weights=Cell([filters, *weights[1:]]))
    return SimpleNN(layers, net.meta)


def _flipped_graph(net: DagNN) -> DagNN:
    shared = sharing(net)
    name = _only_input(shared)
    for layer in [layer for layer in shared.layers if name in layer.inputs]:
        params = [shared.params[p] for p in layer.paramIndexes]
        usable = isinstance(layer.block, dagnn.Conv) and params and params[0].fanout == 1
        filters = _flipped_filters(params[0].value if usable else None, layer.name)
        params[0].value = filters
    return shared


def _only_input(net: DagNN) -> str:
    names = inputs_of(net)
    if len(names) != 1:
        raise ConversionError(f"The network has {len(names)} inputs: {', '.join(names)}. One was expected.")
    return names[0]


def _before_chain(net: SimpleNN, weights: list[Array]) -> Changed:
    layers = [Struct(layer, name=name) for layer, name in zip(current_layers(net), layer_names(net), strict=True)]
    rates = {"learningRate": np.zeros((1, 2)), "weightDecay": np.zeros((1, 2))}
    first = Struct(type="conv", name=PREPROCESSING, weights=Cell(weights), pad=0, stride=1, **rates)
    changed = SimpleNN(current_layers(SimpleNN([first, *layers])), net.meta)
    return Changed(changed, {layer_names(changed)[0]: INPUT})


def _before_graph(net: DagNN, weights: list[Array], image: Array | None) -> Changed:
    shared = sharing(net)
    name = _only_input(shared)
    readers = [layer for layer in shared.layers if name in layer.inputs]
    prepared, scaled = f"{name}_{PREPROCESSING}", f"{name}_scaled"
    _add(shared, PREPROCESSING, dagnn.Conv(size=weights[0].shape), name, prepared if image is None else scaled, weights)
    if image is not None:
        ones = [np.zeros((*image.shape, 1), np.float32, order="F"), np.ones((1, 1), np.float32)]
        one, average = f"{PREPROCESSING}_one", f"{PREPROCESSING}_average"
        _add(shared, one, dagnn.Conv(size=ones[0].shape), name, one, ones)
        _add(
            shared,
            average,
            dagnn.ConvTranspose(size=(*image.shape, 1), hasBias=False),
            one,
            average,
            [image[..., None]],
        )
        shared.addLayer(f"{PREPROCESSING}_sum", dagnn.Sum(), [scaled, average], prepared)
    for layer in readers:
        shared.setLayerInputs(layer.name, [prepared if each == name else each for each in layer.inputs])
    return Changed(shared, {prepared: name})


def _add(net: DagNN, layer: str, block: dagnn.Layer, source: str, target: str, values: list[Array]) -> None:
    """Add a layer whose parameters are not to be trained."""
    names = [f"{layer}_{suffix}" for suffix, _ in zip("fb", values, strict=False)]
    net.addLayer(layer, block, source, target, names)
    for name, value in zip(names, values, strict=True):
        param = net.getParam(name)
        param.value, param.learningRate, param.weightDecay = value, 0, 0
