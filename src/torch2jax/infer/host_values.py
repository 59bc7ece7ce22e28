"""Tensors that a program makes for its data loading alone: they stay PyTorch, with the statements that make them.

``x = torch.randn(100, 3)`` followed by ``TensorDataset(x, x @ w)`` needs no JAX. Of all assignments to a name those are
found whose value PyTorch can make as it stands, and whose name is read nowhere but in what data loading is given and in
the values of each other.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import libcst as cst

from torch2jax.infer.facts import Facts
from torch2jax.infer.kinds import Kind, Tensor, options
from torch2jax.infer.program import Cell, FunctionInfo, Program
from torch2jax.source.nodes import dotted_name, walk


@dataclass(eq=False, slots=True)
class _Making:
    """One assignment of a tensor to a name: ``reads`` are the places that see its value."""

    assign: cst.Assign
    facts: Facts
    reads: set[cst.CSTNode] = field(default_factory=set)
    elsewhere: list[FunctionInfo] = field(default_factory=list)


def made_for_data(program: Program) -> set[cst.Assign]:
    """The assignments that stay PyTorch."""
    makings: dict[cst.CSTNode, _Making] = {}
    if not program.touches_host and not any(cls.is_host for cls in program.classes.values()):
        return set()
    for fn in program.functions.values():
        if not fn.is_host and (fn.facts.sent or isinstance(fn.node, cst.Module)):
            makings |= _makings(fn)
    given = [(fn.facts, arg) for fn in program.functions.values() for arg in fn.facts.sent]
    while True:
        values: dict[int, _Making | None] = {
            id(part): making for making in makings.values() for part in walk(making.assign.value)
        }
        for facts, arg in given:
            if all(_can_stay(facts, part, makings) for part in walk(arg)):
                values.update((id(part), None) for part in walk(arg))
        wrong = [target for target, making in makings.items() if not _belongs(making, makings, values)]
        if not wrong:
            break
        for target in wrong:
            del makings[target]
    if program.uses_grain:
        return {making.assign for making in makings.values() if making.elsewhere and _is_plain(making)}
    return _wanted(makings, {id(part) for _, arg in given for part in walk(arg)})


def _is_plain(making: _Making) -> bool:
    """Whether NumPy can make a value: it is written out, and not computed from others."""
    called = [part for part in walk(making.assign.value) if isinstance(part, cst.Call)]
    return all((dotted_name(part.func) or "").rpartition(".")[2] in _PLAIN for part in called)


_PLAIN = frozenset(
    "tensor as_tensor from_numpy zeros ones full arange linspace eye LongTensor FloatTensor view".split()
)


def _makings(fn: FunctionInfo) -> dict[cst.CSTNode, _Making]:
    """The assignments of a function that bind one name to a tensor, by their target."""
    found: dict[cst.CSTNode, _Making] = {}
    for node in walk(fn.node):
        if not isinstance(node, cst.Assign) or len(node.targets) != 1:
            continue
        target = node.targets[0].target
        if isinstance(target, cst.Name) and _is_tensor(fn.facts.kinds.get(node.value)):
            cell = _cell(fn, target.value)
            readers = [reader for reader in cell.readers if reader is not fn] if cell is not None else []
            found[target] = _Making(node, fn.facts, elsewhere=readers)
    for read, definitions in fn.facts.definitions_of.items():
        for definition in definitions:
            if definition in found:
                found[definition].reads.add(read)
    return found


def _is_tensor(kind: Kind | None) -> bool:
    return isinstance(kind, Tensor) and not kind.variable


def _cell(fn: FunctionInfo, name: str) -> Cell | None:
    """Where functions below find a name."""
    names = fn.file.names if isinstance(fn.node, cst.Module) else fn.closure
    return names.get(name)


def _belongs(making: _Making, makings: dict[cst.CSTNode, _Making], values: dict[int, _Making | None]) -> bool:
    """Whether only data loading sees a value, and PyTorch can make it."""
    if any(not reader.is_host for reader in making.elsewhere):
        return False
    sent = making.facts.sent
    if not all(read in sent or (id(read) in values and values[id(read)] is not making) for read in making.reads):
        return False
    return all(_can_stay(making.facts, part, makings) for part in walk(making.assign.value))


def _can_stay(facts: Facts, part: cst.CSTNode, makings: dict[cst.CSTNode, _Making]) -> bool:
    """Whether a part of a value is torch's or Python's own, or a name of another such value."""
    from torch2jax.infer.host import is_of_jax, runs_on_host

    kind = facts.kinds.get(part)
    match part:
        case cst.Name() if kind is not None and any(isinstance(option, Tensor) for option in options(kind)):
            definitions = facts.definitions_of.get(part)
            return bool(definitions) and all(definition in makings for definition in definitions or ())
        case cst.Attribute() if _is_tensor(kind):
            return _is_tensor(facts.kinds.get(part.value))
        case cst.Call():
            return runs_on_host(facts.kinds.get(part.func))
        case cst.Lambda() | cst.NamedExpr() | cst.Await() | cst.Yield():
            return False
        case cst.Name():
            return kind is None or not is_of_jax(kind)
    return True


def _wanted(makings: dict[cst.CSTNode, _Making], given: set[int]) -> set[cst.Assign]:
    """Those that data loading is given, directly or through others."""
    wanted = {
        target
        for target, making in makings.items()
        if making.elsewhere or any(id(read) in given for read in making.reads)
    }
    while True:
        more = {
            definition
            for target in wanted
            for part in walk(makings[target].assign.value)
            for definition in makings[target].facts.definitions_of.get(part, ())
            if definition in makings and definition not in wanted
        }
        if not more:
            return {makings[target].assign for target in wanted}
        wanted |= more
