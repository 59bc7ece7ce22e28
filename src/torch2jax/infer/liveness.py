"""Which names are read again: for each statement of a function, those whose values may still be looked at after it.

A write that nobody looks at needs no translation. What is wrongly held for live costs a line of the output; what is
wrongly held for dead is found by the interpreter, which reports every read of a value that is out of date.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import libcst as cst

from torch2jax.source.nodes import walk

Names = frozenset[str]
NOTHING: Names = frozenset()


class Liveness:
    """Names that are live after each statement of one body. ``after`` has an entry for every statement."""

    def __init__(self, body: Iterable[Any], at_exit: Names = NOTHING) -> None:
        self.after: dict[cst.CSTNode, Names] = {}
        self._at_exit = at_exit
        self._breaks: list[Names] = []
        self._continues: list[Names] = []
        self._handlers: Names = NOTHING
        self._block(list(body), at_exit)

    def _block(self, body: list[Any], live: Names) -> Names:
        for statement in reversed(body):
            live = self._statement(statement, live)
        return live

    def _statement(self, node: Any, live: Names) -> Names:
        live |= self._handlers
        self.after[node] = live | self.after.get(node, NOTHING)
        match node:
            case cst.SimpleStatementLine() | cst.SimpleStatementSuite() | cst.IndentedBlock() | cst.Else():
                return self._inside(node, live)
            case cst.Finally():
                return self._inside(node, live)
            case cst.If():
                return self._if(node, live)
            case cst.For() | cst.While():
                return self._loop(node, live)
            case cst.With():
                bound = frozenset().union(*(stored(i.asname.name) for i in node.items if i.asname is not None))
                inner = self._inside(node.body, live)
                return (inner - bound).union(*(loaded(item.item) for item in node.items))
            case cst.Try() | cst.TryStar():
                return self._try(node, live)
            case cst.Match():
                inner = frozenset().union(live, *(self._inside(case.body, live) for case in node.cases))
                guards = [loaded(case) for case in node.cases]
                return frozenset().union(inner, loaded(node.subject), *guards)
            case cst.FunctionDef() | cst.ClassDef():
                return (live - {node.name.value}) | names_in(node)
            case _:
                return self._small(node, live)

    def _inside(self, node: Any, live: Names) -> Names:
        body = node.body
        return self._statement(body, live) if isinstance(body, cst.CSTNode) else self._block(list(body), live)

    def _if(self, node: cst.If, live: Names) -> Names:
        after_test = self._inside(node.body, live)
        after_test |= self._statement(node.orelse, live) if node.orelse is not None else live
        return after_test | loaded(node.test)

    def _loop(self, node: Any, live: Names) -> Names:
        after = self._statement(node.orelse, live) if node.orelse is not None else live
        header = loaded(node.iter) if isinstance(node, cst.For) else loaded(node.test)
        bound = stored(node.target) if isinstance(node, cst.For) else NOTHING
        targets = loaded(node.target) - bound if isinstance(node, cst.For) else NOTHING
        head = after | (header if isinstance(node, cst.While) else NOTHING)
        self._breaks.append(live)
        while True:
            self._continues.append(head)
            entry = self._inside(node.body, head)
            self._continues.pop()
            new = head | (entry - bound) | targets
            if new == head:
                break
            head = new
        self._breaks.pop()
        return head | header

    def _try(self, node: Any, live: Names) -> Names:
        outer = self._handlers
        if node.finalbody is not None:
            live = self._statement(node.finalbody, live)
        handled = frozenset().union(
            *(self._inside(h.body, live) | (loaded(h.type) if h.type is not None else NOTHING) for h in node.handlers)
        )
        after = self._statement(node.orelse, live) if node.orelse is not None else live
        self._handlers = outer | handled | (live if node.finalbody is not None else NOTHING)
        entry = self._inside(node.body, after)
        self._handlers = outer
        return entry | handled

    def _small(self, node: Any, live: Names) -> Names:
        match node:
            case cst.Return():
                kept = self._at_exit | self._handlers
                self.after[node] = kept
                return kept | (loaded(node.value) if node.value is not None else NOTHING)
            case cst.Raise():
                return self._handlers | loaded(node)
            case cst.Break():
                return self._breaks[-1] if self._breaks else live
            case cst.Continue():
                return self._continues[-1] if self._continues else live
        return (live - killed(node)) | loaded(node)


def killed(node: Any) -> Names:
    """Names to which a small statement gives another value, whatever they held before."""
    match node:
        case cst.Assign():
            return frozenset().union(*(stored(target.target) for target in node.targets))
        case cst.AnnAssign() if node.value is not None:
            return stored(node.target)
        case cst.Del():
            return stored(node.target)
    return NOTHING


def stored(node: Any) -> Names:
    """The names that a target binds."""
    if isinstance(node, cst.Name):
        return frozenset((node.value,))
    if isinstance(node, cst.Tuple | cst.List):
        return frozenset().union(*(stored(element.value) for element in node.elements))
    return NOTHING


def loaded(node: Any) -> Names:
    """The names that running a statement or expression reads."""
    if isinstance(node, cst.Assign):
        return loaded(node.value).union(*(loaded(t.target) - stored(t.target) for t in node.targets))
    if isinstance(node, cst.AnnAssign):
        return (loaded(node.value) if node.value is not None else NOTHING) | (loaded(node.target) - stored(node.target))
    if isinstance(node, cst.Del):
        return loaded(node.target) - stored(node.target)
    return names_in(node)


def names_in(node: cst.CSTNode) -> Names:
    """All names in a tree, read or bound: inner scopes may run later."""
    return frozenset(part.value for part in walk(node) if isinstance(part, cst.Name))
