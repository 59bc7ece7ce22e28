"""Compile rule files into the form that the cache keeps."""

from __future__ import annotations

import marshal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from torch2jax.rules import checks
from torch2jax.rules.grammar import check_source
from torch2jax.rules.inheritance import helper_classes, inherited
from torch2jax.rules.model import Rule, StateMap, encode, encode_state
from torch2jax.rules.signatures import HELPERS_DIR, Signatures, default_signatures
from torch2jax.rules.state import merge
from torch2jax.rules.templates import RuleError


def compile_book(directories: Sequence[Sequence[tuple[str, bytes]]]) -> dict[str, Any]:
    """The compiled book of several directories of (path, content); later directories override names of earlier ones.

    Raises RuleError for the first mistake.
    """
    rules: list[Rule] = []
    index: dict[str, list[int]] = {}
    for directory in directories:
        parsed, errors = parse_directory(directory)
        if errors:
            raise errors[0]
        for name in {name for rule in parsed for name in rule.names}:
            index[name] = []
        for rule in parsed:
            for name in rule.names:
                index[name].append(len(rules))
            rules.append(rule)
    alive = {number for numbers in index.values() for number in numbers}
    states = states_of([rule for number, rule in enumerate(rules) if number in alive])
    attributes = [
        name.removeprefix("torch.Tensor.")
        for name, numbers in index.items()
        if name.startswith("torch.Tensor.") and any(rules[number].kind == "attribute" for number in numbers)
    ]
    index |= {name: list(numbers) for name, numbers in inherited(rules, index, helper_classes(HELPERS_DIR)).items()}
    return {
        "rules": [marshal.dumps(encode(rule)) for rule in rules],
        "index": {name: tuple(numbers) for name, numbers in index.items()},
        "states": {name: [encode_state(state) for state in maps] for name, maps in states.items()},
        "attributes": sorted(attributes),
    }


def parse_directory(
    files: Sequence[tuple[str, bytes]], signatures: Signatures | None = None
) -> tuple[list[Rule], list[RuleError]]:
    """All rules and all mistakes of a directory's files."""
    signatures = signatures or default_signatures()
    rules: list[Rule] = []
    errors: list[RuleError] = []
    for name, content in files:
        try:
            source = content.decode("utf-8")
        except UnicodeDecodeError:
            errors.append(RuleError(name, 1, 1, "not UTF-8"))
            continue
        found, mistakes = check_source(source, Path(name), signatures=signatures)
        rules += found
        errors += mistakes
    return rules, [*errors, *_hidden_overloads(rules)]


def _hidden_overloads(rules: Sequence[Rule]) -> Iterator[RuleError]:
    """Rules that bind nothing which an earlier rule of the same name does not bind."""
    seen: dict[tuple[str, str], list[Rule]] = {}
    for rule in rules:
        for name in rule.names:
            earlier = seen.setdefault((name, "constant" if rule.kind == "constant" else "call"), [])
            for other in earlier:
                if _shape(other) == _shape(rule):
                    place = f"{other.file}:{other.line}"
                    message = f"this overload of `{name}` is never reached: the signature is that of {place}"
                    yield RuleError(rule.file, rule.line, 1, message)
                    break
            earlier.append(rule)


def _shape(rule: Rule) -> list[tuple[object, ...]]:
    """What binding depends on; names of parameters count where keywords can tell overloads apart."""
    return [(param.name, param.kind, param.annotation, param.required) for param in rule.params]


def states_of(rules: Sequence[Rule]) -> dict[str, list[StateMap]]:
    """The different state maps of each flax class. Raises RuleError where two of them contradict each other."""
    states: dict[str, list[StateMap]] = {}
    for rule in rules:
        if rule.state is None:
            continue
        for flax_class in checks.flax_classes(rule):
            maps = states.setdefault(flax_class.removeprefix("helpers."), [])
            if rule.state in maps:
                continue
            merged = merge([*maps, rule.state])
            if isinstance(merged, str):
                raise RuleError(
                    rule.file,
                    rule.line,
                    1,
                    f"the `.state` of `{rule.name}` contradicts that of another rule that builds `{flax_class}`: "
                    f"`flax.{merged}` is assigned differently",
                )
            maps.append(rule.state)
    return states
