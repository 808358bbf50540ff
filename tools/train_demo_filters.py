"""Train the filter bank of the demo, vlnn/demo/filters.mat, with vlnn's own derivatives.

The pictures are those of scikit-image that are in the public domain or CC0, less the demo's photograph::

    pip download scikit-image==0.24.0 --no-deps && unzip scikit_image-*.whl 'skimage/data/*'
    python tools/train_demo_filters.py skimage/data

It takes about a minute on one core. The result depends on the seed, and in the last digits on the BLAS.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io
from PIL import Image

import vlnn.demo
from vlnn import vl_nnconv, vl_nnconvt
from vlnn.demo.upsample import CROP, FACTOR, MARGIN, FilterBank, describe, draw

Array = Any

PICTURES = (
    *("brick.png", "camera.png", "chelsea.png", "coffee.png"),
    *("grass.png", "gravel.png", "hubble_deep_field.jpg", "rocket.jpg"),
)
SCALES = (1.0, 0.75, 0.5)
MAPS = 16
BATCH = 32
PATCH = 16  # pixels of the low resolution
LEARNING_RATE = 4e-3
WARM_UP = 100  # steps


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path, help="the folder skimage/data")
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=Path(vlnn.demo.__file__).with_name("filters.mat"))
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)
    pairs = [pair for name in PICTURES for pair in plane_pairs(arguments.pictures / name)]
    bank = train(pairs, arguments.steps, rng)
    scipy.io.savemat(arguments.output, bank._asdict())


def plane_pairs(path: Path) -> list[tuple[Array, Array]]:
    """Every colour plane of a picture at each scale, in 0..1: (low resolution, high resolution)."""
    pairs = []
    with Image.open(path) as picture:
        for scale in SCALES:
            low_size = int(picture.width * scale) // FACTOR, int(picture.height * scale) // FACTOR
            size = low_size[0] * FACTOR, low_size[1] * FACTOR
            high = picture.crop((0, 0, *size)) if scale == 1 else picture.resize(size, Image.Resampling.BICUBIC)
            low = high.resize(low_size, Image.Resampling.BICUBIC)
            for plane in range(len(high.getbands())):
                pairs.append(tuple(np.asarray(image.getchannel(plane), np.float32) / 255 for image in (low, high)))
    return pairs


def draw_batch(pairs: Sequence[tuple[Array, Array]], rng: np.random.Generator) -> tuple[Array, Array]:
    """Patches at random, turned and mirrored at random: inputs with their margin, and what should come out."""
    reach = PATCH + 2 * MARGIN
    x = np.empty((reach, reach, 1, BATCH), np.float32, order="F")
    target = np.empty((FACTOR * PATCH, FACTOR * PATCH, 1, BATCH), np.float32, order="F")
    for n in range(BATCH):
        low, high = pairs[rng.integers(len(pairs))]
        top, left = (int(rng.integers(size - reach + 1)) for size in low.shape)
        rows, columns = (slice(FACTOR * (start + MARGIN), FACTOR * (start + MARGIN + PATCH)) for start in (top, left))
        turns, mirrored = divmod(int(rng.integers(8)), 2)
        for patch, batch in ((low[top : top + reach, left : left + reach], x), (high[rows, columns], target)):
            turned = np.rot90(patch, turns)
            batch[:, :, 0, n] = turned.T if mirrored else turned
    return x, target


def first_bank(rng: np.random.Generator) -> FilterBank:
    """Filters at random, and bilinear interpolation for the picture itself."""
    analysis = rng.normal(0, np.sqrt(2 / 25), (5, 5, 1, MAPS))
    mixing = rng.normal(0, np.sqrt(2 / (9 * MAPS)), (3, 3, MAPS, MAPS))
    synthesis = rng.normal(0, 0.01, (8, 8, 1, 1 + MAPS))
    ramp = np.array([0, 0, 1, 3, 3, 1, 0, 0]) / 4
    synthesis[:, :, 0, 0] = np.outer(ramp, ramp)
    return constrained(FilterBank(*(np.asfortranarray(f, dtype=np.float32) for f in (analysis, mixing, synthesis))))


def constrained(bank: FilterBank) -> FilterBank:
    """The nearest bank that keeps a flat picture as it is; with no biases anywhere, it treats dark and bright alike."""
    analysis = bank.analysis - bank.analysis.mean((0, 1), keepdims=True)
    synthesis = bank.synthesis.copy(order="F")
    for y in range(FACTOR):
        for x in range(FACTOR):
            phase = synthesis[y::FACTOR, x::FACTOR, 0, 0]  # the taps that one pixel in four sees
            phase += (1 - phase.sum()) / phase.size
    return bank._replace(analysis=analysis, synthesis=synthesis)


def gradient(bank: FilterBank, x: Array, target: Array) -> tuple[float, FilterBank]:
    """The mean squared error and its derivative in every filter."""
    edges, shapes, maps = describe(x, bank)
    error = draw(maps, bank) - target
    der = error * np.float32(2 / error.size)
    der_maps, der_synthesis = vl_nnconvt(maps, bank.synthesis, [], der, "Upsample", FACTOR, "Crop", CROP, nargout=2)
    der_shapes = der_maps[:, :, 1:] * (shapes > 0)
    der_edges, der_mixing = vl_nnconv(edges, bank.mixing, [], der_shapes, nargout=2)
    _, der_analysis = vl_nnconv(x, bank.analysis, [], der_edges * (edges > 0), "NoDerData", nargout=2)
    return float(np.mean(error**2)), FilterBank(der_analysis, der_mixing, der_synthesis)


def train(pairs: Sequence[tuple[Array, Array]], steps: int, rng: np.random.Generator) -> FilterBank:
    """Adam, with a rate that rises for WARM_UP steps and then falls as a cosine."""
    bank = first_bank(rng)
    means = squares = FilterBank(*(np.zeros_like(f) for f in bank))
    average = 0.0
    for step in range(1, steps + 1):
        loss, slope = gradient(bank, *draw_batch(pairs, rng))
        rate = LEARNING_RATE * min(1, step / WARM_UP) * (1 + np.cos(np.pi * step / steps)) / 2
        means = FilterBank(*(0.9 * m + 0.1 * g for m, g in zip(means, slope, strict=True)))
        squares = FilterBank(*(0.99 * s + 0.01 * g**2 for s, g in zip(squares, slope, strict=True)))
        bank = FilterBank(
            *(
                f - np.float32(rate / (1 - 0.9**step)) * m / (np.sqrt(s / np.float32(1 - 0.99**step)) + 1e-8)
                for f, m, s in zip(bank, means, squares, strict=True)
            )
        )
        bank = constrained(bank)
        average += (loss - average) / min(step, 100)
        if step % 250 == 0 or step == steps:
            print(f"step {step}: {-10 * np.log10(average):.2f} dB on the training pictures", flush=True)
    return bank


if __name__ == "__main__":
    main()
