"""cnn_imagenet_init: AlexNet and the VGG networks."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from vlnn.dagnn import DagNN
from vlnn.dagnn.reading import options_of
from vlnn.errors import MatConvNetError
from vlnn.matlab.argparse import scalar_option
from vlnn.matlab.arguments import plain, received
from vlnn.matlab.values import Struct
from vlnn.simplenn import SimpleNN
from vlnn.training.initialisation import Draw, drawing
from vlnn.training.models.chains import TOP1, TOP5, bnorm, conv, finished, pool, training_options

# Of the networks here, those of ResNet and of Inception; 1204 MB, where MatConvNet's comment says 1 GB.
WORKSPACE_LIMIT = 1024 * 1024 * 1204
DEFAULTS: dict[str, Any] = {
    "scale": 1,
    "initBias": 0,
    "weightDecay": 1,
    "weightInitMethod": "gaussian",
    "model": "alexnet",
    "batchNormalization": False,
    "networkType": "simplenn",
    "cudnnWorkspaceLimit": WORKSPACE_LIMIT,
    "classNames": [],
    "classDescriptions": [],
    "averageImage": np.zeros((3, 1)),
    "colorDeviation": np.zeros((3, 3)),
    "rng": None,
}


class Convolution(NamedTuple):
    """A convolution with its batch normalisation, if any, and its ReLU."""

    name: str  # conv1, fc6: its number stands in the names of what follows
    side: int
    channels: int  # that one filter sees, half of those that there are where there are two groups
    filters: int
    stride: int = 1
    pad: int = 0

    @property
    def number(self) -> str:
        return self.name.removeprefix("conv").removeprefix("fc")


class Pool(NamedTuple):
    """Maxima over squares."""

    name: str
    side: int
    stride: int
    pad: Any = 0


class Norm(NamedTuple):
    """Local response normalisation, in networks without batch normalisation."""

    number: str


Blueprint = Sequence[Convolution | Pool | Norm]


class Model(NamedTuple):
    """A network, and how it is trained."""

    image_side: int
    batch_size: int
    blueprint: Blueprint


def _classifier(side: int, channels: int, bottleneck: int = 4096) -> Blueprint:
    """The fully connected layers, the same in all of them."""
    return [
        Convolution("fc6", side, channels, 4096),
        Convolution("fc7", 1, 4096, bottleneck),
        Convolution("fc8", 1, bottleneck, 1000),
    ]


def _vgg_m(bottleneck: int) -> Blueprint:
    return [
        *(Convolution("conv1", 7, 3, 96, 2), Norm("1"), Pool("pool1", 3, 2)),
        *(Convolution("conv2", 5, 96, 256, 2, 1), Norm("2"), Pool("pool2", 3, 2, [0, 1, 0, 1])),
        Convolution("conv3", 3, 256, 512, 1, 1),
        Convolution("conv4", 3, 512, 512, 1, 1),
        *(Convolution("conv5", 3, 512, 512, 1, 1), Pool("pool5", 3, 2)),
        *_classifier(6, 512, bottleneck),
    ]


def _vgg_vd(counts: Sequence[int]) -> Blueprint:
    """Five blocks of 3x3 convolutions, so many in each, and pooling after each block."""
    layers: list[Convolution | Pool | Norm] = []
    channels = 3
    for block, count in enumerate(counts, start=1):
        filters = min(512, 32 * 2**block)
        for place in range(1, count + 1):
            layers.append(Convolution(f"conv{block}_{place}", 3, channels, filters, 1, 1))
            channels = filters
        layers.append(Pool(f"pool{block}", 2, 2))
    return [*layers, *_classifier(7, 512)]


ALEXNET = [
    *(Convolution("conv1", 11, 3, 96, 4), Norm("1"), Pool("pool1", 3, 2)),
    *(Convolution("conv2", 5, 48, 256, 1, 2), Norm("2"), Pool("pool2", 3, 2)),
    Convolution("conv3", 3, 256, 384, 1, 1),
    Convolution("conv4", 3, 192, 384, 1, 1),
    *(Convolution("conv5", 3, 192, 256, 1, 1), Pool("pool5", 3, 2)),
    *_classifier(6, 256),
]
VGG_F = [
    *(Convolution("conv1", 11, 3, 64, 4), Norm("1"), Pool("pool1", 3, 2, [0, 1, 0, 1])),
    *(Convolution("conv2", 5, 64, 256, 1, 2), Norm("2"), Pool("pool2", 3, 2)),
    Convolution("conv3", 3, 256, 256, 1, 1),
    Convolution("conv4", 3, 256, 256, 1, 1),
    *(Convolution("conv5", 3, 256, 256, 1, 1), Pool("pool5", 3, 2)),
    *_classifier(6, 256),
]
VGG_S = [
    *(Convolution("conv1", 7, 3, 96, 2), Norm("1"), Pool("pool1", 3, 3, [0, 2, 0, 2])),
    *(Convolution("conv2", 5, 96, 256), Norm("2"), Pool("pool2", 2, 2, [0, 1, 0, 1])),
    Convolution("conv3", 3, 256, 512, 1, 1),
    Convolution("conv4", 3, 512, 512, 1, 1),
    *(Convolution("conv5", 3, 512, 512, 1, 1), Pool("pool5", 3, 3, [0, 1, 0, 1])),
    *_classifier(6, 512),
]
MODELS = {
    "alexnet": Model(227, 256, ALEXNET),
    "vgg-f": Model(224, 256, VGG_F),
    "vgg-m": Model(224, 196, _vgg_m(4096)),
    "vgg-m-1024": Model(224, 196, _vgg_m(1024)),
    "vgg-s": Model(224, 128, VGG_S),
    "vgg-vd-16": Model(224, 32, _vgg_vd([2, 2, 3, 3, 3])),
    "vgg-vd-19": Model(224, 24, _vgg_vd([2, 2, 4, 4, 4])),
}


def cnn_imagenet_init(*args: Any, **opts: Any) -> SimpleNN | DagNN:
    """AlexNet or a VGG network for ImageNet: colour images of 224x224 or 227x227 from 0 to 255, 1000 classes.

    Options, as pairs ('model', 'vgg-f') or keywords (model='vgg-f'), in any case
    -----------------------------------------------------------------------------
    model : 'alexnet'
        'alexnet', 'vgg-f', 'vgg-m', 'vgg-m-1024', 'vgg-s', 'vgg-vd-16' or 'vgg-vd-19'.
    batchNormalization : False
        Normalise after each convolution, instead of local response normalisation and dropout.
    networkType : 'simplenn'
        'simplenn' or 'dagnn'. A DagNN has the variables input, label, prediction, objective, top1err and top5err.
    weightInitMethod : 'gaussian'
        The distribution of the filters: 'gaussian', normal with a deviation of 0.01 / scale; 'xavier', uniform with the
        variance 1 / (FH FW C); 'xavierimproved', normal with the variance 2 / (FH FW K). After the last two, the
        filters of fc8 are divided by ten.
    scale : 1
        Divides the deviation of 'gaussian'.
    initBias : 0
        What biases start from.
    weightDecay : 1
        The filters' factor of the weight decay; that of biases is 0.
    cudnnWorkspaceLimit : 1024 * 1024 * 1204
        CudnnWorkspaceLimit of the convolutions, in bytes.
    classNames, classDescriptions : []
        For meta.classes: 1000 strings each.
    averageImage : zeros(3, 1)
        For meta.normalization: what to subtract from images, a colour or an image.
    colorDeviation : zeros(3, 3)
        Ten times meta.augmentation.jitterBrightness: a square root of the covariance of the colours.
    rng : None
        Where filters are drawn from: a ``numpy.random.Generator`` or a seed, None for another one each time.

    Returns
    -------
    net : SimpleNN or DagNN
        Its meta has inputSize, normalization, classes, augmentation, and in trainOpts what cnn_train needs.

    Raises
    ------
    MatConvNetError
        "Unknown model 'x'", "Unknown weight initialization method 'x'", and sentences of vl_argparse.

    Differs from MatConvNet: filters have its distributions, not MATLAB's numbers.

    Source: cnn_imagenet_init.m of 1.0-beta25; Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep
    convolutional neural networks", 2012; Chatfield et al., "Return of the devil in the details", 2014; Simonyan and
    Zisserman, "Very deep convolutional networks for large-scale image recognition", 2014.

    >>> import vlnn
    >>> net = vlnn.cnn_imagenet_init('model', 'vgg-f', 'batchNormalization', True)
    >>> [layer.name for layer in net.layers[:4]]
    ['conv1', 'bn1', 'relu1', 'pool1']
    """
    options = options_of(DEFAULTS, args, opts)
    name = options["model"]
    if name not in MODELS:
        raise MatConvNetError(f"Unknown model '{name}'. There are {', '.join(MODELS)}.")
    model = MODELS[name]
    scale = scalar_option("SCALE", options["scale"])
    method = options["weightInitMethod"]
    draw = drawing(method, scale, np.random.default_rng(options["rng"]))
    layers = _layers(model.blueprint, draw, options)
    if method.lower() != "gaussian":
        layers[-1].weights[0] /= np.float32(10)
    layers.append(Struct(type="softmaxloss", name="loss"))
    errors = {"top1err": ("top1err", TOP1), "top5err": ("top5err", TOP5)}
    return finished(layers, _meta(model, options), options["networkType"], errors)


def _layers(blueprint: Blueprint, draw: Draw, options: dict[str, Any]) -> list[Struct]:
    """The layers as far as fc8, whose output nothing follows."""
    normalised = bool(options["batchNormalization"])
    bias = np.float32(scalar_option("INITBIAS", options["initBias"]))
    fields = {
        "dilate": 1,
        "learningRate": [1, 2],
        "weightDecay": [scalar_option("WEIGHTDECAY", options["weightDecay"]), 0],
        "opts": ["CudnnWorkspaceLimit", options["cudnnWorkspaceLimit"]],
    }
    layers: list[Struct] = []
    for part in blueprint:
        match part:
            case Convolution(name, side, channels, filters, stride, pad):
                weights = draw((side, side, channels, filters)), np.full((filters, 1), bias, np.float32)
                layers.append(conv(*weights, stride, pad, name=name, **fields))
                if name == "fc8":
                    continue
                if normalised:
                    layers.append(bnorm(filters, [2, 1, 0.1], name=f"bn{part.number}", epsilon=1e-4))
                layers.append(Struct(type="relu", name=f"relu{part.number}"))
                if name in ("fc6", "fc7") and not normalised:
                    layers.append(Struct(type="dropout", name=f"dropout{part.number}", rate=0.5))
            case Pool(name, side, stride, pad):
                layers.append(pool("max", side, stride, pad, name=name))
            case Norm(number) if not normalised:
                param = np.array([[5, 1, 0.0001 / 5, 0.75]])
                layers.append(Struct(type="normalize", name=f"norm{number}", param=param))
    return layers


def _meta(model: Model, options: dict[str, Any]) -> Struct:
    side = model.image_side
    rates = np.logspace(-1, -4, 20) if options["batchNormalization"] else np.logspace(-2, -4, 60)
    jitter = {"jitterLocation": True, "jitterFlip": True, "jitterAspect": [2 / 3, 3 / 2]}
    return imagenet_meta(options, side, jitter, training_options(rates, model.batch_size, weightDecay=0.0005))


def imagenet_meta(options: dict[str, Any], side: int, jitter: dict[str, Any], train: Struct) -> Struct:
    """What the networks for ImageNet know of their images and of their training."""
    deviation = options["colorDeviation"]
    if plain(deviation) is None:
        raise MatConvNetError(f"colorDeviation is not a matrix. Received {received(deviation)}.")
    average, names, descriptions = (
        copy.copy(options[name]) for name in ("averageImage", "classNames", "classDescriptions")
    )
    return Struct(
        inputSize=[side, side, 3, 32],
        normalization=Struct(imageSize=[side, side, 3], cropSize=side / 256, averageImage=average),
        classes=Struct(name=names, description=descriptions),
        augmentation=Struct(**jitter, jitterBrightness=0.1 * np.asarray(deviation, np.float64)),
        trainOpts=train,
    )
