"""Tables of text that fit a terminal."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from typing import NamedTuple

LEAST = 10  # letters of a column that is cut


class Column(NamedTuple):
    """A column of a table.

    Attributes
    ----------
    heading : str
    right : bool
        Numbers stand to the right.
    cut : bool
        May be cut where the table is too wide, '...' at its end.
    drop : int
        Where cutting does not help, columns are left out from the highest of these numbers down to 1; 0 always stays.
    """

    heading: str
    right: bool = False
    cut: bool = False
    drop: int = 0


def terminal_width() -> int | None:
    """How many letters a line may have: those of the terminal; no limit where the output goes elsewhere."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def table(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int | None = None) -> str:
    """The rows under the headings; columns in which nothing stands are left out.

    >>> print(table([Column('layer'), Column('size', right=True)], [['conv1', '3x3'], ['fc', '10x10']]))
    layer   size
    conv1    3x3
    fc     10x10
    """
    kept = [at for at in range(len(columns)) if any(row[at] for row in rows) or not rows]
    while True:
        widths = {at: max(len(columns[at].heading), *(len(row[at]) for row in rows), 0) for at in kept}
        excess = 0 if width is None else sum(widths.values()) + 2 * (len(kept) - 1) - width
        for at in sorted((at for at in kept if columns[at].cut), key=lambda at: -widths[at]):
            taken = min(excess, max(0, widths[at] - max(LEAST, len(columns[at].heading))))
            widths[at] -= taken
            excess -= taken
        last = max(kept, key=lambda at: columns[at].drop, default=None)
        if excess <= 0 or last is None or not columns[last].drop:
            break
        kept.remove(last)
    headings = [column.heading for column in columns]
    lines = [headings, *rows] if any(headings) else rows
    return "\n".join(_line([(row[at], widths[at], columns[at].right) for at in kept]) for row in lines)


def facts(pairs: Sequence[tuple[str, str]]) -> str:
    """Names and what there is to say about them, line by line; names of which there is nothing are left out."""
    shown = [(name, text) for name, text in pairs if text]
    wide = max((len(name) for name, _ in shown), default=0) + 3
    return "\n".join(f"{name:<{wide}}{text}" for name, text in shown)


def _line(cells: Sequence[tuple[str, int, bool]]) -> str:
    shown = (cell if len(cell) <= width else f"{cell[: width - 3]}..." for cell, width, _ in cells)
    justified = (
        cell.rjust(width) if right else cell.ljust(width) for cell, (_, width, right) in zip(shown, cells, strict=True)
    )
    return "  ".join(justified).rstrip()
