"""What two programs print: numbers, and the text around them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from torch2jax.verify.compare import AGREEMENT
from torch2jax.verify.scripts.recording import Printed

_NUMBER = re.compile(
    r"(?<![\w.])[-+]?(?:\d+\.\d*|\.\d+|\d+)(?:[eE][-+]?\d+)?~?(?![\w])|(?<!\w)[-+]?(?:nan|inf)~?(?!\w)"
)
_ARRAY = re.compile(r"\b(?:tensor|Array|array|Parameter containing:\s*tensor|np\.float64|np\.float32|np\.int64)\(")
_DETAILS = re.compile(
    r",?\s*(?:dtype=[\w.]+|grad_fn=<[^>]*>|requires_grad=True|device='[^']*'|weak_type=True|shape=\([\d, ]*\))"
)


_SIZE = re.compile(r"torch\.Size\(\[([^\]]*)\]\)")


@dataclass(frozen=True, slots=True)
class Line:
    """A printed line, taken apart.

    words: the text with a mark for each number. numbers: as they are written; those in arrays end in `~`.
    """

    text: str
    words: str
    numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The first line on which two outputs differ, from 1; what each printed there (None: nothing)."""

    line: int
    expected: str | None
    actual: str | None

    def __str__(self) -> str:
        if self.actual is None:
            return f"line {self.line} is {self.expected!r} in torch, and the translation prints no more"
        if self.expected is None:
            return f"line {self.line} is {self.actual!r} in the translation, and torch prints no more"
        return f"line {self.line} is {self.expected!r} in torch and {self.actual!r} in the translation"


def lines_of(printed: Sequence[Printed]) -> list[Line]:
    """The lines of an output, without how each framework writes an array or its shape."""
    text = "".join(piece.text for piece in printed)
    text = text.rpartition("\r")[2] if "\n" not in text else re.sub(r"[^\n]*\r(?!\n)", "", text)
    text = _SIZE.sub(lambda found: f"({found[1]},)" if found[1].isdigit() else f"({found[1]})", text)
    return [_taken_apart(line) for line in _arrays_as_numbers(text).splitlines()]


def _arrays_as_numbers(text: str) -> str:
    """`tensor([1., 2.], grad_fn=<...>)` and `Array([1., 2.], dtype=float32)` both become `[1.~ 2.~]`."""
    parts, position = [], 0
    while (found := _ARRAY.search(text, position)) is not None:
        parts.append(text[position : found.start()])
        end = _closing(text, found.end())
        inside = _DETAILS.sub("", text[found.end() : end])
        parts.append(_NUMBER.sub(r"\g<0>~", re.sub(r"[\s,]+", " ", inside)))
        position = end + 1
    return "".join((*parts, text[position:]))


def _closing(text: str, start: int) -> int:
    depth = 1
    for place in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        if not depth:
            return place
    return len(text)


def _taken_apart(line: str) -> Line:
    words = " ".join(_NUMBER.sub(" # ", line).split())
    return Line(line, words, tuple(_NUMBER.findall(line)))


Allowances = Mapping[tuple[int, int], Decimal]
"""How far a number, by its line and its place in it, may be off."""


def mismatch(expected: Sequence[Line], actual: Sequence[Line], allowed: Allowances) -> Mismatch | None:
    """The first line that differs, None if none does."""
    for place in range(max(len(expected), len(actual))):
        a = expected[place] if place < len(expected) else None
        b = actual[place] if place < len(actual) else None
        if a is None or b is None or not _same(place, a, b, allowed):
            return Mismatch(place + 1, a.text if a else None, b.text if b else None)
    return None


def _same(line: int, a: Line, b: Line, allowed: Allowances) -> bool:
    if a.words != b.words or len(a.numbers) != len(b.numbers):
        return False
    pairs = enumerate(zip(a.numbers, b.numbers, strict=True))
    return all(same_number(x, y, allowed.get((line, place), Decimal(0))) for place, (x, y) in pairs)


def same_number(a: str, b: str, allowed: Decimal = Decimal(0)) -> bool:
    """Whether two numbers are the same as far as both are written out.

    Whole numbers must be equal. Others agree to the relative error that results may have. In arrays, which are written
    with few decimal places (their numbers end in `~`), one may be the other, rounded.
    """
    first, second = _value(a), _value(b)
    if not (first.is_finite() and second.is_finite()):
        return str(first) == str(second)
    difference, (coarse, fine) = abs(first - second), sorted((_unit(first), _unit(second)), reverse=True)
    if difference <= allowed:
        return True
    if coarse >= 1:
        return not difference
    rounded = "~" in (a if _unit(first) == coarse else b) and coarse > fine
    return difference <= Decimal(AGREEMENT) * abs(first) or (rounded and difference <= coarse / 2)


def _value(number: str) -> Decimal:
    return Decimal(number.rstrip("~"))


def _unit(number: Decimal) -> Decimal:
    """One in the last place that is written."""
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int), "the number is finite"
    return Decimal(1).scaleb(exponent)


def changes(first: Sequence[Line], second: Sequence[Line]) -> dict[tuple[int, int], Decimal]:
    """By how much numbers differ between two runs of one program; those that are the same are left out."""
    found = {}
    for place, (a, b) in enumerate(zip(first, second, strict=False)):
        for number, (x, y) in enumerate(zip(a.numbers, b.numbers, strict=False)):
            if not same_number(x, y):
                difference = abs(_value(x) - _value(y))
                found[place, number] = difference if difference.is_finite() else Decimal(0)
    return found
