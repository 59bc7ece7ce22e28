"""Functions that a constructor keeps in attributes: one that uses the module's own parts becomes a method.

`nnx.split`, `nnx.jit` and `nnx.grad` work on copies of a module. A function that holds a part of the first one in its
closure goes on using that one: its parameters get no gradients, and its state does not change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import libcst as cst

from torch2jax.infer.kinds import UNKNOWN, Function, Instance, Kind, Tensor, is_module, options
from torch2jax.infer.program import ClassInfo, FunctionInfo
from torch2jax.rewrite.comments import comments_of
from torch2jax.rewrite.rewriter import Rewriter
from torch2jax.rewrite.rule_calls import flag
from torch2jax.source.nodes import walk

_BLANK = cst.EmptyLine(indent=False)
_Function = cst.Lambda | cst.FunctionDef


@dataclass(frozen=True, slots=True)
class _Kept:
    """``self.name = function`` in a constructor; ``definition``: the local ``def`` that it names."""

    line: cst.SimpleStatementLine
    name: str
    function: _Function
    definition: cst.FunctionDef | None


def with_methods(rewriter: Rewriter, cls: ClassInfo, block: Any) -> Any:
    """The body of a class (translated) with such functions as methods behind the constructor.

    One that can't be moved, since it uses other variables of the constructor as well, is reported.
    """
    constructor = next((part for part in block.body if _is_constructor(part)), None)
    if constructor is None or "__init__" not in cls.methods or not cls.is_module:
        return block
    source = cls.methods["__init__"]
    receiver = constructor.params.params[0].name.value if constructor.params.params else ""
    bound_methods = _bound_methods(source, receiver)
    _report_new_parts(rewriter, source, receiver)
    all_kept = list(_kept(constructor, receiver, bound_methods))
    _refuse_others(rewriter, receiver, bound_methods, {kept.name for kept in all_kept})
    if not all_kept:
        return block
    aliases = _aliases(constructor, receiver)
    held = {name for name, cell in (source.params | source.closure).items() if name == receiver or _is_part(cell.kind)}
    bound = _bound(constructor) | {receiver}
    methods: list[cst.FunctionDef] = []
    moved: list[Any] = []
    for kept in all_kept:
        used = _free(kept.function) & bound - {kept.name if kept.definition is None else ""}
        if not used & held:
            continue
        if used <= {receiver, *aliases} and _can_move(cls, block, constructor, kept, receiver):
            methods.append(_method(kept, receiver, aliases))
            moved += [kept.line, *([kept.definition] if kept.definition is not None else [])]
        else:
            names = ", ".join(f"`{name}`" for name in sorted(used & held))
            message = (
                f"the function in `{receiver}.{kept.name}` holds {names}; copies of the module (nnx.split, nnx.jit)"
            )
            node = _origin(source.node, receiver, kept.name)
            flag(rewriter, node, "T2J205", f"{message} would go on using the first one", "make it a method")
    if not methods:
        return block
    shorter = _without(constructor, moved, aliases)
    body: list[Any] = []
    for part in block.body:
        body += [shorter, *methods] if part is constructor else [part]
    return block.with_changes(body=body)


def _origin(source: Any, receiver: str, name: str) -> cst.CSTNode:
    """The statement of the source that sets an attribute."""
    targets = (part for part in walk(source.body) if isinstance(part, cst.AssignTarget))
    return next((part.target for part in targets if _attribute_of(part.target, receiver) == name), source)


def _is_constructor(part: Any) -> bool:
    return isinstance(part, cst.FunctionDef) and part.name.value == "__init__" and _is_indented(part)


def _is_indented(part: cst.FunctionDef) -> bool:
    return isinstance(part.body, cst.IndentedBlock)


def _is_part(kind: Any) -> bool:
    return is_module(kind) or any(isinstance(option, Tensor) and option.variable for option in options(kind))


def _bound_methods(source: FunctionInfo, receiver: str) -> dict[str, cst.CSTNode]:
    """The attributes that get a method of a module, but for ``forward``, and where: ``self.run = self.step``."""
    found: dict[str, cst.CSTNode] = {}
    for part in walk(source.node):
        if not isinstance(part, cst.Assign):
            continue
        for option in options(source.facts.kinds.get(part.value, UNKNOWN)):
            name = _attribute_of(part.targets[0].target, receiver)
            if name is not None and _is_own_method(option):
                found[name] = part.targets[0].target
    return found


def _is_own_method(kind: Kind) -> bool:
    of_module = isinstance(kind, Function) and isinstance(kind.bound, Instance) and kind.bound.cls.is_module
    return isinstance(kind, Function) and of_module and not kind.info.is_forward


def _report_new_parts(rewriter: Rewriter, source: FunctionInfo, receiver: str) -> None:
    """``self.run = m.forward`` makes ``m`` a part of the module, which in PyTorch it is only by an attribute."""
    lines = [part for part in walk(source.node) if isinstance(part, cst.Assign)]
    parts = {line.value.value for line in lines if isinstance(line.value, cst.Name) and _sets(line, receiver)}
    for line in lines:
        match line.value:
            case cst.Attribute(value=cst.Name(value=name), attr=cst.Name(value="forward")) if name != receiver:
                if _sets(line, receiver) and name not in parts:
                    message = f"`{name}` becomes a part of the module, with its parameters; in PyTorch it is none"
                    flag(rewriter, line.targets[0].target, "T2J205", message, f"keep `{name}` in an attribute")


def _sets(line: cst.Assign, receiver: str) -> bool:
    return _attribute_of(line.targets[0].target, receiver) is not None


def _refuse_others(rewriter: Rewriter, receiver: str, found: Mapping[str, cst.CSTNode], moved: set[str]) -> None:
    """Report methods that are kept under a condition, or of what is no part of the module."""
    for name, node in found.items():
        if name not in moved:
            message = f"the method in `{receiver}.{name}` holds its module; copies of it (nnx.split, nnx.jit)"
            flag(rewriter, node, "T2J205", f"{message} would go on using the first one", "write a method that calls it")


def _forwarding(value: cst.BaseExpression) -> cst.Lambda:
    """``lambda *args, **kwargs: value(*args, **kwargs)``."""
    star, double = cst.Param(cst.Name("args"), star="*"), cst.Param(cst.Name("kwargs"), star="**")
    args = [cst.Arg(cst.Name("args"), star="*"), cst.Arg(cst.Name("kwargs"), star="**")]
    return cst.Lambda(cst.Parameters(star_arg=star, star_kwarg=double), cst.Call(value, args))


def _kept(constructor: cst.FunctionDef, receiver: str, bound_methods: Mapping[str, cst.CSTNode]) -> Iterator[_Kept]:
    """The functions that statements of the constructor (not of its blocks) put into attributes."""
    definitions = {part.name.value: part for part in constructor.body.body if isinstance(part, cst.FunctionDef)}
    for line, node in _assignments(constructor):
        name = _attribute_of(node.targets[0].target, receiver) if len(node.targets) == 1 else None
        if name is None:
            continue
        if isinstance(node.value, cst.Lambda):
            yield _Kept(line, name, node.value, None)
        elif name in bound_methods and isinstance(node.value, cst.Attribute):
            yield _Kept(line, name, _forwarding(node.value), None)
        elif isinstance(node.value, cst.Name) and node.value.value in definitions:
            definition = definitions[node.value.value]
            yield _Kept(line, name, definition, definition)


def _assignments(constructor: cst.FunctionDef) -> Iterator[tuple[cst.SimpleStatementLine, cst.Assign]]:
    for line in constructor.body.body:
        if isinstance(line, cst.SimpleStatementLine) and len(line.body) == 1 and isinstance(line.body[0], cst.Assign):
            yield line, line.body[0]


def _attribute_of(node: Any, receiver: str) -> str | None:
    """The name of an attribute of the instance."""
    if isinstance(node, cst.Attribute) and isinstance(node.value, cst.Name) and node.value.value == receiver:
        return node.attr.value
    return None


def _aliases(constructor: cst.FunctionDef, receiver: str) -> dict[str, cst.BaseExpression]:
    """Local names, bound once, of what attributes of the instance hold: ``m = self.mlp``, ``self.mlp = m``."""
    counts = _writes(constructor)
    for part in walk(constructor.body):  # the variables of a function inside are others
        if isinstance(part, cst.FunctionDef):
            counts -= Counter({name: n for name, n in _writes(part.body).items() if "." not in name})
    found: dict[str, cst.BaseExpression] = {}
    for _, node in _assignments(constructor):
        targets = [target.target for target in node.targets]
        places = [target for target in targets if _attribute_of(target, receiver) is not None]
        names = [target.value for target in targets if isinstance(target, cst.Name)]
        value: cst.BaseExpression = node.value
        if places and isinstance(places[0], cst.Attribute):
            names += [value.value] if isinstance(value, cst.Name) else []
            value = places[0]
        if _is_path(value, receiver) and all(counts[_code(part)] <= 1 for part in _prefixes(value)):
            found |= {name: value for name in names if counts[name] == 1}
    return found


def _is_path(node: Any, receiver: str) -> bool:
    while isinstance(node, cst.Attribute):
        node = node.value
        if isinstance(node, cst.Name):
            return node.value == receiver
    return False


def _prefixes(node: Any) -> Iterator[Any]:
    while isinstance(node, cst.Attribute):
        yield node
        node = node.value


def _writes(root: Any) -> Counter[str]:
    """How often each name, and each dotted path, is assigned."""
    counts: Counter[str] = Counter()
    for part in walk(root):
        if isinstance(part, cst.AssignTarget | cst.AnnAssign | cst.AugAssign | cst.For | cst.NamedExpr | cst.CompFor):
            counts.update(_code(node) for node in walk(part.target) if isinstance(node, cst.Name | cst.Attribute))
        elif isinstance(part, cst.FunctionDef):
            counts[part.name.value] += 1
    return counts


def _bound(constructor: cst.FunctionDef) -> set[str]:
    """The names of the constructor's own scope."""
    params = [part.name.value for part in walk(constructor.params) if isinstance(part, cst.Param)]
    return {*params, *_writes(constructor.body)}


def _free(function: _Function) -> set[str]:
    """The names that a function reads and does not bind; defaults are part of the constructor."""
    own = {part.name.value for part in walk(function.params) if isinstance(part, cst.Param)}
    names = {part.value for part in _values(function.body)}
    return names - own - (set(_writes(function.body)) if isinstance(function, cst.FunctionDef) else set())


def _values(root: Any) -> Iterator[cst.Name]:
    """Names that stand for values: not those of attributes and keywords."""
    labels = set()
    for part in walk(root):
        if isinstance(part, cst.Attribute):
            labels.add(id(part.attr))
        elif isinstance(part, cst.Arg) and part.keyword is not None:
            labels.add(id(part.keyword))
    return (part for part in walk(root) if isinstance(part, cst.Name) and id(part) not in labels)


def _can_move(cls: ClassInfo, block: Any, constructor: cst.FunctionDef, kept: _Kept, receiver: str) -> bool:
    """Whether the attribute is only this function, and the function only this attribute."""
    if kept.name in cls.methods or _writes(block)[f"{receiver}.{kept.name}"] != 1:
        return False
    params = [part for part in walk(kept.function.params) if isinstance(part, cst.Param)]
    if any(part.name.value == receiver for part in params) or _values_in_defaults(params):
        return False
    if kept.definition is None:
        return True
    name = kept.definition.name
    uses = [part for part in _values(constructor.body) if part.value == name.value and part is not name]
    return len(uses) == 1 and not kept.definition.decorators


def _values_in_defaults(params: list[cst.Param]) -> bool:
    return any(part.default is not None and any(True for _ in _values(part.default)) for part in params)


def _method(kept: _Kept, receiver: str, aliases: Mapping[str, cst.BaseExpression]) -> cst.FunctionDef:
    function = kept.function
    params = function.params
    first = cst.Param(cst.Name(receiver))
    group = "posonly_params" if params.posonly_params else "params"
    params = params.with_changes(**{group: [first, *getattr(params, group)]})
    free = _free(function)
    renaming = _Renaming({name: value for name, value in aliases.items() if name in free})
    if isinstance(function, cst.FunctionDef):
        body = function.body.visit(renaming)
        name = cst.Name(kept.name)
        lines = [line for line in function.leading_lines if line.comment is not None]
        comments = [*lines, *comments_of(kept.line)]
        return function.with_changes(name=name, params=params, body=body, leading_lines=[_BLANK, *comments])
    value: Any = function.body.visit(renaming)
    comments = [line for line in kept.line.leading_lines if line.comment is not None]
    returned = [cst.SimpleStatementLine([cst.Return(value)], trailing_whitespace=kept.line.trailing_whitespace)]
    return cst.FunctionDef(cst.Name(kept.name), params, cst.IndentedBlock(returned), leading_lines=[_BLANK, *comments])


class _Renaming(cst.CSTTransformer):
    """Local names of parts by the attributes that hold them."""

    def __init__(self, aliases: Mapping[str, cst.BaseExpression]) -> None:
        self._aliases = aliases

    def leave_Attribute(self, original_node: cst.Attribute, updated_node: cst.Attribute) -> cst.BaseExpression:
        return updated_node.with_changes(attr=original_node.attr)

    def leave_Arg(self, original_node: cst.Arg, updated_node: cst.Arg) -> cst.Arg:
        return updated_node.with_changes(keyword=original_node.keyword)

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.BaseExpression:
        return self._aliases.get(original_node.value, updated_node)


def _without(constructor: cst.FunctionDef, moved: list[Any], aliases: Mapping[str, Any]) -> cst.FunctionDef:
    """The constructor without what was moved, and without names that nobody else reads."""
    gone = {id(part) for part in moved}
    lines = [line for line in constructor.body.body if id(line) not in gone]
    reads = Counter(part.value for line in lines for part in _values(line))
    kept: list[Any] = []
    comments: list[cst.EmptyLine] = []
    for line in (cast("Any", line) for line in lines):
        if _is_unread(line, aliases, reads):
            comments += comments_of(line)
        else:
            above = [*comments, *line.leading_lines]
            kept.append(line.with_changes(leading_lines=above) if comments else line)
            comments = []
    body: Any = constructor.body.with_changes(body=kept or [cst.SimpleStatementLine([cst.Pass()])])
    return constructor.with_changes(body=body.with_changes(footer=[*comments, *body.footer]) if comments else body)


def _is_unread(line: Any, aliases: Mapping[str, Any], reads: Counter[str]) -> bool:
    """``m = self.mlp`` with nobody left who reads ``m``."""
    if not isinstance(line, cst.SimpleStatementLine) or not isinstance(line.body[0], cst.Assign):
        return False
    node = line.body[0]
    target = node.targets[0].target
    if len(node.targets) > 1 or not isinstance(target, cst.Name) or not isinstance(node.value, cst.Attribute):
        return False
    return target.value in aliases and reads[target.value] == 1


def _code(node: Any) -> str:
    return cst.Module([]).code_for_node(node)
