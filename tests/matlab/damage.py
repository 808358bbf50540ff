"""Damages copies of a file and loads each: ``python -m tests.matlab.damage FILE NUMBER SEED``.

Each has to give an answer or a MatFileError within ten seconds. Prints how many of both there were, the longest time,
and the most memory that the process has had, in MB. `loadmat` runs in this process, which a test starts for it: a crash
or a hang ends it, and the last line says at which seed.
"""

from __future__ import annotations

import random
import resource
import signal
import struct
import sys
import time
import zlib
from pathlib import Path

import vlnn
from tests.memory import peak_kilobytes
from vlnn.matlab import MatFileError

SECONDS = 10
MEMORY = 3 << 29  # of addresses, most of which are never touched
HEADER = 128
WORDS = (b"\xff" * 4, b"\0" * 4, b"\0\0\0\x7f", b"\x0e\0\0\0", b"\x0f\0\0\0")


def damaged(content: bytes, seed: int) -> bytes:
    """A copy with a few bits, words or lengths changed; sometimes cut off, sometimes compressed again."""
    chance = random.Random(seed)
    again = content[HEADER : HEADER + 4] == b"\x0f\0\0\0" and chance.random() < 0.7
    if again:
        size = struct.unpack_from("<I", content, HEADER + 4)[0]
        copy = bytearray(zlib.decompress(content[HEADER + 8 : HEADER + 8 + size]))
    else:
        copy = bytearray(content)
    # The beginning describes what follows.
    ends = [len(copy), min(len(copy), 4096)]
    for _ in range(chance.choice([1, 1, 1, 2, 5, 20])):
        at = chance.randrange(min(chance.choice(ends), len(copy)))
        way = chance.random()
        if way < 0.4:
            copy[at] ^= 1 << chance.randrange(8)
        elif way < 0.6:
            copy[at : at + 4] = chance.choice(WORDS)
        elif way < 0.8:
            length = chance.choice(
                [0, 1, 8, 2**31, 2**32 - 1, 2**63, 2**64 - 1, len(copy), chance.randrange(len(copy))]
            )
            copy[at // 8 * 8 : at // 8 * 8 + 8] = struct.pack("<Q", length)
        elif way < 0.9:
            other = chance.randrange(len(copy))
            copy[at : at + 16] = copy[other : other + 16]
        else:
            copy[at // 4 * 4 : at // 4 * 4 + 4] = struct.pack("<I", chance.randrange(40))
    if chance.random() < 0.1:
        del copy[chance.randrange(len(copy)) :]
    if again:
        deflated = zlib.compress(bytes(copy), 1)
        return content[:HEADER] + struct.pack("<II", 15, len(deflated)) + deflated
    return bytes(copy)


def main(path: Path, number: int, seed: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    content = path.read_bytes()
    copy = path.with_suffix(".damaged")
    answers = errors = 0
    longest = 0.0
    for each in range(seed, seed + number):
        copy.write_bytes(damaged(content, each))
        print(f"seed {each}", file=sys.stderr, flush=True)
        signal.alarm(SECONDS)
        start = time.perf_counter()
        try:
            vlnn.loadmat(copy)
            answers += 1
        except MatFileError:
            errors += 1
        longest = max(longest, time.perf_counter() - start)
    print(answers, errors, longest, peak_kilobytes() // 1024)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
