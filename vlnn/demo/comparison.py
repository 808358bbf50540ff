"""The demo's photograph, enlarged in several ways, scored against the original and shown side by side."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from importlib.resources import files
from typing import NamedTuple

import numpy as np

from vlnn.demo.upsample import FilterBank, as_input, as_picture, describe, draw, load_filters, psnr
from vlnn.geometry import Shape
from vlnn.matlab.arrays import Array

try:
    from PIL import Image, ImageDraw, ImageFont
except ModuleNotFoundError:
    raise ModuleNotFoundError("The demo needs Pillow: pip install 'vlnn[images]'", name="PIL") from None

BORDER = 4  # pixels left out of the score, where every method has to make up what lies beyond the picture
REPEATS = 9
PLAIN = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "Lanczos": Image.Resampling.LANCZOS,
}
OURS = "vl_nnconvt"

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
        The low resolution enlarged by each method, vl_nnconvt last.
    scores : dict of float
        PSNR in dB of each method against the photograph.
    border : int
        Pixels left out of the scores on each side.
    maps, planes : Shape
        Input and output of the call of vl_nnconvt.
    convt_seconds, total_seconds : float
        Medians: of the call of vl_nnconvt, and of all from 8-bit picture to 8-bit picture.
    """

    photograph: Array
    low_resolution: Array
    bank: FilterBank
    enlarged: dict[str, Array]
    scores: dict[str, float]
    border: int
    maps: Shape
    planes: Shape
    convt_seconds: float
    total_seconds: float

    @property
    def gain(self) -> float:
        """Decibels better than bicubic interpolation."""
        return self.scores[OURS] - self.scores["bicubic"]

    @property
    def megapixels_per_second(self) -> float:
        """Colour pixels that vl_nnconvt puts out."""
        height, width, _ = self.photograph.shape
        return float(height * width / self.convt_seconds / 1e6)


def compare() -> Comparison:
    """Enlarge the demo's photograph from half its size by every method."""
    photograph, half = _read("photo.png"), _read("photo-half.png")
    bank = load_filters()
    x = as_input(half)
    *_, maps = describe(x, bank)
    y = draw(maps, bank)
    size = photograph.shape[1], photograph.shape[0]
    enlarged = {name: np.asarray(Image.fromarray(half).resize(size, method)) for name, method in PLAIN.items()}
    enlarged[OURS] = as_picture(y)
    return Comparison(
        photograph,
        half,
        bank,
        enlarged,
        {name: psnr(picture, photograph, BORDER) for name, picture in enlarged.items()},
        BORDER,
        maps.shape,
        y.shape,
        _seconds(lambda: draw(maps, bank)),
        _seconds(lambda: as_picture(draw(describe(as_input(half), bank)[-1], bank))),
    )


def sheet(found: Comparison) -> Image.Image:
    """One picture: the photograph with two details framed, and each detail as four methods show it."""
    columns = {
        "Original": found.photograph,
        f"Nearest, {found.scores['nearest']:.2f} dB": found.enlarged["nearest"],
        f"Bicubic, {found.scores['bicubic']:.2f} dB": found.enlarged["bicubic"],
        f"vl_nnconvt, {found.scores[OURS]:.2f} dB": found.enlarged[OURS],
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
        ("then enlarged by interpolation and by trained filters.", INK),
        (f"vl_nnconvt is {found.gain:.2f} dB closer than bicubic.", INK),
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
