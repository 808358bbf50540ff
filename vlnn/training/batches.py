"""The batches of an epoch, their parts, and the thread that fetches them ahead."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np

from vlnn.training.workers import Workers

Images: TypeAlias = "np.ndarray[Any, Any]"
Fetch: TypeAlias = Callable[[Images], Any]

AHEAD = 2  # parts that are fetched before they are asked for


def batches(subset: Images, size: int, parts: int, workers: Workers) -> list[list[Images]]:
    """For each batch, this process's parts of it.

    Of so many parts, over all processes, each takes every so-manieth image; parts without images are left out.
    """
    step = parts * workers.size
    found = []
    for start in range(0, len(subset), size):
        batch = subset[start : start + size]
        slices = (batch[part * workers.size + workers.rank :: step] for part in range(parts))
        found.append([images for images in slices if len(images)])
    return found


@contextmanager
def fetched(order: list[list[Images]], fetch: Fetch, prefetch: bool) -> Iterator[Iterator[Any]]:
    """What `fetch` gives for each part in turn; with `prefetch` a thread fetches the next ones meanwhile."""
    parts = iter([images for batch in order for images in batch])
    if not prefetch:
        yield map(fetch, parts)
        return
    executor = ThreadPoolExecutor(1, "vlnn-prefetch")
    try:
        yield _ahead(executor, parts, fetch)
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _ahead(executor: ThreadPoolExecutor, parts: Iterator[Images], fetch: Fetch) -> Iterator[Any]:
    waiting: deque[Future[Any]] = deque()
    for images in parts:
        waiting.append(executor.submit(fetch, images))
        if len(waiting) > AHEAD:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()
