"""Code that loads data, as NumPy: data sets, samplers, transforms and what they call, with `--data grain`.

While such code is written (`Rewriter.in_data`) the handlers here stand in the place of those for JAX: what is no API of
torch stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import libcst as cst

from torch2jax.infer.host import LOADER, host_name, is_host_api
from torch2jax.infer.kinds import Api, BoundApi, Device, HostObject, Kind, Tensor, without_none
from torch2jax.infer.program import ClassInfo, FunctionInfo
from torch2jax.rewrite.contexts import NO_GRAD
from torch2jax.rewrite.grain import added, data_call, data_reference, object_call, refused_name, reseeded
from torch2jax.rewrite.numpy_calls import (
    HINT,
    as_float,
    dtype_in_numpy,
    function_call,
    method_of_tensor,
    note_dtype,
    refused,
)
from torch2jax.rewrite.numpy_dtypes import dtype_of
from torch2jax.rewrite.precedence import PRIMARY, parenthesize
from torch2jax.rewrite.references import VALUES, direct, dotted
from torch2jax.rewrite.rewriter import DATA, Rewriter, attribute, call, fitted, rewrites, statement
from torch2jax.rewrite.rule_calls import flag
from torch2jax.rules.aliases import canonical
from torch2jax.source.nodes import dotted_name, walk

_FAMILY = ("torch", "torchvision", "torchaudio", "torchtext")
_ARITHMETIC = (cst.Add, cst.Subtract, cst.Multiply, cst.Divide, cst.FloorDivide, cst.Modulo, cst.Power)


def data_definition(rewriter: Rewriter, node: cst.FunctionDef, info: FunctionInfo) -> cst.FunctionDef:
    """A function that loads data, in NumPy."""
    outer, rewriter.function = rewriter.function, info
    taken, rewriter.taken = rewriter.taken, set(rewriter.scope_names(node))
    before, rewriter.in_data = rewriter.in_data, True
    kept = [each for each in node.decorators if not _drops_gradients(rewriter, each.decorator)]
    result = rewriter.generic(node.with_changes(decorators=kept))
    returns = rewriter.expr(node.returns) if node.returns is not None else None
    rewriter.function, rewriter.taken, rewriter.in_data = outer, taken, before
    rewriter.tally.translated += 1
    return result if returns is node.returns else result.with_changes(returns=returns)


def _drops_gradients(rewriter: Rewriter, decorator: cst.BaseExpression) -> bool:
    func = decorator.func if isinstance(decorator, cst.Call) else decorator
    name = qualified(rewriter, func, rewriter.kind(func))
    return name is not None and canonical(name) in NO_GRAD


def data_class(rewriter: Rewriter, node: cst.ClassDef, cls: ClassInfo) -> cst.ClassDef:
    """A data set, sampler or transform: a plain class of Python."""
    before, rewriter.in_data = rewriter.in_data, True
    outer, rewriter.owner = rewriter.owner, cls
    bases = [made for base in node.bases if (made := _base(rewriter, base)) is not None]
    result = rewriter.generic(node.with_changes(bases=[]))
    rewriter.in_data, rewriter.owner = before, outer
    if bases:
        return result.with_changes(bases=bases)
    body = [line for line in result.body.body if not _is_base_constructor(line, node)]
    body = [_without_base_constructor(line, node) for line in body]
    return result.with_changes(
        bases=[],
        body=result.body.with_changes(body=body or [statement(cst.Pass())]),
        lpar=cst.MaybeSentinel.DEFAULT,
        rpar=cst.MaybeSentinel.DEFAULT,
    )


def _base(rewriter: Rewriter, base: cst.Arg) -> cst.Arg | None:
    """A base class; None for what is only a protocol of torch."""
    value = base.value.value if isinstance(base.value, cst.Subscript) else base.value
    kind = rewriter.kind(value)
    name = host_name(kind.name) if isinstance(kind, Api) else None
    if name in ("torch.utils.data.Dataset", "torch.utils.data.Sampler"):
        return None
    if name == LOADER:
        return base.with_changes(value=refused_name(rewriter, base.value, name), comma=cst.MaybeSentinel.DEFAULT)
    return base.with_changes(value=rewriter.expr(base.value), comma=cst.MaybeSentinel.DEFAULT)


def _is_base_constructor(line: Any, node: cst.ClassDef) -> bool:
    """``super().__init__()``, or ``Dataset.__init__(self)``, where no base is left that has one."""
    match line:
        case cst.SimpleStatementLine(body=[cst.Expr(value=cst.Call(func=cst.Attribute(value, cst.Name("__init__"))))]):
            if isinstance(value, cst.Call):
                return isinstance(value.func, cst.Name) and value.func.value == "super"
            return any(base.value.deep_equals(value) for base in node.bases)
    return False


def _without_base_constructor(line: Any, node: cst.ClassDef) -> Any:
    if not isinstance(line, cst.FunctionDef) or line.name.value != "__init__":
        return line
    if not isinstance(line.body, cst.IndentedBlock):
        return line
    kept = [inner for inner in line.body.body if not _is_base_constructor(inner, node)]
    if len(kept) == len(line.body.body):
        return line
    first: Any = kept[0] if kept else statement(cst.Pass())
    leading = [space for space in first.leading_lines if space.comment is not None]
    kept = [first.with_changes(leading_lines=leading), *kept[1:]]
    return line.with_changes(body=line.body.with_changes(body=kept))


def data_value(rewriter: Rewriter, node: cst.BaseExpression) -> Any:
    """An expression of JAX code that only data loading sees."""
    before, rewriter.in_data = rewriter.in_data, True
    result = rewriter.expr(node)
    rewriter.in_data = before
    return result


# statements


@rewrites(DATA, cst.FunctionDef)
def _function(rewriter: Rewriter, node: cst.FunctionDef) -> Any:
    info = rewriter.program.functions.get(node)
    if info is None:
        return rewriter.generic(node)
    made = data_definition(rewriter, node, info)
    return _marked(rewriter, made, [node.params, *node.decorators])


@rewrites(DATA, cst.ClassDef)
def _class(rewriter: Rewriter, node: cst.ClassDef) -> Any:
    found = rewriter.program.classes.get(node)
    return data_class(rewriter, node, found) if found is not None else rewriter.generic(node)


@rewrites(DATA, cst.Lambda)
def _lambda(rewriter: Rewriter, node: cst.Lambda) -> Any:
    info = rewriter.program.functions.get(node)
    outer = rewriter.function
    rewriter.function = info or outer
    result = rewriter.generic(node)
    rewriter.function = outer
    return result


@rewrites(DATA, cst.SimpleStatementLine, cst.If, cst.While, cst.For, cst.With)
def _statement(rewriter: Rewriter, node: Any) -> Any:
    from torch2jax.rewrite.blocks import own_parts

    return _marked(rewriter, rewriter.generic(node), own_parts(node))


def _marked(rewriter: Rewriter, made: Any, parts: Sequence[Any]) -> Any:
    """A statement with a comment above it for each error in it."""
    from torch2jax.rewrite.blocks import error_comments

    marks = error_comments(rewriter, parts)
    return made.with_changes(leading_lines=[*made.leading_lines, *marks]) if marks else made


@rewrites(DATA, cst.Expr)
def _expression(rewriter: Rewriter, node: cst.Expr) -> Any:
    return reseeded(rewriter, node) or rewriter.generic(node)


@rewrites(DATA, cst.AugAssign)
def _augmented(rewriter: Rewriter, node: cst.AugAssign) -> Any:
    name = node.target.value if isinstance(node.target, cst.Name) else None
    views = [value for value in _assigned(rewriter, name) if isinstance(value, cst.Subscript)] if name else []
    ranks = {kind.rank for value in views if isinstance(kind := rewriter.kind(value), Tensor)}
    if ranks <= {0, None} and ranks:
        message = "PyTorch changes the element of the array that this is a view of; a number of NumPy is a copy"
        code = "T2J105" if 0 in ranks else "T2J205"
        flag(rewriter, node, code, message, "write to the array by its index")
    return rewriter.generic(node)


def _assigned(rewriter: Rewriter, name: str) -> list[Any]:
    """The values that plain assignments of this function give a name."""
    return [
        part.value
        for part in walk(rewriter.function.node)
        if isinstance(part, cst.Assign) and any(dotted_name(target.target) == name for target in part.targets)
    ]


@rewrites(DATA, cst.Annotation)
def _annotation(rewriter: Rewriter, node: cst.Annotation) -> Any:
    return node.with_changes(annotation=_annotated(rewriter, node.annotation))


def _annotated(rewriter: Rewriter, node: Any) -> Any:
    from torch2jax.infer.definitions import quiet_name
    from torch2jax.source.nodes import FIELDS

    if isinstance(node, cst.Name | cst.Attribute):
        qualified = quiet_name(rewriter, node)
        if qualified is None or qualified.partition(".")[0] not in _FAMILY:
            return node
        if is_host_api(rewriter.program, qualified):
            return data_reference(rewriter, node, qualified)
        if canonical(qualified) == "torch.Tensor" or qualified.endswith("Tensor"):
            return attribute(rewriter.root("np"), "ndarray")
        known = VALUES.get(canonical(qualified))
        return dotted(rewriter, known) if known is not None else _reference(rewriter, node, qualified)
    changes: dict[str, Any] = {}
    for name in FIELDS.get(type(node), ()):
        value = getattr(node, name)
        if isinstance(value, list | tuple):
            changes[name] = [_annotated(rewriter, part) for part in value]
        elif value is not None and not isinstance(value, cst.MaybeSentinel):
            changes[name] = _annotated(rewriter, value)
    return node.with_changes(**changes) if changes else node


# expressions


@rewrites(DATA, cst.Call)
def _call(rewriter: Rewriter, node: cst.Call) -> Any:
    func = node.func
    kind = without_none(rewriter.kind(func) or Device())
    name = qualified(rewriter, func, kind)
    if name is not None:
        if is_host_api(rewriter.program, name):
            return data_call(rewriter, node, name)
        if canonical(name) in NO_GRAD:  # NumPy keeps no gradients
            rewriter.tally.dropped += 1
            return call(rewriter.root("nullcontext"), [])
        return function_call(rewriter, node, canonical(name))
    if isinstance(kind, BoundApi) and isinstance(kind.receiver, HostObject):
        return object_call(rewriter, node, kind.receiver, kind.name)
    operation = _as_operation(rewriter, node)
    if operation is not None:
        return _operation(rewriter, operation)
    if isinstance(func, cst.Attribute):
        made = method_of_tensor(rewriter, node, func)
        if made is not None:
            return made
    return rewriter.generic(node)


_OPERATORS = {"add": cst.Add(), "sub": cst.Subtract(), "mul": cst.Multiply(), "div": cst.Divide(), "pow": cst.Power()}


def _as_operation(rewriter: Rewriter, node: cst.Call) -> cst.BinaryOperation | None:
    """``x.mul(y)`` as ``x * y``, in which dtypes meet as they do in every operation."""
    match node:
        case cst.Call(
            func=cst.Attribute(value=left, attr=cst.Name(value=name)),
            args=[cst.Arg(keyword=None, star="", value=right)],
        ) if name in _OPERATORS and isinstance(without_none(rewriter.kind(left) or Device()), Tensor):
            rewriter.tally.translated += 1
            whole = cst.BinaryOperation(left, _OPERATORS[name], right, [cst.LeftParen()], [cst.RightParen()])
            return whole.with_changes(left=parenthesize(left, PRIMARY), right=parenthesize(right, PRIMARY))
    return None


@rewrites(DATA, cst.Attribute)
def _attribute(rewriter: Rewriter, node: cst.Attribute) -> Any:
    if _is_of_jax(rewriter, node):
        return call(attribute(rewriter.root("np"), "asarray"), [node])
    kind, owner = rewriter.kind(node), without_none(rewriter.kind(node.value) or Device())
    name = qualified(rewriter, node, kind)
    if name is not None:
        return _reference(rewriter, node, name)
    if isinstance(owner, Tensor) and node.attr.value in ("data", "device", "grad", "mT", "requires_grad", "is_cuda"):
        return (
            rewriter.expr(node.value)
            if node.attr.value == "data"
            else refused(rewriter, node, f"torch.Tensor.{node.attr.value}")
        )
    return rewriter.generic(node)


@rewrites(DATA, cst.Name)
def _name(rewriter: Rewriter, node: cst.Name) -> Any:
    if _is_of_jax(rewriter, node):
        return call(attribute(rewriter.root("np"), "asarray"), [node])
    name = qualified(rewriter, node, rewriter.kind(node))
    return _reference(rewriter, node, name) if name is not None else node


def _is_of_jax(rewriter: Rewriter, node: cst.BaseExpression) -> bool:
    """Whether data loading reads an array that JAX code has made."""
    note: tuple[Any, ...] | None = rewriter.facts.special.get(node)
    return note is not None and note[0] == "of_jax"


def qualified(rewriter: Rewriter, node: Any, kind: Kind | None) -> str | None:
    """The name of something of torch that an expression names by an import."""
    if not isinstance(kind, Api):
        from torch2jax.infer.definitions import quiet_name

        name = quiet_name(rewriter, node)
    else:
        name = kind.name if direct(rewriter, node) else None
    return name if name is not None and name.partition(".")[0] in _FAMILY and "." in name else None


def _reference(rewriter: Rewriter, node: Any, name: str) -> Any:
    """A name of torch that is not called."""
    if is_host_api(rewriter.program, name):
        return data_reference(rewriter, node, name)
    known = dtype_in_numpy(name)
    if known is not None:
        rewriter.tally.translated += 1
        return attribute(rewriter.root("np"), known)
    if name == "torch.Tensor":
        return attribute(rewriter.root("np"), "ndarray")
    flag(rewriter, node, "T2J101", f"{name} has no form in NumPy here, where data is loaded without PyTorch", HINT)
    return node


@rewrites(DATA, cst.BinaryOperation)
def _operation(rewriter: Rewriter, node: cst.BinaryOperation) -> Any:
    joined = added(rewriter, node)
    if joined is not None:
        return joined
    result = rewriter.generic(node)
    if not isinstance(node.operator, _ARITHMETIC):
        return result
    left, right = dtype_of(rewriter, node.left), dtype_of(rewriter, node.right)
    arrays = [
        side for side in (node.left, node.right) if isinstance(without_none(rewriter.kind(side) or Device()), Tensor)
    ]
    floats = isinstance(node.operator, cst.Divide) or "float" in (left, right)
    if not arrays or not floats:
        return result
    if {left, right} <= {None, "float"} and not isinstance(node.operator, cst.Divide):
        if None in (left, right) and len(arrays) == 2:
            note_dtype(rewriter, node)
        return result
    changes: dict[str, Any] = {}
    for name, side in (("left", node.left), ("right", node.right)):
        if side in arrays:
            changes[name] = fitted(node, name, side, as_float(rewriter, side, getattr(result, name)))
    return result.with_changes(**changes)
