"""Everything that knows MATLAB: arguments, arrays, values, files and pictures."""

from vlnn.matlab.colour import im2double, im2single, im2uint8, imread, psnr, rgb2gray, rgb2ycbcr, ycbcr2rgb
from vlnn.matlab.images import imresize
from vlnn.matlab.matfile import MatFileError
from vlnn.matlab.values import Cell, CharMatrix, Opaque, Struct, StructArray

__all__ = [
    "Cell",
    "CharMatrix",
    "MatFileError",
    "Opaque",
    "Struct",
    "StructArray",
    "im2double",
    "im2single",
    "im2uint8",
    "imread",
    "imresize",
    "psnr",
    "rgb2gray",
    "rgb2ycbcr",
    "ycbcr2rgb",
]
