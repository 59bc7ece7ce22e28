"""Text to a libcst tree, or to one clear sentence about why not."""

import ast
import re
import warnings

import libcst as cst

from torch2jax.report import Diagnostic
from torch2jax.source.text import SourceError

# What CPython says about code that Python 2 would accept.
_PYTHON2_MESSAGES = (
    "Missing parentheses in call to 'print'",
    "Missing parentheses in call to 'exec'",
    "multiple exception types must be parenthesized",
    "leading zeros in decimal integer literals are not permitted",
)
_PYTHON2_LINE = re.compile(
    r"^\s*(print\s+[\w%]|exec\s+\w|raise\s+[\w.]+\s*,|except\s+[\w.]+\s*,)|<>|\bur\"\"|`|\b\d+[lL]\b"
)
_STRING = re.compile(r"'[^']*'|\"[^\"]*\"")
# Beyond this libcst's parser can run out of stack, which nothing catches; below it, it can't.
_SAFE_BRACKETS = 150


def parse(text: str, path: str) -> cst.Module:
    r"""Parse normalised text (no byte order mark, newlines ``\n``). Raises SourceError (T2J109).

    CPython's parser goes first: it is ten times faster than libcst, points at the mistake itself, and refuses
    the depths at which libcst overflows the stack. It does not know syntax newer than the interpreter; libcst may.
    """
    problem = _syntax_problem(text, path)
    try:
        return cst.parse_module(text)
    except cst.ParserSyntaxError as error:
        raise SourceError(problem or _libcst_problem(error, path)) from None
    except cst.CSTValidationError as error:  # libcst's parser takes it, its tree does not
        raise SourceError(problem or Diagnostic.of("T2J109", f"syntax error: {error}", path=path)) from None


def check(text: str, path: str) -> None:
    """Raise what `parse` would, without making a tree where CPython's parser accepts the text."""
    if _syntax_problem(text, path) is not None:
        parse(text, path)


def _syntax_problem(text: str, path: str) -> Diagnostic | None:
    """What CPython's parser has to say against the text; raises SourceError where libcst needs no second look."""
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise SourceError(Diagnostic.of("T2J109", "not a text file: it holds null bytes", path=path, line=line))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except SyntaxError as error:
        python2 = _is_python2(error, text)
        problem = _described(error, path, python2=python2)
        if python2 or _bracket_depth(text) > _SAFE_BRACKETS:
            raise SourceError(problem) from None
        return problem
    except (RecursionError, MemoryError):
        hint = "split its longest expression or its longest run of elif"
        problem = Diagnostic.of("T2J109", "the file is nested too deeply to be translated", hint=hint, path=path)
        raise SourceError(problem) from None
    except UnicodeEncodeError as error:
        reason = f"it holds a lone surrogate, {error.object[error.start]!r}, which is no character"
        raise SourceError(Diagnostic.of("T2J109", f"not a text file: {reason}", path=path)) from None
    return None


def _described(error: SyntaxError, path: str, *, python2: bool) -> Diagnostic:
    """A SyntaxError as a diagnostic; CPython counts columns from 1, and says 0 where it has none."""
    return Diagnostic.of(
        "T2J109",
        f"this is Python 2: {error.msg}" if python2 else f"syntax error: {error.msg}",
        hint="run `2to3 -w` on the file first" if python2 else "",
        path=path,
        line=error.lineno or 0,
        column=max((error.offset or 1) - 1, 0),
        end_line=error.end_lineno or 0,
        end_column=max((error.end_offset or 1) - 1, 0),
    )


def _is_python2(error: SyntaxError, text: str) -> bool:
    """Whether Python 2 would accept what CPython complains about (libcst takes some of it: `except E, e:`)."""
    if error.msg.startswith(_PYTHON2_MESSAGES):
        return True
    lines = text.split("\n")
    line = lines[error.lineno - 1] if error.lineno and error.lineno <= len(lines) else ""
    return _PYTHON2_LINE.search(_STRING.sub('""', line)) is not None


def _bracket_depth(text: str) -> int:
    """An upper bound for how deep brackets are nested: those in strings and comments count as well."""
    depth = deepest = 0
    for char in text:
        if char in "([{":
            depth += 1
            deepest = max(deepest, depth)
        elif char in ")]}":
            depth = max(depth - 1, 0)
    return deepest


def _libcst_problem(error: cst.ParserSyntaxError, path: str) -> Diagnostic:
    """The same for what only libcst refuses; it gives the position inside its message."""
    found = re.search(r"error at (\d+):(\d+)", str(error))
    line, column = (int(found[1]), int(found[2])) if found else (error.raw_line, error.raw_column)
    return Diagnostic.of(
        "T2J109", "this syntax is not known to the parser (libcst)", path=path, line=line, column=column
    )
