"""Reading an image at computed places: bilinear sampling and ROI pooling on the CPU.

Both work with the channels last, so that what a sample or a bin needs of a pixel is one contiguous run::

    image    (n, C, W, H)  ->  pixels (n*(W+4)*(H+4), C), framed by two pixels of zeros
    grid     (m, WO, HO, 2)  ->  matrix (samples, pixels), sparse, four weights to a row
    output   (samples, C)  =  matrix @ pixels

A bilinear sample outside the image reads zeros off the frame; one further out is moved there first. The derivative in
the image is the transposed matrix, those in the grid are the same matrix with the weights' derivatives in it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.sparse import csr_array

from vlnn.engines.cpu import regions, threads
from vlnn.matlab.arrays import Array

FRAME = 2
BLOCK_BYTES = 2**19
CHANNELS = 128  # at a time: longer runs fall on the same cache lines when they are turned back


class Sampling:
    """The part of the CPU engine that reads images at computed places."""

    def sampler_forward(self, image: Array, grid: Array) -> Array:
        batch, channels, width, height = image.shape
        samples = grid.reshape(len(grid), -1, 2)
        out = np.empty((len(grid), channels, samples.shape[1]), image.dtype)

        def work(piece: tuple[slice, slice]) -> None:
            images, c = piece
            pixels = _framed(image[images, c])
            for grids, points in _blocks(images, len(grid) // batch, out):
                corners = _Corners(samples[grids, points], grids.start - images.start * len(grid) // batch, image.shape)
                values = corners.matrix(corners.weights()) @ pixels
                target = out[grids, c, points]
                target[...] = values.reshape(target.shape[0], -1, target.shape[1]).transpose(0, 2, 1)

        threads.each(work, _pieces(image, out))
        return out.reshape(len(grid), channels, *grid.shape[1:3])
