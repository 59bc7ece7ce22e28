"""Statements: flow of control, assignments, narrowing by tests."""

from __future__ import annotations

from collections.abc import Sequence as Seq
from dataclasses import replace
from typing import Any

import libcst as cst

from torch2jax.infer import attributes, items
from torch2jax.infer.aliasing import HINT, note_put, part_of, storage_of
from torch2jax.infer.class_tests import check_classes
from torch2jax.infer.contents import copy_items
from torch2jax.infer.facts import RuleCall
from torch2jax.infer.frame import Env, Frame, Value, executes
from torch2jax.infer.kinds import (
    FREE,
    INT,
    NONE,
    UNKNOWN,
    AnyModule,
    Choice,
    ClassName,
    Container,
    Free,
    Instance,
    Iterator_,
    Kind,
    NoneKind,
    Number,
    Sequence,
    Shape,
    Tensor,
    Tuple,
    is_box,
    is_tensor,
    join,
    may_be_tensor,
    options,
    union,
    without_none,
)
from torch2jax.infer.liveness import stored
from torch2jax.infer.views import View, attribute_key, view_of
from torch2jax.source.nodes import dotted_name, walk


@executes(cst.SimpleStatementLine, cst.SimpleStatementSuite, cst.IndentedBlock)
def block(frame: Frame, node: Any) -> None:
    """Statements in order."""
    frame.execute(node.body)


@executes(cst.Expr)
def expression(frame: Frame, node: cst.Expr) -> None:
    """An expression for its effect."""
    if isinstance(node.value, cst.IfExp):
        _branches(frame, node.value)
        return
    frame.eval(node.value)


def _branches(frame: Frame, node: cst.IfExp) -> None:
    """``a() if test else b()`` as a statement."""
    condition(frame, node.test, frame.eval(node.test), "if")
    before = dict(frame.env)
    narrow(frame, node.test, True)
    frame.reads = []
    frame.eval(node.body)
    after_body, frame.env = frame.env, before
    narrow(frame, node.test, False)
    frame.reads = []
    frame.eval(node.orelse)
    frame.env = frame.merge(after_body, frame.env)
    frame.facts.kinds[node] = UNKNOWN


@executes(cst.Pass, cst.Global, cst.Nonlocal, cst.TypeAlias)
def nothing(frame: Frame, node: Any) -> None:
    """Statements without an effect on kinds."""


@executes(cst.Assign)
def assign(frame: Frame, node: cst.Assign) -> None:
    """``a = b = value``: stores the value in each target."""
    kind = frame.eval(node.value)
    source: cst.CSTNode = node.value
    for target in node.targets:
        store(frame, target.target, kind, node.value, storage_of(frame, source) or None, view_of(frame, source))
        if isinstance(target.target, cst.Name | cst.Attribute) and not is_number(kind):
            source = target.target  # `a = b = value`: one object under two names
    _note_several(frame, node)


def _note_several(frame: Frame, node: cst.Assign) -> None:
    """Chained and unpacking assignments that write into arrays become one line for each target."""
    frame.facts.special.pop(node, None)
    targets = [target.target for target in node.targets]
    whole = targets[0]
    if len(targets) > 1:
        if any(_writes(frame, target) for target in targets):
            frame.facts.special[node] = ("chained",)
        parts = [e.value for t in targets if isinstance(t, cst.Tuple | cst.List) for e in t.elements]
        allowed = not any(_writes(frame, part) for part in parts)
    elif isinstance(whole, cst.Tuple | cst.List) and any(_writes(frame, e.value) for e in whole.elements):
        note = frame.facts.special.get(whole, ("", ()))
        allowed = note[0] == "one_by_one" and "open" not in note[1] and not _rebinds_source(whole, node.value)
        frame.facts.special[node] = note
    else:
        return
    if not allowed:
        frame.facts.special.pop(node, None)
        frame.report("T2J105", node, "a chained or unpacking assignment writes into an array", "use one line each")


def _rebinds_source(whole: cst.Tuple | cst.List, value: cst.BaseExpression) -> bool:
    """Whether a target binds a name that a later value is read from: ``a, x[0] = b, a``."""
    bound: set[str | None] = set()
    for target, source in zip(whole.elements, getattr(value, "elements", ()), strict=False):
        read = {dotted_name(part) for part in walk(source) if isinstance(part, cst.Name | cst.Attribute)}
        if (read - {None}) & bound:
            return True
        bound |= {*stored(target.value), dotted_name(target.value)}
    return False


def _writes(frame: Frame, target: cst.CSTNode) -> bool:
    note = frame.facts.special.get(target)
    return note is not None and (
        note[0] in ("set_item", "write_variable", "write_data") or (note[0] == "state" and note[-1] == "write")
    )


@executes(cst.AnnAssign)
def annotated_assign(frame: Frame, node: cst.AnnAssign) -> None:
    """``name: type = value``; without a value nothing is bound."""
    if node.value is None:
        return
    store(frame, node.target, frame.eval(node.value), node.value)


@executes(cst.AugAssign)
def augmented_assign(frame: Frame, node: cst.AugAssign) -> None:
    """``x += value``: in place for arrays, a new binding otherwise."""
    from torch2jax.infer.operators import pointwise

    target = frame.eval(node.target)
    value = frame.eval(node.value)
    if not is_tensor(target) and not is_tensor(value):
        if isinstance(node.operator, cst.AddAssign):
            _extend(frame, target, node.value, value)
        if isinstance(node.target, cst.Name):
            joined = join(target, value) if isinstance(target, Number) else target
            if may_be_tensor(target) or (is_box(target) and not isinstance(target, Free)):
                frame.rebind(node.target.value, target, node.target)
                note_sum(frame, node)
            else:
                frame.bind(node.target.value, _without_value(joined), node.target)
        elif isinstance(node.target, cst.Attribute):
            attributes.assign(frame, node.target, _without_value(target), node.value, augmented=True)
        return
    if isinstance(node.operator, cst.MatrixMultiplyAssign):
        frame.use(node.target, target)
        frame.use(node.value, value)
        result: Kind = Tensor()
    else:
        result = pointwise(frame, [(node.target, target), (node.value, value)])
    if isinstance(node.target, cst.Name):
        if is_tensor(target):
            frame.rebind(node.target.value, result, node.target)
            items.mutated(frame, node.target, node)
        else:
            frame.bind(node.target.value, result, node.target)
    elif isinstance(node.target, cst.Attribute):
        attributes.assign(frame, node.target, result, node.value, augmented=True)
        if is_tensor(target):
            items.mutated(frame, node.target, node)
    elif isinstance(node.target, cst.Subscript):
        items.assign_item(frame, node.target, value, node.value, node)


def _extend(frame: Frame, target: Kind, node: cst.BaseExpression, value: Kind) -> None:
    """``layers += [...]``: a list gets the items of another."""
    from torch2jax.infer.building import extend

    for option in options(without_none(target)):
        if isinstance(option, Container):
            extend(frame, option, value)
        elif isinstance(option, Sequence) and isinstance(without_none(value), Sequence | Tuple | Iterator_ | Container):
            copy_items(frame, option.site, value, items.iterated(frame, node, value))


def note_sum(frame: Frame, node: cst.AugAssign) -> None:
    """``items += [x]``: the list holds more; what may be an array is changed in place."""
    if is_box(frame.facts.kinds[node.target]):
        note_put(frame, node.target, node.value)
    else:
        items.mutated(frame, node.target, node)


def is_number(kind: Kind) -> bool:
    """Whether a value is a number, which has no memory to share."""
    return all(isinstance(option, Number) for option in options(kind))


def _without_value(kind: Kind) -> Kind:
    return Number(kind.type) if isinstance(kind, Number) else kind


def store(
    frame: Frame,
    target: cst.BaseExpression,
    kind: Kind,
    value: cst.CSTNode | None,
    storage: frozenset[Any] | None = None,
    view: View | None = None,
) -> None:
    """Assign a kind to any target. ``value`` is the source expression where there is one of its own."""
    if isinstance(target, cst.Name):
        if value is not None:
            kind = _plain_read(frame, kind, value)
        frame.bind(target.value, kind, target, value, storage or None, view)
    elif isinstance(target, cst.Attribute):
        attributes.assign(frame, target, kind, value)
    elif isinstance(target, cst.Subscript):
        items.assign_item(frame, target, kind, value, None)
    elif isinstance(target, cst.Tuple | cst.List):
        unpack(frame, target, kind, value, storage)
    elif isinstance(target, cst.StarredElement):
        store(frame, target.value, UNKNOWN, None, storage)


def _plain_read(frame: Frame, kind: Kind, value: cst.CSTNode) -> Kind:
    """A name for a Variable is read at once: the source's tensor is the array, not its holder."""
    plain = without_none(kind)
    if isinstance(plain, Tensor) and plain.variable and isinstance(value, cst.Attribute):
        return kind
    return kind


def unpack(
    frame: Frame,
    target: cst.Tuple | cst.List,
    kind: Kind,
    value: cst.CSTNode | None,
    storage: frozenset[Any] | None = None,
) -> None:
    """``a, b = value``."""
    elements = target.elements
    plain = without_none(kind)
    shared = (storage_of(frame, value) if value is not None else None) or storage or frozenset()
    starred = any(isinstance(element, cst.StarredElement) for element in elements)
    if isinstance(plain, Shape):
        if plain.layout is not None and value is not None:
            if starred or len(elements) != len(plain.layout) or not _plain_names(elements):
                items.logical_shape(frame, value, plain)
            else:
                frame.facts.special[target] = ("unpack_shape", plain.layout)
        if not starred and plain.rank is None:
            _learn_rank(frame, value, len(elements))
        for element in elements:
            inner = element.value
            store(frame, inner, items.SHAPE_ITEMS if isinstance(element, cst.StarredElement) else INT, None)
        return
    if isinstance(value, cst.Tuple | cst.List) and len(value.elements) == len(elements) and not starred:
        kinds = [_as_read(frame, e.value) for e in value.elements]
        lies = [(storage_of(frame, e.value) or None, view_of(frame, e.value)) for e in value.elements]
        order = tuple("first" if not where else "late" if view is not None else "open" for where, view in lies)
        frame.facts.special[target] = ("one_by_one", order)
        old = {name for name, held in frame.env.items() if held.stale}
        for element, source, item, (where, view) in zip(elements, value.elements, kinds, lies, strict=True):
            _note_late_read(frame, source.value, old)
            store(frame, element.value, item, source.value, where, view)
        bound = {name for element in elements for name in stored(element.value)}
        bound |= {attribute_key(name) for e in elements if (name := dotted_name(e.value)) is not None and "." in name}
        for name in bound & frame.env.keys():  # all values were read before any name was bound
            held = frame.env[name]
            if held.view is not None and held.view.names & bound:
                frame.env[name] = replace(held, view=None)
        return
    if isinstance(plain, Tensor) and value is not None:
        plain = frame.use(value, plain)
    for index, element in enumerate(elements):
        if isinstance(element, cst.StarredElement):
            store(frame, element.value, items.tail(frame, plain, index), None, shared)
        else:
            item = items.item_at(frame, plain, index if not starred else (index if index == 0 else None))
            where = _piece(frame, shared, plain, value, index)
            store(frame, element.value, item, None, where, _piece_view(frame, plain, value, index))


def _as_read(frame: Frame, node: cst.BaseExpression) -> Kind:
    """The kind of an item of a display, where Variables are read."""
    kind = frame.facts.kinds.get(node, UNKNOWN)
    return replace(kind, variable=False) if isinstance(kind, Tensor) and node in frame.facts.reads else kind


def _piece_view(frame: Frame, kind: Kind, value: cst.CSTNode | None, index: int) -> View | None:
    """``a, b = x`` gives ``x[0]`` and ``x[1]``; so does ``x.unbind()``."""
    fact = frame.facts.calls.get(value) if value is not None else None
    base: cst.BaseExpression | None = value if isinstance(kind, Tensor) and isinstance(value, cst.Name) else None
    if isinstance(value, cst.Call) and isinstance(fact, RuleCall) and fact.rule.name.endswith(".unbind"):
        base = fact.receiver if not value.args or fact.bound.args["dim"].value == 0 else None
    if base is None:
        return None
    part = frame.items_of.setdefault((base, index), item_of(base, index))
    return view_of(frame, part)


def item_of(base: cst.BaseExpression, index: int) -> cst.Subscript:
    """``base[index]``, as source."""
    return cst.Subscript(base, [cst.SubscriptElement(cst.Index(cst.Integer(str(index))))])


def _note_late_read(frame: Frame, node: cst.BaseExpression, old: set[str]) -> None:
    """``x[0], y = v, x[1]``: a view on the right side is read after the writes before it."""
    for part in walk(node):
        held = frame.env.get(part.value) if isinstance(part, cst.Name) else None
        if held is not None and held.stale and isinstance(part, cst.Name) and part.value not in old:
            frame.report("T2J105", node, "an earlier target of this assignment changes what is read here", HINT)


def _piece(frame: Frame, shared: frozenset[Any], kind: Kind, value: cst.CSTNode | None, index: int) -> frozenset[Any]:
    """Where an item of what is unpacked lies: rows of an array and pieces of a split have no memory in common."""
    fact = frame.facts.calls.get(value) if isinstance(value, cst.Call) else None
    pieces = isinstance(fact, RuleCall) and (fact.rule.result == "Tensors" or isinstance(fact.rule.result, tuple))
    return part_of(shared, value, index) if isinstance(kind, Tensor) or pieces else shared


def _learn_rank(frame: Frame, value: cst.CSTNode | None, rank: int) -> None:
    """``b, c, h, w = x.shape`` says that x has four axes."""
    holder = value.func if isinstance(value, cst.Call) else value
    if isinstance(holder, cst.Attribute) and isinstance(holder.value, cst.Name):
        held = frame.env.get(holder.value.value)
        kind = without_none(held.kind) if held is not None else None
        if held is not None and isinstance(kind, Tensor) and kind.rank is None and kind.layout is None:
            known = replace(kind, rank=rank)
            for definition in held.definitions:
                if definition in frame.facts.natural:
                    frame.facts.natural[definition] = (None, rank)
            frame.env[holder.value.value] = replace(held, kind=known)


def _plain_names(elements: Seq[cst.BaseElement]) -> bool:
    return all(isinstance(element.value, cst.Name) for element in elements)


@executes(cst.Return)
def return_(frame: Frame, node: cst.Return) -> None:
    """``return``: notes what is returned and ends the flow."""
    kind = frame.eval(node.value) if node.value is not None else NONE
    if node.value is not None:
        frame.returns.append((node.value, kind))
    else:
        frame.returns.append((node, NONE))
    frame.exits.append((node.value, dict(frame.env)))
    frame.gives |= storage_of(frame, node.value)
    frame.alive = False


@executes(cst.Raise, cst.Assert, cst.Del)
def other_simple(frame: Frame, node: Any) -> None:
    """``raise`` ends the flow, ``assert`` tests, ``del`` unbinds."""
    if isinstance(node, cst.Raise):
        if node.exc is not None:
            frame.eval(node.exc)
        frame.alive = False
    elif isinstance(node, cst.Assert):
        kind = frame.eval(node.test)
        condition(frame, node.test, kind, "assert")
        if node.msg is not None:
            frame.eval(node.msg)
    elif isinstance(node.target, cst.Name):
        frame.env.pop(node.target.value, None)
    else:
        frame.eval(node.target)


def condition(frame: Frame, test: cst.BaseExpression, kind: Kind, what: str) -> None:
    """A test on data: works, but only outside jit."""
    if any(isinstance(option, Tensor) for option in options(kind)) and is_tensor(kind):
        frame.read(test, kind)
        if not isinstance(frame.fn.node, cst.Module):
            frame.report(
                "T2J203",
                test,
                f"this {what} depends on values of an array, so the function can't run under jax.jit",
                "call it outside jit, or rewrite the branch with jnp.where or lax.cond",
            )


@executes(cst.Break, cst.Continue)
def leave(frame: Frame, node: Any) -> None:
    """``break`` and ``continue``: the environment joins the loop's end."""
    frame.breaks.append(dict(frame.env))
    frame.alive = False


@executes(cst.If)
def if_(frame: Frame, node: cst.If) -> None:
    """``if``: each side is executed knowing the test, then the environments are merged."""
    kind = frame.eval(node.test)
    decided = decided_test(frame, node.test)
    if decided is not None:
        taken = node.body if decided else node.orelse
        if taken is not None:
            frame.execute((taken,))
        return
    condition(frame, node.test, kind, "if")
    before = dict(frame.env)
    narrow(frame, node.test, True)
    frame.branches += 1
    frame.execute((node.body,))
    after_body, body_alive = frame.env, frame.alive
    frame.env, frame.alive = before, True
    narrow(frame, node.test, False)
    if node.orelse is not None:
        frame.execute((node.orelse,))
    frame.branches -= 1
    _resume(frame, [(after_body, body_alive), (frame.env, frame.alive)])


def decided_test(frame: Frame, test: cst.BaseExpression) -> bool | None:
    """Whether a test has one answer wherever the translation runs: what PyTorch has does not change."""
    note = frame.facts.special.get(test)
    return bool(note[1]) if note is not None and note[0] == "decided" else None


@executes(cst.Else, cst.Finally)
def else_(frame: Frame, node: Any) -> None:
    """The body of ``else`` or ``finally``."""
    frame.execute((node.body,))


def _resume(frame: Frame, flows: list[tuple[Env, bool]]) -> None:
    alive = [env for env, lives in flows if lives]
    frame.alive = bool(alive)
    frame.env = frame.merge(*alive) if alive else flows[-1][0]


def narrow(frame: Frame, test: cst.BaseExpression, truth: bool) -> None:
    """What a test that came out true (or false) says of the names in it."""
    if truth and _narrow_type(frame, test):
        return
    if truth and (_narrow_class_name(frame, test) or _narrow_choice(frame, test)):
        return
    if isinstance(test, cst.UnaryOperation) and isinstance(test.operator, cst.Not):
        narrow(frame, test.expression, not truth)
    elif isinstance(test, cst.BooleanOperation):
        if isinstance(test.operator, cst.And) == truth:
            narrow(frame, test.left, truth)
            narrow(frame, test.right, truth)
    elif isinstance(test, cst.Comparison) and len(test.comparisons) == 1:
        target = test.comparisons[0]
        if isinstance(target.comparator, cst.Name) and target.comparator.value == "None":
            is_none = isinstance(target.operator, cst.Is | cst.Equal) == truth
            _narrow_none(frame, test.left, is_none)
    elif isinstance(test, cst.Name | cst.Attribute) and truth:
        _narrow_none(frame, test, False)
    elif truth and isinstance(test, cst.Call) and isinstance(test.func, cst.Name) and test.func.value == "isinstance":
        if len(test.args) != 2 or not isinstance(test.args[0].value, cst.Name):
            return
        _narrow_instance(frame, test.args[0].value.value, frame.facts.kinds.get(test.args[1].value, UNKNOWN))


def _narrow_class_name(frame: Frame, test: cst.BaseExpression) -> bool:
    """``"Conv" in name``, ``name.find("Conv") != -1``, ``name == "Linear"`` where name is a class's name."""
    found = _class_name_test(frame, test)
    if found is None:
        return False
    kind, text, exact = found
    frame.program.layer_readers.add(frame.fn)
    layers = [layer for name, layer in frame.program.layers.items() if (name == text if exact else text in name)]
    others = [layer for name, layer in frame.program.layers.items() if (name != text if exact else text not in name)]
    value = frame.env.get(kind.variable)
    if value is None:
        return True
    names = {layer.flax.rpartition(".")[2] for layer in layers}
    wrong = {layer.flax.rpartition(".")[2] for layer in others}
    matches = (lambda name: name == text) if exact else (lambda name: text in name)
    if not all(matches(name) for name in names) or any(matches(name) for name in wrong - names):
        frame.report(
            "T2J204", test, f'the class names that "{text}" matches are others in Flax', "use isinstance instead"
        )
    frame.env[kind.variable] = replace(value, kind=union(layers) if layers else AnyModule())
    return True


def _narrow_type(frame: Frame, test: cst.BaseExpression) -> bool:
    """``type(m) == nn.Linear``, with ``is`` and ``in`` as well."""
    if not isinstance(test, cst.Comparison) or len(test.comparisons) != 1:
        return False
    target = test.comparisons[0]
    left = test.left
    if not isinstance(target.operator, cst.Equal | cst.Is | cst.In) or not isinstance(left, cst.Call):
        return False
    if not isinstance(left.func, cst.Name) or left.func.value != "type" or len(left.args) != 1:
        return False
    check_classes(frame, target.comparator)
    subject = left.args[0].value
    if isinstance(subject, cst.Name):
        _narrow_instance(frame, subject.value, frame.facts.kinds.get(target.comparator, UNKNOWN))
    return True


def _narrow_choice(frame: Frame, test: cst.BaseExpression) -> bool:
    """``kind in ("LSTM", "GRU")`` and ``kind == "LSTM"``: the string is one of those."""
    if not isinstance(test, cst.Comparison) or len(test.comparisons) != 1 or not isinstance(test.left, cst.Name):
        return False
    target = test.comparisons[0]
    listed = target.comparator
    if isinstance(target.operator, cst.Equal):
        elements: list[cst.BaseExpression] = [listed]
    elif isinstance(target.operator, cst.In) and isinstance(listed, cst.Tuple | cst.List | cst.Set):
        elements = [element.value for element in listed.elements]
    else:
        return False
    if not elements or not all(isinstance(element, cst.SimpleString) for element in elements):
        return False
    value = frame.env.get(test.left.value)
    if value is not None:
        values = tuple(str(e.evaluated_value) for e in elements if isinstance(e, cst.SimpleString))
        frame.env[test.left.value] = replace(value, kind=Choice(values))
    return True


def _class_name_test(frame: Frame, test: cst.BaseExpression) -> tuple[ClassName, str, bool] | None:
    if isinstance(test, cst.Call) and isinstance(test.func, cst.Attribute) and test.func.attr.value == "startswith":
        subject, text, exact = test.func.value, test.args[0].value if test.args else test, False
    elif isinstance(test, cst.Comparison) and len(test.comparisons) == 1:
        target = test.comparisons[0]
        left, right = test.left, target.comparator
        if (
            isinstance(left, cst.Call)
            and isinstance(left.func, cst.Attribute)
            and left.func.attr.value == "find"
            and left.args
        ):
            if not isinstance(target.operator, cst.NotEqual | cst.GreaterThanEqual | cst.GreaterThan):
                return None
            subject, text, exact = left.func.value, left.args[0].value, False
        elif isinstance(target.operator, cst.In):
            subject, text, exact = right, left, False
        elif isinstance(target.operator, cst.Equal):
            subject, text, exact = left, right, True
        else:
            return None
    else:
        return None
    kind = frame.facts.kinds.get(subject)
    if not isinstance(kind, ClassName) or not isinstance(text, cst.SimpleString):
        return None
    return kind, str(text.evaluated_value), exact


def _narrow_none(frame: Frame, test: cst.BaseExpression, is_none: bool) -> None:
    name = dotted_name(test)
    if name is None:
        return
    value = frame.env.get(name)
    if value is None and isinstance(test, cst.Attribute) and test in frame.facts.kinds:
        value = Value(frame.facts.kinds[test])
    if value is None:
        return
    if not is_none:
        known = without_none(value.kind)  # None alone: nothing is known yet of what else it may be
        frame.env[name] = replace(value, kind=FREE if isinstance(known, NoneKind) else known)
    elif any(isinstance(option, NoneKind) for option in options(value.kind)):
        frame.env[name] = replace(value, kind=NONE)


def _narrow_instance(frame: Frame, name: str, classes: Kind) -> None:
    from torch2jax.infer.calls import instances_of

    value = frame.env.get(name)
    if value is None:
        return
    narrowed = instances_of(frame, classes)
    if narrowed is not None:
        current = [k for k in options(value.kind) if _among(k, narrowed)]
        frame.env[name] = replace(value, kind=union(current) if current else narrowed)


def _among(kind: Kind, allowed: Kind) -> bool:
    if isinstance(kind, Tensor):
        return any(isinstance(option, Tensor) for option in options(allowed))
    return any(
        type(kind) is type(o) and getattr(kind, "name", None) == getattr(o, "name", None) for o in options(allowed)
    )


@executes(cst.For)
def for_(frame: Frame, node: cst.For) -> None:
    """``for``: each turn binds the target to an item."""
    iterable = frame.eval(node.iter)
    item = _variables_of(frame, node.iter) or items.iterated(frame, node.iter, iterable)

    hidden = f"%{id(node)}"
    parts = item.items if isinstance(item, Tuple) else (item,)
    variables = all(isinstance(part, Tensor) and part.variable for part in parts)
    frame.env[hidden] = Value(NONE if variables else UNKNOWN, storage=loop_storage(frame, node.iter))

    def enter() -> None:
        head = frame.env[hidden]
        shared = head.storage
        if isinstance(node.target, cst.Tuple):
            for element in node.target.elements:
                each = _element_kind(frame, item, node.target, element)
                where = _place_of_element(frame, node, element)
                store(frame, element.value, each, None, shared if where is None else where)
        else:
            store(frame, node.target, item, None, shared)
        for name in stored(node.target) if head.stale else ():  # the iterator still goes through the old value
            if name in frame.env and not is_number(frame.env[name].kind):
                frame.env[name] = replace(frame.env[name], stale=True)

    loop(frame, enter, node.body)
    if node.orelse is not None:
        frame.execute((node.orelse,))


def _place_of_element(frame: Frame, node: cst.For, element: cst.BaseElement) -> frozenset[Any] | None:
    """Where an item of ``zip(a, b)`` lies: in its own argument."""
    assert isinstance(node.target, cst.Tuple)
    call = node.iter
    zipped = isinstance(call, cst.Call) and isinstance(call.func, cst.Name) and call.func.value == "zip"
    if not zipped or not isinstance(call, cst.Call) or len(call.args) != len(node.target.elements):
        return None
    if any(arg.star for arg in call.args):
        return None
    return loop_storage(frame, call.args[list(node.target.elements).index(element)].value)


def _variables_of(frame: Frame, node: cst.BaseExpression) -> Kind | None:
    """``for p in (self.a, self.b)``: the Variables themselves, so that they can be written to."""
    if not isinstance(node, cst.Tuple | cst.List) or not node.elements:
        return None
    kinds = [frame.facts.kinds.get(element.value, UNKNOWN) for element in node.elements]
    if not all(isinstance(kind, Tensor) and kind.variable for kind in kinds):
        return None
    for element in node.elements:
        frame.facts.reads.discard(element.value)
    return union(kinds)


def _element_kind(frame: Frame, item: Kind, target: cst.Tuple, element: cst.BaseElement) -> Kind:
    if isinstance(element, cst.StarredElement):
        return UNKNOWN
    starred = any(isinstance(e, cst.StarredElement) for e in target.elements)
    plain = without_none(item)
    return items.item_at(frame, plain, None if starred else list(target.elements).index(element))


def loop_storage(frame: Frame, node: cst.BaseExpression) -> frozenset[Any]:
    """The memory that a loop's variable looks into: rows of a tensor, pieces of a split."""
    wrappers = ("enumerate", "zip", "reversed", "list", "tuple")
    if isinstance(node, cst.Call) and isinstance(node.func, cst.Name) and node.func.value in wrappers:
        return frozenset().union(*(loop_storage(frame, arg.value) for arg in node.args))
    return storage_of(frame, node)


@executes(cst.While)
def while_(frame: Frame, node: cst.While) -> None:
    """``while``: each turn knows the test."""

    def enter() -> None:
        condition(frame, node.test, frame.eval(node.test), "while")
        narrow(frame, node.test, True)

    loop(frame, enter, node.body)
    if node.orelse is not None:
        frame.execute((node.orelse,))


def loop(frame: Frame, enter: Any, body: cst.CSTNode) -> None:
    """Run a loop's body until the environment at its head stands still."""
    outer_breaks, frame.breaks = frame.breaks, []
    frame.depth += 1
    head = dict(frame.env)
    known = frame.facts.mark()
    for _ in range(12):
        frame.facts.return_to(known)
        frame.env, frame.alive = dict(head), True
        frame.breaks = []
        enter()
        frame.execute((body,))
        flows = [head, *frame.breaks, *([frame.env] if frame.alive else [])]
        merged = frame.merge(*flows)
        if merged == head:
            break
        head = merged
    frame.env, frame.alive = dict(head), True
    frame.depth -= 1
    frame.breaks = outer_breaks


@executes(cst.With)
def with_(frame: Frame, node: cst.With) -> None:
    """``with``: names what a context of the project gives."""
    for item in node.items:
        kind = frame.eval(item.item)
        if item.asname is not None:
            store(frame, item.asname.name, kind if isinstance(kind, Instance) else UNKNOWN, None)
    frame.execute((node.body,))


@executes(cst.Try, cst.TryStar)
def try_(frame: Frame, node: Any) -> None:
    """``try``: handlers start from anything between before and after the body."""
    before = dict(frame.env)
    frame.execute((node.body,))
    flows = [(frame.env, frame.alive)]
    middle = frame.merge(before, frame.env)
    for handler in node.handlers:
        frame.env, frame.alive = dict(middle), True
        if handler.type is not None:
            frame.eval(handler.type)
        if handler.name is not None:
            frame.env[handler.name.name.value] = Value(UNKNOWN)
        frame.execute((handler.body,))
        flows.append((frame.env, frame.alive))
    if node.orelse is not None and flows[0][1]:
        frame.env, frame.alive = flows[0]
        frame.execute((node.orelse,))
        flows[0] = (frame.env, frame.alive)
    _resume(frame, flows)
    if node.finalbody is not None:
        alive, frame.alive = frame.alive, True
        frame.execute((node.finalbody,))
        frame.alive = frame.alive and alive


@executes(cst.Match)
def match(frame: Frame, node: cst.Match) -> None:
    """``match``: names that patterns bind are unknown."""
    from torch2jax.source.scope import assigned_names

    subject = frame.eval(node.subject)
    frame.use(node.subject, subject)
    before = dict(frame.env)
    flows: list[tuple[Env, bool]] = [(before, True)]
    for case in node.cases:
        frame.env, frame.alive = dict(before), True
        for name in assigned_names(case.pattern):
            frame.env[name] = Value(UNKNOWN)
        for part in walk(case.pattern):
            if isinstance(part, cst.MatchValue | cst.MatchClass):
                frame.eval(part.value if isinstance(part, cst.MatchValue) else part.cls)
            if isinstance(part, cst.MatchClass):
                check_classes(frame, part.cls)
        if case.guard is not None:
            frame.eval(case.guard)
        frame.execute((case.body,))
        flows.append((frame.env, frame.alive))
    _resume(frame, flows)


@executes(cst.FunctionDef)
def function_definition(frame: Frame, node: cst.FunctionDef) -> None:
    """``def``: decorators run here, the body when the function is interpreted."""
    for decorator in node.decorators:
        frame.eval(decorator.decorator)
    """``def``: binds the function."""
    from torch2jax.infer.definitions import define_function

    frame.bind(node.name.value, define_function(frame, node), node)


@executes(cst.ClassDef)
def class_definition(frame: Frame, node: cst.ClassDef) -> None:
    """``class``: binds the class."""
    from torch2jax.infer.definitions import define_class

    frame.bind(node.name.value, define_class(frame, node), node)


@executes(cst.Import, cst.ImportFrom)
def imports(frame: Frame, node: Any) -> None:
    """``import``: binds what the project and the rules know of it."""
    from torch2jax.infer.definitions import imported

    for name, kind in imported(frame, node):
        frame.bind(name, kind, node)
