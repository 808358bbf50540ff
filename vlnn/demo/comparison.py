"""The demo's photograph, enlarged in several ways, scored against the original and shown side by side."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from importlib.resources import files
from typing import NamedTuple

import numpy as np

from vlnn.dagnn import DagNN
from vlnn.demo.upsample import as_input, load_upsampler, upsample
from vlnn.geometry import Shape
from vlnn.matlab import psnr
from vlnn.matlab.arrays import Array

try:
    from PIL import Image, ImageDraw, ImageFont
except ModuleNotFoundError:
    raise ModuleNotFoundError("The demo needs Pillow: pip install 'vlnn[images]'", name="PIL") from None

BORDER = 4  # pixels left out of the score, where every method has to make up what lies beyond the picture
REPEATS = 5
PLAIN = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "Lanczos": Image.Resampling.LANCZOS,
}
OURS = "network"

# The sheet, in pixels
DETAILS = ((143, 80), (97, 341))  # left, top: the face, the mission's badge
DETAIL = 88
ZOOM = 4
GAP = 12
CAPTION = 34
PAPER, INK, FAINT, FRAMES = (250, 250, 248), (20, 20, 20), (105, 105, 105), ((0, 210, 255), (255, 220, 0))


class Comparison(NamedTuple):
    """What the demo found out.

    Attributes
    ----------
    photograph, low_resolution : (H, W, 3) uint8 arrays
        The original, and what it was reduced to.
    enlarged : dict of (H, W, 3) uint8 arrays
        The low resolution enlarged by each method, the network last.
    scores : dict of float
        PSNR in dB of each method against the photograph.
    border : int
        Pixels left out of the scores on each side.
    network : DagNN
    planes : Shape
        The input of the network.
    network_seconds, total_seconds : float
        Medians: of the network, and of all from 8-bit picture to 8-bit picture.
    """

    photograph: Array
    low_resolution: Array
    enlarged: dict[str, Array]
    scores: dict[str, float]
    border: int
    network: DagNN
    planes: Shape
    network_seconds: float
    total_seconds: float

    @property
    def gain(self) -> float:
        """Decibels better than bicubic interpolation."""
        return self.scores[OURS] - self.scores["bicubic"]

    @property
    def megapixels_per_second(self) -> float:
        """Colour pixels that the network puts out."""
        height, width, _ = self.photograph.shape
        return float(height * width / self.network_seconds / 1e6)


def compare() -> Comparison:
    """Enlarge the demo's photograph from half its size by every method."""
    photograph, half = _read("photo.png"), _read("photo-half.png")
    network = load_upsampler()
    x = as_input(half)
    size = photograph.shape[1], photograph.shape[0]
    enlarged = {name: np.asarray(Image.fromarray(half).resize(size, method)) for name, method in PLAIN.items()}
    enlarged[OURS] = upsample(half, network)
    return Comparison(
        photograph,
        half,
        enlarged,
        {name: psnr(inside(picture), inside(photograph)) for name, picture in enlarged.items()},
        BORDER,
        network,
        x.shape,
        _seconds(lambda: network.predict(x)),
        _seconds(lambda: upsample(half, network)),
    )


def inside(picture: Array) -> Array:
    """A picture without the border that does not count."""
    return picture[BORDER:-BORDER, BORDER:-BORDER]


def sheet(found: Comparison) -> Image.Image:
    """One picture: the photograph with two details framed, and each detail as four methods show it."""
    columns = {
        "Original": found.photograph,
        f"Nearest, {found.scores['nearest']:.2f} dB": found.enlarged["nearest"],
        f"Bicubic, {found.scores['bicubic']:.2f} dB": found.enlarged["bicubic"],
        f"Network, {found.scores[OURS]:.2f} dB": found.enlarged[OURS],
    }
    height, width, _ = found.photograph.shape
    tile = DETAIL * ZOOM
    left = GAP + width + GAP
    paper = Image.new("RGB", (left + len(columns) * (tile + GAP), CAPTION + len(DETAILS) * (tile + GAP)), PAPER)
    pen = ImageDraw.Draw(paper)
    title, text = ImageFont.load_default(20), ImageFont.load_default(16)

    pen.text((GAP, CAPTION / 2), "The photograph", INK, title, "lm")
    paper.paste(Image.fromarray(found.photograph), (GAP, CAPTION))
    for (x, y), color in zip(DETAILS, FRAMES, strict=True):
        frame = (GAP + x - 2, CAPTION + y - 2, GAP + x + DETAIL + 1, CAPTION + y + DETAIL + 1)
        pen.rectangle(frame, outline=color, width=2)
    low_height, low_width, _ = found.low_resolution.shape
    story = (
        ("Eileen Collins. NASA, public domain.", INK),
        (f"Reduced from {width}x{height} to {low_width}x{low_height} pixels,", INK),
        ("then enlarged by interpolation and by a trained network.", INK),
        (f"The network is {found.gain:.2f} dB closer than bicubic.", INK),
        ("", INK),
        (f"PSNR: the whole picture in RGB, less {found.border} pixels of border.", FAINT),
        (f"Details: {ZOOM} times their size.", FAINT),
    )
    for line, (sentence, color) in enumerate(story):
        pen.text((GAP, CAPTION + height + GAP + 24 * line), sentence, color, text)

    for column, (caption, picture) in enumerate(columns.items()):
        x = left + column * (tile + GAP)
        pen.text((x, CAPTION / 2), caption, INK, title, "lm")
        for row, (detail_x, detail_y) in enumerate(DETAILS):
            detail = picture[detail_y : detail_y + DETAIL, detail_x : detail_x + DETAIL]
            large = Image.fromarray(np.repeat(np.repeat(detail, ZOOM, axis=0), ZOOM, axis=1))
            place = x, CAPTION + row * (tile + GAP)
            paper.paste(large, place)
            edge = (place[0], place[1], place[0] + tile - 1, place[1] + tile - 1)
            pen.rectangle(edge, outline=FRAMES[row], width=2)
    return paper


def _read(name: str) -> Array:
    """A picture of the demo: (H, W, 3) uint8."""
    with files("vlnn.demo").joinpath(name).open("rb") as stream, Image.open(stream) as picture:
        return np.asarray(picture.convert("RGB"))


def _seconds(call: Callable[[], object]) -> float:
    """The median time of a call."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)
