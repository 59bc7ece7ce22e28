"""The stage: finds the gradient regions of a program, and says of the other backward passes why they are none."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import libcst as cst

from torch2jax.infer.facts import Facts, Finding, OptimizerCall
from torch2jax.infer.kinds import Tensor
from torch2jax.infer.program import FunctionInfo, Program
from torch2jax.regions.blocks import Block, Place, blocks, groups
from torch2jax.regions.build import clips_all, norm_grows, places, region_at
from torch2jax.regions.callees import receiver_of
from torch2jax.regions.closures import check_captured, closure_of
from torch2jax.regions.deferred import defer_items
from torch2jax.regions.gradients import (
    Gradients,
    Use,
    asks_for_any,
    flag_unknown,
    model_of,
    renewed_by,
    uses_of,
    zeroed_each,
)
from torch2jax.regions.handed import Handed, calls_in, given, handed_in, model_of_call, settle
from torch2jax.regions.kept import check_kept
from torch2jax.regions.leaves import begins_gradients
from torch2jax.regions.paths import access_of
from torch2jax.regions.region import Accumulation, Closure, Marked, NoRegionError, Region, Role, Trained
from torch2jax.regions.roles import checked, role_of
from torch2jax.regions.sharing import shares_modules
from torch2jax.regions.trained import trained_by
from torch2jax.regions.unreached import check_unreached
from torch2jax.source.nodes import walk
from torch2jax.source.scope import Binding, Scope

_DIFFERENTIATING = ("backward(", "grad(")


def find_regions(program: Program, bindings: Mapping[str, Binding]) -> None:
    """Note the regions of every function in the program, by the first statement of each."""
    every: list[tuple[FunctionInfo, Region]] = []
    handed = handed_in(program, bindings)
    for path, file in program.files.items():
        if not any(call in file.source for call in _DIFFERENTIATING):
            continue
        found: list[Region] = []
        for fn in (*file.functions, file.main):
            scope = bindings[path].scope_of.get(fn.node) if fn is not None else None
            if fn is not None and scope is not None and not isinstance(fn.node, cst.Lambda):
                own = _Function(program, fn, scope, handed).find()
                flag_unknown(program, fn, {model for region in own for model in region.models})
                found += own
                every += [(fn, region) for region in own]
        taken = {name for scope in bindings[path].scope_of.values() for name in (*scope.names, *scope.reads)}
        for region in found:
            named = replace(region, name=_name(region, len(found) == 1, taken))
            if region.again:
                model = region.trained[0].model
                named = replace(named, copy=_free(f"{model.rpartition('.')[2]}_before", taken))
                program.copies.setdefault(region.again[0], []).append((named.copy, model))
            program.regions[region.statements[0]] = named
    settle(program, handed)
    program.shares_modules = bool(every) and shares_modules(program)
    _check_zeroed_elsewhere(program)
    check_unreached(program, every)
    check_kept(program, every)
    if program.options.defer_item:
        defer_items(program, every)


def _check_zeroed_elsewhere(program: Program) -> None:
    """Report modules whose gradients are zeroed in one function while another adds them up in a variable."""
    adding = [added for added in program.accumulations.values() if not added.is_new]
    zeroed = {statement for added in adding for statement in added.zeros}
    for fn in program.functions.values() if adding else ():
        for part in walk(fn.node):
            marked = role_of(part, fn.facts)
            if marked is None or marked.role is not Role.ZERO or part in zeroed or part in program.dropped:
                continue
            if any(part in region.statements for region in program.regions.values()):
                continue
            for key in [key for key in fn.facts.findings if key[1] is marked.node]:
                del fn.facts.findings[key]
            message = "gradients are zeroed in another function than the one that adds them up"
            hint = "call `zero_grad` where the backward passes are"
            fn.facts.findings["T2J108", marked.node, message] = Finding("T2J108", marked.node, message, hint)


def _is_known(marked: Marked) -> bool:
    try:
        checked(marked)
    except NoRegionError:
        return False
    return True


def _with_read_again(region: Region, every: Sequence[Region], facts: Facts) -> Region:
    """A region that gives what others read when they run statements of it once more."""
    again = [s for other in every if other is not region for s in other.again if s in region.statements]
    read = {path.partition(".")[0] for s in again for path in access_of(s, facts.kinds.get).reads}
    return replace(region, live=region.live | read) if read else region


def _name(region: Region, is_only: bool, taken: set[str]) -> str:
    """What the step does: it trains the model of this file, or the one of this name."""
    if region.gradients:
        wanted = "loss_and_gradients" if region.is_new else "accumulate_gradients"
    else:
        wanted = "train_step" if is_only else f"train_{_snake(region.trained[0].model.rpartition('.')[2])}"
    return _free(wanted, taken)


def _free(wanted: str, taken: set[str]) -> str:
    name, number = wanted, 2
    while name in taken:
        name, number = f"{wanted}_{number}", number + 1
    taken.add(name)
    return name


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


class _Function:
    """The regions of one function."""

    def __init__(self, program: Program, fn: FunctionInfo, scope: Scope, handed: Mapping[FunctionInfo, Handed]) -> None:
        self.program, self.fn, self.scope = program, fn, scope
        self.facts = fn.facts
        self.calls = calls_in(fn, handed)

    def find(self) -> list[Region]:
        """The regions; what is none is reported."""
        where = self._places()
        try:
            closure = closure_of(self.program, self.fn, self.scope, where[0]) if len(where) == 1 else None
        except NoRegionError as cause:
            self._report(where[0].sink, cause)
            return []
        if closure is not None:
            return self._closed(closure, where)
        by_hand = self._by_hand()
        if by_hand:
            return by_hand
        found, errors = self._regions(where, None)
        for added in (self._apart(where), self._accumulation(where)) if errors else ():
            again, failed = self._regions(where, added) if added is not None else ([], errors)
            if added is not None and again and not failed:
                return self._added(added, again)
        for place, error in errors:
            self._report(place.sink, error)
        self._drop_beginnings(found)
        found = [_with_read_again(region, found, self.facts) for region in found]
        for region in found:
            for statement in region.statements:
                self._settle(statement)
        if found and not errors:
            for statement in (*self._marked(Role.ZERO), *self._marked(Role.SCALE)):
                self._settle(statement)
                self.program.dropped.add(statement)
        return found

    def _places(self, *, by_zeros: bool = False) -> list[Place]:
        """Where regions may be."""
        return [
            Place(block, roles, group, start)
            for block in blocks(self.fn.node)
            for roles in [self._roles(block)]
            for group, start in groups(roles, by_zeros=by_zeros)
        ]

    def _by_hand(self) -> list[Region]:
        """The regions of a function that looks at gradients or changes them: it has them in a variable."""
        where, uses = self._places(by_zeros=True), uses_of(self.fn)
        if not where or not (uses or self.calls):
            return []
        asks = asks_for_any(uses) or any(handed.asks for _, handed in self.calls)
        for added in (self._apart(where), self._accumulation(where), self._without_optimizer(where, uses)):
            regions, failed = self._regions(where, added) if added is not None else ([], [])
            if added is None or failed or not regions or self._is_of_another(added.trained, regions):
                continue
            if not self._noted(uses, added):
                return []
            if not added.steps and any(self._is_in_source(place.sink.node) for place in where):
                self._warn_of_left(added)
            return self._added(added, [replace(region, asks=asks) for region in regions])
        return []

    def _is_of_another(self, trained: Trained, regions: Sequence[Region]) -> bool:
        """Whether a forward pass uses an object of unknown class that the model is a part of."""
        path = trained.model
        wholes = {path[:at] for at, sign in enumerate(path) if sign == "."} - {receiver_of(self.fn)}
        return any(not wholes.isdisjoint(region.kinds) for region in regions)

    def _is_in_source(self, node: cst.Call) -> bool:
        """Whether a backward pass is one of the source's own, which leaves its gradients behind."""
        return isinstance(self.fn.file.origins.get(node, node), cst.Call)

    def _noted(self, uses: Sequence[Use], added: Accumulation) -> bool:
        """Note what stands for gradients that are looked at; whether all of them are known."""
        taken = {*self.scope.names, *self.scope.reads, added.gradients}
        try:
            renewing = [*renewed_by(uses), *(use.node for use, to in self.calls if to.renews)]
            gradients = Gradients(self.program, self.fn, added, self._every(), taken, renewing)
            gradients.note(uses)
            self.program.handed_calls |= {use.node: given(self.fn, gradients, use, to) for use, to in self.calls}
        except NoRegionError as cause:
            found = self.facts.findings
            for key in [key for key in found if key[1] is cause.node and key[0] == "T2J103"]:
                del found[key]
            found["T2J103", cause.node, cause.message] = Finding("T2J103", cause.node, cause.message, cause.hint)
            return False
        return True

    def _apart(self, where: Sequence[Place]) -> Accumulation | None:
        """Gradients that are new in each backward pass, which a function of its own computes."""
        steps = self._marked(Role.STEP)
        marked = [m for step in steps if (m := role_of(step, self.facts)) is not None]
        statements = [s for place in where for s in place.block.statements]
        seen = places([access_of(s, self.facts.kinds.get) for s in statements], self.facts.kinds)
        try:
            found = {trained_by(self.program, self.fn, self.scope, checked(each).subject, seen) for each in marked}
        except NoRegionError:
            return None
        if len(found) != 1:
            return None
        trained = found.pop()
        if not zeroed_each(where, trained):
            return None
        return self._with_clips(Accumulation(trained, self._variable(), None, (), {}, {}, tuple(steps), is_new=True))

    def _without_optimizer(self, where: Sequence[Place], uses: Sequence[Use]) -> Accumulation | None:
        """The gradients of a model in a function that makes no steps."""
        models = {model for use in uses if (model := model_of(self.fn, use)) is not None}
        models |= {model for use, to in self.calls if (model := model_of_call(self.fn, use, to)) is not None}
        if len(models) != 1 or self._marked(Role.STEP):
            return None
        (model,) = models
        trained = Trained("", model, (model,))
        is_new = zeroed_each(where, trained)
        loops = [place.block.loop for place in where]
        if not is_new and (len(set(loops)) > 1 or (loops[0] is None and len(where) > 1)):
            return None
        is_new |= loops[0] is None
        zeros = self._marked(Role.ZERO)
        begun = all(place.is_zeroed() for place in where)
        loop = None if is_new or begun else loops[0]
        added = Accumulation(trained, self._variable(), loop, tuple(zeros), {}, {}, (), is_new=is_new)
        return self._with_clips(added)

    def _variable(self) -> str:
        """The name of the variable with the gradients."""
        name = "grads"
        while name in self.scope.names:
            name += "_"
        return name

    def _with_clips(self, added: Accumulation) -> Accumulation | None:
        """With what clips gradients and forgets them; None where others are clipped than those of all models."""
        trained = added.trained
        limits = {s: m for s in self._marked(Role.CLIP) if (m := role_of(s, self.facts)) is not None}
        if not all(clips_all(marked, trained) and _is_known(marked) for marked in limits.values()):
            return None
        zeroed = [m for s in self._marked(Role.ZERO) if (m := role_of(s, self.facts)) is not None]
        if any(norm_grows(clip, zero, trained) for clip in limits.values() for zero in zeroed):
            return None
        clips = {statement: marked.node for statement, marked in limits.items()}
        norms = {statement: marked.result for statement, marked in limits.items() if marked.result}
        return replace(added, zeros=tuple(self._marked(Role.ZERO)), clips=clips, norms=norms)

    def _every(self) -> list[tuple[Any, Marked]]:
        """All statements of the function with a role, in order."""
        order = {node: place for place, node in enumerate(walk(self.fn.node))}
        marked = [(block, self._roles(block)) for block in blocks(self.fn.node)]
        found = [(block.statements[i], m) for block, roles in marked for i, m in roles.items()]
        return sorted(found, key=lambda each: order[each[0]])

    def _closed(self, closure: Closure, where: Sequence[Place]) -> list[Region]:
        """The region of a function that an optimizer calls."""
        found, errors = self._regions(where, closure.added)
        try:
            for region in found:
                check_captured(self.program, self.fn, region)
        except NoRegionError as cause:
            errors.append((where[0], cause))
        for place, error in errors:
            self._report(place.sink, error)
        if errors:
            return []
        uses = uses_of(self.fn)
        if (uses or self.calls) and not self._noted(uses, closure.added):
            return []
        for statement in (*found[0].statements, *self._marked(Role.ZERO)):
            self._settle(statement)
        self.program.dropped.update(self._marked(Role.ZERO))
        for parent in closure.givers:
            for key in [key for key in parent.facts.findings if key[1] in closure.steps.values()]:
                del parent.facts.findings[key]
        for statement in (closure.returns, *closure.steps):
            self.program.closures[statement] = closure
        return found

    def _drop_beginnings(self, regions: Sequence[Region]) -> None:
        """Arrays that optimizers hold are parameters from the beginning: `x.requires_grad_()` says nothing new."""
        arrays = {
            model
            for region in regions
            for model in region.models
            if isinstance(region.kinds.get(model), Tensor) and "." not in model
        }
        for block in blocks(self.fn.node):
            for statement in block.statements:
                if any(begins_gradients(statement, name) for name in arrays):
                    self.program.dropped.add(statement)

    def _regions(
        self, where: Sequence[Place], added: Accumulation | None
    ) -> tuple[list[Region], list[tuple[Place, NoRegionError]]]:
        """A region at each place, or why there is none."""
        found: list[Region] = []
        errors: list[tuple[Place, NoRegionError]] = []
        for place in where:
            try:
                found.append(region_at(self.program, self.fn, self.scope, place, added))
            except NoRegionError as error:
                errors.append((place, error))
        return found, errors

    def _roles(self, block: Block) -> dict[int, Marked]:
        return {i: m for i, s in enumerate(block.statements) if (m := role_of(s, self.facts)) is not None}

    def _marked(self, role: Role) -> list[Any]:
        """All statements of the function with a role."""
        marked = [(block, self._roles(block)) for block in blocks(self.fn.node)]
        return [block.statements[i] for block, roles in marked for i, m in roles.items() if m.role is role]

    def _accumulation(self, where: Sequence[Place]) -> Accumulation | None:
        """The gradients of a function that trains one model in a loop, as a variable."""
        steps = self._marked(Role.STEP)
        loops = {block.loop for block in blocks(self.fn.node) if any(s in steps for s in block.statements)}
        loops |= {place.block.loop for place in where}
        loop = next(iter(loops)) if len(loops) == 1 else None
        if loop is None or not steps:
            return None
        marked = [role_of(step, self.facts) for step in steps]
        seen = places([access_of(loop, self.facts.kinds.get)], self.facts.kinds)
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
        zeros = tuple(self._marked(Role.ZERO))
        row = next((b.statements for b in blocks(self.fn.node) if loop in b.statements), ())
        begun = any(s in zeros for s in row[: row.index(loop)]) or all(place.is_zeroed() for place in where)
        first = None if begun else loop
        return self._with_clips(Accumulation(trained.pop(), self._variable(), first, zeros, {}, {}, tuple(steps)))

    def _added(self, added: Accumulation, regions: Sequence[Region]) -> list[Region]:
        """Note gradients that are added up."""
        inside = {statement for region in regions for statement in region.statements}
        for statement in self._marked(Role.SCALE):
            self._settle(statement)
            self.program.dropped.add(statement)
        for statement in (*added.zeros, *added.clips, *added.steps):
            self._settle(statement)
            if added.is_new and statement in added.zeros:
                self.program.dropped.add(statement)
            elif statement not in inside:
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
        node = added.steps[0].body[0].value if added.steps else self.fn.node
        message = f"gradients that one call of `{self.fn.name}` leaves behind are not there in the next"
        hint = "zero them in front of the loop, if the two agree otherwise"
        self.facts.findings["T2J205", node, message] = Finding("T2J205", node, message, hint)

    def _warn_of_left(self, added: Accumulation) -> None:
        """Gradients that a function leaves behind would be part of the next step that does not zero them first."""
        functions = self.program.functions.values()
        if any(isinstance(fact, OptimizerCall) for fn in functions for fact in fn.facts.calls.values()):
            message = f"gradients that `{self.fn.name}` leaves in `{added.trained.model}` are not there in a later step"
            hint = "zero them in front of the backward passes of the steps, if the two agree otherwise"
            self.facts.findings["T2J205", self.fn.node, message] = Finding("T2J205", self.fn.node, message, hint)

    def _settle(self, statement: Any) -> None:
        """What was said of a statement that is part of a step no longer holds."""
        marked = role_of(statement, self.facts)
        if marked is not None:
            parts = set(walk(marked.node)) if marked.role is not Role.CLIP else {marked.node}
            parts -= set(walk(marked.subject)) - {marked.node}
            for key in [key for key in self.facts.findings if key[1] in parts]:
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
