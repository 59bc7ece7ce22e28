"""`torch2jax rules`."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from torch2jax.cli import main

BOOK = '''"""Rules."""

from torch2jax.rulebook import *


@rule("torch.made.up")
def up(x: Tensor, flag=False) -> Tensor:
    """Go up.

    >>> torch.made.up(f32(2, 3))
    """
    if flag:
        raise Unsupported("flags are not known", "leave it out")
    return jnp.sqrt(x)


@rule("torch.nn.MadeUp")
def MadeUp(size) -> Module:
    """A layer.

    >>> nn.MadeUp(3)(f32(2, 3))
    """
    return nnx.Linear(size, size, rngs=rngs)


@MadeUp.state
def _(torch, flax):
    flax.kernel = torch.weight.T


@rule("torch.made.never")
def never(x: Tensor) -> Tensor:
    """Never.

    >>> torch.made.never(f32(2, 3))
    """
    raise Unsupported("it has no end", "stop")
'''


@pytest.fixture
def book(tmp_path: Path) -> Path:
    (tmp_path / "made.py").write_text(BOOK)
    return tmp_path


def invoke(*args: str | Path, code: int = 0) -> str:
    result = CliRunner().invoke(main, ["rules", *map(str, args)], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.output


def test_list_says_what_is_covered(book: Path) -> None:
    lines = invoke("list", "torch.made.*", "--rules-dir", book).splitlines()
    assert [line.split(None, 1) for line in lines] == [
        ["torch.made.never", "not supported  Never."],
        ["torch.made.up", "in part        Go up."],
    ]
    assert invoke("list", "madeup", "--rules-dir", book).split() == ["torch.nn.MadeUp", "translated", "A", "layer."]
    assert "no rule has a name like zzz" in invoke("list", "zzz", code=1)


def test_show_prints_the_rule_with_its_state_and_its_place(book: Path) -> None:
    text = invoke("show", "torch.nn.MadeUp", "--rules-dir", book)
    assert text.startswith(f"# {book / 'made.py'}:")
    assert "return nnx.Linear(size, size, rngs=rngs)\n\n\n@MadeUp.state\ndef _(torch, flax):" in text
    assert "torch.made" not in text


def test_show_suggests_a_name(book: Path) -> None:
    assert "torch.made.upp has no rule. Did you mean torch.made.up" in invoke(
        "show", "torch.made.upp", "--rules-dir", book, code=1
    )


def test_a_mistake_in_a_rule_is_one_sentence(book: Path) -> None:
    (book / "made.py").write_text(BOOK.replace("jnp.sqrt(x)", "jnp.sqrt(y)"))
    text = invoke("list", "--rules-dir", book, code=2)
    assert "made.py:14:" in text
    assert "Traceback" not in text
