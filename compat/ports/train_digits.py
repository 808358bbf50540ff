"""The port of train_digits.m: a training script with a getBatch and an initialiser of its own.

::

    python compat/ports/train_digits.py networkType dagnn

trains on the 1797 digits that come with scikit-learn (pip install scikit-learn), a fifth of which is held out.
"""

import ast
import os
import sys

import numpy as np

from vlnn import cnn_train, cnn_train_dag, dagnn, vl_argparse, vl_simplenn_tidy
from vlnn.matlab import Struct


def train_digits(*varargin):
    """Train a network on small pictures of digits: the network and its statistics."""
    opts = Struct()
    opts.networkType = "simplenn"
    opts.expDir = os.path.join("data", "digits")
    opts.train = Struct()
    opts.train.batchSize = 50
    opts.train.numEpochs = 20
    opts.train.learningRate = np.concatenate([0.05 * np.ones(12), 0.005 * np.ones(8)])
    opts.train.randomSeed = 1
    opts.train.plotStatistics = False
    opts = vl_argparse(opts, varargin)

    rng = np.random.default_rng(opts.train.randomSeed)  # in place of MATLAB's own generator
    imdb = getDigitsImdb()
    net = initDigits(opts.networkType, rng)

    match opts.networkType:
        case "simplenn":
            trainFn = cnn_train
        case "dagnn":
            trainFn = cnn_train_dag

    net, info = trainFn(
        *(net, imdb, lambda imdb, batch: getBatch(opts, rng, imdb, batch)),
        *("expDir", opts.expDir),
        opts.train,
    )

    err = info.val[-1].top1err if opts.networkType == "simplenn" else info.val[-1].error
    print(f"{opts.networkType}: {100 * (1 - err):.2f} % of the held-out digits are right")
    return net, info


def getDigitsImdb():
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = digits.images.transpose(1, 2, 0)[:, :, None, :]  # 8x8x1xN from 0 to 16
    n = digits.target.size
    set = np.ones((1, n))
    set[0, 4::5] = 2  # every fifth is held out
    data = images.astype(np.float32) / 16
    dataMean = data[:, :, :, set[0] == 1].mean(axis=3, keepdims=True)
    imdb = Struct(images=Struct(), meta=Struct())
    imdb.images.data = data - dataMean
    imdb.images.labels = digits.target[None, :] + 1.0  # classes count from 1
    imdb.images.set = set
    imdb.meta.sets = ["train", "val"]
    imdb.meta.classes = [f"{d}" for d in range(10)]
    return imdb


def getBatch(opts, rng, imdb, batch):
    im = imdb.images.data[:, :, :, batch]
    labels = imdb.images.labels[:1, batch]
    if imdb.images.set[0, batch[0]] == 1:  # train: shift by up to a pixel
        im = shifted(im, rng.integers(3) - 1, rng.integers(3) - 1)
    if opts.networkType == "simplenn":
        return im, labels
    return ["input", im, "label", labels]


def shifted(x, dy, dx):
    return np.roll(x, (dy, dx), axis=(0, 1))


def initDigits(networkType, rng):
    net = Struct(layers=[], meta=Struct())
    addBlock(net, rng, "1", 3, 1, 16, 1)
    addBlock(net, rng, "2", 3, 16, 32, 1)
    net.layers.append(Struct(type="pool", name="pool2", method="max", pool=[2, 2], stride=2))
    addBlock(net, rng, "3", 4, 32, 64, 0)
    net.layers.append(Struct(type="dropout", name="dropout3", rate=0.2))
    addBlock(net, rng, "4", 1, 64, 10, 0)
    del net.layers[-1]  # no ReLU after the last one
    net.layers.append(Struct(type="softmaxloss", name="loss"))
    net.meta.inputSize = [8, 8, 1]
    net = vl_simplenn_tidy(net)

    if networkType == "dagnn":
        net = dagnn.DagNN.fromSimpleNN(net, "canonicalNames", True)
        net.addLayer("error", dagnn.Loss("loss", "classerror"), ["prediction", "label"], "error")
    return net


def addBlock(net, rng, id, sz, inp, out, pad):  # changes net, which MATLAB's version returns
    f = np.sqrt(2 / (sz * sz * inp)) * rng.standard_normal((sz, sz, inp, out))
    weights = [f.astype(np.float32), np.zeros((out, 1), np.float32)]
    net.layers.append(Struct(type="conv", name="conv" + id, weights=weights, stride=1, pad=pad))
    net.layers.append(Struct(type="relu", name="relu" + id))


def value(text):
    """An option's value on the command line: a number, a list, or else a string."""
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return text


if __name__ == "__main__":
    train_digits(*map(value, sys.argv[1:]))
