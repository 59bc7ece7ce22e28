"""What objects have of the classes that theirs derive from: the helpers' bases say it, so that no rule repeats it.

An attribute with the result `Object` has the members of the class that all of its owner's kind derive from.

`torch.distributions.Gumbel` builds the helper `Gumbel`, which derives from `Distribution`, so `Gumbel.log_prob` has the
rule of `torch.distributions.Distribution.log_prob` where it has none of its own and the helper defines what it reads.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from torch2jax.rules import expr as ex
from torch2jax.rules.model import Branch, Rule
from torch2jax.rules.signatures import helper_files


@dataclass(frozen=True, slots=True)
class HelperClass:
    """The first base of a helper's class, and its own members with what they read of `self`.

    A member that only raises an error is none.
    """

    base: str
    members: Mapping[str, frozenset[str]]


Classes: TypeAlias = Mapping[str, HelperClass]


def helper_classes(directory: Path) -> dict[str, HelperClass]:
    """The classes of the helper modules by name; the modules are not imported."""
    return {
        node.name: HelperClass(ast.unparse(node.bases[0]) if node.bases else "", dict(_members(node)))
        for path in helper_files(directory)
        for node in ast.parse(path.read_text(encoding="utf-8"), str(path)).body
        if isinstance(node, ast.ClassDef)
    }


def _members(node: ast.ClassDef) -> Iterator[tuple[str, frozenset[str]]]:
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            yield statement.target.id, frozenset()
        elif isinstance(statement, ast.FunctionDef) and not isinstance(_first_of(statement.body), ast.Raise):
            uses = list(_uses_of_self(statement))
            yield from ((use.attr, frozenset()) for use in uses if isinstance(use.ctx, ast.Store))
            yield statement.name, frozenset(use.attr for use in uses)


def _uses_of_self(function: ast.FunctionDef) -> Iterator[ast.Attribute]:
    for part in ast.walk(function):
        if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name) and part.value.id == "self":
            yield part


def _first_of(body: Sequence[ast.stmt]) -> ast.stmt:
    """The first statement behind the docstring."""
    is_docstring = isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)
    return body[1] if is_docstring and len(body) > 1 else body[0]


def inherited(
    rules: Sequence[Rule], index: Mapping[str, Sequence[int]], classes: Classes
) -> dict[str, tuple[int, ...]]:
    """The rules of members that classes take over, by the member's full name under the class that takes it over."""
    built = {name: _built(rules[numbers[-1]]) for name, numbers in index.items()}
    owners = {helper: name for name, helper in built.items() if helper == name.rpartition(".")[2]}
    members: dict[str, list[str]] = {}
    for name in index:
        members.setdefault(name.rpartition(".")[0], []).append(name)
    found: dict[str, tuple[int, ...]] = {}
    for name, helper in built.items():
        lineage = list(_lineage(helper, classes))
        defined = _defined(lineage, classes)
        for owner in (owners[each] for each in lineage if owners.get(each, name) != name):
            for member in members.get(owner, ()):
                full = f"{name}.{member.rpartition('.')[2]}"
                read = {attribute for number in index[member] for attribute in _read(rules[number].branches)}
                if full not in index and full not in found and read <= defined:
                    found[full] = tuple(index[member])
    for name in [name for name, numbers in index.items() if _gives_object(rules[numbers[-1]])]:
        ancestors = _lineage(built.get(name.rpartition(".")[0], ""), classes)
        root = [owners[each] for each in ancestors if each in owners][-1:]
        for member in members[root[0]] if root else ():
            found.setdefault(f"{name}.{member.rpartition('.')[2]}", tuple(index[member]))
    return found


def _gives_object(rule: Rule) -> bool:
    return rule.kind == "attribute" and rule.result == "Object"


def _built(rule: Rule) -> str:
    """The class of the helpers that a rule with the result `Object` builds; empty where there is none."""
    if rule.result != "Object":
        return ""
    match rule.branches[-1].template:
        case ("call", ("helper", str(name)), _):
            return name
    return ""


def _lineage(helper: str, classes: Classes) -> Iterator[str]:
    while helper in classes:
        yield helper
        helper = classes[helper].base


def _defined(lineage: Sequence[str], classes: Classes) -> set[str]:
    """The members of a class that has these ancestors, without those that read what it does not have."""
    known = {member: reads for each in reversed(lineage) for member, reads in classes[each].members.items()}
    while lacking := [member for member, reads in known.items() if not reads <= known.keys()]:
        for member in lacking:
            del known[member]
    return set(known)


def _read(branches: Sequence[Branch]) -> Iterator[str]:
    """The attributes of `self` that templates read."""
    for branch in branches:
        for part in ex.walk(branch.template) if branch.template is not None else ():
            match part:
                case ("attr", ("param", "self"), str(name)):
                    yield name
