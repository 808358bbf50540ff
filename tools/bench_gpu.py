"""vlnn on a GPU against PyTorch on the same GPU, on the same arrays in the same run.

    python tools/bench_gpu.py
    python tools/bench_gpu.py --cases a1,d2 --ops fwd,dx --blocks bnorm,lrn --json gpu.json

Convolutions through cuDNN on either side, with cuDNN's own guess and autotuned, and vlnn's without cuDNN; the blocks
that memory holds up by the share of the card's copy bandwidth that they reach; the cost of a call; the memory held
after many calls. See README.md beside this file. Needs a CUDA GPU, CuPy and torch with CUDA.
"""

from __future__ import annotations

import json
import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np
import torch

import bench_blocks
import vlnn
from bench import some_of
from bench_cases import CASES, OPS, Problem, disagreement
from bench_report import geomean, worst
from gpu_card import Card, interleaved, queueing
from timing import Timing, Work

SECONDS = 300.0
BATCH = 16  # times the images of bench.py's cases, but for the smallest
TINY = ("f", "v0")
TOLERANCE, TOLERANCE_OF_TF32 = 1e-4, 5e-3
OVERHEAD_CALLS, GROWTH_CALLS = 1000, 10_000
MODES = ("guessed", "autotuned")
PYTORCH_CALL = "convt, PyTorch"

# How often a block has to read its inputs: batch normalisation for the moments, and again for the result.
READINGS = {"bnorm": 2}

# Larger than any cache of a card.
BLOCKS: dict[str, Callable[[], list[bench_blocks.Case]]] = {
    "relu": lambda: [bench_blocks.relu("VGG conv1", 224, 224, 64, 32)],
    "maxpool": lambda: [
        bench_blocks.max_pool("AlexNet pool1 3/2", (55, 55, 96, 256), 3, 2),
        bench_blocks.max_pool("VGG pool1 2/2", (224, 224, 64, 32), 2, 2),
    ],
    "avgpool": lambda: [
        bench_blocks.average_pool("ResNet pool5 7/7", (7, 7, 2048, 256), 7, 7),
        bench_blocks.average_pool("3/1, pad 1", (28, 28, 192, 256), 3, 1, 1),
    ],
    "bnorm": lambda: [
        bench_blocks.batch_norm("ResNet conv2", 56, 56, 256, 128),
        bench_blocks.batch_norm("ResNet conv5", 7, 7, 2048, 256),
    ],
    "lrn": lambda: [bench_blocks.response_norm("AlexNet norm1", 55, 55, 96, 256)],
    "softmax": lambda: [
        bench_blocks.softmax("1000 classes", 1, 1, 1000, 65536),
        bench_blocks.softmax("FCN, 21 classes", 512, 512, 21, 16),
    ],
    "sampler": lambda: [bench_blocks.sampler("56x56x64x256", (56, 56, 64, 256), 56, 56)],
}


class Row(NamedTuple):
    """One operation: the time of each engine, none where results differ, and the share of the copy bandwidth."""

    name: str
    op: str
    mode: str
    times: dict[str, Timing]
    disagreement: float
    share: float | None = None

    def ratio(self, engine: str = "vlnn") -> float:
        """An engine's time by PyTorch's."""
        return self.times[engine].median / self.times["torch"].median

    def line(self) -> str:
        name = f"{self.name:28}{self.op:4}{self.mode:10}"
        if not self.times:
            return f"{name}WRONG: differs by {self.disagreement:.1e} of the largest magnitude"
        times = "".join(f"{self.times[engine].median * 1e3:10.3f}" for engine in self.times)
        shared = "" if self.share is None else f"{self.share:8.0%} of copy"
        return f"{name}{times}{self.ratio():8.2f}{shared}"


def measure_convolutions(mode: str, cases: list[str], ops: list[str], seconds: float, tf32: bool) -> list[Row]:
    """In a process of its own: PyTorch keeps the algorithm that it has used once, however it was found."""
    _same_precision(tf32)
    card, tuned = Card(), mode == "autotuned"
    torch.backends.cudnn.benchmark = vlnn.settings.autotune = tuned
    chosen = [case for case in CASES if case.name in cases]
    rows: list[Row] = []
    end = time.perf_counter() + seconds
    with torch.inference_mode():
        for case in chosen:
            problem = Problem(_larger(case), card.array, card.tensor)
            for op in ops:
                works: dict[str, Work] = {"vlnn": problem.vlnn(op), "torch": problem.torch(op)}
                if not tuned:
                    works["cuBLAS"] = _without_cudnn(problem.vlnn(op))
                share = (end - time.perf_counter()) / (len(chosen) * len(ops) - len(rows))
                difference = _difference(card, works)
                agree = difference <= (TOLERANCE_OF_TF32 if tf32 else TOLERANCE)
                times = interleaved(card, works, share) if agree else {}
                rows.append(Row(case.name, op, mode, times, difference))
                click.echo(rows[-1].line())
    return rows


def _larger(case: Any) -> Any:
    """The case with as many images as keep a card busy."""
    height, width, depth, images = case.x
    return case if case.name in TINY else case._replace(x=(height, width, depth, images * BATCH))


def _without_cudnn(work: Work) -> Work:
    def run() -> Any:
        with vlnn.settings.scoped(cudnn=False):
            return work()

    return run


def _difference(card: Card, works: dict[str, Work]) -> float:
    """The largest difference of the results to PyTorch's."""
    results = {name: _results(card, work()) for name, work in works.items()}
    return float(np.max([disagreement(results[name], results["torch"]) for name in results if name != "torch"]))


def _results(card: Card, result: Any) -> list[Any]:
    arrays = result if isinstance(result, (tuple, list)) else (result,)
    return [card.numbers(array) for array in arrays if array is not None and 0 not in array.shape]


def measure_blocks(card: Card, blocks: list[str], seconds: float, bandwidth: float) -> list[Row]:
    rows: list[Row] = []
    end = time.perf_counter() + seconds
    for number, block in enumerate(blocks):
        until = time.perf_counter() + (end - time.perf_counter()) / (len(blocks) - number)
        passes = [(case, *each) for case in BLOCKS[block]() for each in _passes(card, case)]
        for done, (case, op, works, moved) in enumerate(passes):
            difference = _difference(card, works)
            share = (until - time.perf_counter()) / (len(passes) - done)
            times = interleaved(card, works, share) if difference <= TOLERANCE else {}
            reached = moved / times["vlnn"].median / bandwidth if times else None
            rows.append(Row(f"{case.block} {case.layer}", op, "", times, difference, reached))
            click.echo(rows[-1].line())
    return rows


def _passes(card: Card, case: bench_blocks.Case) -> list[tuple[str, dict[str, Work], int]]:
    """Forward and backward: the work of either library, and the bytes that it reads and writes at least."""
    inputs = [card.array(array) for array in case.inputs]
    tensors = [card.tensor(array) for array in inputs]
    y = case.ours(*inputs)
    dzdy = card.array(np.random.default_rng(1).standard_normal(y.shape[::-1], np.float32).T)
    der = card.tensor(dzdy)
    derived = [tensor.requires_grad_() for tensor in tensors[: case.derived]]
    readings = READINGS.get(case.block, 1)
    read = readings * sum(array.nbytes for array in inputs)
    written = sum(array.nbytes for array in inputs[: case.derived])

    def forward() -> Any:
        with torch.no_grad():
            return case.theirs(*tensors)

    return [
        ("fwd", {"vlnn": lambda: case.ours(*inputs), "torch": forward}, read + y.nbytes),
        (
            "bwd",
            {
                "vlnn": lambda: case.ours(*inputs, dzdy),
                "torch": lambda: torch.autograd.grad(case.theirs(*tensors), derived, der),
            },
            read + readings * dzdy.nbytes + written,
        ),
    ]


def measure_calls(card: Card) -> dict[str, float]:
    """Microseconds of the host for a call with next to nothing to do, and bytes that many calls leave behind."""
    tiny = next(case for case in CASES if case.name == "f")
    problem = Problem(tiny, card.array, card.tensor)
    x = card.array(np.ones((4, 4, 2, 2), np.float32))
    works = {
        "convt, cuDNN": problem.vlnn("fwd"),
        "convt, cuBLAS": _without_cudnn(problem.vlnn("fwd")),
        PYTORCH_CALL: problem.torch("fwd"),
        "relu": lambda: vlnn.vl_nnrelu(x),
        "pool": lambda: vlnn.vl_nnpool(x, 2),
    }
    figures = {name: queueing(card, work, OVERHEAD_CALLS) * 1e6 for name, work in works.items()}
    before = card.held_bytes()
    for _ in range(GROWTH_CALLS):
        works["convt, cuDNN"]()
        works["convt, cuBLAS"]()
    card.wait()
    figures["bytes left by 10,000 calls"] = float(card.held_bytes() - before)
    return figures


def _same_precision(tf32: bool) -> None:
    vlnn.settings.tf32 = torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = tf32


def summary(convolutions: list[Row], blocks: list[Row], calls: dict[str, float]) -> list[str]:
    """The project's targets, and what was reached."""
    lines = []
    for mode in MODES:
        ratios = [row.ratio() for row in convolutions if row.times and row.mode == mode and row.name not in TINY]
        for sentence, limit, value in (("geomean", 1.0, geomean(ratios)), ("worst", 1.5, worst(ratios))):
            if value is not None:
                lines.append(_target(f"convolutions, {mode}, {sentence}", value, limit, value <= limit))
    without = [row.ratio("cuBLAS") for row in convolutions if "cuBLAS" in row.times and row.name not in TINY]
    if without:
        lines.append(f"{'convolutions without cuDNN, geomean':40}{geomean(without):10.2f}")
    for row in blocks:
        if row.share is not None:
            lines.append(_target(f"{row.name} {row.op}", row.share, 0.7, row.share >= 0.7, "at least"))
    for name, value in calls.items():
        if name == PYTORCH_CALL:
            lines.append(f"{name:40}{value:10.2f}")
            continue
        limit = 0 if name.startswith("bytes") else 40
        lines.append(_target(name, value, limit, value <= limit))
    return lines


def _target(name: str, value: float, limit: float, met: bool, word: str = "at most") -> str:
    return f"{name:40}{value:10.2f}  {'met' if met else 'NOT met'}: {word} {limit:g}"


@click.command()
@click.option("--cases", callback=some_of(case.name for case in CASES), help="Some cases, as in a1,d2.")
@click.option("--ops", callback=some_of(OPS), help="Some of fwd,dx,df,bwd.")
@click.option("--blocks", callback=some_of(BLOCKS), help=f"Some of {','.join(BLOCKS)}.")
@click.option("--tf32", is_flag=True, help="Multiply in TF32, on either side.")
@click.option("--seconds", type=float, default=SECONDS, show_default=True, help="Time to aim at.")
@click.option(
    "--json", "report", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="Write the figures here."
)
def bench(cases: list[str], ops: list[str], blocks: list[str], tf32: bool, seconds: float, report: Path | None) -> None:
    """Time vlnn and PyTorch on a GPU."""
    problem = Card.obstacle()
    if problem:
        raise click.ClickException(f"There is no GPU to measure: {problem}.")
    card = Card()
    facts = card.facts()
    for fact, value in facts.items():
        click.echo(f"{fact}: {value}")
    click.echo(f"{'milliseconds':42}{'vlnn':>10}{'torch':>10}{'cuBLAS':>10}{'ratio':>8}")
    convolutions: list[Row] = []
    for mode in MODES:
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as fresh:
            convolutions += fresh.submit(measure_convolutions, mode, cases, ops, seconds * 0.4, tf32).result()
    _same_precision(tf32)
    others = measure_blocks(card, blocks, seconds * 0.2, facts["copy GB/s"] * 1e9)
    calls = measure_calls(card)
    click.echo("\n" + "\n".join(summary(convolutions, others, calls)))
    rows = [*convolutions, *others]
    if report is not None:
        measured = [
            {**row._asdict(), "times": {engine: timing._asdict() for engine, timing in row.times.items()}}
            for row in rows
        ]
        report.write_text(json.dumps({"card": facts, "rows": measured, "calls": calls}, indent=1) + "\n")
    wrong = sum(not row.times for row in rows)
    if wrong:
        raise click.ClickException(f"{wrong} results differ from those of PyTorch.")


if __name__ == "__main__":
    bench()
