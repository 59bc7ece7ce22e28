"""Assignment statements: plain, chained, annotated and augmented, and the places they assign to."""

from __future__ import annotations

from typing import Any

import libcst as cst

from torch2jax.infer.derived import kept_name
from torch2jax.infer.facts import RuleCall
from torch2jax.infer.kinds import Api, Namespace, is_tensor
from torch2jax.infer.layout import conversion
from torch2jax.infer.rule_layers import default_layer
from torch2jax.rewrite.class_comparisons import lists_compared
from torch2jax.rewrite.containers import kept
from torch2jax.rewrite.detached import added, in_region, written
from torch2jax.rewrite.fill import FillArg, fill
from torch2jax.rewrite.freezing import set_trainable
from torch2jax.rewrite.gradients import gradient
from torch2jax.rewrite.modes import assigned_mode, mode_lines
from torch2jax.rewrite.mutation import Place, assign_result, holds_variable, item_update, place_of, store, updates_after
from torch2jax.rewrite.precedence import is_simple, parenthesize
from torch2jax.rewrite.references import annotation, class_reference
from torch2jax.rewrite.rewriter import (
    PRIMARY,
    Rewriter,
    argument,
    assignment,
    attribute,
    call,
    expression_line,
    statement,
)
from torch2jax.rewrite.rule_calls import flag, fresh_name
from torch2jax.source.nodes import dotted_name, walk

WRITES = ("write_variable", "write_data", "write_gradient")
"""Notes on attributes: what is assigned goes into a Variable."""


def assign(rewriter: Rewriter, node: cst.Assign) -> Any:
    """``a = b = value``: the same, a write into an array, or nothing."""
    if _writes_itself(rewriter, node):
        fact = rewriter.facts.calls[node.value]
        return assign_result(rewriter, cst.ensure_type(node.value, cst.Call), fact)
    if len(node.targets) == 1 and rewriter.facts.special.get(node.targets[0].target) == ("not_assigned",):
        return []
    if len(node.targets) == 1:
        special = _assign_special(rewriter, node, node.targets[0].target)
        if special is not None:
            return special
    moded = assigned_mode(rewriter, node)
    if moded is not None:
        return _with_mode(rewriter, *moded)
    note = rewriter.facts.special.get(node)
    if note is not None and note[0] in ("chained", "one_by_one"):
        return _one_by_one(rewriter, node)
    if _names_namespace(rewriter, node):
        rewriter.tally.dropped += 1
        return []
    if lists_compared(rewriter, node):
        return node.with_changes(value=class_reference(rewriter, node.value))
    translated = rewriter.expr(node.value)
    if rewriter.facts.special.get(node.targets[0]) == ("made_parameter",):
        return node.with_changes(value=call(attribute(rewriter.root("nnx"), "Param"), [translated]))
    if _is_own_value(node, translated):
        return []
    _note_function(rewriter, node)
    places = [assigned_place(rewriter, target.target) for target in node.targets]
    value = _stored(rewriter, node.targets[0].target, node.value, translated)
    if value is node.value and all(target.target is new for target, new in zip(node.targets, places, strict=True)):
        return node
    targets = [target.with_changes(target=new) for target, new in zip(node.targets, places, strict=True)]
    return node.with_changes(targets=targets, value=value)


def _with_mode(rewriter: Rewriter, node: cst.Assign, switch: cst.Call) -> list[Any]:
    """``net = Net().eval()`` as two statements."""
    target = node.targets[0].target
    first = [] if dotted_name(node.value) == dotted_name(target) else assign(rewriter, node)
    lines = first if isinstance(first, list) else [statement(first)]
    return [*lines, *mode_lines(rewriter, switch, assigned_place(rewriter, target))]


def _note_function(rewriter: Rewriter, node: cst.Assign) -> None:
    """Say of ``Swish = nn.SiLU``, which other files may import, that it names a function now."""
    kind, target = rewriter.kind(node.value), node.targets[0].target
    if rewriter.function is not rewriter.file.main or not isinstance(kind, Api) or not isinstance(target, cst.Name):
        return
    rules = [rule for rule in rewriter.program.book.lookup(kind.name) if rule.result == "Module"]
    if rules and default_layer(rules[-1]).stateless:
        flag(rewriter, node, "T2J304", f"{target.value} is a function here: call it on arrays, do not build it")


def _names_namespace(rewriter: Rewriter, node: cst.Assign) -> bool:
    """Whether ``F = torch.nn.functional`` names a module of torch of which only attributes are read."""
    target, kind = node.targets[0].target, rewriter.kind(node.value)
    if not isinstance(kind, Namespace) or kind.file is not None or kind.name.partition(".")[0] != "torch":
        return False
    if len(node.targets) > 1 or not isinstance(target, cst.Name) or not isinstance(node.value, cst.Attribute):
        return False
    parts = list(walk(rewriter.file.tree))
    read = {id(part.value) for part in parts if isinstance(part, cst.Attribute)}
    uses = [part for part in parts if isinstance(part, cst.Name) and part.value == target.value and part is not target]
    return all(id(use) in read for use in uses)


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
    is_state = note is not None and (note[0] in WRITES or (note[0] == "state" and note[-1] == "write"))
    if isinstance(target, cst.Attribute) and is_state:
        return [store(rewriter, _written_place(rewriter, target, note), value)]
    return [statement(assignment(assigned_place(rewriter, target), value))]


def _is_own_value(node: cst.Assign, value: cst.BaseExpression) -> bool:
    """``x = x.clone()``, of which nothing is left; ``x = x.add_(1)``: the line before has assigned it already."""
    target = node.targets[0].target
    if len(node.targets) != 1:
        return False
    if isinstance(target, cst.Tuple) and isinstance(value, cst.Tuple) and isinstance(node.value, cst.Tuple):
        pairs = zip(target.elements, value.elements, strict=False)
        names = all(_is_same_name(one.value, other.value) for one, other in pairs)
        plain = all(isinstance(element.value, cst.Name) for element in node.value.elements)
        return names and not plain and len(target.elements) == len(value.elements)
    return _is_same_name(target, value) and not isinstance(node.value, cst.Name)


def _is_same_name(one: cst.CSTNode, other: cst.CSTNode) -> bool:
    return isinstance(one, cst.Name) and isinstance(other, cst.Name) and one.value == other.value


def _assign_special(rewriter: Rewriter, node: cst.Assign, target: Any) -> Any:
    note = rewriter.facts.special.get(target)
    if isinstance(target, cst.Subscript) and note is not None and note[0] == "set_item":
        line = item_update(rewriter, target, "set", rewriter.expr(node.value), node.value)
        return [line, *updates_after(rewriter, target)]
    if isinstance(target, cst.Tuple | cst.List) and note is not None and note[0] == "unpack_shape":
        order = [target.elements[axis].with_changes(comma=target.elements[i].comma) for i, axis in enumerate(note[1])]
        return node.with_changes(
            targets=[node.targets[0].with_changes(target=target.with_changes(elements=order))],
            value=rewriter.expr(node.value),
        )
    if isinstance(target, cst.Attribute) and note is not None:
        if note[0] == "flagged" or (note[0] == "write_gradient" and target not in rewriter.program.gradients):
            return node
        if note[0] in WRITES or (note[0] == "state" and note[-1] == "write"):
            return [store(rewriter, _written_place(rewriter, target, note), rewriter.expr(node.value))]
        if note[0] == "setting":
            return _drop_setting(rewriter, target, note[1])
        if note[0] == "trainable":
            return [expression_line(set_trainable(rewriter, target.value, node.value))]
        if note[0] == "take_away":
            return _taken_away(rewriter, node, target)
        if note[0] == "attribute":
            return node.with_changes(
                targets=[node.targets[0].with_changes(target=assigned_place(rewriter, target))],
                value=_in_flax_form(note[2], rewriter.expr(node.value)),
            )
        if note[0] == "tied":
            return _tied_layer(rewriter, note)
    if isinstance(target, cst.Attribute) and rewriter.is_tied(target):
        return []
    return None


def _drop_setting(rewriter: Rewriter, target: cst.Attribute, name: str) -> list[Any]:
    """``torch.backends.cudnn.benchmark = True``: XLA chooses and compiles kernels in its own way."""
    rewriter.tally.dropped += 1
    precise = "allow_tf32" in name or "reduced_precision" in name
    hint = 'call jax.config.update("jax_default_matmul_precision", ...) for other rounding' if precise else ""
    flag(rewriter, target, "T2J301", f"{name} is dropped: it sets how PyTorch's kernels compute", hint)
    return []


def _taken_away(rewriter: Rewriter, node: cst.Assign, target: cst.Attribute) -> Any:
    """``layer.bias = None``: flax asks a flag of the layer whether there is one."""
    place: Any = assigned_place(rewriter, target)
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
        unseen = target if rewriter.without_gradients is not None else None
        return Place(own_place(rewriter, target), True, None, unseen)
    if note[0] == "state":
        inner = parenthesize(rewriter.expr(target.value), PRIMARY)
        unseen = target if rewriter.without_gradients is not None else None
        return Place(target.with_changes(value=inner, attr=cst.Name(note[1])), True, None, unseen)
    return place_of(rewriter, target)


def own_place(rewriter: Rewriter, target: cst.Attribute) -> cst.Attribute:
    """An attribute that is assigned, under the name that it has in the output."""
    name = kept_name(rewriter.program, rewriter.kind(target.value), target.attr.value)
    attr = target.attr if name == target.attr.value else cst.Name(name)
    holder = rewriter.expr(target.value)
    same = holder is target.value and attr is target.attr
    return target if same else target.with_changes(value=holder, attr=attr)


def assigned_place(rewriter: Rewriter, target: Any) -> Any:
    """A target of an assignment or a loop, under the names that it has in the output."""
    if target in rewriter.program.gradients:
        return gradient(rewriter, target)
    if isinstance(target, cst.Name):
        return target
    if isinstance(target, cst.Tuple | cst.List):
        parts = [assigned_place(rewriter, element.value) for element in target.elements]
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
    if rewriter.facts.special.get(target, ("",))[0] == "hyperparameter":
        return rewriter.expr(target)
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
    return kept(rewriter, target, kind, value)


def annotated_assign(rewriter: Rewriter, node: cst.AnnAssign) -> Any:
    """``name: type = value``."""
    assert node.value is not None
    value = _stored(rewriter, node.target, node.value, rewriter.expr(node.value))
    return node.with_changes(
        target=assigned_place(rewriter, node.target), annotation=annotation(rewriter, node.annotation), value=value
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


def augmented_assign(rewriter: Rewriter, node: cst.AugAssign) -> Any:
    """``x += value``: a write into an array for its items and for Variables."""
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
    is_kept = isinstance(target, cst.Attribute) and note is not None and note[0] in (*WRITES, "state")
    if is_kept or (isinstance(target, cst.Name) and place_of(rewriter, target).variable):
        is_own = note is not None and note[0] == "write_variable"
        place = _written_place(rewriter, target, note) if is_own else place_of(rewriter, target)
        relayout = rewriter.facts.relayouts.get(target)
        if relayout is not None and place.layout is not None:
            current = rewriter.expr(target)
            operator = _OPERATORS[type(node.operator)]()
            new = cst.BinaryOperation(parenthesize(current, 13), operator, parenthesize(value, 14))
            axes = conversion(relayout.target, relayout.source, relayout.rank or 0)
            return [store(rewriter, place, rewriter.transposed(new, axes))]
        return _augmented_place(rewriter, node, place, value)
    if holds_variable(rewriter, target):
        return _augmented_place(rewriter, node, place_of(rewriter, target), value)
    if isinstance(target, cst.Name) and target in rewriter.facts.relayouts:
        operator = _OPERATORS[type(node.operator)]()
        current = parenthesize(rewriter.expr(target), 13)
        return cst.Assign([cst.AssignTarget(target)], cst.BinaryOperation(current, operator, parenthesize(value, 14)))
    if isinstance(target, cst.Name) and in_region(rewriter, target, variable=False):
        return _augmented_place(rewriter, node, Place(target, False, None, target), value)
    return node.with_changes(target=assigned_place(rewriter, target), value=value)


def _augmented_place(rewriter: Rewriter, node: cst.AugAssign, place: Place, value: Any) -> Any:
    if place.unseen is None:
        return node.with_changes(target=place.held, value=value)
    if isinstance(node.operator, cst.AddAssign | cst.SubtractAssign):
        return node.with_changes(target=place.held, value=added(rewriter, place.unseen, value))
    operator = _OPERATORS[type(node.operator)]()
    whole = cst.BinaryOperation(parenthesize(place.held, 13), operator, parenthesize(value, 14))
    result = written(rewriter, place.unseen, place.held, whole)
    return node.with_changes(target=place.held, value=value) if result is whole else assignment(place.held, result)


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
