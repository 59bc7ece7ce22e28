"""Which scope binds which name: one pass over a module, no metadata providers, no walk over whitespace.

The scoping rules are those of the language reference, section 4.2 ("Naming and binding"); `tests/source/test_scope.py`
compares the outcome with CPython's own `symtable`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

import libcst as cst

from torch2jax.source.assigned import assigned_names, local_name
from torch2jax.source.nodes import FIELDS, children, dotted_name, split_dotted, walk

__all__ = [
    "FIELDS",
    "Binding",
    "ImportBinding",
    "Scope",
    "StarImport",
    "assigned_names",
    "bind",
    "children",
    "dotted_name",
    "local_name",
    "resolve",
    "walk",
]

ScopeKind: TypeAlias = Literal["module", "class", "function", "lambda", "comprehension", "type_parameters"]
ImportStatement: TypeAlias = cst.Import | cst.ImportFrom


@dataclass(slots=True, eq=False)
class Scope:
    """One namespace. `names` maps what is bound here to the binding nodes, in order of appearance.

    A binding node is the parameter, statement, clause or definition that binds: Param, Assign, AnnAssign, AugAssign,
    For, CompFor, WithItem, ExceptHandler, ImportAlias (ImportFrom for `*`), FunctionDef, ClassDef, NamedExpr, MatchAs,
    MatchStar, MatchMapping, Del, TypeAlias, TypeVar and its kin. A write through `global` or `nonlocal` counts for the
    scope that owns the name.
    """

    node: cst.CSTNode
    kind: ScopeKind
    parent: Scope | None
    names: dict[str, list[cst.CSTNode]] = field(default_factory=dict)
    globals: set[str] = field(default_factory=set)
    nonlocals: set[str] = field(default_factory=set)
    captured: set[str] = field(default_factory=set)  # names of this scope that a scope inside it reads or writes
    children: list[Scope] = field(default_factory=list)
    reads: dict[str, int] = field(default_factory=dict)  # how often this scope's own code looks a name up
    stored_names: dict[str, int] = field(default_factory=dict)  # how often a name is bound; `del` does not count
    imports: dict[str, ImportBinding] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class ImportBinding:
    """A local name that an import binds.

    `qualified` is what the name stands for: "torch.nn.functional" for `import torch.nn.functional as F`,
    "torch.nn.Linear" for `from torch.nn import Linear as L`, and "torch" for `import torch.nn`.
    With `level` > 0 it is relative to the package: "layers.Block" at level 1 for `from .layers import Block`.
    `conditional` imports stand in an `if` or `try`.
    """

    name: str
    qualified: str
    level: int
    node: cst.ImportAlias | cst.ImportStar
    statement: ImportStatement
    scope: Scope
    conditional: bool


@dataclass(frozen=True, slots=True, eq=False)
class StarImport:
    """`from module import *`, with the names it is known to bind (empty when nobody knows the module)."""

    module: str
    level: int
    statement: cst.ImportFrom
    scope: Scope
    names: frozenset[str]


@dataclass(slots=True, eq=False)
class Binding:
    """What `bind` found. `scope_of` maps each node that opens a scope to that scope; the rest is in source order.

    `imports` holds one import a local name, the module's own before those inside functions and classes; `Scope.imports`
    has them by scope and `import_list` has all.
    """

    module: Scope
    scope_of: dict[cst.CSTNode, Scope] = field(default_factory=dict)
    imports: dict[str, ImportBinding] = field(default_factory=dict)
    import_list: list[ImportBinding] = field(default_factory=list)
    star_imports: list[StarImport] = field(default_factory=list)
    classes: list[cst.ClassDef] = field(default_factory=list)
    functions: list[cst.FunctionDef] = field(default_factory=list)
    quoted: list[cst.SimpleString] = field(default_factory=list)  # strings inside annotations

    def qualify(self, scope: Scope, expression: cst.CSTNode) -> str | None:
        """The imported thing that a name or dotted name means in `scope` ("torch.nn.Linear"), or None.

        None where the name is bound by anything but imports (`= None` beside an import in a `try` excepted) and for
        relative imports, which only a project can resolve.
        """
        head, tail = split_dotted(expression)
        found = self.imported(scope, head) if head is not None else None
        if found is None or found.level:
            return None
        return found.qualified + tail

    def imported(self, scope: Scope, name: str) -> ImportBinding | None:
        """The import that `name` means in `scope`, or None where something else binds it too."""
        owner = resolve(scope, name)
        found = owner.imports.get(name) if owner is not None else None
        if owner is None or found is None or not all(_harmless_beside_import(node) for node in owner.names[name]):
            return None
        return found


def resolve(scope: Scope, name: str) -> Scope | None:
    """The scope whose binding a lookup of `name` in `scope` reaches; None for builtins and undefined names."""
    current: Scope | None = scope
    class_visible = True  # a class's names are seen by its own body and its type parameters only
    while current is not None:
        if current.parent is None or name in current.globals:
            module = _module_of(current)
            return module if name in module.names else None
        if (class_visible or current.kind != "class") and name in current.names:
            return current
        class_visible = class_visible and current.kind == "type_parameters"
        current = current.parent
    return None


def bind(module: cst.Module, *, exported: Callable[[str], Collection[str]] | None = None) -> Binding:
    """Find every scope of `module` and what each binds and captures.

    Args:
        module: a parsed file.
        exported: the public names of a module that a star import names ("torch.nn"); empty when unknown.
    """
    binder = _Binder(module, exported)
    for statement in module.body:
        binder.visit(statement)
    binder.settle()
    return binder.binding


class _Binder:
    """The one pass: `visit` walks in source order; `settle` does what needs every scope to be complete."""

    def __init__(self, module: cst.Module, exported: Callable[[str], Collection[str]] | None) -> None:
        self.scope = Scope(module, "module", None)
        self.scopes = [self.scope]
        self.binding = Binding(self.scope, {module: self.scope})
        self.exported = exported
        self.branches = 0  # how many `if` and `try` statements are open
        self.annotations = 0  # how many annotations are open
        self.outer_writes: list[tuple[Scope, str, cst.CSTNode]] = []  # writes through `nonlocal`

    def visit(self, node: cst.CSTNode) -> None:
        kind = type(node)
        if kind is cst.Name:
            reads = self.scope.reads
            name = node.value  # type: ignore[attr-defined]
            reads[name] = reads.get(name, 0) + 1
            return
        handler = _HANDLERS.get(kind)
        if handler is not None:
            handler(self, node)
            return
        for name in FIELDS.get(kind, ()):
            child = getattr(node, name)
            if child.__class__ is tuple or child.__class__ is list:
                for item in child:
                    self.visit(item)
            elif child is not None and child.__class__ is not cst.MaybeSentinel:
                self.visit(child)

    def visit_all(self, nodes: Iterable[cst.CSTNode | None]) -> None:
        for node in nodes:
            if node is not None:
                self.visit(node)

    def open(self, node: cst.CSTNode, kind: ScopeKind) -> Scope:
        """Enter a new scope; the caller puts back the one returned, its parent."""
        parent = self.scope
        self.scope = Scope(node, kind, parent)
        parent.children.append(self.scope)
        self.scopes.append(self.scope)
        self.binding.scope_of[node] = self.scope
        return parent

    def bind(self, name: str, node: cst.CSTNode) -> None:
        scope = self.scope
        if name in scope.nonlocals:
            self.outer_writes.append((scope, name, node))
            return
        if name in scope.globals:
            scope = self.binding.module
            if scope is not self.scope:
                scope.captured.add(name)
        _add(scope, name, node)

    def store(self, target: cst.CSTNode, node: cst.CSTNode) -> None:
        """Bind the names of an assignment target; the objects of attributes and subscripts are reads."""
        if isinstance(target, cst.Name):
            self.bind(target.value, node)
        elif isinstance(target, (cst.Tuple, cst.List)):
            for element in target.elements:
                self.store(element.value, node)
        else:
            self.visit(target)

    def settle(self) -> None:
        for scope, name, node in self.outer_writes:
            owner = resolve(scope, name)
            if owner is not None:
                owner.captured.add(name)
                _add(owner, name, node)
        for scope in self.scopes:
            for constant in ("None", "True", "False"):  # names to libcst, keywords to Python
                scope.reads.pop(constant, None)
            for name in scope.reads:
                if name not in scope.names or name in scope.nonlocals or name in scope.globals:
                    owner = resolve(scope, name)
                elif scope.kind == "class":  # before the class binds it, the name is the module's
                    owner = self.binding.module if name in self.binding.module.names else None
                else:
                    continue
                if owner is not None and owner is not scope:
                    owner.captured.add(name)
        for found in self.binding.import_list:
            chosen = found.scope.imports[found.name]
            known = self.binding.imports.get(found.name)
            if known is None or (known.scope.parent is not None and chosen.scope.parent is None):
                self.binding.imports[found.name] = chosen

    def annotation(self, node: cst.Annotation) -> None:
        self.annotations += 1
        self.visit(node.annotation)
        self.annotations -= 1

    def string(self, node: cst.SimpleString) -> None:
        if self.annotations:
            self.binding.quoted.append(node)

    # statements that bind

    def assign(self, node: cst.Assign) -> None:
        self.visit(node.value)
        for target in node.targets:
            self.store(target.target, node)

    def ann_assign(self, node: cst.AnnAssign) -> None:
        self.visit_all((node.value, node.annotation))
        self.store(node.target, node)

    def aug_assign(self, node: cst.AugAssign) -> None:
        self.visit_all((node.target, node.value))
        if isinstance(node.target, cst.Name):
            self.bind(node.target.value, node)

    def delete(self, node: cst.Del) -> None:
        self.store(node.target, node)

    def loop(self, node: cst.For) -> None:
        self.visit(node.iter)
        self.store(node.target, node)
        self.visit_all((node.body, node.orelse))

    def with_item(self, node: cst.WithItem) -> None:
        self.visit(node.item)
        if node.asname is not None:
            self.store(node.asname.name, node)

    def handler(self, node: cst.ExceptHandler | cst.ExceptStarHandler) -> None:
        self.visit_all((node.type,))
        if node.name is not None:
            self.store(node.name.name, node)
        self.visit(node.body)

    def branch(self, node: cst.If | cst.Try | cst.TryStar) -> None:
        self.branches += 1
        for child in children(node):
            self.visit(child)
        self.branches -= 1

    def declare(self, node: cst.Global | cst.Nonlocal) -> None:
        declared = self.scope.globals if isinstance(node, cst.Global) else self.scope.nonlocals
        declared.update(item.name.value for item in node.names)

    def capture(self, node: cst.MatchAs | cst.MatchStar | cst.MatchMapping) -> None:
        for child in children(node):
            self.visit(child)
        name = node.rest if isinstance(node, cst.MatchMapping) else node.name
        if name is not None:
            self.bind(name.value, node)

    def walrus(self, node: cst.NamedExpr) -> None:
        self.visit(node.value)
        inner = self.scope
        while self.scope.kind == "comprehension" and self.scope.parent is not None:
            self.scope = self.scope.parent
        self.store(node.target, node)
        owner, self.scope = self.scope, inner
        if owner is not inner and isinstance(node.target, cst.Name) and node.target.value in owner.names:
            owner.captured.add(node.target.value)

    # definitions

    def function(self, node: cst.FunctionDef) -> None:
        self.visit_all(node.decorators)
        outer = self.scope
        self.bind(node.name.value, node)
        self.binding.functions.append(node)
        for parameter in _parameters(node.params):
            self.visit_all((parameter.default,))
        self.type_parameters(node.type_parameters)
        for parameter in _parameters(node.params):
            self.visit_all((parameter.annotation,))
        self.visit_all((node.returns,))
        self.body(node, "function", node.params)
        self.scope = outer

    def lambda_(self, node: cst.Lambda) -> None:
        outer = self.scope
        for parameter in _parameters(node.params):
            self.visit_all((parameter.default,))
        self.body(node, "lambda", node.params)
        self.scope = outer

    def body(self, node: cst.FunctionDef | cst.Lambda, kind: ScopeKind, parameters: cst.Parameters) -> None:
        self.open(node, kind)
        for parameter in _parameters(parameters):
            self.bind(parameter.name.value, parameter)
        branches, self.branches = self.branches, 0
        self.visit(node.body)
        self.branches = branches

    def class_(self, node: cst.ClassDef) -> None:
        self.visit_all(node.decorators)
        outer = self.scope
        self.bind(node.name.value, node)
        self.binding.classes.append(node)
        self.type_parameters(node.type_parameters)
        self.visit_all((*node.bases, *node.keywords))
        self.open(node, "class")
        self.visit(node.body)
        self.scope = outer

    def type_parameters(self, node: cst.TypeParameters | None) -> None:
        if node is None:
            return
        self.open(node, "type_parameters")
        for item in node.params:
            self.bind(item.param.name.value, item.param)
            self.visit_all((item.param, item.default))

    def type_alias(self, node: cst.TypeAlias) -> None:
        outer = self.scope
        self.bind(node.name.value, node)
        self.type_parameters(node.type_parameters)
        self.visit(node.value)
        self.scope = outer

    def comprehension(self, node: cst.ListComp | cst.SetComp | cst.DictComp | cst.GeneratorExp) -> None:
        clause: cst.CompFor | None = node.for_in
        self.visit(node.for_in.iter)  # the first iterable alone belongs to the scope around
        outer = self.open(node, "comprehension")
        while clause is not None:
            if clause is not node.for_in:
                self.visit(clause.iter)
            self.store(clause.target, clause)
            self.visit_all(clause.ifs)
            clause = clause.inner_for_in
        self.visit_all(getattr(node, name) for name in FIELDS[type(node)] if name != "for_in")
        self.scope = outer

    # imports

    def import_(self, node: cst.Import) -> None:
        for alias in node.names:
            path = dotted_name(alias.name) or ""
            head = path.partition(".")[0]
            self.import_name(local_name(alias) or head, path if alias.asname else head, 0, alias, node)

    def import_from(self, node: cst.ImportFrom) -> None:
        module, level = dotted_name(node.module) or "", len(node.relative)
        prefix = module + "." if module else ""
        if not isinstance(node.names, cst.ImportStar):
            for alias in node.names:
                name = dotted_name(alias.name) or ""
                self.import_name(local_name(alias) or name, prefix + name, level, alias, node)
            return
        names = frozenset(self.exported(module) if self.exported is not None and not level else ())
        self.binding.star_imports.append(StarImport(module, level, node, self.scope, names))
        for name in sorted(names):
            self.import_name(name, prefix + name, level, node.names, node)

    def import_name(
        self,
        name: str,
        qualified: str,
        level: int,
        node: cst.ImportAlias | cst.ImportStar,
        statement: ImportStatement,
    ) -> None:
        self.bind(name, statement if isinstance(node, cst.ImportStar) else node)
        scope = self.binding.module if name in self.scope.globals else self.scope
        found = ImportBinding(name, qualified, level, node, statement, scope, self.branches > 0)
        self.binding.import_list.append(found)
        if not found.conditional or name not in scope.imports:  # the first of several alternatives is the preferred one
            scope.imports[name] = found


def _add(scope: Scope, name: str, node: cst.CSTNode) -> None:
    scope.names.setdefault(name, []).append(node)
    if type(node) is not cst.Del:
        scope.stored_names[name] = scope.stored_names.get(name, 0) + 1


def _module_of(scope: Scope) -> Scope:
    while scope.parent is not None:
        scope = scope.parent
    return scope


def _parameters(parameters: cst.Parameters) -> Sequence[cst.Param]:
    """All parameters in the order of the signature."""
    found = [*parameters.posonly_params, *parameters.params]
    if isinstance(parameters.star_arg, cst.Param):
        found.append(parameters.star_arg)
    found.extend(parameters.kwonly_params)
    if parameters.star_kwarg is not None:
        found.append(parameters.star_kwarg)
    return found


def _harmless_beside_import(node: cst.CSTNode) -> bool:
    """True for an import, and for the `name = None` that a failed import falls back to."""
    if isinstance(node, (cst.ImportAlias, cst.ImportFrom)):
        return True
    return isinstance(node, cst.Assign) and isinstance(node.value, cst.Name) and node.value.value == "None"


_Handlers: TypeAlias = dict[type[cst.CSTNode], Callable[[_Binder, Any], None]]
_HANDLERS: Final[_Handlers] = {
    cst.AnnAssign: _Binder.ann_assign,
    cst.Annotation: _Binder.annotation,
    cst.Assign: _Binder.assign,
    cst.AugAssign: _Binder.aug_assign,
    cst.ClassDef: _Binder.class_,
    cst.Del: _Binder.delete,
    cst.DictComp: _Binder.comprehension,
    cst.ExceptHandler: _Binder.handler,
    cst.ExceptStarHandler: _Binder.handler,
    cst.For: _Binder.loop,
    cst.FunctionDef: _Binder.function,
    cst.GeneratorExp: _Binder.comprehension,
    cst.Global: _Binder.declare,
    cst.If: _Binder.branch,
    cst.Import: _Binder.import_,
    cst.ImportFrom: _Binder.import_from,
    cst.Lambda: _Binder.lambda_,
    cst.ListComp: _Binder.comprehension,
    cst.MatchAs: _Binder.capture,
    cst.MatchMapping: _Binder.capture,
    cst.MatchStar: _Binder.capture,
    cst.NamedExpr: _Binder.walrus,
    cst.Nonlocal: _Binder.declare,
    cst.SetComp: _Binder.comprehension,
    cst.SimpleString: _Binder.string,
    cst.Try: _Binder.branch,
    cst.TryStar: _Binder.branch,
    cst.TypeAlias: _Binder.type_alias,
    cst.WithItem: _Binder.with_item,
}
# Newer releases of libcst know more node types of the same make.
for _new, _known in (("LazyImport", cst.Import), ("LazyImportFrom", cst.ImportFrom), ("StarredDictComp", cst.DictComp)):
    if hasattr(cst, _new):
        _HANDLERS[getattr(cst, _new)] = _HANDLERS[_known]
