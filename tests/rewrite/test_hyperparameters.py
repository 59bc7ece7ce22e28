"""Optimizers whose hyperparameters change: schedulers, and programs that set `param_groups` themselves."""

from textwrap import dedent, indent

import pytest

from torch2jax.convert import convert

PRELUDE = """
import torch
from torch import nn, optim
from torch.optim import lr_scheduler


def main(args, net: nn.Linear, other: nn.Linear):
"""


def converted(body: str) -> tuple[str, list[str]]:
    """The translation of statements in a function, without line breaks inside brackets, and what is reported."""
    conversion = convert(PRELUDE + indent(dedent(body), "    ") + "\n")
    text = " ".join(conversion.code.partition("# Helpers")[0].partition("def main")[2].split())
    for bracket in "([{":
        text = text.replace(f"{bracket} ", bracket)
    for bracket in ")]}":
        text = text.replace(f", {bracket}", bracket).replace(f" {bracket}", bracket)
    return text, [f"{d.code} {d.message}" for d in conversion.diagnostics]


STEP = "lr_scheduler.StepLR(o, step_size=3)"


@pytest.mark.parametrize(
    ("optimizer", "transform"),
    [
        ("optim.SGD(net.parameters(), lr=0.1)", "optax.inject_hyperparams(optax.sgd)(learning_rate=0.1)"),
        (
            "optim.SGD(net.parameters(), lr=1, momentum=0.9)",
            "optax.inject_hyperparams(optax.sgd)(learning_rate=1.0, momentum=0.9)",
        ),
        (
            "optim.Adam(net.parameters(), lr=args.lr)",
            "optax.inject_hyperparams(optax.adam)(learning_rate=float(args.lr))",
        ),
        ("optim.Adam(net.parameters())", "optax.inject_hyperparams(optax.adam)(learning_rate=0.001)"),
        ("optim.Adagrad(net.parameters())", "optax.inject_hyperparams(adagrad)(learning_rate=0.01)"),
        (
            "optim.SGD(net.parameters(), lr=0.1, weight_decay=0.2)",
            "optax.inject_hyperparams(lambda learning_rate: "
            "optax.chain(optax.add_decayed_weights(0.2), optax.sgd(learning_rate)))(learning_rate=0.1)",
        ),
        (
            "optim.RMSprop(net.parameters(), lr=0.1, momentum=0.5)",
            "optax.inject_hyperparams(lambda learning_rate: optax.chain(optax.scale_by_rms(decay=0.99, "
            "eps_in_sqrt=False), optax.trace(0.5), optax.scale_by_learning_rate(learning_rate)))(learning_rate=0.1)",
        ),
    ],
)
def test_a_scheduler_makes_the_rate_a_part_of_the_state(optimizer: str, transform: str) -> None:
    code, reported = converted(f"o = {optimizer}\ns = {STEP}\ns.step()")
    assert f"o = nnx.Optimizer(net, {transform}, wrt=nnx.Param)" in code
    assert "s = StepSchedule(o, step_size=3) s.step()" in code
    assert reported == []


def test_an_optimizer_without_a_scheduler_stays_as_it_is() -> None:
    code, _ = converted(f"o = optim.SGD(net.parameters(), lr=0.1)\np = optim.SGD(other.parameters(), lr=0.1)\n{STEP}")
    assert "p = nnx.Optimizer(other, optax.sgd(0.1), wrt=nnx.Param)" in code
    assert "o = nnx.Optimizer(net, optax.inject_hyperparams(optax.sgd)(learning_rate=0.1), wrt=nnx.Param)" in code


def test_a_scheduler_of_an_unknown_optimizer_concerns_them_all() -> None:
    code, _ = converted("o = optim.SGD(net.parameters(), lr=0.1)\nlr_scheduler.StepLR(args.optimizer, 3)")
    assert "optax.inject_hyperparams(optax.sgd)(learning_rate=0.1)" in code


def test_a_scheduler_in_another_function() -> None:
    source = """
import torch
from torch import nn, optim
from torch.optim.lr_scheduler import CosineAnnealingLR


def schedule(optimizer):
    return CosineAnnealingLR(optimizer, T_max=10)


def main(net: nn.Linear):
    optimizer = optim.SGD(net.parameters(), lr=0.1)
    scheduler = schedule(optimizer)
    scheduler.step()
    print(scheduler.get_last_lr()[0], scheduler.last_epoch)
"""
    conversion = convert(source)
    assert conversion.ok
    assert "optax.inject_hyperparams(optax.sgd)(learning_rate=0.1)" in conversion.code
    assert "return CosineSchedule(optimizer, T_max=10)" in conversion.code
    assert "torch.optim" not in conversion.code


@pytest.mark.parametrize(
    ("statement", "line"),
    [
        ("o.param_groups[0]['lr'] = 0.5", 'o.opt_state.hyperparams["learning_rate"][...] = 0.5'),
        ("o.param_groups[0]['lr'] *= args.decay", 'o.opt_state.hyperparams["learning_rate"][...] *= args.decay'),
        ("print(o.param_groups[0]['lr'])", 'print(o.opt_state.hyperparams["learning_rate"][...])'),
        (
            "for g in o.param_groups:\n    g['lr'] = 0.5",
            'for g in hyperparams(o): g["learning_rate"][...] = 0.5',
        ),
        (
            "for i, g in enumerate(o.param_groups):\n    g['lr'] = g['lr'] * i",
            'for i, g in enumerate(hyperparams(o)): g["learning_rate"][...] = g["learning_rate"][...] * i',
        ),
        ("g = o.param_groups[0]\ng['lr'] = 0.5", 'g = o.opt_state.hyperparams g["learning_rate"][...] = 0.5'),
        ("rates = [g['lr'] for g in o.param_groups]", 'rates = [g["learning_rate"][...] for g in hyperparams(o)]'),
    ],
)
def test_a_program_that_sets_the_rate_itself(statement: str, line: str) -> None:
    code, reported = converted(f"o = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)\n{statement}")
    assert "o = nnx.Optimizer(net, optax.inject_hyperparams(optax.sgd)(learning_rate=0.1, momentum=0.9)" in code
    assert line in code
    assert reported == []


def test_the_momentum_and_the_decay() -> None:
    code, reported = converted("""
        o = optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=args.decay)
        for g in o.param_groups:
            g["momentum"] = 0.5
            g["weight_decay"] = 0.0
    """)
    assert (
        "optax.inject_hyperparams(lambda learning_rate, momentum, weight_decay: optax.chain("
        "optax.add_decayed_weights(weight_decay), optax.sgd(learning_rate, momentum=momentum)))"
        "(learning_rate=0.1, momentum=0.9, weight_decay=float(args.decay))"
    ) in code
    assert reported == []


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (
            "o.param_groups[0]['momentum'] = 0.5",
            "T2J103 the program changes the momentum of an optimizer that is built",
        ),
        ("o.param_groups[0]['params']", "T2J108 `params` of a group of parameters has no translation yet"),
        ("o.param_groups[0][args.key] = 1", "T2J108 an item of a group of parameters has no translation yet"),
        (f"s = {STEP}\ns.get_lr()", "T2J108 `get_lr` of a scheduler has no translation yet"),
        ("lr_scheduler.StepLR(o, 3, last_epoch=5)", "T2J103 torch.optim.lr_scheduler.StepLR: a scheduler begins at"),
        ("lr_scheduler.CyclicLR(o, 0.1, 0.2)", "T2J103 the program changes the momentum of an optimizer"),
        ("s = lr_scheduler.ChainedScheduler([])\ns.step(3)", "T2J102 torch.optim.lr_scheduler.ChainedScheduler: this"),
        ("isinstance(o, optim.SGD)", "T2J103 torch.optim.SGD as a value has no short form in JAX"),
    ],
)
def test_what_has_no_translation_is_reported(statement: str, message: str) -> None:
    _, reported = converted(f"o = optim.SGD(net.parameters(), lr=0.1)\n{statement}")
    assert any(line.startswith(message) for line in reported), reported


def test_cycled_momentum_is_a_part_of_the_state() -> None:
    body = "o = optim.{}\ns = lr_scheduler.OneCycleLR(o, max_lr=0.1, total_steps=100)"
    code, _ = converted(body.format("AdamW(net.parameters(), lr=0.1, betas=args.betas, maximize=True)"))
    assert "(lambda learning_rate, b1: optax.chain(" in code
    assert "optax.scale_by_adam(b1=b1, b2=args.betas[1])" in code
    assert "(learning_rate=0.1, b1=args.betas[0])" in code
    code, _ = converted(body.format("Adam(net.parameters(), lr=0.1, betas=(0.8, 0.99))"))
    assert "optax.inject_hyperparams(optax.adam)(learning_rate=0.1, b1=0.8, b2=0.99)" in code


def test_a_variable_with_a_name_of_optax() -> None:
    code, reported = converted("""
        learning_rate = 0.1
        o = optim.SGD(net.parameters(), lr=learning_rate, weight_decay=learning_rate * 0.1)
        s = lr_scheduler.StepLR(o, 3)
    """)
    assert "weight_decay = learning_rate * 0.1 o = nnx.Optimizer(" in code
    assert "optax.add_decayed_weights(weight_decay)" in code
    assert "(learning_rate=learning_rate)" in code
    assert reported == []


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        ("lr_scheduler.LRScheduler", "Schedule"),
        ("lr_scheduler._LRScheduler", "Schedule"),
        ("lr_scheduler.StepLR", "StepSchedule"),
    ],
)
def test_annotated_schedulers(annotation: str, expected: str) -> None:
    source = f"import torch\nfrom torch.optim import lr_scheduler\n\n\ndef f(s: {annotation}):\n    s.step()\n"
    conversion = convert(source)
    assert conversion.ok
    assert f"def f(s: {expected}):" in conversion.code


def test_schedulers_that_are_asked_for_by_class() -> None:
    code, reported = converted(f"""
        o = optim.SGD(net.parameters(), lr=0.1)
        s = {STEP} if args.step else lr_scheduler.ReduceLROnPlateau(o)
        if isinstance(s, lr_scheduler.ReduceLROnPlateau):
            s.step(args.metric)
    """)
    assert "if isinstance(s, ReduceOnPlateau): s.step(args.metric)" in code
    assert reported == []
