"""The handle and the plans of one thread on one device, which cuDNN wants kept from other threads."""

from __future__ import annotations

import functools
import threading
import weakref
from typing import Any

import numpy as np

from vlnn.engines.cudnn.frontend import load
from vlnn.engines.cudnn.plans import Choices, Plan, plan_for
from vlnn.engines.protocols import Workspaces
from vlnn.geometry import ConvGeometry

PLANS = 1024  # kept for each thread and device; networks on images of every size need new ones all the time


class Session:
    """One handle of cuDNN's, and the plans that belong to it, on the current device."""

    def __init__(self, device: int) -> None:
        self.device = device
        self._frontend = load()
        self.handle = self._frontend.create_handle()
        plans = functools.partial(plan_for, self._frontend, {"handle": self.handle})
        self._plan = functools.lru_cache(PLANS)(plans)
        # A thread's end closes it; at Python's end the driver does.
        weakref.finalize(self, _close, self._plan, self._frontend, self.handle).atexit = False

    def plan(self, operation: str, geometry: ConvGeometry, dtype: np.dtype[Any]) -> Plan | None:
        return self._plan(operation, geometry, dtype, Choices.in_force())

    def run(self, plan: Plan, arrays: dict[int, int]) -> None:
        """Queue a plan's work on CuPy's current stream."""
        import cupy

        self._frontend.set_stream(handle=self.handle, stream=cupy.cuda.get_current_stream().ptr)
        plan.run(arrays, self.handle)


def _close(plans: Any, frontend: Any, handle: Any) -> None:
    """Let go of a session's plans, and then of their handle."""
    plans.cache_clear()
    frontend.destroy_handle(handle)


class _Thread(threading.local):
    """What belongs to one thread."""

    def __init__(self) -> None:
        self.sessions: dict[int, Session] = {}  # by the device
        self.workspaces = Workspaces()


THREAD = _Thread()


def session() -> Session:
    """This thread's session on the current device."""
    import cupy

    device = cupy.cuda.runtime.getDevice()
    found = THREAD.sessions.get(device)
    if found is None:
        found = THREAD.sessions[device] = Session(device)
    return found


@functools.cache
def obstacle(device: int) -> str:
    """Why there is no cuDNN on the current device, of which `device` is the number; empty where there is."""
    try:
        session()
    except (ImportError, RuntimeError, OSError, AssertionError) as problem:  # the frontend raises all of these
        return f"{type(problem).__name__}: {problem}"
    return ""
