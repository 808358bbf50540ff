"""The GPU that bench_gpu.py measures: arrays and tensors on it, and times that wait for it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from statistics import median
from typing import Any

import numpy as np
import torch

from timing import Timing, Work
from vlnn.doctor import examine

TURN = 0.01  # seconds of a turn at least: calls are queued, and waited for once
FEWEST, MOST = 3, 31
COPIED_BYTES = 2**30


class Card:
    """The current CUDA device, for CuPy and for PyTorch; both queue their work on its default stream."""

    def __init__(self) -> None:
        import cupy

        self._cupy = cupy

    @staticmethod
    def obstacle() -> str:
        """Why nothing can be measured here; empty when it can."""
        try:
            import cupy
        except ImportError as problem:
            return f"CuPy cannot be imported: {problem}"
        if not cupy.cuda.is_available():
            return "CuPy finds no CUDA GPU"
        return "" if torch.cuda.is_available() else "PyTorch finds no CUDA GPU, or was built without CUDA"

    def facts(self) -> dict[str, Any]:
        return {
            **{finding.name: finding.text for finding in examine() if finding.group == "gpu"},
            "torch": f"{torch.__version__}, CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}",
            "copy GB/s": round(self.copy_bandwidth() / 1e9),
        }

    def array(self, host: Any) -> Any:
        """An array in MATLAB's order on the card."""
        return self._cupy.asfortranarray(self._cupy.asarray(host))

    def tensor(self, array: Any) -> Any:
        """The same memory, transposed, as PyTorch sees it."""
        return torch.from_dlpack(array.T)

    def numbers(self, result: Any) -> Any:
        """A result's numbers on the host, in the order in which either library keeps them."""
        return (result.detach().cpu().numpy() if isinstance(result, torch.Tensor) else result.T.get()).ravel()

    def wait(self) -> None:
        self._cupy.cuda.runtime.deviceSynchronize()

    def held_bytes(self) -> int:
        """Memory of the card that is in use, by anyone."""
        free, total = self._cupy.cuda.runtime.memGetInfo()
        return int(total - free)

    def copy_bandwidth(self) -> float:
        """Bytes read and written in a second by a copy that fits no cache."""
        source = self._cupy.zeros(COPIED_BYTES // 4, np.float32)
        target = self._cupy.empty_like(source)

        def copy() -> None:
            target[...] = source

        return 2 * COPIED_BYTES / interleaved(self, {"copy": copy}, 1.0)["copy"].median


def interleaved(card: Card, works: Mapping[str, Work], seconds: float) -> dict[str, Timing]:
    """Time functions in turns, A B A B, for about so many seconds. A turn is some calls, and a wait for the card."""
    calls = {name: _calls_in_a_turn(card, work) for name, work in works.items()}
    turns: dict[str, list[float]] = {name: [] for name in works}
    end = time.perf_counter() + seconds
    for turn in range(MOST):
        if turn >= FEWEST and time.perf_counter() > end:
            break
        for name, work in works.items():
            turns[name].append(_turn(card, work, calls[name]))
    return {name: Timing(median(taken), min(taken), len(taken)) for name, taken in turns.items()}


def queueing(card: Card, work: Work, calls: int) -> float:
    """Seconds that the host takes for a call whose work on the card is shorter than that."""
    _turn(card, work, calls)
    return min(_turn(card, work, calls) for _ in range(5))


def _calls_in_a_turn(card: Card, work: Work) -> int:
    """As many as fill a turn; they warm up what compiles and chooses at a first call, too."""
    _turn(card, work, 2)
    return max(1, int(TURN / _turn(card, work, 1)))


def _turn(card: Card, work: Work, calls: int) -> float:
    card.wait()
    begin = time.perf_counter()
    for _ in range(calls):
        work()
    card.wait()
    return (time.perf_counter() - begin) / calls
