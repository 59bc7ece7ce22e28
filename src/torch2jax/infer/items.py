"""What is inside things: subscripts, iteration, item assignment."""

from __future__ import annotations

from typing import Any

import libcst as cst

from torch2jax.infer import views
from torch2jax.infer.aliasing import HINT, note_put, note_write
from torch2jax.infer.contents import heap_read, heap_write, layouts_in, read_item, sites_of, write_setting
from torch2jax.infer.frame import Frame, evaluates
from torch2jax.infer.kinds import (
    FREE,
    INT,
    STR,
    UNKNOWN,
    AnyModule,
    Container,
    Free,
    HostObject,
    HostTensor,
    Instance,
    Iterator_,
    Kind,
    Mapping,
    Modules,
    Number,
    ParamGroups,
    Sequence,
    Shape,
    State,
    Str,
    Tensor,
    Tuple,
    Union,
    array_of,
    constant,
    is_tensor,
    options,
    union,
    without_none,
)
from torch2jax.infer.layout import MIXED, place, without
from torch2jax.infer.numpy_arrays import may_be_numpy, note_change
from torch2jax.infer.state_entries import look_into, state_entry
from torch2jax.infer.storage import storage_of

SHAPE_ITEMS: Kind = Iterator_(INT)


def all_items(frame: Frame, kind: Kind) -> Kind:
    """The join of everything in a container."""
    return union(_items_of(frame, option) for option in options(without_none(kind)))


def _items_of(frame: Frame, kind: Kind) -> Kind:
    match kind:
        case Tuple(items=items):
            return union(items) if items else FREE
        case Sequence(site=site):
            return heap_read(frame, site)
        case Mapping():
            return STR
        case Iterator_(item=item):
            return item
        case Container(type="ModuleDict" | "ParameterDict"):
            return STR
        case Container(items=items, site=site):
            held = heap_read(frame, site)
            return union(items) if items is not None and site not in frame.program.grown else held
        case Shape():
            return INT
        case HostObject() | Instance() if isinstance(kind, HostObject) or kind.cls.is_host:
            from torch2jax.infer.host_calls import items_of

            return items_of(frame, kind)
        case Tensor(rank=rank, dtype=dtype):
            return Tensor(rank - 1 if rank else None, dtype)
        case Str():
            return STR
        case ParamGroups(sites=sites, one=False):
            return ParamGroups(sites, one=True)
        case Modules(with_names=True):
            return Tuple((STR, AnyModule()))
        case Modules():
            return AnyModule()
        case State(loaded=False):
            return STR
        case Free():
            return kind
        case HostTensor(assumed=True):
            return kind
        case _:
            return UNKNOWN


def alike(frame: Frame, node: cst.CSTNode | None, kind: Kind) -> Kind:
    """A tuple of which any item may be taken: arrays that lie differently go back to torch's order."""
    plain = without_none(kind)
    if isinstance(plain, Tuple) and node is not None:
        layouts = set().union(*(layouts_in(item) for item in plain.items))
        if len(layouts) > 1:
            return frame.use(node, plain)
    return kind


def iterated(frame: Frame, node: cst.CSTNode, kind: Kind) -> Kind:
    """The kind of a loop's variable."""
    kind = alike(frame, node, kind)
    if is_tensor(kind):
        frame.use(node, kind)
    if isinstance(kind, Shape) and kind.layout is not None:
        logical_shape(frame, node, kind)
    as_layers(frame, node, kind)
    look_into(frame, node, kind)
    return all_items(frame, kind)


def as_layers(frame: Frame, node: cst.CSTNode, kind: Kind) -> None:
    """The layers of a Sequential are wanted one by one: in an nnx.Sequential they are a list in an attribute."""
    if not any(is_sequential(option) for option in options(kind)):
        return
    is_slice = frame.facts.special.get(node) == ("sequential_item", True)
    frame.facts.special[node] = ("sequential_item", False) if is_slice else ("layers",)
    note_opened(frame, node, kind)


def note_opened(frame: Frame, node: cst.CSTNode, kind: Kind) -> None:
    """Layers of a Sequential are taken one by one: transposes that stand among them would count as layers."""
    for option in options(kind):
        if isinstance(option, Instance):
            option = next((c.site for c in option.cls.mro() if c.site is not None), option)
        if isinstance(option, Container) and option.type == "Sequential":
            heap_read(frame, option.site)
            frame.facts.entered.add(option.site)
            if frame.program.sequential_fixes.get(option.site):
                frame.report(
                    "T2J106", node, "layers with transposes between them are taken one by one", "call the Sequential"
                )


def is_sequential(kind: Kind) -> bool:
    """Whether the translation is an nnx.Sequential, whose layers are in an attribute."""
    if isinstance(kind, Instance):
        return kind.cls.module_base == "torch.nn.Sequential"
    return isinstance(kind, Container) and kind.type == "Sequential"


def item_at(frame: Frame, kind: Kind, index: int | None) -> Kind:
    """The kind of ``value[index]``; of any item where the index is unknown."""
    found = []
    for option in options(without_none(kind)):
        items = option.items if isinstance(option, Tuple | Container) else None
        if isinstance(option, Container) and option.site in frame.program.grown:
            items = None
        if items is not None and index is not None and -len(items) <= index < len(items):
            found.append(items[index])
        elif isinstance(option, Mapping):
            found.append(heap_read(frame, option.site))
        else:
            found.append(_items_of(frame, option))
    return union(found)


def tail(frame: Frame, kind: Kind, start: int) -> Kind:
    """The kind of ``*rest`` in an unpacking."""
    if isinstance(kind, Tuple):
        return Iterator_(union(kind.items[start:]) if kind.items[start:] else FREE)
    return Iterator_(all_items(frame, kind), tuple(sites_of(kind)))


def logical_shape(frame: Frame, node: cst.CSTNode, kind: Shape, *, shown: bool = False) -> None:
    """The whole shape is wanted in torch's order; ``shown``: only to be read by people."""
    if kind.layout == MIXED:
        what = "the sizes of a parameter of a layer that is not known are in Flax's order"
        frame.report("T2J205" if shown else "T2J106", node, what, "" if shown else "test for one class of layers first")
    elif kind.layout is not None:
        frame.facts.special[node] = ("logical_shape", kind.layout)


@evaluates(cst.Subscript)
def subscript(frame: Frame, node: cst.Subscript) -> Kind:
    """``x[...]``, by what ``x`` may be."""
    frame.facts.special.pop(node, None)
    value = frame.eval(node.value)
    for element in node.slice:
        _eval_index(frame, element.slice)
    plain = array_of(value)
    if isinstance(plain, Union):
        plain = frame.use(node.value, plain)
    if isinstance(plain, Tensor):
        return tensor_index(frame, node, plain)
    if isinstance(plain, Shape):
        return _shape_index(frame, node, plain)
    if isinstance(plain, State):
        return state_entry(frame, node, plain)
    return _container_index(frame, node, plain)


def _eval_index(frame: Frame, index: cst.BaseSlice) -> None:
    if isinstance(index, cst.Index):
        kind = frame.eval(index.value)
        frame.use(index.value, kind)
        if isinstance(kind, Shape):
            logical_shape(frame, index.value, kind)
    elif isinstance(index, cst.Slice):
        for bound in (index.lower, index.upper, index.step):
            if bound is not None:
                frame.use(bound, frame.eval(bound))


def _container_index(frame: Frame, node: cst.Subscript, kind: Kind) -> Kind:
    index = node.slice[0].slice
    group = _group(kind)
    if group is not None:
        return hyperparameter(frame, node, group)
    if any(is_sequential(option) for option in options(kind)):
        frame.facts.special[node] = ("sequential_item", isinstance(index, cst.Slice))
        note_opened(frame, node, kind)
    if isinstance(index, cst.Slice):
        return _container_slice(frame, node, kind, index)
    value = constant(frame.facts.kinds[index.value]) if isinstance(index, cst.Index) else None
    if not isinstance(value, int):
        kind = alike(frame, node.value, kind)
    results = []
    for option in options(kind):
        if isinstance(option, Container) and option.type in ("Sequential", "ModuleList", "ParameterList"):
            results.append(item_at(frame, option, value if isinstance(value, int) else None))
        elif isinstance(option, Container):
            results.append(_named_item(frame, option, value))
        elif isinstance(option, Free):
            results.append(option)
        elif isinstance(option, Mapping) and (option.site, value) in frame.program.heap:
            results.append(read_item(frame, option.site, value))
        else:
            results.append(item_at(frame, option, value if isinstance(value, int) else None))
    return union(results)


def _group(kind: Kind) -> ParamGroups | None:
    """The group of an optimizer that something is, if it is one wherever it is known."""
    found = [option for option in options(kind) if isinstance(option, ParamGroups) and option.one]
    known = [option for option in options(kind) if option != UNKNOWN and not isinstance(option, Free)]
    sites = frozenset(site for option in found for site in option.sites)
    return ParamGroups(sites, one=True) if found and len(found) == len(known) else None


# What optax calls the hyperparameters that torch keeps in a group of parameters.
HYPERPARAMETERS = {"lr": "learning_rate", "momentum": "momentum", "weight_decay": "weight_decay"}


def hyperparameter(frame: Frame, node: cst.Subscript, kind: ParamGroups) -> Kind:
    """``group["lr"]``: a number that the optimizer holds as an array."""
    index = node.slice[0].slice
    name = constant(frame.facts.kinds.get(index.value, UNKNOWN)) if isinstance(index, cst.Index) else None
    if name not in HYPERPARAMETERS:
        what = f"`{name}` of a group of parameters" if isinstance(name, str) else "an item of a group of parameters"
        frame.report("T2J108", node, f"{what} has no translation yet")
        return UNKNOWN
    for site in kind.sites:
        frame.facts.hyperparameters[site].add(name)
    frame.facts.special[node] = ("hyperparameter", HYPERPARAMETERS[name])
    return Tensor(0, "float")


def _named_item(frame: Frame, kind: Container, name: object) -> Kind:
    if kind.items is not None and kind.names is not None:
        if name in kind.names:
            return kind.items[kind.names.index(str(name))]
        return union(kind.items)
    return heap_read(frame, kind.site)


def _bounds(frame: Frame, index: cst.Slice) -> slice | None:
    values: list[Any] = []
    for bound in (index.lower, index.upper, index.step):
        value = None if bound is None else constant(frame.facts.kinds[bound])
        if value is not None and not isinstance(value, int):
            return None
        values.append(value)
    return slice(*values)


def _container_slice(frame: Frame, node: cst.Subscript, kind: Kind, index: cst.Slice) -> Kind:
    bounds = _bounds(frame, index)
    if isinstance(kind, Tuple) and bounds is not None:
        return Tuple(kind.items[bounds])
    kind = alike(frame, node.value, kind)
    if isinstance(kind, Container) and kind.items is not None and bounds is not None:
        return Container(kind.type, (kind.site, str(bounds)), kind.items[bounds])
    if isinstance(kind, Tuple):
        return Iterator_(union(kind.items) if kind.items else FREE)
    return kind


def _shape_index(frame: Frame, node: cst.Subscript, kind: Shape) -> Kind:
    index = node.slice[0].slice
    if isinstance(index, cst.Index):
        value = constant(frame.facts.kinds[index.value])
        if kind.layout is not None:
            if isinstance(value, int) and kind.layout != MIXED:
                frame.facts.special[node] = ("axis", place(kind.layout, value, kind.rank))
            else:
                logical_shape(frame, node.value, kind)
        return INT
    if isinstance(index, cst.Slice):
        bounds = _bounds(frame, index)
        if kind.layout is not None:
            if bounds is not None and bounds.step in (None, 1) and kind.layout != MIXED:
                axes = list(range(len(kind.layout)))[bounds]
                frame.facts.special[node] = ("axes", [place(kind.layout, axis, None) for axis in axes])
            else:
                logical_shape(frame, node.value, kind)
        if bounds is not None and kind.rank is not None:
            return Shape(len(range(kind.rank)[bounds]))
    return Shape()


def _index_parts(frame: Frame, node: cst.Subscript) -> list[tuple[str, Kind | None]]:
    """Each index as ("int" | "slice" | "new" | "ellipsis" | "array" | "other", kind)."""
    parts: list[tuple[str, Kind | None]] = []
    elements = [element.slice for element in node.slice]
    if len(elements) == 1 and isinstance(elements[0], cst.Index) and isinstance(elements[0].value, cst.Tuple):
        elements = [cst.Index(e.value) for e in elements[0].value.elements]
    for index in elements:
        if isinstance(index, cst.Slice):
            parts.append(("slice", None))
            continue
        value = index.value if isinstance(index, cst.Index) else None
        kind = frame.facts.kinds.get(value, UNKNOWN) if value is not None else UNKNOWN
        if isinstance(value, cst.Ellipsis):
            parts.append(("ellipsis", None))
        elif isinstance(value, cst.Name) and value.value == "None":
            parts.append(("new", None))
        elif isinstance(kind, Number) and kind.type in ("int", "bool"):
            parts.append(("int" if kind.type == "int" else "other", kind))
        elif isinstance(without_none(kind), Tensor | Sequence | Tuple):
            parts.append(("array", without_none(kind)))
        else:
            parts.append(("other", kind))
    return parts


def tensor_index(frame: Frame, node: cst.Subscript, kind: Tensor) -> Kind:
    """``x[...]`` of an array."""
    parts = _index_parts(frame, node)
    names = [part for part, _ in parts]
    for element in node.slice:
        if isinstance(element.slice, cst.Index):
            _array_index(frame, element.slice.value)
    layout = kind.layout
    if layout is not None and not set(names) <= {"int", "slice", "ellipsis"}:
        kind = _as_tensor(frame.use(node.value, kind))
    elif layout is not None:
        order = _full_order(names, len(layout))
        if order is None:
            kind = _as_tensor(frame.use(node.value, kind))
        else:
            frame.vote(node.value, layout)
            frame.read(node.value, kind)
            frame.facts.special[node] = ("reindex", [order[axis] for axis in layout])
            gone = [axis for axis, part in enumerate(order) if part is not None and names[part] == "int"]
            return Tensor(len(layout) - len(gone), kind.dtype, without(layout, gone))
    elif set(names) <= {"int", "slice", "ellipsis"}:
        kind = _as_tensor(frame.accept(node.value, kind))
    else:
        kind = _as_tensor(frame.use(node.value, kind))
    return Tensor(_indexed_rank(kind.rank, parts), kind.dtype)


def _as_tensor(kind: Kind) -> Tensor:
    plain = without_none(kind)
    return plain if isinstance(plain, Tensor) else Tensor()


def _array_index(frame: Frame, value: cst.BaseExpression) -> None:
    if isinstance(value, cst.List) and value.elements:
        frame.facts.special[value] = ("array_literal",)


def _full_order(names: list[str], rank: int) -> list[int | None] | None:
    """For each axis of the source, which index applies to it; None in a place: the whole axis."""
    order: list[int | None] = [None] * rank
    if "ellipsis" in names:
        at = names.index("ellipsis")
        before, after = list(range(at)), list(range(at + 1, len(names)))
    else:
        before, after = list(range(len(names))), []
    if len(before) + len(after) > rank:
        return None
    for axis, part in enumerate(before):
        order[axis] = part
    for offset, part in enumerate(reversed(after)):
        order[rank - 1 - offset] = part
    return order


def _indexed_rank(rank: int | None, parts: list[tuple[str, Kind | None]]) -> int | None:
    if rank is None or any(part == "other" for part, _ in parts):
        return None
    arrays = [k for part, k in parts if part == "array"]
    result = rank - sum(part == "int" for part, _ in parts) + sum(part == "new" for part, _ in parts)
    if not arrays:
        return result
    if len(arrays) > 1:
        return None
    index = arrays[0]
    if isinstance(index, Tensor) and index.rank is not None and index.dtype is not None:
        return result - index.rank + 1 if index.dtype == "bool" else result - 1 + index.rank
    return None


def assign_item(
    frame: Frame, target: cst.Subscript, kind: Kind, value: cst.CSTNode | None, augmented: cst.AugAssign | None
) -> None:
    """``x[i] = value`` or ``x[i] += value``."""
    base = frame.facts.kinds.get(target.value) if augmented is not None else frame.eval(target.value)
    base = base if base is not None else frame.eval(target.value)
    if augmented is None:
        for element in target.slice:
            _eval_index(frame, element.slice)
    group = _group(base)
    if group is not None:
        hyperparameter(frame, target, group)
        if value is not None:
            frame.use(value, kind)
        return
    if isinstance(base, Free) and _assigns_to_array(frame, target):
        frame.report(
            "T2J202", target, "assumed that what is assigned to here is a tensor", "annotate it as torch.Tensor"
        )
        frame.learn_tensor(target.value)
        base = Tensor()
    plain = without_none(base)
    if isinstance(plain, Tensor):
        frame.use(target.value, Tensor(plain.rank, plain.dtype, plain.layout, plain.variable))
        for element in target.slice:
            if isinstance(element.slice, cst.Index):
                _array_index(frame, element.slice.value)
        if value is not None:
            frame.use(value, kind)
        frame.facts.special[target] = ("set_item", augmented is not None)
        root = root_of(target.value)
        if isinstance(root, cst.Name) and not plain.variable:
            held = frame.env.get(root.value)
            kind = held.kind if held is not None else Tensor(plain.rank, plain.dtype)
            if isinstance(kind, Tensor):
                kind = Tensor(kind.rank, kind.dtype)
            frame.rebind(root.value, kind, root)
        mutated(frame, target.value, augmented or target)
        return
    if value is not None and augmented is None:
        note_put(frame, target.value, value)
    if augmented is not None and is_tensor(frame.facts.kinds.get(target, UNKNOWN)):
        mutated(frame, target, augmented)
        return
    if may_be_numpy(plain):
        note_change(frame, target.value, augmented or target)
    for option in options(plain):
        if isinstance(option, Mapping):
            frame.program.grown.add(option.site)
            write_setting(frame, option.site, constant(_index_kind(frame, target)), kind)
        if isinstance(option, Sequence | Mapping):
            heap_write(frame, option.site, kind, value)
        elif isinstance(option, Container):
            _replace_item(frame, target, option, kind)
    if value is not None and isinstance(plain, Free):
        frame.use(value, kind)


def _replace_item(frame: Frame, target: cst.Subscript, container: Container, kind: Kind) -> None:
    """``self.layers[1] = module``: from here on it may be this one, there or in another object of the class."""
    program = frame.program
    program.heap[container.site].write(kind, program)
    if is_sequential(container):
        frame.facts.special[target] = ("sequential_item", False)
    index = constant(_index_kind(frame, target))
    if not isinstance(index, int) or container.items is None:
        program.grown.add(container.site)
        program.dirty.update(program.heap[container.site].readers)
        return
    if not -len(container.items) <= index < len(container.items):
        return
    cell = program.replaced[container.site][index % len(container.items)]
    before = cell.kind
    cell.write(kind, program)
    if cell.kind != before:
        program.dirty.update(program.heap[container.site].readers)


def _index_kind(frame: Frame, target: cst.Subscript) -> Kind:
    element = target.slice[0].slice
    return frame.facts.kinds.get(element.value, UNKNOWN) if isinstance(element, cst.Index) else UNKNOWN


def _assigns_to_array(frame: Frame, target: cst.Subscript) -> bool:
    """Whether ``x[i, j] = v`` writes into a parameter of which nothing is known but that it takes several indices."""
    held = frame.env.get(target.value.value) if isinstance(target.value, cst.Name) else None
    indices = [element.slice for element in target.slice]
    plain = all(
        isinstance(i, cst.Slice) or isinstance(frame.facts.kinds.get(i.value), Number)
        for i in indices
        if isinstance(i, cst.Slice | cst.Index)
    )
    return held is not None and held.original and len(indices) > 1 and plain


def mutated(frame: Frame, target: cst.CSTNode, statement: cst.CSTNode, *, quiet: bool = False) -> None:
    """The memory behind ``target`` changes here."""
    note_write(frame, statement, target, quiet=quiet)
    if isinstance(target, cst.Call) and views.root_of(frame, target) is None and storage_of(frame, target):
        frame.report("T2J105", statement, "a write through a view of an array is lost in JAX", HINT)


def root_of(node: cst.CSTNode) -> cst.CSTNode:
    """The name or attribute at the bottom of subscripts and ``.data``."""
    while isinstance(node, cst.Subscript) or (isinstance(node, cst.Attribute) and node.attr.value == "data"):
        node = node.value
    return node
