"""The port of enlarge_folder.m: super-resolution of the pictures in a folder, with PSNR.

::

    python compat/ports/enlarge_folder.py vlnn/demo/network.mat pictures enlarged
"""

import os
import sys
from glob import glob

import numpy as np
from PIL import Image

from vlnn import dagnn, loadmat
from vlnn.matlab import im2single, im2uint8, imread, imresize, psnr, rgb2ycbcr


def enlarge_folder(modelPath, folder, outFolder):
    """Reduce each picture to half its size and enlarge it again: a row of two scores for each."""
    net = dagnn.DagNN.loadobj(loadmat(modelPath))
    net.mode = "test"
    out = net.getVarIndex("prediction")
    net.vars[out].precious = True
    margin = int(net.meta.margin.item())

    os.makedirs(outFolder, exist_ok=True)
    files = sorted(glob(os.path.join(folder, "*.png")))  # MATLAB's dir sorts, glob does not
    scores = np.zeros((len(files), 2))
    for i, file in enumerate(files):
        name = os.path.basename(file)
        im = imread(file)
        if im.ndim == 3:  # the network sees brightness alone
            im = rgb2ycbcr(im)
            im = im[:, :, 0]
        im = im[: im.shape[0] - im.shape[0] % 2, : im.shape[1] - im.shape[1] % 2]
        label = im2single(im)
        low = imresize(label, 0.5, "bicubic")

        bicubic = imresize(low, 2, "bicubic")
        x = np.pad(low, margin, "edge")
        net.eval(["input", x])
        y = net.vars[out].value[:, :, 0, 0]  # results keep four dimensions

        scores[i, 0] = psnr(im2uint8(shave(bicubic, 4)), im2uint8(shave(label, 4)))
        scores[i, 1] = psnr(im2uint8(shave(y, 4)), im2uint8(shave(label, 4)))
        print("{:<20s} bicubic {:5.2f} dB, network {:5.2f} dB".format(name, *scores[i, :]))
        Image.fromarray(im2uint8(y)).save(os.path.join(outFolder, name))
    print("{:<20s} bicubic {:5.2f} dB, network {:5.2f} dB".format("mean", *scores.mean(axis=0)))
    return scores


def shave(im, border):
    return im[border:-border, border:-border]


if __name__ == "__main__":
    enlarge_folder(*sys.argv[1:])
