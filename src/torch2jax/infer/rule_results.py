"""What a call that a rule translates gives: kind, rank, dtype and axis order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import libcst as cst

from torch2jax.infer.arguments import READ_AS_IT_LIES, bound_nodes, take, take_items
from torch2jax.infer.frame import Frame
from torch2jax.infer.items import all_items
from torch2jax.infer.kinds import (
    BOOL,
    FLOAT,
    FREE,
    INT,
    MISSING,
    NONE,
    NUMPY,
    STR,
    UNKNOWN,
    Container,
    Device,
    Dtype,
    Instance,
    Kind,
    Layer,
    Object,
    Scheduler,
    Sequence,
    Shape,
    Tensor,
    Tuple,
    Union,
    array_of,
    may_be_tensor,
    options,
    without_none,
)
from torch2jax.infer.layout import MIXED, Layout, channel_last, permuted, place, without
from torch2jax.infer.operators import pointwise
from torch2jax.infer.rule_layers import bound_layout, layer_of
from torch2jax.rules.bind import Arg, Bound
from torch2jax.rules.expr import reads_value
from torch2jax.rules.guards import Choice
from torch2jax.rules.model import UNKNOWN as NO_VALUE
from torch2jax.rules.model import Rule


def call_result(
    frame: Frame,
    node: cst.BaseExpression,
    name: str,
    rule: Rule,
    signature: Any,
    bound: Bound,
    choice: Choice,
    kinds: dict[cst.BaseExpression, Kind],
) -> tuple[Kind, tuple[tuple[str, Any], ...], bool]:
    """Use the arguments as the rule wants them, and say what the call gives."""
    annotated: dict[str, list[tuple[cst.BaseExpression, Kind]]] = {}
    axis_param = None
    for param in signature.params:
        pairs = [(arg.node, kinds.get(arg.node, UNKNOWN)) for arg in bound_nodes(bound, param.name)]
        if param.annotation == "Axis":
            axis_param = param.name
        unsaid = "Tensor" if rule.kind == "attribute" else ""
        annotated.setdefault(param.annotation or unsaid, []).extend(pairs)
    images = [*annotated.get("Tensor", []), *annotated.get("Image", [])]
    like_mixed = not images and _is_mixed_shape(annotated.get("Shape", []))
    for annotation, pairs in annotated.items():
        if annotation not in ("Tensor", "Image", "Tensors", "Scalar") and not (like_mixed and annotation == "Shape"):
            for pair in pairs:
                take(frame, *pair)
    is_layer = rule.result == "Module" and signature is rule
    if is_layer:
        for pair in [*images, *annotated.get("Tensors", []), *annotated.get("Scalar", [])]:
            take(frame, *pair)
        layer = layer_of(rule, choice.branch.template, node)
        wrapped = without_none(annotated_kind(signature, bound, kinds, "module"))
        if isinstance(wrapped, Layer):
            return replace(wrapped, flax=layer.flax, site=None), (), False
        if isinstance(wrapped, Instance | Container):
            return wrapped, (), False
        frame.program.note_layer(name.rpartition(".")[2], layer)
        inplace = "inplace" in bound.args and bound.args["inplace"].value is not False
        unbiased = "bias" in bound.args and bound.args["bias"].value is False
        biased = "bias" in bound.args and bound.args["bias"].value is True
        surely = "inplace" in bound.args and bound.args["inplace"].value is True
        layer = replace(layer, inplace=inplace, surely_inplace=surely, unbiased=unbiased, biased=biased)
        return replace(layer, unit=pools_to_one(rule, bound), pattern=_pattern(rule, bound)), (), False
    if rule.layout is not None:
        return _laid_out(frame, rule, bound, annotated)
    if rule.mode == "pointwise" and rule.result != "Module":
        kind = pointwise(frame, [*images, *annotated.get("Scalar", []), *annotated.get("Tensors", [])], rule.dtype)
        return _shaped(frame, node, rule, kind), (), False
    if rule.mode == "pointwise" and images:
        return pointwise(frame, images, rule.dtype), (), False
    for pair in annotated.get("Scalar", []):
        take(frame, *pair)
    if axis_param is not None and (rule.mode in ("along", "reduce") or rule.result in READ_AS_IT_LIES):
        return _along(frame, node, rule, bound, axis_param, images, annotated.get("Tensors", []))
    if rule.mode == "spatial" and images:
        return _spatial(frame, rule, bound, images)
    if rule.mode == "permute" and len(images) == 1:
        return _permuted(frame, rule, bound, images[0])
    if rule.result in READ_AS_IT_LIES and len(images) == 1:
        return _measured(frame, rule, images[0]), (), False
    if like_mixed:
        return _shaped(frame, node, rule, Tensor(None, rule.dtype, MIXED)), (), False
    template = choice.branch.template
    if _flattens_pooled(frame, rule, bound, template, images, kinds):
        frame.vote(images[0][0], without_none(images[0][1]).layout)  # type: ignore[attr-defined]
        frame.read(*images[0])
        return _opaque(frame, node, rule, bound, template, images, kinds, annotated.get("Tensors", [])), (), False
    _take_arrays(frame, signature, bound, template, [*images, *annotated.get("Tensors", [])])
    if rule.mode == "reduce":
        return _shaped(frame, node, rule, _reduced(rule, images, bound, None)), (), False
    return _opaque(frame, node, rule, bound, template, images, kinds, annotated.get("Tensors", [])), (), False


def _is_mixed_shape(pairs: list[tuple[cst.BaseExpression, Kind]]) -> bool:
    """Whether the sizes of a new array are those of a parameter in whatever order: the array lies in that order too."""
    return len(pairs) == 1 and isinstance(pairs[0][1], Shape) and pairs[0][1].layout == MIXED


def _take_arrays(
    frame: Frame, signature: Any, bound: Bound, template: Any, pairs: list[tuple[cst.BaseExpression, Kind]]
) -> None:
    """Arrays are wanted in torch's order, unless the translation looks at their dtype alone."""
    names = [param.name for param in signature.params if param.annotation == "Tensor"]
    measures = ("dtype", "ndim", "size")
    looked_at = [n for n in names if not reads_value(template, n, measures)]
    measured = {arg.node for n in looked_at for arg in bound_nodes(bound, n)}
    for node, kind in pairs:
        if node in measured:
            frame.facts.relayouts.pop(node, None)
        else:
            take(frame, node, kind)


def _spatial(
    frame: Frame, rule: Rule, bound: Bound, images: list[tuple[cst.BaseExpression, Kind]]
) -> tuple[Kind, tuple[tuple[str, Any], ...], bool]:
    """An operation on the axes after the channels: channel-last data may stay as it lies."""
    node, kind = images[0]
    plain = without_none(kind)
    if not isinstance(plain, Tensor):
        take(frame, node, kind)
        return Tensor(), (), False
    count = bound.args["pad"].length if "pad" in bound.args else 0
    fits = plain.layout is not None and count is not None and count // 2 <= len(plain.layout) - 2
    if not fits or plain.layout != channel_last(len(plain.layout or ())):
        frame.accept(node, kind) if count is not None else frame.use(node, kind)
        return Tensor(plain.rank, plain.dtype), (), False
    frame.vote(node, plain.layout)
    frame.read(node, kind)
    return Tensor(plain.rank, plain.dtype, plain.layout), (("channel_axis", -1),), False


def _pattern(rule: Rule, bound: Bound) -> str | None:
    """The pattern of einops that a layer is built with, where it stands there."""
    names = [param.name for param in rule.params if param.annotation == "Pattern" and param.name in bound.args]
    given = bound.args[names[0]].arg if names else None
    return str(given.value) if given is not None and isinstance(given.node, cst.SimpleString) else None


def _flattens_pooled(
    frame: Frame,
    rule: Rule,
    bound: Bound,
    template: Any,
    images: list[tuple[cst.BaseExpression, Kind]],
    kinds: dict[cst.BaseExpression, Kind],
) -> bool:
    """Whether a reshape to (N, C) of an array whose other axes have size 1 is the same in every layout."""
    plain = without_none(images[0][1]) if len(images) == 1 else None
    if not isinstance(plain, Tensor) or not plain.unit or plain.layout is None or not rule.view:
        return False
    return _rank_of(frame, rule, bound, template, kinds) == 2


def _laid_out(
    frame: Frame, rule: Rule, bound: Bound, annotated: dict[str, list[tuple[cst.BaseExpression, Kind]]]
) -> tuple[Kind, tuple[tuple[str, Any], ...], bool]:
    tensors = annotated.get("Tensor", []) or annotated.get("Tensors", [])
    if not tensors:
        return Tensor(), (), False
    first, rest = tensors[0], tensors[1:]
    for pair in rest:
        take(frame, *pair)
    kind, moved = enter(frame, rule, *first)
    for image_node, image_kind in annotated.get("Image", []):
        frame.use(image_node, image_kind, kind.layout)
    return _multiply(rule, replace(kind, dtype=rule.dtype or kind.dtype, unit=pools_to_one(rule, bound))), (), moved


def annotated_kind(signature: Any, bound: Bound, kinds: dict[cst.BaseExpression, Kind], name: str) -> Kind:
    """The kind of the argument for a parameter, UNKNOWN if there is none."""
    found = bound.args.get(name)
    return kinds.get(found.arg.node, UNKNOWN) if found is not None and found.arg is not None else UNKNOWN


def pools_to_one(rule: Rule, bound: Bound | None) -> bool:
    """Whether the result's axes after the second have size 1: the rule's ``pooled`` parameter is 1."""
    if rule.pooled is None or bound is None or rule.pooled not in bound.args:
        return False
    value = bound.args[rule.pooled].value
    return value == 1 or (isinstance(value, tuple | list) and bool(value) and all(size == 1 for size in value))


def _multiply(rule: Rule, kind: Tensor) -> Kind:
    if isinstance(rule.result, tuple):
        return Tuple(tuple(kind for _ in rule.result), rule.fields)
    return kind


def enter(frame: Frame, rule: Rule, node: cst.BaseExpression, kind: Kind) -> tuple[Tensor, bool]:
    """Bring the image argument into the layout of the rule; True if by moveaxis, its rank being unknown."""
    plain = array_of(kind)
    kind = plain if isinstance(plain, Tensor) and isinstance(kind, Union) else kind
    tensor = plain if isinstance(plain, Tensor) else Tensor()
    layout = bound_layout(rule, tensor.rank)
    if layout is MISSING:
        frame.use(node, kind)
        return Tensor(None, tensor.dtype), True
    rank = tensor.rank or (rule.layout.rank if rule.layout else None)
    if not isinstance(plain, Tensor):
        frame.facts.reads.discard(node)
        kind = Tensor(rank)
    elif tensor.rank is None and rank is not None:
        kind = replace(tensor, rank=rank)
    used = frame.use(node, kind, layout)
    assert isinstance(used, Tensor)
    return replace(used, dtype=tensor.dtype or "float"), False


def _axes(frame: Frame, bound: Bound, param: str) -> Any:
    """The literal value of an axis argument, its default, or MISSING."""
    found = bound.args.get(param)
    if found is None:
        return None
    if found.items is not None and found.explicit:
        values = [item.value for item in found.items]
        if any(value is NO_VALUE for value in values):
            return MISSING
        flat = values[0] if len(values) == 1 else tuple(values)
        return tuple(flat) if isinstance(flat, list) else flat
    if found.arg is not None:
        value = found.arg.value
        if value is NO_VALUE:
            return MISSING
        return tuple(value) if isinstance(value, list) else value
    return default_of(bound, param)


def default_of(bound: Bound, param: str) -> Any:
    """Torch's default of a parameter, if it is a literal."""
    found = bound.args.get(param)
    default = found.param.default if found is not None else None
    if default is not None and default[0] == "const":
        return default[1]
    value = found.value if found is not None else NO_VALUE
    if value is not NO_VALUE:
        return value
    return None if param == "dim" else MISSING


def _along(
    frame: Frame,
    node: cst.BaseExpression,
    rule: Rule,
    bound: Bound,
    axis_param: str,
    images: list[tuple[cst.BaseExpression, Kind]],
    many: list[tuple[cst.BaseExpression, Kind]],
) -> tuple[Kind, tuple[tuple[str, Any], ...], bool]:
    axes = _axes(frame, bound, axis_param)
    layout, rank = _common_layout(frame, images, many)
    if rule.result == "Tensors" and frame.program.heap_layouts.get(node, ()) is None:
        layout = None  # whoever takes the pieces wants torch's order
    keepdim = _axes(frame, bound, "keepdim") if rule.mode == "reduce" and "keepdim" in bound.args else False
    if layout is not None and (axes is MISSING or keepdim is MISSING or (axes is None and rule.mode != "reduce")):
        layout = None
    adapts = axes is not MISSING and keepdim is not MISSING
    whole = rule.mode == "reduce" and axes is None and keepdim is False
    for pair_node, kind in images:
        if whole and isinstance(kind, Tensor) and kind.layout == MIXED:
            frame.read(pair_node, kind)
        elif may_be_tensor(kind) and layout is None and adapts:
            frame.accept(pair_node, kind)
        elif rule.result in READ_AS_IT_LIES and _is_laid(kind, layout):
            frame.facts.relayouts.pop(pair_node, None)  # a Variable says its sizes by itself
        elif may_be_tensor(kind):
            frame.use(pair_node, kind, layout)
        else:
            frame.read(pair_node, kind)
    for pair_node, kind in many:
        take_items(frame, pair_node, kind, layout)
    overrides: tuple[tuple[str, Any], ...] = ()
    if layout is not None and axes is not None:
        moved = (
            tuple(place(layout, axis, rank) for axis in axes) if isinstance(axes, tuple) else place(layout, axes, rank)
        )
        if rule.mode == "reduce" and isinstance(moved, tuple):
            moved = tuple(sorted(moved))
        overrides = ((axis_param, moved),)
    if rule.result in READ_AS_IT_LIES:
        return (INT if rule.result == "int" else UNKNOWN), overrides, False
    dtype = rule.dtype or _common_dtype(frame, images, many)
    if rule.mode == "reduce":
        kind = _reduced(rule, images, bound, layout, axes, keepdim)
        return (
            _shaped(frame, node, rule, replace(kind, dtype=dtype) if isinstance(kind, Tensor) else kind),
            overrides,
            False,
        )
    return _shaped(frame, node, rule, Tensor(rank, dtype, layout)), overrides, False


def _is_laid(kind: Kind, layout: Layout) -> bool:
    return isinstance(kind, Tensor) and kind.variable and kind.layout == layout


def _common_layout(
    frame: Frame, images: list[tuple[cst.BaseExpression, Kind]], many: list[tuple[cst.BaseExpression, Kind]]
) -> tuple[Layout, int | None]:
    found: list[Kind] = [without_none(kind) for _, kind in images]
    for node, kind in many:
        if isinstance(node, cst.List | cst.Tuple) and not any(isinstance(e, cst.StarredElement) for e in node.elements):
            found += [without_none(frame.facts.kinds.get(e.value, UNKNOWN)) for e in node.elements]
        else:
            items = all_items(frame, kind)
            held = {o.layout for o in options(items) if isinstance(o, Tensor)}
            found.append(without_none(items) if len(held) == 1 else Tensor())
    tensors = [kind for kind in found if isinstance(kind, Tensor)]
    ranks = {kind.rank for kind in tensors}
    rank = ranks.pop() if len(ranks) == 1 else None
    layouts = {kind.layout for kind in tensors if kind.layout is not None}
    if len(layouts) != 1 or len(tensors) != len(found) or rank is None:
        return None, rank
    layout = layouts.pop()
    joined = zip(many, tensors[-len(many) :], strict=False)
    fixed = any(kind.layout != layout for (node, _), kind in joined if not _is_display(node))
    return (None if fixed and many else layout), rank


def _is_display(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.List | cst.Tuple)


def _common_dtype(
    frame: Frame, images: list[tuple[cst.BaseExpression, Kind]], many: list[tuple[cst.BaseExpression, Kind]]
) -> str | None:
    kinds = [without_none(kind) for _, kind in images[:1]]
    kinds += [all_items(frame, kind) for _, kind in many]
    dtypes = {kind.dtype for kind in kinds if isinstance(kind, Tensor)}
    return dtypes.pop() if len(dtypes) == 1 else None


def _reduced(
    rule: Rule,
    images: list[tuple[cst.BaseExpression, Kind]],
    bound: Bound,
    layout: Layout,
    axes: Any = MISSING,
    keepdim: Any = MISSING,
) -> Kind:
    plain = without_none(images[0][1]) if images else Tensor()
    rank = plain.rank if isinstance(plain, Tensor) else None
    dtype = rule.dtype or (plain.dtype if isinstance(plain, Tensor) else None)
    if axes is MISSING or keepdim is MISSING:
        return Tensor(None, dtype)
    if keepdim is True:
        gone = axes if isinstance(axes, tuple) else (axes,)
        unit = bool(rank) and {axis % rank for axis in gone if axis is not None} == set(range(2, rank or 0))
        return Tensor(rank, dtype, layout, unit=unit)
    if axes is None:
        return Tensor(0, dtype)
    gone = axes if isinstance(axes, tuple) else (axes,)
    left = without(layout, gone) if layout is not None else None
    return Tensor(max(rank - len(gone), 0) if rank is not None else None, dtype, left)


def _permuted(
    frame: Frame, rule: Rule, bound: Bound, image: tuple[cst.BaseExpression, Kind]
) -> tuple[Kind, tuple[tuple[str, Any], ...], bool]:
    node, kind = image
    plain = without_none(kind)
    if not isinstance(plain, Tensor):
        take(frame, node, kind)
        return Tensor(), (), False
    if plain.rank == 0:
        frame.read(node, kind)
        return Tensor(0, plain.dtype), (("", "drop"),), False
    permutation = permutation_of(rule, bound, plain.rank)
    if permutation is not None and len(permutation) > 0 and plain.layout is not None:
        result = permuted(plain.layout, permutation)
        if result is None or result == plain.layout:
            frame.vote(node, plain.layout)
            frame.read(node, kind)
            return Tensor(plain.rank, plain.dtype, result), (("", "drop"),), False
        frame.read(node, kind)
        axes = tuple(plain.layout.index(axis) for axis in permutation)
        return Tensor(len(axes), plain.dtype), (("", axes),), False
    frame.use(node, kind)
    rank = plain.rank if permutation is None else len(permutation)
    return Tensor(rank, plain.dtype), (), False


def permutation_of(rule: Rule, bound: Bound, rank: int | None) -> tuple[int, ...] | None:
    """The axes that a permuting rule puts in each place, when literal."""
    values: list[Any] = []
    for name in list(bound.args)[1:]:
        value = _axes_plain(bound, name)
        if value is MISSING or value is None:
            return None
        values += list(value) if isinstance(value, tuple | list) else [value]
    if any(not isinstance(value, int) for value in values):
        return None
    names = {name.rpartition(".")[2] for name in rule.names}
    if names & {"permute"}:
        return tuple(axis % len(values) for axis in values)
    if rank is None:
        return None
    if names & {"transpose", "swapaxes", "swapdims"} and len(values) == 2:
        order = list(range(rank))
        a, b = values[0] % rank, values[1] % rank
        order[a], order[b] = order[b], order[a]
        return tuple(order)
    return None


def _axes_plain(bound: Bound, name: str) -> Any:
    found = bound.args.get(name)
    if found is None:
        return MISSING
    if found.items is not None:
        values = [item.value for item in found.items]
        if any(value is NO_VALUE for value in values):
            return MISSING
        return values[0] if len(values) == 1 else tuple(values)
    return MISSING if found.arg is None or found.arg.value is NO_VALUE else found.arg.value


def _measured(frame: Frame, rule: Rule, image: tuple[cst.BaseExpression, Kind]) -> Kind:
    node, kind = image
    plain = without_none(kind)
    if isinstance(plain, Tensor):
        frame.facts.relayouts.pop(node, None)
        if rule.result == "Shape":
            return Shape(plain.rank, plain.layout)
    return {"Shape": Shape(), "int": INT, "Dtype": Dtype(), "Device": Device()}.get(str(rule.result), UNKNOWN)


def _opaque(
    frame: Frame,
    node: cst.BaseExpression,
    rule: Rule,
    bound: Bound,
    template: Any,
    images: list[tuple[cst.BaseExpression, Kind]],
    kinds: dict[cst.BaseExpression, Kind],
    many: list[tuple[cst.BaseExpression, Kind]],
) -> Kind:
    rank = _rank_of(frame, rule, bound, template, kinds)
    dtype = rule.dtype
    if dtype is None and (images or many) and rule.result == "Tensor":
        dtype = _common_dtype(frame, images, many)
    given = [kinds.get(each.arg.node) for each in bound.args.values() if each.param.annotation == "Dtype" and each.arg]
    if dtype is None and rule.result == "Tensor" and Dtype("torch.bool") in given:
        dtype = "bool"
    return _shaped(frame, node, rule, Tensor(rank, dtype))


def _rank_of(
    frame: Frame, rule: Rule, bound: Bound, template: Any, kinds: dict[cst.BaseExpression, Kind]
) -> int | None:
    if rule.rank is None:
        return _reshaped_rank(template)
    try:
        return _evaluate_rank(frame, rule.rank, bound, kinds)
    except (KeyError, TypeError):
        return None


def _reshaped_rank(template: Any) -> int | None:
    """The rank that ``x.reshape(a, b)`` shows by itself."""
    match template:
        case ("call", ("attr", _, "reshape"), args):
            sizes = [value for star, keyword, value in args if not star and keyword is None]
            plain = all(value[0] in ("const", "un", "sub", "bin") for value in sizes)
            return len(sizes) if plain and len(sizes) == len(args) else None
    return None


def _evaluate_rank(frame: Frame, expr: Any, bound: Bound, kinds: dict[cst.BaseExpression, Kind]) -> int | None:
    tag = expr[0]
    if tag == "const":
        return int(expr[1])
    if tag == "bin":
        left, right = _evaluate_rank(frame, expr[2], bound, kinds), _evaluate_rank(frame, expr[3], bound, kinds)
        if left is None or right is None:
            return None
        return left + right if expr[1] == "+" else left - right
    if tag == "fn":
        name, argument = expr[1], expr[2][0]
        pairs = bound.args[argument[1]]
        if name == "rank":
            kind = without_none(kinds.get(pairs.arg.node, UNKNOWN)) if pairs.arg is not None else UNKNOWN
            if isinstance(kind, Sequence | Tuple):
                kind = without_none(all_items(frame, kind))
            return kind.rank if isinstance(kind, Tensor) else None
        return _length(pairs, kinds)
    return None


def _length(pairs: Any, kinds: dict[cst.BaseExpression, Kind]) -> int | None:
    if pairs.items is not None:
        if len(pairs.items) == 1 and pairs.items[0].length is not None:
            return int(pairs.items[0].length)
        if len(pairs.items) == 1 and pairs.items[0].type != "int":
            return None
        return len(pairs.items) if all(not _starred(item) for item in pairs.items) else None
    if pairs.arg is None:
        return None
    if pairs.arg.length is not None:
        return int(pairs.arg.length)
    return 1 if pairs.arg.type == "int" else None


def _starred(item: Arg) -> bool:
    return item.starred


_PLAIN: dict[str, Kind] = {
    "int": INT,
    "float": FLOAT,
    "bool": BOOL,
    "str": STR,
    "None": NONE,
    "Dtype": Dtype(),
    "Device": Device(),
    "Shape": Shape(),
    "Scheduler": Scheduler(),
    "NDArray": NUMPY,
}


def _shaped(frame: Frame, node: cst.CSTNode, rule: Rule, kind: Kind) -> Kind:
    """The result annotation applied to the kind of one tensor."""
    if rule.result == "Object":
        return Object(rule.names[0])
    if rule.kind == "constant" and rule.result == "Dtype":
        return Dtype(rule.names[0])
    return _result_kind(frame, node, rule.result, kind, rule.fields)


def _result_kind(frame: Frame, node: cst.CSTNode, result: Any, tensor: Kind, fields: tuple[str, ...] = ()) -> Kind:
    if isinstance(result, tuple):
        items = [_result_kind(frame, node, item, tensor) for item in result]
        if fields == ("values", "indices") and isinstance(items[1], Tensor):
            items[1] = replace(items[1], dtype="int")
        return Tuple(tuple(items), fields)
    if result == "Tensor":
        return tensor
    if result == "Tensors":
        cell = frame.program.heap[node]
        if isinstance(tensor, Tensor) and any(
            isinstance(o, Tensor) and o.layout != tensor.layout for o in options(cell.kind)
        ):
            cell.kind = FREE
        cell.write(tensor, frame.program)
        cell.read(frame.fn)
        return Sequence("list", node)
    return UNKNOWN if result is None else _PLAIN.get(result, UNKNOWN)


def plain_result(frame: Frame, node: cst.CSTNode, rule: Rule) -> Kind:
    """What a call gives that is not translated."""
    if rule.result == "Module":
        return UNKNOWN
    if rule.result == "Object":
        return Object(rule.names[0])
    return _result_kind(frame, node, rule.result, Tensor(), rule.fields)
