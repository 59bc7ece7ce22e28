"""Which lines of two programs stand beside each other, from the pairs of lines that belong together."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that stand beside each other: ranges that count from 1, either of which may be empty."""

    source: range
    code: range


def aligned(pairs: Iterable[tuple[int, int]], source: int, code: int) -> list[Block]:
    """Blocks that cover ``source`` and ``code`` lines, in order.

    pairs: (line of the code, line of the source). A block begins at each pair; pairs that cross others begin none: the
    longest run of pairs that is in order on both sides is kept.
    """
    first: dict[int, int] = {}
    for line, origin in pairs:
        if 1 <= line <= code and 1 <= origin <= source:
            first[origin] = min(line, first.get(origin, line))
    starts = [(1, 1), *_longest_run(sorted(first.items())), (source + 1, code + 1)]
    blocks = [Block(range(here[0], after[0]), range(here[1], after[1])) for here, after in pairwise(starts)]
    return [block for block in blocks if block.source or block.code]


def _longest_run(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest subsequence of pairs, which are in order by the first, that is in order by the second as well."""
    ends: list[int] = []  # the least second number at which a run of each length ends
    at: list[int] = []
    before: list[int] = []
    for index, (_, second) in enumerate(pairs):
        length = bisect_left(ends, second)
        before.append(at[length - 1] if length else -1)
        ends[length : length + 1] = [second]
        at[length : length + 1] = [index]
    found: list[tuple[int, int]] = []
    index = at[-1] if at else -1
    while index >= 0:
        found.append(pairs[index])
        index = before[index]
    return found[::-1]
