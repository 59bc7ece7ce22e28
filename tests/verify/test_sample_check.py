"""Samples in `torch2jax check`: found, verified, named where they fail, and kept."""

from pathlib import Path
from textwrap import dedent

import pytest
from click.testing import CliRunner

from torch2jax.cli.check import check
from torch2jax.verify.cases import CaseError
from torch2jax.verify.sample_check import check_samples, samples_in

NET = """
import torch
from torch import nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self, width=3):
        super().__init__()
        self.fc = nn.Linear(width, 2)

    def forward(self, x):
        return F.hardshrink(self.fc(x))
"""
CASE = """
[[case]]
entry = "Net"
inputs = ["f32[4,3]"]
"""
WRONG = '''
from torch2jax.rulebook import *


@rule("torch.nn.functional.hardshrink")
def hardshrink(input: Tensor, lambd=0.5) -> Tensor:
    """Wrong on purpose.

    >>> F.hardshrink(f32(2, 3))
    """
    return input * lambd
'''


def write(folder: Path, **files: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        suffix = ".toml" if name == "verify" else ".py"
        (folder / f"{name}{suffix}").write_text(dedent(text))
    return folder


def test_samples_are_files_and_packages_with_their_cases(tmp_path: Path) -> None:
    write(tmp_path / "one", model=NET, model_jax=NET, other="x = 1\n", broken="def\n", verify=CASE)
    write(tmp_path / "deep" / "package", __init__="", net=NET, verify=CASE.replace("Net", "net:Net"))
    package, one = samples_in(tmp_path)
    assert (package.path, one.path) == (tmp_path / "deep" / "package", tmp_path / "one" / "model.py")
    assert [case.entry for case in (*package.cases, *one.cases)] == ["net:Net", "Net"]
    assert one.line("Net") == NET.splitlines().index("class Net(nn.Module):") + 1


def test_an_entry_that_no_file_defines_is_bad_usage(tmp_path: Path) -> None:
    write(tmp_path, model=NET, verify=CASE + CASE.replace("Net", "Missing"))
    with pytest.raises(CaseError, match=r"verify\.toml: no file beside it defines Missing"):
        samples_in(tmp_path)
    result = CliRunner().invoke(check, ["--samples", str(tmp_path)])
    assert result.exit_code == 2
    assert "no file beside it defines Missing" in result.output


def test_a_folder_without_samples_is_bad_usage(tmp_path: Path) -> None:
    result = CliRunner().invoke(check, ["--samples", str(tmp_path)])
    assert result.exit_code == 2
    assert "there is no verify.toml in" in result.output


def test_a_sample_that_differs_is_named_with_its_place(tmp_path: Path) -> None:
    model, rules = (
        NET + NET.replace("Net", "Other").replace("F.hardshrink", "F.relu"),
        write(tmp_path / "r", mine=WRONG),
    )
    write(tmp_path / "nets", model=model, verify=CASE + CASE.replace("Net", "Other"))
    arguments = ["--samples", str(tmp_path / "nets"), "--rules-dir", str(rules), "--fresh", "--jobs", "1"]
    result = CliRunner().invoke(check, arguments)
    assert result.exit_code == 1, result.output
    assert f"{tmp_path / 'nets' / 'model.py'}:7: model: eval DIFFERS" in result.output
    assert "2 checks, 1 failures" in result.output


def test_what_is_flagged_or_ends_the_process_is_a_failure(tmp_path: Path) -> None:
    flagged = NET.replace("F.hardshrink", "torch.unknown_of_all")
    ends = "import os\nos._exit(3)\n" + NET
    write(tmp_path / "a", model=flagged, verify=CASE)
    write(tmp_path / "b", model=ends, verify=CASE)
    problems = {
        sample.path.parent.name: [item.problem for item in checked]
        for sample, checked in check_samples(samples_in(tmp_path), 2)
    }
    assert "torch.unknown_of_all has no rule" in problems["a"][0]
    assert "exit status 3" in problems["b"][0]


def test_results_are_kept_until_something_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH2JAX_CACHE_DIR", str(tmp_path / "cache"))
    folder = write(tmp_path / "one", model=NET, verify=CASE)
    (first,) = check_samples(samples_in(folder), fresh=False)
    with monkeypatch.context() as patch:
        patch.setattr("torch2jax.verify.sample_check.verify_apart", None)
        (again,) = check_samples(samples_in(folder), fresh=False)
        assert again == first
        write(folder, model=NET.replace("width=3", "width = 3"))
        with pytest.raises(TypeError):
            list(check_samples(samples_in(folder), fresh=False))


def test_the_samples_of_torch2jax_are_found() -> None:
    assert len(samples_in(Path(__file__).parents[2] / "samples")) > 20
