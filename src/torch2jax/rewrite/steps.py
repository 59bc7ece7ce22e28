"""Gradient regions as training steps: a function at module level, and its call where the statements stood."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import libcst as cst

from torch2jax.regions.paths import Access, access_of_all, among
from torch2jax.regions.region import Accumulation, Region
from torch2jax.rewrite.host import Arrivals
from torch2jax.rewrite.rewriter import Rewriter, argument, assignment, attribute, call, expression_line, statement
from torch2jax.rewrite.rule_calls import flag
from torch2jax.rewrite.step_arguments import Argument, Arguments
from torch2jax.source.assigned import assigned_names
from torch2jax.source.nodes import dotted_name, walk

_BLANK = cst.EmptyLine(indent=False)


@dataclass(slots=True)
class _Step:
    """What a step is made of, translated, with the places in it as local names.

    ``value``: the name of the loss, where someone looks at it. ``aux``: what else the differentiated function gives.
    ``early``: what the prelude gives. ``rebound``: what the differentiated function reads, then gives another value.
    """

    region: Region
    arguments: Arguments
    prelude: list[Any]
    forward: list[Any]
    loss: cst.BaseExpression
    clips: list[tuple[cst.Name, cst.BaseExpression]]
    value: str = ""
    aux: list[str] = field(default_factory=list)
    early: list[str] = field(default_factory=list)
    rebound: list[str] = field(default_factory=list)


def training_step(rewriter: Rewriter, region: Region, body: Any) -> list[Any]:
    """The call of the step, and the statements that follow it; the step goes in front of the statement of the file.

    ``body`` translates statements in a row.
    """
    held = rewriter.arrivals
    rewriter.arrivals = arrivals = Arrivals(frozenset(assigned_names(list(region.statements))))
    prelude = body(rewriter, region.prelude)
    forward, losses = _forward(rewriter, region, body)
    loss = losses[0]
    for other in losses[1:]:
        loss = cst.BinaryOperation(loss, cst.Add(), other)
    find = among(region.kinds)
    clips = [_clip(rewriter, node) for node in region.clips]
    inside = access_of_all([*prelude, *forward, *losses, *(limit for _, limit in clips)], find)
    code = [*prelude, *forward, *losses]
    called = {dotted_name(part.func) or "" for line in code for part in walk(line) if isinstance(part, cst.Call)}
    arguments = Arguments.of(rewriter, region, inside, called)
    step = _Step(region, arguments, prelude, forward, loss, clips)
    during = access_of_all([*forward, *losses], find)
    _choose_results(step, losses, access_of_all(prelude, find), during)
    step.rebound = [p for p in during.writes if p in during.reads or (p in inside.reads and p not in during.kills)]
    rewriter.hoisted.append(_definition(rewriter, step))
    rewriter.arrivals = held
    return [*arrivals.lines(), _call(step), *body(rewriter, region.after)]


def _forward(rewriter: Rewriter, region: Region, body: Any) -> tuple[list[Any], list[cst.BaseExpression]]:
    """The statements of the differentiated function, and the losses, whose sum it gives.

    A loss that is no name, or one that gets another value before the next backward pass, gets a name of its own.
    """
    lines: list[Any] = []
    losses: list[cst.BaseExpression] = []
    waiting: list[Any] = []
    for index, item in enumerate(region.forward):
        if item not in region.losses:
            waiting.append(item)
            continue
        lines += body(rewriter, waiting)
        waiting = []
        held, rewriter.before = rewriter.before, []
        loss = rewriter.expr(region.losses[item])
        lines += rewriter.before
        rewriter.before = held
        later = [other for other in region.forward[index + 1 :] if other not in region.losses]
        if later and not (isinstance(loss, cst.Name) and loss.value not in assigned_names(later)):
            name = cst.Name(_fresh_loss(rewriter))
            lines.append(statement(assignment(name, loss.with_changes(lpar=[], rpar=[]))))
            loss = name
        losses.append(loss)
    return lines, losses


def _fresh_loss(rewriter: Rewriter) -> str:
    number = 1
    while f"loss_{number}" in rewriter.taken:
        number += 1
    rewriter.taken.add(f"loss_{number}")
    return f"loss_{number}"


def _choose_results(step: _Step, losses: Sequence[cst.BaseExpression], before: Access, during: Access) -> None:
    """What is looked at afterwards: attributes, and names that are live."""
    live = step.region.live
    step.early = [path for path in before.writes if ("." in path or path in live) and path not in during.writes]
    wanted = [path for path in (*during.writes,) if "." in path or path in live]
    single = dotted_name(losses[0]) if len(losses) == 1 else None
    if single is not None and single in wanted and single in during.writes:
        step.value = single
    step.aux = [path for path in wanted if path != step.value]


# --- the call ------------------------------------------------------------------------------------------------------


def _call(step: _Step) -> cst.SimpleStatementLine:
    """``loss, outputs = train_step(model, optimizer, inputs, labels)``."""
    func = call(cst.Name(step.region.name), [each.place for each in step.arguments.every])
    places = [*([step.value] if step.value else []), *step.aux, *step.early]
    places += [step.region.gradients] if step.region.gradients else []
    if not places:
        return expression_line(func)
    targets = [cst.parse_expression(path) for path in places]
    return statement(assignment(targets[0] if len(targets) == 1 else _tuple(targets), func))


def _tuple(items: Sequence[cst.BaseExpression], *, brackets: bool = False) -> cst.Tuple:
    lpar, rpar = ([cst.LeftParen()], [cst.RightParen()]) if brackets else ([], [])
    return cst.Tuple([cst.Element(item) for item in items], lpar=lpar, rpar=rpar)


# --- the function --------------------------------------------------------------------------------------------------


def _definition(rewriter: Rewriter, step: _Step) -> cst.FunctionDef:
    region, arguments = step.region, step.arguments
    local = arguments.localized
    lines = [local(line) for line in step.prelude]
    lines += _differentiation(rewriter, step)
    added = region.gradients
    if added:
        lines += _addition(rewriter, step)
    else:
        lines += [*_clipping(step), *_updates(step)]
    results = [*([step.value] if step.value else []), *step.aux, *step.early]
    if results or added:
        names: list[cst.BaseExpression] = [cst.Name(arguments.local(path)) for path in results]
        names += [cst.Name(added)] if added else []
        lines.append(statement(cst.Return(names[0] if len(names) == 1 else _tuple(names))))
    comment = [cst.EmptyLine(comment=cst.Comment(f"# not compiled: {region.outside}"))] if region.outside else []
    if region.outside:
        flag(rewriter, region.statements[0], "T2J207", f"the training step runs without jit: {region.outside}")
    return cst.FunctionDef(
        cst.Name(region.name),
        cst.Parameters([cst.Param(cst.Name(each.name)) for each in arguments.every]),
        cst.IndentedBlock(lines),
        decorators=[] if region.outside else [_jit(rewriter, arguments.every)],
        leading_lines=comment,
        lines_after_decorators=[],
    )


def _jit(rewriter: Rewriter, arguments: Iterable[Argument]) -> cst.Decorator:
    """``@nnx.jit(graph=False)``, which keeps the host's work small; it can't have what is shared."""
    jit = attribute(rewriter.root("nnx"), "jit")
    options = []
    if not any(cls.tied for cls in rewriter.program.classes.values()):
        options.append(argument(cst.Name("False"), "graph"))
    static = [cst.SimpleString(f'"{each.name}"') for each in arguments if each.is_static]
    if static:
        names = _tuple(static, brackets=True)
        if len(static) == 1:
            names = names.with_changes(elements=[cst.Element(static[0], cst.Comma())])
        options.append(argument(names, "static_argnames"))
    return cst.Decorator(call(jit, options) if options else jit)


def _differentiation(rewriter: Rewriter, step: _Step) -> list[Any]:
    """The models taken apart, the loss as a function of their parameters, and its gradients."""
    nnx = rewriter.root("nnx")
    arguments = step.arguments
    models = [(each, arguments.split_names(each.model)) for each in step.region.trained]
    lines: list[Any] = [
        statement(
            assignment(
                _tuple([cst.Name(n) for n in names]),
                call(
                    attribute(nnx, "split"),
                    [cst.Name(arguments.local(each.model)), attribute(nnx, "Param"), cst.Ellipsis()],
                ),
            )
        )
        for each, names in models
    ]
    others = [each.name for each in arguments.every if each.is_stateful and each.path not in _models(step)]
    given = [
        *(names[1] for _, names in models),
        *(names[2] for _, names in models),
        *others,
        *(arguments.local(path) for path in step.rebound if arguments.local(path) not in others),
    ]
    lines.append(_loss_function(rewriter, step, models, given))
    lines.append(_gradients(rewriter, step, len(models), given))
    return lines


def _models(step: _Step) -> set[str]:
    return {each.model for each in step.region.trained}


def _loss_function(rewriter: Rewriter, step: _Step, models: Sequence[Any], given: Sequence[str]) -> cst.FunctionDef:
    nnx = rewriter.root("nnx")
    arguments = step.arguments
    lines: list[Any] = [
        statement(
            assignment(
                cst.Name(arguments.local(each.model)), call(attribute(nnx, "merge"), [cst.Name(n) for n in names])
            )
        )
        for each, names in models
    ]
    lines += [arguments.localized(line) for line in step.forward]
    value = arguments.localized(step.loss)
    if step.aux:
        value = _tuple([value, _packed([cst.Name(arguments.local(path)) for path in step.aux])])
    lines.append(statement(cst.Return(value)))
    return cst.FunctionDef(
        cst.Name(arguments.loss_function),
        cst.Parameters([cst.Param(cst.Name(name)) for name in given]),
        cst.IndentedBlock(lines),
        leading_lines=[_BLANK],
        lines_after_decorators=[],
    )


def _packed(items: Sequence[cst.BaseExpression]) -> cst.BaseExpression:
    return items[0] if len(items) == 1 else _tuple(items, brackets=True)


def _gradients(rewriter: Rewriter, step: _Step, models: int, given: Sequence[str]) -> cst.SimpleStatementLine:
    """``(loss, outputs), grads = nnx.value_and_grad(loss_fn, has_aux=True)(params, rest)``."""
    arguments = step.arguments
    with_value = bool(step.value or step.aux)
    options = [cst.Arg(cst.Name(arguments.loss_function))]
    if models > 1:
        numbers = _tuple([cst.Integer(str(i)) for i in range(models)], brackets=True)
        options.append(argument(numbers, "argnums"))
    if step.aux:
        options.append(argument(cst.Name("True"), "has_aux"))
    func = attribute(rewriter.root("nnx"), "value_and_grad" if with_value else "grad")
    gradients = call(call(func, options), [cst.Name(name) for name in given])
    names: list[cst.BaseExpression] = [cst.Name(arguments.gradients(each.model)) for each in step.region.trained]
    target: cst.BaseExpression = _packed(names)
    if with_value:
        value: cst.BaseExpression = cst.Name(arguments.local(step.value) if step.value else "_")
        if step.aux:
            value = _tuple([value, _packed([cst.Name(arguments.local(path)) for path in step.aux])], brackets=True)
        target = _tuple([value, target])
    return statement(assignment(target, gradients)).with_changes(leading_lines=[_BLANK])


def _addition(rewriter: Rewriter, step: _Step) -> list[Any]:
    """``grads = added(grads, new_grads)``."""
    kept = cst.Name(step.region.gradients)
    new = cst.Name(step.arguments.gradients(step.region.trained[0].model))
    return [statement(assignment(kept, call(rewriter.helper("add_gradients"), [kept, new])))]


def _clip(rewriter: Rewriter, node: cst.Call) -> tuple[cst.Name, cst.BaseExpression]:
    """The helper that does to gradients what a call did to those of the parameters, and its limit."""
    assert isinstance(node.func, cst.Attribute | cst.Name)
    name = node.func.attr.value if isinstance(node.func, cst.Attribute) else node.func.value
    return rewriter.helper("clip_by_value" if "value" in name else "clip_by_norm"), rewriter.expr(node.args[1].value)


def _clipping(step: _Step) -> list[Any]:
    """``grads = clip_by_norm(grads, 1.0)``."""
    grads = cst.Name(step.arguments.gradients(step.region.trained[0].model))
    return [
        statement(assignment(grads, call(helper, [grads, step.arguments.localized(limit)])))
        for helper, limit in step.clips
    ]


def _updates(step: _Step) -> list[Any]:
    arguments = step.arguments
    return [
        expression_line(
            call(
                attribute(cst.Name(arguments.local(each.optimizer)), "update"),
                [cst.Name(arguments.local(each.model)), cst.Name(arguments.gradients(each.model))],
            )
        )
        for each in step.region.trained
    ]


# --- gradients that are added up -----------------------------------------------------------------------------------


def before_accumulation(added: Accumulation) -> cst.SimpleStatementLine:
    """``grads = None``: what there is before the first backward pass, and after they are zeroed."""
    return statement(assignment(cst.Name(added.gradients), cst.Name("None")))


def accumulated(rewriter: Rewriter, added: Accumulation, node: Any) -> list[Any]:
    """A statement that clips, uses or forgets gradients which were added up."""
    grads = cst.Name(added.gradients)
    if node in added.zeros:
        return [before_accumulation(added)]
    if node in added.clips:
        helper, limit = _clip(rewriter, added.clips[node])
        return [statement(assignment(grads, call(helper, [grads, limit])))]
    names = (added.trained.model, added.trained.optimizer)
    if added.name not in rewriter.defined_steps:
        rewriter.defined_steps.add(added.name)
        rewriter.hoisted.append(_application(rewriter, added))
    return [expression_line(call(cst.Name(added.name), [*(cst.parse_expression(name) for name in names), grads]))]


def _application(rewriter: Rewriter, added: Accumulation) -> cst.FunctionDef:
    """``def apply_gradients(model, optimizer, grads)``."""
    model, optimizer = (cst.Name(name.rpartition(".")[2]) for name in (added.trained.model, added.trained.optimizer))
    grads = cst.Name(added.gradients)
    update = expression_line(call(attribute(optimizer, "update"), [model, grads]))
    return cst.FunctionDef(
        cst.Name(added.name),
        cst.Parameters([cst.Param(name) for name in (model, optimizer, grads)]),
        cst.IndentedBlock([update]),
        decorators=[_jit(rewriter, ())],
        leading_lines=[],
        lines_after_decorators=[],
    )
