"""Which mistakes are made in rules on purpose, and which are not because they would change nothing."""

from pathlib import Path

import pytest

from torch2jax.rules.cache import load_book
from torch2jax.rules.mutants import Mutant, mutants

RULES = '''from torch2jax.rulebook import *


@rule("torch.equal")
def equal(input: Tensor, other: Tensor) -> bool:
    """Whether all are equal.

    >>> torch.equal(f32(2, 3), f32(2, 3))
    """
    return jnp.array_equal(input * 1.0, +other)


@rule("torch.nn.functional.pixel_norm", layout="N C ... -> N ... C")
def pixel_norm(input: Tensor) -> Tensor:
    """Scale every pixel.

    >>> F.pixel_norm(f32(2, 3))
    """
    return input / jnp.linalg.norm(input, axis=-1, keepdims=True)
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TORCH2JAX_CACHE_DIR", str(tmp_path / "cache"))
    rules = tmp_path / "mine"
    rules.mkdir()
    (rules / "mine.py").write_text(RULES)
    return rules


def of(folder: Path, name: str) -> list[Mutant]:
    (rule,) = load_book([folder]).lookup(name)
    return mutants(rule)


def test_what_computes_the_same_is_no_mutant(folder: Path) -> None:
    assert [mutant.change for mutant in of(folder, "torch.equal")] == ["1.0 -> 2.0 in input * 1.0"]


def test_a_layout_for_any_number_of_axes_is_left_out_whole(folder: Path) -> None:
    (mutant,) = (m for m in of(folder, "torch.nn.functional.pixel_norm") if m.change.startswith("layout"))
    assert mutant.change == "layout N ... C -> N C ..."
    assert mutant.rule.layout is None
