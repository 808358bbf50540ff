"""Cache-sized pieces: how work that memory holds up is cut, so that each byte travels once from memory and back.

Operations on single elements run over flat arrays. Operations across channels run over (n, D, p) blocks of an
(N, D, P) array, P = W*H: whole channel vectors, of as many pixels as fit.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np

from vlnn.engines.cpu.threads import each, scratch, spans
from vlnn.matlab.arrays import Array

PIECE_BYTES = 512 * 1024
THREADING_BYTES = 4 * 1024 * 1024  # below, starting a thread costs more than it saves
SHORTEST_ROW = 64  # pixels of a block, where the channels alone exceed PIECE_BYTES

Block = tuple[slice, slice]  # images, pixels


def in_spans(length: int, moved: int, run: Callable[[slice], object]) -> None:
    """Call ``run(span)`` for spans that make up range(length), on all cores if the `moved` bytes are worth it."""
    if moved < THREADING_BYTES:
        run(slice(0, length))
    else:
        each(run, spans(length, moved, THREADING_BYTES))


def in_pieces(
    arrays: Sequence[Array], classes: Sequence[np.dtype[np.generic] | type], work: Callable[..., None]
) -> None:
    """Call ``work(*pieces, *room)`` on matching pieces of C-ordered arrays of one size.

    For each of the classes the call gets an array of the length of its pieces, which no other thread uses.
    Floating-point warnings are off.
    """
    flat = [array.reshape(-1) for array in arrays]
    size = flat[0].size
    length = PIECE_BYTES // max(array.itemsize for array in flat)

    def run(part: slice) -> None:
        most = (min(length, part.stop - part.start),)
        rooms = [scratch(f"room {i}", most, np.dtype(dtype)) for i, dtype in enumerate(classes)]
        with np.errstate(all="ignore"):
            for start in range(part.start, part.stop, length):
                piece = slice(start, min(start + length, part.stop))
                count = piece.stop - start
                work(*[array[piece] for array in flat], *[room[:count] for room in rooms])

    in_spans(size, sum(array.nbytes for array in flat), run)


def in_blocks(planes: Array, work: Callable[[Block, Array], None]) -> None:
    """Call ``work((images, pixels), room)`` for all blocks of `planes`, which are (N, D, W, H).

    The room is an (n, D, p) array in the class of `planes`, which no other thread uses. Floating-point warnings are
    off.
    """
    images, depth, width, height = planes.shape
    pixels = width * height
    if planes.size == 0:
        return
    fit = max(1, PIECE_BYTES // (depth * planes.itemsize))
    if pixels <= max(fit, SHORTEST_ROW):
        step = max(1, fit // pixels)
        blocks = [(slice(n, min(n + step, images)), slice(0, pixels)) for n in range(0, images, step)]
    else:
        step = max(fit, SHORTEST_ROW)
        rows = [slice(p, min(p + step, pixels)) for p in range(0, pixels, step)]
        blocks = [(slice(n, n + 1), row) for n, row in itertools.product(range(images), rows)]

    def run(part: slice) -> None:
        room = scratch("room", (max(count_of(block) for block in blocks[part]) * depth,), planes.dtype)
        with np.errstate(all="ignore"):
            for block in blocks[part]:
                n, p = (piece.stop - piece.start for piece in block)
                work(block, room[: n * depth * p].reshape(n, depth, p))

    in_spans(len(blocks), 4 * planes.nbytes, run)


def count_of(block: Block) -> int:
    """How many channel vectors a block holds."""
    images, pixels = block
    return int(images.stop - images.start) * int(pixels.stop - pixels.start)


def pixel_rows(planes: Array) -> Array:
    """(N, D, W, H) as (N, D, P)."""
    return planes.reshape(planes.shape[0], planes.shape[1], planes.shape[2] * planes.shape[3])


def cut(rows: Array, block: Block) -> Array:
    """The block of an array whose sides are those of the blocked one, or one."""
    images, pixels = block
    return rows[
        images if rows.shape[0] > 1 else slice(None),
        :,
        pixels if rows.shape[2] > 1 else slice(None),
    ]


def spread(planes: Array, shape: tuple[int, ...]) -> Array:
    """Planes that broadcast to `shape`, as rows for :func:`cut`: with all pixels or with one."""
    if planes.shape[2] * planes.shape[3] > 1 and planes.shape[2:] != shape[2:]:
        planes = np.broadcast_to(planes, (*planes.shape[:2], *shape[2:]))
    return pixel_rows(planes)


def sum_over_channels(block: Array) -> Array:
    """(n, 1, p) sums of (n, D, p)."""
    if block.shape[2] == 1:  # BLAS is faster here than NumPy
        return (block[:, :, 0] @ np.ones(block.shape[1], block.dtype))[:, None, None]
    return block.sum(axis=1, keepdims=True)
