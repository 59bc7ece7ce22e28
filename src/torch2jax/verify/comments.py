"""Cases in comments: `# torch2jax: verify Net(dim=64).encode x=f32[2,3,32,40] mask=bool[2,10]`.

After the word `verify` comes the call that builds the object, as Python (the parentheses may be missing where there
are no arguments), then `.method` where it is not forward, then the inputs, separated by spaces. Inputs are those of
`torch2jax.verify.inputs`; spaces inside their brackets separate nothing.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator

from torch2jax.verify.cases import Case, CaseError
from torch2jax.verify.inputs import InputError, parse_inputs

_COMMENT = re.compile(r"#\s*torch2jax\s*:\s*verify\b(.*)", re.DOTALL)
_ENTRY = re.compile(r"(?:[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:)?[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
_METHOD = re.compile(r"\.([A-Za-z_]\w*)")
_OPENING, _CLOSING, _QUOTES = "([{", ")]}", "'\""


def commented_cases(source: str, path: str) -> list[Case]:
    """The cases that comments in a source give, in order. Raises CaseError with the place of one that can't be read."""
    found = []
    for line, text in _comments(source):
        match = _COMMENT.fullmatch(text.strip())
        if match:
            try:
                found.append(read_comment(match[1]))
            except (CaseError, InputError) as error:
                raise CaseError(f"{path}:{line}: {error}") from None
    return found


def read_comment(text: str) -> Case:
    """The case that the text behind `verify` describes. Raises CaseError or InputError."""
    text = text.strip()
    entry = _ENTRY.match(text)
    if entry is None:
        raise CaseError(f"a comment for verify begins with what to build, as in Net(dim=64) f32[2,3]; found {text!r}")
    rest, args = text[entry.end() :], ""
    if rest.startswith("("):
        end = _closing(rest)
        args, rest = rest[1 : end - 1].strip(), rest[end:]
    method = _METHOD.match(rest)
    if method is not None:
        rest = rest[method.end() :]
    if rest and not rest[0].isspace():
        raise CaseError(f"a space is missing before {rest!r}")
    inputs = tuple(_words(rest))
    parse_inputs(inputs)
    return Case(entry[0], args, inputs, method=method[1] if method else "forward", origin="a comment in the source")


def _comments(source: str) -> Iterator[tuple[int, str]]:
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string
    except (tokenize.TokenError, SyntaxError):
        return  # the conversion reports it


def _closing(text: str) -> int:
    """Where the bracket ends that the text begins with. Raises CaseError."""
    for index, depth in _depths(text):
        if depth == 0:
            return index + 1
    raise CaseError(f"a closing bracket is missing in {text!r}")


def _words(text: str) -> Iterator[str]:
    """The parts between spaces that are in no bracket or string; `name = f32[2]` and `int[2] < 7` are one part."""
    word = ""
    for index, depth in _depths(text):
        character = text[index]
        if depth or not character.isspace():
            word += character
        elif word and not _goes_on(word, text[index:].lstrip()):
            yield word
            word = ""
    if word:
        yield word


def _goes_on(word: str, rest: str) -> bool:
    """Whether a space stands beside an operator of one specification."""
    return word.endswith(("=", "<")) or rest.startswith("<") or (rest.startswith("= ") and word.isidentifier())


def _depths(text: str) -> Iterator[tuple[int, int]]:
    """Each place with the number of brackets, or strings, that are open behind it."""
    depth, quote, escaped = 0, "", False
    for index, character in enumerate(text):
        if quote:
            quote = "" if character == quote and not escaped else quote
            escaped = character == "\\" and not escaped
        elif character in _QUOTES:
            quote = character
        else:
            depth += (character in _OPENING) - (character in _CLOSING)
        yield index, depth + bool(quote)
