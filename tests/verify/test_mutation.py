"""`torch2jax rules mutate` on a rule book of our own."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from torch2jax.cli.mutate import mutate
from torch2jax.rules.cache import load_book
from torch2jax.verify.equivalents import EquivalentsError, read_equivalents
from torch2jax.verify.kept import Kept, own_helpers

RULES = '''from torch2jax.rulebook import *


@rule("torch.nn.functional.softshrink")
def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """Towards zero.

    >>> F.softshrink(f32(2, 3))
    """
    return jnp.sign(input) * jnp.maximum(jnp.abs(input) - lambd, 0)


@rule("torch.nn.Linear")
def Linear(in_features, out_features, bias=True, device: Device = None, dtype: Dtype = None) -> Module:
    """An affine map.

    >>> nn.Linear(3, 4)(f32(2, 3))
    """
    return nnx.Linear(
        in_features, out_features, use_bias=bias, param_dtype=dtype, **helpers.fan_in_uniform(in_features), rngs=rngs
    )


@Linear.state
def _(torch, flax):
    flax.kernel = torch.weight.T
    flax.bias = torch.bias
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TORCH2JAX_CACHE_DIR", str(tmp_path / "cache"))
    rules = tmp_path / "mine"
    rules.mkdir()
    (rules / "mine.py").write_text(RULES)
    return rules


def run(folder: Path, code: int) -> str:
    result = CliRunner().invoke(mutate, ["--rules", "mine", "--jobs", "1", "--rules-dir", str(folder)])
    assert result.exit_code == code, result.output
    return result.output


def test_survivors_are_named_recorded_and_kept(folder: Path) -> None:
    text = run(folder, 1)
    assert f"{folder / 'mine.py'}:19: torch.nn.Linear: no example notices: use_bias=bias of nnx.Linear dropped" in text
    # Noticed: by values, by the state that the constructor makes, by the layer in half precision, by the header.
    for change in ("lambd", "kernel", "fan_in_uniform", "param_dtype", "default of", "in_features and out_features"):
        assert not [line for line in text.splitlines() if change in line], text
    cache = folder.parent / "cache" / "mutants.jsonl"
    kept = [json.loads(line) for line in cache.read_text().splitlines()]
    assert len(kept) == 2
    assert run(folder, 1) == text
    assert len(cache.read_text().splitlines()) == 2

    record = '[[equivalent]]\nrule = "torch.nn.Linear"\nchanges = ["{}"]\nreason = "nobody looks"\n'
    survivors = [line.partition("notices: ")[2] for line in text.splitlines() if "no example notices" in line]
    (folder / "equivalent_mutants.toml").write_text("".join(record.format(change) for change in survivors))
    assert "0 survive" in run(folder, 0)
    (folder / "equivalent_mutants.toml").write_text(record.format("flax.kernel not transposed"))
    assert "recorded as equivalent, but is noticed by an example; take it out" in run(folder, 1)


def test_an_entry_can_be_for_several_rules(tmp_path: Path) -> None:
    (tmp_path / "equivalent_mutants.toml").write_text(
        '[[equivalent]]\nrule = ["torch.f", "torch.g"]\nchanges = ["x", "y"]\nreason = "they are twins"\n'
    )
    recorded = read_equivalents([tmp_path])
    assert all((rule, change) in recorded for rule in ("torch.f", "torch.g") for change in "xy")
    assert ("torch.h", "x") not in recorded


def test_results_depend_on_the_helpers_of_their_rule() -> None:
    book = load_book()
    (cell,), (sin,), (cos,) = (book.lookup(name) for name in ("torch.nn.LSTMCell", "torch.sin", "torch.cos"))
    assert own_helpers(sin) == own_helpers(cos) != own_helpers(cell)


def test_an_entry_without_a_reason_is_refused(tmp_path: Path) -> None:
    (tmp_path / "equivalent_mutants.toml").write_text('[[equivalent]]\nrule = "torch.f"\nchanges = ["x"]\n')
    with pytest.raises(EquivalentsError, match="entry 1: an entry has `rule`, `changes` and `reason`"):
        read_equivalents([tmp_path])


def test_results_are_kept_under_their_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH2JAX_CACHE_DIR", str(tmp_path))
    kept = Kept("things")
    kept.put("a", "key", [1, "x"])
    with (tmp_path / "things.jsonl").open("a") as file:
        file.write('["b", "key", [')  # a run that was killed while it wrote
    assert Kept("things").get("a", "key") == [1, "x"]
    assert Kept("things").get("a", "other key") is None
    assert Kept("things").get("b", "key") is None
    assert Kept("things", fresh=True).get("a", "key") is None
