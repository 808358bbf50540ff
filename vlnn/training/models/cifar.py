"""cnn_cifar_init and cnn_cifar_init_nin: networks for 32x32 colour images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from vlnn.dagnn import DagNN
from vlnn.dagnn.reading import options_of
from vlnn.matlab.values import Struct
from vlnn.simplenn import SimpleNN
from vlnn.training.initialisation import Size, gaussian
from vlnn.training.models.chains import TOP1, conv, finished, pool, training_options

DEFAULTS: dict[str, Any] = {"networkType": "simplenn", "rng": None}
AS_CAFFE = [0, 1, 0, 1]  # the pad with which floor gives the sizes that Caffe's ceil gives
RATES = [0.05] * 30 + [0.005] * 10 + [0.0005] * 5
NIN_RATES = [0.002, 0.01, 0.02] + [0.04] * 60 + [0.004] * 10 + [0.0004] * 10


def cnn_cifar_init(*args: Any, **opts: Any) -> SimpleNN | DagNN:
    """The 'lenet' for CIFAR-10, Caffe's CIFAR10-quick: 32x32 colour images, ten classes.

    Options, as pairs ('networkType', 'dagnn') or keywords (networkType='dagnn'), in any case
    -----------------------------------------------------------------------------------------
    networkType : 'simplenn'
        'simplenn' or 'dagnn'. A DagNN has the variables input, label, prediction, objective and error.
    rng : None
        Where filters are drawn from: a ``numpy.random.Generator`` or a seed, None for another one each time.

    Returns
    -------
    net : SimpleNN or DagNN
        Its meta has inputSize, and in trainOpts what cnn_train needs: 45 epochs of batches of 100.

    Raises
    ------
    MatConvNetError
        "Unknown parameter 'x'" and other sentences of vl_argparse.

    Differs from MatConvNet: filters have its distributions, not MATLAB's numbers.

    Source: cnn_cifar_init.m of 1.0-beta25.

    >>> import vlnn
    >>> vlnn.cnn_cifar_init(networkType='dagnn')
    DagNN(14 layers, input, label -> objective, error, mode 'normal', on the cpu)
    """
    options = options_of(DEFAULTS, args, opts)
    rng = np.random.default_rng(options["rng"])

    def convolution(size: Size, deviation: float, pad: int, rates: Sequence[float] = (0.1, 2)) -> Struct:
        biases = np.zeros((1, size[3]), np.float32)
        return conv(gaussian(size, deviation, rng), biases, pad=pad, learningRate=list(rates))

    layers = [
        convolution((5, 5, 3, 32), 0.01, 2),
        pool("max", 3, 2, AS_CAFFE),
        Struct(type="relu"),
        convolution((5, 5, 32, 32), 0.05, 2),
        Struct(type="relu"),
        pool("avg", 3, 2, AS_CAFFE),
        convolution((5, 5, 32, 64), 0.05, 2),
        Struct(type="relu"),
        pool("avg", 3, 2, AS_CAFFE),
        convolution((4, 4, 64, 64), 0.05, 0),
        Struct(type="relu"),
        convolution((1, 1, 64, 10), 0.05, 0, (0.01, 0.2)),
        Struct(type="softmaxloss"),
    ]
    return _finished(layers, training_options(RATES, 100, weightDecay=0.0001), options)


def cnn_cifar_init_nin(*args: Any, **opts: Any) -> SimpleNN | DagNN:
    """The 'nin' for CIFAR-10, a network in a network with dropout: 32x32 colour images, ten classes.

    Options, results, errors and differences are those of ``cnn_cifar_init``; it trains for 83 epochs.

    Source: cnn_cifar_init_nin.m of 1.0-beta25; Lin, Chen and Yan, "Network in network", 2013.

    >>> import vlnn
    >>> len(vlnn.cnn_cifar_init_nin().layers)
    23
    """
    options = options_of(DEFAULTS, args, opts)
    rng = np.random.default_rng(options["rng"])

    def convolution(name: str, side: int, channels: int, filters: int, scale: float = 1, rate: float = 1) -> Struct:
        size = side, side, channels, filters
        deviation = scale * math.sqrt(2 / (side * side * channels))
        rates = [rate, 10 * rate]
        biases = np.zeros((filters, 1), np.float32)
        return conv(gaussian(size, deviation, rng), biases, pad=side // 2, name=name, learningRate=rates)

    layers = []
    for number, (side, channels, inner, outer, method) in enumerate(
        [(5, 3, 160, 96, "max"), (5, 96, 192, 192, "avg")], start=1
    ):
        first, second = 2 * number - 1, 2 * number
        layers += [
            convolution(f"conv{number}", side, channels, 192),
            Struct(type="relu", name=f"relu{number}"),
            convolution(f"cccp{first}", 1, 192, inner),
            Struct(type="relu", name=f"relu_cccp{first}"),
            convolution(f"cccp{second}", 1, inner, outer),
            Struct(type="relu", name=f"relu_cccp{second}"),
            pool(method, 3, 2, name=f"pool{number}"),
            Struct(type="dropout", name=f"dropout{number}", rate=0.5),
        ]
    layers += [
        convolution("conv3", 3, 192, 192),
        Struct(type="relu", name="relu3"),
        convolution("cccp5", 1, 192, 192),
        Struct(type="relu", name="relu_cccp5"),
        convolution("cccp6", 1, 192, 10, 0.1, 0.001),
        pool("avg", 7, 1, name="pool3"),
        Struct(type="softmaxloss"),
    ]
    return _finished(layers, training_options(NIN_RATES, 100, weightDecay=0.0005), options)


def _finished(layers: Sequence[Struct], options_of_training: Struct, options: dict[str, Any]) -> SimpleNN | DagNN:
    meta = Struct(inputSize=[32, 32, 3], trainOpts=options_of_training)
    return finished(layers, meta, options["networkType"], {"error": ("error", TOP1)})
