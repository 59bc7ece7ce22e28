"""Where long logical lines break: outermost brackets first, then operators inside parentheses.

Only white space changes, and what may be written where a line breaks: a comma at the end, parentheses around a value.
"""

from __future__ import annotations

import tokenize
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Final

from torch2jax.rewrite.line_tokens import (
    Bracket,
    Item,
    Token,
    elements,
    first,
    flatten,
    last,
    measure,
    read_lines,
    word,
)

# Operators between two operands; those that bind least break first. Powers stay whole.
_LEVELS: Final[dict[str, int]] = {
    text: level
    for level, texts in enumerate(
        ("if else", "or", "and", "in not is < > == != <= >=", "|", "^", "&", "<< >>", "+ -", "* / // % @")
    )
    for text in texts.split()
}
_COMPARISON: Final = 3
_ASSIGNMENTS: Final = frozenset(["=", "+=", "-=", "*=", "/=", "//=", "%=", "@=", "&=", "|=", "^=", ">>=", "<<=", "**="])
_NO_VALUE: Final = frozenset({"lambda", "yield", ":=", ";", "from", "as"})  # what parentheses or breaks would not suit


def lay_out(text: str, limit: int, *, margin: int = 0, unit: str = "    ") -> str:
    """The source with lines of more than `limit` columns broken, where that is possible; other lines stay.

    `margin` is the width of the indentation that the text will get when it is put in place; `unit` is one step of it.
    """
    try:
        roots, rest = read_lines(text)
    except (tokenize.TokenError, SyntaxError):
        return text
    newline = "\r\n" if "\r\n" in text else "\n"
    for root in roots:
        _Line(root, limit - margin, margin, unit, newline).fit()
    return "".join(each.before + each.text for root in roots for each in flatten(root)) + rest


class _Line:
    """A logical line and where its words stand."""

    def __init__(self, root: Bracket, limit: int, margin: int, unit: str, newline: str) -> None:
        self.root, self.limit, self.margin, self.unit, self.newline = root, limit, margin, unit, newline
        self.widths: dict[int, int] = {}
        self.words: list[Token] = []

    def fit(self) -> None:
        """Break lines until all fit or nothing helps."""
        hopeless: set[Token] = set()
        while True:
            self.measure()
            line = next(
                (n for n in sorted(self.widths) if self.widths[n] > self.limit and self.head(n) not in hopeless), None
            )
            if line is None:
                return
            if not self.improve(line):
                hopeless.add(self.head(line))

    def measure(self) -> None:
        self.words = list(flatten(self.root))
        self.widths = measure(self.words, self.margin)

    def head(self, line: int) -> Token:
        """The first word of which some part stands on the line."""
        return self.words[bisect_left(self.words, line, key=lambda each: each.end_line)]

    def indentation(self, line: int) -> str:
        """What the line begins with; words that are lined up with a bracket count as indented by blanks."""
        head = self.head(line)
        if head.line != line:
            return ""
        gap = head.before[head.before.rfind("\n") + 1 :]
        return gap if not gap.strip() else " " * head.column

    # What to do with a line that is too long

    def improve(self, line: int) -> bool:
        """Break the line once, at the outermost place that helps."""
        words = [each for each in self.words if each.line == line]
        if not words:
            return False
        outermost = min(each.depth for each in words)
        scopes: list[Bracket] = []
        scope = words[0].inside
        while scope is not None and scope.depth >= outermost:
            scopes.insert(0, scope)
            scope = scope.open.inside
        return any(self.improve_within(scope, line) for scope in scopes)

    def improve_within(self, scope: Bracket, line: int) -> bool:
        """Break the part of the line that is in the bracket, but in none inside it."""
        starts = [] if scope.kind == "root" else self.starts(scope, line)
        if starts:
            return self.divide(scope, starts, line)
        row = [item for item in scope.items if first(item).line <= line <= last(item).end_line]
        whole = self.element(scope, row)
        piece = _piece(whole, row)
        operators = _operators(piece[1:] if piece and first(piece[0]) is not first(whole[0]) else piece)
        choice = self.choose(piece or row, line) or (None if piece else self.choose(row, line))
        may_wrap = bool(whole) and piece == whole and first(whole[0]).line == line
        if may_wrap and scope.kind == "root" and any(word(item) == "," for item in whole):
            self.explode(_parenthesized(scope, whole))
            return True
        keeps = not operators or (choice is not None and self.may_keep_operator(piece, operators, choice))
        if not keeps and self.divide_value(scope, whole, operators, may_wrap):
            return True
        may_wrap = may_wrap and scope.kind == "root" and (choice is None or choice.kind == "subscript")
        if may_wrap and self.parenthesize_if_it_helps(scope, whole):
            return True
        if choice is None:
            return False
        starts = self.starts(choice, line)
        if starts and any("\n" in each.before for each in self.starts(choice)):
            return self.divide(choice, starts, line)
        self.explode(choice)
        return True

    def starts(self, bracket: Bracket, line: int | None = None) -> list[Token]:
        """The words at which elements or clauses begin, without the first; of a line those inside it."""
        if bracket.is_comprehension:
            found = [item for item in bracket.items if isinstance(item, Token) and item.text in ("for", "if", "async")]
            found = [t for t in found if t.text != "if" or _is_clause(bracket, t)]
            found = [t for t in found if t.text != "for" or word(_before(bracket, t)) != "async"]
        else:
            found = [first(element[0]) for element in elements(bracket)[1:]]
        if line is None:
            return found
        return [each for each in found if each.line == line and "\n" not in each.before]

    def choose(self, items: Sequence[Item], line: int) -> Bracket | None:
        """The bracket of the line whose breaking leaves the best lines; None if none helps."""
        best: tuple[tuple[bool, bool, bool], int, Bracket] | None = None
        for item in items:
            if not isinstance(item, Bracket) or item.open.line != line or not item.items or item.hangs:
                continue
            bracket = _embraced(item)
            if bracket.hangs or bracket.open.end > self.limit or not self.helps(bracket):
                continue
            tail = self.widths[line] - bracket.close.column if bracket.close.line == line else 0
            wide = self.widths[line] if bracket.close.line != line else bracket.close.column - bracket.open.end
            fits = len(self.indentation(line)) + tail <= self.limit
            rank = (fits, bracket.kind != "subscript", bracket.kind == "params")
            # Of the calls in a chain the last one, unless most is in an earlier one.
            if best is None or (rank, 2 * wide) >= (best[0], best[1]):
                best = rank, wide, bracket
        return best[2] if best else None

    def helps(self, bracket: Bracket) -> bool:
        """Whether there is more in it than one word that is too long anyway."""
        if len(bracket.items) > 1 or isinstance(bracket.items[0], Bracket):
            return True
        return self.fits_in_a_line(bracket)

    def fits_in_a_line(self, bracket: Bracket) -> bool:
        """Whether the content is one line, which would fit if it stood alone, one step further in."""
        if any("\n" in each.before or "\n" in each.text for each in flatten(bracket)) or "\n" in bracket.close.before:
            return False
        width = last(bracket.items[-1]).end - first(bracket.items[0]).column
        return len(self.indentation(bracket.open.line)) + len(self.unit) + width <= self.limit

    # Values and their operators

    def element(self, scope: Bracket, row: list[Item]) -> list[Item]:
        """The items of the expression in the row that may get parentheses or break at its operators."""
        if scope.kind == "root":
            return _root_value(scope)
        if scope.kind == "params" or not row:
            return []
        parts = _clauses(scope, self.starts(scope)) if scope.is_comprehension else elements(scope)
        items = next(part for part in parts if any(item is row[0] for item in part))
        if word(items[-1]) == ",":
            items = items[:-1]
        if any(word(item) in _NO_VALUE for item in items):
            return []
        texts = [word(item) for item in items]
        if scope.is_comprehension and texts and texts[0] in ("for", "async", "if"):
            return items[1:] if texts[0] == "if" else items[texts.index("in") + 1 :]
        if ":" in texts and scope.kind == "subscript":
            return []
        sign = next((index for index, text in enumerate(texts) if text in ("=", ":")), -1)
        items = items[sign + 1 :]
        return items[1:] if items and word(items[0]) in ("*", "**") else items

    def may_keep_operator(self, value: list[Item], operators: list[Token], choice: Bracket) -> bool:
        """Whether the one operator may stay on its line because the bracket after it takes up what is too much."""
        if len(operators) > 1 or choice.kind == "subscript" or choice is not _embraced_item(value[-1]):
            return False
        return _LEVELS[operators[0].text] >= _COMPARISON and (len(elements(choice)) > 1 or self.fits_in_a_line(choice))

    def divide_value(self, scope: Bracket, value: list[Item], operators: list[Token], may_wrap: bool) -> bool:
        """Break an expression before its operators, in parentheses of its own unless it is alone in its bracket."""
        start = first(value[0])
        if scope.kind != "root" and len(scope.items) - len(value) <= (word(scope.items[-1]) == ","):
            indentation = self.indentation(start.line) if scope.hangs else " " * start.column
            self.set_gaps((each, self.broken(each, indentation)) for each in operators)
            return True
        if may_wrap:
            self.explode(_parenthesized(scope, value))
        return may_wrap

    def parenthesize_if_it_helps(self, scope: Bracket, value: list[Item]) -> bool:
        """Put the value on a line of its own, in parentheses, if it fits there; strings stay."""
        if not value or (len(value) == 1 and (isinstance(value[0], Bracket) or value[0].is_string)):
            return False
        start, stop = first(value[0]), last(value[-1])
        indentation = len(self.indentation(start.line)) + len(self.unit)
        if stop.end_line != start.line or start.column >= self.limit or indentation >= start.column:
            return False
        if indentation + stop.end - start.column > self.limit:
            return False
        self.explode(_parenthesized(scope, value))
        return True

    # Breaking

    def divide(self, bracket: Bracket, starts: list[Token], line: int) -> bool:
        """Break a bracket whose elements share lines: one per line if they have one line, else fill the lines."""
        everywhere = self.starts(bracket)
        apart = any("\n" in each.before for each in everywhere)
        if (bracket.hangs and ("\n" in bracket.close.before) and not apart) or bracket.is_comprehension:
            indentation = self.indentation(first(bracket.items[0]).line) if bracket.hangs else " " * bracket.open.end
            self.set_gaps(
                (each, self.broken(each, indentation)) for each in (starts if bracket.is_comprehension else everywhere)
            )
            _end_with_comma(bracket)
            return True
        fitting = [each for each in starts if self.end_before(each) <= self.limit] or starts[:1]
        chosen = fitting[-1]
        if word(_before(bracket, chosen, 2)) in ("*", "/") and len(fitting) > 1:
            chosen = fitting[-2]  # a lone star stays with what it introduces
        heads = [first(element[0]) for element in elements(bracket)]
        lined = next((each for each in heads if "\n" in each.before), None)
        self.set_gaps([(chosen, self.broken(chosen, self.indentation(lined.line if lined else line)))])
        return True

    def end_before(self, start: Token) -> int:
        return self.words[self.words.index(start) - 1].end

    def explode(self, bracket: Bracket) -> None:
        """The content of a bracket on lines of its own: on one if it fits, else one per element."""
        outer = self.indentation(bracket.open.line)
        inner = outer + self.unit
        starts = self.starts(bracket)
        gaps = {first(bracket.items[0]): inner, bracket.close: outer}
        if not self.fits_in_a_line(bracket) or word(bracket.items[-1]) == ",":
            gaps |= dict.fromkeys(starts, inner)
            _end_with_comma(bracket)
        own = (first(item) for item in bracket.items if "\n" in first(item).before)
        gaps |= dict.fromkeys(own, inner)
        self.set_gaps([(each, self.broken(each, indentation)) for each, indentation in gaps.items()])

    def broken(self, start: Token, indentation: str) -> str:
        """The white space before a word that is to begin a line; comments stay."""
        gap = start.before
        if "\n" in gap:
            return gap[: gap.rfind("\n") + 1] + indentation
        return self.newline + indentation

    def set_gaps(self, gaps: Iterable[tuple[Token, str]]) -> None:
        """Set white space, and shift what already spans several lines along with the words it hangs on."""
        chosen = dict(gaps)
        before = {
            b: (len(self.indentation(b.open.line)), b.open.column) for b in _outermost_spanning(self.root, chosen)
        }
        for each, gap in chosen.items():
            each.before = gap
        self.measure()
        for bracket, (indentation, column) in before.items():
            moved = (
                len(self.indentation(bracket.open.line)) - indentation
                if bracket.hangs
                else bracket.open.column - column
            )
            for each in (*flatten(bracket), bracket.close):
                if moved and "\n" in each.before:
                    each.before = self.shifted(each.before, moved)

    def shifted(self, gap: str, moved: int) -> str:
        head, *lines = gap.split("\n")
        for index, text in enumerate(lines):
            blank = len(text) - len(text.lstrip(" \t"))
            if text.strip() or index == len(lines) - 1:
                lines[index] = " " * moved + text if moved > 0 else text[min(-moved, blank) :]
        return "\n".join([head, *lines])


def _outermost_spanning(bracket: Bracket, chosen: dict[Token, str]) -> list[Bracket]:
    """The outermost brackets over several lines none of whose own words are among the chosen."""
    return _spanning(bracket, chosen)[2]


def _spanning(bracket: Bracket, chosen: dict[Token, str]) -> tuple[bool, bool, list[Bracket]]:
    """Whether a bracket's words, but the first, are among the chosen or begin lines; those inside that only do that."""
    is_chosen = bracket.close in chosen
    has_lines = "\n" in bracket.close.before
    found: list[Bracket] = []
    for item in bracket.items:
        is_chosen = is_chosen or first(item) in chosen
        has_lines = has_lines or "\n" in first(item).before
        if isinstance(item, Bracket):
            inner_chosen, inner_lines, inner = _spanning(item, chosen)
            is_chosen, has_lines = is_chosen or inner_chosen, has_lines or inner_lines
            if inner_chosen:
                found += inner
            elif inner_lines:
                found.append(item)
    return is_chosen, has_lines, found


def _embraced(bracket: Bracket) -> Bracket:
    """The list or braces that are the only argument of a call: `f([` breaks after both; else the bracket itself."""
    items = [item for item in bracket.items if word(item) not in ("*", "**")]
    if bracket.kind == "call" and len(items) == 1 and isinstance(items[0], Bracket):
        inner = items[0]
        if inner.kind in ("list", "braces") and inner.items and "\n" not in inner.open.before + bracket.close.before:
            return inner
    return bracket


def _embraced_item(item: Item) -> Item:
    return _embraced(item) if isinstance(item, Bracket) else item


def _piece(value: list[Item], row: list[Item]) -> list[Item]:
    """What of the value stands between the line ends before and after the row, brackets inside it apart."""
    pieces: list[list[Item]] = [[]]
    for item in value:
        if pieces[-1] and "\n" in first(item).before:
            pieces.append([])
        pieces[-1].append(item)
    on_row = {id(item) for item in row}
    return next((piece for piece in pieces if any(id(item) in on_row for item in piece)), [])


def _clauses(bracket: Bracket, starts: list[Token]) -> list[list[Item]]:
    """The element of a comprehension and its clauses."""
    found: list[list[Item]] = [[]]
    for item in bracket.items:
        if item in starts:
            found.append([])
        found[-1].append(item)
    return found


def _before(bracket: Bracket, start: Token, steps: int = 1) -> Item:
    """The item so many steps before the one that begins with `start`, or the first."""
    index = next(i for i, item in enumerate(bracket.items) if first(item) is start)
    return bracket.items[max(index - steps, 0)]


def _is_clause(bracket: Bracket, condition: Token) -> bool:
    """Whether an `if` filters a comprehension rather than chooses one of two values, whose `else` would follow."""
    seen_for = False
    opened: list[tuple[Token, bool]] = []
    chosen: set[Token] = set()
    for item in bracket.items:
        text = word(item)
        if text == "for":
            seen_for, opened = True, []
        elif text == "if" and isinstance(item, Token):
            opened.append((item, seen_for))
        elif text == "else" and opened:
            chosen.add(opened.pop()[0])
    return condition not in chosen


def _operators(value: list[Item]) -> list[Token]:
    """The operators between the operands of a value that bind least; of `not in` and `is not` the first word."""
    found: list[tuple[int, Token]] = []
    for index, item in enumerate(value):
        if not isinstance(item, Token) or item.is_string:
            continue
        if item.text in _NO_VALUE:
            return []
        before = value[index - 1] if index else None
        follows_operand = isinstance(before, Bracket) or (before is not None and before.is_operand)
        if item.text in _LEVELS and follows_operand:
            found.append((_LEVELS[item.text], item))
    least = min((level for level, _ in found), default=None)
    return [each for level, each in found if level == least]


def _root_value(root: Bracket) -> list[Item]:
    """The expression of a simple statement or a header that may stand in parentheses."""
    items = root.items
    if not items or any(word(item) in _NO_VALUE for item in items):
        return []
    lead = word(items[0])
    if lead in ("if", "elif", "while", "for"):
        if word(items[-1]) != ":" or any(word(item) == ":" for item in items[:-1]):
            return []
        start = [word(item) for item in items].index("in") + 1 if lead == "for" else 1
        return items[start:-1]
    if lead == "return":
        return items[1:]
    if (isinstance(items[0], Token) and items[0].is_keyword) or lead == "@":
        return []
    signs = [index for index, item in enumerate(items) if word(item) in _ASSIGNMENTS]
    if signs:
        return items[signs[-1] + 1 :]
    return [] if any(word(item) in (":", ",") for item in items) else items


def _parenthesized(scope: Bracket, value: list[Item]) -> Bracket:
    """The value in new parentheses, in place of it."""
    start = first(value[0])
    index = next(i for i, item in enumerate(scope.items) if item is value[0])
    opening = Token("(", start.before, inside=scope, line=start.line, column=start.column, end=start.column + 1)
    closing = Token(")", "", inside=scope, line=last(value[-1]).end_line, column=last(value[-1]).end)
    group = Bracket("group", opening, closing, value, scope.depth + 1)
    for item in value:
        if isinstance(item, Token):
            item.inside = group
        else:
            item.open.inside = item.close.inside = group
            _deepen(item)
    start.before = ""
    scope.items[index : index + len(value)] = [group]
    return group


def _deepen(bracket: Bracket) -> None:
    bracket.depth += 1
    for item in bracket.items:
        if isinstance(item, Bracket):
            _deepen(item)


def _end_with_comma(bracket: Bracket) -> None:
    """A comma after the last of several elements, so that each has the same line."""
    if len(elements(bracket)) > 1 and word(bracket.items[-1]) != ",":
        bracket.items.append(Token(",", "", inside=bracket))
