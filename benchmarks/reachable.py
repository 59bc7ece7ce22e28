"""Which lines of a program a class stands on: its own, and those of everything it names, through imports.

`python benchmarks/real_packages.py` counts a finding against a model only where the model stands on the line: not in
another model of the same file, nor in the demonstration under `if __name__ == "__main__"`.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

Lines = set[int]


@dataclass
class Module:
    """A file by its top-level names: where each is defined, and what it is imported from."""

    definitions: dict[str, list[ast.stmt]] = field(default_factory=dict)
    imports: dict[str, tuple[str, str]] = field(default_factory=dict)
    namespaces: dict[str, str] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, source: str, name: str, is_package: bool) -> Module:
        """Read a file called ``name``, such as "package.models.vit"."""
        module = cls()
        for statement in _top_level(ast.parse(source).body):
            if isinstance(statement, ast.ImportFrom):
                module._import_from(statement, name, is_package)
            elif isinstance(statement, ast.Import):
                module.namespaces |= {alias.asname or alias.name: alias.name for alias in statement.names}
            for defined in _defined(statement):
                module.definitions.setdefault(defined, []).append(statement)
        return module

    def _import_from(self, statement: ast.ImportFrom, name: str, is_package: bool) -> None:
        parts = name.split(".") if is_package else name.split(".")[:-1]
        base = ".".join(parts[: len(parts) - statement.level + 1]) if statement.level else ""
        source = ".".join(part for part in (base, statement.module) if part)
        for alias in statement.names:
            if alias.name == "*":
                self.stars.append(source)
            else:
                self.imports[alias.asname or alias.name] = (source, alias.name)


def _top_level(body: Collection[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a file that its import runs, those under `if` and `try` one by one."""
    for statement in body:
        if isinstance(statement, ast.If) and "__name__" in ast.dump(statement.test):
            continue
        if isinstance(statement, ast.If | ast.Try):
            handlers = [s for handler in getattr(statement, "handlers", ()) for s in handler.body]
            yield from _top_level([*statement.body, *handlers, *statement.orelse])
        else:
            yield statement


def _defined(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
        yield statement.name
    elif not isinstance(statement, ast.Import | ast.ImportFrom):
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id


def reachable(sources: Mapping[str, str], roots: Collection[tuple[str, str]]) -> dict[str, Lines]:
    """The lines, by path, that the classes and functions ``roots`` (dotted module, name) stand on."""
    paths = {_dotted(path): path for path in sources}
    modules: dict[str, Module] = {}
    lines: dict[str, Lines] = {}
    waiting, seen = list(roots), set(roots)
    while waiting:
        module, name = waiting.pop()
        path = paths.get(module)
        if path is None:
            continue
        if module not in modules:
            modules[module] = Module.of(sources[path], module, path.endswith("__init__.py"))
        for found in _mentioned(modules[module], module, name, lines.setdefault(path, set())):
            if found not in seen:
                seen.add(found)
                waiting.append(found)
    return lines


def _mentioned(module: Module, own: str, name: str, lines: Lines) -> Iterator[tuple[str, str]]:
    """What a top-level name is made of; the lines of its definition are added to ``lines``."""
    if name in module.imports:
        yield module.imports[name]
    elif name not in module.definitions:
        yield from ((star, name) for star in module.stars)
    for statement in module.definitions.get(name, ()):
        first = min([statement.lineno, *(d.lineno for d in getattr(statement, "decorator_list", ()))])
        lines.update(range(first, (statement.end_lineno or first) + 1))
        for node in ast.walk(statement):
            if isinstance(node, ast.Name):
                yield own, node.id
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                yield module.namespaces.get(node.value.id, node.value.id), node.attr


def _dotted(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
