"""vlnn convert on a network of 250 MB: time against reading and writing it, and memory against its size.

Run it from the project: ``python tools/bench_convert.py``. Each figure is of a process of its own, on files that are in
the system's cache.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from statistics import median

import click
import numpy as np

from vlnn.convert import Checkpoint, formats
from vlnn.convert.conversion import Changes, Check, write
from vlnn.simplenn import SimpleNN

MEGABYTE = 2**20
# As VGG-F: height, width, depth and count of filters, stride, pad, and whether pooling follows.
LAYERS = [
    (11, 11, 3, 64, 4, 0, True),
    (5, 5, 64, 256, 1, 2, True),
    (3, 3, 256, 256, 1, 1, False),
    (3, 3, 256, 256, 1, 1, False),
    (3, 3, 256, 256, 1, 1, True),
    (6, 6, 256, 4096, 1, 0, False),
    (1, 1, 4096, 4096, 1, 0, False),
    (1, 1, 4096, 1000, 1, 0, False),
]


def network() -> SimpleNN:
    """A network of random weights, 244 MB in single."""
    rng = np.random.default_rng(0)
    layers = []
    for number, (high, wide, depth, count, stride, pad, pooled) in enumerate(LAYERS):
        filters = rng.standard_normal((count, depth, wide, high), np.float32).T * np.float32(
            (high * wide * depth) ** -0.5
        )
        conv = {"type": "conv", "weights": [filters, np.zeros((1, count), np.float32)], "stride": stride, "pad": pad}
        layers += [{"name": f"conv{number + 1}", **conv}, {"type": "relu", "name": f"relu{number + 1}"}]
        if pooled:
            pool = {"pool": 3, "stride": 2, "pad": [0, 1, 0, 1], "method": "max"}
            layers.append({"type": "pool", "name": f"pool{number + 1}", **pool})
    layers[-1] = {"type": "softmax", "name": "prob"}
    return SimpleNN(layers, {"normalization": {"imageSize": [224, 224, 3]}})


@contextmanager
def sampled() -> Iterator[list[int]]:
    """The most memory of the process's own that it held, in bytes: pages of files that are mapped do not count."""
    most, done = [0], threading.Event()

    def watch() -> None:
        while not done.wait(0.002):
            most[0] = max(most[0], held())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield most
    finally:
        done.set()
        watcher.join()


def held() -> int:
    """The process's own memory that is in use."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) * 1024


def measure(source: Path, target: Path, task: str) -> dict[str, float]:
    """Do one thing, and say how long it took and how much memory."""
    form = formats.format_of(target)
    for package in {*form.reads_with, *form.writes_with, *form.runs_with}:
        import_module(package)  # neither time nor memory of the conversion
    before = held()
    with sampled() as most:
        start = time.perf_counter()
        net = formats.read(source).network()
        if task == "read and write":
            form.write(Checkpoint.of(net), target)
        else:
            write(net, Changes().of(net), target, form, Check() if task == "convert" else None, False)
        seconds = time.perf_counter() - start
    return {"seconds": seconds, "memory": most[0] - before}


def in_a_process(*arguments: str) -> dict[str, float]:
    command = [sys.executable, __file__, "--measure", *arguments]
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


@click.command()
@click.option("--turns", default=3, show_default=True, help="How often each time is taken.")
@click.option("--measure", "task", nargs=3, hidden=True)
def bench(turns: int, task: tuple[str, str, str] | None) -> None:
    """Time conversions of a network of 250 MB from .mat, with and without the proof, and print their memory."""
    if task:
        click.echo(json.dumps(measure(Path(task[0]), Path(task[1]), task[2])))
        return
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "source.mat")
        network().save(source)
        size = source.stat().st_size
        click.echo(
            f"A network of {size / MEGABYTE:.0f} MB; times are medians of {turns}, memory that of the process's own"
        )
        click.echo(
            f"{'':<13}{'read+write':>11}{'convert':>10}{'ratio':>7}{'no check':>10}{'memory':>9}{'no check':>10}"
        )
        for suffix in formats.FORMATS:
            target = Path(folder, f"target{suffix}")
            tasks: dict[str, list[dict[str, float]]] = {"read and write": [], "convert": [], "unchecked": []}
            for _ in range(turns):
                for name, found in tasks.items():
                    found.append(in_a_process(str(source), str(target), name))
                    os.sync()
            seconds = {name: median(each["seconds"] for each in found) for name, found in tasks.items()}
            memory = {name: max(each["memory"] for each in found) / size for name, found in tasks.items()}
            click.echo(
                f"{suffix:<13}{seconds['read and write']:9.2f} s{seconds['convert']:8.2f} s"
                f"{seconds['convert'] / seconds['read and write']:7.2f}{seconds['unchecked']:8.2f} s"
                f"{memory['convert']:8.2f}x{memory['unchecked']:9.2f}x"
            )


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    bench()
