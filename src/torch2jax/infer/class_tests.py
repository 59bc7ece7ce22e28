"""Tests of an object's class: several layers of torch are one class in Flax, and some are functions there."""

from __future__ import annotations

import re
from typing import Any

import libcst as cst

from torch2jax.infer.frame import Frame
from torch2jax.infer.kinds import UNKNOWN, AnyModule, Api, Kind, Layer, Modules, Tuple, is_module, options
from torch2jax.infer.rule_layers import layer_of
from torch2jax.rules.model import Rule

_CONVOLUTION = re.compile(r"(Lazy)?Conv(Transpose)?(?P<rank>\d)d")


def check_classes(frame: Frame, node: cst.BaseExpression, test: cst.Call | None = None) -> None:
    """Report what ``isinstance(x, node)`` can't tell apart any more among the layers that the project builds.

    ``test``: the call of ``isinstance``; convolutions it can tell apart by the length of their kernel size.
    """
    tested = _tested(frame, node)
    if tested:
        frame.program.layer_readers.add(frame.fn)
    for name, rules in tested.items():
        classes = {layer_of(rule, template).flax for rule in rules for template in _templates(rule)}
        if not any(flax.rpartition(".")[2][:1].isupper() for flax in classes):
            message = f"nn.{name} is a function in Flax, so no object is an instance of it"
            frame.report("T2J103", node, message, "compare with the function, or decide by something else")
            return
        others = [
            f"nn.{other}"
            for other, layer in frame.program.layers.items()
            if layer.flax in classes and other not in tested and not _derives(other, name)
        ]
        named = [_CONVOLUTION.fullmatch(each.removeprefix("nn.")) for each in (name, *others)]
        by_rank = named[0] if all(named) and len(tested) == 1 else None
        if (
            others
            and by_rank is not None
            and test is not None
            and isinstance(test.args[0].value, cst.Name | cst.Attribute)
        ):
            frame.facts.special[test] = ("rank", int(by_rank["rank"]))
        elif others:
            message = f"nn.{name} and {', '.join(others)} are one class in Flax: the test is true for each of them"
            frame.report("T2J204", node, message, "compare something else as well, such as the length of kernel_size")


def note_names_in_flax(frame: Frame, node: cst.Call, kind: Kind, name: str) -> None:
    """What ``hasattr(m, "weight")`` asks for in Flax, where `m` may be a layer."""
    possible = [part for part in options(kind) if is_module(part)]
    if not possible:
        return
    book, found = frame.program.book, set[str]()
    for part in possible:
        state = book.state_of(part.flax) if isinstance(part, Layer) else None
        if isinstance(part, AnyModule | Modules):
            found.update(book.names_in_flax(name))
        elif state is not None:
            found.update(entry.flax for entry in state.entries if entry.torch == name)
    if not found - {name}:
        return
    if len(options(kind)) > len(possible) or not all(isinstance(part, Layer) for part in possible):
        found.add(name)  # a parameter of the project's own modules
    if len(found) > 1 and not isinstance(node.args[0].value, cst.Name | cst.Attribute):
        message = f"`{name}` has several names in Flax, by the class of the layer, which is not known here"
        frame.report("T2J107", node, message, "give the module a name first")
        return
    frame.facts.special[node] = ("has", tuple(sorted(found)))


def _derives(layer: str, base: str) -> bool:
    """Whether a layer derives from a private base of torch: BatchNorm2d from _BatchNorm, Conv1d from _ConvNd."""
    return base.startswith("_") and layer.startswith(base.removeprefix("_").removesuffix("Nd"))


def listed(frame: Frame, node: cst.BaseExpression) -> Kind:
    """The classes that a test names: one, or several in a tuple, a list or a set."""
    if isinstance(node, cst.List | cst.Set):
        return Tuple(tuple(frame.facts.kinds.get(element.value, UNKNOWN) for element in node.elements))
    return frame.facts.kinds.get(node, UNKNOWN)


def _tested(frame: Frame, node: cst.BaseExpression) -> dict[str, list[Rule]]:
    """The layers of torch that a test names, by their own names, with their rules."""
    kind = listed(frame, node)
    found: dict[str, list[Rule]] = {}
    for part in kind.items or () if isinstance(kind, Tuple) else options(kind):
        if isinstance(part, Api) and part.name.startswith("torch.nn."):
            rules = [rule for rule in frame.program.book.lookup(part.name) if any(_templates(rule))]
            if rules:
                found[part.name.rpartition(".")[2]] = rules
    return found


def _templates(rule: Rule) -> list[Any]:
    """What a layer may become; nothing for rules that make no layer."""
    return [branch.template for branch in rule.branches if branch.template is not None and rule.result == "Module"]
