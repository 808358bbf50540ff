"""The blocks that memory holds up against PyTorch, forward and backward, on the same arrays in the same run.

    python tools/bench_blocks.py
    python tools/bench_blocks.py --blocks maxpool,bnorm --seconds 20 --json blocks.json

A backward call of MatConvNet gets the inputs and DZDY, and nothing that the forward call kept. The ratio is to the time
in which PyTorch works out the same from the same; "alone" is to that of its backward pass alone, with what its forward
pass kept. Single precision, all cores; see README.md beside this file. Needs torch.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np
import torch
from torch.nn import functional

import vlnn
from bench import some_of
from bench_cases import disagreement, outputs, random
from bench_report import geomean, machine, worst
from timing import Timing, Work, interleaved, watch_others
from vlnn.engines.cpu import threads
from vlnn.matlab.arrays import Array

SECONDS = 150.0
TOLERANCE = 1e-4
LIMITS = {"geomean": 1.3, "worst": 3.0}
HEADING = f"{'':11}{'layer':26}{'op':4}{'vlnn ms':>9}{'torch ms':>10}{'ratio':>7}{'alone':>7}{'turns':>6}"


class Case(NamedTuple):
    """A layer: its inputs as MATLAB has them, and the same function of them in vlnn and in PyTorch.

    `ours` is called with the inputs, and with the derivative in y for the backward pass; `theirs` with tensors of the
    inputs. The first `derived` inputs have derivatives.
    """

    block: str
    layer: str
    function: str
    inputs: Sequence[Array]
    ours: Callable[..., Any]
    theirs: Callable[..., Any]
    derived: int = 1


class Row(NamedTuple):
    """One pass of one case: the time of each engine, none where results differ."""

    block: str
    layer: str
    op: str
    times: dict[str, Timing]
    disagreement: float

    def ratio(self, other: str = "torch") -> float:
        """vlnn's time by the other's."""
        return self.times["vlnn"].median / self.times[other].median


def relu(layer: str, *shape: int) -> Case:
    return Case("relu", layer, "vl_nnrelu", [random(shape)], lambda *args: vlnn.vl_nnrelu(*args), functional.relu)


def max_pool(layer: str, shape: tuple[int, ...], size: int, stride: int, pad: int = 0) -> Case:
    """Of numbers after a ReLU, as networks have them: with ties."""
    return Case(
        "maxpool",
        layer,
        "vl_nnpool",
        [np.maximum(random(shape), 0)],
        lambda x, *dzdy: vlnn.vl_nnpool(x, size, *dzdy, "Stride", stride, "Pad", pad),
        lambda x: functional.max_pool2d(x, size, stride, pad),
    )


def average_pool(layer: str, shape: tuple[int, ...], size: int, stride: int, pad: int = 0) -> Case:
    return Case(
        "avgpool",
        layer,
        "vl_nnpool",
        [random(shape)],
        lambda x, *dzdy: vlnn.vl_nnpool(x, size, *dzdy, "Stride", stride, "Pad", pad, "Method", "avg"),
        lambda x: functional.avg_pool2d(x, size, stride, pad, count_include_pad=False),
    )


def batch_norm(layer: str, *shape: int) -> Case:
    depth = (shape[2], 1)
    return Case(
        "bnorm",
        layer,
        "vl_nnbnorm",
        [random(shape), random(depth), random(depth)],
        lambda *args: vlnn.vl_nnbnorm(*args),
        lambda x, g, b: functional.batch_norm(x, None, None, g.reshape(-1), b.reshape(-1), True, 0.1, 1e-4),
        derived=3,
    )


def response_norm(layer: str, *shape: int) -> Case:
    return Case(
        "lrn",
        layer,
        "vl_nnnormalize",
        [random(shape)],
        lambda x, *dzdy: vlnn.vl_nnnormalize(x, [5, 1, 1e-4 / 5, 0.75], *dzdy),
        lambda x: functional.local_response_norm(x, 5, 1e-4, 0.75, 1.0),
    )


def softmax(layer: str, *shape: int) -> Case:
    return Case(
        "softmax",
        layer,
        "vl_nnsoftmax",
        [random(shape)],
        lambda *args: vlnn.vl_nnsoftmax(*args),
        lambda x: functional.softmax(x, 1),
    )


def softmax_log_loss(layer: str, *shape: int) -> Case:
    height, width, classes, images = shape
    labels = np.random.default_rng(0).integers(1, classes + 1, (images, 1, width, height)).T
    targets = torch.from_numpy(labels.T[:, 0] - 1)
    return Case(
        "loss",
        layer,
        "vl_nnloss",
        [random(shape)],
        lambda x, *dzdy: vlnn.vl_nnloss(x, labels.astype(np.float32, order="F"), *dzdy, "loss", "softmaxlog"),
        lambda x: functional.cross_entropy(x, targets, reduction="sum") / images,
    )


def sampler(layer: str, shape: tuple[int, ...], height: int, width: int) -> Case:
    """Samples on a square that is turned and made smaller, all of it inside the image."""
    v, u = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    square = np.stack((0.6 * v - 0.3 * u, 0.3 * v + 0.6 * u))[..., None]
    grid = np.asfortranarray(np.broadcast_to(square, (2, height, width, shape[3])), np.float32)
    return Case(
        "sampler",
        layer,
        "vl_nnbilinearsampler",
        [random(shape), grid],
        lambda *args: vlnn.vl_nnbilinearsampler(*args),
        lambda x, points: functional.grid_sample(x, points, align_corners=True),
        derived=2,
    )


BLOCKS: dict[str, Callable[[], list[Case]]] = {
    "relu": lambda: [
        relu("AlexNet conv1", 55, 55, 96, 16),
        relu("VGG conv1", 224, 224, 64, 2),
        relu("ResNet conv2", 56, 56, 256, 8),
        relu("VGG fc6", 1, 1, 4096, 64),
    ],
    "maxpool": lambda: [
        max_pool("AlexNet pool1 3/2", (55, 55, 96, 16), 3, 2),
        max_pool("AlexNet pool2 3/2", (27, 27, 256, 16), 3, 2),
        max_pool("AlexNet pool5 3/2", (13, 13, 256, 32), 3, 2),
        max_pool("VGG pool1 2/2", (224, 224, 64, 2), 2, 2),
        max_pool("VGG pool3 2/2", (56, 56, 256, 8), 2, 2),
        max_pool("ResNet pool1 3/2, pad 1", (112, 112, 64, 4), 3, 2, 1),
    ],
    "avgpool": lambda: [
        average_pool("ResNet pool5 7/7", (7, 7, 2048, 16), 7, 7),
        average_pool("2/2", (56, 56, 128, 8), 2, 2),
        average_pool("3/1, pad 1", (28, 28, 192, 8), 3, 1, 1),
    ],
    "bnorm": lambda: [
        batch_norm("ResNet conv1", 112, 112, 64, 4),
        batch_norm("ResNet conv2", 56, 56, 256, 8),
        batch_norm("ResNet conv3", 28, 28, 512, 8),
        batch_norm("ResNet conv4", 14, 14, 1024, 8),
        batch_norm("ResNet conv5", 7, 7, 2048, 16),
    ],
    "lrn": lambda: [response_norm("AlexNet norm1", 55, 55, 96, 4), response_norm("AlexNet norm2", 27, 27, 256, 8)],
    "softmax": lambda: [softmax("1000 classes", 1, 1, 1000, 128), softmax("FCN, 21 classes", 128, 128, 21, 4)],
    "loss": lambda: [
        softmax_log_loss("1000 classes", 1, 1, 1000, 128),
        softmax_log_loss("FCN, 21 classes", 128, 128, 21, 4),
    ],
    "sampler": lambda: [
        sampler("56x56x64x8", (56, 56, 64, 8), 56, 56),
        sampler("28x28x256x8", (28, 28, 256, 8), 14, 14),
        sampler("60x60x1x64 to 30x30", (60, 60, 1, 64), 30, 30),
    ],
}


def measure(case: Case, op: str, seconds: float) -> Row:
    """Compare the engines' results and, where they agree, their times."""
    # An array in MATLAB's order is, transposed, a tensor without a copy. MATLAB's vectors are columns.
    tensors = [torch.from_numpy(array.T) for array in case.inputs]
    if op == "fwd":
        works = {"vlnn": lambda: case.ours(*case.inputs), "torch": _without_graph(lambda: case.theirs(*tensors))}
    else:
        derived = [tensor.requires_grad_() for tensor in tensors[: case.derived]]
        y = case.theirs(*tensors)
        dzdy = random(tuple(y.shape[::-1])) if y.ndim else np.ones((1, 1), np.float32)
        der = torch.from_numpy(dzdy.T).reshape(y.shape)
        works = {
            "vlnn": lambda: case.ours(*case.inputs, dzdy),
            "torch": lambda: torch.autograd.grad(case.theirs(*tensors), derived, der),
            "alone": lambda: torch.autograd.grad(y, derived, der, retain_graph=True),
        }
    difference = disagreement(outputs(works["vlnn"]()), outputs(works["torch"]()))
    times = interleaved(works, seconds, {}) if difference <= TOLERANCE else {}
    return Row(case.block, case.layer, op, times, difference)


def _without_graph(work: Work) -> Work:
    def run() -> Any:
        with torch.no_grad():
            return work()

    return run


def row_line(row: Row) -> str:
    name = f"{row.block:11}{row.layer:26}{row.op:4}"
    if not row.times:
        return f"{name} WRONG: differs by {row.disagreement:.1e} of the largest magnitude"
    milliseconds = (row.times[engine].median * 1e3 for engine in ("vlnn", "torch"))
    times = "{:9.3f}{:10.3f}".format(*milliseconds)
    alone = f"{row.ratio('alone'):.2f}" if "alone" in row.times else ""
    return f"{name}{times}{row.ratio():7.2f}{alone:>7}{row.times['vlnn'].turns:6}"


def summary(rows: list[Row], strict: bool) -> dict[str, float | None]:
    """The geomean of each block and of all, and the worst ratio; strictly: by PyTorch's backward pass alone."""

    def ratios(block: str | None = None) -> list[float]:
        chosen = [row for row in rows if row.times and block in (None, row.block)]
        return [row.ratio("alone" if strict and "alone" in row.times else "torch") for row in chosen]

    means = {block: geomean(ratios(block)) for block in BLOCKS if ratios(block)}
    return {**means, "geomean": geomean(ratios()), "worst": worst(ratios())}


@click.command()
@click.option("--blocks", callback=some_of(BLOCKS), help=f"Some of {','.join(BLOCKS)}.")
@click.option("--seconds", type=float, default=SECONDS, show_default=True, help="Time to aim at.")
@click.option(
    "--json", "report", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="Write the figures here."
)
def bench(blocks: list[str], seconds: float, report: Path | None) -> None:
    """Time vlnn's blocks and PyTorch's."""
    torch.set_num_threads(threads.count())
    facts = machine()
    for fact in ("cpu", "threads", "versions"):
        click.echo(f"{fact}: {facts[fact]}")
    share_of_others = watch_others()
    rows: list[Row] = []
    end = time.perf_counter() + seconds
    click.echo(HEADING)
    for number, block in enumerate(blocks):
        cases = BLOCKS[block]()
        if not hasattr(vlnn, cases[0].function):
            click.echo(f"{block:11}vlnn has no {cases[0].function}")
            continue
        until = time.perf_counter() + (end - time.perf_counter()) / (len(blocks) - number)
        passes = [(case, op) for case in cases for op in ("fwd", "bwd")]
        for done, (case, op) in enumerate(passes):
            rows.append(measure(case, op, (until - time.perf_counter()) / (len(passes) - done)))
            click.echo(row_line(rows[-1]))
    facts["share of others"] = others = share_of_others()
    if others is not None:
        click.echo(f"\nMeanwhile other processes used {others:.0%} of the cores.")
    figures = {"ratio": summary(rows, strict=False), "alone": summary(rows, strict=True)}
    click.echo(f"\n{'':11}{'ratio':>7}{'alone':>7}")
    for name, ratio in figures["ratio"].items():
        if ratio is not None:
            limit = LIMITS.get(name)
            verdict = "" if limit is None else f"  {'met' if ratio <= limit else 'NOT met'}: <= {limit:g}"
            click.echo(f"{name:11}{ratio:7.2f}{figures['alone'][name]:7.2f}{verdict}")
    if report is not None:
        measured = [
            {**row._asdict(), "times": {engine: timing._asdict() for engine, timing in row.times.items()}}
            | {"ratio": {other: row.ratio(other) for other in row.times if other != "vlnn"}}
            for row in rows
        ]
        report.write_text(json.dumps({"machine": facts, "rows": measured, "summary": figures}, indent=1) + "\n")
    wrong = sum(not row.times for row in rows)
    if wrong:
        raise click.ClickException(f"{wrong} results differ from those of PyTorch.")


if __name__ == "__main__":
    bench()
