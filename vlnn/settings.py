"""The choices that outlive a call: cuDNN or not, how it works, the number of threads. All state of vlnn is here.

MatConvNet keeps one such choice in every MEX file; vlnn keeps one for all functions.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Real
from typing import Any

from vlnn.errors import MatConvNetError

DEFAULT_WORKSPACE_LIMIT = 512.0 * 2**20


def _as_number(value: Any) -> float:
    """A real number of any library; NaN for what is none."""
    return float(value) if isinstance(value, Real) else math.nan


def _flag(slot: str) -> property:
    """A choice between True and False."""
    return property(lambda self: getattr(self, slot), lambda self, value: setattr(self, slot, bool(value)))


class Settings:
    """The sticky choices of a session; ``vlnn.settings`` is the only instance.

    Attributes
    ----------
    cudnn : bool, default True
        Use cuDNN for arrays on a GPU. The flags 'CuDNN' and 'NoCuDNN' of any function set it.
    cudnn_workspace_limit : float, default 512 MB
        Bytes of GPU memory that cuDNN may use as scratch; ``inf`` for no limit. 'CudnnWorkspaceLimit' sets it.
    tf32 : bool, default False
        Let cuDNN multiply single-precision numbers in TF32, which keeps 10 bits of their fraction and is faster.
    deterministic : bool, default False
        Use only such algorithms of cuDNN as give the same bits in every run.
    autotune : bool, default False
        Time cuDNN's algorithms the first time that a convolution of some size is met, and keep the fastest. Otherwise
        cuDNN's own guess is taken.
    threads : int or None, default None
        Threads of the CPU engine. None: as many as NumPy's BLAS may use, so that OMP_NUM_THREADS and threadpoolctl
        limits are obeyed.
    """

    __slots__ = ("_autotune", "_cudnn", "_cudnn_workspace_limit", "_deterministic", "_tf32", "_threads")

    def __init__(self) -> None:
        self._threads: int | None = None
        self._autotune = self._deterministic = self._tf32 = False
        self.clear()

    def clear(self) -> None:
        """Restore the defaults of what MatConvNet's options set."""
        self._cudnn: bool | None = None  # on, but nobody asked for it
        self._cudnn_workspace_limit = DEFAULT_WORKSPACE_LIMIT

    @property
    def cudnn(self) -> bool:
        return self._cudnn is not False

    @cudnn.setter
    def cudnn(self, value: bool) -> None:
        self._cudnn = bool(value)

    @property
    def cudnn_asked_for(self) -> bool:
        """Whether cuDNN is not just on by default, so that there is something to say where it is missing."""
        return self._cudnn is True

    @property
    def cudnn_workspace_limit(self) -> float:
        return self._cudnn_workspace_limit

    @cudnn_workspace_limit.setter
    def cudnn_workspace_limit(self, value: float) -> None:
        sentence = "CudnnWorkSpaceLimit is not a non-negative scalar."
        limit = _as_number(value)
        if not limit >= 0:
            raise MatConvNetError(f"{sentence} Received {value!r}.")
        self._cudnn_workspace_limit = limit

    @property
    def threads(self) -> int | None:
        return self._threads

    @threads.setter
    def threads(self, value: int | None) -> None:
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
            raise ValueError(f"settings.threads is neither None nor a positive int. Received {value!r}.")
        self._threads = value

    autotune = _flag("_autotune")
    deterministic = _flag("_deterministic")
    tf32 = _flag("_tf32")

    @contextmanager
    def scoped(self, **choices: Any) -> Iterator["Settings"]:
        """Make choices for the length of a ``with`` block, then restore every setting, also what options changed."""
        before = {name: getattr(self, name) for name in self.__slots__}
        try:
            for name, value in choices.items():
                if f"_{name}" not in self.__slots__:
                    known = ", ".join(slot[1:] for slot in self.__slots__)
                    raise TypeError(f"settings has no choice {name!r}; it has {known}.")
                setattr(self, name, value)
            yield self
        finally:
            for name, value in before.items():
                setattr(self, name, value)

    def __repr__(self) -> str:
        return (
            f"Settings(cudnn={self.cudnn}, cudnn_workspace_limit={self.cudnn_workspace_limit:g}, tf32={self.tf32}, "
            f"deterministic={self.deterministic}, autotune={self.autotune}, threads={self.threads})"
        )


settings = Settings()


def clear_mex() -> None:
    """Restore the sticky choices to their defaults, as MATLAB's ``clear mex`` did for MatConvNet."""
    settings.clear()
