"""What containers hold, and in which axis order: all arrays of one container lie alike.

Contents live in a heap cell for each place that makes a container. Arrays keep a layout there as long as everything
that is put in has the same and nothing asks for torch's order; once something does, the cell is in torch's order for
good, and so are the cells that its contents came from.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import libcst as cst

from torch2jax.infer.aliasing import kept_data, note_escape
from torch2jax.infer.frame import Frame
from torch2jax.infer.kinds import (
    MISSING,
    UNKNOWN,
    Iterator_,
    Kind,
    Mapping,
    Sequence,
    Shape,
    Tensor,
    Tuple,
    Unknown,
    constant,
    options,
    union,
    without_none,
)
from torch2jax.infer.layout import MIXED, Layout
from torch2jax.infer.leaves import given_later


def heap_read(frame: Frame, site: Any) -> Kind:
    """What the container made at ``site`` holds."""
    return frame.program.heap[site].read(frame.fn)


def heap_write(frame: Frame, site: Any, kind: Kind, node: cst.CSTNode | None) -> None:
    """Something is put into the container made at ``site``."""
    if frame.program.hosting:
        frame.program.host_sites.add(site)
    kind = kept_data(frame, node, kind, followed=False)
    plain = without_none(kind)
    if isinstance(plain, Shape) and plain.layout is not None and node is not None:
        from torch2jax.infer.items import logical_shape

        logical_shape(frame, node, plain)
        kind = Shape(plain.rank)
    if isinstance(plain, Tensor) and node is not None and site not in given_later(frame):
        note_escape(frame, node)  # what an optimizer is given is the Variable itself
    if isinstance(plain, Tensor) and not plain.variable and plain.layout != MIXED:
        wants = frame.program.item_wants[site]
        wants.add(plain.layout)
        layout = plain.layout if len(wants) == 1 and node is not None else None
        if layout is None:
            in_torch_order(frame, site)
            if node is not None:
                kind = frame.use(node, kind, votes=site is not _display_of(site, node))
    elif node is not None and (isinstance(plain, Tuple) or _has_layout(kind)):
        for item in plain.items if isinstance(plain, Tuple) else ():
            want_torch_order(frame, item)
        kind = frame.use(node, kind)
    frame.program.heap[site].write(kind, frame.program)
    frame.program.heap[site].read(frame.fn)


def is_setting(kind: Kind) -> bool:
    """Whether a value in a dictionary is a setting, or a dictionary of such: what it is under its key is remembered."""
    return isinstance(kind, Mapping) or constant(kind) is not MISSING


def write_setting(frame: Frame, site: Any, key: Any, kind: Kind) -> None:
    """A dictionary gets another value under a key, or under one that is not known (MISSING)."""
    heap = frame.program.heap
    cells = [(site, key)] if key is not MISSING else [c for c in heap if isinstance(c, tuple) and c[0] is site]
    for cell in cells:
        if cell in heap:
            heap[cell].write(kind if is_setting(kind) else UNKNOWN, frame.program)


def read_item(frame: Frame, site: Any, key: Any) -> Kind:
    """What a dictionary holds under a key, or under any where that is not remembered."""
    kind = heap_read(frame, (site, key)) if (site, key) in frame.program.heap else UNKNOWN
    return heap_read(frame, site) if isinstance(kind, Unknown) else kind


def copy_items(frame: Frame, site: Any, kind: Kind, item: Kind) -> None:
    """The container made at ``site`` gets what ``kind`` holds, of which ``item`` says what it is."""
    if frame.program.hosting:
        frame.program.host_sites.add(site)
    sources = frame.program.item_sources[site]
    for source in sites_of(kind):
        if source != site and source not in sources:
            sources.add(source)
    plain = without_none(item)
    if isinstance(plain, Tensor) and not plain.variable and plain.layout != MIXED:
        wants = frame.program.item_wants[site]
        wants.add(plain.layout)
        if len(wants) > 1 or None in wants:
            in_torch_order(frame, site)
            item = unlaid_all(item)
    frame.program.heap[site].write(item, frame.program)
    frame.program.heap[site].read(frame.fn)


def sites_of(kind: Kind) -> Iterator[Any]:
    """The places that made the containers whose items ``kind`` gives."""
    for option in options(without_none(kind)):
        if isinstance(option, Sequence | Mapping):
            yield option.site
        elif isinstance(option, Iterator_):
            yield from option.sites


def in_torch_order(frame: Frame, site: Any) -> None:
    """From now on the arrays in a container, and in those its contents come from, are in torch's order."""
    program = frame.program
    program.item_wants[site].add(None)
    settled = program.heap_layouts.get(site, ()) is None
    program.heap_layouts[site] = None
    cell = program.heap[site]
    cell.read(frame.fn)
    if settled and not any(_has_layout(option) for option in options(cell.kind)):
        return
    held = cell.kind
    cell.kind = unlaid_all(held)
    program.dirty.update(cell.readers)
    for source in program.item_sources[site]:
        in_torch_order(frame, source)
    for option in options(held):
        want_torch_order(frame, option)


def want_torch_order(frame: Frame, kind: Kind) -> bool:
    """Ask for the arrays inside a container in torch's order; whether that can be had."""
    plain = without_none(kind)
    sites = list(sites_of(plain))
    for site in sites:
        in_torch_order(frame, site)
    return not isinstance(plain, Iterator_) or bool(sites) or not _has_layout(plain.item)


def _has_layout(kind: Kind) -> bool:
    if isinstance(kind, Tuple):
        return any(_has_layout(item) for item in kind.items)
    return any(isinstance(option, Tensor) and option.layout not in (None, MIXED) for option in options(kind))


def layouts_in(kind: Kind) -> set[Layout]:
    """The layouts of the arrays among the alternatives."""
    return {option.layout for option in options(kind) if isinstance(option, Tensor)}


def unlaid(kind: Kind) -> Kind:
    """The kind of an array in torch's own order; what may lie in several orders can't be brought into one."""
    return replace(kind, layout=None) if isinstance(kind, Tensor) and kind.layout != MIXED else kind


def unlaid_all(kind: Kind) -> Kind:
    """The kind with every array in torch's order, those in tuples too."""
    found: list[Kind] = []
    for option in options(kind):
        if isinstance(option, Tuple):
            found.append(Tuple(tuple(unlaid_all(item) for item in option.items), option.fields))
        else:
            found.append(unlaid(option))
    return found[0] if len(found) == 1 else union(found)


def _display_of(site: Any, node: cst.CSTNode) -> Any:
    """The display that ``node`` is an element of: what takes the display says how its elements are wanted."""
    elements = getattr(site, "elements", ()) if isinstance(site, cst.List | cst.Tuple | cst.Set) else ()
    return site if any(element.value is node for element in elements) else None
