"""The stage: finds the gradient regions of a program, and says of the other backward passes why they are none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import libcst as cst

from torch2jax.infer.facts import Finding
from torch2jax.infer.kinds import Api, is_module, options, without_none
from torch2jax.infer.liveness import Liveness, names_in
from torch2jax.infer.program import FunctionInfo, Program
from torch2jax.regions.callees import check_hidden
from torch2jax.regions.compiling import obstacle
from torch2jax.regions.paths import Access, access_of, access_of_all, overlap, path_of, touches, whole
from torch2jax.regions.region import Accumulation, Marked, NoRegionError, Region, Role, Trained
from torch2jax.regions.roles import checked, role_of
from torch2jax.regions.slicing import backward_slice, check_order, dependent, exits
from torch2jax.regions.trained import trained_by
from torch2jax.source.nodes import children
from torch2jax.source.scope import Binding, Scope

NO_GRAD = frozenset({"torch.no_grad", "torch.inference_mode", "torch.autograd.no_grad"})
_BACKWARD = "backward("


def find_regions(program: Program, bindings: Mapping[str, Binding]) -> None:
    """Note the regions of every function in the program, by the first statement of each."""
    for path, file in program.files.items():
        if _BACKWARD not in file.source:
            continue
        found: list[Region] = []
        for fn in (*file.functions, file.main):
            scope = bindings[path].scope_of.get(fn.node) if fn is not None else None
            if fn is not None and scope is not None and not isinstance(fn.node, cst.Lambda):
                found += _Function(program, fn, scope).find()
        taken = {name for scope in bindings[path].scope_of.values() for name in (*scope.names, *scope.reads)}
        for region in found:
            program.regions[region.statements[0]] = replace(region, name=_name(region, len(found) == 1, taken))


def _name(region: Region, is_only: bool, taken: set[str]) -> str:
    """What the step does: it trains the model of this file, or the one of this name."""
    if region.gradients:
        wanted = "accumulate_gradients"
    else:
        wanted = "train_step" if is_only else f"train_{_snake(region.trained[0].model.rpartition('.')[2])}"
    name, number = wanted, 2
    while name in taken:
        name, number = f"{wanted}_{number}", number + 1
    taken.add(name)
    return name


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


@dataclass(slots=True)
class _Group:
    """Backward passes in a block and the steps that use up their gradients, by the numbers of their statements."""

    backward: list[int] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Block:
    """Statements in a row, and the outermost loop around them in their function."""

    statements: Sequence[Any]
    loop: Any


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a region may be: a group in a block, and the first statement that can belong to it."""

    block: _Block
    roles: Mapping[int, Marked]
    group: _Group
    start: int

    def is_zeroed(self) -> bool:
        """Whether gradients are zeroed in front of the backward pass, in the same block."""
        return any(self.roles[i].role is Role.ZERO for i in self.roles if self.start <= i < self.group.backward[0])


class _Function:
    """The regions of one function."""

    def __init__(self, program: Program, fn: FunctionInfo, scope: Scope) -> None:
        self.program, self.fn, self.scope = program, fn, scope
        self.facts = fn.facts

    def find(self) -> list[Region]:
        """The regions; what is none is reported."""
        places = [
            _Place(block, roles, group, start)
            for block in _blocks(self.fn.node)
            for roles in [self._roles(block)]
            for group, start in _groups(roles)
        ]
        found, errors = self._regions(places, None)
        if errors:
            added = self._accumulation(places)
            again, failed = self._regions(places, added) if added is not None else ([], errors)
            if added is not None and again and not failed:
                return self._added(added, again)
        for place, error in errors:
            self._report(place.roles[place.group.backward[0]], error)
        for region in found:
            for statement in region.statements:
                self._settle(statement)
        if found and not errors:
            for statement in self._marked(Role.ZERO):
                self._settle(statement)
                self.program.dropped.add(statement)
        return found

    def _regions(
        self, places: Sequence[_Place], added: Accumulation | None
    ) -> tuple[list[Region], list[tuple[_Place, NoRegionError]]]:
        """A region at each place, or why there is none."""
        found: list[Region] = []
        errors: list[tuple[_Place, NoRegionError]] = []
        for place in places:
            try:
                found.append(self._region(place, added))
            except NoRegionError as error:
                errors.append((place, error))
        return found, errors

    def _roles(self, block: _Block) -> dict[int, Marked]:
        return {i: m for i, s in enumerate(block.statements) if (m := role_of(s, self.facts)) is not None}

    def _marked(self, role: Role) -> list[Any]:
        """All statements of the function with a role."""
        blocks = [(block, self._roles(block)) for block in _blocks(self.fn.node)]
        return [block.statements[i] for block, roles in blocks for i, m in roles.items() if m.role is role]

    def _accumulation(self, places: Sequence[_Place]) -> Accumulation | None:
        """The gradients of a function that trains one model in a loop, as a variable."""
        steps = self._marked(Role.STEP)
        loops = {block.loop for block in _blocks(self.fn.node) if any(s in steps for s in block.statements)}
        loops |= {place.block.loop for place in places}
        loop = next(iter(loops)) if len(loops) == 1 else None
        if loop is None or not steps:
            return None
        marked = [role_of(step, self.facts) for step in steps]
        seen = _places([access_of(loop, self.facts.kinds.get)], self.facts.kinds)
        try:
            trained = {
                trained_by(self.program, self.fn, self.scope, checked(each).subject, seen)
                for each in marked
                if each is not None
            }
        except NoRegionError:
            return None
        if len(trained) != 1:
            return None
        clips = {s: m.node for s in self._marked(Role.CLIP) if (m := role_of(s, self.facts)) is not None}
        name = "grads"
        while name in self.scope.names:
            name += "_"
        zeros = tuple(self._marked(Role.ZERO))
        row = next((b.statements for b in _blocks(self.fn.node) if loop in b.statements), ())
        begun = any(s in zeros for s in row[: row.index(loop)]) or all(place.is_zeroed() for place in places)
        return Accumulation(trained.pop(), name, None if begun else loop, zeros, clips, tuple(steps))

    def _added(self, added: Accumulation, regions: Sequence[Region]) -> list[Region]:
        """Note gradients that are added up."""
        inside = {statement for region in regions for statement in region.statements}
        for statement in (*added.zeros, *added.clips, *added.steps):
            self._settle(statement)
            if statement not in inside:
                self.program.accumulations[statement] = added
        if added.loop is not None:
            self.program.accumulations[added.loop] = added
            if not isinstance(self.fn.node, cst.Module):
                self._warn(added)
        for region in regions:
            for statement in region.statements:
                self._settle(statement)
        return list(regions)

    def _warn(self, added: Accumulation) -> None:
        """Gradients that are left when the function ends would be there when it is called again."""
        node = added.steps[0].body[0].value
        message = f"gradients that one call of `{self.fn.name}` leaves behind are not there in the next"
        hint = "zero them in front of the loop, if the two agree otherwise"
        self.facts.findings["T2J205", node, message] = Finding("T2J205", node, message, hint)

    def _settle(self, statement: Any) -> None:
        """What was said of a statement that is part of a step no longer holds."""
        marked = role_of(statement, self.facts)
        if marked is not None:
            for key in [key for key in self.facts.findings if key[1] is marked.node]:
                del self.facts.findings[key]

    def _report(self, sink: Marked, error: NoRegionError) -> None:
        generic = [key for key in self.facts.findings if key[1] is sink.node and key[0] in ("T2J103", "T2J108")]
        for key in generic:
            del self.facts.findings[key]
        if error.node is sink.node or error.node is None:
            message = f"no training step can be made of this backward pass: {error.message}"
        else:
            message = "no training step can be made of this backward pass"
            key = ("T2J108", error.node, error.message)
            self.facts.findings[key] = Finding("T2J108", error.node, error.message, error.hint)
        hint = error.hint or "write the loss as a function and use nnx.value_and_grad"
        self.facts.findings["T2J108", sink.node, message] = Finding("T2J108", sink.node, message, hint)

    # one region

    def _region(self, place: _Place, added: Accumulation | None) -> Region:
        block, roles, group, start = place.block, place.roles, place.group, place.start
        sinks = [checked(roles[i]) for i in group.backward]
        if not group.steps and added is None:
            raise NoRegionError("no step of an optimizer follows in the same block", sinks[0].node)
        end = (group.steps if added is None else group.backward)[-1] + 1
        region = block.statements[start:end]
        seen = _places([access_of(s, self.facts.kinds.get) for s in region], self.facts.kinds)
        if added is None:
            marked = [checked(roles[i]) for i in group.steps]
            trained = [trained_by(self.program, self.fn, self.scope, each.subject, seen) for each in marked]
        else:
            trained = [added.trained]
        find = whole((each.model for each in trained), lambda node: path_of(node, self.facts.kinds.get))
        access = {s: access_of_all([s], find) for s in region}
        seen = _places(access.values(), self.facts.kinds)
        if added is None:
            self._check_zeroed(block, roles, group, start, trained)
            self._check_roles(roles, range(start, end), group, trained)
        return self._sliced(place, range(start, end), access, seen, trained, added)

    def _sliced(
        self,
        place: _Place,
        inside_of: range,
        access: Mapping[Any, Access],
        seen: dict[str, Any],
        trained: Sequence[Trained],
        added: Accumulation | None,
    ) -> Region:
        block, roles, group = place.block, place.roles, place.group
        plain = [i for i in inside_of if i not in roles]
        statements = block.statements
        sinks = [roles[i] for i in group.backward]
        losses = {statements[i]: roles[i].subject for i in group.backward}
        wanted = {s: set(access_of(loss, self.facts.kinds.get).reads) for s, loss in losses.items()}
        last = group.backward[-1]
        before = [s for i, s in enumerate(statements[: last + 1]) if i in plain or s in losses]
        needed = backward_slice(before, access, wanted)
        models = {each.model for each in trained}
        modules = {path for path, kind in seen.items() if _is_module(kind)} | models
        stops = [s for s in needed if self._stops_gradients(s)]
        forward = dependent([s for s in needed if s not in stops], access, models)
        direct = any(overlap(paths, models) for paths in wanted.values())
        if not forward and not direct:
            raise NoRegionError("the loss does not depend on what the optimizer trains", sinks[0].node)
        order = {s: i for i, s in enumerate(statements)}
        worked = [s for s in needed if s in forward or overlap(access[s].reads, modules)]
        heads = [s for s in losses if overlap(wanted[s], modules)]
        first = min((order[s] for s in (*worked, *heads)), default=group.backward[0])
        begun = min(order[s] for s in (*forward[:1], *heads, statements[group.backward[0]]))
        inside = [s for s in needed if order[s] >= first]
        prelude = [s for s in inside if order[s] < begun or s in stops]
        forward = [s for s in inside if s not in prelude]
        check_hidden(self.program, self.fn, [*prelude, *forward, *losses], models)
        self._check_inside(prelude, forward, access, modules, order)
        end = inside_of.stop
        after = [statements[i] for i in plain if first <= i and statements[i] not in inside]
        state = modules | {each.optimizer for each in trained}
        self._check_after(after, inside, access, state, order, group)
        region = statements[first:end]
        live = self._live(block, region, after, access, roles)
        return Region(
            tuple(region),
            tuple(prelude),
            tuple(sorted([*forward, *losses], key=order.__getitem__)),
            tuple(after),
            losses,
            tuple(roles[i].node for i in range(first, end) if i in roles and roles[i].role is Role.CLIP),
            tuple(trained),
            live,
            frozenset(self._varying(block)),
            seen,
            obstacle(self.program, self.fn, [*prelude, *forward]),
            added.gradients if added is not None else "",
        )

    def _check_zeroed(
        self, block: _Block, roles: Mapping[int, Marked], group: _Group, start: int, trained: Sequence[Trained]
    ) -> None:
        """Raise `NoRegionError` unless the gradients that each step uses are those of its own losses."""
        sinks = [i for i, marked in roles.items() if marked.role is Role.BACKWARD]
        first, last = group.backward[0], group.backward[-1]
        for each in trained:
            zeroed = [i for i, m in roles.items() if m.role is Role.ZERO and self._zeroes(m, each)]
            if any(first < i < last for i in zeroed):
                raise NoRegionError("gradients are zeroed between two backward passes", block.statements[first])
            if any(start <= i < first for i in zeroed):
                continue
            alone = all(i in group.backward for i in sinks)
            if alone and any(i > group.steps[-1] for i in zeroed):
                continue
            message = f"the gradients of `{each.model}` are not zeroed in this block, so that they add up"
            raise NoRegionError(message, roles[first].node, "zero them before each backward pass")

    def _zeroes(self, marked: Marked, each: Trained) -> bool:
        spelled = cst.Module([]).code_for_node(marked.subject)
        return spelled in (each.optimizer, each.model)

    def _check_roles(
        self, roles: Mapping[int, Marked], inside: range, group: _Group, trained: Sequence[Trained]
    ) -> None:
        for i in inside:
            if i not in roles:
                continue
            if roles[i].role is Role.CLIP:
                if not group.backward[-1] < i < group.steps[0] or len(trained) > 1:
                    raise NoRegionError("gradients are clipped elsewhere than right before the one step", roles[i].node)
                path = access_of(roles[i].subject, self.facts.kinds.get).reads
                if not any(touches(p, trained[0].model) for p in path):
                    raise NoRegionError("other gradients are clipped than those of the step", roles[i].node)
            checked(roles[i])

    def _stops_gradients(self, statement: Any) -> bool:
        """Whether a statement is a block without gradients."""
        if not isinstance(statement, cst.With):
            return False
        funcs = [i.item.func if isinstance(i.item, cst.Call) else i.item for i in statement.items]
        kinds = [self.facts.kinds.get(func) for func in funcs]
        return any(isinstance(kind, Api) and kind.name in NO_GRAD for kind in kinds)

    def _check_inside(
        self, prelude: list[Any], forward: list[Any], access: Mapping[Any, Access], modules: set[str], order: Any
    ) -> None:
        """What comes before the differentiated function, and what is in it."""
        for statement in (*prelude, *forward):
            for inner in exits(statement):
                raise NoRegionError("this leaves the forward pass", inner)
        for statement in prelude:
            passed = [s for s in forward if order[s] < order[statement]]
            for other in passed:
                check_order(other, access[other], [access[statement]], modules)

    def _check_after(
        self,
        after: list[Any],
        inside: list[Any],
        access: Mapping[Any, Access],
        state: set[str],
        order: Mapping[Any, int],
        group: _Group,
    ) -> None:
        for statement in after:
            for inner in exits(statement):
                raise NoRegionError("this leaves the step between the forward pass and the update", inner)
            if order[statement] < (group.steps or group.backward)[0]:
                used = overlap({*access[statement].reads, *access[statement].writes}, state)
                if used:
                    names = ", ".join(f"`{name}`" for name in sorted(used))
                    message = f"{names} is used between the forward pass and the update"
                    raise NoRegionError(message, statement, "move it in front of the forward pass or behind the update")
            check_order(statement, access[statement], [access[s] for s in inside if order[s] > order[statement]], state)

    def _live(
        self, block: _Block, region: Sequence[Any], after: Sequence[Any], access: Mapping[Any, Access], roles: Any
    ) -> frozenset[str]:
        """Names that something may look at once the step is done."""
        body = self.fn.node.body
        statements = body.body if isinstance(body, cst.IndentedBlock) else body
        shared = frozenset(self.scope.captured)
        liveness = Liveness(statements, shared if isinstance(self.fn.node, cst.Module) else frozenset())  # type: ignore[arg-type]
        live = liveness.after[region[-1]] | shared
        return live.union(*(names_in(statement) for statement in after))

    def _varying(self, block: _Block) -> set[str]:
        """Places that may change from one step to the next."""
        scope = access_of(block.loop if block.loop is not None else self.fn.node, self.facts.kinds.get)
        written = set(scope.writes)
        if block.loop is None and not isinstance(self.fn.node, cst.Module):
            written = set(self.scope.names)
        return written


def _groups(roles: Mapping[int, Marked]) -> Iterator[tuple[_Group, int]]:
    """The groups of a block, each with the number of the first statement that can belong to it."""
    group, start = _Group(), 0
    for index, marked in roles.items():
        if marked.role is Role.BACKWARD:
            if group.steps:
                yield group, start
                start = group.steps[-1] + 1
                group = _Group()
            group.backward.append(index)
        elif marked.role is Role.STEP and group.backward:
            group.steps.append(index)
    if group.backward:
        yield group, start


def _places(accesses: Any, kinds: Mapping[cst.CSTNode, Any]) -> dict[str, Any]:
    """What is known of each place that is read."""
    found: dict[str, Any] = {}
    for access in accesses:
        for path, node in access.reads.items():
            kind = kinds.get(node)
            if kind is not None and not isinstance(kind, Api):
                found.setdefault(path, kind)
    return found


def _is_module(kind: Any) -> bool:
    return any(is_module(option) for option in options(without_none(kind)))


def _blocks(node: cst.CSTNode, loop: Any = None) -> Iterator[_Block]:
    """The blocks of a function, without those of functions in it."""
    body = node.body if isinstance(node, cst.Module | cst.IndentedBlock) else None
    if body is not None:
        yield _Block(list(body), loop)
    for child in children(node):
        if isinstance(child, cst.FunctionDef | cst.ClassDef | cst.Lambda | cst.SimpleStatementLine):
            continue
        yield from _blocks(child, loop or (child if isinstance(child, cst.For | cst.While) else None))
