"""Access paths: the places that code reads and writes, as they are spelled there (``self.net``, ``args.lr``).

An item under a literal key is a part like an attribute, with brackets: ``cfg.["lr"]`` is ``cfg["lr"]``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise

import libcst as cst

from torch2jax.infer.kinds import (
    Free,
    Instance,
    Kind,
    Mapping,
    NoneKind,
    Number,
    Numpy,
    Str,
    Unknown,
    is_module,
    options,
)
from torch2jax.source.nodes import children

Kinds = Callable[[cst.CSTNode], Kind | None]
Place = tuple[str, cst.BaseExpression]
Find = Callable[[cst.CSTNode], Place | None]
_OF_ARRAYS = frozenset(
    "T mT H mH data grad shape dtype device ndim real imag requires_grad is_leaf grad_fn is_cuda layout itemsize "
    "nbytes names weight bias training module".split()
)
"""Attributes that arrays and layers have: an object of unknown kind is taken as a whole where one is looked at."""


@dataclass(slots=True)
class Access:
    """What running a piece of code reads and writes, each in order of appearance.

    ``kills``: places that get another value whatever happens; the other writes may change a part, or not happen.
    """

    reads: dict[str, cst.BaseExpression] = field(default_factory=dict)
    writes: dict[str, cst.BaseExpression] = field(default_factory=dict)
    kills: set[str] = field(default_factory=set)

    def add(self, other: Access) -> None:
        """Join what other code does."""
        self.reads = {**other.reads, **self.reads}
        self.writes |= other.writes
        self.kills |= other.kills


def overlap(first: Iterable[str], second: Iterable[str]) -> set[str]:
    """Those of the first places that are, hold, or are part of one of the second."""
    others = list(second)
    return {path for path in first if any(touches(path, other) for other in others)}


def _holds(holder: str, path: str) -> bool:
    return path == holder or path.startswith(f"{holder}.")


_CONSTANTS = frozenset(("None", "True", "False"))


def touches(first: str, second: str) -> bool:
    """Whether one place is the other, or a part of it."""
    return first == second or first.startswith(f"{second}.") or second.startswith(f"{first}.")


def access_of(node: cst.CSTNode, kinds: Kinds) -> Access:
    """What a statement or expression reads and writes."""
    return access_of_all([node], lambda found: path_of(found, kinds))


def access_of_all(nodes: Iterable[cst.CSTNode], find: Find) -> Access:
    """What statements in a row read of what was there before them, and what they write.

    ``find``: the place that an expression looks at.
    """
    access = Access()
    visitor = _Visitor(access, find)
    for node in nodes:
        visitor.visit(node)
    return access


def among(known: Collection[str]) -> Find:
    """Finds the longest of the known places in ``a.b.c``; the name at its beginning if there is none."""

    def find(node: cst.CSTNode) -> Place | None:
        chain = _chain(node)
        if not chain:
            return None
        place = next((part for part in reversed(chain[1:]) if path_text(part) in known), chain[0])
        return _spelled(place), place

    return find


def whole(paths: Iterable[str], find: Find) -> Find:
    """Finds these places where a part of one is looked at, and what ``find`` finds elsewhere."""
    names = set(paths)
    known = among(names)

    def find_whole(node: cst.CSTNode) -> Place | None:
        found = known(node)
        return found if found is not None and found[0] in names else find(node)

    return find_whole


def path_of(node: cst.CSTNode, kinds: Kinds) -> Place | None:
    """The place that an expression looks at: the longest part of ``a.b.c`` whose beginning is a plain object.

    A module or an array is a place as a whole; of ``args.lr`` or ``self.net`` it is the attribute. Of a call it is the
    place of what is called: of an object that nothing is known of, the object with that method.
    """
    chain = _chain(node)
    if not chain:
        return None
    for holder, part in pairwise(chain):
        is_plain = isinstance(part, cst.Attribute) and _is_plain_object(kinds(holder))
        is_method = isinstance(node, cst.Call) and part is chain[-1]
        if is_method and isinstance(part, cst.Attribute) and part.attr.value in MUTATORS:
            is_plain = is_plain and _is_of_project(kinds(holder))  # not a container that nothing is known of
        if not is_plain and (is_method or not _is_setting(kinds(holder), part, kinds(part))):
            return _spelled(holder), holder
    return _spelled(chain[-1]), chain[-1]


def _chain(node: cst.CSTNode) -> list[cst.BaseExpression]:
    """``a``, ``a.b``, ``a.b["c"]`` of ``a.b["c"]``, or of a call of that; empty for other expressions."""
    chain: list[cst.BaseExpression] = []
    current: cst.CSTNode = node.func if isinstance(node, cst.Call) else node
    while isinstance(current, cst.Attribute) or key_of(current):
        assert isinstance(current, cst.Attribute | cst.Subscript)
        chain.append(current)
        current = current.value
    return [current, *reversed(chain)] if isinstance(current, cst.Name) else []


def key_of(node: cst.CSTNode) -> str:
    """The key in ``cfg["lr"]``, where it is a literal name."""
    match node:
        case cst.Subscript(slice=[cst.SubscriptElement(slice=cst.Index(value=cst.SimpleString() as text))]):
            key = text.evaluated_value
            return key if isinstance(key, str) and key.isidentifier() else ""
    return ""


def path_text(node: cst.CSTNode) -> str | None:
    """The path of a chain of attributes and of items under literal names."""
    chain = _chain(node) if not isinstance(node, cst.Call) else []
    parts = [part.attr.value if isinstance(part, cst.Attribute) else f'["{key_of(part)}"]' for part in chain[1:]]
    return ".".join([chain[0].value, *parts]) if chain and isinstance(chain[0], cst.Name) else None


def expression_of(path: str) -> cst.BaseExpression:
    """The expression that looks at a place."""
    return cst.parse_expression(shown(path))


def shown(path: str) -> str:
    """A place as it is spelled in code."""
    return path.replace(".[", "[")


def last_name(path: str) -> str:
    """What the last part of a place is called."""
    return path.rpartition(".")[2].strip('[]"')


def is_item(path: str) -> bool:
    """Whether a part of the path is an item of a dictionary."""
    return ".[" in path


def _spelled(node: cst.BaseExpression) -> str:
    name = path_text(node)
    assert name is not None
    return name


def _is_setting(holder: Kind | None, part: cst.CSTNode, held: Kind | None) -> bool:
    """Whether something that may be an object or dictionary of settings is looked at in a part of it."""
    found = list(options(holder)) if holder is not None else []
    if not found:
        return False
    if all(isinstance(option, Free) and not isinstance(option, Numpy) for option in found):
        return not isinstance(part, cst.Attribute) or part.attr.value not in _OF_ARRAYS
    is_constant = held is not None and all(isinstance(option, Number | Str | NoneKind) for option in options(held))
    return is_constant and all(isinstance(option, Mapping) for option in found)


def _is_of_project(kind: Kind | None) -> bool:
    return kind is not None and all(isinstance(option, Instance) for option in options(kind))


def _is_plain_object(kind: Kind | None) -> bool:
    """Whether something is an object with attributes that are places of their own: no module, no array."""
    if kind is None:
        return False
    found = list(options(kind))
    return all(isinstance(o, Unknown) or (isinstance(o, Instance) and not is_module(o)) for o in found)


MUTATORS = frozenset(
    "append extend insert remove pop clear update setdefault popitem appendleft extendleft popleft add discard sort "
    "reverse".split()
)
"""Methods of Python's containers that change them."""


class _Visitor:
    def __init__(self, access: Access, find: Find) -> None:
        self.access = access
        self.find = find

    def visit(self, node: cst.CSTNode) -> None:
        match node:
            case cst.Name() | cst.Attribute() | cst.Subscript():
                self._read(node)
            case cst.Call(func=cst.Attribute() as func):
                self._method(node, func)
            case cst.Call(func=cst.Subscript() as func):
                self._called(node, func)
            case cst.Assign():
                self.visit(node.value)
                for target in node.targets:
                    self._store(target.target)
            case cst.AnnAssign():
                if node.value is not None:
                    self.visit(node.value)
                    self._store(node.target)
            case cst.AugAssign():
                self.visit(node.target)
                self.visit(node.value)
                self._changed(node.target)
            case cst.For():
                self.visit(node.iter)
                with self._maybe():
                    self._store(node.target)
                    self.visit(node.body)
                self._maybe_visit([node.orelse])
            case cst.If():
                self.visit(node.test)
                self._either(node.body, node.orelse)
            case cst.While():
                self.visit(node.test)
                self._maybe_visit([node.body, node.orelse])
            case cst.Try() | cst.TryStar() | cst.Match():
                self._maybe_visit(children(node))
            case cst.With():
                for item in node.items:
                    self.visit(item.item)
                    if item.asname is not None:
                        self._store(item.asname.name)
                self.visit(node.body)
            case cst.FunctionDef() | cst.ClassDef():
                self._nested(node)
                self._written(node.name.value, node.name, kills=True)
            case cst.Lambda() | cst.ListComp() | cst.SetComp() | cst.DictComp() | cst.GeneratorExp():
                self._nested(node)
            case cst.NamedExpr():
                self.visit(node.value)
                self._store(node.target)
            case _:
                for child in children(node):
                    self.visit(child)

    def _read(self, node: cst.BaseExpression, found: Place | None = None) -> None:
        found = found if found is not None else self.find(node)
        if found is None:
            self._maybe_visit(children(node))
        elif found[0] not in _CONSTANTS and not any(_holds(kill, found[0]) for kill in self.access.kills):
            self.access.reads.setdefault(*found)

    def _method(self, node: cst.Call, func: cst.Attribute) -> None:
        """A method reads its object; one of a container, or one that ends in an underscore, may change it."""
        self._called(node, func)
        name, found = func.attr.value, self.find(node)
        is_own = found is not None and found[0] == path_text(func)  # the project's own method of that name
        if (name in MUTATORS and not is_own) or (name.endswith("_") and not name.endswith("__")):
            self._changed(func.value)

    def _called(self, node: cst.Call, func: cst.BaseExpression) -> None:
        self._read(func, self.find(node))
        for argument in node.args:
            self.visit(argument.value)

    def _store(self, target: cst.CSTNode) -> None:
        match target:
            case cst.Name():
                self._written(target.value, target, kills=True)
            case cst.Tuple() | cst.List():
                for element in target.elements:
                    self._store(element.value)
            case cst.StarredElement():
                self._store(target.value)
            case cst.Attribute():
                self._read_holder(target)
                found = self.find(target)
                if found is not None:
                    self._written(*found, kills=found[1] is target)
            case cst.Subscript():
                self.visit(target)
                self._changed(target)

    def _read_holder(self, target: cst.Attribute) -> None:
        """What lies before the last dot is looked at, where it is more than a name."""
        if not isinstance(target.value, cst.Name):
            self.visit(target.value)

    def _changed(self, target: cst.CSTNode) -> None:
        """A write to a part of what is there."""
        while isinstance(target, cst.Subscript) or (isinstance(target, cst.Call) and _is_method(target)):
            target = target.value if isinstance(target, cst.Subscript) else target.func.value  # type: ignore[attr-defined]
        found = self.find(target)
        if found is not None:
            self._written(*found)

    def _written(self, path: str, node: cst.BaseExpression, *, kills: bool = False) -> None:
        self.access.writes.setdefault(path, node)
        if kills:
            self.access.kills.add(path)

    @contextmanager
    def _maybe(self) -> Iterator[None]:
        """What is written there may not be."""
        kills = set(self.access.kills)
        yield
        self.access.kills = kills

    def _either(self, first: cst.CSTNode, second: cst.CSTNode | None) -> None:
        """One of two blocks runs: what both give another value has another value."""
        before = set(self.access.kills)
        self.visit(first)
        after_first, self.access.kills = self.access.kills, before
        if second is not None:
            self.visit(second)
            self.access.kills &= after_first

    def _maybe_visit(self, nodes: Iterable[cst.CSTNode | None]) -> None:
        for node in nodes:
            if node is not None:
                with self._maybe():
                    self.visit(node)

    def _nested(self, node: cst.CSTNode) -> None:
        """Code in a scope of its own reads what it does not bind itself."""
        inner = Access()
        visitor = _Visitor(inner, self.find)
        for child in _parts(node):
            visitor.visit(child)
        bound = set(_bound(node)) | {path for path in inner.writes if "." not in path}
        for path, expression in inner.reads.items():
            if path.partition(".")[0] not in bound:
                self._read(expression)


def _is_method(node: cst.Call) -> bool:
    return isinstance(node.func, cst.Attribute)


def _parts(node: cst.CSTNode) -> list[cst.CSTNode]:
    match node:
        case cst.ListComp() | cst.SetComp() | cst.GeneratorExp():
            return [*_loops(node.for_in), node.elt]
        case cst.DictComp():
            return [*_loops(node.for_in), node.key, node.value]
    return children(node)


def _loops(loop: cst.CompFor | None) -> Iterator[cst.CSTNode]:
    while loop is not None:
        yield loop.iter
        yield from (test.test for test in loop.ifs)
        loop = loop.inner_for_in


def _bound(node: cst.CSTNode) -> Iterator[str]:
    """The names of the parameters of a function, or of the loops of a comprehension."""
    match node:
        case cst.FunctionDef() | cst.Lambda():
            params = node.params
            every = [*params.posonly_params, *params.params, *params.kwonly_params, params.star_arg, params.star_kwarg]
            yield from (param.name.value for param in every if isinstance(param, cst.Param))
        case cst.ListComp() | cst.SetComp() | cst.GeneratorExp() | cst.DictComp():
            loop: cst.CompFor | None = node.for_in
            while loop is not None:
                access = Access()
                _Visitor(access, among(()))._store(loop.target)
                yield from access.writes
                loop = loop.inner_for_in
