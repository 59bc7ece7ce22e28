"""Calls that build containers, and the methods every torch module has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import libcst as cst

from torch2jax.infer.arguments import as_arg
from torch2jax.infer.building import sorts_items
from torch2jax.infer.facts import RuleCall, UserCall
from torch2jax.infer.kinds import MISSING, UNKNOWN, Api, Container, Instance, Mapping, options, without_none
from torch2jax.infer.layout import conversion
from torch2jax.rewrite.distributed import of_process, replicated
from torch2jax.rewrite.einops_calls import folded, note_pattern, patterned
from torch2jax.rewrite.freezing import set_by_call
from torch2jax.rewrite.hooks import registered
from torch2jax.rewrite.modes import MODES, WITHOUT_EFFECT, with_mode
from torch2jax.rewrite.precedence import parenthesize
from torch2jax.rewrite.rewriter import PRIMARY, Rewriter, argument, attribute, call, number
from torch2jax.rewrite.rule_calls import flag, reference_form, rule_call
from torch2jax.rewrite.states import state_call
from torch2jax.rules.bind import Arg


def special_call(rewriter: Rewriter, node: cst.Call, note: Any, fact: Any) -> Any:
    """The translation of a call the interpreter took special note of; None to go on as usual."""
    state = state_call(rewriter, node, note)
    if state is not None:
        return state
    match note[0]:
        case "parameter":
            return _parameter(rewriter, node, note[1])
        case "buffer":
            return _buffer(rewriter, node)
        case "trainable":
            return set_by_call(rewriter, node)
        case "decided":
            return cst.Name(str(note[1]))
        case "scaler":
            return cst.Name("None")
        case "call_getattr":
            assert isinstance(node.func, cst.Attribute)
            return call(cst.Name("getattr"), [rewriter.expr(node.func.value), *map(rewriter.expr, node.args)])
        case "copy_state":
            flag(rewriter, node, "T2J108", "the result of Module.load_state_dict has no translation yet")
            return None
        case "sequential_dict":
            return _named_sequential(rewriter, node, known=note[1])
        case "module_list":
            return _list(rewriter, node)
        case "module_dict":
            return _dict(rewriter, node)
        case "super_init":
            return _super_init(rewriter, node, note[1], fact)
        case "super_forward" | "forward_call":
            result: Any = rewriter.generic(node)
            from torch2jax.rewrite.calls import without_forward

            names_it = isinstance(result.func, cst.Attribute) and result.func.attr.value in ("forward", "__call__")
            return result.with_changes(func=without_forward(result.func)) if names_it else result
        case "hook":
            return registered(rewriter, node, note[1])
        case "module_method":
            return _method(rewriter, node, note[1])
        case "replicated":
            return replicated(rewriter, note[1])
        case "process":
            return of_process(rewriter, note[1])
        case "clone":
            return call(attribute(rewriter.root("nnx"), "clone"), [rewriter.expr(arg) for arg in node.args[:1]])
        case "getattr" if note[2]:
            return rewriter.expr(note[1])
        case "getattr_forward":
            return _renamed_forward(rewriter, node)
        case "getattr_choice":
            return _choice(rewriter, node, note[1], note[2])
        case "partial":
            return _partial(rewriter, node)
        case "pattern":
            return patterned(rewriter, node, note[1], note[2])
        case "shape_size":
            func = node.func
            assert isinstance(func, cst.Attribute)
            return call(attribute(rewriter.root("math"), "prod"), [rewriter.expr(func.value)])
        case "sequential":
            rewriter.tally.translated += 1
            args = [rewriter.expr(arg) for arg in node.args]
            return sequential(rewriter, node, args, attribute(rewriter.root("nnx"), "Sequential"))
        case _:
            return None


def _renamed_forward(rewriter: Rewriter, node: cst.Call) -> cst.Call:
    """``getattr(net, "__call__" if name == "forward" else name)``."""
    result: Any = rewriter.generic(node)
    name = result.args[1].value
    is_forward = cst.Comparison(name, [cst.ComparisonTarget(cst.Equal(), cst.SimpleString('"forward"'))])
    chosen = cst.IfExp(is_forward, cst.SimpleString('"__call__"'), name)
    args = [result.args[0], result.args[1].with_changes(value=chosen), *result.args[2:]]
    return cst.ensure_type(result.with_changes(args=args), cst.Call)


def _choice(rewriter: Rewriter, node: cst.Call, namespace: str, values: Sequence[str]) -> Any:
    """``getattr(nn, name)`` where the name is one of a few: a dictionary of them."""
    elements = []
    for value in values:
        rules = [rule for rule in rewriter.program.book.lookup(f"{namespace}.{value}") if rule.kind == "rule"]
        form = reference_form(rewriter, rules[-1]) if rules else None
        if form is None:
            flag(rewriter, node, "T2J101", f"{namespace}.{value} has no rule")
            return None
        elements.append(cst.DictElement(cst.SimpleString(f'"{value}"'), form))
    index = rewriter.expr(node.args[1].value)
    rewriter.tally.translated += 1
    return cst.Subscript(cst.Dict(elements), [cst.SubscriptElement(cst.Index(index))])


def _partial(rewriter: Rewriter, node: cst.Call) -> Any:
    """``partial(nn.LayerNorm, eps=1e-6)`` as ``partial(nnx.LayerNorm, epsilon=1e-6)``."""
    target = node.args[0].value
    kind = rewriter.kind(target)
    rules = (
        [rule for rule in rewriter.program.book.lookup(kind.name) if rule.kind == "rule"]
        if isinstance(kind, Api)
        else []
    )
    if not rules or any(arg.star for arg in node.args):
        return None
    given: dict[str, Arg] = {}
    names = [param.name for param in rules[-1].params]
    for index, arg in enumerate(node.args[1:]):
        name = arg.keyword.value if arg.keyword is not None else names[index]
        given[name] = as_arg(arg.value, rewriter.kind(arg.value) or UNKNOWN)
    form = reference_form(rewriter, rules[-1], given)
    if form is None:
        flag(rewriter, node, "T2J103", "this partial has no short form in JAX", "write a small function instead")
    rewriter.tally.translated += 1
    return form


def sequential(rewriter: Rewriter, node: cst.Call, args: Sequence[cst.Arg], func: cst.BaseExpression) -> cst.Call:
    """``nnx.Sequential(...)``, with transposes where neighbours disagree."""
    fixes = rewriter.program.sequential_fixes.get(node, {})
    for before, after in zip(node.args, args, strict=False):
        note_pattern(rewriter, rewriter.kind(before.value), after.value)
    new: list[cst.Arg] = []
    index = 0
    for place, arg in enumerate(args):
        if arg.star == "*":
            given = node.args[place].value if len(args) == len(node.args) else arg.value
            parts, index = _starred(rewriter, arg, given, fixes, index)
            new += parts
            continue
        if index in fixes:
            last = place + 1 == len(args)
            comma = arg.comma if not last else (_comma(args) if len(args) > 1 else _plain_comma())
            new.append(cst.Arg(_transpose_step(rewriter, fixes[index]), comma=comma))
        new.append(arg)
        index += 1
    if index > 0 and index in fixes:
        before, step = new[-1], cst.Arg(_transpose_step(rewriter, fixes[index]))
        comma = _comma(args) if len(args) > 1 else _plain_comma()
        new[-1] = before.with_changes(comma=comma, whitespace_after_arg=cst.SimpleWhitespace(""))
        new.append(step.with_changes(comma=before.comma, whitespace_after_arg=before.whitespace_after_arg))
    return node.with_changes(func=func, args=folded(rewriter, new))


def _starred(
    rewriter: Rewriter, arg: cst.Arg, given: cst.BaseExpression, fixes: Any, start: int
) -> tuple[list[cst.Arg], int]:
    """``*layers`` with the steps that belong between them, and the place after the last of them."""
    value = arg.value
    if isinstance(value, cst.List | cst.Tuple):
        elements: list[cst.BaseElement] = []
        for offset, element in enumerate(value.elements):
            if start + offset in fixes:
                elements.append(cst.Element(_transpose_step(rewriter, fixes[start + offset])))
            elements.append(element)
        return [arg.with_changes(value=value.with_changes(elements=elements))], start + len(value.elements)
    kind = without_none(rewriter.kind(given) or UNKNOWN)
    items = getattr(kind, "items", None)
    if items is None:  # of unknown number: one part, as the interpreter sees it
        step = [cst.Arg(_transpose_step(rewriter, fixes[start]), comma=_plain_comma())] if start in fixes else []
        return [*step, arg], start + 1
    count = len(items)
    cuts = [offset for offset in range(count) if start + offset in fixes]
    if not cuts:
        return [arg], start + count
    if not isinstance(value, cst.Name | cst.Attribute):
        flag(rewriter, given, "T2J106", "layers disagree about the axis order", "give the layers one by one")
    parts: list[cst.Arg] = []
    for begin, end in zip([0, *cuts], [*cuts, count], strict=True):
        if begin in cuts:
            parts.append(cst.Arg(_transpose_step(rewriter, fixes[start + begin]), comma=_plain_comma()))
        if begin < end:
            parts.append(cst.Arg(_slice(value, begin, end if end < count else None), star="*", comma=_plain_comma()))
    parts[-1] = parts[-1].with_changes(comma=arg.comma)
    return parts, start + count


def _slice(value: cst.BaseExpression, begin: int, end: int | None) -> cst.Subscript:
    lower = number(begin) if begin else None
    upper = number(end) if end is not None else None
    return cst.Subscript(value, [cst.SubscriptElement(cst.Slice(lower, upper))])


def _plain_comma() -> cst.Comma:
    return cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))


def _transpose_step(rewriter: Rewriter, fix: tuple[Any, Any, int]) -> cst.Call:
    rewriter.tally.transposes += 1
    axes = conversion(fix[0], fix[1], fix[2])
    order = cst.Tuple([cst.Element(number(axis)) for axis in axes], lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    step = call(rewriter.root("partial"), [attribute(rewriter.root("jnp"), "transpose"), argument(order, "axes")])
    rewriter.steps[step] = axes
    return step


def _comma(args: Sequence[cst.Arg]) -> Any:
    return args[0].comma if len(args) > 1 else cst.MaybeSentinel.DEFAULT


def _parameter(rewriter: Rewriter, node: cst.Call, trained: Any) -> Any:
    """``nn.Parameter(x)``; ``trained`` is its ``requires_grad``, where that is known."""
    args = [rewriter.expr(arg) for arg in node.args if arg.keyword is None or arg.keyword.value == "data"][:1]
    args = [
        arg.with_changes(comma=cst.MaybeSentinel.DEFAULT, keyword=None, equal=cst.MaybeSentinel.DEFAULT) for arg in args
    ]
    param = attribute(rewriter.root("nnx"), "Param")
    func: cst.BaseExpression = param if trained else rewriter.helper("Frozen")
    if trained is MISSING:
        given = [arg.value for arg in node.args if arg.keyword is not None and arg.keyword.value == "requires_grad"]
        test = rewriter.expr(given[0] if given else node.args[1].value)
        func = cst.IfExp(test, param, rewriter.helper("Frozen"), lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    rewriter.tally.translated += 1
    return node.with_changes(func=func, args=args)


def _buffer(rewriter: Rewriter, node: cst.Call) -> Any:
    """``nn.Buffer(x, persistent=False)``, like what `register_buffer` makes."""
    given = {arg.keyword.value if arg.keyword is not None else "data": arg.value for arg in node.args}
    args = [argument(rewriter.expr(given["data"]))]
    if "persistent" in given and getattr(given["persistent"], "value", None) != "True":
        args.append(argument(rewriter.expr(given["persistent"]), "persistent"))
    rewriter.tally.translated += 1
    return call(rewriter.helper("Buffer"), args)


def _named_sequential(rewriter: Rewriter, node: cst.Call, *, known: bool) -> Any:
    nnx = attribute(rewriter.root("nnx"), "Sequential")
    value = node.args[0].value
    inner = value.args[0].value if isinstance(value, cst.Call) and value.args else value
    if not known:
        held: Any = rewriter.expr(value)
        return node.with_changes(func=nnx, args=[cst.Arg(call(attribute(held, "values"), []), star="*")])
    values: list[cst.BaseExpression] = []
    commas: list[Any] = []
    for element in getattr(inner, "elements", []):
        item = element.value if isinstance(element, cst.DictElement) else element.value.elements[1].value
        values.append(rewriter.expr(item))
        commas.append(element.comma)
    args = [cst.Arg(v, comma=c) for v, c in zip(values, commas, strict=True)]
    opening = getattr(inner, "lbracket", None) or getattr(inner, "lbrace", None)
    before = opening.whitespace_after if opening is not None else cst.SimpleWhitespace("")
    if args and isinstance(args[-1].comma, cst.MaybeSentinel):
        closing = getattr(inner, "rbracket", None) or getattr(inner, "rbrace", None)
        if closing is not None:
            args[-1] = args[-1].with_changes(whitespace_after_arg=closing.whitespace_before)
    return sequential(rewriter, node.with_changes(whitespace_before_args=before), args, nnx)


def _list(rewriter: Rewriter, node: cst.Call) -> Any:
    func = attribute(rewriter.root("nnx"), "List")
    rewriter.tally.translated += 1
    if not node.args:
        return node.with_changes(func=func, args=[cst.Arg(cst.List([]))])
    return node.with_changes(func=func, args=[rewriter.expr(arg) for arg in node.args])


def _stand_sorted(node: cst.BaseExpression, names: Sequence[str] | None) -> bool:
    """Whether a display of a dictionary has its names, which are literal, in alphabetical order."""
    if names is None or not isinstance(node, cst.Dict):
        return False
    keys = [element.key for element in node.elements if isinstance(element, cst.DictElement)]
    return [key.evaluated_value for key in keys if isinstance(key, cst.SimpleString)] == list(names)


def _dict(rewriter: Rewriter, node: cst.Call) -> Any:
    func = attribute(rewriter.root("nnx"), "Dict")
    rewriter.tally.translated += 1
    if not node.args:
        return node.with_changes(func=func, args=[cst.Arg(cst.Dict([]))])
    kind = without_none(rewriter.kind(node.args[0].value) or Mapping(None))
    arg = rewriter.expr(node.args[0])
    names = getattr(rewriter.kind(node), "names", None)
    if sorts_items(rewriter.kind(node.func), kind) and not _stand_sorted(node.args[0].value, names):
        pairs = call(attribute(arg.value, "items"), [])
        return node.with_changes(func=func, args=[cst.Arg(call(cst.Name("sorted"), [pairs]))])
    if not isinstance(kind, Mapping):
        arg = cst.Arg(call(cst.Name("dict"), [arg]))
    return node.with_changes(func=func, args=[arg])


def _super_init(rewriter: Rewriter, node: cst.Call, mode: str, fact: Any) -> Any:
    func = node.func
    if isinstance(func, cst.Attribute):  # written with the name of a class, this is `super()` as well
        func = func.with_changes(value=call(cst.Name("super"), []))
    if mode == "sequential":
        args = [rewriter.expr(arg) for arg in node.args]
        if len(node.args) == 1 and isinstance(without_none(rewriter.kind(node.args[0].value) or UNKNOWN), Mapping):
            named = _named_sequential(rewriter, node, known=_is_literal(node.args[0].value))
            return named.with_changes(func=func)
        return sequential(rewriter, node, args, func)
    if mode == "layer" and isinstance(fact, RuleCall):
        filled: Any = rule_call(rewriter, node, fact)
        if isinstance(filled, cst.Call):
            return filled.with_changes(func=func)
    result = node.with_changes(func=func, args=[rewriter.expr(arg) for arg in node.args])
    if isinstance(fact, UserCall) and fact.rngs:
        from torch2jax.rewrite.calls import with_keyword

        return with_keyword(result, "rngs", cst.Name("rngs"))
    return result


def _is_literal(node: cst.BaseExpression) -> bool:
    inner = node.args[0].value if isinstance(node, cst.Call) and node.args else node
    return isinstance(inner, cst.Dict | cst.List)


WALKS = frozenset(("parameters", "named_parameters", "buffers", "named_buffers", "modules", "named_modules"))
HELPERS = frozenset((*WALKS, "children", "named_children"))


def _method(rewriter: Rewriter, node: cst.Call, name: str) -> Any:
    func = node.func
    assert isinstance(func, cst.Attribute)
    if name in HELPERS:
        rewriter.tally.translated += 1
        if name == "children" and is_sequential(rewriter.kind(func.value)):
            return attribute(rewriter.expr(func.value), "layers")
        if node in rewriter.facts.in_torch_order:
            return call(rewriter.helper(f"torch_{name}"), [rewriter.expr(func.value)])
        ordered = name in WALKS and node not in rewriter.unordered
        return call(rewriter.helper(f"ordered_{name}" if ordered else name), [rewriter.expr(func.value)])
    if name in WITHOUT_EFFECT:
        rewriter.tally.dropped += 1
        return parenthesize(rewriter.expr(func.value), PRIMARY)
    if name in MODES:
        return with_mode(rewriter, node)
    kind = rewriter.kind(func.value)
    if name == "add_module" and len(node.args) == 2:
        return None
    if name in ("append", "extend", "insert") and any(is_sequential(option) for option in options(kind or UNKNOWN)):
        result: Any = rewriter.generic(node)
        return result.with_changes(func=result.func.with_changes(value=attribute(result.func.value, "layers")))
    return None


def is_sequential(kind: Any) -> bool:
    """Whether a value is an ``nn.Sequential`` or of a class that derives from it."""
    if isinstance(kind, Instance):
        return kind.cls.module_base == "torch.nn.Sequential"
    return isinstance(kind, Container) and kind.type == "Sequential"
