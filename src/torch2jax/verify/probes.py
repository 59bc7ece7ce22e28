"""What of a rule is run in both frameworks: its examples, and what follows from them.

Besides the examples themselves these are the attributes of every layer that they build, and the same layer in another
precision (its initial state shows whether `dtype=` arrives); a layer that is a function in Flax is run with a class
that derives from it in its place.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeGuard

from torch2jax.rules.attributes import is_read
from torch2jax.rules.model import Example, Rule
from torch2jax.verify.rendering import ExampleError, Program, derived, render


@dataclass(frozen=True, slots=True)
class Probe:
    """One program of a rule.

    what: for people. program: None where the example can't be made into one, and ``problem`` says why.
    """

    example: Example
    what: str
    program: Program | None
    problem: str = ""

    @property
    def line(self) -> int:
        """Where it stands in the rule file."""
        return self.example.line


def probes(rule: Rule) -> Iterator[Probe]:
    """All that is run of a rule, its examples first."""
    for example in rule.examples:
        yield _probe(example, example.source)
    if rule.attributes:
        yield from _attributes(rule) if is_read(rule.attributes[0]) else _derived(rule)
    if rule.result == "Module" and any(p.name == "dtype" and p.annotation == "Dtype" for p in rule.params):
        yield from _in_half_precision(rule)


def _probe(example: Example, what: str) -> Probe:
    try:
        return Probe(example, what, render(example.source))
    except ExampleError as error:
        return Probe(example, what, None, str(error))


def _attributes(rule: Rule) -> Iterator[Probe]:
    """The attributes of every layer that the rule's examples build, read on both sides."""
    line = rule.attributes[0].line
    built = constructions(rule)
    if not built:
        yield Probe(Example("", "", line), "attributes", None, "no example builds the layer")
    reads = "".join(f"layer.{attribute.function}, " for attribute in rule.attributes)
    for construction in built:
        yield _probe(Example(f"layer = {construction}\n({reads})", "", line), f"attributes of {construction}")


def _derived(rule: Rule) -> Iterator[Probe]:
    """The examples of a layer that is a function in Flax, with a class that derives from it in the layer's place."""
    layer = rule.name.removeprefix("torch.")
    for example in rule.examples:
        program = render(example.source)
        if f"self.layer = {layer}(" in program.source:
            attributes = [attribute.function for attribute in rule.attributes]
            yield Probe(example, f"derived: {example.source}", derived(program, layer, attributes))


def _in_half_precision(rule: Rule) -> Iterator[Probe]:
    """The examples whose layer takes its own dtype, with another one."""
    for example in rule.examples:
        tree = ast.parse(example.source)
        built = [node for node in ast.walk(tree) if _builds(node, rule.names)]
        for node in built:
            if any(keyword.arg in ("dtype", None) for keyword in node.keywords):
                break
            node.keywords.append(ast.keyword("dtype", ast.parse("torch.float16", mode="eval").body))
        else:
            if built:
                source = ast.unparse(tree)
                probe = _probe(replace(example, source=source), f"initial state of {source}")
                yield replace(probe, program=probe.program and replace(probe.program, only_built=True))


def constructions(rule: Rule) -> list[str]:
    """The different calls in a rule's examples that build its layer."""
    found = (
        ast.unparse(node)
        for example in rule.examples
        for node in ast.walk(ast.parse(example.source))
        if _builds(node, rule.names)
    )
    return list(dict.fromkeys(found))


def _builds(node: ast.AST, names: Sequence[str]) -> TypeGuard[ast.Call]:
    if not isinstance(node, ast.Call):
        return False
    called = ast.unparse(node.func)
    return called in names or f"torch.{called}" in names
