"""Modules: containers, calls of objects, the methods every nn.Module has."""

from __future__ import annotations

from collections.abc import Sequence as Seq
from dataclasses import replace
from typing import Any

import libcst as cst

from torch2jax.infer.aliasing import mark_stale
from torch2jax.infer.apis import TORCH, special, use_everything
from torch2jax.infer.contents import heap_read
from torch2jax.infer.derived import base_layer, function_form, is_class, keeps_torch_order, rule_of, super_init
from torch2jax.infer.effects import note_call
from torch2jax.infer.facts import FactoryCall, ModuleCall, RuleCall, UserCall
from torch2jax.infer.frame import Frame
from torch2jax.infer.items import all_items
from torch2jax.infer.kinds import (
    FREE,
    MISSING,
    NONE,
    STR,
    UNKNOWN,
    AnyModule,
    Api,
    BoundApi,
    ClassRef,
    Container,
    Free,
    Function,
    Instance,
    Iterator_,
    Kind,
    Layer,
    Mapping,
    Modules,
    NoneKind,
    Number,
    Partial,
    Sequence,
    Str,
    Super,
    Tensor,
    Tuple,
    Union,
    array_of,
    constant,
    is_module,
    join,
    options,
    union,
    without_none,
)
from torch2jax.infer.layers import MODULE_METHODS, call_layer_method
from torch2jax.infer.layout import Layout
from torch2jax.infer.program import ClassInfo, Program
from torch2jax.infer.rule_calls import Arguments, apply, bound_layout, call_layer, fits, take, use_all

# The layout that a module wants its input in, where it is none in particular.
ANY: Any = "any"
# ... and where it is channel-last, but the number of axes is not known.
OPEN: Any = "open"

# construction


@special(TORCH, "torch.nn.Parameter", "torch.nn.parameter.Parameter")
def parameter(frame: Frame, node: cst.Call, arguments: Arguments) -> Kind:
    """``nn.Parameter(x)``: a variable in torch's axis order."""
    use_all(frame, arguments)
    kind = without_none(arguments.positional[0][1]) if arguments.positional else Tensor()
    frozen = arguments.keywords.get("requires_grad") or (
        arguments.positional[1] if len(arguments.positional) > 1 else None
    )
    frame.facts.special[node] = ("parameter", True if frozen is None else constant(frozen[1]))
    rank = kind.rank if isinstance(kind, Tensor) else None
    dtype = kind.dtype if isinstance(kind, Tensor) else None
    return Tensor(rank, dtype, None, True)


def _items_given(frame: Frame, arguments: Arguments) -> tuple[Kind, ...] | None:
    """The kinds of ``*args`` when each is known."""
    items: list[Kind] = []
    if arguments.double_star is not None:
        return None
    for _, kind in arguments.positional:
        items.append(kind)
    if arguments.star is not None:
        plain = without_none(arguments.star[1])
        known = _known_items(frame, arguments.star[0], plain)
        if known is None:
            return None
        items += known
    return tuple(items)


def _known_items(frame: Frame, node: cst.CSTNode, kind: Kind) -> tuple[Kind, ...] | None:
    if isinstance(kind, Tuple):
        return kind.items
    if isinstance(kind, Container):
        return kind.items
    if isinstance(node, cst.List | cst.Tuple) and not any(isinstance(e, cst.StarredElement) for e in node.elements):
        return tuple(frame.facts.kinds.get(e.value, UNKNOWN) for e in node.elements)
    return None


def _fill_heap(frame: Frame, site: Any, kind: Kind) -> None:
    frame.program.heap[site].write(kind, frame.program)
    frame.program.heap[site].read(frame.fn)


@special(TORCH, "torch.nn.Sequential", "torch.nn.modules.container.Sequential")
def sequential(frame: Frame, node: cst.Call, arguments: Arguments) -> Kind:
    """``nn.Sequential(...)``."""
    frame.facts.special[node] = ("sequential",)
    return build_sequential(frame, node, arguments)


def build_sequential(frame: Frame, node: cst.Call, arguments: Arguments) -> Container:
    """``nn.Sequential(...)`` or the constructor of a class derived from it."""
    if len(arguments.positional) == 1 and arguments.star is None:
        holder, kind = arguments.positional[0]
        plain = without_none(kind)
        if isinstance(plain, Mapping):
            named = _named_items(frame, holder)
            if frame.facts.special.get(node) == ("sequential",):
                frame.facts.special[node] = ("sequential_dict", named is not None)
            if named is not None:
                return Container("Sequential", node, tuple(k for _, k in named), tuple(n for n, _ in named))
            _fill_heap(frame, node, heap_read(frame, plain.site))
            return Container("Sequential", node)
    items = _items_given(frame, arguments)
    if items is None:
        source = arguments.star[1] if arguments.star is not None else UNKNOWN
        rest = [kind for _, kind in arguments.positional]
        _fill_heap(frame, node, union([*rest, all_items(frame, source)]))
        return Container("Sequential", node, parts=_parts(frame, node, arguments))
    return Container("Sequential", node, items, tuple(str(i) for i in range(len(items))))


def _parts(frame: Frame, node: cst.Call, arguments: Arguments) -> tuple[Kind, ...] | None:
    """The arguments in order, ``*layers`` as a Sequential of its own."""
    parts: list[Kind] = []
    for place, (holder, kind, starred) in enumerate(arguments.in_order()):
        if not starred:
            parts.append(kind)
            continue
        known = _known_items(frame, holder, without_none(kind))
        if known is not None:
            parts += known
            continue
        _fill_heap(frame, (node, place), all_items(frame, kind))
        parts.append(Container("Sequential", (node, place)))
    return tuple(parts) if len(parts) > 1 else None


def _named_items(frame: Frame, node: cst.CSTNode) -> list[tuple[str, Kind]] | None:
    """The pairs of ``OrderedDict([("a", x), ...])`` or a dict display, when literal."""
    if isinstance(node, cst.Call) and len(node.args) == 1:
        node = node.args[0].value
    found: list[tuple[str, Kind]] = []
    if isinstance(node, cst.Dict):
        for element in node.elements:
            if not isinstance(element, cst.DictElement) or not isinstance(element.key, cst.SimpleString):
                return None
            found.append((str(element.key.evaluated_value), frame.facts.kinds.get(element.value, UNKNOWN)))
        return found
    if isinstance(node, cst.List | cst.Tuple):
        for item in node.elements:
            pair = item.value
            if not isinstance(pair, cst.Tuple | cst.List) or len(pair.elements) != 2:
                return None
            key = pair.elements[0].value
            if not isinstance(key, cst.SimpleString):
                return None
            found.append((str(key.evaluated_value), frame.facts.kinds.get(pair.elements[1].value, UNKNOWN)))
        return found
    return None


@special(TORCH, "torch.nn.Module.__init__")
def module_init(frame: Frame, node: cst.Call, arguments: Arguments) -> Kind:
    """``nn.Module.__init__(self)``: what an nnx.Module does not need."""
    use_all(frame, arguments)
    frame.facts.special[node] = ("super_init", "drop")
    return NONE


@special(TORCH, "torch.nn.ModuleList", "torch.nn.ParameterList", "torch.nn.modules.container.ModuleList")
def module_list(frame: Frame, node: cst.Call, arguments: Arguments) -> Kind:
    """``nn.ModuleList(...)`` and ``nn.ParameterList(...)``."""
    return build_list(frame, node, arguments, "ModuleList")


def build_list(frame: Frame, node: cst.Call, arguments: Arguments, name: str) -> Container:
    """``nn.ModuleList(...)``; its contents live in the heap, since it may grow."""
    items: tuple[Kind, ...] | None = None
    for holder, kind in arguments.positional:
        _fill_heap(frame, node, all_items(frame, kind))
        items = _known_items(frame, holder, without_none(kind))
    frame.program.heap[node].read(frame.fn)
    frame.facts.special[node] = ("module_list",)
    return Container(name, node, items if node not in frame.program.grown else None)


def grow(frame: Frame, kind: Container) -> None:
    """Something is added to a container: the order of its contents is no longer known."""
    if kind.site not in frame.program.grown:
        frame.program.grown.add(kind.site)
        frame.program.dirty.update(frame.program.heap[kind.site].readers)


def extend(frame: Frame, receiver: Container, kind: Kind) -> None:
    """A container gets everything that is in another."""
    grow(frame, receiver)
    _fill_heap(frame, receiver.site, all_items(frame, kind))


@special(TORCH, "torch.nn.ModuleDict", "torch.nn.ParameterDict", "torch.nn.modules.container.ModuleDict")
def module_dict(frame: Frame, node: cst.Call, arguments: Arguments) -> Kind:
    """``nn.ModuleDict(...)`` and ``nn.ParameterDict(...)``: items by name when the names are literal."""
    frame.facts.special[node] = ("module_dict",)
    for holder, kind in arguments.positional:
        plain = without_none(kind)
        named = _named_items(frame, holder)
        if named is None and isinstance(holder, cst.Call) and holder.args and all(a.keyword for a in holder.args):
            named = [(a.keyword.value, frame.facts.kinds.get(a.value, UNKNOWN)) for a in holder.args if a.keyword]
        if named is not None:
            for _, item in named:
                _fill_heap(frame, node, item)
            frame.program.heap[node].read(frame.fn)
            return Container("ModuleDict", node, tuple(k for _, k in named), tuple(n for n, _ in named))
        if isinstance(plain, Mapping):
            _fill_heap(frame, node, heap_read(frame, plain.site))
        elif isinstance(plain, Sequence | Iterator_):
            from torch2jax.infer.items import item_at

            _fill_heap(frame, node, item_at(frame, all_items(frame, plain), 1))
    frame.program.heap[node].read(frame.fn)
    return Container("ModuleDict", node)


# calls


def call_module(frame: Frame, node: cst.Call, kind: Kind, arguments: Arguments) -> Kind:
    """``self.block(x)`` for an object of the project or a container."""
    if isinstance(kind, Instance):
        return call_instance(frame, node, kind, arguments)
    if isinstance(kind, Container) and kind.type == "Sequential" and arguments.positional:
        holder, value = arguments.positional[0]
        plain = without_none(value)
        moved = isinstance(plain, Tensor) and plain.rank is None and plain.layout is None
        if moved and _is_open(frame, kind):
            frame.use(holder, value)
            frame.facts.calls[node] = ModuleCall(moved=True)
            return Tensor(None, plain.dtype if isinstance(plain, Tensor) else None)
        frame.facts.calls[node] = ModuleCall()
        return call_container(frame, kind, (holder, value))
    use_all(frame, arguments)
    frame.facts.calls[node] = ModuleCall()
    return Tensor() if isinstance(kind, AnyModule) else FREE


def call_instance(frame: Frame, node: cst.Call, kind: Instance, arguments: Arguments) -> Kind:
    """The object's ``forward``, its ``__call__``, or what it inherits from torch."""
    from torch2jax.infer.calls import call_function

    method = kind.cls.find("forward") if kind.cls.is_module else None
    method = method or kind.cls.find("__call__")
    if method is not None:
        return call_function(frame, node, method, arguments, kind)
    if kind.cls.module_base == "torch.nn.Sequential" and arguments.positional:
        frame.facts.calls[node] = ModuleCall()
        site = next((c.site for c in kind.cls.mro() if c.site is not None), None)
        return call_container(frame, site or Container("Sequential", kind.cls), arguments.positional[0])
    layer = base_layer(frame.program, kind.cls, frame.fn)
    if layer is not None and keeps_torch_order(frame.program, kind.cls):
        use_all(frame, arguments)
        frame.facts.calls[node] = ModuleCall()
        first = without_none(arguments.positional[0][1]) if arguments.positional else UNKNOWN
        return Tensor(first.rank if isinstance(first, Tensor) else None, "float")
    if layer is not None:
        return call_layer(frame, node, layer, arguments)
    use_all(frame, arguments)
    return FREE


def call_container(frame: Frame, kind: Container, argument: tuple[cst.BaseExpression, Kind]) -> Kind:
    """Data flows through a Sequential: it enters in the layout that its first layer wants."""
    node, value = argument
    if _begins_inplace(kind):
        mark_stale(frame, node)
    plain = array_of(value)
    value = plain if isinstance(plain, Tensor) else value
    tensor = plain if isinstance(plain, Tensor) else Tensor()
    if tensor.rank is None and tensor.layout is None:
        tensor = replace(tensor, rank=_probed_rank(frame, kind))
        if isinstance(plain, Tensor) and tensor.rank is not None and not plain.variable:
            value = plain = tensor
    entry, rank = entry_of(frame, kind, tensor)
    if entry is OPEN:
        tensor = _assume_two_axes(frame, kind, tensor)
        entry = None
    if entry is not ANY:
        if tensor.rank is None and rank is not None:
            tensor = replace(tensor, rank=rank)
        used = frame.use(node, tensor, entry)
        tensor = used if isinstance(used, Tensor) else tensor
    elif isinstance(plain, Tensor):
        frame.read(node, plain)
    else:
        take(frame, node, value)
    return flow_through(frame, kind, tensor)


def _is_open(frame: Frame, kind: Kind) -> bool:
    """Whether some layers work on channel-last data of any rank, and the rest on anything."""
    entries = {entry_of(frame, option, Tensor()) for option in _layers_of(frame, kind)}
    return bool(entries) and {entry for entry, _ in entries} <= {ANY, OPEN} and (OPEN, None) in entries


def _layers_of(frame: Frame, kind: Kind) -> list[Kind]:
    found: list[Kind] = []
    for option in options(without_none(kind)):
        if isinstance(option, Container):
            inner = settled(frame, option)
            contents = inner.items if inner.items is not None else (heap_read(frame, inner.site),)
            found += [layer for item in contents for layer in _layers_of(frame, item)]
        else:
            found.append(option)
    return found


def _begins_inplace(kind: Container) -> bool:
    """Whether the first layer of a Sequential changes what it is given."""
    first = kind.items[0] if kind.items else FREE
    return any(isinstance(option, Layer) and option.inplace for option in options(first))


def _probed_rank(frame: Frame, kind: Kind) -> int | None:
    """The rank that the layers of a Sequential ask for, where one of them says: Conv2d takes four axes."""
    ranks: list[int] = []
    open_: list[str] = []
    _probe(frame, kind, ranks, open_)
    if not ranks and open_:
        return _assume_two_axes(frame, kind, Tensor()).rank
    return ranks[0] if ranks else None


def _probe(frame: Frame, kind: Kind, ranks: list[int], open_: list[str]) -> bool:
    """Collect the ranks that layers ask for, in order; False when the rank may have changed."""
    keeps = True
    for option in options(without_none(kind)):
        if isinstance(option, Instance) and option.cls.find("forward") is None:
            option = next((c.site for c in option.cls.mro() if c.site is not None), option)
        if isinstance(option, Layer):
            wanted = option.rule.layout
            if wanted is not None and wanted.rank is not None:
                ranks.append(wanted.rank)
            elif wanted is not None:
                open_.append(option.name)
            elif option.rule.mode not in ("pointwise", "along"):
                keeps = False
        elif isinstance(option, Container):
            inner = settled(frame, option)
            contents = inner.items if inner.items is not None else (heap_read(frame, inner.site),)
            keeps = all(_probe(frame, item, ranks, open_) for item in contents) and keeps
        elif isinstance(option, Instance):
            method = option.cls.find("forward")
            layout = _first_layout(method) if method is not None else None
            if layout is not None:
                ranks.append(len(layout))
            keeps = keeps and layout is not None
    return keeps


def entry_of(frame: Frame, kind: Kind, tensor: Tensor) -> tuple[Any, int | None]:
    """The layout a module wants its input in: ANY where it does not care."""
    if isinstance(kind, Layer):
        rule = kind.rule
        if rule.mode == "pointwise" or (tensor.unit and rule.view and rule.rank == ("const", 2)):
            return ANY, None
        if rule.layout is not None:
            layout = bound_layout(rule, tensor.rank)
            if layout is MISSING:
                return OPEN, None
            return layout, tensor.rank or rule.layout.rank
        return None, None
    if isinstance(kind, Instance):
        method = kind.cls.find("forward")
        if method is None:
            site = next((c.site for c in kind.cls.mro() if c.site is not None), None)
            if site is not None:
                return entry_of(frame, site, tensor)
            layer = base_layer(frame.program, kind.cls, frame.fn)
            if layer is None or keeps_torch_order(frame.program, kind.cls):
                return None, None
            return entry_of(frame, layer, tensor)
        layout = _first_layout(method)
        return layout, len(layout) if layout is not None else None
    if isinstance(kind, Container):
        kind = settled(frame, kind)
        if kind.site in frame.program.pinned_sites:
            return None, None
        if kind.items is not None:
            for item in kind.items:
                entry, rank = _entry_of_options(frame, item, tensor)
                if entry is not ANY:
                    return entry, rank
            return ANY, None
        return _entry_of_options(frame, heap_read(frame, kind.site), tensor)
    return (ANY, None) if isinstance(kind, NoneKind | Free) else (None, None)


def _entry_of_options(frame: Frame, kind: Kind, tensor: Tensor) -> tuple[Any, int | None]:
    entries = {entry_of(frame, option, tensor) for option in options(without_none(kind))}
    definite = {entry for entry in entries if entry[0] is not ANY}
    known = {rank for _, rank in definite if rank is not None}
    if any(entry is OPEN for entry, _ in definite) and len(known) == 1:
        return _entry_of_options(frame, kind, replace(tensor, rank=known.pop()))
    if len(definite) == 1:
        return definite.pop()
    if not definite:
        return ANY, None
    wanted = {layout for layout, _ in definite if layout is not None}
    if len(wanted) == 1 and OPEN not in wanted:
        _offer_to(frame, kind, next(iter(wanted)))
    return None, None


def _offer_to(frame: Frame, kind: Kind, layout: Layout) -> None:
    """Let modules of the project know in which layout data comes."""
    from torch2jax.infer.calls import offer

    for option in options(without_none(kind)):
        method = option.cls.find("forward") if isinstance(option, Instance) else None
        params = method.parameters() if method is not None else None
        if method is not None and params is not None and len(params.params) > 1:
            offer(frame, method, params.params[1].name.value, layout)


def _first_layout(method: Any) -> Layout:
    params = method.parameters()
    names = [p.name.value for p in params.params][1:] if params is not None else []
    return method.param_layouts.get(names[0]) if names else None


def flow_through(frame: Frame, kind: Kind, tensor: Tensor) -> Kind:
    """What comes out of a module when ``tensor``, already in its entry layout, goes in."""
    alternatives = list(options(without_none(kind)))
    entries = [entry_of(frame, option, tensor)[0] for option in alternatives]
    results = [_flow_one(frame, option, tensor) for option in alternatives]
    tensors = [result for result in results if isinstance(result, Tensor)]
    refused = any(entry is not ANY and entry != tensor.layout for entry in entries)
    if refused or len({t.layout for t in tensors}) > 1:
        bring_together(frame, alternatives, tensor)
        frame.report("T2J106", _node_of(frame), "the layers that may stand here disagree about the axis order")
    return union(results)


def _node_of(frame: Frame) -> cst.CSTNode:
    return frame.fn.node


def _flow_one(frame: Frame, kind: Kind, tensor: Tensor) -> Kind:
    if isinstance(kind, Layer):
        return _through_layer(frame, kind, tensor)
    if isinstance(kind, Instance):
        return _through_instance(frame, kind, tensor)
    if isinstance(kind, Container) and kind.type == "Sequential":
        return _through_items(frame, kind, tensor)
    return Tensor() if isinstance(kind, AnyModule) else FREE


def _through_layer(frame: Frame, kind: Layer, tensor: Tensor) -> Kind:
    rule = kind.rule
    if rule.mode == "pointwise" or rule.layout is not None:
        unit = kind.unit or (rule.mode == "pointwise" and tensor.unit)
        return replace(tensor, dtype=rule.dtype or tensor.dtype, unit=unit)
    rank = tensor.rank
    if rule.rank is not None:
        rank = _layer_rank(rule.rank, tensor.rank)
    elif rule.mode not in ("along", "pointwise"):
        rank = rank if _keeps_rank(rule) else None
    return Tensor(rank, rule.dtype or tensor.dtype)


def _keeps_rank(rule: Any) -> bool:
    return rule.mode == "along" or bool(rule.rank)


def _layer_rank(expr: Any, rank: int | None) -> int | None:
    match expr:
        case ("const", value, *_):
            return int(value)
        case ("fn", "rank", _):
            return rank
        case ("bin", operator, left, right):
            a, b = _layer_rank(left, rank), _layer_rank(right, rank)
            if a is None or b is None:
                return None
            return a + b if operator == "+" else a - b
    return None


def _through_instance(frame: Frame, kind: Instance, tensor: Tensor) -> Kind:
    from torch2jax.infer.calls import star_items

    method = kind.cls.find("forward")
    if method is None:
        site = next((c.site for c in kind.cls.mro() if c.site is not None), None)
        if site is not None:
            return flow_through(frame, site, tensor)
        layer = base_layer(frame.program, kind.cls, frame.fn)
        if layer is not None and keeps_torch_order(frame.program, kind.cls):
            return Tensor(tensor.rank, "float")
        return _through_layer(frame, layer, tensor) if layer is not None else Tensor()
    params = method.parameters()
    names = [p.name.value for p in params.params][1:] if params is not None else []
    if names:
        method.params[names[0]].write(tensor, frame.program)
    elif params is not None and isinstance(params.star_arg, cst.Param):
        star = params.star_arg.name.value
        method.params[star].write(star_items(frame, method, star, replace(tensor, layout=None)), frame.program)
    method.callers.add(frame.fn)
    method.called = True
    return method.result.read(frame.fn)


def settled(frame: Frame, kind: Container) -> Container:
    """A container that grew after it was built has no known order any more."""
    frame.program.heap[kind.site].read(frame.fn)
    if kind.parts is not None and kind.site not in frame.program.grown:
        kind = replace(kind, items=kind.parts)
    replaced = frame.program.replaced.get(kind.site)
    if replaced is not None and kind.items is not None:
        items = tuple(join(item, replaced[i].kind) if i in replaced else item for i, item in enumerate(kind.items))
        kind = replace(kind, items=items)
    if kind.items is None or kind.site not in frame.program.grown:
        return kind
    _fill_heap(frame, kind.site, union(kind.items))
    return Container(kind.type, kind.site)


def _through_items(frame: Frame, kind: Container, tensor: Tensor) -> Kind:
    kind = settled(frame, kind)
    if kind.items is None:
        item = heap_read(frame, kind.site)
        entry, _ = _entry_of_options(frame, item, tensor)
        if entry is OPEN:
            tensor = _assume_two_axes(frame, item, tensor)
            entry = None
        result = flow_through(frame, item, tensor)
        disagrees = entry is not ANY and entry != tensor.layout
        disagrees = disagrees or (isinstance(result, Tensor) and result.layout != tensor.layout)
        if disagrees:
            bring_together(frame, list(options(without_none(item))), tensor)
            frame.report(
                "T2J106", frame.fn.node, "the layers of a Sequential built in a loop disagree about the axis order"
            )
        if isinstance(result, Tensor):
            result = replace(result, rank=tensor.rank if result.layout is not None else None)
        return result
    fixes: dict[int, tuple[Layout, Layout, int]] = {}
    value: Kind = tensor
    for index, item in enumerate(kind.items):
        if not isinstance(value, Tensor):
            value = flow_through(frame, item, Tensor())
            continue
        _offer_to(frame, item, value.layout)
        entry, rank = _entry_of_options(frame, item, value)
        if entry is OPEN:
            value = _assume_two_axes(frame, item, value)
            entry = None
        if entry is not ANY and entry != value.layout:
            size = value.rank or rank or len(entry or value.layout or ())
            fixes[index] = (value.layout, entry, size)
            value = replace(value, layout=entry, rank=size)
        elif value.rank is None and rank is not None:
            value = replace(value, rank=rank)
        value = flow_through(frame, item, value)
    if kind.site in frame.program.pinned_sites and isinstance(value, Tensor) and value.layout is not None:
        fixes[len(kind.items)] = (value.layout, None, value.rank or len(value.layout))
        value = replace(value, layout=None)
    _note_fixes(frame, kind.site, fixes)
    return value


def _note_fixes(frame: Frame, site: Any, fixes: dict[int, tuple[Layout, Layout, int]]) -> None:
    """The transposes that a Sequential needs among its layers, for this call of it."""
    frame.facts.fixes.append((site, fixes))
    if fixes and not isinstance(site, cst.Call):
        frame.report("T2J106", frame.fn.node, "part of a Sequential whose layers disagree about the axis order")
    if fixes and site not in frame.program.sequential_fixes:
        frame.program.dirty.update(frame.program.heap[site].readers - {frame.fn})
    if fixes or site in frame.program.sequential_fixes:
        frame.program.sequential_fixes[site] = fixes


def _assume_two_axes(frame: Frame, kind: Kind, tensor: Tensor) -> Tensor:
    """A layer for any number of axes gets something of which that number is not known."""
    layers = [layer for layer in _layers_of(frame, kind) if entry_of(frame, layer, tensor)[0] is OPEN]
    names = [layer.name for layer in layers if isinstance(layer, Layer)]
    others = [layer.name for layer in _layers_of(frame, kind) if isinstance(layer, Layer)]
    flattened = any(name.endswith("Flatten") for name in others)  # what has two axes is not flattened
    if names and all(name.endswith(("BatchNorm1d", "PReLU")) for name in names) and not flattened:
        message = f"{names[0]}: assumed that the input has two axes, (N, C)"
        frame.report("T2J201", frame.fn.node, message, "annotate or reshape the input")
    else:
        frame.report("T2J106", frame.fn.node, "how many axes the input of a layer has is not known", "reshape it first")
    return replace(tensor, rank=2)


def call_alternatives(frame: Frame, node: cst.Call, alternatives: list[Kind], arguments: Arguments) -> Kind:
    """A call of something that may be one of several; those that Python would refuse to call so are left out."""
    alternatives = [kind for kind in alternatives if _accepts(kind, arguments)] or alternatives
    if len(alternatives) == 1:
        from torch2jax.infer.calls import call_kind

        return call_kind(frame, node, alternatives[0], arguments)
    certain, frame.certain = frame.certain, False
    result = _call_each(frame, node, alternatives, arguments)
    frame.certain = certain
    return result


def _call_each(frame: Frame, node: cst.Call, alternatives: list[Kind], arguments: Arguments) -> Kind:
    if all(is_module(kind) for kind in alternatives):
        return _call_modules(frame, node, alternatives, arguments)
    if all(_is_factory(frame, kind) for kind in alternatives):
        return call_factory(frame, node, union(alternatives), arguments)
    from torch2jax.infer.calls import call_one

    known = [kind for kind in alternatives if not isinstance(kind, Free)]
    if any(isinstance(kind, BoundApi) and isinstance(kind.receiver, Tensor) for kind in known):
        known = [kind for kind in known if not isinstance(kind, BoundApi) or _has_method(kind.receiver, kind.name)]
    results, facts = [], []
    for kind in known:
        results.append(call_one(frame, node, kind, arguments))
        facts.append(frame.facts.calls.pop(node, None))
    _unite(frame, node, known, facts)
    return union(results)


def _accepts(kind: Kind, arguments: Arguments) -> bool:
    """Whether a call with these arguments fits what is called, as far as that is known."""
    if isinstance(kind, Str | Number | NoneKind):
        return False
    if arguments.star is not None or arguments.double_star is not None:
        return True
    count, names = len(arguments.positional), set(arguments.keywords)
    match kind:
        case Layer():
            params = kind.rule.call.params[1:] if kind.rule.call is not None else ()
            known = {param.name for param in params}
            starred = any(param.kind in ("var_pos", "var_kw") for param in params)
            return starred or (count <= len(params) and names <= known)
        case Container(type="Sequential"):
            return count + len(names) == 1
        case Instance(cls=cls) if cls.is_module:
            method = cls.find("forward")
            return method is None or method.accepts(count + 1, names)
        case Function(info=info, bound=bound):
            return bool(info.decorators) or info.accepts(count + (bound is not None), names)
        case _:
            return True


_PYTHON_TYPES: dict[type[Kind], tuple[type, ...]] = {
    Number: (int, float, complex),
    NoneKind: (type(None),),
    Str: (str,),
    Tuple: (tuple,),
    Sequence: (list, tuple, set),
    Mapping: (dict,),
}


def _has_method(kind: Kind, name: str) -> bool:
    """Whether a value of Python has a method of this name; True where its type is not known."""
    types = _PYTHON_TYPES.get(type(kind))
    return types is None or any(hasattr(each, name) for each in types)


def _unite(frame: Frame, node: cst.Call, kinds: list[Kind], facts: list[Any]) -> None:
    """One translation for a call that may reach several things, if they allow one."""
    if all(
        isinstance(fact, FactoryCall) or (isinstance(fact, RuleCall) and fact.signature is fact.rule) for fact in facts
    ):
        rules = [rule for f in facts for rule in (f.rules if isinstance(f, FactoryCall) else (f,))]
        held = all(isinstance(kind, BoundApi) for kind in kinds)
        frame.facts.calls[node] = (
            rules[0] if held and len({id(r.rule) for r in rules}) == 1 else FactoryCall(tuple(rules), False)
        )
        return
    if not all(_stays(fact) for fact in facts):
        what = ", ".join(sorted({_named(kind) for kind in kinds}))
        frame.report(
            "T2J107", node, f"what is called here may be one of several things that translate differently ({what})"
        )
        return
    targets = tuple(t for f in facts if isinstance(f, UserCall | ModuleCall) for t in f.targets)
    passing = {isinstance(fact, UserCall) and fact.rngs for fact in facts}
    if len(passing) > 1:
        frame.report(
            "T2J107", node, "some of the functions that may be called here draw random numbers and some do not"
        )
    forward = any(isinstance(fact, UserCall) and fact.forward for fact in facts)
    frame.facts.calls[node] = UserCall(targets, True, forward) if passing == {True} else ModuleCall(targets)


def _stays(fact: Any) -> bool:
    """Whether a call is written as it stands in the source: the object, or the function's value, on its arguments."""
    if isinstance(fact, FactoryCall):
        return len(fact.rules) == 1 and _is_plain(fact.rules[0], fact.given)
    return not isinstance(fact, RuleCall) or _is_plain(fact, ())


def _is_plain(fact: RuleCall, before: Seq[str]) -> bool:
    """Whether a rule's call is; ``before`` are the arguments that functools.partial has given."""
    template = fact.choice.branch.template
    if fact.signature is fact.rule and template is not None and template[0] == "call":
        given = [name for name, arg in fact.bound.args.items() if arg.explicit and name not in before]
        placed = [
            value[1] for star, keyword, value in template[2] if not star and keyword is None and value[0] == "param"
        ]
        return bool(given) and placed[: len(given)] == given
    return (
        fact.signature is not fact.rule
        and not fact.moved
        and bool(template)
        and template[:2] == ("call", ("param", "self"))
    )


def _named(kind: Kind) -> str:
    match kind:
        case Api(name=name) | Layer(name=name):
            return name
        case Function(info=info):
            return info.name
        case ClassRef(cls=cls) | Instance(cls=cls):
            return cls.name
        case BoundApi(receiver=receiver, name=name):
            return f"{type(receiver).__name__}.{name}"
        case Partial(func=func):
            return _named(func)
    return type(kind).__name__


def _call_modules(frame: Frame, node: cst.Call, alternatives: list[Kind], arguments: Arguments) -> Kind:
    """One of several modules: all must take and give the same layout."""
    from torch2jax.infer.calls import call_one, passed_arguments

    frame.facts.calls[node] = ModuleCall()
    if len(arguments.positional) == 1 and not arguments.keywords and arguments.star is None:
        holder, kind = arguments.positional[0]
        tensor = array_of(kind)
        if isinstance(tensor, Tensor):
            entries = {entry_of(frame, option, tensor) for option in alternatives}
            known = {rank for _, rank in entries if rank is not None}
            if any(entry is OPEN for entry, _ in entries) and len(known) == 1:
                tensor = replace(tensor, rank=known.pop())
                entries = {entry_of(frame, option, tensor) for option in alternatives}
            definite = {entry for entry in entries if entry[0] is not ANY}
            if definite == {(OPEN, None)}:
                frame.use(holder, tensor)
                frame.facts.calls[node] = ModuleCall(moved=True)
                return Tensor(None, tensor.dtype)
            if (OPEN, None) in definite and not any(isinstance(o, Instance) for o in alternatives):
                tensor = _assume_two_axes(frame, union(alternatives), tensor)
                definite = {e for e in (entry_of(frame, o, tensor) for o in alternatives) if e[0] is not ANY}
            if len({entry for entry, _ in definite}) > 1:
                bring_together(frame, alternatives, tensor)
                frame.report("T2J106", node, "the modules that may be called here disagree about the axis order")
            entry, rank = min(definite, key=_in_torch_order_first) if definite else (ANY, None)
            if entry is OPEN:
                entry = None
            if entry is ANY:
                frame.read(holder, tensor)
            else:
                tensor = frame.use(holder, replace(tensor, rank=tensor.rank or rank), entry)
            assert isinstance(tensor, Tensor)
            results = [_flow_one(frame, option, tensor) for option in alternatives]
            if len({r.layout for r in results if isinstance(r, Tensor)}) > 1:
                bring_together(frame, alternatives, tensor)
                frame.report("T2J106", node, "the modules that may be called here return different axis orders")
            return union(results)
    results = [call_one(frame, node, kind, arguments) for kind in alternatives]
    targets = tuple(
        target
        for kind in alternatives
        if isinstance(kind, Instance) and (target := kind.cls.find("forward")) is not None
    )
    frame.facts.calls[node] = ModuleCall(targets)
    for kind in alternatives:
        method = kind.cls.find("forward") if isinstance(kind, Instance) else None
        if method is not None:
            note_call(frame, node, method, passed_arguments(node, method, arguments, kind))
    return union(results)


def pin_modules(frame: Frame, kinds: list[Kind]) -> bool:
    """Ask that modules which meet others of another layout go back to torch's axis order; whether any could.

    It is done once everything else stands still: layouts that disagree for the moment may yet come to agree.
    """
    wanted = [kind for kind in kinds if _can_pin(frame, kind)]
    frame.program.pin_requests.setdefault(frame.fn, []).extend(wanted)
    return bool(wanted)


def bring_together(frame: Frame, kinds: list[Kind], tensor: Tensor) -> None:
    """Modules that stand in one place must take and give the same axis order: ask the project's own to follow.

    Where one of torch's layers works on channel-last data the others follow it; else all go back to torch's order.
    """
    wanted = {entry_of(frame, kind, tensor) for kind in kinds if _is_fixed(frame, kind)}
    layouts = {layout for layout, _ in wanted if layout is not ANY}
    if len(layouts) == 1 and None not in layouts and OPEN not in layouts:
        layout = layouts.pop()
        methods = [kind.cls.find("forward") for kind in kinds if isinstance(kind, Instance)]
        wishes = [(m, layout) for m in methods if m is not None and m.adopted != layout and not m.pinned]
        if wishes:
            frame.program.adoptions.setdefault(frame.fn, []).extend(wishes)
            return
    pin_modules(frame, kinds)


def _is_fixed(frame: Frame, kind: Kind) -> bool:
    """Whether the layout that a module wants can't be chosen: one of torch's layers, or made of them."""
    if isinstance(kind, Instance):
        return kind.cls.find("forward") is None
    return not isinstance(kind, NoneKind | Free)


def _in_torch_order_first(entry: tuple[Any, int | None]) -> tuple[bool, str]:
    return entry[0] is not None, str(entry)


def _can_pin(frame: Frame, kind: Kind) -> bool:
    if isinstance(kind, Container):
        return kind.items is not None and kind.site not in frame.program.pinned_sites
    method = kind.cls.find("forward") if isinstance(kind, Instance) else None
    return method is not None and not method.pinned


def grant_pins(program: Program) -> None:
    """Pin what was asked for by the last pass over each function."""
    for site in conflicting_fixes(program) - program.pinned_sites:
        program.pinned_sites.add(site)
        program.dirty.update(program.heap[site].readers)
    for fn, kinds in program.pin_requests.items():
        for kind in kinds:
            if isinstance(kind, Container):
                program.pinned_sites.add(kind.site)
            method = kind.cls.find("forward") if isinstance(kind, Instance) else None
            if method is not None and not method.pinned:
                method.pinned = True
                method.param_layouts.clear()
                program.dirty.update({method, *method.callers})
        program.dirty.add(fn)
    program.pin_requests.clear()
    for fn, wishes in program.adoptions.items():
        for method, layout in wishes:
            if not method.pinned and method.adopted is None:
                method.adopted = layout
                program.dirty.update({fn, method, *method.callers})
    program.adoptions.clear()


def conflicting_fixes(program: Program) -> set[Any]:
    """The Sequentials that are called in ways that need other transposes among their layers each time."""
    found: dict[Any, Any] = {}
    wrong = set()
    for fn in program.functions.values():
        for site, fixes in fn.facts.fixes:
            if found.setdefault(site, fixes) != fixes:
                wrong.add(site)
    return wrong


def _is_factory(frame: Frame, kind: Kind) -> bool:
    if isinstance(kind, ClassRef):
        return kind.cls.is_module
    if isinstance(kind, Partial):
        return _is_factory(frame, kind.func)
    return isinstance(kind, Api) and is_layer_class(frame, kind.name)


def is_layer_class(frame: Frame, name: str) -> bool:
    """Whether a name of torch is a class of layers that has a rule."""
    rules = frame.program.book.lookup(name)
    return bool(rules) and rules[-1].result == "Module"


GIVEN = cst.Name("given")


def call_factory(frame: Frame, node: cst.Call, callee: Kind, arguments: Arguments) -> Kind:
    """A variable that holds classes of layers is called: ``norm_layer(dim)``."""
    from torch2jax.infer.calls import construct

    results: list[Kind] = []
    rules: list[RuleCall] = []
    given: set[str] = set()
    rngs = False
    for option in options(callee):
        merged, target = arguments, option
        if isinstance(option, Partial):
            target = option.func
            given |= {name for name, _ in option.keywords if name not in arguments.keywords}
            extra = {
                name: (cst.Name("given"), kind) for name, kind in option.keywords if name not in arguments.keywords
            }
            before = [(cst.Name("given"), kind) for kind in option.positional]
            merged = Arguments([*before, *arguments.positional], {**extra, **arguments.keywords}, arguments.star)
        if isinstance(target, ClassRef):
            target.cls.is_value = True
            results.append(construct(frame, node, target.cls, merged))
            rngs = rngs or target.cls.takes_rngs
        elif isinstance(target, Api):
            found = [rule for rule in frame.program.book.lookup(target.name) if rule.kind == "rule"]
            if isinstance(callee, Union) and not fits(frame, found, merged):
                continue  # PyTorch itself would refuse this one here
            kind = apply(frame, node, target.name, found, merged)
            fact = frame.facts.calls.pop(node, None)
            results.append(kind)
            if isinstance(fact, RuleCall):
                rules.append(fact)
                rngs = rngs or not (isinstance(kind, Layer) and kind.stateless)
    frame.facts.calls[node] = FactoryCall(tuple(rules), rngs, tuple(sorted(given)))
    return union(results)


# methods


def call_module_method(frame: Frame, node: cst.Call, receiver: Kind, name: str, arguments: Arguments) -> Kind:
    """``module.parameters()`` and its like."""
    first = without_none(receiver)
    if isinstance(first, Super):
        return _super_method(frame, node, first, name, arguments)
    if name in ("forward", "__call__"):
        from torch2jax.infer.calls import call_one

        frame.facts.special[node] = ("forward_call",)
        return call_one(frame, node, first, arguments)
    if isinstance(first, Layer) and name not in MODULE_METHODS:
        result = call_layer_method(frame, node, first, name, arguments)
        if result is not None:
            return result
    frame.facts.special[node] = ("module_method", name)
    match name:
        case "__getattr__":
            use_everything(frame, arguments)
            frame.facts.special[node] = ("call_getattr",)
            return first.cls.open_attrs.read(frame.fn) if isinstance(first, Instance) else FREE
        case "modules":
            return Modules()
        case "named_modules":
            return Modules(with_names=True)
        case "children":
            return _children(frame, first)
        case "named_children":
            if isinstance(first, Container) and any(not key.isdigit() for key in first.names or ()):
                frame.report("T2J108", node, "an nnx.Sequential does not keep the names of its layers")
            return Iterator_(Tuple((STR, all_items(frame, _children(frame, first)))))
        case "parameters" | "buffers":
            return Iterator_(Tensor(None, "float", None, True))
        case "named_parameters" | "named_buffers":
            return Iterator_(Tuple((STR, Tensor(None, "float", None, True))))
        case "apply":
            return _apply(frame, node, receiver, arguments)
        case "register_buffer" | "register_parameter":
            return _register(frame, node, first, name, arguments)
        case "add_module" | "register_module":
            return _add_module(frame, first, arguments)
        case "append" | "extend" | "insert" | "pop" | "update" | "keys" | "values" | "items":
            return _container_method(frame, node, first, name, arguments)
        case "to" | "cuda" | "cpu" | "float" | "double" | "half" | "bfloat16" | "type" | "share_memory":
            return _move(frame, node, receiver, name, arguments)
        case "eval" | "train":
            use_everything(frame, arguments)
            return receiver
        case "extra_repr" | "_get_name":
            return STR
        case "zero_grad":
            use_everything(frame, arguments)
            frame.report("T2J301", node, "Module.zero_grad: gradients are results in JAX and are not kept")
            return NONE
        case "load_state_dict" if _copies_state(frame, node, arguments):
            return UNKNOWN
        case "requires_grad_":
            use_everything(frame, arguments)
            frame.facts.special[node] = ("trainable",)
            return receiver
        case _:
            use_everything(frame, arguments)
            if not isinstance(first, Instance) or first.cls.is_module:
                frame.report("T2J108", node, f"Module.{name} has no translation yet", HINTS.get(name, ""))
            return UNKNOWN


HINTS = {
    "state_dict": "torch2jax.to_state_dict(module) gives PyTorch's names and axis order",
    "load_state_dict": "torch2jax.load_state_dict(module, state_dict) reads PyTorch's weights",
    "register_forward_hook": "return the value from the method, or use nnx.capture",
}


def _children(frame: Frame, receiver: Kind) -> Kind:
    """The layers directly in a module, those included that become plain functions."""
    if isinstance(receiver, Container) and receiver.type in ("Sequential", "ModuleList"):
        return replace(receiver, type="ModuleList", names=None)
    if isinstance(receiver, Instance) and receiver.cls.is_module:
        if receiver.cls.module_base == "torch.nn.Sequential":
            site = next((cls.site for cls in receiver.cls.mro() if cls.site is not None), None)
            return _children(frame, site) if isinstance(site, Container) else Iterator_(AnyModule())
        held = [cell.read(frame.fn) for cls in receiver.cls.mro() for cell in cls.attrs.values()]
        layers = [option for kind in held for option in options(kind) if is_module(option)]
        if layers:
            return Iterator_(union(layers))
    return Iterator_(AnyModule())


def _copies_state(frame: Frame, node: cst.Call, arguments: Arguments) -> bool:
    """``a.load_state_dict(b.state_dict())``: the state goes from one module to another, in whatever form."""
    if len(arguments.positional) != 1 or arguments.keywords.keys() - {"strict"} or arguments.star is not None:
        return False
    source = arguments.positional[0][0]
    if frame.facts.special.get(source) != ("module_method", "state_dict") or not isinstance(source, cst.Call):
        return False
    if source.args or not isinstance(source.func, cst.Attribute):
        return False
    for key in [key for key in frame.facts.findings if key[1] is source]:
        del frame.facts.findings[key]
    frame.facts.special[node] = ("copy_state", source.func.value)
    return True


def _move(frame: Frame, node: cst.Call, receiver: Kind, name: str, arguments: Arguments) -> Kind:
    dtype = name in ("double", "half", "bfloat16") or any(
        "Dtype" in type(kind).__name__ for _, kind in arguments.nodes()
    )
    use_everything(frame, arguments)
    if dtype:
        frame.report(
            "T2J103",
            node,
            f"Module.{name} changes the dtype of the parameters",
            "build the model with `param_dtype=` instead",
        )
    else:
        frame.report("T2J301", node, f"Module.{name}: JAX places arrays by itself")
    return receiver


def _super_method(frame: Frame, node: cst.Call, receiver: Super, name: str, arguments: Arguments) -> Kind:
    cls = receiver.cls
    base = cls.module_base
    if name == "__init__":
        return _super_init(frame, node, cls, arguments)
    if name == "forward" and base not in (None, "torch.nn.Module"):
        if base == "torch.nn.Sequential" and arguments.positional:
            frame.facts.special[node] = ("super_forward",)
            return call_container(frame, cls.site or Container("Sequential", cls), arguments.positional[0])
        layer = base_layer(frame.program, cls, frame.fn)
        if layer is not None:
            form = None if is_class(layer) else function_form(frame.program, cls, layer.rule)
            if form is None and not is_class(layer):
                frame.report("T2J103", node, f"{layer.name} is a function in Flax", "call it instead")
            for assumption in form.choice.assumptions if form is not None else ():
                frame.report("T2J201", node, f"{layer.name}: assumed that {assumption}")
            frame.facts.special[node.func] = ("super_forward", form)
            return call_layer(frame, node, layer, arguments)
    if name == "reset_parameters" and base not in (None, "torch.nn.Module"):
        return _super_reset(frame, node, cls)
    if base is not None and name in MODULE_METHODS:
        return call_module_method(frame, node, Instance(cls), name, arguments)
    use_all(frame, arguments)
    return FREE


def _super_reset(frame: Frame, node: cst.Call, cls: ClassInfo) -> Kind:
    """``super().reset_parameters()``: the constructor of the layer has just done that."""
    if all(caller.name == "__init__" for caller in frame.fn.callers):
        frame.facts.special[node] = ("super_init", "drop")
        frame.report("T2J301", node, "the layer has its initial values when it is built")
    else:
        frame.report("T2J101", node, f"{cls.module_base}.reset_parameters has no translation", "build the layer again")
    return NONE


def _super_init(frame: Frame, node: cst.Call, cls: ClassInfo, arguments: Arguments) -> Kind:
    base = cls.module_base
    if base == "torch.nn.Sequential":
        frame.facts.special[node] = ("super_init", "sequential")
        cls.site = build_sequential(frame, node, arguments)
    elif base in ("torch.nn.ModuleList", "torch.nn.ModuleDict"):
        frame.facts.special[node] = ("super_init", "keep")
        use_all(frame, arguments)
    elif (rule := rule_of(frame.program, cls)) is not None:
        return super_init(frame, node, cls, rule, arguments)
    elif base == "torch.nn.Module":
        use_all(frame, arguments)
        frame.facts.special[node] = ("super_init", "drop")
    else:
        use_all(frame, arguments)
    return NONE


def _apply(frame: Frame, node: cst.Call, receiver: Kind, arguments: Arguments) -> Kind:
    from torch2jax.infer.calls import call_kind

    if arguments.positional:
        holder, function = arguments.positional[0]
        inner = Arguments([(holder, AnyModule())], {})
        shadow = node.with_changes(args=node.args)
        call_kind(frame, shadow, function, inner)
        fact = frame.facts.calls.pop(shadow, None)
        rngs = isinstance(fact, UserCall) and fact.rngs
        frame.facts.special[node] = ("apply", rngs)
    return receiver


def _register(frame: Frame, node: cst.Call, receiver: Kind, name: str, arguments: Arguments) -> Kind:
    named = arguments.positional[0] if arguments.positional else arguments.keywords.get("name")
    key = constant(named[1]) if named is not None else MISSING
    value = arguments.positional[1] if len(arguments.positional) > 1 else None
    value = value or arguments.keywords.get("tensor") or arguments.keywords.get("param")
    if not isinstance(receiver, Instance) or value is None:
        frame.report("T2J107", node, f"{name} on an object that is not known")
        return NONE
    kind = without_none(value[1])
    used = frame.use(value[0], value[1])
    plain = without_none(used)
    if isinstance(value[1], NoneKind):
        stored: Kind = NONE
    elif isinstance(plain, Tensor):
        stored = replace(plain, variable=True)
    else:
        stored = Tensor(None, None, None, True)
    if isinstance(kind, Tensor) and kind.variable and name == "register_parameter":
        frame.facts.reads.discard(value[0])
    cls = receiver.cls
    if isinstance(key, str):
        cls.attrs[key].write(join(stored, NONE) if value[1] != without_none(value[1]) else stored, frame.program)
        (cls.buffers if name == "register_buffer" else cls.parameters).add(key)
    else:
        cls.open_attrs.write(stored, frame.program)
    frame.facts.special[node] = ("register", name, key if isinstance(key, str) else None)
    return NONE


def _add_module(frame: Frame, receiver: Kind, arguments: Arguments) -> Kind:
    pairs = arguments.positional
    if len(pairs) == 2:
        key = constant(pairs[0][1])
        if isinstance(receiver, Instance):
            if receiver.cls.module_base == "torch.nn.Sequential":
                current = receiver.cls.site
                site = current.site if isinstance(current, Container) else receiver.cls
                _fill_heap(frame, site, pairs[1][1])
                for item in (current.items or ()) if isinstance(current, Container) else ():
                    _fill_heap(frame, site, item)
                frame.program.grown.add(site)
                receiver.cls.site = Container("Sequential", site)
            if isinstance(key, str):
                receiver.cls.attrs[key].write(pairs[1][1], frame.program)
            else:
                receiver.cls.open_attrs.write(pairs[1][1], frame.program)
        elif isinstance(receiver, Container):
            grow(frame, receiver)
            _fill_heap(frame, receiver.site, pairs[1][1])
    return NONE


def _container_method(frame: Frame, node: cst.Call, receiver: Kind, name: str, arguments: Arguments) -> Kind:
    if isinstance(receiver, Container):
        for holder, kind in arguments.positional:
            if name in ("append", "insert") and (is_module(kind) or isinstance(without_none(kind), Tensor)):
                grow(frame, receiver)
                _fill_heap(frame, receiver.site, kind)
            elif name in ("extend", "update"):
                extend(frame, receiver, kind)
            del holder
        item = heap_read(frame, receiver.site)
        if name == "items":
            return Iterator_(Tuple((STR, item)))
        if name in ("values", "keys"):
            return Iterator_(item if name == "values" else STR)
        return item if name == "pop" else NONE
    use_all(frame, arguments)
    return FREE
