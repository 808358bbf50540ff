"""The port of classify_image.m: the best class of a picture.

::

    python compat/ports/classify_image.py imagenet-vgg-f.mat peppers.png
"""

import sys

import numpy as np

from vlnn import loadmat, vl_simplenn, vl_simplenn_tidy
from vlnn.matlab import Struct, imread, imresize


def classify_image(modelPath, imagePath):
    """The best class of a picture, from 0, and its score."""
    # load the network, and let it end in probabilities
    net = loadmat(modelPath)
    net = vl_simplenn_tidy(net)
    net.layers[-1] = Struct(type="softmax", name="prob")
    net = vl_simplenn_tidy(net)

    # the picture as the network wants it
    im = imread(imagePath)
    im_ = im.astype(np.float32)  # from 0 to 255
    if im_.ndim == 2:
        im_ = np.repeat(im_[:, :, None], 3, axis=2)
    im_ = imresize(im_, net.meta.normalization.imageSize[0, :2])
    averageImage = net.meta.normalization.averageImage
    if averageImage.size == 3:
        averageImage = averageImage.reshape(1, 1, 3)
    im_ = im_ - averageImage.astype(np.float32)  # MATLAB's single minus double is single

    # run the network
    res = vl_simplenn(net, im_, [], [], "mode", "test", "conserveMemory", True)

    # show the best class
    scores = res[-1].x.squeeze()
    best = scores.argmax()
    bestScore = scores[best]
    print(f"{net.meta.classes.description[best]} ({best + 1}), score {bestScore:.3f}")
    return best, bestScore


if __name__ == "__main__":
    classify_image(*sys.argv[1:])
