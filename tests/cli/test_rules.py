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
    assert invoke("list", "madeup", "--rules-dir", book).split() == ["torch.nn.MadeUp", "supported", "A", "layer."]
    assert "no rule has a name like zzz" in invoke("list", "zzz", code=1)


def test_show_prints_the_rule_with_its_state_and_its_place(book: Path) -> None:
    text = invoke("show", "torch.nn.MadeUp", "--source", "--rules-dir", book)
    assert text.startswith(f"# {book / 'made.py'}:")
    assert "return nnx.Linear(size, size, rngs=rngs)\n\n\n@MadeUp.state\ndef _(torch, flax):" in text
    assert "torch.made" not in text


def test_show_describes_a_rule(book: Path) -> None:
    text = invoke("show", "torch.made.up", "--rules-dir", book)
    assert (
        text
        == f"""# {book / "made.py"}:7
# torch.made.up

`torch.made.up(x, flag=False)`

Go up.

- Not supported where `flag`: flags are not known. Instead: leave it out.

```python
return jnp.sqrt(x)
>>> torch.made.up(f32(2, 3))
```
"""
    )


def test_show_knows_what_the_converter_does_without_a_rule() -> None:
    assert invoke("show", "torch.nn.Sequential") == (
        "torch.nn.Sequential is handled by the converter itself, not by a rule.\n"
    )


def test_show_suggests_a_name(book: Path) -> None:
    assert "torch.made.upp has no rule. Did you mean torch.made.up" in invoke(
        "show", "torch.made.upp", "--rules-dir", book, code=1
    )


def test_a_mistake_in_a_rule_is_one_sentence(book: Path) -> None:
    (book / "made.py").write_text(BOOK.replace("jnp.sqrt(x)", "jnp.sqrt(y)"))
    text = invoke("list", "--rules-dir", book, code=2)
    assert "made.py:14:" in text
    assert "Traceback" not in text


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("torch.nn.Softmax", "def Softmax(dim: Axis = None) -> Module:"),
        ("torch.nn.functional.glu", "def glu(input: Tensor, dim: Axis = -1) -> Tensor:"),
        ("torch.cross", "def cross(input: Tensor, other: Tensor, dim: Axis = None, *, out: Out = None) -> Tensor:"),
        ("torch.Tensor.dist", "def dist(self: Tensor, other: Tensor, p=2) -> Tensor:"),
    ],
)
def test_new_writes_a_header_that_the_grammar_knows(name: str, header: str, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    path = tmp_path / "new.py"
    invoke("new", name, "-o", path)
    assert header in path.read_text()
    assert invoke("show", name, "--rules-dir", tmp_path)
    assert "is there already" in invoke("new", name, "-o", path, code=1)


def test_a_new_rule_is_reported_until_it_is_written(tmp_path: Path) -> None:
    pytest.importorskip("flax")
    from torch2jax.verify.checking import check_all

    invoke("new", "torch.nn.Softmax", "-o", tmp_path / "new.py")
    (checked,) = check_all("new", 1, [tmp_path])
    assert [(item.rule, item.problem) for item in checked] == [
        ("torch.nn.Softmax", "the rule is a skeleton: write its branches and examples")
    ]


def test_new_says_what_is_missing() -> None:
    pytest.importorskip("torch")
    assert "there is no torch.nn.Softmx: torch.nn has no Softmx." in invoke("new", "torch.nn.Softmx", code=1)
    assert "nothing is not installed" in invoke("new", "nothing.at.all", code=1)
