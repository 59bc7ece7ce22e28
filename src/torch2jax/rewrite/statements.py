"""Rewriting statements; one may become several, or none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import libcst as cst

from torch2jax.infer.derived import kept_name
from torch2jax.infer.facts import Relayout, RuleCall
from torch2jax.infer.kinds import Api, ClassRef, Tensor, is_tensor, options, without_none
from torch2jax.infer.layout import conversion, describe
from torch2jax.rewrite.comments import with_lost_comments
from torch2jax.rewrite.derived import after_super_init, stored
from torch2jax.rewrite.fill import FillArg, fill
from torch2jax.rewrite.freezing import frozen_loop, set_trainable
from torch2jax.rewrite.gradient_names import import_from, names_itself
from torch2jax.rewrite.mutation import (
    Place,
    assign_result,
    can_put,
    item_update,
    place_of,
    store,
    take_back,
    updates_after,
)
from torch2jax.rewrite.precedence import is_simple, parenthesize
from torch2jax.rewrite.rewriter import (
    PRIMARY,
    STATEMENTS,
    Rewriter,
    argument,
    assignment,
    attribute,
    call,
    rewrites,
    statement,
)
from torch2jax.rewrite.rule_calls import flag, fresh_name
from torch2jax.source.nodes import dotted_name, walk

Statement = cst.SimpleStatementLine | cst.BaseCompoundStatement


def body(rewriter: Rewriter, nodes: Sequence[Any]) -> list[Any]:
    """The statements of a block."""
    result: list[Any] = []
    pending: list[cst.EmptyLine] = []
    for node in nodes:
        new = one(rewriter, node)
        if new and pending:
            new[0] = new[0].with_changes(leading_lines=[*pending, *new[0].leading_lines])
            pending = []
        if not new:
            pending += [line for line in getattr(node, "leading_lines", ()) if line.comment is not None]
        result += new
    rewriter.unplaced = pending
    return result


def one(rewriter: Rewriter, node: Any) -> list[Any]:
    """One statement, with what has to come before it."""
    held, rewriter.before = rewriter.before, []
    handler = STATEMENTS.get(type(node))
    new: list[Any] = handler(rewriter, node) if handler is not None else [rewriter.generic(node)]
    if rewriter.comments_inside and isinstance(node, cst.SimpleStatementLine) and new != [node]:
        new = with_lost_comments(node, new)
    before, rewriter.before = rewriter.before, held
    marks = _marks(rewriter, _own_parts(node))
    if marks and (before or new):
        first = before or new
        first[0] = first[0].with_changes(leading_lines=[*getattr(first[0], "leading_lines", ()), *marks])
    if before:
        lines = [*getattr(node, "leading_lines", ()), *marks]
        before[0] = before[0].with_changes(leading_lines=lines)
        if new and new[0] is not None and hasattr(new[0], "leading_lines"):
            new[0] = new[0].with_changes(leading_lines=[])
    return [*before, *new]


_HEADERS: dict[type, tuple[str, ...]] = {
    cst.If: ("test",),
    cst.While: ("test",),
    cst.For: ("iter",),
    cst.With: ("items",),
    cst.FunctionDef: ("params", "decorators"),
    cst.ClassDef: ("bases", "keywords", "decorators"),
    cst.Match: ("subject",),
    cst.MatchCase: ("pattern", "guard"),
    cst.ExceptHandler: ("type",),
    cst.ExceptStarHandler: ("type",),
}


def _own_parts(node: Any) -> list[Any]:
    """A simple statement, or the header of a compound one, whose body has statements of its own."""
    if isinstance(node, cst.SimpleStatementLine):
        return [node]
    parts: list[Any] = []
    for name in _HEADERS.get(type(node), ()):
        value = getattr(node, name)
        parts += value if isinstance(value, list | tuple) else [value] if value is not None else []
    return parts


def _marks(rewriter: Rewriter, parts: Sequence[Any]) -> list[cst.EmptyLine]:
    """A comment above a statement for each error in it."""
    errors = rewriter.errors()
    if not errors:
        return []
    found: dict[str, None] = {}
    for part in parts:
        for inner in walk(part):
            for finding in errors.get(inner, ()):
                found[f"# TODO(torch2jax): {finding.code} {finding.message}"] = None
    return [cst.EmptyLine(comment=cst.Comment(" ".join(text.split()))) for text in found]


@rewrites(STATEMENTS, cst.SimpleStatementLine)
def simple_line(rewriter: Rewriter, node: cst.SimpleStatementLine) -> list[Any]:
    """A line of small statements: one may become several, or none."""
    small: list[Any] = []
    lines: list[Any] = []
    changed = False
    for part in node.body:
        new = small_statement(rewriter, part)
        if isinstance(new, list):
            changed = True
            lines += new
        else:
            changed = changed or new is not part
            small.append(new)
            lines.append(new)
        lines += _relayouts_after(rewriter, part)
        changed = changed or bool(lines and not isinstance(lines[-1], cst.BaseSmallStatement))
    if not changed:
        return [node]
    if len(small) == len(node.body) and len(lines) == len(small):
        return [node.with_changes(body=small)]
    whole = [
        line
        if not isinstance(line, cst.BaseSmallStatement)
        else statement(line.with_changes(semicolon=cst.MaybeSentinel.DEFAULT))
        for line in lines
    ]
    if whole:
        whole[0] = whole[0].with_changes(leading_lines=node.leading_lines)
        if isinstance(whole[-1], cst.SimpleStatementLine):
            whole[-1] = whole[-1].with_changes(trailing_whitespace=node.trailing_whitespace)
    return whole


def _relayouts_after(rewriter: Rewriter, node: cst.CSTNode) -> list[Any]:
    """Names whose new value has to lie otherwise from here on."""
    if not rewriter.facts.definitions or not isinstance(node, cst.Assign | cst.AugAssign | cst.AnnAssign | cst.Expr):
        return []
    return [
        transposition(rewriter, part, rewriter.facts.definitions[part])
        for part in walk(node)
        if part in rewriter.facts.definitions
    ]


def transposition(rewriter: Rewriter, target: Any, relayout: Relayout) -> cst.SimpleStatementLine:
    """``x = x.transpose(0, 2, 3, 1)``."""
    rewriter.placed.add(target)
    name = cst.Name(target.value if isinstance(target, cst.Name) else _defined_name(target))
    rewriter.tally.transposes += 1
    rank = relayout.rank or 0
    value = rewriter.transposed(name, conversion(relayout.source, relayout.target, rank))
    comment = f"# {describe(relayout.source, rank)} -> {describe(relayout.target, rank)}"
    line = statement(assignment(name, value))
    return line.with_changes(
        trailing_whitespace=cst.TrailingWhitespace(cst.SimpleWhitespace("  "), cst.Comment(comment))
    )


def _defined_name(node: Any) -> str:
    if isinstance(node, cst.Param):
        return node.name.value
    if isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute) and isinstance(node.func.value, cst.Name):
        return node.func.value.value
    return "x"


def small_statement(rewriter: Rewriter, node: cst.BaseSmallStatement) -> Any:
    """A small statement: another one, or a list of lines."""
    if rewriter.gradient is not None:
        new = rewriter.gradient.statement(rewriter, node)
        if new is not None:
            return new
    if isinstance(node, cst.ImportFrom):
        return import_from(rewriter, node)
    if isinstance(node, cst.Assign) and names_itself(rewriter, node):
        return []
    match node:
        case cst.Expr():
            return _expression(rewriter, node)
        case cst.Assign():
            return _assign(rewriter, node)
        case cst.AnnAssign() if node.value is not None:
            return _annotated(rewriter, node)
        case cst.AnnAssign():
            from torch2jax.rewrite.expressions import annotation

            return node.with_changes(annotation=annotation(rewriter, node.annotation))
        case cst.AugAssign():
            return _augmented(rewriter, node)
        case cst.Import() | cst.ImportFrom():
            return node
        case cst.TypeAlias():
            from torch2jax.rewrite.expressions import annotated

            return node.with_changes(value=annotated(rewriter, node.value))
        case _:
            return rewriter.generic(node)


def _expression(rewriter: Rewriter, node: cst.Expr) -> Any:
    value = node.value
    if isinstance(value, cst.IfExp) and _has_effect(rewriter, value):
        return _chosen(rewriter, value)
    if not isinstance(value, cst.Call):
        return rewriter.generic(node)
    fact = rewriter.facts.calls.get(value)
    note = rewriter.facts.special.get(value)
    if note is not None and note[0] == "super_init":
        return _super_init(rewriter, node, value, note)
    if note is not None and note[0] == "module_method":
        result = _module_statement(rewriter, value, note[1])
        if result is not None:
            return result
    if note is not None and note[0] == "copy_state":
        return [_line(_copied_state(rewriter, value, note[1]))]
    if note is not None and note[0] == "register":
        return _register(rewriter, value, note)
    if note is not None and note[0] == "apply":
        return _apply(rewriter, value, rngs=note[1])
    if isinstance(fact, RuleCall) and fact.target is not None and can_put(rewriter, fact.target):
        return assign_result(rewriter, value, fact)
    if value in rewriter.facts.returned:
        rewriter.taken_back = value
        result = rewriter.expr(value)
        rewriter.taken_back = None
        return take_back(rewriter, value, result)
    new = rewriter.expr(value)
    if isinstance(fact, RuleCall) and isinstance(new, cst.Name | cst.Attribute):
        return []
    return node if new is value else node.with_changes(value=new)


def _super_init(rewriter: Rewriter, node: cst.Expr, value: cst.Call, note: Any) -> Any:
    if note[1] == "drop":
        return []
    if note[1] == "stored":
        return [*stored(rewriter, note[2]), *after_super_init(rewriter, value)]
    line = node.with_changes(value=rewriter.expr(value))
    after = after_super_init(rewriter, value)
    return [statement(line), *after] if after else line


def _has_effect(rewriter: Rewriter, node: cst.CSTNode) -> bool:
    """Whether an expression changes an array in place."""
    for part in walk(node):
        fact = rewriter.facts.calls.get(part)
        if part in rewriter.facts.returned or (isinstance(fact, RuleCall) and fact.target is not None):
            return True
    return False


def _chosen(rewriter: Rewriter, node: cst.IfExp) -> list[Any]:
    """``a() if test else b()`` as a statement."""
    test = rewriter.expr(node.test)
    held, rewriter.before = rewriter.before, []
    blocks = []
    for part in (node.body, node.orelse):
        line = cst.SimpleStatementLine([cst.Expr(part.with_changes(lpar=[], rpar=[]) if part.lpar else part)])
        blocks.append(cst.IndentedBlock(one(rewriter, line) or [statement(cst.Pass())]))
    rewriter.before = held
    quiet = isinstance(node.orelse, cst.Name)
    return [cst.If(test, blocks[0], None if quiet else cst.Else(blocks[1]))]


def _module_statement(rewriter: Rewriter, node: cst.Call, name: str) -> Any:
    func = node.func
    if not isinstance(func, cst.Attribute):
        return None
    if name in ("to", "cuda", "cpu", "float", "share_memory", "zero_grad"):
        rewriter.tally.dropped += 1
        return []
    if name == "train" and node.args:
        return _train(rewriter, func, node.args[0].value)
    if name in ("eval", "train"):
        return [_line(call(attribute(rewriter.expr(func.value), name), []))]
    if name in ("add_module", "register_module") and len(node.args) == 2:
        from torch2jax.infer.kinds import constant

        key, value = node.args[0].value, node.args[1].value
        holder = rewriter.kind(func.value)
        receiver = rewriter.expr(func.value)
        translated = rewriter.expr(value)
        rewriter.tally.translated += 1
        from torch2jax.rewrite.module_calls import _is_sequential

        if holder is not None and any(_is_sequential(option) for option in options(holder)):
            return [_line(call(attribute(attribute(receiver, "layers"), "append"), [translated]))]
        literal = constant(rewriter.kind(key)) if rewriter.kind(key) is not None else None  # type: ignore[arg-type]
        if isinstance(literal, str) and literal.isidentifier():
            return [statement(assignment(attribute(receiver, literal), translated))]
        return [_line(call(cst.Name("setattr"), [receiver, rewriter.expr(key), translated]))]
    return None


def _copied_state(rewriter: Rewriter, node: cst.Call, source: cst.BaseExpression) -> cst.Call:
    """``a.load_state_dict(b.state_dict())``."""
    assert isinstance(node.func, cst.Attribute)
    rewriter.tally.translated += 1
    args = [argument(rewriter.expr(source)), argument(rewriter.expr(node.func.value))]
    for arg in node.args[1:]:
        if not (isinstance(arg.value, cst.Name) and arg.value.value == "True"):
            args.append(argument(rewriter.expr(arg.value), "strict"))
    return call(rewriter.helper("copy_state"), args)


def _train(rewriter: Rewriter, func: cst.Attribute, mode: cst.BaseExpression) -> list[Any]:
    """``model.train(mode)``: Flax has a method for each mode."""
    receiver = rewriter.expr(func.value)
    on, off = (_line(call(attribute(receiver, name), [])) for name in ("train", "eval"))
    if isinstance(mode, cst.Name) and mode.value in ("True", "False"):
        return [on if mode.value == "True" else off]
    return [cst.If(rewriter.expr(mode), cst.IndentedBlock([on]), cst.Else(cst.IndentedBlock([off])))]


def _line(value: cst.BaseExpression) -> cst.SimpleStatementLine:
    return statement(cst.Expr(value))


def _register(rewriter: Rewriter, node: cst.Call, note: Any) -> list[Any]:
    """``self.register_buffer("mask", value)`` as ``self.mask = Buffer(value)``."""
    _, kind, key = note
    assert isinstance(node.func, cst.Attribute)
    given = {arg.keyword.value: arg.value for arg in node.args if arg.keyword is not None}
    positional = [arg.value for arg in node.args if arg.keyword is None]
    value = positional[1] if len(positional) > 1 else given.get("tensor", given.get("param"))
    assert value is not None
    rewriter.tally.translated += 1
    receiver = rewriter.expr(node.func.value)
    new = rewriter.expr(value)
    is_none = isinstance(new, cst.Name) and new.value == "None"
    persistent = given.get("persistent") or (positional[2] if len(positional) > 2 else None)
    if not is_none and kind == "register_buffer":
        args = [argument(new)]
        if persistent is not None and not (isinstance(persistent, cst.Name) and persistent.value == "True"):
            args.append(argument(rewriter.expr(persistent), "persistent"))
        new = _unless_none(rewriter, value, call(rewriter.helper("Buffer"), args))
    elif not is_none and not _holds_variable(rewriter, value):
        new = call(attribute(rewriter.root("nnx"), "Param"), [new])
    if key is not None:
        name = kept_name(rewriter.program, rewriter.kind(node.func.value), key)
        return [statement(assignment(attribute(receiver, name), new))]
    named = positional[0] if positional else given["name"]
    return [_line(call(cst.Name("setattr"), [receiver, rewriter.expr(named), new]))]


def _unless_none(rewriter: Rewriter, value: cst.BaseExpression, built: cst.Call) -> cst.BaseExpression:
    """``Buffer(x) if test else None`` where the value may be None."""
    kind = rewriter.kind(value)
    if kind is None or without_none(kind) is kind:
        return built
    given = built.args[0].value
    if isinstance(given, cst.IfExp) and isinstance(given.orelse, cst.Name) and given.orelse.value == "None":
        inner = built.with_changes(args=[built.args[0].with_changes(value=given.body), *built.args[1:]])
        return given.with_changes(body=inner, lpar=[], rpar=[])
    test = cst.Comparison(given, [cst.ComparisonTarget(cst.Is(), cst.Name("None"))])
    return cst.IfExp(test, cst.Name("None"), built)


def _holds_variable(rewriter: Rewriter, node: cst.CSTNode) -> bool:
    kind = without_none(rewriter.kind(node) or Tensor())
    return isinstance(kind, Tensor) and kind.variable


def _apply(rewriter: Rewriter, node: cst.Call, *, rngs: bool) -> list[Any]:
    """``self.apply(fn)`` as a loop over the modules."""
    assert isinstance(node.func, cst.Attribute)
    rewriter.tally.translated += 1
    function = rewriter.expr(node.args[0].value)
    receiver = rewriter.expr(node.func.value)
    args = [argument(cst.Name("module"))]
    if rngs:
        args.append(argument(rewriter.rngs(), "rngs"))
    target = cst.Tuple([cst.Element(cst.Name("_")), cst.Element(cst.Name("module"))], lpar=[], rpar=[])
    modules = call(attribute(rewriter.root("nnx"), "iter_modules"), [receiver])
    inner = _line(call(parenthesize(function, PRIMARY), args))
    return [cst.For(target, modules, cst.IndentedBlock([inner]))]


def _assign(rewriter: Rewriter, node: cst.Assign) -> Any:
    if _writes_itself(rewriter, node):
        fact = rewriter.facts.calls[node.value]
        return assign_result(rewriter, cst.ensure_type(node.value, cst.Call), fact)
    if len(node.targets) == 1:
        special = _assign_special(rewriter, node, node.targets[0].target)
        if special is not None:
            return special
    note = rewriter.facts.special.get(node)
    if note is not None and note[0] in ("chained", "one_by_one"):
        return _one_by_one(rewriter, node)
    if _is_for_isinstance(rewriter, node):
        from torch2jax.rewrite.expressions import class_reference

        return node.with_changes(value=class_reference(rewriter, node.value))
    translated = rewriter.expr(node.value)
    if _is_own_value(rewriter, node, translated):
        return []
    places = [_target(rewriter, target.target) for target in node.targets]
    value = _stored(rewriter, node.targets[0].target, node.value, translated)
    if value is node.value and all(target.target is new for target, new in zip(node.targets, places, strict=True)):
        return node
    targets = [target.with_changes(target=new) for target, new in zip(node.targets, places, strict=True)]
    return node.with_changes(targets=targets, value=value)


def _is_for_isinstance(rewriter: Rewriter, node: cst.Assign) -> bool:
    """Whether ``NORMS = (nn.BatchNorm2d, nn.LayerNorm)`` lists classes for ``isinstance``, which are not called."""
    target = node.targets[0].target
    if not isinstance(target, cst.Name) or not isinstance(node.value, cst.Tuple):
        return False
    kinds = [rewriter.kind(element.value) for element in node.value.elements]
    if not kinds or not all(isinstance(kind, Api | ClassRef) for kind in kinds):
        return False
    tests = [
        part.args[1].value
        for part in walk(rewriter.file.tree)
        if isinstance(part, cst.Call)
        and isinstance(part.func, cst.Name)
        and part.func.value in ("isinstance", "issubclass")
        and len(part.args) == 2
    ]
    return any(isinstance(t, cst.Name) and t.value == target.value for test in tests for t in walk(test))


def _writes_itself(rewriter: Rewriter, node: cst.Assign) -> bool:
    """``self.x = self.x.add_(1)``, which is ``self.x.add_(1)``."""
    fact = rewriter.facts.calls.get(node.value)
    target = fact.target if isinstance(fact, RuleCall) else None
    same = dotted_name(target)
    return len(node.targets) == 1 and same is not None and same == dotted_name(node.targets[0].target)


def _one_by_one(rewriter: Rewriter, node: cst.Assign) -> list[Any]:
    """``a[0] = b[1] = v`` and ``a[0], a[1] = v, w``: a line for each target; views are read late, as in PyTorch."""
    targets = [target.target for target in node.targets]
    lines: list[Any] = []
    if len(targets) > 1:
        value = _named_first(rewriter, node.value, lines)
        pairs: list[tuple[Any, Any]] = [(target, value) for target in targets]
        return [*lines, *(line for target, held in pairs for line in _one_target(rewriter, target, held))]
    (whole,) = targets
    sources = [element.value for element in getattr(node.value, "elements", ())]
    late = [order == "late" for order in rewriter.facts.special[node][1]]
    values = [
        None if later else _named_first(rewriter, source, lines) for source, later in zip(sources, late, strict=True)
    ]
    for element, source, value in zip(getattr(whole, "elements", ()), sources, values, strict=True):
        lines += _one_target(rewriter, element.value, rewriter.expr(source) if value is None else value)
    return lines


def _named_first(rewriter: Rewriter, node: Any, lines: list[Any]) -> Any:
    value = rewriter.expr(node)
    if is_simple(value):
        return value
    name = cst.Name(fresh_name(rewriter, "value"))
    lines.append(statement(assignment(name, value)))
    return name


def _one_target(rewriter: Rewriter, target: Any, value: Any) -> list[Any]:
    note = rewriter.facts.special.get(target)
    if isinstance(target, cst.Subscript) and note is not None and note[0] == "set_item":
        return [item_update(rewriter, target, "set", value), *updates_after(rewriter, target)]
    written = note is not None and (
        note[0] in ("write_variable", "write_data") or (note[0] == "state" and note[-1] == "write")
    )
    if isinstance(target, cst.Attribute) and written:
        return [store(_written_place(rewriter, target, note), value)]
    return [statement(assignment(_target(rewriter, target), value))]


def _is_own_value(rewriter: Rewriter, node: cst.Assign, value: cst.BaseExpression) -> bool:
    """``x = x.add_(1)``: the line before has assigned it already."""
    target = node.targets[0].target
    same = isinstance(value, cst.Name) and isinstance(target, cst.Name) and value.value == target.value
    return same and len(node.targets) == 1 and bool(rewriter.before) and not isinstance(node.value, cst.Name)


def _assign_special(rewriter: Rewriter, node: cst.Assign, target: Any) -> Any:
    note = rewriter.facts.special.get(target)
    if isinstance(target, cst.Subscript) and note is not None and note[0] == "set_item":
        return [item_update(rewriter, target, "set", rewriter.expr(node.value)), *updates_after(rewriter, target)]
    if isinstance(target, cst.Tuple | cst.List) and note is not None and note[0] == "unpack_shape":
        order = [target.elements[axis].with_changes(comma=target.elements[i].comma) for i, axis in enumerate(note[1])]
        return node.with_changes(
            targets=[node.targets[0].with_changes(target=target.with_changes(elements=order))],
            value=rewriter.expr(node.value),
        )
    if isinstance(target, cst.Attribute) and note is not None:
        if note[0] in ("write_variable", "write_data") or (note[0] == "state" and note[-1] == "write"):
            return [store(_written_place(rewriter, target, note), rewriter.expr(node.value))]
        if note[0] == "flagged":
            return node
        if note[0] == "trainable":
            return [_line(set_trainable(rewriter, target.value, node.value))]
        if note[0] == "take_away":
            return _taken_away(rewriter, node, target)
        if note[0] == "attribute":
            return node.with_changes(
                targets=[node.targets[0].with_changes(target=_target(rewriter, target))],
                value=_in_flax_form(note[2], rewriter.expr(node.value)),
            )
        if note[0] == "tied":
            return _tied_layer(rewriter, note)
    if isinstance(target, cst.Attribute) and rewriter.is_tied(target):
        return []
    return None


def _taken_away(rewriter: Rewriter, node: cst.Assign, target: cst.Attribute) -> Any:
    """``layer.bias = None``: flax asks a flag of the layer whether there is one."""
    place: Any = _target(rewriter, target)
    line = node.with_changes(targets=[node.targets[0].with_changes(target=place)])
    flag_name = {"bias": "use_bias", "scale": "use_scale"}.get(place.attr.value)
    if flag_name is None:
        return line
    flag_place = attribute(rewriter.expr(target.value), flag_name)
    return [statement(line), statement(assignment(flag_place, cst.Name("False")))]


def _in_flax_form(template: Any, value: cst.BaseExpression) -> cst.BaseExpression:
    """A value for a torch attribute that is a number minus flax's: ``1 - momentum``."""
    if template[:2] != ("bin", "-"):
        return value
    return fill(("bin", "-", template[2], ("param", "value")), {"value": FillArg(node=value)}).expression


def _tied_layer(rewriter: Rewriter, note: Any) -> list[Any]:
    """An output layer on an embedding's matrix: nothing at all, or a layer that adds its own bias."""
    _, linear, embedding, biased, sometimes = note
    if not biased and not sometimes:
        return []
    args = [argument(rewriter.expr(embedding))]
    if not biased:
        args.append(argument(cst.Name("False"), "use_bias"))
    built = call(rewriter.helper("TiedLinear"), [*args, argument(rewriter.rngs(), "rngs")])
    return [statement(assignment(linear, built))]


def _written_place(rewriter: Rewriter, target: cst.Attribute, note: Any) -> Place:
    if note[0] == "write_variable":
        return Place(own_place(rewriter, target), True)
    if note[0] == "state":
        inner = parenthesize(rewriter.expr(target.value), PRIMARY)
        return Place(target.with_changes(value=inner, attr=cst.Name(note[1])), True)
    return place_of(rewriter, target)


def own_place(rewriter: Rewriter, target: cst.Attribute) -> cst.Attribute:
    """An attribute that is assigned, under the name that it has in the output."""
    name = kept_name(rewriter.program, rewriter.kind(target.value), target.attr.value)
    attr = target.attr if name == target.attr.value else cst.Name(name)
    holder = rewriter.expr(target.value)
    same = holder is target.value and attr is target.attr
    return target if same else target.with_changes(value=holder, attr=attr)


def _target(rewriter: Rewriter, target: Any) -> Any:
    if isinstance(target, cst.Name):
        return target
    if isinstance(target, cst.Tuple | cst.List):
        parts = [_target(rewriter, element.value) for element in target.elements]
        if all(new is element.value for new, element in zip(parts, target.elements, strict=True)):
            return target
        elements = [e.with_changes(value=new) for e, new in zip(target.elements, parts, strict=True)]
        return target.with_changes(elements=elements)
    if isinstance(target, cst.Attribute):
        note = rewriter.facts.special.get(target)
        if note is not None and note[0] == "state":
            return place_of(rewriter, target).node
        if note is not None and note[0] in ("attribute", "take_away"):
            return target.with_changes(value=rewriter.expr(target.value), attr=cst.Name(note[1]))
        return own_place(rewriter, target)
    if isinstance(target, cst.StarredElement):
        return target
    if rewriter.facts.special.get(target) == ("sequential_item", False):
        return rewriter.expr(target)
    return rewriter.generic(target)


def _stored(rewriter: Rewriter, target: Any, source: Any, value: Any) -> Any:
    """What a module's attribute holds must be something that nnx can keep."""
    if not isinstance(target, cst.Attribute) or rewriter.owner is None or not rewriter.owner.is_module:
        return value
    kind = rewriter.kind(source)
    if kind is None:
        return value
    from torch2jax.rewrite.containers import kept

    return kept(rewriter, target, kind, value)


def _annotated(rewriter: Rewriter, node: cst.AnnAssign) -> Any:
    from torch2jax.rewrite.expressions import annotation

    assert node.value is not None
    value = _stored(rewriter, node.target, node.value, rewriter.expr(node.value))
    return node.with_changes(
        target=_target(rewriter, node.target), annotation=annotation(rewriter, node.annotation), value=value
    )


_AT_METHODS = {
    cst.AddAssign: "add",
    cst.SubtractAssign: "subtract",
    cst.MultiplyAssign: "multiply",
    cst.DivideAssign: "divide",
    cst.PowerAssign: "power",
}
_OPERATORS: dict[type, Any] = {
    cst.AddAssign: cst.Add,
    cst.SubtractAssign: cst.Subtract,
    cst.MultiplyAssign: cst.Multiply,
    cst.DivideAssign: cst.Divide,
    cst.PowerAssign: cst.Power,
    cst.BitAndAssign: cst.BitAnd,
    cst.BitOrAssign: cst.BitOr,
    cst.BitXorAssign: cst.BitXor,
    cst.FloorDivideAssign: cst.FloorDivide,
    cst.ModuloAssign: cst.Modulo,
    cst.MatrixMultiplyAssign: cst.MatrixMultiply,
    cst.LeftShiftAssign: cst.LeftShift,
    cst.RightShiftAssign: cst.RightShift,
}


def _augmented(rewriter: Rewriter, node: cst.AugAssign) -> Any:
    target = node.target
    note = rewriter.facts.special.get(target)
    if isinstance(target, cst.Subscript) and note is not None and note[0] == "set_item":
        return [*_augmented_item(rewriter, node, target), *updates_after(rewriter, node)]
    updates = updates_after(rewriter, node)
    if updates:
        lines = _augmented_plainly(rewriter, node, target, note)
        return [*(lines if isinstance(lines, list) else [statement(lines)]), *updates]
    return _augmented_plainly(rewriter, node, target, note)


def _augmented_plainly(rewriter: Rewriter, node: cst.AugAssign, target: Any, note: Any) -> Any:
    value = rewriter.expr(node.value)
    if isinstance(target, cst.Attribute) and note is not None and note[0] in ("write_variable", "write_data", "state"):
        place = place_of(rewriter, target) if note[0] != "write_variable" else _written_place(rewriter, target, note)
        relayout = rewriter.facts.relayouts.get(target)
        if relayout is not None and place.layout is not None:
            current = rewriter.expr(target)
            operator = _OPERATORS[type(node.operator)]()
            new = cst.BinaryOperation(parenthesize(current, 13), operator, parenthesize(value, 14))
            axes = conversion(relayout.target, relayout.source, relayout.rank or 0)
            return [store(place, rewriter.transposed(new, axes))]
        held = (
            cst.Subscript(place.node, [cst.SubscriptElement(cst.Index(cst.Ellipsis()))])
            if place.variable
            else place.node
        )
        return node.with_changes(target=held, value=value)
    if isinstance(target, cst.Name) and target in rewriter.facts.relayouts:
        operator = _OPERATORS[type(node.operator)]()
        current = parenthesize(rewriter.expr(target), 13)
        return cst.Assign([cst.AssignTarget(target)], cst.BinaryOperation(current, operator, parenthesize(value, 14)))
    return node.with_changes(target=_target(rewriter, target), value=value)


def _augmented_item(rewriter: Rewriter, node: cst.AugAssign, target: cst.Subscript) -> list[Any]:
    """``x[i] += v``: with an array as index each place counts once, as in torch."""
    value = rewriter.expr(node.value)
    method = _AT_METHODS.get(type(node.operator))
    by_array = any(_is_array_index(rewriter, element) for element in target.slice)
    if method is not None and not by_array and not isinstance(target.value, cst.Subscript):
        return [item_update(rewriter, target, method, value)]
    current = rewriter.generic(target)
    operator = _OPERATORS[type(node.operator)]()
    return [
        item_update(
            rewriter, target, "set", cst.BinaryOperation(parenthesize(current, 13), operator, parenthesize(value, 14))
        )
    ]


def _is_array_index(rewriter: Rewriter, element: cst.SubscriptElement) -> bool:
    index = element.slice
    if not isinstance(index, cst.Index):
        return False
    if isinstance(index.value, cst.Tuple):
        return any(is_tensor(rewriter.kind(e.value) or Api("")) for e in index.value.elements)
    kind = rewriter.kind(index.value)
    return isinstance(index.value, cst.List) or (kind is not None and is_tensor(kind))


# compound statements


def suite(rewriter: Rewriter, node: Any, prefix: Sequence[Any] = ()) -> Any:
    """A block with statements in front."""
    if isinstance(node, cst.SimpleStatementSuite):
        lines = body(rewriter, [cst.SimpleStatementLine(node.body)])
        if not prefix and len(lines) == 1 and isinstance(lines[0], cst.SimpleStatementLine):
            return node.with_changes(body=lines[0].body)
        return cst.IndentedBlock([*prefix, *(lines or [statement(cst.Pass())])])
    new = [*prefix, *body(rewriter, node.body)]
    if not new:
        return node.with_changes(body=[statement(cst.Pass()).with_changes(leading_lines=rewriter.unplaced)])
    if rewriter.unplaced:
        node = node.with_changes(footer=[*rewriter.unplaced, *node.footer])
    if all(a is b for a, b in zip(new, node.body, strict=False)) and len(new) == len(node.body):
        return node
    return node.with_changes(body=new)


@rewrites(STATEMENTS, cst.If)
def if_(rewriter: Rewriter, node: cst.If) -> list[Any]:
    """``if``, ``elif``, ``else``."""
    if rewriter.gradient is not None and rewriter.gradient.always(rewriter, node):
        return body(rewriter, node.body.body)
    note = rewriter.facts.special.get(node.test)
    if note is not None and note[0] == "decided":
        return _taken(rewriter, node, node.body if note[1] else node.orelse)
    test = rewriter.expr(node.test)
    new_body = suite(rewriter, node.body)
    orelse = node.orelse
    if isinstance(orelse, cst.If):
        held, rewriter.before = rewriter.before, []
        replaced = if_(rewriter, orelse)[0]
        if rewriter.before:
            inner = [*rewriter.before, replaced]
            replaced = cst.Else(cst.IndentedBlock(inner))
        rewriter.before = held
        orelse = replaced
    elif isinstance(orelse, cst.Else):
        orelse = orelse.with_changes(body=suite(rewriter, orelse.body))
    return [node.with_changes(test=test, body=new_body, orelse=orelse)]


def _taken(rewriter: Rewriter, node: cst.If, taken: Any) -> list[Any]:
    """The branch of an ``if`` that is decided, in its place."""
    block = taken.body if isinstance(taken, cst.Else) else taken
    if isinstance(block, cst.If):
        return list(if_(rewriter, block))
    lines = suite(rewriter, block).body if block is not None else []
    lines = [cst.SimpleStatementLine([line]) if isinstance(line, cst.BaseSmallStatement) else line for line in lines]
    if lines:
        lines[0] = lines[0].with_changes(leading_lines=[*node.leading_lines, *lines[0].leading_lines])
    return lines


def _else(rewriter: Rewriter, node: cst.Else | None) -> cst.Else | None:
    return None if node is None else node.with_changes(body=suite(rewriter, node.body))


@rewrites(STATEMENTS, cst.For)
def for_(rewriter: Rewriter, node: cst.For) -> list[Any]:
    """``for``; targets that want another layout are brought into it first."""
    frozen = frozen_loop(rewriter, node)
    if frozen is not None:
        return with_lost_comments(node, [_line(frozen).with_changes(leading_lines=node.leading_lines)])
    iterable = rewriter.expr(node.iter)
    prefix = [
        transposition(rewriter, part, rewriter.facts.definitions[part])
        for part in walk(node.target)
        if part in rewriter.facts.definitions
    ]
    target = _target(rewriter, node.target)
    target, iterable = _modules_loop(rewriter, node, target, iterable)
    return [
        node.with_changes(
            iter=iterable, target=target, body=suite(rewriter, node.body, prefix), orelse=_else(rewriter, node.orelse)
        )
    ]


def _modules_loop(rewriter: Rewriter, node: cst.For, target: Any, iterable: Any) -> tuple[Any, Any]:
    """``for m in self.modules()`` is ``for _, m in nnx.iter_modules(self)``."""
    note = rewriter.facts.special.get(node.iter)
    if note == ("module_method", "modules") and isinstance(node.iter, cst.Call) and isinstance(node.target, cst.Name):
        assert isinstance(node.iter.func, cst.Attribute)
        receiver = rewriter.expr(node.iter.func.value)
        rewriter.helpers.discard("modules")
        pair = cst.Tuple([cst.Element(cst.Name("_")), cst.Element(target)], lpar=[], rpar=[])
        return pair, call(attribute(rewriter.root("nnx"), "iter_modules"), [receiver])
    return target, iterable


@rewrites(STATEMENTS, cst.While)
def while_(rewriter: Rewriter, node: cst.While) -> list[Any]:
    """``while``; its test cannot be preceded by assignments."""
    held, rewriter.before = rewriter.before, []
    test = rewriter.expr(node.test)
    if rewriter.before:
        flag(rewriter, node.test, "T2J105", "the test of this while assigns to an array", "assign before the test")
    rewriter.before = held
    return [node.with_changes(test=test, body=suite(rewriter, node.body), orelse=_else(rewriter, node.orelse))]


@rewrites(STATEMENTS, cst.With)
def with_(rewriter: Rewriter, node: cst.With) -> list[Any]:
    """``with``: contexts without a meaning in JAX fall away."""
    from torch2jax.rewrite.contexts import dropped_contexts

    kept, after = dropped_contexts(rewriter, node)
    if not kept:
        inner = (
            body(rewriter, node.body.body)
            if isinstance(node.body, cst.IndentedBlock)
            else suite(rewriter, node.body).body
        )
        lines: list[Any] = list(inner)
        if lines and hasattr(lines[0], "leading_lines"):
            lines[0] = lines[0].with_changes(leading_lines=[*node.leading_lines, *lines[0].leading_lines])
        return [*lines, *after]
    items = [rewriter.generic(item) for item in kept]
    if kept[-1] is not node.items[-1]:
        items[-1] = items[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)
    return [node.with_changes(items=items, body=suite(rewriter, node.body)), *after]


@rewrites(STATEMENTS, cst.Try, cst.TryStar)
def try_(rewriter: Rewriter, node: Any) -> list[Any]:
    """``try``, its handlers and its ends."""
    handlers = []
    for handler in node.handlers:
        caught = rewriter.expr(handler.type) if handler.type is not None else None
        lines = [*handler.leading_lines, *_marks(rewriter, _own_parts(handler))]
        handlers.append(handler.with_changes(leading_lines=lines, type=caught, body=suite(rewriter, handler.body)))
    final = node.finalbody
    if final is not None:
        final = final.with_changes(body=suite(rewriter, final.body))
    return [
        node.with_changes(
            body=suite(rewriter, node.body), handlers=handlers, orelse=_else(rewriter, node.orelse), finalbody=final
        )
    ]


@rewrites(STATEMENTS, cst.Match)
def match_(rewriter: Rewriter, node: cst.Match) -> list[Any]:
    """``match``: subject, patterns, guards and bodies."""
    cases = []
    for case in node.cases:
        guard = rewriter.expr(case.guard) if case.guard is not None else None
        pattern = case.pattern
        if guard is None and isinstance(pattern, cst.MatchClass) and not (pattern.patterns or pattern.kwds):
            pattern, guard = _module_pattern(rewriter, node.subject, pattern)
        spaced = {} if guard is case.guard else _GUARD
        pattern = rewriter.expr(pattern)
        lines = [*case.leading_lines, *_marks(rewriter, _own_parts(case))]
        inner = suite(rewriter, case.body)
        cases.append(case.with_changes(leading_lines=lines, pattern=pattern, guard=guard, body=inner, **spaced))
    return [node.with_changes(subject=rewriter.expr(node.subject), cases=cases)]


_GUARD = {"whitespace_before_if": cst.SimpleWhitespace(" "), "whitespace_after_if": cst.SimpleWhitespace(" ")}


def _module_pattern(rewriter: Rewriter, subject: cst.BaseExpression, pattern: cst.MatchClass) -> tuple[Any, Any]:
    """``case nn.Module():`` where the module may be a plain function in Flax: any callable."""
    from torch2jax.rewrite.expressions import is_any_module

    if not is_any_module(rewriter, pattern.cls, rewriter.kind(subject)):
        return pattern, None
    return cst.MatchAs(), call(cst.Name("callable"), [rewriter.expr(subject)])


@rewrites(STATEMENTS, cst.FunctionDef)
def function_(rewriter: Rewriter, node: cst.FunctionDef) -> list[Any]:
    """``def``."""
    from torch2jax.rewrite.definitions import function_definition

    return [function_definition(rewriter, node)]


@rewrites(STATEMENTS, cst.ClassDef)
def class_(rewriter: Rewriter, node: cst.ClassDef) -> list[Any]:
    """``class``."""
    from torch2jax.rewrite.custom_vjp import class_of, functions
    from torch2jax.rewrite.definitions import class_definition

    cls = class_of(rewriter, node)
    if cls is not None:
        return with_lost_comments(node, functions(rewriter, node, cls))
    return [class_definition(rewriter, node)]
