"""Optimizers: what they are built for, and with which transformation."""

from textwrap import dedent, indent

import pytest

from torch2jax.convert import convert

PRELUDE = """
import itertools

import torch
from torch import nn, optim


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.base = nn.Linear(3, 4)
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        return self.head(self.base(x))


def main(args, net: Net):
    a, b = Net(), Net()
    x = nn.Parameter(torch.zeros(3))
"""


def converted(body: str) -> tuple[str, list[str]]:
    """The translation of statements in a function, without line breaks inside brackets, and what is reported."""
    conversion = convert(PRELUDE + indent(dedent(body), "    ") + "\n")
    text = " ".join(conversion.code.partition("# Helpers")[0].split())
    for bracket in "([{":
        text = text.replace(f"{bracket} ", bracket)
    for bracket in ")]}":
        text = text.replace(f", {bracket}", bracket).replace(f" {bracket}", bracket)
    return text, [f"{d.code} {d.message}" for d in conversion.diagnostics]


@pytest.mark.parametrize(
    ("parameters", "held"),
    [
        ("a.parameters()", "a"),
        ("net.head.parameters()", "net.head"),
        ("list(a.parameters())", "a"),
        ("filter(lambda p: p.requires_grad, a.parameters())", "a"),
        ("[p for p in a.parameters() if p.requires_grad]", "a"),
        ("[p for p in a.parameters() if p.requires_grad == True]", "a"),
        ("list(a.parameters()) + list(b.parameters())", "(a, b)"),
        ("itertools.chain(a.parameters(), b.parameters())", "(a, b)"),
        ("[*a.parameters(), *b.parameters()]", "(a, b)"),
        ("[x]", "(x,)"),
        ("[a.head.weight, x]", "(a.head.kernel, x)"),
    ],
)
def test_an_optimizer_is_built_for_what_has_the_parameters(parameters: str, held: str) -> None:
    for body in (f"o = optim.SGD({parameters}, lr=0.1)", f"wanted = {parameters}\no = optim.SGD(wanted, lr=0.1)"):
        code, reported = converted(body)
        assert f"o = nnx.Optimizer({held}, optax.sgd(0.1), wrt=nnx.Param)" in code
        assert reported == []


@pytest.mark.parametrize(
    ("parameters", "held"),
    [("(p for p in a.parameters() if p.requires_grad)", "a"), ("list(a.parameters()) + [x]", "(a, x)")],
)
def test_the_order_of_axes_does_not_matter_to_an_optimizer(parameters: str, held: str) -> None:
    code, reported = converted(f"o = optim.SGD({parameters}, lr=0.1)")
    assert f"o = nnx.Optimizer({held}, optax.sgd(0.1), wrt=nnx.Param)" in code
    assert reported == []


@pytest.mark.parametrize(
    "parameters",
    [
        "args.parameters",
        "[p for p in [*a.parameters(), *b.parameters()] if p.ndim > 1]",
        "[p for m in (a, b) for p in m.parameters()]",
        "[torch.zeros(3, requires_grad=True)]",
        "[{'params': a.parameters(), **args.options}]",
        "[{'lr': 0.1}]",
    ],
)
def test_other_parameters_are_reported(parameters: str) -> None:
    _, reported = converted(f"o = optim.SGD({parameters}, lr=0.1)")
    assert any(line.startswith("T2J103 torch.optim.SGD: it can't be told whose parameters") for line in reported)


@pytest.mark.parametrize(
    ("parameters", "lists"),
    [
        ("filter(lambda p: p.ndim > 1, a.parameters())", "[filter(lambda p: p.ndim > 1, ordered_parameters(a))]"),
        ("[p for p in a.parameters() if p.ndim > 1]", "[[p for p in ordered_parameters(a) if p.ndim > 1]]"),
        (
            "[p for n, p in a.named_parameters() if 'bias' not in n]",
            '[[p for n, p in ordered_named_parameters(a) if "bias" not in n]]',
        ),
    ],
)
def test_parameters_are_picked_one_by_one(parameters: str, lists: str) -> None:
    code, reported = converted(f"o = optim.SGD({parameters}, lr=0.1)")
    transform = "optax.partition({0: optax.sgd(0.1), -1: optax.set_to_zero()}, group_labels(a, "
    assert f"o = nnx.Optimizer(a, {transform}{lists.replace(chr(34), chr(39))})), wrt=nnx.Param)" in code.replace(
        '"', "'"
    )
    assert reported == []


@pytest.mark.parametrize(
    "change", ["ps += list(b.parameters())", "ps.append(x)", "ps.extend(b.parameters())", "ps[0] = x"]
)
def test_a_list_that_is_changed_is_not_taken_for_what_it_was(change: str) -> None:
    _, reported = converted(f"ps = list(a.parameters())\n{change}\no = optim.SGD(ps, lr=0.1)")
    assert "T2J103 torch.optim.SGD: it can't be told whose parameters `ps` are" in reported


@pytest.mark.parametrize(
    ("between", "followed"),
    [
        ("a = b", False),
        ("a, c = b, a", False),
        ("for a in [b]:\n    pass", False),
        ("net.head = b.head", False),
        ("net.base = b.base", True),
        ("c = b", True),
    ],
)
def test_a_list_is_followed_where_its_names_mean_the_same(between: str, followed: bool) -> None:
    _, reported = converted(f"ps = [*a.parameters(), *net.head.parameters()]\n{between}\no = optim.SGD(ps, lr=0.1)")
    lost = any("it can't be told whose parameters" in line for line in reported)
    assert lost is not followed


def test_a_variable_that_only_the_optimizer_reads_goes() -> None:
    code, reported = converted("""
        base = a.base.parameters()
        groups = [{"params": base}, {"params": b.parameters(), "lr": 0.5}]
        y = nn.Parameter(torch.ones(2))
        o = optim.SGD(groups, lr=0.1)
        q = optim.SGD([y], lr=0.1)
    """)
    assert "groups =" not in code
    assert "base =" not in code.partition("def main")[2]
    assert "y = nnx.Param(jnp.ones((2,))) o = nnx.Optimizer((a.base, b), optax.partition(" in code
    assert "q = nnx.Optimizer((y,), optax.sgd(0.1), wrt=nnx.Param)" in code
    assert reported == []


def test_a_variable_that_is_read_elsewhere_stays() -> None:
    code, _ = converted("ps = list(a.parameters())\no = optim.SGD(ps, lr=0.1)\nprint(len(ps))")
    assert "ps = list(" in code
    assert "o = nnx.Optimizer(a, optax.sgd(0.1), wrt=nnx.Param)" in code


def test_a_list_is_followed_where_one_value_reaches() -> None:
    body = "ps = a.parameters()\nif args.both:\n    ps = b.parameters()\no = optim.SGD(ps, lr=0.1)"
    _, reported = converted(body)
    assert "T2J103 torch.optim.SGD: it can't be told whose parameters `ps` are" in reported


def test_groups_have_transformations_of_their_own() -> None:
    code, reported = converted("""
        o = optim.SGD(
            [
                {"params": a.base.parameters()},
                {"params": list(a.head.parameters()) + list(b.parameters()), "lr": 0.01, "weight_decay": 1e-4},
                {"params": [x], "lr": args.lr},
            ],
            lr=0.1,
            momentum=0.9,
        )
    """)
    assert (
        "nnx.Optimizer((a.base, (a.head, b), x), optax.partition({0: optax.sgd(0.1, momentum=0.9), "
        "1: optax.chain(optax.add_decayed_weights(1e-4), optax.sgd(0.01, momentum=0.9)), "
        "2: optax.sgd(args.lr, momentum=0.9)}, by_group), wrt=nnx.Param)"
    ) in code
    assert reported == []


def test_a_group_has_no_place_for_what_the_optimizer_does_not_know() -> None:
    _, reported = converted("o = optim.SGD([{'params': a.parameters(), 'name': 'all'}], lr=0.1)")
    assert reported == ["T2J103 torch.optim.SGD: a group of parameters has no place for `name`"]


def test_a_group_of_its_own_hyperparameters() -> None:
    code, _ = converted("o = optim.Adam([{'params': a.parameters(), 'betas': (args.b1, 0.99)}], lr=args.lr)")
    assert "nnx.Optimizer(a, optax.adam(args.lr, b1=args.b1, b2=0.99), wrt=nnx.Param)" in code


@pytest.mark.parametrize("name", ["torch.optim.Optimizer", "optim.Optimizer", "optim.Adam", "'optim.Adam'"])
def test_an_annotated_optimizer_is_one(name: str) -> None:
    conversion = convert(f"import torch\nfrom torch import optim\n\n\ndef f(o: {name}):\n    o.step()\n")
    assert [d.message for d in conversion.diagnostics] == ["Optimizer.step has no translation yet"]
    if "'" not in name:
        assert "def f(o: nnx.Optimizer):" in conversion.code


@pytest.mark.parametrize("use", ["o.step()", "o.zero_grad()", "print(o.state)", "o.add_param_group({'params': [x]})"])
def test_what_is_done_with_an_optimizer_is_reported(use: str) -> None:
    _, reported = converted(f"o = optim.Adam(a.parameters())\n{use}")
    assert [line[:6] for line in reported] == ["T2J108"]


@pytest.mark.parametrize("base", ["torch.optim.Optimizer", "optim.Optimizer", "optim.optimizer.Optimizer", "optim.SGD"])
def test_a_class_that_derives_from_an_optimizer_is_reported(base: str) -> None:
    conversion = convert(f"import torch\nfrom torch import optim\n\n\nclass Lion({base}):\n    pass\n")
    assert [d.code for d in conversion.diagnostics if d.severity == "error"] == ["T2J103"]


def test_a_class_of_optimizers_as_a_value_is_reported() -> None:
    _, reported = converted("kind = optim.Adam if args.adam else optim.SGD\no = kind(a.parameters(), lr=0.1)")
    assert "T2J103 torch.optim.Adam as a value has no short form in JAX" in reported


SETTINGS = """
config = {"epochs": 3, "optimizer": {"lr": 0.1, "momentum": 0.9}}
CHANGE
o = optim.SGD(a.parameters(), **config["optimizer"])
"""


def test_keywords_come_from_a_dictionary_in_a_dictionary() -> None:
    code, reported = converted(SETTINGS.replace("CHANGE", ""))
    assert 'optax.sgd(config["optimizer"]["lr"], momentum=config["optimizer"]["momentum"])' in code
    assert reported == []


@pytest.mark.parametrize(
    "change",
    [
        'config["optimizer"] = args.settings',
        "config[args.key] = args.settings",
        'config["optimizer"]["nesterov"] = True',
        "config.update(args.settings)",
        'config["optimizer"].update(nesterov=True)',
    ],
)
def test_a_dictionary_that_changes_may_hold_any_keywords(change: str) -> None:
    _, reported = converted(SETTINGS.replace("CHANGE", change))
    assert 'T2J102 torch.optim.SGD: `**config["optimizer"]` may hold any arguments: write them out' in reported
