"""Branches over layers whose weights have different names in Flax."""

from textwrap import dedent

import libcst as cst
import pytest

from torch2jax import convert
from torch2jax.source.families import told_apart

NAMES = {
    "Linear": {"weight": "kernel"},
    "Conv1d": {"weight": "kernel"},
    "Conv2d": {"weight": "kernel"},
    "Embedding": {"weight": "embedding"},
}


def result(source: str) -> str:
    return told_apart(cst.parse_module(dedent(source)), {}, NAMES.get).tree.code


def test_each_family_has_its_branch() -> None:
    source = """\
    # start small
    if isinstance(m, (nn.Linear, nn.Embedding, nn.Conv1d)):
        m.weight.data.normal_()
    elif isinstance(m, nn.LayerNorm):
        m.weight.data.fill_(1)
    """
    expected = """\
    # start small
    if isinstance(m, (nn.Linear, nn.Conv1d)):
        m.weight.data.normal_()
    elif isinstance(m, nn.Embedding):
        m.weight.data.normal_()
    elif isinstance(m, nn.LayerNorm):
        m.weight.data.fill_(1)
    """
    assert result(source) == dedent(expected)


@pytest.mark.parametrize(
    "source",
    [
        "if isinstance(m, (nn.Linear, nn.Conv2d)):\n    m.weight.data.zero_()\n",
        "if isinstance(m, (nn.Linear, nn.Embedding)):\n    m.bias.data.zero_()\n",
        "if isinstance(m, (nn.Linear, nn.Embedding)):\n    other.weight.data.zero_()\n",
        "if isinstance(m, (nn.Linear, Mine)):\n    m.weight.data.zero_()\n",
        "if isinstance(m, (nn.Linear, nn.Embedding)) and ok:\n    m.weight.data.zero_()\n",
        "if isinstance(m, classes):\n    m.weight.data.zero_()\n",
    ],
)
def test_all_else_stays(source: str) -> None:
    assert result(source) == source


def test_the_translation_names_each_weight() -> None:
    source = """\
    import torch.nn as nn


    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb = nn.Embedding(5, 4)
            self.head = nn.Linear(4, 5)
            self.apply(self._init)

        def _init(self, m):
            if isinstance(m, (nn.Linear, nn.Embedding)):
                nn.init.normal_(m.weight, std=0.05)

        def forward(self, ids):
            return self.head(self.emb(ids))
    """
    conversion = convert(dedent(source))
    assert [d.headline for d in conversion.diagnostics if d.severity == "error"] == []
    assert "if isinstance(m, nnx.Linear):\n            m.kernel[...] = " in conversion.code
    assert "elif isinstance(m, nnx.Embed):\n            m.embedding[...] = " in conversion.code


def test_tests_of_the_type_are_split_as_well() -> None:
    source = "if type(m) in {nn.Linear, nn.Embedding}:\n    m.weight.data.zero_()\n"
    branches = "if type(m) is nn.Linear:\n    {same}\nelif type(m) is nn.Embedding:\n    {same}\n"
    assert result(source) == branches.replace("{same}", "m.weight.data.zero_()")
