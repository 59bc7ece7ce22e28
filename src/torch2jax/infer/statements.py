"""Statements: simple ones, flow of control, definitions and imports."""

from __future__ import annotations

from typing import Any

import libcst as cst

from torch2jax.infer.class_tests import check_classes
from torch2jax.infer.frame import Env, Frame, Value, executes
from torch2jax.infer.kinds import NONE, UNKNOWN, Instance
from torch2jax.infer.narrowing import condition, decided_test, narrow
from torch2jax.infer.numpy_arrays import may_be_numpy, note_returned
from torch2jax.infer.optional_imports import taken
from torch2jax.infer.storage import storage_of
from torch2jax.infer.targets import store
from torch2jax.source.nodes import walk


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
    if may_be_numpy(kind):
        note_returned(frame, node.value)
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


@executes(cst.Break, cst.Continue)
def leave(frame: Frame, node: Any) -> None:
    """``break`` and ``continue``: the environment joins the loop's end."""
    frame.breaks.append(dict(frame.env))
    frame.alive = False


@executes(cst.If)
def if_(frame: Frame, node: cst.If) -> None:
    """``if``: each side is executed knowing the test, then the environments are merged."""
    kind = frame.eval(node.test)
    decided = decided_test(frame.facts.special, node.test)
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


@executes(cst.Else, cst.Finally)
def else_(frame: Frame, node: Any) -> None:
    """The body of ``else`` or ``finally``."""
    frame.execute((node.body,))


def _resume(frame: Frame, flows: list[tuple[Env, bool]]) -> None:
    alive = [env for env, lives in flows if lives]
    frame.alive = bool(alive)
    frame.env = frame.merge(*alive) if alive else flows[-1][0]


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
    whole = taken(frame, node) if isinstance(node, cst.Try) else None
    if whole is not None:
        frame.facts.special[node] = ("tried", "body" if whole is node.body else "handler")
        if whole is not node.body:
            note = "the import is left out: what takes its place is PyTorch's own and is translated"
            frame.report("T2J301", node, note)
        frame.execute((whole,))
        return
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
