"""The program of an example written in other ways, which all mean the same.

A rule must translate each of them to what the example computes, or flag it: arguments by keyword or by position, names
imported in another way, starred arguments, values that come from a variable, a method for a function.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from torch2jax.rules.model import Param, Rule
from torch2jax.verify.rendering import Program

_MODULES = {"torch": "torch", "F": "torch.nn.functional", "nn": "torch.nn"}
_METHOD = "torch.Tensor."


def restyled(program: Program, rule: Rule) -> Iterator[tuple[str, Program]]:
    """The program in every other style in which it can be written, with the style's name."""
    for style, write in _STYLES.items():
        tree = ast.parse(program.source)
        writer = _Writer(tree, rule)
        changed = [write(writer, call) for call in writer.calls()]
        if any(changed):
            writer.finish()
            source = ast.unparse(ast.fix_missing_locations(tree)) + "\n"
            if source != program.source:
                yield style, replace(program, source=source)


class _Writer:
    """A program that is being changed: where its calls of the rule stand, and what is put in front of them."""

    def __init__(self, tree: ast.Module, rule: Rule) -> None:
        self.rule = rule
        self._tree = tree
        self._imports: list[ast.stmt] = []
        self._functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        self._before: list[tuple[ast.FunctionDef, ast.stmt, ast.stmt]] = []
        self._names = 0

    def calls(self) -> list[ast.Call]:
        """The calls that the rule translates."""
        calls = [node for node in ast.walk(self._tree) if isinstance(node, ast.Call)]
        return [call for call in calls if self.name_of(call) or self.is_method(call)]

    def name_of(self, call: ast.Call) -> str:
        """The rule's name of a function or class that is called by its module, else an empty text."""
        root, _, rest = ast.unparse(call.func).partition(".")
        name = f"{_MODULES[root]}.{rest}" if root in _MODULES and rest else ""
        return name if name in self.rule.names else ""

    def is_method(self, call: ast.Call) -> bool:
        """Whether it is a method of the rule, on a tensor."""
        if not isinstance(call.func, ast.Attribute) or _METHOD + call.func.attr not in self.rule.names:
            return False
        return ast.unparse(call.func).partition(".")[0] not in _MODULES

    def params(self, call: ast.Call) -> Sequence[Param]:
        """The parameters that the arguments of a call stand for."""
        return self.rule.params[1:] if self.is_method(call) else self.rule.params

    def import_as(self, name: str) -> ast.expr:
        """A name of its own for something that is imported."""
        module, _, own = name.rpartition(".")
        alias = f"{own}_imported"
        self._imports += ast.parse(f"from {module} import {own} as {alias}").body
        return ast.Name(alias, ast.Load())

    def bind(self, call: ast.Call, value: ast.expr) -> ast.expr:
        """A variable that is assigned in front of the statement with the call."""
        function, statement = self._place(call)
        name = self._new_name()
        self._before.append((function, statement, ast.Assign([ast.Name(name, ast.Store())], value)))
        return ast.Name(name, ast.Load())

    def parameter(self, call: ast.Call, value: ast.expr) -> ast.expr:
        """A parameter of the function around the call, with the value as its default."""
        function, _ = self._place(call)
        name = self._new_name()
        function.args.args.append(ast.arg(name))
        function.args.defaults.append(value)
        return ast.Name(name, ast.Load())

    def finish(self) -> None:
        """Put in what was collected."""
        for function, statement, new in self._before:
            function.body.insert(function.body.index(statement), new)
        self._tree.body[:0] = self._imports

    def _place(self, call: ast.Call) -> tuple[ast.FunctionDef, ast.stmt]:
        for function in self._functions:
            for statement in function.body:
                if any(node is call for node in ast.walk(statement)):
                    return function, statement
        raise AssertionError("a call outside of the functions")

    def _new_name(self) -> str:
        self._names += 1
        return f"value{self._names}"


# ---- styles: each changes one call, and says whether it could ----


def _by_keyword(writer: _Writer, call: ast.Call) -> bool:
    """What is given by position, by keyword."""
    for argument, param in zip(reversed(call.args), reversed(writer.params(call)[: len(call.args)]), strict=False):
        if isinstance(argument, ast.Starred) or param.kind != "pos" or param.name == "self":
            break
        if len(call.args) > len(writer.params(call)):
            break
        call.args.pop()
        call.keywords.insert(0, ast.keyword(param.name, argument))
    return True


def _by_position(writer: _Writer, call: ast.Call) -> bool:
    """What is given by keyword, by position as far as the signature allows."""
    if any(isinstance(argument, ast.Starred) for argument in call.args):
        return False
    given = {keyword.arg: keyword for keyword in call.keywords}
    for param in writer.params(call)[len(call.args) :]:
        if param.kind not in ("pos", "pos_only") or not call.keywords:
            break
        if param.name in given:
            call.args.append(given[param.name].value)
            call.keywords.remove(given[param.name])
        elif param.default is not None and param.default[0] == "const" and _more(given, writer.params(call), param):
            call.args.append(ast.Constant(param.default[1]))
        else:
            break
    return True


def _more(given: dict[str | None, ast.keyword], params: Sequence[Param], after: Param) -> bool:
    """Whether a parameter behind one that is not given is given."""
    place = [param.name for param in params].index(after.name)
    return any(param.name in given and param.kind == "pos" for param in params[place:])


def _imported(writer: _Writer, call: ast.Call) -> bool:
    """The function or class under a name of its own."""
    name = writer.name_of(call)
    if name:
        call.func = writer.import_as(name)
    return bool(name)


def _starred(writer: _Writer, call: ast.Call) -> bool:
    """The arguments from a tuple and a dict."""
    plain = not any(isinstance(argument, ast.Starred) for argument in call.args)
    if call.args and plain:
        call.args = [ast.Starred(writer.bind(call, ast.Tuple(call.args, ast.Load())), ast.Load())]
    if call.keywords and all(keyword.arg for keyword in call.keywords):
        pairs = [(ast.Constant(keyword.arg), keyword.value) for keyword in call.keywords]
        options = writer.bind(call, ast.Dict([key for key, _ in pairs], [value for _, value in pairs]))
        call.keywords = [ast.keyword(None, options)]
    return True


def _from_variables(writer: _Writer, call: ast.Call) -> bool:
    """Literals from parameters of the program, so that their values are not known."""
    before = [*call.args, *(keyword.value for keyword in call.keywords)]
    call.args = [writer.parameter(call, arg) if _is_literal(arg) else arg for arg in call.args]
    for keyword in call.keywords:
        if _is_literal(keyword.value):
            keyword.value = writer.parameter(call, keyword.value)
    return any(_is_literal(value) for value in before)


def _is_literal(node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return node.value is not None
    if isinstance(node, ast.UnaryOp):
        return _is_literal(node.operand)
    return isinstance(node, ast.Tuple) and bool(node.elts) and all(_is_literal(item) for item in node.elts)


def _as_the_other(writer: _Writer, call: ast.Call) -> bool:
    """A method for a function, a function for a method."""
    names = writer.rule.names
    methods = [name.removeprefix(_METHOD) for name in names if name.startswith(_METHOD)]
    functions = [name for name in names if name.startswith("torch.") and not name.startswith(_METHOD)]
    if writer.is_method(call) and functions and isinstance(call.func, ast.Attribute):
        call.args.insert(0, call.func.value)
        call.func = copy.deepcopy(ast.parse(functions[0], mode="eval").body)
        return True
    if writer.name_of(call) and methods and call.args and not isinstance(call.args[0], ast.Starred):
        call.func = ast.Attribute(call.args.pop(0), methods[0], ast.Load())
        return True
    return False


_STYLES: dict[str, Callable[[_Writer, ast.Call], bool]] = {
    "by keyword": _by_keyword,
    "by position": _by_position,
    "imported by name": _imported,
    "starred": _starred,
    "from variables": _from_variables,
    "method or function": _as_the_other,
}
