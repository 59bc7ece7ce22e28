"""Gradient regions as training steps: a function at module level, and its call where the statements stood."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import dropwhile
from typing import Any

import libcst as cst

from torch2jax.regions.paths import Access, access_of_all, among, expression_of, is_item, overlap, path_text
from torch2jax.regions.region import Accumulation, Closure, Region, Structure, Trained
from torch2jax.rewrite.comments import comments_of
from torch2jax.rewrite.host import Arrivals
from torch2jax.rewrite.rewriter import Rewriter, argument, assignment, attribute, call, expression_line, statement
from torch2jax.rewrite.rule_calls import flag
from torch2jax.rewrite.step_arguments import Argument, Arguments
from torch2jax.rewrite.step_dictionaries import in_its_order
from torch2jax.source.assigned import assigned_names
from torch2jax.source.nodes import dotted_name, walk

_BLANK = cst.EmptyLine(indent=False)


@dataclass(slots=True)
class _Step:
    """What a step is made of, translated, with the places in it as local names.

    ``read``: the places that the differentiated function reads or writes. ``value``: the name of the loss, where it is
    looked at. ``aux``: what else the differentiated function gives. ``early``: what the prelude gives. ``rebound``:
    what the differentiated function reads, then gives another value.
    """

    region: Region
    arguments: Arguments
    prelude: list[Any]
    forward: list[Any]
    loss: cst.BaseExpression
    clips: list[tuple[cst.Name, cst.BaseExpression]]
    read: frozenset[str] = frozenset()
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
    versions = {item: {name: _fresh(rewriter, name) for name in names} for item, names in region.versions.items()}
    forward, losses = _forward(rewriter, region, body, versions)
    loss = losses[0]
    for other in losses[1:]:
        loss = cst.BinaryOperation(loss, cst.Add(), other)
    clips = [_clip(rewriter, node) for node in region.clips]
    code = [*prelude, *forward, *losses]
    written = access_of_all(code, among(())).writes
    find = among([path for path in region.kinds if not is_item(path) or not overlap([path], written)])
    inside = access_of_all([*code, *(limit for _, limit in clips)], find)
    called = {path_text(part.func) or "" for line in code for part in walk(line) if isinstance(part, cst.Call)}
    arguments = Arguments.of(rewriter, region, inside, called)
    during = access_of_all([*forward, *losses], find)
    step = _Step(region, arguments, prelude, forward, loss, clips, frozenset((*during.reads, *during.writes)))
    kept = {new for renamed in versions.values() for new in renamed.values()}
    _choose_results(step, losses, access_of_all(prelude, find), during, region.live | kept)
    step.early += [region.norms[node] for node in region.clips if node in region.norms]
    step.rebound = [p for p in during.writes if p in during.reads or (p in inside.reads and p not in during.kills)]
    rewriter.hoisted.append(_definition(rewriter, step))
    rewriter.arrivals = held
    ahead = body(rewriter, region.ahead) if region.ahead else []
    after = [line for item in region.after for line in _later(rewriter, item, versions.get(item, {}), body)]
    return [*arrivals.lines(), *ahead, _above(_call(rewriter, step), _comments(region)[0]), *after]


def _comments(region: Region) -> tuple[list[cst.EmptyLine], list[cst.EmptyLine], list[cst.EmptyLine]]:
    """The comments of statements that go: those before the backward passes, of these, and behind them."""
    kept = {*region.ahead, *region.prelude, *region.forward, *region.after} - set(region.losses)
    found: tuple[list[cst.EmptyLine], list[cst.EmptyLine], list[cst.EmptyLine]] = ([], [], [])
    place = 0
    for item in region.statements:
        if item in region.losses:
            place = 1
        elif place == 1:
            place = 2
        if item not in kept:
            found[place].extend(comments_of(item))
    return found


def without_blank_before(lines: list[Any]) -> list[Any]:
    """Statements that come first in a block, where there was something in front of them."""
    if lines and getattr(lines[0], "leading_lines", None):
        kept = list(dropwhile(lambda line: line.comment is None, lines[0].leading_lines))
        lines[0] = lines[0].with_changes(leading_lines=kept)
    return lines


def _bare(line: Any) -> Any:
    """A statement that stands elsewhere too, without the comments around it."""
    if not isinstance(line, cst.SimpleStatementLine):
        return line
    return line.with_changes(leading_lines=[], trailing_whitespace=cst.TrailingWhitespace())


def _above(line: Any, comments: Sequence[cst.EmptyLine]) -> Any:
    return line.with_changes(leading_lines=[*line.leading_lines, *comments]) if comments else line


def _later(rewriter: Rewriter, item: Any, renamed: Mapping[str, str], body: Any) -> list[Any]:
    """A statement behind the step, with the values that names had where it stood."""
    lines: list[Any] = body(rewriter, [item])
    return [line.visit(_Renamed(renamed)) for line in lines] if renamed else lines


class _Renamed(cst.CSTTransformer):
    """Reads other names."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.Name:
        name = self._names.get(original_node.value)
        return updated_node if name is None else updated_node.with_changes(value=name)

    def leave_Attribute(self, original_node: cst.Attribute, updated_node: cst.Attribute) -> cst.Attribute:
        return updated_node.with_changes(attr=original_node.attr)

    def leave_Arg(self, original_node: cst.Arg, updated_node: cst.Arg) -> cst.Arg:
        return updated_node.with_changes(keyword=original_node.keyword)


def _forward(
    rewriter: Rewriter, region: Region, body: Any, versions: Mapping[Any, dict[str, str]]
) -> tuple[list[Any], list[cst.BaseExpression]]:
    """The statements of the differentiated function, and the losses, whose sum it gives.

    A loss that is no name, or one that gets another value before the next backward pass, gets a name of its own.
    """
    lines: list[Any] = []
    losses: list[cst.BaseExpression] = []
    waiting: list[Any] = []
    for index, item in enumerate(region.forward):
        if item in region.again:
            lines += [_bare(line) for line in body(rewriter, [item])]
            continue
        if item not in region.losses and item not in region.versions:
            waiting.append(item)
            continue
        lines += body(rewriter, waiting)
        waiting = []
        if item in versions:
            lines += [statement(assignment(cst.Name(new), cst.Name(name))) for name, new in versions[item].items()]
            continue
        held, rewriter.before = rewriter.before, []
        loss = rewriter.expr(region.losses[item])
        lines += rewriter.before
        rewriter.before = held
        later = [other for other in region.forward[index + 1 :] if other not in region.losses]
        if later and not (isinstance(loss, cst.Name) and loss.value not in assigned_names(later)):
            name = cst.Name(_fresh(rewriter, "loss"))
            lines.append(statement(assignment(name, loss.with_changes(lpar=[], rpar=[]))))
            loss = name
        losses.append(loss)
    return lines, losses


def _fresh(rewriter: Rewriter, name: str) -> str:
    """``name_1``, or the next that the function has no variable of."""
    number = 1
    while f"{name}_{number}" in rewriter.taken:
        number += 1
    rewriter.taken.add(f"{name}_{number}")
    return f"{name}_{number}"


def _choose_results(
    step: _Step, losses: Sequence[cst.BaseExpression], before: Access, during: Access, live: Collection[str]
) -> None:
    """What is looked at afterwards: attributes, and names that are live."""
    step.early = [path for path in before.writes if ("." in path or path in live) and path not in during.writes]
    wanted = [path for path in (*during.writes,) if "." in path or path in live]
    single = dotted_name(losses[0]) if len(losses) == 1 else None
    if single is not None and single in wanted and single in during.writes:
        step.value = single
    step.aux = [path for path in wanted if path != step.value]


# --- the call ------------------------------------------------------------------------------------------------------


def _call(rewriter: Rewriter, step: _Step) -> cst.SimpleStatementLine:
    """``loss, outputs = train_step(model, optimizer, inputs, labels)``."""
    given = [in_its_order(rewriter, each.path, each.place, step.region.statements) for each in step.arguments.every]
    func = call(cst.Name(step.region.name), given)
    places = [*([step.value] if step.value else []), *step.aux, *step.early]
    places += [step.region.gradients] if step.region.gradients else []
    if not places:
        return expression_line(func)
    targets = [expression_of(path) for path in places]
    return statement(assignment(targets[0] if len(targets) == 1 else _tuple(targets), func))


def _tuple(items: Sequence[cst.BaseExpression], *, brackets: bool = False) -> cst.Tuple:
    lpar, rpar = ([cst.LeftParen()], [cst.RightParen()]) if brackets else ([], [])
    return cst.Tuple([cst.Element(item) for item in items], lpar=lpar, rpar=rpar)


# --- the function --------------------------------------------------------------------------------------------------


def _definition(rewriter: Rewriter, step: _Step) -> cst.FunctionDef:
    region, arguments = step.region, step.arguments
    local = arguments.localized
    lines = without_blank_before([local(line) for line in step.prelude])
    lines += _differentiation(rewriter, step)
    added = region.gradients
    _, backward, behind = _comments(region)
    lines[-1] = _above(lines[-1], backward)
    if not region.is_new:
        final = _addition(rewriter, step) if added else [*_clipping(rewriter, step), *_updates(rewriter, step)]
        final[0] = _above(final[0], behind)
        lines += final
    results = [*([step.value] if step.value else []), *step.aux, *step.early]
    if results or added:
        ready = {*([step.value] if step.value else []), *step.aux}
        names: list[cst.BaseExpression] = [
            cst.Name(arguments.local(path)) if path in ready else _given_back(rewriter, step, path) for path in results
        ]
        names += [cst.Name(arguments.gradients if region.is_new else added)] if added else []
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
    program = rewriter.program
    if not program.shares_modules and not any(cls.tied for cls in program.classes.values()):
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
    parts = [cst.Name(name) for name in arguments.split]
    whole = cst.Name(step.region.copy) if step.region.copy else _models(step, brackets=True)
    apart = call(attribute(nnx, "split"), [whole, attribute(nnx, "Param"), cst.Ellipsis()])
    others = [
        each.name
        for each in arguments.every
        if each.is_stateful and each.path not in step.region.models and each.path in step.read
    ]
    rebound = [arguments.local(path) for path in step.rebound]
    given = [*arguments.split[1:], *others, *(name for name in rebound if name not in others)]
    return [
        statement(assignment(_tuple(parts), apart)),
        _loss_function(rewriter, step, given),
        _gradients(rewriter, step, given),
    ]


def _models(step: _Step, *, brackets: bool = False) -> cst.BaseExpression:
    """The model, or a tuple of all models; of one array, which is a Variable, a tuple of it."""
    models = step.region.models
    names = [cst.Name(step.arguments.local(model)) for model in models]
    if len(names) > 1:
        return _tuple(names, brackets=brackets)
    is_array = any(each.structure == models for each in step.region.trained)
    return _of_one(names[0]) if is_array else names[0]


def _of_one(item: cst.BaseExpression) -> cst.Tuple:
    return _tuple([item], brackets=True).with_changes(elements=[cst.Element(item, cst.Comma())])


def _loss_function(rewriter: Rewriter, step: _Step, given: Sequence[str]) -> cst.FunctionDef:
    arguments = step.arguments
    merged = call(attribute(rewriter.root("nnx"), "merge"), [cst.Name(name) for name in arguments.split])
    lines: list[Any] = [statement(assignment(_models(step), merged))]
    lines += [arguments.localized(line) for line in step.forward]
    value = arguments.localized(step.loss)
    if step.aux:
        value = _tuple([value, _packed([_given_back(rewriter, step, path) for path in step.aux])])
    lines.append(statement(cst.Return(value)))
    return cst.FunctionDef(
        cst.Name(arguments.loss_function),
        cst.Parameters([cst.Param(cst.Name(name)) for name in given]),
        cst.IndentedBlock(lines),
        leading_lines=[_BLANK],
        lines_after_decorators=[],
    )


def _given_back(rewriter: Rewriter, step: _Step, path: str) -> cst.BaseExpression:
    """A result, in the form in which it comes through."""
    return in_its_order(rewriter, path, cst.Name(step.arguments.local(path)))


def _packed(items: Sequence[cst.BaseExpression]) -> cst.BaseExpression:
    return items[0] if len(items) == 1 else _tuple(items, brackets=True)


def _gradients(rewriter: Rewriter, step: _Step, given: Sequence[str]) -> cst.SimpleStatementLine:
    """``(loss, outputs), grads = nnx.value_and_grad(loss_fn, has_aux=True)(params, rest)``."""
    arguments = step.arguments
    with_value = bool(step.value or step.aux)
    options = [cst.Arg(cst.Name(arguments.loss_function))]
    if step.aux:
        options.append(argument(cst.Name("True"), "has_aux"))
    func = attribute(rewriter.root("nnx"), "value_and_grad" if with_value else "grad")
    gradients = call(call(func, options), [cst.Name(name) for name in given])
    target: cst.BaseExpression = cst.Name(arguments.gradients)
    if with_value:
        value: cst.BaseExpression = cst.Name(arguments.local(step.value) if step.value else "_")
        if step.aux:
            value = _tuple([value, _packed([cst.Name(arguments.local(path)) for path in step.aux])], brackets=True)
        target = _tuple([value, target])
    return statement(assignment(target, gradients)).with_changes(leading_lines=[_BLANK])


def _addition(rewriter: Rewriter, step: _Step) -> list[Any]:
    """``grads = added(grads, new_grads)``."""
    kept = cst.Name(step.region.gradients)
    new = cst.Name(step.arguments.gradients)
    return [statement(assignment(kept, call(rewriter.helper("add_gradients"), [kept, new])))]


def _clip(rewriter: Rewriter, node: cst.Call) -> tuple[cst.Name, cst.BaseExpression]:
    """The helper that does to gradients what a call did to those of the parameters, and its limit."""
    assert isinstance(node.func, cst.Attribute | cst.Name)
    name = node.func.attr.value if isinstance(node.func, cst.Attribute) else node.func.value
    return rewriter.helper("clip_by_value" if "value" in name else "clip_by_norm"), rewriter.expr(node.args[1].value)


def _clipping(rewriter: Rewriter, step: _Step) -> list[Any]:
    """``grads = clip_by_norm(grads, 1.0)``, and the norm before that, where someone looks at it."""
    grads = cst.Name(step.arguments.gradients)
    lines = []
    for node, (helper, limit) in zip(step.region.clips, step.clips, strict=True):
        if node in step.region.norms:
            lines.append(_norm(rewriter, step.arguments.local(step.region.norms[node]), grads))
        lines.append(statement(assignment(grads, call(helper, [grads, step.arguments.localized(limit)]))))
    return lines


def _norm(rewriter: Rewriter, name: str, grads: cst.Name) -> cst.SimpleStatementLine:
    """``grad_norm = optax.tree.norm(grads)``."""
    tree = attribute(rewriter.root("optax"), "tree")
    return statement(assignment(cst.Name(name), call(attribute(tree, "norm"), [grads])))


def _updates(rewriter: Rewriter, step: _Step) -> list[Any]:
    grads = cst.Name(step.arguments.gradients)
    return [_update(rewriter, each, step.region.models, grads, step.arguments.local) for each in step.region.trained]


def _update(
    rewriter: Rewriter, trained: Trained, models: Sequence[str], grads: cst.Name, local: Callable[[str], str]
) -> cst.SimpleStatementLine:
    """``optimizer.update(model, grads)``."""
    func = attribute(cst.Name(local(trained.optimizer)), "update")
    wanted = _of_structure(rewriter, trained.structure, models, grads)
    return expression_line(call(func, [_structured(trained.structure, models, local), wanted]))


def _structured(structure: Structure, models: Sequence[str], local: Callable[[str], str]) -> cst.BaseExpression:
    """What an optimizer trains, in the tuples that it has been built for."""
    if not isinstance(structure, str):
        items = [_structured(part, models, local) for part in structure]
        return _of_one(items[0]) if len(items) == 1 else _tuple(items, brackets=True)
    root, parts = _taken_apart(structure, models)
    node: cst.BaseExpression = cst.Name(local(root))
    for part in parts:
        node = attribute(node, part)
    return node


def _taken_apart(path: str, models: Sequence[str]) -> tuple[str, list[str]]:
    """The model that a path begins with, and the attributes behind it."""
    root = next(model for model in models if path == model or path.startswith(f"{model}."))
    return root, [part for part in path[len(root) :].split(".") if part]


def _of_structure(
    rewriter: Rewriter, structure: Structure, models: Sequence[str], grads: cst.Name
) -> cst.BaseExpression:
    """The gradients of what an optimizer trains, out of those of all models."""
    if structure in (models[0] if len(models) == 1 else tuple(models), tuple(models)):
        return grads
    node = _gradients_of(structure, models, grads)
    return node if isinstance(structure, str) else call(attribute(rewriter.root("nnx"), "State"), [node])


def _gradients_of(structure: Structure, models: Sequence[str], grads: cst.Name) -> cst.BaseExpression:
    if not isinstance(structure, str):
        inner = [_gradients_of(part, models, grads) for part in structure]
        return cst.Dict([cst.DictElement(cst.Integer(str(index)), each) for index, each in enumerate(inner)])
    root, parts = _taken_apart(structure, models)
    node: cst.BaseExpression = grads
    if len(models) > 1:
        node = _item(node, cst.Integer(str(models.index(root))))
    for part in parts:
        node = _item(node, cst.SimpleString(f'"{part}"'))
    return node


def _item(node: cst.BaseExpression, key: cst.BaseExpression) -> cst.Subscript:
    return cst.Subscript(node, [cst.SubscriptElement(cst.Index(key))])


def copy_of(rewriter: Rewriter, name: str, model: str) -> cst.SimpleStatementLine:
    """``netG_before = nnx.clone(netG)``: the model with the state that it has here."""
    return statement(
        assignment(cst.Name(name), call(attribute(rewriter.root("nnx"), "clone"), [cst.parse_expression(model)]))
    )


# --- gradients that are added up -----------------------------------------------------------------------------------


def before_accumulation(added: Accumulation) -> cst.SimpleStatementLine:
    """``grads = None``: what there is before the first backward pass, and after they are zeroed."""
    return statement(assignment(cst.Name(added.gradients), cst.Name("None")))


def accumulated(rewriter: Rewriter, added: Accumulation, node: Any) -> list[Any]:
    """A statement that clips, uses or forgets gradients which were added up."""
    grads = cst.Name(added.gradients)
    if node in added.zeros:
        return [_above(before_accumulation(added), comments_of(node))]
    if node in added.clips:
        helper, limit = _clip(rewriter, added.clips[node])
        line = statement(assignment(grads, call(helper, [grads, limit])))
        name = added.norms.get(node)
        first, *others = [*([_norm(rewriter, name, grads)] if name else []), line]
        return [_above(first, comments_of(node)), *others]
    return [_above(_applied(rewriter, added), comments_of(node))]


def _applied(rewriter: Rewriter, added: Accumulation) -> cst.SimpleStatementLine:
    """``apply_gradients(model, optimizer, grads)``; the function goes in front of the statement of the file."""
    places = (*added.trained.models, added.trained.optimizer)
    body = cst.Module([]).code_for_node(_application(rewriter, added))
    name = rewriter.defined_steps.get(body)
    if name is None:
        name = added.name if not rewriter.defined_steps else _fresh(rewriter, added.name)
        rewriter.defined_steps[body] = name
        rewriter.hoisted.append(_application(rewriter, added).with_changes(name=cst.Name(name)))
    given = [*(cst.parse_expression(place) for place in places), cst.Name(added.gradients)]
    return expression_line(call(cst.Name(name), given))


def returned(closure: Closure, lines: Sequence[Any]) -> list[Any]:
    """``return loss, grads``, for ``return loss``."""
    last = lines[-1].body[-1]
    value = _tuple([last.value.with_changes(lpar=[], rpar=[]), cst.Name(closure.added.gradients)])
    small = [*lines[-1].body[:-1], last.with_changes(value=value)]
    return [*lines[:-1], lines[-1].with_changes(body=small)]


def stepped(rewriter: Rewriter, closure: Closure, node: Any) -> list[Any]:
    """``loss, grads = closure()`` and the update, for ``loss = optimizer.step(closure)``."""
    small = node.body[0]
    target = small.targets[0].target if isinstance(small, cst.Assign) else cst.Name("_")
    pair = _tuple([target, cst.Name(closure.added.gradients)])
    line = statement(assignment(pair, call(cst.Name(closure.function), [])))
    return [line.with_changes(leading_lines=node.leading_lines), _applied(rewriter, closure.added)]


def _application(rewriter: Rewriter, added: Accumulation) -> cst.FunctionDef:
    """``def apply_gradients(model, optimizer, grads)``."""
    trained, grads = added.trained, cst.Name(added.gradients)

    def local(place: str) -> str:
        return place.rpartition(".")[2]

    names = [cst.Name(local(place)) for place in (*trained.models, trained.optimizer)]
    return cst.FunctionDef(
        cst.Name(added.name),
        cst.Parameters([cst.Param(name) for name in (*names, grads)]),
        cst.IndentedBlock([_update(rewriter, trained, trained.models, grads, local)]),
        decorators=[_jit(rewriter, ())],
        leading_lines=[],
        lines_after_decorators=[],
    )
