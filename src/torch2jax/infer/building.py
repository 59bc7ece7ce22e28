"""Calls that build parameters and containers: Sequential, ModuleList, ModuleDict."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import libcst as cst

from torch2jax.infer.apis import TORCH, special
from torch2jax.infer.arguments import Arguments, use_all
from torch2jax.infer.contents import heap_read
from torch2jax.infer.frame import Frame
from torch2jax.infer.items import all_items
from torch2jax.infer.kinds import (
    NONE,
    UNKNOWN,
    Api,
    Container,
    Iterator_,
    Kind,
    Mapping,
    Sequence,
    Tensor,
    Tuple,
    constant,
    union,
    without_none,
)


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


@special(TORCH, "torch.nn.Buffer", "torch.nn.parameter.Buffer")
def buffer(frame: Frame, node: cst.Call, arguments: Arguments) -> Kind:
    """``nn.Buffer(x)``: a variable that is no parameter."""
    use_all(frame, arguments)
    given = arguments.positional[0] if arguments.positional else arguments.keywords.get("data")
    if given is None or len(arguments.positional) > 1 or arguments.star is not None:
        frame.report("T2J107", node, "nn.Buffer with these arguments", "use self.register_buffer(name, tensor)")
        return UNKNOWN
    frame.facts.special[node] = ("buffer",)
    kind = without_none(given[1])
    return replace(kind, layout=None, variable=True) if isinstance(kind, Tensor) else Tensor(None, None, None, True)


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


def fill_heap(frame: Frame, site: Any, kind: Kind) -> None:
    """Something stands in the container made at ``site``."""
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
            fill_heap(frame, node, heap_read(frame, plain.site))
            return Container("Sequential", node)
    items = _items_given(frame, arguments)
    if items is None:
        source = arguments.star[1] if arguments.star is not None else UNKNOWN
        rest = [kind for _, kind in arguments.positional]
        fill_heap(frame, node, union([*rest, all_items(frame, source)]))
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
        fill_heap(frame, (node, place), all_items(frame, kind))
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
        fill_heap(frame, node, all_items(frame, kind))
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
    fill_heap(frame, receiver.site, all_items(frame, kind))


def sorts_items(func: Kind | None, given: Kind) -> bool:
    """Whether it is an ``nn.ParameterDict`` of a plain dictionary, whose items PyTorch sorts by their names."""
    site = given.site if isinstance(given, Mapping) else None
    of_call = isinstance(site, cst.Call) and isinstance(site.func, cst.Name) and site.func.value == "dict"
    is_plain = of_call or isinstance(site, cst.Dict | cst.DictComp)
    return isinstance(func, Api) and func.name.endswith(".ParameterDict") and is_plain


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
                fill_heap(frame, node, item)
            frame.program.heap[node].read(frame.fn)
            if sorts_items(frame.facts.kinds.get(node.func), plain):
                named = sorted(named, key=lambda pair: pair[0])
            return Container("ModuleDict", node, tuple(k for _, k in named), tuple(n for n, _ in named))
        if isinstance(plain, Mapping):
            fill_heap(frame, node, heap_read(frame, plain.site))
        elif isinstance(plain, Sequence | Iterator_):
            from torch2jax.infer.items import item_at

            fill_heap(frame, node, item_at(frame, all_items(frame, plain), 1))
    frame.program.heap[node].read(frame.fn)
    return Container("ModuleDict", node)
