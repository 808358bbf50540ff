"""cnn_imagenet_init_inception: Inception v3."""

from __future__ import annotations

from typing import Any

import numpy as np

from vlnn.dagnn import Concat, Conv, DagNN, DropOut, Pooling
from vlnn.dagnn.reading import options_of
from vlnn.matlab.values import Struct
from vlnn.training.models.chains import training_options
from vlnn.training.models.graphs import Growing, add_classification
from vlnn.training.models.imagenet import WORKSPACE_LIMIT

DEFAULTS: dict[str, Any] = {
    "scale": 1,
    "initBias": 0.1,
    "weightDecay": 1,
    "cudnnWorkspaceLimit": WORKSPACE_LIMIT,
    "rng": None,
}
SIDE = 299
Branch = list[tuple[Any, ...]]  # of a module: (side, filters), ('avg', side) or ('max', side), and a stride


def cnn_imagenet_init_inception(*args: Any, **opts: Any) -> DagNN:
    """Inception v3 for ImageNet, a DagNN: colour images of 299x299 from 0 to 255, 1000 classes.

    Variables: input, label, prediction, prediction_loss, prediction_top1error, prediction_top5error. The objective is
    called prediction_loss: ``cnn_train_dag(..., 'derOutputs', ['prediction_loss', 1])``.

    Options, as pairs ('rng', 1) or keywords (rng=1), in any case
    -------------------------------------------------------------
    cudnnWorkspaceLimit : 1024 * 1024 * 1204
        CudnnWorkspaceLimit of the convolutions, in bytes.
    scale, initBias, weightDecay : 1, 0.1, 1
        Without effect, as in MatConvNet.
    rng : None
        Where filters are drawn from: a ``numpy.random.Generator`` or a seed, None for another one each time.

    Returns
    -------
    net : DagNN
        Its meta has inputSize, normalization, augmentation, and in trainOpts what cnn_train_dag needs.

    Raises
    ------
    MatConvNetError
        Sentences of vl_argparse.

    Differs from MatConvNet, whose function stops at a variable that it never set (lr): the network is what it builds
    until then, trainOpts.numEpochs the number of learning rates. Filters have its distributions, not MATLAB's numbers.

    Source: cnn_imagenet_init_inception.m of MatConvNet; Szegedy et al., "Rethinking the Inception architecture for
    computer vision", 2015.

    >>> import vlnn
    >>> net = vlnn.cnn_imagenet_init_inception()
    >>> net.getVarSizes(['input', [299, 299, 3, 1]])[net.getVarIndex('prediction')]
    (1, 1, 1000, 1)
    """
    options = options_of(DEFAULTS, args, opts)
    builder = _Inception(options["cudnnWorkspaceLimit"])
    net = builder.net
    net.rng = options["rng"]
    builder.stem()
    for number in range(1, 4):
        builder.module(
            f"inception5_{number}",
            [[(1, 64)], [(1, 48), (5, 64)], [(1, 64), (3, 96), (3, 96)], [("avg", 3), (1, 64)]],
        )
    builder.module("inception5_4", [[(3, 384, 2)], [(1, 64), (3, 96), (3, 96, 2)], [("max", 3, 2)]])
    high, wide = [7, 1], [1, 7]
    for number in range(1, 5):
        builder.module(
            f"inception6_{number}",
            [
                [(1, 192)],
                [(1, 160), (wide, 160), (high, 192)],
                [(1, 160), (high, 160), (wide, 160), (high, 160), (wide, 192)],
                [("avg", 3), (1, 192)],
            ],
        )
    builder.module(
        "inception6_5",
        [[(1, 192), (3, 320, 2)], [(1, 192), (wide, 192), (high, 192), (3, 192, 2)], [("max", 3, 2)]],
    )
    high, wide = [3, 1], [1, 3]
    for number in range(1, 3):
        builder.module(
            f"inception7_{number}",
            [
                [(1, 320)],
                [(1, 384), (wide, 384), (high, 384)],
                [(1, 448), (3, 384), (wide, 384), (high, 384)],
                [("avg", 3), (1, 192)],
            ],
        )
    builder.pool("pool_2", "avg", 8, pad=0)
    builder.classifier("prediction", 1000)
    net.meta = _meta()
    net.initParams()
    return net


def _meta() -> Struct:
    train = training_options(np.logspace(-1, -3, 60), 256, numSubBatches=3, weightDecay=0.0001)
    return Struct(
        inputSize=["input", np.array([[SIDE, SIDE, 3, 32]], np.float64)],
        normalization=Struct(imageSize=[SIDE, SIDE, 3], fullImageSize=310, averageImage=[]),
        augmentation=Struct(
            rgbSqrtCovariance=np.zeros((3, 3), np.float32),
            jitter=True,
            jitterLight=0.1,
            jitterBrightness=0.4,
            jitterSaturation=0.4,
            jitterContrast=0.4,
        ),
        trainOpts=train,
    )


class _Inception(Growing):
    def stem(self) -> None:
        """Add what comes before the modules."""
        self.conv("conv", 3, 32, stride=2, pad=0)
        self.conv("conv1", 3, 32, pad=0)
        self.conv("conv2", 3, 64)
        self.pool("pool", "max", 3, stride=2, pad=0)
        self.conv("conv3", 1, 80, pad=0)
        self.conv("conv4", 3, 192, pad=0)
        self.pool("pool1", "max", 3, stride=2, pad=0)

    def conv(self, name: str, side: Any, filters: int, stride: int = 1, pad: int | None = None) -> None:
        """Add a convolution, batch normalisation and ReLU, padded to keep the size unless `pad` says otherwise."""
        sides = [side, side] if isinstance(side, int) else side
        sampling = {"stride": stride, "pad": [(one - 1) // 2 for one in sides] if pad is None else pad}
        self.add_convolution(name, name, sides, filters, [f"{name}_f", f"{name}_b"], **sampling)
        self.add_relu(name, name)

    def pool(self, name: str, method: str, side: int, stride: int = 1, pad: int | None = None) -> None:
        """Add pooling, padded as convolutions are."""
        block = Pooling(poolSize=side, method=method, stride=stride, pad=(side - 1) // 2 if pad is None else pad)
        self.net.addLayer(name, block, self.variable, f"{name}_pool")
        self.variable = f"{name}_pool"

    def module(self, name: str, branches: list[Branch]) -> None:
        """Add branches side by side, and what puts their channels together. What strides is not padded."""
        start, channels = self.variable, self.channels
        ends: list[tuple[str, int]] = []
        for letter, branch in zip("abcd", branches, strict=False):
            self.variable, self.channels = start, channels
            for number, (kind, size, *rest) in enumerate(branch, start=1):
                stride = rest[0] if rest else 1
                pad = None if stride == 1 else 0
                place = f"{name}_{letter}{number}"
                if isinstance(kind, str):
                    self.pool(place, kind, size, stride, pad)
                else:
                    self.conv(place, kind, size, stride, pad)
            ends.append((self.variable, self.channels))
        self.net.addLayer(name, Concat(), [variable for variable, _ in ends], name)
        self.variable, self.channels = name, sum(count for _, count in ends)

    def classifier(self, name: str, classes: int) -> None:
        """Add dropout, the last convolution, and losses."""
        self.net.addLayer(f"{name}_dropout", DropOut(rate=0.2), self.variable, f"{name}_dropout")
        block = Conv(size=[1, 1, self.channels, classes])
        self.net.addLayer(name, block, f"{name}_dropout", name, [f"{name}_f", f"{name}_b"])
        errors = f"{name}_top1error", f"{name}_top5error"
        add_classification(self.net, name, f"{name}_loss", f"{name}_loss", errors)
