"""One function under interpretation: its environment, its facts, and how a value is used."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import libcst as cst

from torch2jax.infer.aliasing import HINT, mark_out_of_date
from torch2jax.infer.facts import Facts, Finding, Relayout, RuleCall
from torch2jax.infer.host_uses import is_used_as_array, parents_of
from torch2jax.infer.kinds import (
    UNKNOWN,
    Free,
    HostTensor,
    Kind,
    NoneKind,
    Number,
    Shape,
    Tensor,
    Tuple,
    Union,
    as_array,
    options,
    union,
    without_none,
)
from torch2jax.infer.layout import MIXED, Layout
from torch2jax.infer.liveness import Liveness
from torch2jax.infer.numpy_arrays import may_be_numpy, note_definition
from torch2jax.infer.program import ClassInfo, FunctionInfo, Program
from torch2jax.infer.storage import storage_of
from torch2jax.infer.views import View, attribute_key, view_of, written
from torch2jax.source.nodes import children
from torch2jax.source.scope import Scope


@dataclass(frozen=True, slots=True)
class Value:
    """What a name holds: its kind, and the definitions that reach here.

    ``storage``: where its memory may lie. ``view``: which part of which array it is for certain. ``stale``: in PyTorch
    it would have another value by now. ``original``: a parameter's own object, perhaps changed in place.
    ``entangled``: a container whose items may share memory with each other. ``tied``: an attribute that is the very
    Variable of another.
    """

    kind: Kind
    definitions: frozenset[Any] = frozenset()
    storage: frozenset[Any] = frozenset()
    stale: bool = False
    view: View | None = None
    original: bool = False
    entangled: bool = False
    tied: bool = False


Env = dict[str, Value]
Handler = Callable[["Frame", Any], Kind]
Executor = Callable[["Frame", Any], None]

_DISPLAYS = frozenset((cst.List, cst.Tuple, cst.Dict, cst.Set))

EXPRESSIONS: dict[type, Handler] = {}
STATEMENTS: dict[type, Executor] = {}


def evaluates(*types: type) -> Callable[[Handler], Handler]:
    """Register the handler of expression node types."""

    def register(handler: Handler) -> Handler:
        for node_type in types:
            EXPRESSIONS[node_type] = handler
        return handler

    return register


def executes(*types: type) -> Callable[[Executor], Executor]:
    """Register the handler of statement node types."""

    def register(handler: Executor) -> Executor:
        for node_type in types:
            STATEMENTS[node_type] = handler
        return handler

    return register


class Frame:
    """Interprets the body of one function once."""

    def __init__(self, program: Program, fn: FunctionInfo, scope: Scope) -> None:
        self.program = program
        self.fn = fn
        self.scope = scope
        self.file = fn.file
        self.is_script = isinstance(fn.node, cst.Module)
        self.facts = Facts()
        self.env: Env = {}
        self.yields: list[Kind] = []
        self.returns: list[tuple[cst.CSTNode, Kind]] = []
        self.depth = 0
        self.branches = 0
        self.alive = True
        self.breaks: list[Env] = []
        self.escaped: frozenset[Any] = frozenset()
        self.comprehended: dict[cst.CSTNode, frozenset[Any]] = {}
        self.passed: dict[Any, dict[str, cst.CSTNode]] = {}
        self.stack: list[cst.CSTNode] = []
        self.reads: list[tuple[cst.BaseExpression, cst.CSTNode | None, frozenset[Any]]] = []
        self.statement: cst.CSTNode | None = None
        self.looks_only = False
        self.certain = True
        self.items_of: dict[Any, cst.Subscript] = {}
        self.exits: list[tuple[cst.CSTNode | None, Env]] = []
        self.gives: frozenset[Any] = frozenset()
        self.viewed: set[str] = set()  # what views read that names held some time
        self.own_tokens: set[Any] = set()  # definitions that stand in storages for what they made
        self._live_at_exit = frozenset(fn.mutates) if fn.appends_result else frozenset()

    @cached_property
    def live(self) -> Liveness:
        """Which names are read again; only functions that write in place ask."""
        return Liveness(_statements(self.fn), self._live_at_exit)

    @cached_property
    def parents(self) -> dict[cst.CSTNode, cst.CSTNode]:
        """The parent of every node of the function; only functions that data reaches ask."""
        return parents_of(self.fn.node)

    # evaluation

    def eval(self, node: cst.CSTNode) -> Kind:
        """The kind of an expression."""
        handler = EXPRESSIONS.get(type(node))
        self.stack.append(node)
        if handler is not None:
            kind = handler(self, node)
        else:
            for child in children(node):
                self.eval(child)
            kind = UNKNOWN
        self.stack.pop()
        if kind.__class__ is HostTensor or kind.__class__ is Union:
            kind = self._arrive(node, kind)
        elif self.facts.crossings:
            self.facts.crossings.pop(node, None)
        self.facts.kinds[node] = kind
        return kind

    def _arrive(self, node: cst.CSTNode, kind: Kind) -> Kind:
        """A tensor of the data side is used: JAX code makes it an array here."""
        self.facts.crossings.pop(node, None)
        found = [option for option in options(kind) if isinstance(option, HostTensor)]
        if not found:
            return kind
        if not self.program.hosting:
            certain = all(isinstance(o, HostTensor | Number | NoneKind) for o in options(kind))
            if (not certain or any(option.assumed for option in found)) and not is_used_as_array(self, node):
                return kind
            self.facts.crossings[node] = "in" if without_none(kind) is kind else "in or None"
        return as_array(kind)

    def execute(self, body: Iterable[cst.CSTNode]) -> None:
        """Run statements in order."""
        for statement in body:
            if not self.alive:
                return
            self.statement = statement
            self.reads = []
            handler = STATEMENTS.get(type(statement))
            if handler is not None:
                handler(self, statement)
            else:
                for child in children(statement):
                    self.eval(child)

    # names

    def lookup(self, name: str, node: cst.CSTNode | None = None) -> Kind | None:
        """The kind of a name, None when nothing binds it."""
        value = self.env.get(name)
        if value is not None:
            if isinstance(node, cst.Name) and not self.looks_only:
                self.reads.append((node, self.stack[-2] if len(self.stack) > 1 else None, value.storage))
                if value.kind.__class__ is Tensor:
                    self.facts.definitions_of[node] = value.definitions
            if value.stale and node is not None and not self.looks_only:
                self.report(
                    "T2J105", node, f"`{name}` shares memory with an array that was changed in place before", HINT
                )
            return value.kind
        fn: FunctionInfo | None = self.fn.parent
        while fn is not None:
            if name in fn.closure:
                return fn.closure[name].read(self.fn)
            fn = fn.parent
        if name in self.file.names:
            return self.file.names[name].read(self.fn)
        for other in self.file.star_files:
            if name in other.names:
                return other.names[name].read(self.fn)
        return None

    def bind(
        self,
        name: str,
        kind: Kind,
        definition: Any,
        value: cst.CSTNode | None = None,
        storage: frozenset[Any] | None = None,
        view: View | None = None,
    ) -> Kind:
        """Give a name a value. The layout chosen for the definition, if any, is forced on it."""
        kind = self._settle(kind, definition, value, self._must_be_logical(name))
        if value is not None and self._is_itself(name, value):
            self.env[name] = replace(self.env[name], kind=kind, definitions=frozenset((definition,)))
            self._publish(name, kind)
            return kind
        view = view if view is not None else view_of(self, value)
        storage = storage or storage_of(self, value)
        fresh = not storage
        entangled = self._is_entangled(value, storage)
        if value is not None and may_be_numpy(kind):
            note_definition(self, definition, value)
        self._forget(name)
        if fresh or not isinstance(without_none(kind), Tensor):
            self._age(definition)
            storage = frozenset((*(_aged(token, definition) for token in storage), *self.made_at(definition)))
        if view is not None and name in view.names:
            view = None
        self.env[name] = Value(kind, frozenset((definition,)), storage, view=view, entangled=entangled)
        self._publish(name, kind)
        return kind

    def rebind(self, name: str, kind: Kind, definition: Any) -> Kind:
        """A name gets the new value of the memory it looks at, which changed in place."""
        held = self.env.get(name)
        kind = self._settle(kind, definition, None, self._must_be_logical(name))
        where = ("outer", name) if self.is_outer(name) else definition
        known = held if held is not None else Value(kind, storage=self.made_at(where))
        self.env[name] = replace(known, kind=kind, definitions=frozenset((definition,)))
        self._publish(name, kind)
        return kind

    def _is_itself(self, name: str, value: cst.CSTNode) -> bool:
        """Whether a name is assigned what it holds: ``x = x.add_(1)``."""
        same = written(self, value)
        return isinstance(same, cst.Name) and same.value == name and name in self.env and same is not value

    def _is_entangled(self, value: Any, storage: frozenset[Any]) -> bool:
        """Whether items of the container that an expression gives, which lies in ``storage``, may share memory."""
        kind = type(value)
        if kind is cst.Name and value.value in self.env:
            return self.env[value.value].entangled
        if kind in _DISPLAYS:
            seen: frozenset[Any] = frozenset()
            for element in value.elements:
                held = storage_of(self, element.value)
                if held & seen:
                    return True
                seen |= held
            return False
        return kind is cst.BinaryOperation or bool(storage)

    def _forget(self, name: str) -> None:
        """A name holds something else from here on: what looked into the old value can't be read again through it."""
        if name not in self.viewed:
            return
        blind = [other for other, value in self.env.items() if value.view is not None and name in value.view.names]
        for other in blind:
            self.env[other] = replace(self.env[other], view=None)

    def made_at(self, definition: Any) -> frozenset[Any]:
        """The storage of something fresh."""
        self.own_tokens.add(definition)
        return frozenset((definition,))

    def _age(self, token: Any) -> None:
        """What an earlier turn of a loop made at the same place is something else than what is made now."""
        if token not in self.own_tokens and not isinstance(token, tuple):
            return
        older = [name for name, value in self.env.items() if value.storage and _mentions(value.storage, token)]
        for name in older:
            value = self.env[name]
            self.env[name] = replace(value, storage=frozenset(_aged(t, token) for t in value.storage))
        if self.escaped and _mentions(self.escaped, token):
            self.escaped = frozenset(_aged(t, token) for t in self.escaped)

    def bind_attribute(self, name: str, kind: Kind, value: cst.CSTNode | None) -> None:
        """``self.x = value``."""
        key = attribute_key(name)
        storage, view = storage_of(self, value), view_of(self, value)
        self._note_variables(name, value or self.fn.node, isinstance(kind, Tensor) and kind.variable)
        self._forget(key)
        self._age(("attribute", name))
        storage = frozenset(_aged(token, ("attribute", name)) for token in storage)
        if view is not None and key in view.names:
            view = None
        given = without_none(self.facts.kinds.get(value, UNKNOWN)) if value is not None else UNKNOWN
        tied = isinstance(given, Tensor) and given.variable and value not in self.facts.reads
        entangled = self._is_entangled(value, storage)
        self.env[key] = Value(kind, frozenset(), storage, view=view, entangled=entangled, tied=tied)
        self.note_rebound(name)
        self.note_links((("attribute", name),), storage)

    def _note_variables(self, name: str, node: cst.CSTNode, variable: bool) -> None:
        """Where an attribute is a Variable, whoever holds that has the new value, not the old one as in PyTorch."""
        for other, held in list(self.env.items()):
            plain = without_none(held.kind)
            one = held.view is not None and held.view.root == attribute_key(name)
            holds = variable and ("attribute", name) in held.storage and not isinstance(plain, Tensor)
            if holds or (one and isinstance(plain, Tensor) and plain.variable):
                mark_out_of_date(self, node, other)

    def note_rebound(self, name: str) -> None:
        """This function gives an attribute of something that its caller has another value."""
        if self.program.hosting:
            return
        place = self.place_of(("attribute", name))
        if place is not None and place not in self.fn.rebinds:
            self.fn.rebinds.add(place)
            self.program.dirty.update(self.fn.callers)

    def may_rebind(self, name: str, node: cst.CSTNode, *, variable: bool) -> None:
        """A call may have given ``self.x`` another value. ``variable``: it may be a Variable."""
        key = attribute_key(name)
        self._note_variables(name, node, variable)
        self._forget(key)
        if key in self.env:
            self.env[key] = replace(self.env[key], view=None)
        self.note_rebound(name)

    def put_attribute(self, name: str, storage: frozenset[Any]) -> None:
        """A container in an attribute holds something more."""
        key = attribute_key(name)
        held = self.env.get(key)
        self.note_links((("attribute", name),), storage)
        if held is None:
            self.env[key] = Value(UNKNOWN, storage=storage)
        else:
            self.env[key] = replace(held, storage=held.storage | storage, view=None)

    def learn_tensor(self, node: cst.CSTNode) -> None:
        """What an unknown name is used for shows that it holds a tensor, and so does what it is a view of."""
        name = node.value if isinstance(node, cst.Name) else None
        while name is not None:
            held = self.env.get(name)
            if held is None or not isinstance(held.kind, Free):
                return
            self.env[name] = replace(held, kind=Tensor())
            if held.original and name not in self.fn.tensors:
                self.fn.tensors.add(name)
                self.program.dirty.add(self.fn)
            name = held.view.root if held.view is not None else None

    def is_outer(self, name: str) -> bool:
        """Whether a name belongs to a scope around this function."""
        if self.is_script:
            return False
        fn = self.fn.parent
        while fn is not None:
            if name in fn.closure:
                return True
            fn = fn.parent
        return name in self.file.names

    def note_kept(self, token: Any) -> None:
        """This function puts a parameter somewhere that outlives the call."""
        if self.program.hosting:
            return
        while isinstance(token, tuple) and token[:1] == ("part",):
            token = token[1]
        if isinstance(token, tuple) and token[:1] == ("parameter",) and token[1] not in self.fn.keeps:
            self.fn.keeps.add(token[1])
            self.program.dirty.update(self.fn.callers)

    def note_links(self, boxes: Iterable[Any], tokens: Iterable[Any]) -> None:
        """This function puts parameters into others."""
        if self.program.hosting:
            return
        wheres = {where for box in boxes if (where := self.place_of(box)) is not None}
        whats = {what for token in tokens if (what := self.place_of(token)) is not None} if wheres else ()
        links = {(where, what) for where in wheres for what in whats}
        if not links <= self.fn.links:
            self.fn.links |= links
            self.program.dirty.update(self.fn.callers)

    def place_of(self, token: Any) -> str | None:
        """A storage as callers know it: a parameter, ``self.x``, ``.name`` of a scope around."""
        while isinstance(token, tuple) and token[:1] in (("part",), ("old",)):
            token = token[1]  # what an attribute held before may be what it held when the function was called
        if not isinstance(token, tuple) or len(token) != 2:
            return None
        kind, name = token
        root = name.partition(".")[0]
        if kind == "parameter" or (kind == "attribute" and root in self.fn.params):
            return str(name)
        outer = kind == "outer" or (kind == "attribute" and root not in self.env and self.is_outer(root))
        return f".{name}" if outer else None

    def note_effect(self, token: Any) -> None:
        """This function changes memory that its caller may see."""
        if self.program.hosting:
            return
        if token[0] == "outer" and token[1] not in self.scope.globals | self.scope.nonlocals:
            self.facts.outer_writes.add(token[1])
        place = self.place_of(token)
        if place is None:
            return
        if place not in self.fn.mutates:
            self.fn.mutates.add(place)
            self.program.dirty.update({self.fn, *self.fn.callers})

    def _must_be_logical(self, name: str) -> bool:
        return name in self.scope.captured or self.is_script

    def _settle(self, kind: Kind, definition: Any, value: cst.CSTNode | None, logical: bool) -> Kind:
        self.facts.definitions.pop(definition, None)
        plain = without_none(kind)
        if not isinstance(plain, Tensor):
            return kind
        if plain.variable and definition not in self.fn.forced:
            return kind
        self.facts.natural[definition] = (plain.layout, plain.rank)
        forced = self.fn.forced.get(definition, plain.layout)
        if value is not None:
            self.facts.relayouts.pop(value, None)  # of an earlier turn of a loop
        if definition in self.facts.inline:
            forced = plain.layout  # there is no place for a transpose behind it
        elif logical and plain.layout != MIXED:
            forced = None
        if forced == plain.layout:
            if value is not None:
                self.facts.relayouts.pop(value, None)  # what an earlier turn of a loop thought
            return kind
        if kind is not plain and forced is not None:
            return kind
        if value is not None and kind is plain:
            return self.use(value, kind, forced)
        self.facts.definitions[definition] = Relayout(
            plain.layout, forced, plain.rank or len(forced or plain.layout or ())
        )
        return replace(plain, layout=forced, rank=plain.rank or (len(forced) if forced else None))

    def _publish(self, name: str, kind: Kind) -> None:
        if self.is_script or name in self.scope.globals:
            self.file.names[name].write(kind, self.program)
        elif name in self.scope.captured or name in self.scope.nonlocals:
            owner: FunctionInfo | None = self.fn
            if name in self.scope.nonlocals:
                owner = self.fn.parent
                while owner is not None and name not in owner.closure:
                    owner = owner.parent
            if owner is not None:
                owner.closure[name].write(kind, self.program)

    # use of values

    def use(self, node: cst.CSTNode, kind: Kind, layout: Layout = None, *, votes: bool = True) -> Kind:
        """A consumer takes the value of ``node`` in this layout: records the transposes and the reads of Variables."""
        plain = without_none(kind)
        if isinstance(plain, Tuple):
            return self._use_tuple(node, plain, layout)
        if not isinstance(plain, Tensor):
            return self._use_alternatives(node, kind, layout) if isinstance(plain, Union) else kind
        if plain.variable:
            self.facts.reads.add(node)
            (self.facts.optional.add if plain is not kind else self.facts.optional.discard)(node)
            plain = replace(plain, variable=False, detached=False)
        if (plain.layout == MIXED) != (layout == MIXED):
            layout = None if layout == MIXED else layout
            self.report(
                "T2J106",
                node,
                "parameters of layers that keep them in different axis orders may stand here",
                "test for one class of layers at a time",
            )
            plain = replace(plain, layout=None)
        if layout is not None and plain.rank is not None and plain.rank != len(layout):
            layout = None if plain.layout is None else plain.layout
        if votes:
            self.vote(node, layout)
        if plain.layout == layout:
            self.facts.relayouts.pop(node, None)
            return plain if plain is not kind else kind
        rank = plain.rank or len(layout or plain.layout or ())
        self.facts.relayouts[node] = Relayout(plain.layout, layout, rank)
        return replace(plain, layout=layout, rank=rank)

    def _use_alternatives(self, node: cst.CSTNode, kind: Kind, layout: Layout) -> Kind:
        """Something that may be an array or not can't be transposed here: its definitions have to give the layout."""
        wrong = [o for o in options(kind) if isinstance(o, Tensor) and o.layout not in (None, layout)]
        if not wrong:
            return kind
        value = self.env.get(node.value) if isinstance(node, cst.Name) else None
        if value is None or not value.definitions or not all(self.force(d, None) for d in value.definitions):
            self.report("T2J106", node, "what may be an array or something else has another axis order than wanted")
        return union(_logical(option) for option in options(kind))

    def _use_tuple(self, node: cst.CSTNode, kind: Tuple, layout: Layout) -> Kind:
        if not any(isinstance(item, Tensor) and item.layout is not None for item in kind.items):
            return kind
        if isinstance(node, cst.Tuple | cst.List) and len(node.elements) == len(kind.items):
            items = [self.use(e.value, k, layout) for e, k in zip(node.elements, kind.items, strict=True)]
            return Tuple(tuple(items), kind.fields)
        moves = [
            Relayout(item.layout, None, item.rank or len(item.layout))
            if isinstance(item, Tensor) and item.layout is not None
            else None
            for item in kind.items
        ]
        if isinstance(node, cst.Name | cst.Attribute):
            self.facts.special[node] = ("relaid_items", tuple(moves))
        elif isinstance(self.facts.calls.get(node), RuleCall) and None not in moves and len(set(moves)) == 1:
            self.facts.special[node] = ("relaid_each", moves[0])
        elif not self.pin_source(node):
            self.report("T2J106", node, "arrays in a tuple have another axis order than what takes them")
        return Tuple(tuple(_logical(item) for item in kind.items), kind.fields)

    def read(self, node: cst.CSTNode, kind: Kind) -> Kind:
        """Use a value in whatever layout it has."""
        plain = without_none(kind)
        if isinstance(plain, Tensor):
            self.facts.relayouts.pop(node, None)
            if plain.variable:
                self.facts.reads.add(node)
                return replace(plain, variable=False, detached=False)
        return kind

    def accept(self, node: cst.CSTNode, kind: Kind) -> Kind:
        """Use a value in torch's order, by a consumer that could take it in another as well."""
        plain = without_none(kind)
        if isinstance(plain, Tensor) and plain.layout is None:
            return self.read(node, kind)
        return self.use(node, kind)

    def vote(self, node: cst.CSTNode, layout: Layout) -> None:
        """Count how a name's definitions are consumed."""
        if not isinstance(node, cst.Name):
            return
        value = self.env.get(node.value)
        if value is None:
            return
        weight = 4**self.depth
        if len(value.definitions) > 1:
            self.facts.shared |= value.definitions
        for definition in value.definitions:
            votes = self.facts.votes.setdefault(definition, {})
            votes[layout] = votes.get(layout, 0) + weight

    def pin_source(self, node: cst.CSTNode) -> bool:
        """Ask the function whose result ``node`` is to return torch's axis order; whether there is one."""
        call = self.facts.calls.get(node)
        for fn in getattr(call, "targets", ()):
            if not fn.pinned:
                fn.pinned = True
                fn.param_layouts.clear()
                self.program.dirty.add(fn)
                self.program.dirty.update(fn.callers)
        return bool(getattr(call, "targets", ()))

    # joins

    def merge(self, *envs: Env) -> Env:
        """The environment where several flows meet; layouts that differ are settled at the definitions."""
        result: Env = {}
        first, *others = envs
        for name in dict.fromkeys(name for env in envs for name in env):
            held = first.get(name)
            if held is not None and all(env.get(name) is held for env in others):
                result[name] = held
                continue
            values = [env[name] for env in envs if name in env]
            if "." in name and len(values) < len(envs):
                continue  # what a test said of an attribute holds in its branch only
            result[name] = values[0] if len(values) == 1 else self._meet(values)
            if name.startswith("@") and len(values) < len(envs):  # an attribute that one of the paths has not touched
                result[name] = replace(result[name], view=None)
        return result

    def _meet(self, values: list[Value]) -> Value:
        first = values[0]
        if all(value is first or value == first for value in values):
            return first
        definitions = frozenset().union(*(value.definitions for value in values))
        layouts = {k.layout for value in values for k in options(value.kind) if isinstance(k, Tensor)}
        storage = frozenset().union(*(value.storage for value in values))
        stale = any(value.stale for value in values)
        if len({k.layout for value in values for k in options(value.kind) if isinstance(k, Shape)}) > 1:
            self.report("T2J106", self.fn.node, "a shape is that of arrays in different axis orders")
        kind = self._reconcile(values, layouts) if len(layouts) > 1 else union(value.kind for value in values)
        view = first.view if all(value.view == first.view for value in values) else None
        original = all(value.original for value in values)
        entangled = any(value.entangled for value in values)
        tied = any(value.tied for value in values)
        return Value(kind, definitions, storage, stale, view, original, entangled, tied)

    def _reconcile(self, values: list[Value], layouts: set[Layout]) -> Kind:
        if MIXED in layouts:  # what may have any order on one path may have any behind it
            return union(_with_layout(value.kind, MIXED) for value in values)
        wanted = next((layout for layout in layouts if layout is not None), None)
        ranks = {k.rank for v in values for k in options(v.kind) if isinstance(k, Tensor)}
        pure = all(isinstance(value.kind, Tensor) for value in values)
        if not pure or len([layout for layout in layouts if layout is not None]) > 1 or ranks != {len(wanted or ())}:
            wanted = None
        if wanted is not None and not self._agree(values, wanted):
            wanted = None
        if wanted is None and not self._agree(values, None):
            self.report("T2J106", self.fn.node, "an array has one axis order on one path and another on the next")
        return union(_with_layout(value.kind, wanted) for value in values)

    def _agree(self, values: list[Value], wanted: Layout) -> bool:
        """Force a layout on every definition that has another; whether all can take it."""
        agreed = True
        for value in values:
            plain = without_none(value.kind)
            if isinstance(plain, Tensor) and plain.layout != wanted:
                agreed = agreed and bool(value.definitions)
                for definition in value.definitions:
                    agreed = self.force(definition, wanted) and agreed
        return agreed

    def force(self, definition: Any, layout: Layout) -> bool:
        """Choose the layout of a definition; torch's order, once chosen, stays. Whether the choice holds."""
        if definition in self.facts.inline:
            return self.facts.natural.get(definition, (layout, None))[0] == layout
        fixed = self.fn.forced.get(definition, layout)
        if fixed is None and layout is not None:
            return False
        if definition in self.fn.forced and fixed == layout:
            return True
        self.fn.forced[definition] = layout
        self.program.dirty.add(self.fn)
        return True

    # randomness

    def needs_rngs(self, builds: bool = False) -> None:
        """This function draws numbers or builds something that does."""
        if self.program.hosting:
            self.program.draw_on_host()
            return
        top = self.fn.outermost
        if builds and not top.builds and top.name != "forward":
            top.builds = True
            self.program.dirty.update(top.callers)
        if top.draws_from_self:
            assert top.owner is not None
            top.owner.holds_rngs = True
        if not top.needs_rngs:
            top.needs_rngs = True
            self.program.dirty.update(top.callers)

    # findings

    def report(self, code: str, node: cst.CSTNode, message: str, hint: str = "", *, host: bool = False) -> None:
        """Note a diagnostic at a node; the same one twice counts once.

        What stays PyTorch needs no translation, so that nothing is said of it but what is meant for it (``host``).
        """
        if self.program.hosting and not host:
            return
        self.facts.findings[code, node, message] = Finding(code, node, message, hint)

    @property
    def cls(self) -> ClassInfo | None:
        """The class whose method this is, through nested functions."""
        fn: FunctionInfo | None = self.fn
        while fn is not None:
            if fn.owner is not None:
                return fn.owner
            fn = fn.parent
        return None


def _statements(fn: FunctionInfo) -> Iterable[Any]:
    return (
        () if isinstance(fn.node, cst.Lambda) else (fn.node.body if isinstance(fn.node, cst.Module) else [fn.node.body])
    )


def _mentions(storage: frozenset[Any], wanted: Any) -> bool:
    """Whether a token is in a storage, or is what one of its parts is a part of."""
    for token in storage:  # most are nodes, which are compared by identity: hashing them takes longer
        while token is not wanted and token.__class__ is tuple and token != wanted and token[:1] == ("part",):
            token = token[1]
        if token is wanted or (token.__class__ is tuple and token == wanted):
            return True
    return False


def _aged(token: Any, wanted: Any) -> Any:
    if token == wanted:
        return ("old", wanted)
    if isinstance(token, tuple) and token[:1] == ("part",):
        return ("part", _aged(token[1], wanted), *token[2:])
    return token


def _logical(kind: Kind) -> Kind:
    return replace(kind, layout=None) if isinstance(kind, Tensor) else kind


def _with_layout(kind: Kind, layout: Layout) -> Kind:
    changed = [replace(k, layout=layout) if isinstance(k, Tensor) else k for k in options(kind)]
    return changed[0] if len(changed) == 1 else union(changed)
