"""vl_imreadjpeg against a loop over Pillow: JPEGs of 640x480, read, resized and packed.

Run it from the project: ``python tools/bench_images.py``. Pillow decodes for both; its loop uses one thread.
"""

from __future__ import annotations

import tempfile
from importlib.resources import files
from pathlib import Path

import click
import numpy as np
from PIL import Image

import vlnn
from bench_report import geomean
from timing import interleaved

SIZE = (480, 640)


def write_pictures(folder: Path, count: int) -> list[str]:
    """Pictures cut from the demo's photograph at random places, enlarged to 640x480."""
    rng = np.random.default_rng(0)
    with files("vlnn.demo").joinpath("photo.png").open("rb") as stream:
        photograph = Image.open(stream).convert("RGB")
    names = []
    for number in range(count):
        left, top = (int(place) for place in rng.integers(0, (128, 208)))
        picture = photograph.resize(SIZE[::-1], Image.Resampling.BICUBIC, (left, top, left + 320, top + 240))
        names.append(str(folder / f"{number:03}.jpg"))
        picture.save(names[-1], quality=90)
    return names


def by_pillow(names: list[str], size: tuple[int, int]) -> np.ndarray:
    """The same batch, (H, W, 3, K) of class single, by the loop that people write."""
    batch = np.empty((*size, 3, len(names)), np.float32, order="F")
    for number, name in enumerate(names):
        with Image.open(name) as picture:
            batch[..., number] = picture.convert("RGB").resize(size[::-1], Image.Resampling.BILINEAR)
    return batch


@click.command()
@click.option("--count", default=200, show_default=True, help="How many pictures.")
@click.option("--seconds", default=30.0, show_default=True, help="Time to aim at for each size.")
def bench(count: int, seconds: float) -> None:
    """Time vl_imreadjpeg with Resize and Pack, and Pillow."""
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        names = write_pictures(Path(folder), count)
        for size in ((224, 224), (240, 320)):
            resize = list(size)
            works = {
                "vlnn": lambda resize=resize: vlnn.vl_imreadjpeg(names, "Resize", resize, "Pack"),
                "one thread": lambda resize=resize: vlnn.vl_imreadjpeg(
                    names, "Resize", resize, "Pack", "NumThreads", 1
                ),
                "Pillow": lambda size=size: by_pillow(names, size),
            }
            for work in works.values():
                work()
            times = interleaved(works, seconds, {})
            ratios.append(times["vlnn"].median / times["Pillow"].median)
            shown = ", ".join(f"{name} {timing.median:.3f} s" for name, timing in times.items())
            click.echo(f"{count} pictures to {size[0]}x{size[1]}: {shown}; ratio {ratios[-1]:.2f}")
    click.echo(f"geomean of the ratios {geomean(ratios):.2f}, target <= 1: {'met' if max(ratios) <= 1 else 'NOT met'}")


if __name__ == "__main__":
    bench()
