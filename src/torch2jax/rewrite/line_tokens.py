"""One logical line as a tree of brackets: its tokens, the white space before each of them, and their columns."""

from __future__ import annotations

import io
import keyword
import token
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

_OPENING: Final = {"(": ")", "[": "]", "{": "}"}
_CLOSING: Final = frozenset(_OPENING.values())
_VALUES: Final = frozenset({"True", "False", "None"})
_SKIPPED: Final = frozenset({tokenize.COMMENT, tokenize.NL, token.INDENT, token.DEDENT, token.ENDMARKER})
# From Python 3.12 on formatted strings are several tokens; here they are one.
_STRING_STARTS: Final = frozenset(getattr(token, name, -1) for name in ("FSTRING_START", "TSTRING_START"))
_STRING_ENDS: Final = frozenset(getattr(token, name, -1) for name in ("FSTRING_END", "TSTRING_END"))


@dataclass(slots=True, eq=False)
class Token:
    """A word of the line; `before` is all that stands between it and the word before: blanks, line ends, comments.

    `line`, `column` is where it begins, `end_line`, `end` where it ends, as of the last call of `measure`.
    """

    text: str
    before: str
    is_string: bool = False
    inside: Bracket | None = None
    line: int = 0
    column: int = 0
    end_line: int = 0
    end: int = 0

    @property
    def depth(self) -> int:
        """In how many brackets it stands."""
        return self.inside.depth if self.inside is not None else 0

    @property
    def is_keyword(self) -> bool:
        """Whether the language reserves the word; constants are operands and don't count."""
        return keyword.iskeyword(self.text) and self.text not in _VALUES

    @property
    def is_operand(self) -> bool:
        """A name, a number, a string or a constant."""
        lead = self.text.lstrip(".")[:1]  # numbers may begin with a dot
        return self.is_string or self.text == "..." or ((lead.isalnum() or lead == "_") and not self.is_keyword)


@dataclass(slots=True, eq=False)
class Bracket:
    """A pair of brackets and what is in it; the root is the whole line, between two empty tokens."""

    kind: str  # root, call, params, subscript, list, braces or group
    open: Token
    close: Token
    items: list[Item] = field(default_factory=list)
    depth: int = 0

    @property
    def is_comprehension(self) -> bool:
        """Whether clauses rather than commas divide it."""
        return self.kind != "root" and any(isinstance(item, Token) and item.text == "for" for item in self.items)

    @property
    def hangs(self) -> bool:
        """Whether its content begins on a line of its own."""
        return bool(self.items) and "\n" in first(self.items[0]).before


Item: TypeAlias = Token | Bracket


def first(item: Item) -> Token:
    """The token with which the item begins."""
    return item if isinstance(item, Token) else item.open


def last(item: Item) -> Token:
    """The token with which the item ends."""
    return item if isinstance(item, Token) else item.close


def word(item: Item) -> str:
    """The text of a token; nothing for a bracket."""
    return item.text if isinstance(item, Token) else ""


def flatten(bracket: Bracket) -> Iterator[Token]:
    """All tokens inside, in order, without the brackets' own."""
    waiting = bracket.items[::-1]
    while waiting:
        item = waiting.pop()
        if isinstance(item, Token):
            yield item
        else:
            yield item.open
            waiting.append(item.close)
            waiting += reversed(item.items)


def elements(bracket: Bracket) -> list[list[Item]]:
    """What the commas divide: arguments, parameters, members; the comma ends its element."""
    if bracket.is_comprehension:
        return [bracket.items]
    found: list[list[Item]] = [[]]
    lambdas = 0  # open parameter lists of lambdas, whose commas divide nothing here
    for item in bracket.items:
        found[-1].append(item)
        text = word(item)
        if text == "lambda":
            lambdas += 1
        elif text == ":" and lambdas:
            lambdas -= 1
        elif text == "," and not lambdas:
            found.append([])
    return found if found[-1] else found[:-1]


def read_lines(text: str) -> tuple[list[Bracket], str]:
    """The logical lines of a source, and the white space and comments after the last.

    Raises:
        tokenize.TokenError, SyntaxError: the text is not Python.
    """
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    roots: list[Bracket] = []
    words: list[Token] = []
    end = strings = begin = 0
    for kind, _, start, stop, _ in tokenize.generate_tokens(io.StringIO(text, newline="\n").readline):
        if kind in _STRING_STARTS:
            strings += 1
            begin = starts[start[0] - 1] + start[1] if strings == 1 else begin
        if kind in _STRING_ENDS:
            strings -= 1
        elif strings or kind in _SKIPPED:
            continue
        if strings:
            continue
        if kind == token.NEWLINE:
            roots.append(_tree(words))
            words = []
            continue
        offset = begin if kind in _STRING_ENDS else starts[start[0] - 1] + start[1]
        after = starts[stop[0] - 1] + stop[1]
        words.append(Token(text[offset:after], text[end:offset], kind == token.STRING or kind in _STRING_ENDS))
        end = after
    return roots, text[end:]


def _tree(words: list[Token]) -> Bracket:
    root = Bracket("root", Token("", ""), Token("", ""))
    stack = [root]
    for each in words:
        here = stack[-1]
        if not each.is_string and each.text in _OPENING:
            each.inside = here
            inner = Bracket(_kind(each.text, here), each, Token("", ""), depth=here.depth + 1)
            here.items.append(inner)
            stack.append(inner)
        elif not each.is_string and each.text in _CLOSING:
            stack.pop().close = each
            each.inside = stack[-1]
        else:
            each.inside = here
            here.items.append(each)
    return root


def _kind(text: str, here: Bracket) -> str:
    before = here.items[-1] if here.items else None
    trails = isinstance(before, Bracket) or (isinstance(before, Token) and before.is_operand)
    if text == "{":
        return "braces"
    if text == "[":
        return "subscript" if trails else "list"
    if not trails:
        return "group"
    defines = here.kind == "root" and any(word(item) == "def" for item in here.items[:2])
    return (
        "params" if defines and not any(isinstance(b, Bracket) and b.kind == "params" for b in here.items) else "call"
    )


def measure(words: Sequence[Token], margin: int) -> dict[int, int]:
    """Set where every word of a logical line stands; the widths of its lines by number, without comments at their ends.

    The `before` texts have no outer indentation, `margin` columns, except inside strings.
    """
    widths: dict[int, int] = {}
    line = column = 0
    for each in words:
        gap = each.before
        if "\n" in gap:
            line += gap.count("\n")
            column = len(gap) - gap.rfind("\n") - 1
        else:
            column += len(gap)
        each.line, each.column = line, column
        text = each.text
        if "\n" in text:
            widths[line] = column + text.index("\n")
            line += text.count("\n")
            column = len(text) - text.rfind("\n") - 1 - margin
        else:
            column += len(text)
        widths[line] = column
        each.end_line, each.end = line, column
    return widths
