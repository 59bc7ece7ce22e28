"""Optimizers as values: which one, and whose parameters it holds, wherever it is used."""

import libcst as cst
import pytest

from torch2jax.infer.interpret import interpret
from torch2jax.infer.kinds import Instance, Kind, Optimizer, options
from torch2jax.infer.optimizers import sources_of, trains_modules
from torch2jax.infer.program import FileInfo, Program
from torch2jax.options import Options
from torch2jax.rules.cache import load_book
from torch2jax.source.scope import bind

SOURCE = """
import torch
from torch import nn, optim


class Net(nn.Linear):
    pass


def train(net, opt, both, mixed, either):
    pass


def main(adam):
    net, other = Net(2, 3), Net(3, 2)
    x = nn.Parameter(torch.zeros(3))
    opt = optim.Adam(net.parameters()) if adam else optim.SGD(net.parameters(), lr=0.1)
    both = optim.SGD([{"params": net.parameters()}, {"params": other.parameters()}], lr=0.1)
    mixed = optim.SGD([*net.parameters(), x], lr=0.1)
    either = optim.Adam(net.parameters()) if adam else optim.SGD(other.parameters(), lr=0.1)
    train(net, opt, both, mixed, either)
"""


@pytest.fixture(scope="module")
def parameters() -> dict[str, Kind]:
    """What the parameters of `train` are found to be."""
    tree = cst.parse_module(SOURCE)
    program = Program(load_book(), Options())
    names = bind(tree)
    program.files["a.py"] = FileInfo("a.py", "a", tree, import_names=frozenset(names.imports), source=SOURCE)
    interpret(program, {"a.py": names})
    train = next(fn for fn in program.functions.values() if fn.name == "train")
    return {name: cell.kind for name, cell in train.params.items()}


def spelled(kind: Kind) -> list[str]:
    return [cst.Module([]).code_for_node(source.node) for source in sources_of(kind)]


def test_one_of_several_optimizers_of_a_module(parameters: dict[str, Kind]) -> None:
    kind = parameters["opt"]
    names = [option.name for option in options(kind) if isinstance(option, Optimizer)]
    assert names == ["torch.optim.Adam", "torch.optim.SGD"]
    assert spelled(kind) == ["net"]
    (source,) = sources_of(kind)
    assert isinstance(source.kind, Instance)
    assert source.kind.cls.name == "Net"
    assert trains_modules(kind)


def test_groups_of_two_modules(parameters: dict[str, Kind]) -> None:
    kind = parameters["both"]
    assert isinstance(kind, Optimizer)
    assert [len(group) for group in kind.groups] == [1, 1]
    assert spelled(kind) == ["net", "other"]


def test_a_module_and_a_parameter(parameters: dict[str, Kind]) -> None:
    assert spelled(parameters["mixed"]) == ["net", "x"]
    assert not trains_modules(parameters["mixed"])


def test_optimizers_of_different_modules(parameters: dict[str, Kind]) -> None:
    assert spelled(parameters["either"]) == []
    assert not trains_modules(parameters["either"])
