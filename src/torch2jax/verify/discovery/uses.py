"""How a constructor uses its parameters, read from its source."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from torch2jax.verify.discovery.classes import reads_in, resolve, tree_of

_SEQUENCE_FUNCTIONS = {"len", "zip", "enumerate", "list", "tuple", "sum", "reversed", "map"}


@dataclass
class Use:
    """What the code does with one parameter.

    texts: strings that it is compared with. aliases: parameters of other constructors that it becomes.
    attributes: what is read from it. keys: what it is indexed with. length: how many items are taken, 0 if unknown.
    called: whether the constructor calls it. layer: whether it is kept, and called in a method.
    """

    texts: list[str] = field(default_factory=list)
    layer: bool = False
    aliases: list[str] = field(default_factory=list)
    attributes: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)
    sequence: bool = False
    called: bool = False
    length: int = 0


def uses_of(function: Callable[..., Any], module: ModuleType) -> dict[str, Use]:
    """The uses of every parameter of a constructor; attributes are collected over the whole module by name."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
        names = list(inspect.signature(function).parameters)
    except (OSError, TypeError, SyntaxError, ValueError):
        return {}
    uses = {name: Use() for name in names}
    for node in ast.walk(tree):
        _note(node, uses, module)
    called = _called_attributes(function, module)
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name) and node.value.id in uses:
            uses[node.value.id].layer |= any(ast.unparse(target) in called for target in node.targets)
    for use_name, use in uses.items():
        if use.attributes or use.keys:
            use.attributes |= reads_in(module).get(use_name, set())
    return uses


def _called_attributes(function: Callable[..., Any], module: ModuleType) -> set[str]:
    """What the class of a constructor calls, as in `self.net(x)`."""
    name = function.__qualname__.partition(".")[0]
    owners = [node for node in tree_of(module).body if isinstance(node, ast.ClassDef) and node.name == name]
    return {ast.unparse(node.func) for owner in owners for node in ast.walk(owner) if isinstance(node, ast.Call)}


def _note(node: ast.AST, uses: dict[str, Use], module: ModuleType) -> None:
    def use(child: ast.AST | None) -> Use | None:
        return uses.get(child.id) if isinstance(child, ast.Name) else None

    if isinstance(node, ast.Compare) and (found := use(node.left)):
        found.texts += [
            part.value
            for side in node.comparators
            for part in ast.walk(side)
            if isinstance(part, ast.Constant) and isinstance(part.value, str)
        ]
    elif isinstance(node, ast.Subscript):
        _note_subscript(node, use(node.value), use(node.slice))
    elif isinstance(node, ast.Attribute) and (found := use(node.value)):
        found.attributes.add(node.attr)
    elif isinstance(node, ast.Assign) and (found := use(node.value)) and isinstance(node.targets[0], ast.Tuple):
        found.sequence, found.length = True, max(found.length, len(node.targets[0].elts))
    elif isinstance(node, ast.For | ast.comprehension | ast.Starred):
        found = use(node.value if isinstance(node, ast.Starred) else node.iter)
        if found:
            found.sequence = True
    elif isinstance(node, ast.Call):
        _note_call(node, use, module)


def _note_subscript(node: ast.Subscript, found: Use | None, key: Use | None) -> None:
    if found and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
        found.keys.add(node.slice.value)
    elif found:
        index = node.slice.value if isinstance(node.slice, ast.Constant) else None
        found.sequence, found.length = True, max(found.length, index + 1 if isinstance(index, int) else 0)
    if key and isinstance(node.value, ast.Dict):
        key.texts += [k.value for k in node.value.keys if isinstance(k, ast.Constant) and isinstance(k.value, str)]


def _note_call(node: ast.Call, use: Callable[[ast.AST | None], Use | None], module: ModuleType) -> None:
    if found := use(node.func):
        found.called = True
    if isinstance(node.func, ast.Name) and node.func.id in _SEQUENCE_FUNCTIONS:
        for argument in node.args:
            if found := use(argument):
                found.sequence = True
        return
    callee = resolve(node.func, module)
    try:
        names = list(inspect.signature(callee).parameters) if isinstance(callee, type) else []
    except (TypeError, ValueError):
        names = []
    given = [*zip(names, node.args, strict=False), *((keyword.arg, keyword.value) for keyword in node.keywords)]
    for name, argument in given if isinstance(callee, type) else []:
        if name and (found := use(argument)):
            found.aliases.append(name)
            if callee.__module__ == module.__name__:
                _merge(found, _inner_uses(callee, module).get(name))


_NESTED = 3
"""How far a parameter is followed from one constructor into the next."""
_reading: list[type] = []
_read: dict[tuple[type, ModuleType], dict[str, Use]] = {}


def _inner_uses(cls: type, module: ModuleType) -> dict[str, Use]:
    """The uses in another constructor of the module, nothing for one that is being read already."""
    if (cls, module) in _read:
        return _read[cls, module]
    if cls in _reading or len(_reading) >= _NESTED:
        return {}
    _reading.append(cls)
    try:
        found = uses_of(cls.__init__, module)  # type: ignore[misc]
        if len(_reading) == 1:  # what is read inside of another's reading may miss what that one does
            _read[cls, module] = found
        return found
    finally:
        _reading.pop()


def _merge(use: Use, inner: Use | None) -> None:
    """What becomes of a parameter where it is handed on to."""
    if inner is not None:
        use.texts += inner.texts
        use.sequence |= inner.sequence
        use.called |= inner.called
        use.layer |= inner.layer
        use.length = max(use.length, inner.length)
