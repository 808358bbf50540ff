"""Convolution with the identity filter bank, which needs no arithmetic: the same for arrays of every library."""

from __future__ import annotations

from vlnn.engines.cpu.axes import kept_pixels
from vlnn.geometry import ConvGeometry
from vlnn.matlab.arrays import Array, library


class Subsampling:
    """The part of an engine that pads and keeps every stride-th pixel."""

    def subsample_forward(self, geometry: ConvGeometry, image: Array, biases: Array | None) -> Array:
        g = geometry
        out = library(image).zeros((g.batch, g.channels, g.output_width, g.output_height), image.dtype)
        inside, pixels = kept_pixels(g)
        out[inside] = image[pixels]
        if biases is not None:
            out += biases[:, None, None]
        return out

    def subsample_backward(self, geometry: ConvGeometry, output: Array) -> Array:
        g = geometry
        out = library(output).zeros((g.batch, g.channels, g.image_width, g.image_height), output.dtype)
        inside, pixels = kept_pixels(g)
        out[pixels] = output[inside]
        return out
