"""Classes of ``autograd.Function`` as functions with a gradient of their own: ``jax.custom_vjp``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import libcst as cst

from torch2jax.infer.autograd import (
    NEEDS,
    SAVED,
    Carried,
    Plan,
    assigned,
    has_context,
    own_nodes,
    plan_of,
    returned,
)
from torch2jax.infer.program import ClassInfo, FunctionInfo
from torch2jax.rewrite.blocks import suite
from torch2jax.rewrite.definitions import _is_docstring, _is_lone_pass, _prefix, _with_prefix, class_definition
from torch2jax.rewrite.rewriter import Rewriter, argument, assignment, attribute, call, number, statement
from torch2jax.source.nodes import walk


def class_of(rewriter: Rewriter, node: cst.ClassDef) -> ClassInfo | None:
    """The class that a definition makes, if it is an ``autograd.Function``."""
    cls = rewriter.program.classes.get(node)
    return cls if cls is not None and cls.is_function else None


@dataclass
class Residuals:
    """What the forward pass leaves to the backward pass, and its names on both sides.

    ``forward``: the expressions to return; ``backward``: the names they get; ``again``: what is computed once more.
    """

    forward: list[cst.BaseExpression] = field(default_factory=list)
    backward: list[str] = field(default_factory=list)
    again: list[tuple[str, cst.BaseExpression]] = field(default_factory=list)

    def returned(self) -> cst.BaseExpression:
        """The residuals as one expression."""
        if not self.forward:
            return cst.Name("None")
        return self.forward[0] if len(self.forward) == 1 else _tuple(self.forward)


@dataclass
class Pass:
    """How statements of one of the methods are rewritten."""

    plan: Plan
    function: FunctionInfo
    names: dict[str, str]
    residuals: Residuals
    saved: str = "saved"
    constants: dict[str, str] = field(default_factory=dict)
    chosen: set[str] = field(default_factory=set)
    inputs: str | None = None

    @property
    def context(self) -> str | None:
        """The name of the context here."""
        return self.plan.context(self.function) if has_context(self.plan.cls, self.function) else None

    @property
    def is_backward(self) -> bool:
        """Whether this is the backward pass."""
        return self.function.name == "backward"

    def attribute(self, node: cst.Attribute) -> cst.BaseExpression | None:
        """``ctx.saved_tensors``, ``ctx.alpha``, ``ctx.needs_input_grad``."""
        if not isinstance(node.value, cst.Name) or node.value.value != self.context:
            return None
        name = node.attr.value
        if name in SAVED:
            return cst.Name(self.saved)
        if name == NEEDS:
            return _tuple([cst.Name("True")] * len(self.plan.params))
        return cst.Name(self.names[name]) if name in self.names else None

    def expression(self, rewriter: Rewriter, node: cst.BaseExpression) -> cst.BaseExpression | None:
        """An expression without its question whether a gradient is needed, which it always is."""
        if isinstance(node, cst.BooleanOperation) and isinstance(node.operator, cst.And):
            for asked, other in ((node.left, node.right), (node.right, node.left)):
                if self._is_needed(asked):
                    return _bare(rewriter.expr(other))  # type: ignore[no-any-return]
        if isinstance(node, cst.IfExp) and self._is_needed(node.test):
            return _bare(rewriter.expr(node.body))  # type: ignore[no-any-return]
        return None

    def always(self, rewriter: Rewriter, node: cst.If) -> bool:
        """Whether an ``if`` asks for nothing but whether a gradient is needed, which it always is."""
        plain = node.orelse is None and isinstance(node.body, cst.IndentedBlock)
        return plain and self._is_needed(node.test)

    def _is_needed(self, test: cst.BaseExpression) -> bool:
        if isinstance(test, cst.BooleanOperation) and isinstance(test.operator, cst.Or | cst.And):
            return self._is_needed(test.left) and self._is_needed(test.right)
        if isinstance(test, cst.Call) and isinstance(test.func, cst.Name) and test.func.value in ("any", "all"):
            return len(test.args) == 1 and self._is_needs(test.args[0].value)
        return isinstance(test, cst.Subscript) and self._is_needs(test.value)

    def _is_needs(self, node: cst.BaseExpression) -> bool:
        return (
            isinstance(node, cst.Attribute)
            and node.attr.value == NEEDS
            and isinstance(node.value, cst.Name)
            and node.value.value == self.context
        )

    def statement(self, rewriter: Rewriter, node: cst.BaseSmallStatement) -> Any:
        """A statement that has to do with the context or returns; None for all others."""
        if isinstance(node, cst.Return) and rewriter.function is self.function:
            return self._return(rewriter, node)
        if isinstance(node, cst.Expr) and isinstance(node.value, cst.Call):
            func = node.value.func
            if (
                isinstance(func, cst.Attribute)
                and isinstance(func.value, cst.Name)
                and func.value.value == self.context
            ):
                return self._called(rewriter, node.value, func.attr.value)
        if isinstance(node, cst.Assign):
            return self._assigned(rewriter, node)
        return None

    def _called(self, rewriter: Rewriter, node: cst.Call, name: str) -> Any:
        if name != "save_for_backward" or self.plan.saved_at_return or not self.residuals.backward:
            return []
        elements = [(cst.StarredElement if arg.star else cst.Element)(rewriter.expr(arg.value)) for arg in node.args]
        saved = cst.Tuple(elements, lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
        return [statement(assignment(cst.Name(self.saved), saved))]

    def _assigned(self, rewriter: Rewriter, node: cst.Assign) -> Any:
        if self.inputs is not None and isinstance(node.value, cst.Name) and node.value.value == self.inputs:
            target = node.targets[0].target
            names = [e.value.value for e in getattr(target, "elements", ()) if isinstance(e.value, cst.Name)]
            if names == self.plan.params:
                return []
        pairs = assigned(node)
        if len(pairs) > len(node.targets) and all(isinstance(t, cst.Attribute) and self._is_own(t) for t, _ in pairs):
            parts = [cst.Assign([cst.AssignTarget(cast("Any", target))], value) for target, value in pairs]
            return [statement(line) for part in parts for line in _lines(self._assigned(rewriter, part))]
        targets = [target.target for target in node.targets]
        own = [t for t in targets if isinstance(t, cst.Attribute) and self._is_own(t)]
        if not own:
            if self.is_backward and len(targets) == 1 and isinstance(node.value, cst.Attribute):
                read = self.attribute(node.value)
                same = (
                    isinstance(read, cst.Name) and isinstance(targets[0], cst.Name) and read.value == targets[0].value
                )
                return [] if same else None
            return None
        kept = [t for t in own if t.attr.value in self.names]
        new = [target for target in node.targets if target.target not in own]
        new += [cst.AssignTarget(cst.Name(self.names[t.attr.value])) for t in kept]
        if not new:
            return []
        value = rewriter.expr(node.value)
        stored = [t.target.value for t in new if isinstance(t.target, cst.Name)]
        if isinstance(value, cst.Name) and stored == [value.value]:
            return []
        return node.with_changes(targets=new, value=value)

    def _is_own(self, node: cst.Attribute) -> bool:
        return isinstance(node.value, cst.Name) and node.value.value == self.context

    def _return(self, rewriter: Rewriter, node: cst.Return) -> Any:
        if self.is_backward:
            return node.with_changes(value=self._gradients(rewriter, node.value), whitespace_after_return=_SPACE)
        if self.function.name == "setup_context":
            return None
        value = rewriter.expr(node.value) if node.value is not None else cst.Name("None")
        return node.with_changes(value=_pair(value, self.residuals.returned()), whitespace_after_return=_SPACE)

    def _gradients(self, rewriter: Rewriter, value: Any) -> cst.BaseExpression:
        """One gradient for each argument that has one."""
        if isinstance(value, cst.Tuple):
            wanted = [i for i in range(len(self.plan.params)) if i not in self.plan.constants]
            return _tuple([_bare(rewriter.expr(value.elements[index].value)) for index in wanted])
        new = rewriter.expr(value)
        return _tuple([_bare(new)]) if len(self.plan.params) == 1 else call(cst.Name("tuple"), [new])


def _lines(new: Any) -> list[Any]:
    return new if isinstance(new, list) else [new]


_SPACE = cst.SimpleWhitespace(" ")


def _bare(node: Any) -> Any:
    """Without parentheses around the whole, which stand between commas now."""
    if isinstance(node, cst.Tuple | cst.GeneratorExp | cst.NamedExpr | cst.Yield):
        return node
    return node.with_changes(lpar=[], rpar=[]) if not _is_spread(node) else node


def _is_spread(node: cst.CSTNode) -> bool:
    return "\n" in cst.Module([]).code_for_node(node)


def _pair(value: cst.BaseExpression, residuals: cst.BaseExpression) -> cst.Tuple:
    if isinstance(value, cst.Tuple) and not value.lpar:
        value = value.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    comma = cst.Comma(whitespace_after=_SPACE)
    return cst.Tuple([cst.Element(value, comma=comma), cst.Element(residuals)], lpar=[], rpar=[])


def _tuple(values: Sequence[cst.BaseExpression]) -> cst.Tuple:
    comma = cst.Comma(whitespace_after=_SPACE)
    last = cst.Comma() if len(values) == 1 else cst.MaybeSentinel.DEFAULT
    elements = [cst.Element(v, comma=comma if i + 1 < len(values) else last) for i, v in enumerate(values)]
    return cst.Tuple(elements, lpar=[cst.LeftParen()], rpar=[cst.RightParen()])


def functions(rewriter: Rewriter, node: cst.ClassDef, cls: ClassInfo) -> list[Any]:
    """The function, its two passes, and the statement that binds them together."""
    plan = plan_of(rewriter.program, cls)
    if plan.cause:
        return [class_definition(rewriter, node)]
    residuals, forward, backward = _passes(rewriter, plan)
    recorder = plan.recorder
    rewriter.tally.translated += 1
    outer, rewriter.gradient = rewriter.gradient, forward
    held, rewriter.owner = rewriter.owner, None
    _complete(rewriter, plan, forward, backward)
    if recorder.name == "setup_context":
        primal_body, first = _with_setup(rewriter, plan, forward)
    else:
        first = _method(rewriter, recorder, f"{plan.name}_fwd", [])
        primal_body = None
    rewriter.gradient = backward
    second = _backward(rewriter, plan, backward, residuals)
    rewriter.gradient, rewriter.owner = outer, held
    primal = _primal(rewriter, node, plan, first, primal_body)
    bind = call(attribute(cst.Name(plan.name), "defvjp"), [cst.Name(f.name.value) for f in (first, second)])
    gap = _blank(2 if isinstance(rewriter.function.node, cst.Module) else 1)
    line = statement(cst.Expr(bind)).with_changes(leading_lines=gap)
    return [primal, _below(first, gap), _below(second, gap), line]


def _blank(count: int) -> list[cst.EmptyLine]:
    return [cst.EmptyLine(indent=False)] * count


def _below(function: cst.FunctionDef, gap: list[cst.EmptyLine]) -> cst.FunctionDef:
    comments = [line for line in function.leading_lines if line.comment is not None]
    return function.with_changes(leading_lines=[*gap, *comments], decorators=[], lines_after_decorators=[])


def _passes(rewriter: Rewriter, plan: Plan) -> tuple[Residuals, Pass, Pass]:
    residuals = Residuals()
    backward = plan.cls.methods["backward"]
    inputs = None
    if plan.recorder.name == "setup_context":
        inputs = plan.recorder.node.params.params[1].name.value  # type: ignore[union-attr]
    first = Pass(plan, plan.recorder, {}, residuals, inputs=inputs)
    return residuals, first, Pass(plan, backward, {}, residuals)


def _complete(rewriter: Rewriter, plan: Plan, forward: Pass, backward: Pass) -> None:
    """Choose the names of what is carried."""
    taken = {True: _scope(rewriter, forward.function), False: _scope(rewriter, backward.function)}
    residuals = forward.residuals
    for index in plan.constants:
        constant = plan.params[index]
        backward.constants[constant] = _own_name(backward, constant, taken[False])
    if plan.saves and any(name in SAVED for name in _reads(backward)):
        forward.saved = _free("saved", taken[True])
        backward.saved = _free("saved", taken[False])
        residuals.backward.append(backward.saved)
        if plan.saved_at_return:
            names = [cst.Name(arg.value.value) for arg in plan.saves[0].args]  # type: ignore[attr-defined]
            residuals.forward.append(_tuple(names))
        else:
            residuals.forward.append(cst.Name(forward.saved))
    for carried in plan.carried.values():
        _name_carried(rewriter, plan, carried, forward, backward, taken)


def _name_carried(
    rewriter: Rewriter, plan: Plan, carried: Carried, forward: Pass, backward: Pass, taken: dict[bool, set[str]]
) -> None:
    name, residuals = carried.name, forward.residuals
    if carried.constant is not None:
        forward.names[name] = carried.constant
        backward.names[name] = backward.constants[carried.constant]
        return
    same = isinstance(carried.value, cst.Name) and carried.value.value == name
    ours = name if same and _once(rewriter, forward.function, name) else _free(name, taken[True])
    theirs = _own_name(backward, name, taken[False])
    backward.names[name] = theirs
    if not carried.again or name in _reads(forward):
        forward.names[name] = ours
    if not carried.again:
        residuals.forward.append(cst.Name(ours))
        residuals.backward.append(theirs)
        return
    renamed: dict[str, cst.BaseExpression] = {c: cst.Name(n) for c, n in backward.constants.items()}
    saved = [arg.value for arg in plan.saves[0].args] if plan.saved_at_return and forward.residuals.backward else []
    for array in carried.arrays:
        at = next((i for i, kept in enumerate(saved) if isinstance(kept, cst.Name) and kept.value == array), None)
        if at is not None and residuals.backward[0] == backward.saved:
            place = [cst.SubscriptElement(cst.Index(number(at)))]
            renamed[array] = cst.Subscript(cst.Name(backward.saved), place)
            continue
        local = _free(array, taken[False])
        renamed[array] = cst.Name(local)
        residuals.forward.append(cst.Name(array))
        residuals.backward.append(local)
    held, rewriter.function = rewriter.function, forward.function
    value = rewriter.expr(carried.value)
    rewriter.function = held
    residuals.again.append((theirs, value.visit(_Renaming(renamed))))


def _own_name(backward: Pass, name: str, taken: set[str]) -> str:
    """A name in the backward pass for something that it gets: its own, unless it means another thing there."""
    if name not in backward.chosen and _only_from(backward, name):
        taken.add(name)
    else:
        name = _free(name, taken)
    backward.chosen.add(name)
    return name


class _Renaming(cst.CSTTransformer):
    def __init__(self, names: dict[str, cst.BaseExpression]) -> None:
        super().__init__()
        self.names = names

    def visit_Attribute(self, node: cst.Attribute) -> bool:
        """The name after the dot is no variable."""
        return False

    def leave_Attribute(self, original_node: cst.Attribute, updated_node: cst.Attribute) -> Any:
        """Only what stands before the dot."""
        return updated_node.with_changes(value=updated_node.value.visit(self))

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> Any:
        """The array under the name it has here."""
        return self.names.get(updated_node.value, updated_node)


def _scope(rewriter: Rewriter, fn: FunctionInfo) -> set[str]:
    return set(rewriter.scope_names(fn.node))


def _once(rewriter: Rewriter, fn: FunctionInfo, name: str) -> bool:
    return len(rewriter.scopes[fn.node].names.get(name, ())) == 1


def _reads(one: Pass) -> set[str]:
    """The attributes of the context that a method reads."""
    targets = {t.target for n in walk(one.function.node) if isinstance(n, cst.Assign) for t in n.targets}
    return {
        n.attr.value
        for n in walk(one.function.node)
        if isinstance(n, cst.Attribute) and n not in targets and one._is_own(n)
    }


def _only_from(one: Pass, name: str) -> bool:
    """Whether a method binds a name by ``name = ctx.name`` alone, if at all, and reads no other of that name."""
    seen = set()
    for node in own_nodes(one.function.node):
        if not isinstance(node, cst.Assign) or len(node.targets) != 1:
            continue
        target, value = node.targets[0].target, node.value
        taken_over = isinstance(value, cst.Attribute) and one._is_own(value) and value.attr.value == name
        if isinstance(target, cst.Name) and target.value == name and taken_over:
            seen.add(target)
    bound = [n for n in _bound(one.function) if n.value == name]
    read = any(n.value == name for n in _loads(one.function))
    return all(n in seen for n in bound) and (bool(seen) or not read)


def _bound(fn: FunctionInfo) -> list[cst.Name]:
    found: list[cst.Name] = []
    for node in walk(fn.node):
        if isinstance(node, cst.Assign):
            found += [n for t in node.targets for n in _target_names(t.target)]
        elif isinstance(node, cst.AugAssign | cst.AnnAssign | cst.For | cst.CompFor | cst.NamedExpr):
            found += _target_names(node.target)
        elif isinstance(node, cst.Param):
            found.append(node.name)
    return found


def _target_names(target: cst.BaseExpression) -> list[cst.Name]:
    if isinstance(target, cst.Name):
        return [target]
    if isinstance(target, cst.Tuple | cst.List):
        return [name for element in target.elements for name in _target_names(element.value)]
    return []


def _loads(fn: FunctionInfo) -> list[cst.Name]:
    bound = set(_bound(fn))
    attrs = {n.attr for n in walk(fn.node) if isinstance(n, cst.Attribute)}
    keywords = {n.keyword for n in walk(fn.node) if isinstance(n, cst.Arg)}
    return [
        n for n in walk(fn.node) if isinstance(n, cst.Name) and n not in bound and n not in attrs and n not in keywords
    ]


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    taken.add(name)
    return name


# the three functions


def _method(rewriter: Rewriter, fn: FunctionInfo, name: str, header: list[Any]) -> cst.FunctionDef:
    """A method with its body rewritten and its context gone."""
    node = fn.node
    assert isinstance(node, cst.FunctionDef)
    params = rewriter.generic(node.params)
    if has_context(fn.owner, fn):  # type: ignore[arg-type]
        params = params.with_changes(params=_closed(params.params[1:]))
    outer, rewriter.function = rewriter.function, fn
    taken, rewriter.taken = rewriter.taken, set(rewriter.scope_names(node))
    prefix = _prefix(rewriter, fn)
    body = _with_prefix(suite(rewriter, node.body), [*header, *prefix])
    rewriter.function, rewriter.taken = outer, taken
    return node.with_changes(name=cst.Name(name), params=params, body=body, decorators=[], returns=None)


def _closed(params: Sequence[cst.Param]) -> list[cst.Param]:
    return list(params)


def _primal(rewriter: Rewriter, node: cst.ClassDef, plan: Plan, first: cst.FunctionDef, body: Any) -> cst.FunctionDef:
    """The function that is called: without a gradient asked for, it is the forward pass without the residuals."""
    forward = plan.cls.methods["forward"].node
    assert isinstance(forward, cst.FunctionDef)
    custom = attribute(rewriter.root("jax"), "custom_vjp")
    decorator: cst.BaseExpression = custom
    if plan.constants:
        places = _tuple([number(index) for index in plan.constants])
        decorator = call(rewriter.root("partial"), [custom, argument(places, "nondiff_argnums")])
    if body is None:
        called = call(cst.Name(first.name.value), [cst.Name(name) for name in plan.params])
        value = cst.Subscript(called, [cst.SubscriptElement(cst.Index(number(0)))])
        body = cst.IndentedBlock([statement(cst.Return(value))])
    if isinstance(node.body, cst.IndentedBlock) and node.body.body and _is_docstring(node.body.body[0]):
        body = body.with_changes(body=[node.body.body[0], *body.body])
    return cst.FunctionDef(
        cst.Name(plan.name),
        first.params,
        body,
        decorators=[cst.Decorator(decorator)],
        leading_lines=node.leading_lines,
    )


def _with_setup(rewriter: Rewriter, plan: Plan, one: Pass) -> tuple[Any, cst.FunctionDef]:
    """``forward`` is the function itself; the forward pass calls it and does what ``setup_context`` did."""
    forward, setup = plan.cls.methods["forward"], plan.recorder
    held, rewriter.gradient = rewriter.gradient, None
    primal = _method(rewriter, forward, plan.name, [])
    rewriter.gradient = held
    recorded = _method(rewriter, setup, f"{plan.name}_fwd", [])
    names = [p.name.value for p in setup.node.params.params]  # type: ignore[union-attr]
    inputs, output = names[1], names[2]
    arguments: list[Any] = [cst.Name(name) for name in plan.params]
    lines: list[Any] = [statement(assignment(cst.Name(output), call(cst.Name(plan.name), arguments)))]
    if any(isinstance(n, cst.Name) and n.value == inputs for n in walk(recorded.body)):
        lines.append(statement(assignment(cst.Name(inputs), _tuple(arguments))))
    lines += [line for line in recorded.body.body if not _is_docstring(line) and not _is_lone_pass(line)]
    end = cst.Return(_pair(cst.Name(output), one.residuals.returned()), whitespace_after_return=_SPACE)
    body = cst.IndentedBlock([*lines, statement(end)])
    params = primal.params
    return primal.body, recorded.with_changes(params=params, body=body)


def _backward(rewriter: Rewriter, plan: Plan, one: Pass, residuals: Residuals) -> cst.FunctionDef:
    """The backward pass: the constants, what the forward pass left, and the gradient of the result."""
    fn = one.function
    node = fn.node
    assert isinstance(node, cst.FunctionDef)
    taken = _scope(rewriter, fn) | set(residuals.backward)
    header: list[Any] = []
    if not residuals.backward:
        left = "_"
    elif len(residuals.backward) == 1:
        left = residuals.backward[0]
    else:
        left = _free("residuals", taken)
        header.append(_unpacked(residuals.backward, left))
    header += [statement(assignment(cst.Name(name), value)) for name, value in residuals.again]
    given = [p.name.value for p in node.params.params[1:]]
    star = node.params.star_arg
    if isinstance(star, cst.Param):
        gradient = star.name.value
        if not _returns_several(plan):
            header.append(statement(assignment(cst.Name(gradient), _tuple([cst.Name(gradient)]))))
    elif len(given) == 1:
        gradient = given[0]
    else:
        gradient = _free("gradients", taken)
        header.append(_unpacked(given, gradient))
    made = _method(rewriter, fn, f"{plan.name}_bwd", header)
    constants = [_constant_name(plan, one, plan.params[index], taken) for index in plan.constants]
    params = [cst.Param(cst.Name(name)) for name in (*constants, left, gradient)]
    return made.with_changes(params=cst.Parameters(params))


def _returns_several(plan: Plan) -> bool:
    return any(isinstance(value, cst.Tuple) for value in returned(plan.cls.methods["forward"]))


def _constant_name(plan: Plan, one: Pass, name: str, taken: set[str]) -> str:
    """The name of a constant in the backward pass, marked where that does not use it."""
    used = any(carried.constant == name or name in _words(carried) for carried in plan.carried.values())
    return one.constants[name] if used else _free(f"_{name}" if not name.startswith("_") else name, taken)


def _words(carried: Carried) -> set[str]:
    return {n.value for n in walk(carried.value) if isinstance(n, cst.Name)} if carried.again else set()


def _unpacked(names: list[str], value: str) -> cst.SimpleStatementLine:
    target = _tuple([cst.Name(name) for name in names]).with_changes(lpar=[], rpar=[])
    return statement(assignment(target, cst.Name(value)))
