"""`torch2jax check` on small rule books of our own: failures are found, named and counted."""

from pathlib import Path
from textwrap import dedent
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from torch2jax.cli.check import check
from torch2jax.rules.cache import load_book
from torch2jax.verify.checking import Checked, check_all
from torch2jax.verify.headers import header_problem
from torch2jax.verify.junit import junit_xml


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A folder of rules, with a branch without example, a wrong sign, and a parameter too many."""
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "mine.py").write_text(
        dedent(
            '''
            from torch2jax.rulebook import *


            @rule("torch.nn.functional.hardshrink")
            def hardshrink(input: Tensor, lambd=0.5) -> Tensor:
                """Zero near zero.

                >>> F.hardshrink(f32(2, 3))
                >>> F.hardshrink(f32(2, 3), 0.2)
                """
                if lambd == 0:
                    return input
                return jnp.where(jnp.abs(input) > lambd, input, 0)


            @rule("torch.nn.functional.tanhshrink")
            def tanhshrink(input: Tensor, scale=1.0) -> Tensor:
                """Wrong on purpose, and with a parameter that torch lacks.

                >>> F.tanhshrink(f32(2, 3))
                """
                return input + jnp.tanh(input) * scale
            '''
        )
    )
    return folder


def test_each_problem_is_named_with_its_place(rules: Path) -> None:
    (checked,) = check_all("mine", 1, [rules])
    problems = {(item.line, item.what): item.problem for item in checked if item.problem}
    file_lines = (rules / "mine.py").read_text().splitlines()
    by_text = {file_lines[line - 1].strip(): problem for (line, _), problem in problems.items()}
    assert by_text["if lambd == 0:"] == "no example reaches this branch"
    assert by_text[">>> F.tanhshrink(f32(2, 3))"].startswith("differs: value: relative error")
    assert "torch does not have scale" in " ".join(by_text.values())
    assert len(problems) == 3


def test_the_command_fails_for_failures_and_writes_junit(rules: Path, tmp_path: Path) -> None:
    report = tmp_path / "junit.xml"
    arguments = [str(rules), "--rules", "mine", "--jobs", "1", "--junit", str(report)]
    result = CliRunner().invoke(check, arguments)
    assert result.exit_code == 1, result.output
    assert "no example reaches this branch" in result.output
    root = ElementTree.parse(report).getroot()
    assert len(root.findall(".//failure")) == 3
    text = (rules / "mine.py").read_text()
    text = text.replace("    if lambd == 0:\n        return input\n", "").replace(", scale=1.0", "")
    mended = tmp_path / "mended"
    mended.mkdir()
    (mended / "mine.py").write_text(text.replace("input + jnp.tanh(input) * scale", "input - jnp.tanh(input)"))
    result = CliRunner().invoke(check, [str(mended), *arguments[1:]])
    assert result.exit_code == 0, result.output


def test_a_pattern_without_a_match_is_bad_usage() -> None:
    result = CliRunner().invoke(check, ["--rules", "nothing.at.all"])
    assert result.exit_code == 2
    assert "no rule's name or file matches 'nothing.at.all'" in result.output


def test_a_mistake_in_a_rule_file_is_bad_usage(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("x = 1\n")
    result = CliRunner().invoke(check, [str(tmp_path)])
    assert result.exit_code == 2
    assert "bad.py:1" in result.output


def test_headers_are_compared_with_torch(rules: Path) -> None:
    book = load_book([rules])
    good, bad = book.lookup("torch.nn.functional.hardshrink")[-1], book.lookup("torch.nn.functional.tanhshrink")[-1]
    assert header_problem(bad, bad.names) == "torch.nn.functional.tanhshrink: torch does not have scale"
    assert header_problem(good, good.names) in ("", None)


def test_junit_counts_by_file() -> None:
    items = [Checked("torch.a", "a.py", 1, "x", ""), Checked("torch.b", "a.py", 2, "<y>", "differs & more")]
    (suite,) = ElementTree.fromstring(junit_xml(items))
    assert suite.attrib == {"name": "a.py", "tests": "2", "failures": "1"}
    assert suite[1][0].attrib["message"] == "differs & more"


def test_results_are_kept_until_something_changes(rules: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TORCH2JAX_CACHE_DIR", str(tmp_path / "cache"))
    (first,) = check_all("mine", 1, [rules], fresh=False)
    with monkeypatch.context() as patch:
        patch.setattr("torch2jax.verify.checking.check_rules", None)
        (again,) = check_all("mine", 1, [rules], fresh=False)
    assert again == first
    text = (rules / "mine.py").read_text()
    (rules / "mine.py").write_text(text.replace("input + jnp.tanh(input) * scale", "input - jnp.tanh(input) * scale"))
    (changed,) = check_all("mine", 1, [rules], fresh=False)
    assert sum(bool(item.problem) for item in changed) == 2


def test_an_example_in_another_style_may_not_differ(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        dedent(
            '''
            from torch2jax.rulebook import *


            @rule("torch.cumsum", "torch.Tensor.cumsum")
            def cumsum(input: Tensor, dim: int, *, dtype: Dtype = None, out: Out = None) -> Tensor:
                """Right for literals only: what is not known becomes something else.

                >>> torch.cumsum(f32(2, 3), 0)
                >>> f32(2, 3).cumsum(dim=1)
                """
                if dim == 0:
                    return jnp.cumsum(input, axis=0)
                return jnp.cumsum(input, axis=0 * dim + 1)
            '''
        )
    )
    (checked,) = check_all("mine", 1, [tmp_path])
    assert [item.what for item in checked if item.problem] == ["from variables: torch.cumsum(f32(2, 3), 0)"]
    assert {item.what.partition(":")[0] for item in checked} >= {"by keyword", "starred", "method or function"}


def test_an_example_in_another_style_may_differ_where_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        dedent(
            '''
            from torch2jax.rulebook import *


            @rule("torch.cumsum", "torch.Tensor.cumsum")
            def cumsum(input: Tensor, dim: int, *, dtype: Dtype = None, out: Out = None) -> Tensor:
                """Of what is not known it is said what is assumed (T2J201).

                >>> torch.cumsum(f32(2, 3), 0)
                >>> torch.cumsum(f32(2, 3), 1)
                """
                if dim == 1:
                    raise Unsupported("the second axis", "use the first")
                return jnp.cumsum(input, axis=0)
            '''
        )
    )
    (checked,) = check_all("mine", 1, [tmp_path])
    assert any(item.what.startswith("from variables") for item in checked)
    assert not [item for item in checked if item.problem]


def test_a_rule_of_ones_own_overrides(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "from torch2jax.rulebook import *\n\n\n"
        '@rule("torch.eye")\ndef eye(n, m=None, *, out: Out = None, dtype: Dtype = None, layout: Ignored = None,\n'
        "        device: Device = None, pin_memory: Ignored = False, requires_grad: Ignored = False) -> Tensor:\n"
        '    """Ones.\n\n    >>> torch.eye(3)\n    """\n    return jnp.eye(n, m)\n'
    )
    result = CliRunner().invoke(check, ["--rules-dir", str(tmp_path), "--rules", "torch.eye", "--jobs", "1", "--fresh"])
    assert result.exit_code == 0, result.output
    assert len(list(check_all("torch.eye", 1, [tmp_path]))) == 1
