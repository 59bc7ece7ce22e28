"""The last check of layouts: what functions wrote into shared places must lie as those who read it believe.

The interpreter chooses layouts function by function, until nothing changes. This check does not trust it: wherever an
array passes from one function to another, or through a container, writer and reader have to agree, or it is an error.
"""

from __future__ import annotations

from dataclasses import replace

from torch2jax.infer.facts import Finding
from torch2jax.infer.kinds import Iterator_, Kind, Tensor, Tuple, options, union
from torch2jax.infer.layout import MIXED, Layout
from torch2jax.infer.module_flow import conflicting_fixes
from torch2jax.infer.program import Cell, Program


def report_clashes(program: Program) -> None:
    """An error for every function that puts an array somewhere in another axis order than it is read in."""
    chosen: dict[Cell, Layout] = {}
    for fn in program.functions.values():
        for name, cell in fn.params.items():
            chosen[cell] = fn.param_layouts.get(name)
    for fn in program.functions.values():
        for cell, kind in fn.facts.writes:
            held = with_layout(cell.kind, chosen[cell]) if cell in chosen else cell.kind
            if clash(kind, held):
                message = "an array is stored in one axis order and read in another"
                fn.facts.findings["T2J106", fn.node, message] = Finding("T2J106", fn.node, message)
                break
    wrong = conflicting_fixes(program)
    for fn in program.functions.values():
        if any(site in wrong for site, _ in fn.facts.fixes):
            message = "a Sequential is called with arrays in different axis orders"
            fn.facts.findings["T2J106", fn.node, message] = Finding("T2J106", fn.node, message)


def with_layout(kind: Kind, layout: Layout) -> Kind:
    """The kind as a parameter is entered with: arrays in the layout that was chosen for it."""
    laid = (o if not isinstance(o, Tensor) or o.layout == MIXED else replace(o, layout=layout) for o in options(kind))
    return union(laid)


def clash(written: Kind, read: Kind) -> bool:
    """Whether an array among what was written lies otherwise than the reader takes it to."""
    for option in options(written):
        match option:
            case Tensor(layout=layout):
                found = {other.layout for other in options(read) if isinstance(other, Tensor)}
                if option.variable and found == {MIXED}:
                    continue  # whoever reads it takes no order for granted
                if (found and found != {layout}) or (not found and layout is not None):
                    return True
            case Tuple(items=items):
                others = [o for o in options(read) if isinstance(o, Tuple) and len(o.items) == len(items)]
                if others:
                    if any(clash(item, other) for item, other in zip(items, others[0].items, strict=True)):
                        return True
                elif any(clash(item, Tuple(())) for item in items):
                    return True
            case Iterator_(item=item):
                inner = [o.item for o in options(read) if isinstance(o, Iterator_)]
                if clash(item, inner[0] if inner else Tuple(())):
                    return True
    return False
