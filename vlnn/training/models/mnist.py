"""cnn_mnist_init: LeNet for 28x28 digits."""

from __future__ import annotations

from typing import Any

import numpy as np

from vlnn.dagnn import DagNN
from vlnn.dagnn.reading import options_of
from vlnn.matlab.values import Struct
from vlnn.simplenn import SimpleNN
from vlnn.training.initialisation import Size, gaussian
from vlnn.training.models.chains import TOP1, TOP5, bnorm, conv, finished, pool

DEFAULTS: dict[str, Any] = {"batchNormalization": True, "networkType": "simplenn", "rng": 0}
WITH_BNORM = 3  # of the four convolutions


def cnn_mnist_init(*args: Any, **opts: Any) -> SimpleNN | DagNN:
    """A LeNet for MNIST: 28x28 grey images, ten classes.

    Options, as pairs ('networkType', 'dagnn') or keywords (networkType='dagnn'), in any case
    -----------------------------------------------------------------------------------------
    batchNormalization : True
        Normalise after each convolution but the last one, which then have no biases.
    networkType : 'simplenn'
        'simplenn' or 'dagnn'. A DagNN has the variables input, label, prediction, objective, error and top5err.
    rng : 0
        Where filters are drawn from: a ``numpy.random.Generator`` or a seed, None for another one each time.

    Returns
    -------
    net : SimpleNN or DagNN
        Its meta has inputSize, and in trainOpts what cnn_train needs: 20 epochs of batches of 100 at the rate 0.001.

    Raises
    ------
    MatConvNetError
        "Unknown parameter 'x'" and other sentences of vl_argparse.

    Differs from MatConvNet: the filters have its distribution, normal with a deviation of 0.01, not MATLAB's numbers.

    Source: cnn_mnist_init.m of 1.0-beta25; LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to
    document recognition", 1998.

    >>> import vlnn
    >>> vlnn.cnn_mnist_init(batchNormalization=False)
    SimpleNN(8 layers: conv, pool, conv, pool, conv, relu, conv, softmaxloss)
    """
    options = options_of(DEFAULTS, args, opts)
    rng = np.random.default_rng(options["rng"])

    def convolution(size: Size) -> Struct:
        return conv(gaussian(size, 0.01, rng), np.zeros((1, size[3]), np.float32))

    layers = [
        convolution((5, 5, 1, 20)),
        pool("max", 2, 2),
        convolution((5, 5, 20, 50)),
        pool("max", 2, 2),
        convolution((4, 4, 50, 500)),
        Struct(type="relu"),
        convolution((1, 1, 500, 10)),
        Struct(type="softmaxloss"),
    ]
    if options["batchNormalization"]:
        layers = _normalised(layers)
    meta = Struct(inputSize=[28, 28, 1], trainOpts=Struct(learningRate=0.001, numEpochs=20, batchSize=100))
    return finished(layers, meta, options["networkType"], {"top1err": ("error", TOP1), "top5err": ("top5err", TOP5)})


def _normalised(layers: list[Struct]) -> list[Struct]:
    """The layers with a bnorm after each of the first convolutions, whose biases it replaces."""
    found: list[Struct] = []
    count = 0
    for layer in layers:
        found.append(layer)
        if layer.type == "conv" and count < WITH_BNORM:
            count += 1
            filters = layer.weights[0]
            layer.weights = [filters, np.zeros((0, 0), np.float32)]
            found.append(bnorm(filters.shape[3], [1, 1, 0.05]))
    return found
