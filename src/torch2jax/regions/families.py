"""Several derivatives of what one block computes, and of each other: functions that they share.

``u_x = grad(u, x)[0]; u_t = grad(u, t)[0]; u_xx = grad(u_x, x)[0]``: the statements that give ``u`` and ``u_x`` are
written out once more as functions of ``x`` and ``t``, and stay where they are as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard

import libcst as cst

from torch2jax.infer.kinds import Free, Kind, Layer, Unknown, options, without_none
from torch2jax.infer.program import FunctionInfo, Program
from torch2jax.regions.callees import reached
from torch2jax.regions.compiling import obstacle
from torch2jax.regions.paths import Access, access_of_all, overlap, path_of
from torch2jax.regions.region import NoRegionError
from torch2jax.regions.slicing import backward_slice, dependent, exits
from torch2jax.source.nodes import walk

_CHANGING = ("Dropout", "BatchNorm", "InstanceNorm", "SpectralNorm")


@dataclass(slots=True)
class Sink:
    """A statement with a call of ``grad``: the output, the arrays, and the weight of the output."""

    place: int
    statement: Any
    call: cst.Call
    output: cst.BaseExpression
    inputs: list[str]
    weight: cst.BaseExpression | str | None


@dataclass(slots=True)
class Family:
    """The derivatives of one output: the function that gives it, of ``params``, by the statements in ``forward``.

    ``needs``: the places that it reads besides.
    """

    output: cst.BaseExpression
    weight: cst.BaseExpression | str | None
    sinks: list[Sink]
    params: list[str]
    forward: list[Any] = field(default_factory=list)
    needs: set[str] = field(default_factory=set)
    name: str = ""


class Families:
    """The derivatives in one block of a function. ``before``: what has been run before it."""

    def __init__(
        self, program: Program, fn: FunctionInfo, statements: Sequence[Any], before: Sequence[Any], sinks: list[Sink]
    ) -> None:
        self.program, self.fn, self.statements, self.sinks = program, fn, statements, sinks
        self.kinds = fn.facts.kinds
        self.access: dict[Any, Access] = {s: access_of_all([s], self.find) for s in (*before, *statements)}
        self.families = list(self._grouped())

    def find(self, node: cst.CSTNode) -> Any:
        """The place that an expression looks at."""
        return path_of(node, self.kinds.get)

    def found(self) -> list[Family]:
        """The functions, in order.

        Raises:
            NoRegionError: some derivative can't be taken in this way.
        """
        for _ in range(len(self.sinks) + 1):
            for family in self.families:
                self._slice(family)
            if not self._passed_on():
                break
        for family in self.families:
            self._check(family)
        return self.families

    def _grouped(self) -> Iterator[Family]:
        """Derivatives of the same output, as it is computed by the same statements."""
        groups: dict[tuple[str, str, tuple[int, ...]], Family] = {}
        for sink in self.sinks:
            reads = access_of_all([sink.output], self.find).reads
            last = [
                max((i for i in range(sink.place) if overlap([p], self.access[self.statements[i]].writes)), default=-1)
                for p in reads
            ]
            weight = sink.weight if isinstance(sink.weight, str) else _code(sink.weight)
            key = (_code(sink.output), weight, tuple(last))
            if key not in groups:
                groups[key] = Family(sink.output, sink.weight, [], [])
            groups[key].sinks.append(sink)
            groups[key].params += [p for p in sink.inputs if p not in groups[key].params]
        yield from groups.values()

    def _family_of(self, statement: Any) -> Family | None:
        return next((f for f in self.families if any(s.statement is statement for s in f.sinks)), None)

    def _slice(self, family: Family) -> None:
        """What the function computes, and what it needs for that."""
        first = family.sinks[0]
        before = self.statements[: first.place]
        wanted = set(access_of_all([family.output], self.find).reads)
        access = {s: self._does(s) for s in before}
        needed, _ = backward_slice([*before, first.statement], access, {first.statement: wanted})
        made = [i for i, s in enumerate(needed) if overlap(family.params, access[s].writes)]
        forward = needed[made[-1] + 1 :] if made else needed
        family.forward = dependent(forward, access, family.params)
        _, family.needs = backward_slice([*family.forward, first.statement], access, {first.statement: wanted})
        if _is_given(family.weight):
            family.needs |= access_of_all([family.weight], self.find).reads.keys()
        if not family.forward and not overlap(wanted, family.params):
            raise NoRegionError("the output does not depend on the inputs in this block", first.call)

    def _does(self, statement: Any) -> Access:
        """What a statement reads and writes; a derivative reads what its function needs."""
        own = [sink for sink in self.sinks if sink.statement is statement]
        does = self.access[statement]
        family = self._family_of(statement)
        if not own or family is None:
            return does
        others = access_of_all([statement.deep_replace(own[0].call, cst.Name("None"))], self.find).reads
        reads = dict(others)
        for path in (*family.params, *family.needs):
            reads.setdefault(path, own[0].call)
        return Access(reads, does.writes, does.kills)

    def _passed_on(self) -> bool:
        """A function that is called in another one takes its parameters too, where it needs them."""
        changed = False
        for family in self.families:
            for statement in family.forward:
                inner = self._family_of(statement)
                for path in family.params if inner is not None else ():
                    if inner is not None and path not in inner.params and overlap([path], inner.needs):
                        inner.params.append(path)
                        changed = True
        return changed

    # what must hold

    def _check(self, family: Family) -> None:
        first, last = family.sinks[0], self.sinks[-1]
        for statement in family.forward:
            does = self.access[statement]
            for inner in exits(statement):
                raise NoRegionError("this leaves the function between the inputs and the outputs", inner)
            if does.writes.keys() - does.kills or any("." in path for path in does.writes):
                raise NoRegionError("it is computed by statements that change more than variables", statement)
            if overlap(family.params, does.writes):
                raise NoRegionError("an array is computed between others that it is differentiated by", statement)
        if _is_given(family.weight):
            reads = access_of_all([family.weight], self.find).reads
            written = {path for s in family.forward for path in self.access[s].writes}
            if overlap(reads, {*written, *family.params}):
                raise NoRegionError("the weights of the outputs depend on the inputs", first.call)
        written = {path for s in family.forward for path in self.access[s].writes}
        for part in map(self._family_of, family.forward):
            if part is not None and overlap(part.needs - set(part.params), written):
                raise NoRegionError("a derivative in it depends on the inputs in another way", first.call)
        order = {s: i for i, s in enumerate(self.statements)}
        start = min((order[s] for s in family.forward), default=first.place)
        weights = set(access_of_all([family.weight], self.find).reads) if _is_given(family.weight) else set()
        for statement in self.statements[start : last.place]:
            kept = {*family.needs, *family.params} - (weights if order[statement] < first.place else set())
            if statement not in family.forward and overlap(self.access[statement].writes, kept):
                raise NoRegionError("what it is computed from changes before the derivative is taken", statement)
        self._check_pure(family)

    def _check_pure(self, family: Family) -> None:
        """Raise `NoRegionError` where computing it once more would draw other numbers or count twice."""
        plain = [s for s in family.forward if self._family_of(s) is None]
        calls = [part for s in (*plain, family.output) for part in walk(s) if isinstance(part, cst.Call)]
        draws = any(getattr(self.fn.facts.calls.get(call), "rngs", False) for call in calls)
        draws |= any(callee.needs_rngs for _, callee in reached(self.fn, [*plain, family.output]))
        again = "it is computed once more for each derivative"
        if draws or _changes(self.program):
            message = f"{again}, and layers change or random numbers are drawn"
            raise NoRegionError(message, family.sinks[0].call)
        effect = "a hook is called" if self.program.hooks else obstacle(self.program, self.fn, [*plain, family.output])
        if effect:
            raise NoRegionError(f"{again}, and {effect}", family.sinks[0].call)


def _is_given(weight: cst.BaseExpression | str | None) -> TypeGuard[cst.BaseExpression]:
    """Whether the outputs have weights of their own, which are no ones."""
    return isinstance(weight, cst.BaseExpression)


def assumed(fn: FunctionInfo, family: Family) -> Iterator[cst.Call]:
    """Calls of objects of which it is not known that they always give the same."""
    for statement in family.forward:
        for part in walk(statement):
            kind = fn.facts.kinds.get(part.func) if isinstance(part, cst.Call) else None
            if kind is None or not isinstance(part, cst.Call) or not isinstance(part.func, cst.Name):
                continue
            if all(isinstance(option, Free | Unknown) for option in options(without_none(kind))):
                yield part


def _changes(program: Program) -> bool:
    """Whether a program has layers that give something else each time, or change when they are called."""
    cells = [cell for cls in program.classes.values() for cell in cls.attrs.values()]
    kinds: list[Kind] = [cell.kind for cell in (*cells, *program.heap.values())]
    return any(
        isinstance(option, Layer) and option.flax.rpartition(".")[2].endswith(_CHANGING)
        for kind in kinds
        for option in options(kind)
    )


def _code(node: cst.BaseExpression | None) -> str:
    return cst.Module([]).code_for_node(node) if node is not None else ""


def needless(fn: FunctionInfo, families: Sequence[Family], access: Mapping[Any, Access]) -> list[Any]:
    """Statements whose results nothing but derivatives looks at."""
    inside = {part for family in families for sink in family.sinks for part in walk(sink.call)}
    sinks = {sink.statement for family in families for sink in family.sinks}
    forward = [s for family in families for s in family.forward if s not in sinks]
    found: list[Any] = []
    for statement in reversed(list(dict.fromkeys(forward))):
        written = set(access[statement].writes)
        gone = {part for other in (statement, *found) for part in walk(other)} | inside
        read = {part.value for part in walk(fn.node) if isinstance(part, cst.Name) and part not in gone}
        if not written & read:
            found.append(statement)
    return found
