"""A region from the place where it may be: what goes into it, in which order, and why it can't be one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import libcst as cst

from torch2jax.infer.kinds import Api, Function, Layer, Number, Str, Tensor, is_module, options, without_none
from torch2jax.infer.liveness import Liveness, names_in
from torch2jax.infer.program import FunctionInfo, Program
from torch2jax.regions.blocks import Place
from torch2jax.regions.callees import check_hidden, receiver_of
from torch2jax.regions.carried import carried, check_given
from torch2jax.regions.compiling import obstacle
from torch2jax.regions.concrete import ahead_of_step
from torch2jax.regions.hooked import hooked
from torch2jax.regions.passing import note_hidden
from torch2jax.regions.paths import Access, Find, access_of, access_of_all, overlap, path_of, shown, whole
from torch2jax.regions.region import Accumulation, Marked, NoRegionError, Region, Role, Trained
from torch2jax.regions.roles import checked
from torch2jax.regions.settings import arrays_in, settings_in, unfit
from torch2jax.regions.slicing import backward_slice, check_order, dependent, exits
from torch2jax.regions.trained import calls_of, trained_by
from torch2jax.source.nodes import walk
from torch2jax.source.scope import Scope

NO_GRAD = frozenset({"torch.no_grad", "torch.inference_mode", "torch.autograd.no_grad"})


def region_at(program: Program, fn: FunctionInfo, scope: Scope, place: Place, added: Accumulation | None) -> Region:
    """The region at a place. ``added``: where its gradients are added up, if they are.

    Raises:
        NoRegionError: it can't be one.
    """
    block, roles, group = place.block, place.roles, place.group
    sinks = [checked(roles[i]) for i in group.backward]
    if not group.steps and added is None:
        raise NoRegionError("no step of an optimizer follows in the same block", sinks[0].node)
    end = (group.steps if added is None else group.backward)[-1] + 1
    kinds = fn.facts.kinds
    seen = places([access_of(s, kinds.get) for s in block.statements[:end]], kinds)
    if added is None:
        marked = [checked(roles[i]) for i in group.steps]
        trained = tuple(trained_by(program, fn, scope, each.subject, seen) for each in marked)
        _check_zeroed(place, trained)
        _check_roles(place, range(place.start, end), trained)
    else:
        trained = (added.trained,)
    find = whole((model for each in trained for model in each.models), lambda node: path_of(node, kinds.get))
    access = {s: access_of_all([s], find) for s in (*block.before, *block.statements[:end])}
    seen = places(access.values(), kinds)
    return _Builder(program, fn, scope, place, end, trained, added, access, seen, find).build()


@dataclass
class _Builder:
    """What is known of a region while it is put together."""

    program: Program
    fn: FunctionInfo
    scope: Scope
    place: Place
    end: int
    trained: tuple[Trained, ...]
    added: Accumulation | None
    access: Mapping[Any, Access]
    seen: dict[str, Any]
    find: Find

    def build(self) -> Region:
        """The statements by where they go."""
        statements, roles, group = self.place.block.statements, self.place.roles, self.place.group
        losses = {statements[i]: roles[i].subject for i in group.backward}
        wanted = {s: set(access_of_all([loss], self.find).reads) for s, loss in losses.items()}
        order = {s: i for i, s in enumerate(statements)}
        plain = [s for i, s in enumerate(statements[: self.end]) if i >= self.place.start and i not in roles]
        before = [s for s in (*plain, *losses) if order[s] <= group.backward[-1]]
        before.sort(key=order.__getitem__)
        needed, inputs = backward_slice(before, self.access, wanted)
        models = {model for each in self.trained for model in each.models}
        note_hidden(self.program, self.fn, [*needed, *losses], sorted(models))
        modules = {path for path, kind in self.seen.items() if _is_module(kind)} | models
        stops = [s for s in needed if self._stops(s)]
        again = self._again(inputs, models)
        forward = dependent([*again, *(s for s in needed if s not in stops)], self.access, models)
        heads = [s for s in losses if overlap(wanted[s], modules)]
        if not forward and not any(overlap(paths, models) for paths in wanted.values()):
            check_hidden(self.program, self.fn, [*needed, *losses], models)
            raise NoRegionError("the loss does not depend on what the optimizer trains", self.place.sink.node)
        worked = [s for s in needed if s in forward or overlap(self.access[s].reads, modules)]
        first = min((order[s] for s in (*worked, *heads)), default=group.backward[0])
        begun = min(order[s] for s in (*(s for s in forward if s not in again), *heads, *losses))
        inside = [s for s in needed if order[s] >= first]
        prelude = [s for s in inside if order[s] < begun or s in stops]
        forward = [s for s in inside if s not in prelude]
        between = statements[first : self.end]
        ahead = ahead_of_step(self.program, self.fn, inside, worked, self.access, self._varying(), again, between)
        inside = [s for s in inside if s not in ahead.statements]
        prelude, forward = [s for s in prelude if s in inside], [s for s in forward if s in inside]
        if again:
            self._check_again(again, [*prelude, *forward], wanted, models)
        check_hidden(self.program, self.fn, [*again, *prelude, *forward, *losses], models, self.seen)
        self._check_inside(prelude, forward, modules, order)
        after = [s for s in plain if first <= order[s] and s not in inside and s not in ahead.statements]
        state = {path for path in modules if not _is_function(self.seen.get(path))}
        state |= models | {each.optimizer for each in self.trained}
        versions = self._checked_after(after, inside, state, order)
        clips = [roles[i].node for i in range(first, self.end) if i in roles and roles[i].role is Role.CLIP]
        code = [*again, *prelude, *forward]
        settings = settings_in(self.program, self.fn, self.seen, [*code, *losses.values()])
        does = access_of_all([*code, *losses.values(), *clips], self.find)
        looked_at = hooked(self.program, self.fn, [*code, *losses.values()], does.reads)
        if looked_at and again:
            raise NoRegionError("a hook would run twice: a forward pass is run again for the second update", again[0])
        return Region(
            statements=tuple(between),
            prelude=tuple(prelude),
            forward=(*again, *sorted([*forward, *losses, *versions], key=order.__getitem__)),
            after=tuple(after),
            losses=losses,
            clips=tuple(clips),
            norms={marked.node: marked.result for marked in roles.values() if marked.result},
            trained=self.trained,
            live=self._live(between, after),
            varying=frozenset(self._varying()),
            steady=frozenset(self._steady()),
            kinds=self.seen,
            outside=looked_at
            or obstacle(self.program, self.fn, code)
            or unfit(self.seen, does, settings)
            or ahead.cause,
            ahead=ahead.statements,
            gradients=self.added.gradients if self.added is not None else "",
            is_new=self.added is not None and self.added.is_new,
            again=tuple(again),
            versions=versions,
            settings=settings,
            arrays=arrays_in(self.fn, self.seen, [*code, *losses.values()], models),
        )

    def _again(self, inputs: set[str], models: set[str]) -> list[Any]:
        """Statements in front of the region through which the loss depends on the parameters all the same."""
        statements = self.place.block.statements[: self.place.start]
        inputs = {path for path in inputs if path not in models and self._may_carry(path)}
        check_given(self.fn, inputs - self._set_here(inputs), models)
        outer = [s for s in self.place.block.before if not self._stops(s)]
        if carried(outer, self.access, inputs, models):
            raise NoRegionError("the loss depends on a forward pass in another block", self.place.sink.node)
        return carried([s for s in statements if not self._stops(s)], self.access, inputs, models)

    def _set_here(self, paths: set[str]) -> set[str]:
        """Attributes that statements in front of the region set, where no other method may set them again."""
        receiver = receiver_of(self.fn)
        found: set[str] = set()
        for statement in self.place.block.statements[: self.end]:
            calls = (part.func for part in walk(statement) if isinstance(part, cst.Call))
            if any(self._is_own_method(func, receiver) for func in calls):
                found = set()
            if statement in self.place.block.statements[: self.place.start]:
                found |= paths & self.access[statement].kills
        return found

    def _is_own_method(self, func: cst.CSTNode, receiver: str) -> bool:
        """Whether a method of the same object is called, which may set its attributes."""
        is_own = isinstance(func, cst.Attribute) and isinstance(func.value, cst.Name) and func.value.value == receiver
        kind = self.fn.facts.kinds.get(func)
        return is_own and (kind is None or any(isinstance(o, Function) for o in options(without_none(kind))))

    def _may_carry(self, path: str) -> bool:
        """Whether what is in a place may be differentiated."""
        kind = self.seen.get(path)
        found = list(options(without_none(kind))) if kind is not None else []
        return not found or not all(
            isinstance(o, Number | Str) or (isinstance(o, Tensor) and o.dtype in ("int", "bool")) for o in found
        )

    def _check_again(
        self, again: Sequence[Any], inside: Sequence[Any], wanted: Mapping[Any, set[str]], models: set[str]
    ) -> None:
        """Raise `NoRegionError` unless a forward pass may be run again on a copy of the model as it was before it."""
        used = [*(self.access[s].reads for s in inside), *wanted.values()]
        if any(overlap(reads, models) for reads in used) or len(models) > 1:
            message = "the loss depends on forward passes in front of the other update and behind it"
            raise NoRegionError(message, self.place.sink.node)
        statements = self.place.block.statements[: self.end]
        for statement in again:
            later = statements[statements.index(statement) + 1 :]
            changed = [s for s in later if s not in again and s not in inside]
            read = self.access[statement].reads.keys() - models
            if any(overlap(read, self.access[s].writes) for s in changed) or list(exits(statement)):
                raise NoRegionError("what this forward pass reads is changed before the backward pass", statement)

    def _stops(self, statement: Any) -> bool:
        """Whether no gradients come through a statement: a block without them, or a value that is detached."""
        if isinstance(statement, cst.SimpleStatementLine):
            value = statement.body[0].value if isinstance(statement.body[0], cst.Assign) else None
            func = value.func if isinstance(value, cst.Call) else value
            return isinstance(func, cst.Attribute) and func.attr.value in DETACHED
        if not isinstance(statement, cst.With):
            return False
        funcs = [i.item.func if isinstance(i.item, cst.Call) else i.item for i in statement.items]
        kinds = [self.fn.facts.kinds.get(func) for func in funcs]
        return any(isinstance(kind, Api) and kind.name in NO_GRAD for kind in kinds)

    def _check_inside(
        self, prelude: Sequence[Any], forward: Sequence[Any], modules: set[str], order: Mapping[Any, int]
    ) -> None:
        """What comes before the differentiated function, and what is in it."""
        for statement in (*prelude, *forward):
            for inner in exits(statement):
                raise NoRegionError("this leaves the forward pass", inner)
        for statement in prelude:
            for other in forward:
                renewed = order[other] < order[statement] and check_order(
                    other, self.access[other], [self.access[statement]], modules
                )
                if renewed:
                    raise NoRegionError("this block without gradients changes what comes before it", statement)

    def _checked_after(
        self, after: Sequence[Any], inside: Sequence[Any], state: set[str], order: Mapping[Any, int]
    ) -> dict[Any, tuple[str, ...]]:
        """The names whose values statements that come later have to find as they were. Raises `NoRegionError`."""
        versions: dict[Any, tuple[str, ...]] = {}
        first = (self.place.group.steps or self.place.group.backward)[0]
        for statement in after:
            does = self.access[statement]
            for inner in exits(statement):
                raise NoRegionError("this leaves the step between the forward pass and the update", inner)
            used = overlap({*does.reads, *does.writes}, state) if order[statement] < first else set()
            if used:
                names = ", ".join(f"`{shown(name)}`" for name in sorted(used))
                message = f"{names} is used between the forward pass and the update"
                raise NoRegionError(message, statement, "move it in front of the forward pass or behind the update")
            passed = [self.access[s] for s in inside if order[s] > order[statement]]
            versions[statement] = check_order(statement, does, passed, state)
        return {statement: names for statement, names in versions.items() if names}

    def _live(self, region: Sequence[Any], after: Iterable[Any]) -> frozenset[str]:
        """Names that something may look at once the step is done."""
        body: Any = self.fn.node.body
        statements = body.body if isinstance(body, cst.IndentedBlock) else body
        shared = frozenset(self.scope.captured)
        liveness = Liveness(statements, shared if isinstance(self.fn.node, cst.Module) else frozenset())
        live = liveness.after[region[-1]] | shared
        return live.union(*(names_in(statement) for statement in after))

    def _steady(self) -> set[str]:
        """Parameters of a function that stay the same objects from one step to the next, whatever is in them."""
        receiver = receiver_of(self.fn)
        given = {name for name in self.fn.params if name != receiver and not _varies(self.fn, name, {self.fn})}
        body = cast("cst.CSTNode", self.fn.node.body)
        return {*given, *([receiver] if receiver else [])} - access_of(body, self.fn.facts.kinds.get).kills

    def _varying(self) -> set[str]:
        """Places that may change from one step to the next."""
        loop = self.place.block.loop
        if loop is None and not isinstance(self.fn.node, cst.Module):
            return set(self.scope.names)
        return set(access_of(loop if loop is not None else self.fn.node, self.fn.facts.kinds.get).writes)


def _varies(fn: FunctionInfo, param: str, seen: set[FunctionInfo]) -> bool:
    """Whether some caller may give a parameter another object each time."""
    sites = list(calls_of(fn))
    for caller, node, given in sites:
        if param not in given:
            continue  # a default, or an expression
        root = given[param].partition(".")[0]
        loops = [loop for loop in walk(caller.node) if isinstance(loop, cst.For | cst.While)]
        around = [loop for loop in loops if any(part is node for part in walk(loop))]
        if any(overlap([given[param]], access_of(loop, caller.facts.kinds.get).writes) for loop in around):
            return True
        is_passed_on = root in caller.params and root != receiver_of(caller) and not around and caller not in seen
        if is_passed_on and _varies(caller, root, {*seen, caller}):
            return True
    return not sites


DETACHED = frozenset("detach item data numpy tolist".split())


def _check_zeroed(place: Place, trained: Sequence[Trained]) -> None:
    """Raise `NoRegionError` unless the gradients that each step uses are those of its own losses."""
    roles, group = place.roles, place.group
    sinks = [i for i, marked in roles.items() if marked.role is Role.BACKWARD]
    first, last = group.backward[0], group.backward[-1]
    for each in trained:
        zeroed = [i for i, m in roles.items() if m.role is Role.ZERO and zeroes(m, each)]
        if any(first < i < last for i in zeroed):
            raise NoRegionError("gradients are zeroed between two backward passes", place.sink.node)
        if any(place.start <= i < first for i in zeroed):
            continue
        alone = all(i in group.backward for i in sinks)
        if alone and any(i > group.steps[-1] for i in zeroed):
            continue
        message = f"the gradients of `{each.model}` are not zeroed in this block, so that they add up"
        raise NoRegionError(message, place.sink.node, "zero them before each backward pass")


def zeroes(marked: Marked, each: Trained) -> bool:
    """Whether zeroing something zeroes all gradients that an optimizer uses."""
    spelled = _code(marked.subject)
    return spelled == each.optimizer or each.models == (spelled,)


def _code(node: cst.BaseExpression) -> str:
    return cst.Module([]).code_for_node(node)


def _check_roles(place: Place, inside: range, trained: Sequence[Trained]) -> None:
    roles, group = place.roles, place.group
    for i in inside:
        if i not in roles:
            continue
        if roles[i].role is Role.CLIP:
            if not group.backward[-1] < i < group.steps[0] or len(trained) > 1:
                raise NoRegionError("gradients are clipped elsewhere than right before the one step", roles[i].node)
            if not clips_all(roles[i], trained[0]):
                raise NoRegionError("other gradients are clipped than those of the step", roles[i].node)
            if any(norm_grows(roles[i], each, trained[0]) for each in roles.values()):
                message = "gradients that are not zeroed, of parameters that the optimizer lacks, are part of this norm"
                raise NoRegionError(message, roles[i].node, f"zero them by `{trained[0].model}.zero_grad()`")
        checked(roles[i])


def clips_all(marked: Marked, trained: Trained) -> bool:
    """Whether the gradients that are clipped are those of all models, and no part of them."""
    return sorted(_joined(marked.subject)) == sorted(f"{model}.parameters()" for model in trained.models)


def _joined(node: cst.BaseExpression) -> list[str]:
    """The parts of ``list(a.parameters()) + list(b.parameters())``, ``chain(a.parameters(), b.parameters())``."""
    match node:
        case cst.BinaryOperation(left=left, operator=cst.Add(), right=right):
            return [*_joined(left), *_joined(right)]
        case cst.Call(func=cst.Name("list" | "chain") | cst.Attribute(attr=cst.Name("chain")), args=[_, *_] as args):
            return [part for arg in args for part in _joined(arg.value)]
        case cst.List(elements=elements) | cst.Tuple(elements=elements) if all(
            isinstance(element, cst.StarredElement) for element in elements
        ):
            return [part for element in elements for part in _joined(element.value)]
    return [_code(node)]


def norm_grows(clip: Marked, zero: Marked, trained: Trained) -> bool:
    """Whether zeroing leaves gradients of the model as they are, which are clipped with the others and add up."""
    by_optimizer = zero.role is Role.ZERO and _code(zero.subject) == trained.optimizer
    return by_optimizer and trained.is_part and "norm" in _code(clip.node.func)


def places(accesses: Iterable[Access], kinds: Mapping[cst.CSTNode, Any]) -> dict[str, Any]:
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


def _is_function(kind: Any) -> bool:
    """Whether a layer holds nothing, so that its calls may stand in any order."""
    return kind is not None and all(isinstance(o, Layer) and o.stateless for o in options(without_none(kind)))
