"""Colour pictures for networks of one channel: the luma goes through the network, the chroma is enlarged beside it."""

from __future__ import annotations

import numpy as np

from vlnn.matlab.arrays import Array
from vlnn.matlab.colour import im2double, rgb2ycbcr, ycbcr2rgb
from vlnn.matlab.images import imresize


def split(picture: Array) -> tuple[Array, Array]:
    """A picture (H, W, 3) as its luma (H, W, 1), from 0 to 1, and its chroma (H, W, 2); both in double."""
    ycbcr = rgb2ycbcr(im2double(picture))
    return ycbcr[:, :, :1], ycbcr[:, :, 1:]


def join(luma: Array, chroma: Array) -> Array:
    """A luma (H, W) and the chroma of the picture that it comes from, as red, green and blue from 0 to 1, in double.

    Where the luma is larger the chroma is enlarged as much, by bicubic interpolation; where it is smaller, as after
    filters without padding, the middle of the chroma belongs to it.
    """
    height, width = luma.shape[:2]
    if height >= chroma.shape[0] and width >= chroma.shape[1]:
        fitting = imresize(chroma, (height, width))
    else:
        top, left = max(chroma.shape[0] - height, 0) // 2, max(chroma.shape[1] - width, 0) // 2
        fitting = imresize(chroma[top : top + height, left : left + width], (height, width))
    joined: Array = ycbcr2rgb(np.concatenate([luma.reshape(height, width, 1), fitting], axis=2))
    return joined
