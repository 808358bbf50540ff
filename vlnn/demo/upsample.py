"""Enlarging a picture twofold with a trained filter bank: two convolutions describe it, a transposed one draws it.

Every colour plane goes through by itself, as one image of a batch::

    x (H+10 W+10 1 N) -> vl_nnconv, ReLU -> vl_nnconv, ReLU --+-- maps (H+4 W+4 17 N) -> vl_nnconvt -> y (2H 2W 1 N)
                    \\----------------- x itself -------------/
"""

from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np
import scipy.io

from vlnn.blocks.nnconv import vl_nnconv
from vlnn.blocks.nnconvt import vl_nnconvt
from vlnn.matlab.arrays import Array

FACTOR = 2
MARGIN = 5  # how far the filters reach over the picture's border
CROP = 7  # one less than the height of a synthesis filter: what is left saw every tap


class FilterBank(NamedTuple):
    """The filters, single, as vl_nnconv and vl_nnconvt take them.

    Attributes
    ----------
    analysis : (5, 5, 1, K) array
        Filters with a sum of zero: edges and their directions, whatever the brightness.
    mixing : (3, 3, K, L) array
        Which edges lie together.
    synthesis : (8, 8, 1, 1+L) array
        What vl_nnconvt paints: the first filter for a pixel of the picture, the others for a unit of each of L maps.
    """

    analysis: Array
    mixing: Array
    synthesis: Array


def load_filters() -> FilterBank:
    """The bank of filters.mat."""
    with files("vlnn.demo").joinpath("filters.mat").open("rb") as stream:
        variables: dict[str, Any] = scipy.io.loadmat(stream)
    return FilterBank(*(variables[name] for name in FilterBank._fields))


def as_input(picture: Array) -> Array:
    """A picture (H, W, 3) of class uint8 as single planes in 0..1 (H+10, W+10, 1, 3), its border repeated."""
    planes = np.pad(picture, ((MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0)), "edge")
    return np.asfortranarray(planes[:, :, None, :], dtype=np.float32) / np.float32(255)


def as_picture(y: Array) -> Array:
    """The reverse of ``as_input``, for the result: (2H, 2W, 1, 3) to (2H, 2W, 3) of class uint8."""
    return np.rint(255 * np.clip(y[:, :, 0, :], 0, 1)).astype(np.uint8)


def describe(x: Array, bank: FilterBank) -> tuple[Array, Array, Array]:
    """What each convolution sees in x, and the maps from which vl_nnconvt draws: x itself and the second of them."""
    edges = np.maximum(vl_nnconv(x, bank.analysis, []), 0)
    shapes = np.maximum(vl_nnconv(edges, bank.mixing, []), 0)
    trim = (x.shape[0] - shapes.shape[0]) // 2
    return edges, shapes, np.concatenate([x[trim:-trim, trim:-trim], shapes], axis=2)


def draw(maps: Array, bank: FilterBank) -> Array:
    """The enlarged planes."""
    return vl_nnconvt(maps, bank.synthesis, [], "Upsample", FACTOR, "Crop", CROP)


def upsample(picture: Array, bank: FilterBank) -> Array:
    """A picture (H, W, 3) of class uint8, enlarged to (2H, 2W, 3)."""
    *_, maps = describe(as_input(picture), bank)
    return as_picture(draw(maps, bank))


def psnr(picture: Array, reference: Array, border: int) -> float:
    """Peak signal to noise ratio in dB of 8-bit pictures, all channels alike, `border` pixels left out on each side."""
    inner = slice(border, -border)
    error = picture[inner, inner].astype(np.float64) - reference[inner, inner]
    return float(10 * np.log10(255**2 / np.mean(error**2)))
