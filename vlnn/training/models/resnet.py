"""cnn_imagenet_init_resnet: ResNet-50."""

from __future__ import annotations

from typing import Any

import numpy as np

from vlnn.dagnn import Conv, DagNN, Pooling, Sum
from vlnn.dagnn.reading import options_of
from vlnn.training.models.chains import training_options
from vlnn.training.models.graphs import Growing, add_classification, averages_learn_at
from vlnn.training.models.imagenet import WORKSPACE_LIMIT, imagenet_meta

DEFAULTS: dict[str, Any] = {
    "classNames": [],
    "classDescriptions": [],
    "averageImage": np.zeros((3, 1)),
    "colorDeviation": np.zeros((3, 3)),
    "cudnnWorkspaceLimit": WORKSPACE_LIMIT,
    "rng": None,
}
SECTIONS = {2: 3, 3: 4, 4: 6, 5: 3}  # how many segments each has
FIRST_SCALE = 100  # see cnn_imagenet_init_resnet


def cnn_imagenet_init_resnet(*args: Any, **opts: Any) -> DagNN:
    """ResNet-50 for ImageNet, a DagNN: colour images of 224x224 from 0 to 255, 1000 classes.

    Variables: input, label, prediction, objective, top1error, top5error. A segment strides in its 3x3 convolution.
    The colours of images are not divided by their deviation, which is about 60: instead the filters of the first
    convolution are divided by 100, and their learning rate by 100^2.

    Options, as pairs ('classNames', names) or keywords (classNames=names), in any case
    -----------------------------------------------------------------------------------
    classNames, classDescriptions : []
        For meta.classes: 1000 strings each.
    averageImage : zeros(3, 1)
        For meta.normalization: what to subtract from images, a colour or an image.
    colorDeviation : zeros(3, 3)
        Ten times meta.augmentation.jitterBrightness: a square root of the covariance of the colours.
    cudnnWorkspaceLimit : 1024 * 1024 * 1204
        CudnnWorkspaceLimit of the convolutions, in bytes.
    rng : None
        Where filters are drawn from: a ``numpy.random.Generator`` or a seed, None for another one each time.

    Returns
    -------
    net : DagNN
        Its meta has inputSize, normalization, classes, augmentation, and in trainOpts what cnn_train_dag needs.

    Raises
    ------
    MatConvNetError
        Sentences of vl_argparse.

    Differs from MatConvNet: filters have its distributions, not MATLAB's numbers.

    Source: cnn_imagenet_init_resnet.m of 1.0-beta25; He, Zhang, Ren and Sun, "Deep residual learning for image
    recognition", 2015.

    >>> import vlnn
    >>> vlnn.cnn_imagenet_init_resnet().getVarSizes(['input', [224, 224, 3, 1]])[-1]
    (1, 1, 1, 1)
    """
    options = options_of(DEFAULTS, args, opts)
    builder = _ResNet(options["cudnnWorkspaceLimit"])
    net = builder.net
    net.rng = options["rng"]
    builder.conv("conv1", 7, 64, stride=2)
    net.addLayer("conv1_pool", Pooling(poolSize=3, stride=2, pad=1, method="max"), builder.variable, "conv1")
    builder.variable = "conv1"
    for section, count in SECTIONS.items():
        for number in range(1, count + 1):
            builder.segment(f"conv{section}_{number}", 2 ** (section + 4), number == 1, 2 if section > 2 else 1)
    net.addLayer("prediction_avg", Pooling(poolSize=7, method="avg"), builder.variable, "prediction_avg")
    block = Conv(size=[1, 1, builder.channels, 1000])
    net.addLayer("prediction", block, "prediction_avg", "prediction", ["prediction_f", "prediction_b"])
    add_classification(net, "prediction", "loss", "objective", ("top1error", "top5error"))

    rates = [0.1] * 30 + [0.01] * 30 + [0.001] * 30
    train = training_options(rates, 256, momentum=0.9, numSubBatches=4, weightDecay=0.0001)
    jitter = {
        "jitterLocation": True,
        "jitterFlip": True,
        "jitterAspect": [3 / 4, 4 / 3],
        "jitterScale": [0.4, 1.1],
    }
    net.meta = imagenet_meta(options, 224, jitter, train)
    net.meta.inputSize = ["input", np.array([[224.0, 224.0, 3.0, 32.0]])]
    net.initParams()
    first = net.getParam("conv1_f")
    first.value = first.value / np.float32(FIRST_SCALE)
    first.learningRate = first.learningRate / FIRST_SCALE**2
    averages_learn_at(net, 0.3)
    return net


class _ResNet(Growing):
    def conv(self, name: str, side: int, filters: int, stride: int = 1, relu: bool = True) -> None:
        """Add a convolution without biases, batch normalisation and, if wanted, ReLU."""
        sampling = {"stride": stride, "pad": (side - 1) // 2}
        self.add_convolution(name, f"{name}_conv", [side, side], filters, [f"{name}_f"], **sampling)
        if relu:
            self.add_relu(name, f"{name}_relu")

    def segment(self, name: str, filters: int, first: bool, stride: int) -> None:
        """Add 1x1, 3x3 and 1x1 convolutions to what goes past them; the first of a section adapts that, and strides."""
        start, channels = self.variable, self.channels
        stride = stride if first else 1
        if first:
            self.conv(f"{name}_adapt_conv", 1, 4 * filters, stride, relu=False)
        past = self.variable
        self.variable, self.channels = start, channels
        self.conv(f"{name}a", 1, filters)
        self.conv(f"{name}b", 3, filters, stride)
        self.conv(f"{name}c", 1, 4 * filters, relu=False)
        self.net.addLayer(f"{name}_sum", Sum(), [past, self.variable], f"{name}_sum")
        self.variable = f"{name}_sum"
        self.add_relu(name, name)
