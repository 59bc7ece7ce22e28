"""The module classes of a program: which of them nobody else builds, and how its own code builds them."""

from __future__ import annotations

import ast
import functools
import inspect
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn


def own_classes(module: ModuleType) -> list[type[nn.Module]]:
    """The nn.Module classes that a module defines and that can be called, in order of definition."""
    found = [c for c in vars(module).values() if isinstance(c, type) and issubclass(c, nn.Module)]
    found = [c for c in dict.fromkeys(found) if c.__module__ == module.__name__]
    return [c for c in found if c.forward is not nn.Module.forward and not inspect.isabstract(c)]


def outermost_classes(modules: Sequence[ModuleType]) -> list[type[nn.Module]]:
    """The classes of a program that no other of its classes builds; all of them where each is built by another."""
    own = [cls for module in modules for cls in own_classes(module)]
    used = {used for module in modules for used in _used_classes(module)}
    return [cls for cls in own if cls not in used] or own


def _used_classes(module: ModuleType) -> Iterator[type]:
    """The classes that other classes of the module name in their bodies, or get as an argument."""
    for node in tree_of(module).body:
        if isinstance(node, ast.ClassDef):
            owner = vars(module).get(node.name)
            yield from (cls for part in node.body for cls in _named(part, module) if cls is not owner)
    for call in calls_in(module):
        if isinstance(resolve(call.func, module), type):
            arguments = [*call.args, *(keyword.value for keyword in call.keywords)]
            # a class that is handed over is built by the other; an instance may just be wrapped for an experiment
            yield from (cls for argument in arguments if isinstance(cls := resolve(argument, module), type))


def _named(node: ast.AST, module: ModuleType) -> Iterator[type]:
    """The classes that code names, other than in annotations and type tests."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("isinstance", "issubclass"):
        return
    if isinstance(node, ast.Name | ast.Attribute):
        found = resolve(node, module)
        if isinstance(found, type):
            yield found
        elif inspect.isfunction(found) and found.__module__ == module.__name__:
            yield from _built_by(found, module)
    for name, value in ast.iter_fields(node):
        if name not in ("annotation", "returns"):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from _named(child, module)


@functools.cache
def _built_by(function: Any, module: ModuleType) -> tuple[type, ...]:
    """The classes that a helper function names: what `make_layer()` builds, its caller builds."""
    for node in tree_of(module).body:
        if isinstance(node, ast.FunctionDef) and node.name == function.__name__:
            names = [n for part in node.body for n in ast.walk(part) if isinstance(n, ast.Name)]
            return tuple(found for n in names if isinstance(found := resolve(n, module), type))
    return ()


@functools.cache
def tree_of(module: ModuleType) -> ast.Module:
    """The source of a module as a tree, empty where there is none."""
    path = inspect.getsourcefile(module) if getattr(module, "__file__", None) else None
    return ast.parse(Path(path).read_text(encoding="utf-8")) if path else ast.Module([], [])


@functools.cache
def attributes_of(module: ModuleType) -> dict[str, set[str]]:
    """By class of a program's module, what its code sets on `self` and the methods that it defines."""
    if module.__name__.partition(".")[0] in ("builtins", "torch"):
        return {}
    return {
        node.name: {part.attr for part in ast.walk(node) if isinstance(part, ast.Attribute) and _is_set(part)}
        | {part.name for part in node.body if isinstance(part, ast.FunctionDef)}
        for node in tree_of(module).body
        if isinstance(node, ast.ClassDef)
    }


def _is_set(node: ast.Attribute) -> bool:
    return isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Name) and node.value.id == "self"


@functools.cache
def reads_in(module: ModuleType) -> dict[str, set[str]]:
    """By the last name of an object in a module's source, the attributes that are read from it anywhere."""
    found: dict[str, set[str]] = {}
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            owner = node.value
            name = owner.id if isinstance(owner, ast.Name) else owner.attr if isinstance(owner, ast.Attribute) else ""
            found.setdefault(name, set()).add(node.attr)
    return found


def calls_in(module: ModuleType) -> list[ast.Call]:
    """Every call in a module's source."""
    return [node for node in ast.walk(tree_of(module)) if isinstance(node, ast.Call)]


def resolve(node: ast.expr, module: ModuleType) -> Any:
    """What a dotted name in a module's source means, None for anything else."""
    if isinstance(node, ast.Name):
        return vars(module).get(node.id)
    if isinstance(node, ast.Attribute):
        owner = resolve(node.value, module)
        return getattr(owner, node.attr, None) if isinstance(owner, ModuleType | type) else None
    return None


def constructor_calls(cls: type, module: ModuleType) -> list[str]:
    """The arguments with which the module itself makes a class, where they need nothing but the module's own names."""
    found = []
    for call in calls_in(module):
        if resolve(call.func, module) is cls:
            text = ast.unparse(call).removeprefix(ast.unparse(call.func))[1:-1]
            if text and all(_is_global(node, module) for node in ast.walk(call)):
                found.append(text)
    return list(dict.fromkeys(found))


def _is_global(node: ast.AST, module: ModuleType) -> bool:
    """Whether a part of an expression means the same outside of the function where it stands, on both sides."""
    if isinstance(node, ast.Name):
        found = vars(module).get(node.id)
        return getattr(found, "__module__", None) == module.__name__ or isinstance(found, bool | int | float | str)
    return not isinstance(node, ast.Starred | ast.Lambda | ast.NamedExpr | ast.Await) and not (
        isinstance(node, ast.keyword) and node.arg is None
    )


def factories(cls: type, module: ModuleType) -> list[str]:
    """Functions of the module that need no arguments and return what they made of the class."""
    found = []
    for node in tree_of(module).body:
        if isinstance(node, ast.FunctionDef) and _returns(node, cls, module):
            function = vars(module).get(node.name)
            if inspect.isfunction(function) and not _required(function):
                found.append(node.name)
    return found


def _required(function: Any) -> list[str]:
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    parameters = inspect.signature(function).parameters.values()
    return [p.name for p in parameters if p.default is p.empty and p.kind not in kinds]


def _returns(function: ast.FunctionDef, cls: type, module: ModuleType) -> bool:
    made = {
        ast.unparse(node.targets[0])
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and resolve(node.value.func, module) is cls
    }
    returned = [node.value for node in ast.walk(function) if isinstance(node, ast.Return) and node.value]
    return any(
        ast.unparse(value) in made or (isinstance(value, ast.Call) and resolve(value.func, module) is cls)
        for value in returned
    )
