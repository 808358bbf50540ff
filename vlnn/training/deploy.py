"""cnn_imagenet_deploy: a trained network without what only training needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from vlnn.dagnn import BatchNorm, Conv, DagNN, DropOut, Layer, Loss, SoftMax
from vlnn.dagnn.folding import Folded, folded
from vlnn.dagnn.records import LayerRecord
from vlnn.errors import MatConvNetError
from vlnn.matlab.argparse import absent
from vlnn.matlab.arguments import received
from vlnn.matlab.devices import move_to
from vlnn.matlab.values import Struct
from vlnn.simplenn import SimpleNN
from vlnn.simplenn.formats import cells, place
from vlnn.simplenn.move import vl_simplenn_move
from vlnn.simplenn.tidy import vl_simplenn_tidy

LIMIT = "cudnnworkspacelimit"
NOT_PRECEDED = "Batch normalization cannot be merged as it is not preceded by a conv layer."


def cnn_imagenet_deploy(net: Any) -> SimpleNN | DagNN:
    """Prepare a trained network for use.

    Losses and dropout are removed, a softmax 'prob' is added at the end, batch normalisation becomes part of the
    convolution before it, and convolutions forget CudnnWorkspaceLimit.

    Parameters
    ----------
    net : struct of a SimpleNN, or DagNN
        Trained: the moments of its batch normalisation are used.

    Returns
    -------
    net : SimpleNN or DagNN
        A new SimpleNN on the CPU, also without its momenta. A DagNN is changed itself, as in MatConvNet; the variable
        that a removed layer wrote has the name of the one that it read.

    Raises
    ------
    MatConvNetError
        "Batch normalization cannot be merged as it is not preceded by a conv layer."; also where others read what the
        convolution gives, where moments are missing, or zero as they are before training. A DagNN is left as it was.

    Differs from MatConvNet, which adds the offset of the normalisation to the old biases without scaling them, so that
    a network with biases before a bnorm (AlexNet's, VGG's) computes something else when deployed; and which never finds
    the option CudnnWorkspaceLimit. Layers of type 'loss' are removed as well as 'softmaxloss'. The softmax of a DagNN
    reads what its softmaxlog loss read, which need not be called 'prediction'; a network that ends in a softmax gets
    no second one.

    Source: cnn_imagenet_deploy.m of 1.0-beta25.

    >>> import vlnn
    >>> net = vlnn.cnn_cifar_init_nin()
    >>> vlnn.cnn_imagenet_deploy(net).layers[-1]
    Struct(type='softmax', name='prob', weights=[], precious=False)
    """
    return (
        _deployed_graph(net)
        if isinstance(net, DagNN)
        else _deployed_chain(vl_simplenn_tidy(vl_simplenn_move(net, "cpu")))
    )


def merged(filters: Any, biases: Any, weights: Sequence[Any], where: str) -> Folded:
    """A convolution with the normalisation after it; an error says why that cannot be."""
    if len(weights) < 3 or any(map(absent, weights[:3])):
        raise MatConvNetError(f"{where} has no moments. Received {len(weights)} weights; three are needed.")
    found = folded(filters, [] if absent(biases) else biases, list(weights[:3]), None)
    if found is not None:
        return found
    if not np.ravel(weights[2], order="F")[np.size(weights[2]) // 2 :].all():
        raise MatConvNetError(f"{where} has moments with a deviation of 0: it has not been trained.")
    raise MatConvNetError(
        f"{where} does not fit the convolution before it. Received {received(filters)}, multipliers "
        f"{received(weights[0])} and moments {received(weights[2])}."
    )


def without_limit(options: Any) -> list[Any]:
    """A cell of options without CudnnWorkspaceLimit and its value, in any case."""
    given = cells(options)
    kept: list[Any] = []
    position = 0
    while position < len(given):
        if isinstance(given[position], str) and given[position].lower() == LIMIT:
            position += 2
            continue
        kept.append(given[position])
        position += 1
    return kept


def _deployed_chain(net: SimpleNN) -> SimpleNN:
    dropped = ("softmaxloss", "loss", "dropout")
    layers: list[Struct] = []
    for layer in net.layers:
        if layer.type in dropped:
            continue
        if layer.type != "bnorm":
            layers.append(Struct({name: value for name, value in layer.items() if name != "momentum"}))
            continue
        where = place([*layers, layer], len(layers))
        if not layers or layers[-1].type != "conv":
            raise MatConvNetError(f"{NOT_PRECEDED} This is {where}.")
        before = layers[-1]
        filters, biases = (*before.weights, None)[:2]
        before.weights = list(merged(filters, biases, layer.weights, where))
    for layer in layers:
        if layer.type == "conv":
            layer.opts = without_limit(layer.opts)
    if not layers or layers[-1].type != "softmax":
        layers.append(Struct(type="softmax", name="prob"))
    return vl_simplenn_tidy(SimpleNN(layers, net.meta))  # type: ignore[no-any-return]


def _deployed_graph(net: DagNN) -> DagNN:
    normalisations = [layer for layer in net.layers if isinstance(layer.block, BatchNorm)]
    convolutions = [_merged_in_graph(net, layer) for layer in normalisations]  # all errors come before anything changes
    if not any(isinstance(layer.block, SoftMax) and layer.outputs[0] in net.getOutputs() for layer in net.layers):
        net.addLayer("prob", SoftMax(), _prediction(net), "prob")
    _remove(net, Loss)
    _remove(net, DropOut)
    for name, values in convolutions:
        layer = net.getLayer(name)
        if not layer.block.hasBias:
            layer.block.hasBias = True
            net.setLayerParams(name, [layer.params[0], f"{name}_b"])
        for param, value in zip(layer.params, values, strict=True):
            net.getParam(param).value = move_to(value, net.device)
    _remove(net, BatchNorm)
    for layer in net.layers:
        if isinstance(layer.block, Conv):
            layer.block.opts = without_limit(layer.block.opts)
    return net


def _merged_in_graph(net: DagNN, normalisation: LayerRecord) -> tuple[str, Folded]:
    """The name of the convolution before a normalisation, dropout aside, and its filters and biases with both."""
    where = f"layer '{normalisation.name}'"
    variable = normalisation.inputs[0]
    while True:
        if net.getVar(variable).fanout > 1:
            raise MatConvNetError(f"{NOT_PRECEDED} Other layers than {where} read '{variable}', too.")
        layer = next((one for one in net.layers if variable in one.outputs), None)
        if layer is None or not isinstance(layer.block, DropOut):
            break
        variable = layer.inputs[0]
    if layer is None or not isinstance(layer.block, Conv):
        raise MatConvNetError(f"{NOT_PRECEDED} This is {where}, which reads '{variable}'.")
    shared = [name for name in layer.params if net.getParam(name).fanout > 1]
    if shared:
        raise MatConvNetError(f"{NOT_PRECEDED} Before {where}, other layers use the parameter '{shared[0]}', too.")
    values = [move_to(net.getParam(name).value, "cpu") for name in layer.params]
    weights = [move_to(net.getParam(name).value, "cpu") for name in normalisation.params]
    filters, biases = (*values, None)[:2]
    return layer.name, merged(filters, biases, weights, where)


def _prediction(net: DagNN) -> str:
    """The variable of which prob is the softmax."""
    if "prediction" in net.positions["vars"]:
        return "prediction"
    for layer in net.layers:
        if isinstance(layer.block, Loss) and layer.block.loss == "softmaxlog":
            return layer.inputs[0]
    raise MatConvNetError(
        "There is no variable 'prediction' and no softmaxlog loss: it is not known what prob is the softmax of. "
        f"Outputs of the network are {', '.join(net.getOutputs())}."
    )


def _remove(net: DagNN, kind: type[Layer]) -> None:
    """Remove the layers of a class; who read what they wrote reads what they read."""
    for layer in [layer for layer in net.layers if isinstance(layer.block, kind)]:
        net.removeLayer(layer.name)
        net.renameVar(layer.outputs[0], layer.inputs[0], quiet=True)
