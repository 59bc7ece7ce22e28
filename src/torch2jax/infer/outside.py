"""Sequentials that nothing in the project calls: what a factory returns, what a module keeps for others to use.

Whoever calls one is not seen. It gets data in PyTorch's axis order and gives it back so, as the methods of public
modules do (docs/decisions/public-methods.md), and transposes stand among its layers where they need them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from torch2jax.infer.facts import Finding
from torch2jax.infer.frame import Frame
from torch2jax.infer.kinds import Container, Kind, Layer, Tensor, options, without_none
from torch2jax.infer.layout import MIXED, describe
from torch2jax.infer.module_flow import ANY, OPEN, assume_two_axes, entry_of, flow_through, probed_rank
from torch2jax.infer.program import FunctionInfo, Program
from torch2jax.source.scope import Binding

_ROUNDS = 3


def call_from_outside(program: Program, bindings: dict[str, Binding]) -> set[FunctionInfo]:
    """Let data through every Sequential that no data came to; the functions for which that makes a difference."""
    for _ in range(_ROUNDS):
        found = list(_uncalled(program))
        inner = {site for _, kind in found for site in _inside(program, kind)}
        outermost = [(fn, kind) for fn, kind in found if kind.site not in inner] or found
        if not outermost:
            break
        for fn, kind in outermost:
            frame = Frame(program, fn, bindings[fn.file.path].scope_of[fn.node])
            frame.facts = fn.facts
            _let_through(frame, kind)
    changed = set(program.dirty)
    program.dirty.clear()
    return changed


def _uncalled(program: Program) -> Iterator[tuple[FunctionInfo, Container]]:
    """The Sequentials through which nothing went, with the functions that build them."""
    entered = {site for fn in program.functions.values() for site in fn.facts.entered}
    for fn in list(program.functions.values()):
        if fn.is_host:
            continue
        for node, kind in list(fn.facts.kinds.items()):
            if isinstance(kind, Container) and kind.type == "Sequential" and kind.site is node and node not in entered:
                yield fn, kind
    for cls in program.classes.values():
        builder = cls.constructor
        if cls.site is not None and cls.site.site not in entered and builder is not None and not builder.is_host:
            yield builder, cls.site


def _inside(program: Program, kind: Container) -> Iterator[object]:
    held: Iterable[Kind] = kind.items if kind.items is not None else options(program.heap[kind.site].kind)
    for item in held:
        for option in options(without_none(item)):
            if isinstance(option, Container) and option.site is not kind.site:
                yield option.site
                yield from _inside(program, option)


def _let_through(frame: Frame, kind: Container) -> None:
    program = frame.program
    rank = probed_rank(frame, kind)
    if program.options.interface == "nchw" and kind.site not in program.grown:
        program.pinned_sites.add(kind.site)
        program.dirty.update(program.pin_readers[kind.site])
    entry, known = entry_of(frame, kind, Tensor(rank))
    if entry is OPEN:
        flow_through(frame, kind, assume_two_axes(frame, kind, Tensor(rank)))
        return
    layout = entry if entry is not ANY else None
    flow_through(frame, kind, Tensor(rank or known, layout=layout))
    if layout is not None:
        order = describe(layout, len(layout))
        frame.report("T2J302", kind.site, f"what calls this Sequential is not seen; it works on {order} arrays")


def note_layers(program: Program) -> None:
    """Say of functions that only code outside calls which axis order their results have, or layers as results want."""
    for fn in program.functions.values():
        if fn.callers or fn.owner is not None or fn.is_host:
            continue
        layouts = {o.rule.layout for o in options(without_none(fn.result.kind)) if isinstance(o, Layer)}
        orders = sorted(" ".join(layout.target) for layout in layouts if layout is not None and layout.rank)
        if orders:
            message = f"{fn.name} returns a layer that works on {' or '.join(orders)} arrays"
            fn.facts.findings["T2J302", fn.node, message] = Finding("T2J302", fn.node, message)
        results = [option for option in options(without_none(fn.result.kind)) if isinstance(option, Tensor)]
        if any(option.layout == MIXED for option in results):
            message = f"{fn.name} returns a parameter of a layer that is not known, in Flax's axis order"
            fn.facts.findings["T2J205", fn.node, message] = Finding("T2J205", fn.node, message)
