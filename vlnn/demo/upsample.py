"""Enlarging a picture twofold with a trained network, every colour plane by itself, as one image of a batch.

::

    input (H+14 W+14 1 N) -> less 0.5 -> conv1 ... conv4, each with ReLU -> ConvTranspose --+-> prediction (2H 2W 1 N)
          \\------------------------------ ConvTranspose ----------------------------------/
"""

from importlib.resources import as_file, files

import numpy as np

from vlnn import load_network
from vlnn.dagnn import DagNN
from vlnn.matlab.arrays import Array

FACTOR = 2
CONTEXT = 5  # pixels around one that the convolutions see
MARGIN = CONTEXT + 2  # and around those that the transposed convolution does


def load_upsampler() -> DagNN:
    """The network of network.mat."""
    with as_file(files("vlnn.demo").joinpath("network.mat")) as path:
        net = load_network(path)
    assert isinstance(net, DagNN)
    return net


def as_input(picture: Array) -> Array:
    """A picture (H, W, 3) of class uint8 as single planes in 0..1 (H+14, W+14, 1, 3), its border repeated."""
    planes = np.pad(picture, ((MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0)), "edge")
    return np.asfortranarray(planes[:, :, None, :], dtype=np.float32) / np.float32(255)


def as_picture(y: Array) -> Array:
    """The reverse of ``as_input``, for the result: (2H, 2W, 1, 3) to (2H, 2W, 3) of class uint8."""
    return np.rint(255 * np.clip(y[:, :, 0, :], 0, 1)).astype(np.uint8)


def upsample(picture: Array, net: DagNN) -> Array:
    """A picture (H, W, 3) of class uint8, enlarged to (2H, 2W, 3)."""
    return as_picture(net.predict(as_input(picture)))
