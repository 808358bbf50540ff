"""Train the network of the demo, vlnn/demo/network.mat, with vlnn's own cnn_train_dag.

The pictures are those of scikit-image that are in the public domain or CC0, less the demo's photograph::

    pip download scikit-image==0.24.0 --no-deps && unzip scikit_image-*.whl 'skimage/data/*'
    python tools/train_demo_network.py skimage/data --work demo-training

The lowest fifth of each picture is not trained with: the score after training is that of these parts. Interrupted, it
goes on after the last epoch in the folder --work. The result depends on the seed, and in the last digits on the BLAS.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import vlnn
import vlnn.demo
from vlnn import dagnn
from vlnn.demo.upsample import CONTEXT, FACTOR, MARGIN
from vlnn.matlab import Struct
from vlnn.training import bilinear_u

Array = Any
Pair = tuple[Array, Array]  # planes in 0..1 at low and at high resolution

PICTURES = (
    *("brick.png", "camera.png", "chelsea.png", "coffee.png"),
    *("grass.png", "gravel.png", "hubble_deep_field.jpg", "rocket.jpg"),
)
SCALES = (1.0, 0.8, 0.65, 0.5)
HELD_OUT = 5  # one part in so many
MAPS = 32
DEPTH = 4  # convolutions
PATCH = 32  # pixels of the low resolution
BATCH = 16
EPOCH = 250  # batches
LEARNING_RATE = 2e-3
WARM_UP = 0.25  # of the learning rate in the first epoch
BORDER = 4  # pixels left out of scores


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path, help="the folder skimage/data")
    parser.add_argument("--work", type=Path, required=True, help="a folder for net-epoch-1.mat and so on")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=Path(vlnn.demo.__file__).with_name("network.mat"))
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)
    parts = [parts_of(pair) for name in PICTURES for pair in plane_pairs(arguments.pictures / name)]
    imdb = database([train for train, _ in parts], BATCH * EPOCH * arguments.epochs, rng)
    net, _ = vlnn.cnn_train_dag(
        *(first_network(rng), imdb, getBatch),
        *("expDir", str(arguments.work), "batchSize", BATCH, "epochSize", BATCH * EPOCH),
        *("numEpochs", arguments.epochs, "learningRate", learning_rates(arguments.epochs)),
        *("solver", "solver.adam", "weightDecay", 0),
        *("plotStatistics", False, "randomSeed", arguments.seed),
    )
    net.removeLayer("loss")
    ours, bicubic = scores(net, [held_out for _, held_out in parts])
    print(f"Held-out parts: {ours:.2f} dB, bicubic {bicubic:.2f} dB", flush=True)
    net.save(arguments.output)


def plane_pairs(path: Path) -> list[Pair]:
    """Every colour plane of a picture at each scale."""
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


def parts_of(pair: Pair) -> tuple[Pair, Pair]:
    """What is above to train with, and what is below to score with."""
    low, high = pair
    cut = low.shape[0] - low.shape[0] // HELD_OUT
    return (low[:cut], high[: FACTOR * cut]), (low[cut:], high[FACTOR * cut :])


def database(pairs: Sequence[Pair], count: int, rng: np.random.Generator) -> Struct:
    """An imdb of patches: for each the pair, where in it, and how it is turned. Larger pictures have more of them."""
    chances = np.sqrt([low.size for low, _ in pairs])
    chosen = rng.choice(len(pairs), count, p=chances / chances.sum())
    room = np.array([pairs[one][0].shape for one in chosen]) - (PATCH + 2 * MARGIN)
    corners = rng.integers(room + 1)
    return Struct(
        pairs=pairs,
        images=Struct(set=np.ones((1, count)), pair=chosen, corner=corners, turn=rng.integers(8, size=count)),
    )


def getBatch(imdb: Struct, batch: Array) -> list[Any]:
    """Patches with their margin, and what should come out."""
    reach, size = PATCH + 2 * MARGIN, FACTOR * PATCH
    x = np.empty((reach, reach, 1, len(batch)), np.float32, order="F")
    target = np.empty((size, size, 1, len(batch)), np.float32, order="F")
    for n, at in enumerate(batch):
        low, high = imdb.pairs[imdb.images.pair[at]]
        top, left = imdb.images.corner[at]
        turns, mirrored = divmod(int(imdb.images.turn[at]), 2)
        rows, columns = (slice(FACTOR * (start + MARGIN), FACTOR * (start + MARGIN) + size) for start in (top, left))
        for patch, place in ((low[top : top + reach, left : left + reach], x), (high[rows, columns], target)):
            turned = np.rot90(patch, turns)
            place[:, :, 0, n] = turned.T if mirrored else turned
    return ["input", x, "target", target]


def first_network(rng: np.random.Generator) -> dagnn.DagNN:
    """Convolutions that describe the picture, a transposed one that draws detail, another that enlarges the picture."""
    net = dagnn.DagNN()
    net.rng = rng
    net.addLayer("centre", dagnn.Conv(size=[1, 1, 1, 1]), "input", "centred", ["centref", "centreb"])
    variable, channels = "centred", 1
    for number in range(1, DEPTH + 1):
        side = 5 if number == 1 else 3
        block = dagnn.Conv(size=[side, side, channels, MAPS])
        net.addLayer(f"conv{number}", block, variable, f"x{number}", [f"conv{number}f", f"conv{number}b"])
        net.addLayer(f"relu{number}", dagnn.ReLU(), f"x{number}", f"y{number}")
        variable, channels = f"y{number}", MAPS
    crop = 4 * FACTOR - 1  # of the output of 8x8 filters: what is left saw every tap
    detail = dagnn.ConvTranspose(size=[8, 8, 1, MAPS], upsample=FACTOR, crop=crop, hasBias=False)
    net.addLayer("detail", detail, variable, "detail", ["detailf"])
    plain = dagnn.ConvTranspose(size=[8, 8, 1, 1], upsample=FACTOR, crop=crop + FACTOR * CONTEXT, hasBias=False)
    net.addLayer("plain", plain, "input", "plain", ["plainf"])
    net.addLayer("sum", dagnn.Sum(), ["plain", "detail"], "prediction")
    net.addLayer("loss", dagnn.PDist(p=2, noRoot=True, aggregate=True), ["prediction", "target"], "objective")
    net.initParams()
    for name, value in (("centref", 1), ("centreb", -0.5)):  # numbers about 0 are learned from faster
        param = net.getParam(name)
        param.value = np.full_like(param.value, value)
        param.learningRate = 0
    first = net.getParam("conv1f")
    first.value = first.value - first.value.mean((0, 1), keepdims=True)  # filters that see edges, not brightness
    net.getParam("detailf").value *= np.float32(0.05)
    bilinear = np.zeros((8, 8, 1, 1), np.float32, order="F")
    bilinear[2:6, 2:6] = bilinear_u(2 * FACTOR, 1, 1)
    net.getParam("plainf").value = bilinear
    net.meta.margin = MARGIN
    return net


def learning_rates(epochs: int) -> Array:
    """A cosine from LEARNING_RATE to 0, and less in the first epoch: Adam's first steps are long."""
    rates = LEARNING_RATE * (1 + np.cos(np.pi * (np.arange(epochs) + 0.5) / epochs)) / 2
    rates[0] *= WARM_UP
    return rates


def scores(net: dagnn.DagNN, pairs: Sequence[Pair]) -> tuple[float, float]:
    """PSNR in dB of the mean error over pictures: of the network, and of bicubic interpolation."""
    errors = []
    for low, high in pairs:
        ours = net.predict(np.pad(low, MARGIN, "edge"))[:, :, 0, 0]
        bicubic = np.asarray(Image.fromarray(low).resize(high.shape[::-1], Image.Resampling.BICUBIC))
        inner = (slice(BORDER, -BORDER),) * 2
        errors.append([np.mean((np.clip(one, 0, 1) - high)[inner] ** 2) for one in (ours, bicubic)])
    ours, bicubic = -10 * np.log10(np.mean(errors, axis=0))
    return float(ours), float(bicubic)


if __name__ == "__main__":
    main()
