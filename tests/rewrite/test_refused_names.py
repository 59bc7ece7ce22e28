"""Names that rules refuse, alone or with their whole namespace: called, as values, and as base classes."""

import pytest

from torch2jax import convert

HEAD = "import torch\nimport torch.nn as nn\n\n\n"


def errors(source: str) -> list[tuple[str, str, str]]:
    return [(d.code, d.message, d.hint) for d in convert(HEAD + source).diagnostics if d.code < "T2J2"]


@pytest.mark.parametrize(
    "source",
    [
        "def f(x: torch.Tensor):\n    torch.distributed.all_reduce(x)\n",
        "def f(x: torch.Tensor):\n    torch.distributed.nn.all_reduce(x, op=torch.distributed.ReduceOp.SUM)\n",
        "f = torch.distributed.all_reduce\n",
        "class Store(torch.distributed.HashStore):\n    pass\n",
    ],
)
def test_the_reason_is_that_of_the_namespace(source: str) -> None:
    found = errors(source)
    assert found
    for code, message, hint in found:
        assert code == "T2J103"
        assert message.startswith("torch.distributed.")
        assert message.endswith(": messages between processes are not translated")
        assert "jax.sharding" in hint


def test_names_with_a_rule_of_their_own_are_translated() -> None:
    conversion = convert(HEAD + "rank = torch.distributed.get_rank()\n")
    assert "rank = jax.process_index()" in conversion.code
    assert [d.code for d in conversion.diagnostics] == ["T2J205"]


def test_clipping_away_from_a_training_step() -> None:
    source = "def limit(net: nn.Module):\n    nn.utils.clip_grad_norm_(net.parameters(), 1.0)\n"
    [(code, message, hint)] = errors(source)
    assert (code, message.partition(": ")[0]) == ("T2J103", "torch.nn.utils.clip_grad_norm_")
    assert "optimizer.step()" in hint


def test_a_name_of_no_namespace_that_is_refused_has_no_rule() -> None:
    assert errors("x = torch.unheard_of(1)\n") == [("T2J101", "torch.unheard_of has no rule", "")]
