"""The lint command for rule files."""

from pathlib import Path

import pytest

from torch2jax.rules import lint

GOOD = 'from torch2jax.rulebook import *\n\n\n@rule("torch.f")\ndef f(input):\n    return input\n'


def test_all_mistakes_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.py").write_text(GOOD, encoding="utf-8")
    assert lint.main([str(tmp_path)]) == 0
    assert capsys.readouterr().out == "1 rules, 0 mistakes\n"
    (tmp_path / "b.py").write_text(GOOD.replace("return input", "return inputs") + "x = 1\n", encoding="utf-8")
    assert lint.main([str(tmp_path / "a.py"), str(tmp_path / "b.py")]) == 1
    first, second, count = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{tmp_path / 'b.py'}:6:12: unknown name `inputs`")
    assert ":7:1: " in second
    assert count == "1 rules, 2 mistakes"


def test_contradicting_state_maps_are_mistakes(tmp_path: Path) -> None:
    rule = '@rule("torch.nn.{n}")\ndef {n}(n) -> Module:\n    return nnx.Linear(n)\n\n\n'
    state = "@{n}.state\ndef _(torch, flax):\n    flax.kernel = torch.{n}\n\n\n"
    (tmp_path / "a.py").write_text("".join((rule + state).format(n=name) for name in "AB"), encoding="utf-8")
    count, errors = lint.lint([tmp_path])
    assert count == 2
    assert [error.message for error in errors] == [
        "the `.state` of `torch.nn.B` contradicts that of another rule that builds `nnx.Linear`: "
        "`flax.kernel` is assigned differently"
    ]


def test_the_shipped_rules_have_no_mistakes() -> None:
    assert lint.main([]) == 0
