"""Comments survive a translation wherever they stand, unless the line that they end is gone."""

import ast
import io
import random
import re
import tokenize
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from torch2jax import convert
from torch2jax.rewrite.comments import has_comments_inside

ROOT = Path(__file__).parents[2]
FOLDERS = ("samples/*/model.py", "tests/golden/*/in.py", "tests/regions/programs/*.py")
SOURCES = [path for pattern in FOLDERS for path in sorted(ROOT.glob(pattern))]
# Lines that a translation leaves out or replaces as a whole, and what is said at their end with them.
GONE = re.compile(r"super\(|import |@torch|with (torch|autocast)|self\.(cuda|apply)\(|lm_head = ")


def places(source: str) -> list[tuple[int, int | None]]:
    """Where a comment can go: (line, indentation) above a logical line, (line, None) at the end of a line."""
    found: list[tuple[int, int | None]] = []
    taken = set()
    fresh = True
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            taken.add(token.start[0])
        elif token.type in (tokenize.NEWLINE, tokenize.NL):
            if token.start[0] not in taken and token.line.strip():
                found.append((token.start[0], None))
            fresh = fresh or token.type == tokenize.NEWLINE
        elif token.type not in (tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER) and fresh:
            found.append((token.start[0], token.start[1]))
            fresh = False
    return found


def commented(source: str, chosen: list[tuple[int, int | None]]) -> tuple[str, dict[str, tuple[int, int | None]]]:
    """The source with a comment of its own at each place."""
    lines = source.split("\n")
    marks = {f"# mark {number}.": place for number, place in enumerate(chosen)}
    for mark, (line, indentation) in sorted(marks.items(), key=lambda item: (-item[1][0], item[1][1] is not None)):
        if indentation is None:
            lines[line - 1] += f"  {mark}"
        else:
            lines.insert(line - 1, " " * indentation + mark)
    return "\n".join(lines), marks


WRITTEN_OUT = [ROOT / "tests/regions/programs" / name for name in ("spread_steps.py", "phases.py")]


@given(st.sampled_from([path for path in SOURCES if path not in WRITTEN_OUT]), st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_comments_survive(path: Path, seed: int) -> None:
    _check_comments(path, seed)


def test_comments_of_functions_that_are_written_out_survive_once() -> None:
    for seed in range(4):
        for path in WRITTEN_OUT:
            _check_comments(path, seed)


def test_comments_of_a_branch_that_gets_more_statements_survive() -> None:
    source = WRITTEN_OUT[1].read_text(encoding="utf-8")
    places_of_else = [number for number, line in enumerate(source.split("\n"), 1) if line.strip() == "else:"]
    assert places_of_else
    code = convert(commented(source, [(number, None) for number in places_of_else])[0]).code
    assert [code.count(f"# mark {number}.") for number in range(len(places_of_else))] == [1] * len(places_of_else)


def _check_comments(path: Path, seed: int) -> None:
    source = path.read_text(encoding="utf-8")
    every = places(source)
    chosen = random.Random(seed).sample(every, min(20, len(every)))
    text, marks = commented(source, chosen)
    code = convert(text).code
    ast.parse(code)
    for mark, (line, indentation) in marks.items():
        may_go = indentation is None and GONE.search(source.split("\n")[line - 1])
        assert code.count(mark) == 1 or (may_go and mark not in code), (mark, source.split("\n")[line - 1])


@pytest.mark.parametrize("newlines", [2, 3, 5])
def test_blank_lines_survive(newlines: int) -> None:
    gap = "\n" * newlines
    body = f"    y = x.abs(){gap}    z = y.view(2, 3)  # both{gap}    # the end\n    return z\n"
    code = convert(f"import torch\n\n\ndef f(x: torch.Tensor):\n{body}{gap}a = 1{gap}b = 2\n").code
    for words in ("    z = ", "    # the end", "a = 1", "b = 2"):
        before = code[: code.index(words)]
        assert len(before) - len(before.rstrip("\n")) == newlines + (words == "a = 1")


def test_comments_in_a_call_that_is_rewritten_go_above_it() -> None:
    call = "nn.Linear(\n        3,  # in\n        # wide\n        4,  # out\n    )  # after"
    source = f"from torch import nn\n\n\ndef f():\n    layer = {call}\n    return layer\n"
    code = convert(source).code
    assert (
        "    # in\n    # wide\n    # out\n"
        "    layer = nnx.Linear(3, 4, **fan_in_uniform(3), rngs=rngs)  # after\n    return layer\n"
    ) in code


def test_comments_above_what_goes_stay_in_their_block() -> None:
    block = "    if a:\n        # here\n        m.cuda()\n    a = 1\n    # there\n    m.cuda()\n"
    code = convert(f"from torch import nn\n\n\ndef f(m: nn.Module, a):\n{block}\n\nb = 2\n").code
    assert "    if a:\n        # here\n        pass\n    a = 1\n    # there\n\n\nb = 2\n" in code


@pytest.mark.parametrize(
    ("source", "inside"),
    [
        ("x = 1  # (a\nf(2)\n", False),
        ("f(1,  # a\n  2)\n", True),
        ("f('#', \"# (\", '''\n# (\n''')\n# end\n", False),
        ("f('\\'# (', r'\\\\')  # after\n", False),
        ("'''('''  # a\n", False),
        ("[\n  # a\n]\n", True),
        ("f(')')  # a\ng('(')  # b\n", False),
    ],
)
def test_files_without_comments_between_brackets_are_recognized(source: str, inside: bool) -> None:
    assert has_comments_inside(source) == inside


def test_the_samples_are_recognized_as_the_tokenizer_would() -> None:
    for path in SOURCES:
        source = path.read_text(encoding="utf-8")
        depth, inside = 0, False
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            depth += (token.string in "([{") - (token.string in ")]}") if token.type == tokenize.OP else 0
            inside = inside or (token.type == tokenize.COMMENT and depth > 0)
        assert has_comments_inside(source) == inside, path
