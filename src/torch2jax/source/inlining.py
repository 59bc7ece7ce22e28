"""Functions that do a part of a training step, written out where they are called.

``self.backward_G()`` in front of ``self.optimizer_G.step()``: the step is one function in JAX, so that its statements
have to stand in a row. They are those of the function, with the arguments in the place of its parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import libcst as cst

from torch2jax.source.assigned import assigned_names
from torch2jax.source.nodes import dotted_name, walk

Key: TypeAlias = "tuple[str, str]"
"""The class of a method, empty for a function of the file, and its name."""

Target: TypeAlias = "cst.Name | cst.Attribute"

_DEEP = 5


@dataclass(slots=True)
class Inlined:
    """A file with functions written out; ``origins``: the nodes of the file as it was, by those that stand for them."""

    tree: cst.Module
    origins: dict[cst.CSTNode, cst.CSTNode] = field(default_factory=dict)


def inlined(tree: cst.Module, is_used_elsewhere: Callable[[str], bool]) -> Inlined:
    """A file whose backward passes stand where the steps are, as far as they are in functions of the same file.

    So does what zeroes gradients.

    ``is_used_elsewhere``: whether another file mentions a name.
    """
    functions = dict(functions_of(tree))
    parts = {key for key, fn in functions.items() if calls_method(fn, "backward") and not calls_method(fn, "step")}
    while True:
        more = {
            key
            for key, fn in functions.items()
            if key not in parts and not calls_method(fn, "step") and any(k in parts for k in _called(key, fn))
        }
        if not more:
            break
        parts |= more
    parts |= {key for key, fn in functions.items() if _only_zeroes(fn)}
    parts = {key for key in parts if _is_simple(functions[key])}
    if not parts:
        return Inlined(tree)
    result = Inlined(tree)
    change = _Inlining(functions, parts, result.origins)
    result.tree = tree.visit(change)
    if not change.done:
        return Inlined(tree)
    left = {key for key in change.done & parts if not is_used_elsewhere(key[1])}
    while gone := {key for key in left if not is_mentioned(result.tree, key)}:
        result.tree = result.tree.visit(Removal(gone, result.origins))
        left -= gone
    return result


# --- what is there ---------------------------------------------------------------------------------------------------


def functions_of(tree: cst.Module) -> Iterator[tuple[Key, cst.FunctionDef]]:
    """The functions of a file and the methods of its classes, save for those that have several definitions."""
    found: dict[Key, list[cst.FunctionDef]] = {}
    bases: dict[str, set[str]] = {}
    for statement in tree.body:
        if isinstance(statement, cst.FunctionDef):
            found.setdefault(("", statement.name.value), []).append(statement)
        if isinstance(statement, cst.ClassDef):
            bases[statement.name.value] = {dotted_name(base.value) or "" for base in statement.bases}
            for item in statement.body.body:
                if isinstance(item, cst.FunctionDef):
                    found.setdefault((statement.name.value, item.name.value), []).append(item)
    for (cls, name), fns in found.items():
        others = {other for other, same in found if same == name and other != cls}
        if len(fns) == 1 and not any(cls in bases.get(o, ()) or o in bases.get(cls, ()) for o in others):
            yield (cls, name), fns[0]


def _only_zeroes(fn: cst.FunctionDef) -> bool:
    """Whether a function does nothing but call ``zero_grad``."""
    lines = statements_of(fn) if isinstance(fn.body, cst.IndentedBlock) else []
    calls = [call for line in lines if (call := _called_alone(line)) is not None]
    return bool(calls) and len(calls) == len(lines) and all(calls_method(call, "zero_grad") for call in calls)


def _called_alone(line: Any) -> cst.Call | None:
    """The call that a line consists of."""
    small = line.body[0] if isinstance(line, cst.SimpleStatementLine) and len(line.body) == 1 else None
    return small.value if isinstance(small, cst.Expr) and isinstance(small.value, cst.Call) else None


def calls_method(fn: cst.CSTNode, method: str) -> bool:
    """Whether a method of this name is called."""
    return any(
        isinstance(part, cst.Call) and isinstance(part.func, cst.Attribute) and part.func.attr.value == method
        for part in walk(fn)
    )


def _called(key: Key, fn: cst.FunctionDef) -> Iterator[Key]:
    for part in walk(fn):
        if isinstance(part, cst.SimpleStatementLine):
            called = _call_of(part, key, fn)
            if called is not None:
                yield called[0]


def _call_of(line: cst.CSTNode, key: Key, fn: cst.FunctionDef | None) -> tuple[Key, cst.Call, Target | None] | None:
    """The function that a statement calls, the call, and the name that gets the result: ``f(x)``, ``y = self.f(x)``."""
    if not isinstance(line, cst.SimpleStatementLine) or len(line.body) != 1:
        return None
    small: Any = line.body[0]
    target: Target | None = None
    if isinstance(small, cst.Assign) and len(small.targets) == 1:
        first = small.targets[0].target
        target = first if isinstance(first, cst.Name | cst.Attribute) else None
    if target is None and not isinstance(small, cst.Expr):
        return None
    node = small.value
    if not isinstance(node, cst.Call):
        return None
    if isinstance(node.func, cst.Name):
        return ("", node.func.value), node, target
    receiver = _receiver(fn) if fn is not None and key[0] else None
    func = node.func
    if isinstance(func, cst.Attribute) and isinstance(func.value, cst.Name) and func.value.value == receiver:
        return (key[0], func.attr.value), node, target
    return None


def _receiver(fn: cst.FunctionDef) -> str | None:
    params = fn.params.params
    return params[0].name.value if params else None


def _is_simple(fn: cst.FunctionDef) -> bool:
    """Whether a function's statements may stand elsewhere: it returns at its end only, and takes plain arguments."""
    params = fn.params
    if fn.decorators or fn.asynchronous or params.kwonly_params or params.star_kwarg or params.posonly_params:
        return False
    if isinstance(params.star_arg, cst.Param) or any(param.default is not None for param in params.params):
        return False
    last = statements_of(fn)[-1:]
    for part in walk(fn.body):
        if isinstance(part, cst.FunctionDef | cst.ClassDef | cst.Lambda | cst.Yield | cst.Global | cst.Nonlocal):
            return False
        if isinstance(part, cst.Attribute) and part.attr.value == "grad":  # gradients of arrays, which it gives itself
            return False
        is_last = last and isinstance(last[0], cst.SimpleStatementLine) and part in last[0].body
        if isinstance(part, cst.Return) and not (is_last and len(last[0].body) == 1):
            return False
    return True


def statements_of(fn: cst.FunctionDef) -> list[Any]:
    """The statements of a function without its docstring."""
    lines = list(fn.body.body)
    first = lines[0].body[0] if lines and isinstance(lines[0], cst.SimpleStatementLine) else None
    is_text = isinstance(first, cst.Expr) and isinstance(first.value, cst.SimpleString | cst.ConcatenatedString)
    return lines[1:] if is_text else lines


def is_mentioned(tree: cst.Module, key: Key) -> bool:
    """Whether a file still names a function, in a string as well."""
    for part in walk(tree):
        if isinstance(part, cst.Attribute) and part.attr.value == key[1] and key[0]:
            return True
        if isinstance(part, cst.Name) and part.value == key[1] and not key[0]:
            return True
        if isinstance(part, cst.SimpleString) and key[1] in part.value:
            return True
    return False


# --- writing out -----------------------------------------------------------------------------------------------------


class Tracing(cst.CSTTransformer):
    """Knows for every new node which one it stands for."""

    def __init__(self, origins: dict[cst.CSTNode, cst.CSTNode]) -> None:
        super().__init__()
        self.origins = origins

    def on_leave(self, original_node: Any, updated_node: Any) -> Any:
        """Note it."""
        new = super().on_leave(original_node, updated_node)
        if isinstance(new, cst.CSTNode) and new is not original_node:
            self.origins.setdefault(new, self.origins.get(original_node, original_node))
        return new


class _Inlining(Tracing):
    def __init__(
        self, functions: dict[Key, cst.FunctionDef], parts: set[Key], origins: dict[cst.CSTNode, cst.CSTNode]
    ) -> None:
        super().__init__(origins)
        self.functions, self.parts = functions, parts
        self.done: set[Key] = set()
        self.around: list[tuple[Key, cst.FunctionDef]] = []
        self.cls = ""
        self.wanted: dict[Key, set[Key]] = {}

    def visit_ClassDef(self, node: cst.ClassDef) -> None:
        self.cls = node.name.value

    def leave_ClassDef(self, original_node: cst.ClassDef, updated_node: cst.ClassDef) -> cst.ClassDef:
        self.cls = ""
        return updated_node

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        self.around.append(((self.cls, node.name.value), node))

    def leave_FunctionDef(self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef) -> cst.FunctionDef:
        self.around.pop()
        return updated_node

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> Any:
        if not self.around:
            return updated_node
        key, fn = self.around[-1]
        if not calls_method(fn, "step") or len(self.around) > 1:
            return updated_node
        wanted = self._wanted(key, fn)
        called = _call_of(original_node, key, fn)
        if called is None or called[0] not in wanted:
            return updated_node
        lines = self._written_out(original_node, key, fn, wanted, set(names_of(fn)), _DEEP)
        return updated_node if lines is None else cst.FlattenSentinel(lines)

    def _wanted(self, key: Key, fn: cst.FunctionDef) -> set[Key]:
        """What is written out in a function: parts with backward passes, and what computes the attributes they read."""
        if key not in self.wanted:
            wanted = {k for k in _called(key, fn) if k in self.parts}
            read = {name for k in wanted for name in _attributes(self.functions[k], self._of(k))}
            for other in set(_called(key, fn)) - wanted:
                callee = self.functions.get(other)
                if (
                    not wanted
                    or not other[0]
                    or callee is None
                    or calls_method(callee, "step")
                    or not _is_simple(callee)
                ):
                    continue
                if read & set(_attributes_set(callee)):
                    wanted.add(other)
            self.wanted[key] = wanted
        return self.wanted[key]

    def _of(self, key: Key) -> str | None:
        return _receiver(self.functions[key]) if key[0] else None

    def _written_out(
        self, line: cst.SimpleStatementLine, key: Key, fn: cst.FunctionDef, wanted: set[Key], taken: set[str], deep: int
    ) -> list[Any] | None:
        """The statements that a call stands for; None where they can't stand there."""
        called = _call_of(line, key, fn)
        if called is None or called[0] not in wanted | self.parts or not deep:
            return None
        callee_key, node, target = called
        callee = self.functions[callee_key]
        given = given_by(callee, node, bool(callee_key[0]), _receiver(fn))
        body = statements_of(callee)
        result = body[-1].body[0].value if _returns(body[-1:]) else None
        if given is None or (target is not None and result is None):
            return None
        names, first = self._renamed(callee, body, given, taken, target, result)
        self.done.add(callee_key)
        lines: list[Any] = list(first)
        for statement in body[:-1] if _returns(body[-1:]) else body:
            copy = self._copied(statement, names)
            inner = self._written_out(copy, key, fn, self.parts, taken, deep - 1)
            lines += [copy] if inner is None else inner
        if target is not None and result is not None:
            value = self._copied(result, names)
            if not (isinstance(value, cst.Name) and isinstance(target, cst.Name) and value.value == target.value):
                assigned = cst.Assign([cst.AssignTarget(target.deep_clone())], value)
                lines.append(cst.SimpleStatementLine([assigned], leading_lines=_comments(body[-1])))
        if lines:
            own = [*line.leading_lines, *_comments(line)[len(_above(line)) :], *heading_of(callee)]
            own += getattr(lines[0], "leading_lines", ())
            first_line = lines[0].with_changes(leading_lines=own)
            self.origins[first_line] = self.origins.get(lines[0], lines[0])
            lines[0] = first_line
        return lines

    def _copied(self, node: Any, names: dict[str, cst.BaseExpression]) -> Any:
        copy = node.deep_clone()
        for before, after in zip(walk(node), walk(copy), strict=True):
            self.origins[after] = self.origins.get(before, before)
        return copy.visit(Substitution(names, self.origins))

    def _renamed(
        self,
        callee: cst.FunctionDef,
        body: Sequence[Any],
        given: dict[str, cst.BaseExpression],
        taken: set[str],
        target: Target | None,
        result: cst.BaseExpression | None,
    ) -> tuple[dict[str, cst.BaseExpression], list[Any]]:
        """What stands for the parameters and variables of a function, and assignments of the former where needed."""
        bound = set(assigned_names(list(body)))
        names: dict[str, cst.BaseExpression] = {}
        first: list[Any] = []
        for param, value in given.items():
            plain = isinstance(value, cst.Name | cst.Attribute | cst.Integer | cst.Float | cst.SimpleString)
            if param not in bound and plain:
                names[param] = value
                continue
            new = free_name(param, taken)
            names[param] = cst.Name(new)
            first.append(cst.SimpleStatementLine([cst.Assign([cst.AssignTarget(cst.Name(new))], value.deep_clone())]))
        for name in sorted(bound - given.keys()):
            if isinstance(result, cst.Name) and result.value == name and isinstance(target, cst.Name):
                names[name] = cst.Name(target.value)
                continue
            new = free_name(name, taken)
            if new != name:
                names[name] = cst.Name(new)
        return names, first


def free_name(wanted: str, taken: set[str]) -> str:
    """A name like this one that is not taken, and is from now on."""
    name, number = wanted, 2
    while name in taken:
        name, number = f"{wanted}_{number}", number + 1
    taken.add(name)
    return name


def _above(node: Any) -> list[cst.EmptyLine]:
    """The comments above a statement."""
    return [line for line in node.leading_lines if line.comment is not None]


def _comments(line: cst.SimpleStatementLine) -> list[cst.EmptyLine]:
    """The comments above a statement and behind it, as lines of their own."""
    behind = line.trailing_whitespace.comment
    return [*_above(line), *([cst.EmptyLine(comment=behind)] if behind is not None else [])]


def heading_of(fn: cst.FunctionDef) -> list[cst.EmptyLine]:
    """The comments above a function and behind its header, and those of its docstring."""
    lines = _above(fn)
    if isinstance(fn.body, cst.IndentedBlock):
        if fn.body.header.comment is not None:
            lines.append(cst.EmptyLine(comment=fn.body.header.comment))
        if fn.get_docstring() is not None and isinstance(fn.body.body[0], cst.SimpleStatementLine):
            lines += _comments(fn.body.body[0])
    return lines


def _returns(lines: Sequence[Any]) -> bool:
    return bool(lines) and isinstance(lines[0], cst.SimpleStatementLine) and isinstance(lines[0].body[0], cst.Return)


def names_of(fn: cst.CSTNode) -> Iterator[str]:
    """The names in a piece of code, those of parameters as well."""
    parts = (part.name if isinstance(part, cst.Param) else part for part in walk(fn))
    return (part.value for part in parts if isinstance(part, cst.Name))


def _attributes(fn: cst.CSTNode, receiver: str | None) -> Iterator[str]:
    for part in walk(fn):
        if isinstance(part, cst.Attribute) and isinstance(part.value, cst.Name) and part.value.value == receiver:
            yield part.attr.value


def _attributes_set(fn: cst.FunctionDef) -> Iterator[str]:
    receiver = _receiver(fn)
    for part in walk(fn):
        targets: Iterable[Any] = part.targets if isinstance(part, cst.Assign) else ()
        for target in targets:
            yield from _attributes(target.target, receiver)


def given_by(
    callee: cst.FunctionDef, node: cst.Call, is_method: bool, receiver: str | None
) -> dict[str, cst.BaseExpression] | None:
    """What a call gives to the parameters; None where that is not written out."""
    names = [param.name.value for param in callee.params.params]
    given: dict[str, cst.BaseExpression] = {}
    if is_method:
        if not names or receiver is None:
            return None
        given[names[0]] = cst.Name(receiver)
        names = names[1:]
    for index, arg in enumerate(node.args):
        if arg.star or (arg.keyword is None and index >= len(names)):
            return None
        given[arg.keyword.value if arg.keyword is not None else names[index]] = arg.value
    return given if all(name in given for name in names) else None


class Substitution(Tracing):
    """Puts expressions in the place of names."""

    def __init__(self, names: dict[str, cst.BaseExpression], origins: dict[cst.CSTNode, cst.CSTNode]) -> None:
        super().__init__(origins)
        self.names = names

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.BaseExpression:
        """The expression for a name."""
        new = self.names.get(original_node.value)
        return updated_node if new is None else new.deep_clone()

    def leave_Attribute(self, original_node: cst.Attribute, updated_node: cst.Attribute) -> cst.BaseExpression:
        """The name of an attribute is no variable."""
        return updated_node.with_changes(attr=original_node.attr)

    def leave_Arg(self, original_node: cst.Arg, updated_node: cst.Arg) -> cst.Arg:
        """Nor is a keyword."""
        return updated_node.with_changes(keyword=original_node.keyword)


class Removal(Tracing):
    """Takes out functions that nobody calls any more."""

    def __init__(self, gone: set[Key], origins: dict[cst.CSTNode, cst.CSTNode]) -> None:
        super().__init__(origins)
        self.gone = gone
        self.cls = ""

    def visit_ClassDef(self, node: cst.ClassDef) -> None:
        """Methods go by their class."""
        self.cls = node.name.value

    def leave_ClassDef(self, original_node: cst.ClassDef, updated_node: cst.ClassDef) -> cst.ClassDef:
        """Behind it come functions of the file again."""
        self.cls = ""
        return updated_node

    def leave_FunctionDef(self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef) -> Any:
        """Nothing, in the place of one that goes."""
        return cst.RemoveFromParent() if (self.cls, original_node.name.value) in self.gone else updated_node
