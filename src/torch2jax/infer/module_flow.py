"""Data through modules: in which axis order it enters, what comes out, and which modules keep torch's order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import libcst as cst

from torch2jax.infer.aliasing import mark_stale
from torch2jax.infer.arguments import Arguments, take, use_all
from torch2jax.infer.building import fill_heap
from torch2jax.infer.contents import heap_read
from torch2jax.infer.derived import base_layer, keeps_torch_order
from torch2jax.infer.effects import note_call
from torch2jax.infer.facts import ModuleCall, Passed, UserCall
from torch2jax.infer.frame import Frame
from torch2jax.infer.kinds import (
    FREE,
    MISSING,
    UNKNOWN,
    AnyModule,
    Container,
    Free,
    Instance,
    Kind,
    Layer,
    NoneKind,
    Tensor,
    array_of,
    is_module,
    join,
    options,
    union,
    without_none,
)
from torch2jax.infer.layout import Layout
from torch2jax.infer.patterns import axes_of
from torch2jax.infer.program import FunctionInfo, Program
from torch2jax.infer.rule_calls import call_layer
from torch2jax.infer.rule_layers import bound_layout, lacks_batch

# The layout that a module wants its input in, where it is none in particular.
ANY: Any = "any"
# ... and where it is channel-last, but the number of axes is not known.
OPEN: Any = "open"


def call_module(frame: Frame, node: cst.Call, kind: Kind, arguments: Arguments) -> Kind:
    """``self.block(x)`` for an object of the project or a container."""
    if isinstance(kind, Instance):
        return call_instance(frame, node, kind, arguments)
    if isinstance(kind, Container) and kind.type == "Sequential" and arguments.positional:
        holder, value = arguments.positional[0]
        plain = without_none(value)
        moved = isinstance(plain, Tensor) and plain.rank is None and plain.layout is None
        if moved and _is_open(frame, kind):
            frame.facts.entered.add(kind.site)
            frame.use(holder, value)
            frame.facts.calls[node] = ModuleCall(moved=True)
            frame.facts.passed.append(Passed(kind.site, None, None, is_plain=False))
            return Tensor(None, plain.dtype if isinstance(plain, Tensor) else None)
        frame.facts.calls[node] = ModuleCall()
        return call_container(frame, kind, (holder, value))
    use_all(frame, arguments)
    frame.facts.calls[node] = ModuleCall()
    return Tensor() if isinstance(kind, AnyModule) else FREE


def call_instance(frame: Frame, node: cst.Call, kind: Instance, arguments: Arguments) -> Kind:
    """The object's ``forward``, its ``__call__``, or what it inherits from torch."""
    from torch2jax.infer.calls import call_function, passed_arguments

    method = kind.cls.find("forward") if kind.cls.is_module else None
    method = method or kind.cls.find("__call__")
    if method is not None and gives_its_input(method) and len(arguments.positional) == 1 and not arguments.keywords:
        method.callers.add(frame.fn)
        method.called = True
        frame.facts.calls[node] = UserCall((method,), False, True)
        note_call(frame, node, method, passed_arguments(node, method, arguments, kind))
        return frame.read(*arguments.positional[0])
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
        tensor = replace(tensor, rank=probed_rank(frame, kind))
        if isinstance(plain, Tensor) and tensor.rank is not None and not plain.variable:
            value = plain = tensor
    entry, rank = entry_of(frame, kind, tensor)
    if entry is OPEN:
        tensor = assume_two_axes(frame, kind, tensor)
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


def probed_rank(frame: Frame, kind: Kind) -> int | None:
    """The rank that the layers of a Sequential ask for, where one of them says: Conv2d takes four axes."""
    ranks: list[int] = []
    open_: list[str] = []
    _probe(frame, kind, ranks, open_)
    if not ranks and open_:
        return assume_two_axes(frame, kind, Tensor()).rank
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
        if gives_its_input(method):
            return ANY, None
        layout = _first_layout(method)
        return layout, len(layout) if layout is not None else None
    if isinstance(kind, Container):
        kind = settled(frame, kind)
        if frame.program.is_pinned(kind.site, frame.fn):
            return None, None
        if kind.items is not None:
            for item in kind.items:
                axes = _axes_of_pattern(item)
                if axes is not None and tensor.rank in (None, axes):
                    return ANY, axes  # the pattern is written for the order that there is
                entry, rank = _entry_of_options(frame, item, tensor)
                if entry is not ANY or rank is not None:
                    return entry, rank
            return ANY, None
        return _entry_of_options(frame, heap_read(frame, kind.site), tensor)
    return (ANY, None) if isinstance(kind, NoneKind | Free) else (None, None)


def _axes_of_pattern(kind: Kind) -> int | None:
    """How many axes a layer that works by a pattern takes, where it names them all."""
    axes = axes_of(kind.pattern.partition("->")[0]) if isinstance(kind, Layer) and kind.pattern is not None else None
    return len(axes) if axes is not None else None


def _entry_of_options(frame: Frame, kind: Kind, tensor: Tensor) -> tuple[Any, int | None]:
    entries = {entry_of(frame, option, tensor) for option in options(without_none(kind))}
    definite = {entry for entry in entries if entry[0] is not ANY}
    known = {rank for _, rank in definite if rank is not None}
    if any(entry is OPEN for entry, _ in definite) and len(known) == 1:
        return _entry_of_options(frame, kind, replace(tensor, rank=known.pop()))
    if len(definite) == 1:
        return definite.pop()
    if not definite:
        ranks = {rank for _, rank in entries}
        return ANY, ranks.pop() if len(ranks) == 1 else None
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
    results = [flow_one(frame, option, tensor) for option in alternatives]
    tensors = [result for result in results if isinstance(result, Tensor)]
    refused = any(entry is not ANY and entry != tensor.layout for entry in entries)
    if refused or len({t.layout for t in tensors}) > 1:
        bring_together(frame, alternatives, tensor)
        frame.report("T2J106", _node_of(frame), "the layers that may stand here disagree about the axis order")
    return union(results)


def _node_of(frame: Frame) -> cst.CSTNode:
    return frame.fn.node


def flow_one(frame: Frame, kind: Kind, tensor: Tensor) -> Kind:
    """What comes out of one module of known class."""
    if isinstance(kind, Instance):
        return _through_instance(frame, kind, tensor)
    if isinstance(kind, Layer):
        result = _through_layer(frame, kind, tensor)
    elif isinstance(kind, Container) and kind.type == "Sequential":
        result = _through_items(frame, kind, tensor)
    else:
        return Tensor() if isinstance(kind, AnyModule) else FREE
    layout = result.layout if isinstance(result, Tensor) else None
    frame.facts.passed.append(Passed(kind.site, tensor.layout, layout))
    return result


def _through_layer(frame: Frame, kind: Layer, tensor: Tensor) -> Kind:
    rule = kind.rule
    if lacks_batch(rule, tensor.rank, kind.flax):
        frame.report(
            "T2J106",
            _node_of(frame),
            f"{kind.name} in a Sequential is given one example, without an axis for the batch",
            "add the axis with x[None] in front of the Sequential",
        )
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
    if gives_its_input(method):
        method.callers.add(frame.fn)
        method.called = True
        return tensor
    if names:
        method.params[names[0]].write(tensor, frame.program)
    elif params is not None and isinstance(params.star_arg, cst.Param):
        star = params.star_arg.name.value
        method.params[star].write(star_items(frame, method, star, replace(tensor, layout=None)), frame.program)
    method.callers.add(frame.fn)
    method.called = True
    return method.result.read(frame.fn)


def gives_its_input(method: FunctionInfo) -> bool:
    """Whether a forward is ``return x``, which takes anything in any axis order."""
    params = method.parameters()
    if params is None or not isinstance(method.node, cst.FunctionDef) or len(params.params) < 2 or method.decorators:
        return False
    lines = [line for line in method.node.body.body if not _is_docstring(line)]
    match lines:
        case [cst.SimpleStatementLine(body=[cst.Return(value=cst.Name(value=name))])] | [
            cst.Return(value=cst.Name(value=name))
        ]:
            return name == params.params[1].name.value
    return False


def _is_docstring(node: cst.CSTNode) -> bool:
    match node:
        case cst.SimpleStatementLine(body=[cst.Expr(value=cst.SimpleString())]):
            return True
    return False


def settled(frame: Frame, kind: Container) -> Container:
    """A container that grew after it was built has no known order any more."""
    frame.program.heap[kind.site].read(frame.fn)
    if kind.parts is not None and kind.site not in frame.program.grown:
        kind = replace(kind, items=kind.parts)
    replaced = frame.program.replaced.get(kind.site)
    if replaced is not None and kind.items is not None:
        items = tuple(join(item, replaced[i].kind) if i in replaced else item for i, item in enumerate(kind.items))
        kind = replace(kind, items=items)
    if kind.items is None and frame.program.is_pinned(kind.site, frame.fn):
        whole = (kind.site, "layers")  # transposes stand before and behind the layers, whose number is not known
        fill_heap(frame, whole, heap_read(frame, kind.site))
        return replace(kind, items=(Container("Sequential", whole),))
    if kind.items is None or kind.site not in frame.program.grown:
        return kind
    fill_heap(frame, kind.site, union(kind.items))
    return Container(kind.type, kind.site)


def _through_items(frame: Frame, kind: Container, tensor: Tensor) -> Kind:
    frame.facts.entered.add(kind.site)
    kind = settled(frame, kind)
    if kind.items is None:
        item = heap_read(frame, kind.site)
        entry, _ = _entry_of_options(frame, item, tensor)
        if entry is OPEN:
            tensor = assume_two_axes(frame, item, tensor)
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
            is_kept = result.layout is not None or (is_module(item) and result.rank == tensor.rank)
            result = replace(result, rank=tensor.rank if is_kept else None)
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
            value = assume_two_axes(frame, item, value)
            entry = None
        if entry is not ANY and entry != value.layout:
            size = value.rank or rank or len(entry or value.layout or ())
            fixes[index] = (value.layout, entry, size)
            value = replace(value, layout=entry, rank=size)
        elif value.rank is None and rank is not None:
            value = replace(value, rank=rank)
        value = flow_through(frame, item, value)
    if frame.program.is_pinned(kind.site, frame.fn) and isinstance(value, Tensor) and value.layout is not None:
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


def assume_two_axes(frame: Frame, kind: Kind, tensor: Tensor) -> Tensor:
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


def in_torch_order_first(entry: tuple[Any, int | None]) -> tuple[bool, str]:
    """A sort key for what ``entry_of`` gives."""
    return entry[0] is not None, str(entry)


def _can_pin(frame: Frame, kind: Kind) -> bool:
    if isinstance(kind, Container):
        return kind.items is not None and not frame.program.is_pinned(kind.site, frame.fn)
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
