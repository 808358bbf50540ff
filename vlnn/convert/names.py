"""Names that nothing else has."""

from __future__ import annotations


def unused(name: str, taken: set[str]) -> str:
    """A name that is not taken, and is from now on: with '_2' or a higher number at its end if it was."""
    free, count = name, 1
    while free in taken:
        count += 1
        free = f"{name}_{count}"
    taken.add(free)
    return free
