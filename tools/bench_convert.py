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

from vlnn.convert import Check, Checkpoint, formats, load, save
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
        start, cpu = time.perf_counter(), time.process_time()
        net = load(source)
        if task == "read and write":
            form.write(Checkpoint.of(net), target)
        else:
            save(net, target, check=Check() if task == "convert" else None)
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    return {"seconds": seconds, "cpu": cpu, "memory": most[0] - before}


def in_a_process(*arguments: str) -> dict[str, float]:
    command = [sys.executable, __file__, "--measure", *arguments]
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


@click.command()
@click.option("--formats", "wanted", default=",".join(formats.FORMATS), show_default=True, help="Which.")
@click.option("--turns", default=3, show_default=True, help="How often each time is taken.")
@click.option("--measure", "task", nargs=3, hidden=True)
def bench(wanted: str, turns: int, task: tuple[str, str, str] | None) -> None:
    """Time conversions of a network of 250 MB from .mat, with and without the proof, and print their memory.

    Ratios are to reading the .mat file and writing the other, of the time that passes and of the processor's.
    """
    if task:
        click.echo(json.dumps(measure(Path(task[0]), Path(task[1]), task[2])))
        return
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "source.mat")
        network().save(source)
        size = source.stat().st_size
        click.echo(f"A network of {size / MEGABYTE:.0f} MB; times are medians of {turns}")
        click.echo(
            f"{'':<13}{'read+write':>11}{'convert':>10}{'ratio':>7}{'of CPU':>8}{'unchecked':>11}{'ratio':>7}"
            f"{'memory':>9}{'unchecked':>11}"
        )
        for suffix in wanted.split(","):
            target = Path(folder, f"target{suffix}")
            tasks: dict[str, list[dict[str, float]]] = {"read and write": [], "convert": [], "unchecked": []}
            for _ in range(turns):
                for name, found in tasks.items():
                    found.append(in_a_process(str(source), str(target), name))
                    os.sync()
            base, checked, unchecked = (
                {what: median(each[what] for each in found) for what in ("seconds", "cpu", "memory")}
                for found in tasks.values()
            )
            click.echo(
                f"{suffix:<13}{base['seconds']:9.2f} s{checked['seconds']:8.2f} s"
                f"{checked['seconds'] / base['seconds']:7.2f}{checked['cpu'] / base['cpu']:8.2f}"
                f"{unchecked['seconds']:9.2f} s{unchecked['seconds'] / base['seconds']:7.2f}"
                f"{checked['memory'] / size:8.2f}x{unchecked['memory'] / size:10.2f}x"
            )


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    bench()
