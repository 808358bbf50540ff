"""Whole networks, forward, against the same networks as modules of PyTorch, and the memory that they take.

Run it from the project: ``python tools/bench_networks.py``. Trained networks are taken from ../shared/networks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np
import torch

import vlnn
from bench_report import geomean
from timing import interleaved, traced, watch_others
from vlnn.convert.torch import to_module
from vlnn.matlab import imread, imresize, rgb2ycbcr
from vlnn.simplenn import SimpleNN

SHARED = Path(__file__).parents[2] / "shared"
TARGET = 1.2
AGREEMENT = 1e-4  # of the largest magnitude


class Case(NamedTuple):
    """A network and an input for it."""

    name: str
    net: Any
    x: Any


def cases() -> Iterator[Case]:
    """DnCNN on 256x256, LapSRN x4 on Set5's butterfly, and a random network of VGG-F's shape on one and ten images."""
    rng = np.random.default_rng(0)
    if (SHARED / "networks").exists():
        noisy = rng.random((256, 256, 1, 1), np.float32)
        yield Case("DnCNN, 256x256", vlnn.load_network(SHARED / "networks" / "DnCNN_sigma25.mat"), noisy)
        luma = rgb2ycbcr(imread(SHARED / "images" / "butterfly_GT.bmp"))[..., 0] / np.float32(255)
        net = vlnn.load_network(SHARED / "networks" / "LapSRN_x4.mat")
        yield Case("LapSRN x4, 64x64", net, imresize(luma, 0.25))
    else:
        click.echo(f"{SHARED / 'networks'} is not there: no trained networks.")
    net = vlnn.cnn_imagenet_deploy(vlnn.cnn_imagenet_init("model", "vgg-f", "rng", 0))
    for images in (1, 10):
        x = np.asfortranarray(50 * rng.standard_normal((224, 224, 3, images), np.float32))
        yield Case(f"VGG-F, {images} image{'s' * (images > 1)}", net, x)


def peer(case: Case) -> Callable[[], Any]:
    """The same network in PyTorch, which has given the same output once."""
    module = to_module(case.net)
    images = case.x.reshape((*case.x.shape, 1, 1)[:4], order="F").transpose(3, 2, 0, 1)
    x = torch.from_numpy(np.ascontiguousarray(images))

    def run() -> Any:
        with torch.inference_mode():
            return module(x)

    theirs, ours = run().numpy().transpose(2, 3, 1, 0), case.net.predict(case.x)
    error = np.abs(theirs - ours).max() / np.abs(ours).max()
    if not error <= AGREEMENT:
        raise click.ClickException(f"{case.name}: the outputs differ by {error:.1e} of the largest magnitude.")
    return run


def two_largest_neighbours(case: Case) -> int:
    """Bytes of the two neighbouring outputs of a SimpleNN that are largest together, the input's among them."""
    res = vlnn.vl_simplenn(case.net, case.x, mode="test")
    sizes = [each.x.nbytes for each in res]
    return max(one + next_ for one, next_ in pairwise(sizes))


@click.command()
@click.option("--seconds", default=25.0, show_default=True, help="Time to aim at for each network.")
def bench(seconds: float) -> None:
    """Time net.predict and PyTorch's eager module, in turns."""
    torch.set_num_threads(vlnn.settings.threads or torch.get_num_threads())
    others, ratios = watch_others(), []
    for case in cases():
        works = {"vlnn": lambda case=case: case.net.predict(case.x), "PyTorch": peer(case)}
        times = interleaved(works, seconds, {})
        ratios.append(times["vlnn"].median / times["PyTorch"].median)
        shown = ", ".join(f"{name} {1e3 * timing.median:.1f} ms" for name, timing in times.items())
        memory = f"peak {traced(works['vlnn'])[1] / 2**20:.1f} MB"
        if isinstance(case.net, SimpleNN):
            memory += f" beside {two_largest_neighbours(case) / 2**20:.1f} MB of the two largest neighbouring outputs"
        click.echo(f"{case.name}: {shown}; ratio {ratios[-1]:.2f}; {memory}")
    share = others()
    mean = geomean(ratios)
    click.echo(f"geomean of the ratios {mean:.2f}, target <= {TARGET}: {'met' if mean <= TARGET else 'NOT met'}")
    click.echo(f"Other processes used {'an unknown share' if share is None else f'{share:.0%}'} of the cores.")


if __name__ == "__main__":
    bench()
